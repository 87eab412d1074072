"""`aurora-wire packets`: captures in, one line a packet out, as tcpdump prints it, with what is in it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.choosing import Chosen, choose
from aurora_wire.cli.exit_codes import INTERRUPTED
from aurora_wire.cli.filters import add_filter_options, read_selection
from aurora_wire.cli.inputs import captures_argument, say_waiting
from aurora_wire.cli.output import Output, complain
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.ports import collect_ports, port_argument
from aurora_wire.cli.terminal import use_color
from aurora_wire.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from aurora_wire.analysis.packets import PacketView
    from aurora_wire.report.packets.tcpdump.line import TcpdumpLines

LISTED: Final = 0
NOTHING: Final = 3  # or not all: an input was cut or could not be read

DESCRIPTION = """\
List packets as `TZ=UTC tcpdump -nn` prints them, each with what is in it. Two
spaces after tcpdump's line come the packet's number, its connection (as in
`aurora-wire scan` of the same captures with the same --port), its labels, and
how many bytes of it needed protection and had none. Numbers, and tcpdump's
relative sequence numbers, count packets that are not listed too. Of several
captures, which are read in the order of their times, a packet is named by its
capture and its number there. Packets are shown as they are: nothing is masked."""
EXAMPLES = """\
exit codes:
  0  at least one packet was listed
  2  wrong use, or no input could be read as a capture
  3  nothing matched; also instead of 0 where an input was cut or could not be
     read
  4  the output could not be written
  130, 141  Ctrl-C; the reader closed the pipe (`| head`)

examples:
  aurora-wire packets --only COM_QUERY -X night.pcap.gz
  aurora-wire packets --frame 12 --explain night.pcap.gz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    captures_argument(parser)
    add("--only", metavar="LABEL", action="append", default=[],
        help="List packets with this in them, such as COM_QUERY, login or 'TLS alert', in any case. "
        "May be given several times. An unknown one is answered with the list of all.")
    add("--connection", metavar="ID", type=_number, action="append", default=[],
        help="List packets of this connection. May be given several times.")
    add("--frame", metavar="[NAME:]N", type=_frames, action="append", default=[],
        help="List this packet, or these: 10-20; of several captures as they are named: night.pcap:10-20 (without "
        "the name they are counted over all captures). May be given several times.")
    add("--limit", metavar="N", type=_number,
        help="List the first N packets that match (default: all).")
    dump = parser.add_mutually_exclusive_group()
    dump.add_argument("-X", dest="dump", action="store_const", const="X",
        help="Dump each packet from its IP header on as tcpdump -X does. Bytes that crossed in the clear and "
        "needed protection are red on a terminal; elsewhere a line of ^ is under them.")
    dump.add_argument("-XX", dest="dump", action="store_const", const="XX",
        help="The same, from the link header on.")
    add("--explain", action="store_true",
        help="Walk through each packet field by field, in words.")
    add("--tcpdump", action="store_true",
        help="Leave out what tcpdump does not print: labels, marks, names of captures.")
    add("--format", choices=("text", "csv"), default="text",
        help="Write lines like tcpdump's, or a table as CSV (default text).")
    port_argument(
        parser, ports="the default ones (3306 and 33060; on all others MySQL is found by its content)",
        times="several times, or as N,N",
    )  # fmt: skip
    add("--keylog", metavar="FILE", action="append", default=[],
        help="Open TLS with the secrets in this file (SSLKEYLOGFILE), and name the statements inside behind their "
        "packet. May be given several times. Needs: pip install 'aurora_wire[keylog]'.")
    output_options(parser)
    add_filter_options(parser)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:20]) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text[:20])


