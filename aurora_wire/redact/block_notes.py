"""What stands around the frames of a pcapng and is not to be handed on: comments, names, secrets, anybody's own blocks.

Blocks of packets, interfaces and statistics stay, with their numbers; the texts in them become the filler, of the same
length. Source: draft-ietf-opsawg-pcapng, "Options", "Block Types".
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.capture.files.pcapng import INTERFACE, OPT_NAME, SECTION_HEADER, STATISTICS, PcapngSource
from aurora_wire.capture.files.pcapng_options import Options

SECTION_OPTIONS: Final[i64] = 24    # where options begin in a block
INTERFACE_OPTIONS: Final[i64] = 16
STATISTICS_OPTIONS: Final[i64] = 20
PACKET_OPTIONS: Final[i64] = 28     # behind the frame
SIMPLE_PACKET: Final[i64] = 12
MAX_NAME: Final[i64] = 15           # bytes of an interface's name, as Linux has them
NAME: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_@-\0"
# Options that are numbers and have a fixed size: code and size.
INTERFACE_NUMBERS: Final = frozenset(((8, 8), (9, 1), (10, 4), (13, 1), (14, 8)))  # speed, clock, zone, FCS, offset
PACKET_NUMBERS: Final = frozenset(((2, 4), (4, 8), (5, 8), (6, 4)))                # flags, drops, id, queue
STATISTICS_NUMBERS: Final = frozenset(((2, 8), (3, 8), (4, 8), (5, 8), (6, 8), (7, 8), (8, 8)))
NO_NUMBERS: Final[frozenset[tuple[int, int]]] = frozenset()


class CutSource(PcapngSource):
    """Notes what is to be written in another way: file offset, length, and what stands there instead.

    before: what comes before the frame that was read last; after: behind its bytes. Whole blocks are left out
    (b"") where they hold neither packets nor numbers: `blocks` counts them.
    """

    def __init__(self, path: str, read: Callable[[], bytes]) -> None:
        self.before: list[tuple[int, int, bytes]] = []
        self.after: list[tuple[int, int, bytes]] = []
        self.blocks: i64 = 0
        super().__init__(path, read)

    def _begin_section(self) -> None:
        begin = self.base + self.next
        super()._begin_section()
        length = self.base + self.next - begin
        self._look(self.next - length, length, SECTION_OPTIONS, SECTION_HEADER)

    def _other(self, kind: i64, length: i64) -> None:
        begin = self.base + self.next
        super()._other(kind, length)
        if kind == INTERFACE:
            self._look(self.next - length, length, INTERFACE_OPTIONS, kind)
        elif kind == STATISTICS and length >= STATISTICS_OPTIONS + 4 and self.next >= length:
            self._look(self.next - length, length, STATISTICS_OPTIONS, kind)
        else:
            self.before.append((int(begin), int(length), b""))
            self.blocks += 1

    def _look(self, at: i64, length: i64, options: i64, kind: i64) -> None:
        numbers = NO_NUMBERS
        if kind == INTERFACE:
            numbers = INTERFACE_NUMBERS
        elif kind == STATISTICS:
            numbers = STATISTICS_NUMBERS
        self._options(self.before, at + options, at + length - 4, numbers, named=kind == INTERFACE)

    def _enhanced(self, at: i64, length: i64) -> None:
        super()._enhanced(at, length)
        self._behind(at, length)

    def _old(self, at: i64, length: i64) -> None:
        super()._old(at, length)
        self._behind(at, length)

    def _behind(self, at: i64, length: i64) -> None:
        options = at + PACKET_OPTIONS + ((self.captured_len + 3) & ~3)
        if options < at + length - 4:
            self._options(self.after, options, at + length - 4, PACKET_NUMBERS, named=False)

    def _simple(self, at: i64, length: i64) -> None:
        super()._simple(at, length)
        end = at + SIMPLE_PACKET + self.captured_len
        if end + 4 <= at + length - 4:
            # Bytes behind those that were captured.
            room = at + length - 4 - end
            self.after.append((int(self.base + end), int(room), bytes(int(room))))

    def _options(
        self, found: list[tuple[int, int, bytes]], at: i64, end: i64, numbers: frozenset[tuple[int, int]], *,
        named: bool,
    ) -> None:
        """Replace the options of data[at:end], as far as they are not to stay."""
        if at >= end:
            return
        data = self.buffer
        parts: list[bytes] = []
        options = Options(data, at, end, self.big_endian)
        while options.next():
            text = data[options.start : options.stop]
            stays = (int(options.code), len(text)) in numbers or (named and options.code == OPT_NAME and is_name(text))
            parts.append(data[options.start - 4 : options.start])
            parts.append(text if stays else b"*" * len(text))
            parts.append(bytes(int(options.at - options.stop)))
        place = options.at
        if options.ended:
            parts.append(data[place : place + 4])
            place += 4
        parts.append(bytes(int(end - place)))
        new = b"".join(parts)
        if new != data[at:end]:
            found.append((int(self.base + at), int(end - at), new))


def is_name(text: bytes) -> bool:
    """Return whether it is what an interface is called: `eth0`, `br-1a2b3c`."""
    return 0 < len(text) <= MAX_NAME and len(text.translate(None, NAME)) == 0
