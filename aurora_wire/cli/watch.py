"""`aurora-wire watch`: captures live, without root's rights from the first packet on."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.exceptions import add_exception_options, read_exceptions
from aurora_wire.cli.filters import LIVE_NAMES, add_filter_options, read_selection
from aurora_wire.cli.numbers import make_count_parser, seconds
from aurora_wire.cli.output import STANDARD_OUTPUT, Output
from aurora_wire.cli.overwriting import force_option, take_standard_output
from aurora_wire.cli.ports import collect_ports, port_option
from aurora_wire.cli.sensor import add_sensor_arguments, sensor_for
from aurora_wire.errors import UsageError

if TYPE_CHECKING:
    from aurora_wire.capture.live.bpf import Filter

DESCRIPTION = """\
Capture live and judge: which MySQL connections cross the network in the clear,
what leaks, and how sure that is. On a terminal it shows a screen, elsewhere one
line for each thing that happens. Ctrl-C, SIGTERM, --duration or --count end it,
with the summary of `scan`. It needs the right to capture, and gives it up before
it looks at the first packet:
  sudo "$(command -v aurora-wire)" watch ..."""
EXAMPLES = """exit codes:
  0  encrypted (with --require proven: and all of it proven)
  1  plaintext or mixed
  2  wrong use, or no right to capture
  3  inconclusive, no-session, not-mysql, or no packets; also instead of 0
     where the interface went away, or where --require proven is not met
  4  an output could not be written (the capture goes on without it)

examples:
  aurora-wire watch -i eth0 -w evidence.pcapng
  aurora-wire watch --port 3307 --duration 60 --format jsonl