def _frames(text: str) -> tuple[str, range]:
    """Parse `12`, or `10-20` with both ends; the name of a capture may be before it, with a colon."""
    name, _, numbers = text.rpartition(":")
    first, dash, last = numbers.partition("-")
    begin = _number(first)
    end = _number(last) if dash else begin
    if end < begin:
        raise argparse.ArgumentTypeError(f"{text!r} ends before it begins")
    return name, range(begin, end + 1)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415 - not for --help
    from aurora_wire.analysis.packets import packets  # noqa: PLC0415

    if arguments.format == "csv" and (arguments.dump or arguments.explain or arguments.tcpdump):
        raise UsageError("--format csv is a table: it has no place for -X, -XX, --explain or --tcpdump.")
    options = ScanOptions(
        *collect_ports(arguments.port), keylogs=arguments.keylog, selection=read_selection(arguments)
    )
    chosen = choose(arguments.captures, options)
    wanted = _Wanted(arguments, chosen)
    damages: list[CaptureError] = []
    say_waiting(arguments.captures)
    code = NOTHING
    with Output(arguments.output, force=arguments.force, inputs=arguments.captures) as output:

        def begin(paths: list[str]) -> None:
            wanted.begin(paths)
            listing.begin(paths)

        def opening(path: str, _: int) -> None:
            if output.replaces(path):
                raise UsageError(f"{output.path}: this is one of the captures. Give the list another name.")

        listing = (_Table if arguments.format == "csv" else _Listing)(arguments, output, chosen)
        views = packets(
            arguments.captures,
            options,
            on_error=damages.append,
            on_begin=begin,
            on_capture=opening,
        )
        try:
            for view in wanted.of(views, listing):
                listing.put(view)
                code = LISTED
        except KeyboardInterrupt:
            code = INTERRUPTED  # what was listed until then is written, and a file says that it is not all
            output.interrupted()
    for damage in damages:
        complain(str(damage))
    if code == NOTHING and not damages and not wanted.seen:
        complain("there are no packets: the captures are empty.")
    if chosen.said:
        seen = wanted.seen + (0 if options.frames is None else options.frames.left_out)
        complain(f"{chosen.said} lets {wanted.listed:,} of {seen:,} packets through.")
    return NOTHING if damages and code == LISTED else code


class _Wanted:
    """Which packets to list."""

    def __init__(self, arguments: argparse.Namespace, chosen: Chosen) -> None:
        self.chosen = chosen
        self.seen = 0       # packets
        self.listed = 0
        self.labels = {_label(name) for name in arguments.only}
        self.connections = set(arguments.connection)
        self.frames: list[range] = [numbers for name, numbers in arguments.frame if not name]
        self.last_frame = max((frames[-1] for frames in self.frames), default=None)
        self.limit: int | None = arguments.limit
        self._named: list[tuple[str, range]] = [(name, numbers) for name, numbers in arguments.frame if name]
        self._places: dict[str, list[range]] = {}   # by path: frames by their numbers there
        if self._named:
            self.last_frame = None

    def begin(self, paths: list[str]) -> None:
        """Find the captures that `--frame` names. Raises UsageError."""
        from aurora_wire.report.frame_names import choose_names  # noqa: PLC0415

        if not self._named:
            return
        names = choose_names(paths)
        for wanted, numbers in self._named:
            found = [path for path, name in zip(paths, names, strict=True) if wanted in (path, name)]
            if not found:
                raise UsageError(f"--frame: there is no capture {wanted!r}. There are: {', '.join(names[:20])}.")
            for path in found:
                self._places.setdefault(path, []).append(numbers)

    def of(self, views: Iterator[PacketView], listing: _Listing) -> Iterator[PacketView]:
        """Yield those of `views`; the others are shown to `listing` too. Ends when no more can come."""
        count = 0
        for view in views:
            listing.see(view)
            self.seen += 1
            if self.chosen.wants(view) and self.wants(view):
                self.listed += 1
                yield view
                count += 1
            if count == self.limit or view.number == self.last_frame:
                return

    def wants(self, view: PacketView) -> bool:
        if (self.frames or self._named) and not (
            any(view.number in frames for frames in self.frames)
            or any(view.capture_frame in frames for frames in self._places.get(view.capture, ()))
        ):
            return False
        if self.connections and view.connection not in self.connections:
            return False
        return (
            not self.labels
            or not self.labels.isdisjoint(view.labels)
            or any(one.command in self.labels for one in self.chosen.inside.get(view.number, ()))
        )


def _label(name: str) -> str:
    """Return a label's name as it is written. Raises UsageError with all of them where there is none like it."""
    from aurora_wire.analysis.packets import label_names  # noqa: PLC0415

    names = label_names()
    known = {one.lower(): one for one in names}
    # Commands that no server knows: a label can have any of 256 numbers.
    known.update({f"com_0x{number:02x}": f"COM_0x{number:02X}" for number in range(256)})
    found = known.get(name.strip().lower())
    if found is None:
        raise UsageError(f"--only: there is no label {name!r}. There are: {', '.join(names)}.")
    return found


class _Listing:
    """Prints packets. It is shown every packet, as tcpdump's lines rest on those before."""

    def __init__(self, arguments: argparse.Namespace, output: Output, chosen: Chosen) -> None:
        from aurora_wire.report.packets.tcpdump.line import TcpdumpLines  # noqa: PLC0415

        self.inside = chosen.inside
        self.output = output
        self.dump: str | None = arguments.dump
        self.explain: bool = arguments.explain
        self.plain: bool = arguments.tcpdump
        self.color = use_color(terminal=output.is_terminal) and not self.plain
        self.live = "-" in arguments.captures
        self.several = False
        self._names: dict[str, str] = {}
        self._tcpdump: TcpdumpLines = TcpdumpLines()
        self._header = ""
        self._capture = ""

    def begin(self, paths: list[str]) -> None:
        """Learn the names of the captures, before the first packet."""
        self.several = len(paths) > 1
        if self.several and not self.plain:
            from aurora_wire.report.frame_names import choose_names  # noqa: PLC0415

            self._names = dict(zip(paths, choose_names(paths), strict=True))

    def see(self, view: PacketView) -> None:
        self._header = self._tcpdump.header_line(
            view.data, view.link_type, view.time_ns, view.original_len, view.undated
        )

    def put(self, view: PacketView) -> None:
        """Write the packet that was seen last."""
        if self.explain and self._capture:
            self._line("")  # between two packets
        if self.several and view.capture != self._capture and not self.plain:
            from aurora_wire.report.escape import show_text  # noqa: PLC0415

            self._line(f"-- {show_text(view.capture)}")
        self._capture = view.capture
        self._line(self._header if self.plain else f"{self._header}  {self._suffix(view)}")
        if self.dump is not None:
            for line in self._dump(view):
                self._line(line)
        if self.explain:
            for line in _explanation(view):
                self._line(line)
        if self.live:
            self.output.flush()

    def _line(self, text: str) -> None:
        self.output.write(text + "\n")

    def _suffix(self, view: PacketView) -> str:
        of = "" if view.connection is None else f", connection {view.connection}"
        names = ", ".join(view.labels)
        leaked = view.leaked_bytes
        if leaked:
            names += f"; {leaked} {'byte' if leaked == 1 else 'bytes'} in the clear"
            if self.color:
                from aurora_wire.report.packets.hex_dump import COLOUR_OFF, COLOUR_ON  # noqa: PLC0415

                names = f"{COLOUR_ON}{names}{COLOUR_OFF}"
        for one in self.inside.get(view.number, ()):
            from aurora_wire.report.escape import show_bytes, show_text  # noqa: PLC0415 - only with a key log

            names += f"; inside TLS: {show_text(one.command)} {show_bytes(one.sql)}".rstrip()
        frame = f"{self._names[view.capture]}:{view.capture_frame}" if self.several else str(view.number)
        return f"[frame {frame}{of}: {names}]"

    def _dump(self, view: PacketView) -> list[str]:
        from aurora_wire.report.packets.hex_dump import hex_dump, hex_dump_marked  # noqa: PLC0415

        start = self._tcpdump.dump_at
        if self.dump == "XX" and start < len(view.data):
            start = 0  # what tcpdump calls an invalid header has no dump at all
        data = view.data[start:]
        if self.plain:
            return hex_dump(data)
        ranges = [(low - start, high - start) for low, high in view.leaked]
        return hex_dump_marked(data, ranges, colour=self.color)


class _Table(_Listing):
    """Writes packets as CSV."""

    def __init__(self, arguments: argparse.Namespace, output: Output, chosen: Chosen) -> None:
        from aurora_wire.report.csv_tables import PACKET_COLUMNS, line  # noqa: PLC0415

        super().__init__(arguments, output, chosen)
        output.write(line(PACKET_COLUMNS))

    def put(self, view: PacketView) -> None:
        from aurora_wire.report.csv_tables import packet_line  # noqa: PLC0415

        self.output.write(packet_line(view, self._header))
        if self.live:
            self.output.flush()


def _explanation(view: PacketView) -> list[str]:
    from aurora_wire.report.packets.explain.frame import explain  # noqa: PLC0415 - only with --explain

    return explain(
        view.data, view.link_type, list(view.spans), view.from_client, view.capabilities, view.codec, view.packets
    )