"""
SIZES: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-i", "--interface", metavar="IFACE", action="append", default=[],
        help="Capture on this interface; may be given several times (default: the one that leads to --host, else "
        "all, as with `any`).")
    add("--port", metavar="N", type=port_option, action="append", default=[],
        help="Capture this port only; +N: besides the default ones, 3306 and 33060. May be given several times, or "
        "as N,N.")
    add("--host", metavar="HOST", action="append", default=[],
        help="Capture what goes to or comes from this host only. May be given several times.")
    add("--filter", metavar="BPF",
        help="Capture what this filter in tcpdump's language takes, on any port (with --port, --host: on these). "
        "MySQL is found by its content.")
    add("-w", "--write", metavar="FILE",
        help="Write every packet to this new pcapng file, readable for whoever called sudo, and nobody else; or to "
        "standard output (-), and all words to standard error.")
    force_option(parser)
    add("--rotate", metavar="SIZE", type=_size,
        help="Begin another file (FILE.00001.pcapng ...) when one has this size: bytes, or with K, M or G.")
    add("--keep", metavar="N", type=make_count_parser("files"),
        help="With --rotate: keep the newest files only, this many (default: all).")
    add("--duration", metavar="TIME", type=seconds, help="End after this time: seconds, or with m, h or d.")
    add("--count", metavar="N", type=make_count_parser("packets"), help="End after this many packets.")
    add("--format", choices=("text", "jsonl"), default="text",
        help="Write text for people, or JSON lines (default text).")
    add("--window", metavar="SECONDS", type=seconds, default=30.0,
        help="Show connections that were active in this time (screen), or the rates this often (default 30).")
    add("--redact", action="store_true",
        help="Mask literals, comments and parameters in statements (default: show them).")
    add("--require", choices=("proven",),
        help="Exit with 3 instead of 0 where a connection is encrypted but not proven to be.")
    add("--quiet", action="store_true", help="Print the closing sentence only.")
    add_filter_options(parser, live=True)
    add_exception_options(parser, "Of clients for whom AW101 is ignored, --alert tells nothing.")
    add_sensor_arguments(parser)


def _size(text: str) -> int:
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if not (number.isascii() and number.isdigit() and unit in SIZES and len(number) < 16 and int(number)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, such as 100M")
    return int(number) * SIZES[unit]


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire._version import VERSION  # noqa: PLC0415
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415
    from aurora_wire.analysis.watch import Watch  # noqa: PLC0415
    from aurora_wire.capture.live.recording import Recording  # noqa: PLC0415
    from aurora_wire.capture.live.ring import LiveCapture, NoPermission  # noqa: PLC0415
    from aurora_wire.capture.live.rotation import CaptureFiles, Files, Pipe  # noqa: PLC0415
    from aurora_wire.cli import preload  # noqa: PLC0415 - not for --help
    from aurora_wire.cli.outbox import Outbox  # noqa: PLC0415
    from aurora_wire.cli.scan import each  # noqa: PLC0415
    from aurora_wire.cli.watch_session import Session, Stop, view_for  # noqa: PLC0415
    from aurora_wire.rights.held_folder import delegate_all  # noqa: PLC0415
    from aurora_wire.rights.privileges import account_to_become, drop  # noqa: PLC0415

    if arguments.rotate and not arguments.write:
        raise UsageError("--rotate needs the name of a file, -w FILE.")
    if arguments.keep and not arguments.rotate:
        raise UsageError("--keep needs files that follow each other, --rotate SIZE.")
    if arguments.rotate and (arguments.force or arguments.write == STANDARD_OUTPUT):
        raise UsageError("--rotate makes files of its own names: they are new ones, and no standard output.")
    ports, only_ports = collect_ports(arguments.port)
    wanted, interfaces = _what(arguments, ports)
    options = ScanOptions(
        ports, only_ports and arguments.filter is None, selection=read_selection(arguments, LIVE_NAMES),
        exceptions=read_exceptions(arguments),
    )  # fmt: skip
    account = account_to_become()
    files: Files | None = None
    if arguments.write == STANDARD_OUTPUT:
        files = Pipe(take_standard_output("a capture"))
    elif arguments.write:
        files = CaptureFiles(arguments.write, account, several=bool(arguments.rotate), replace=arguments.force)
    try:
        capture = LiveCapture(interfaces, wanted)
    except NoPermission as error:
        raise UsageError(_ways_out(str(error))) from error
    with capture, Output() as output, Stop() as stop:
        recording = None
        if files is not None:
            recording = Recording(
                capture, files, application=f"aurora_wire {VERSION}", rotate=arguments.rotate or 0,
                keep=arguments.keep or 0,
                comment=f"Recorded live by aurora_wire {VERSION} (aurora-wire watch) on {capture.name}",
            )  # fmt: skip
        outbox = Outbox()
        view = view_for(arguments, output, outbox.put)
        sensor = sensor_for(arguments, account, capture.name)
        watch = Watch(
            capture, options, recording=recording, on_statement=None if view is None else view.statement,
            on_connection=each(*(one.connection for one in (view, sensor) if one is not None)),
        )  # fmt: skip
        preload.everything()
        if sensor is not None:
            delegate_all()  # the folder of --state, where root itself called
        drop(account)
        return Session(arguments, output, outbox, watch, view, stop, sensor).run()


def _what(arguments: argparse.Namespace, ports: tuple[int, ...]) -> tuple[Filter, list[str]]:
    """Return the filter, and the interfaces (none: all)."""
    from aurora_wire.capture.live.bpf import expression_filter, port_filter  # noqa: PLC0415
    from aurora_wire.capture.live.route import find_addresses, interface_to  # noqa: PLC0415

    hosts = [address for host in arguments.host for address in find_addresses(host)]
    interfaces = arguments.interface
    if hosts and not interfaces:
        interfaces = [name for name in map(interface_to, hosts) if name is not None]
    if arguments.filter is None:
        return port_filter(ports, hosts), interfaces
    parts = [f"({arguments.filter})"] if arguments.filter.strip() else []  # an empty one takes everything
    if arguments.port:
        parts.append("tcp and (" + " or ".join(f"port {port}" for port in ports) + ")")
    if hosts:
        parts.append("(" + " or ".join(f"host {host}" for host in hosts) + ")")
    return expression_filter(" and ".join(parts) if arguments.port or hosts else arguments.filter), interfaces


def _ways_out(error: str) -> str:
    """Return one line: what to do without the right to capture."""
    from aurora_wire.cli.installation import called_as, copy_with_the_right  # noqa: PLC0415 - not where all is well

    copy, grant = copy_with_the_right(sys.executable)
    again = shlex.join(sys.argv[1:])
    return (
        f"{error}. Either: sudo {shlex.join(called_as())} {again}. "
        f"Or once: {grant}, then: {shlex.quote(copy)} -m aurora_wire {again}. "
        "Or without any rights, through a relay: aurora-wire relay --listen 127.0.0.1:3307 --to HOST:3306"
    )
