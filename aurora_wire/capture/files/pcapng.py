"""Reader of pcapng files: sections, interfaces with their clocks, drop counters, TLS secrets.

Source: draft-ietf-opsawg-pcapng; the old Packet Block from its appendix "Packet Block (obsolete)".
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u16_be, u32, u32_be
from aurora_wire.capture.files.pcapng_options import Options
from aurora_wire.capture.frame_source import MAX_TIME, NO_TIME, BlockSource

SECTION_HEADER: Final[i64] = 0x0A0D0D0A  # the same in both byte orders
BYTE_ORDER_MAGIC: Final[i64] = 0x1A2B3C4D
INTERFACE: Final[i64] = 1
OLD_PACKET: Final[i64] = 2
SIMPLE_PACKET: Final[i64] = 3
STATISTICS: Final[i64] = 5
ENHANCED_PACKET: Final[i64] = 6
SECRETS: Final[i64] = 10

TLS_KEY_LOG: Final[i64] = 0x544C534B

OPT_NAME: Final[i64] = 2          # of an interface
OPT_DROP_COUNT: Final[i64] = 4    # of an enhanced packet
OPT_IF_DROP: Final[i64] = 5       # of statistics
OPT_OS_DROP: Final[i64] = 7       # of statistics
OPT_RESOLUTION: Final[i64] = 9    # of an interface
OPT_TIME_OFFSET: Final[i64] = 14  # of an interface

# Our bounds, not the format's. What is longer is a damaged file, or is left out where it holds no packets.
MAX_BLOCK: Final[i64] = 16777216
MAX_INTERFACES: Final[i64] = 65536
MAX_NAME: Final[i64] = 256
MAX_SECRETS: Final[i64] = 16777216  # bytes, all together, with what the objects around them take
SECRET_COST: Final[i64] = 256
MAX_DROPS: Final[i64] = 0xFFFFFFFFFFFF  # of a file; so many an option may name


class Interface:
    """What the packets of one interface need: link type, snaplen, clock."""

    def __init__(self, link_type: i64, snaplen: i64) -> None:
        self.link_type: i64 = link_type
        self.snaplen: i64 = snaplen  # 0: none
        self.scale: i64 = 1000       # nanoseconds of a tick; 0 where that takes `ticks` and `offset`
        self.high_limit: i64 = 0     # upper halves of timestamps from here on are beyond MAX_TIME
        self.ticks: int = 1_000_000  # in a second
        self.offset: int = 0         # seconds to add
        self.drops: i64 = 0          # as last counted

    def set_clock(self, ticks: int, offset: int) -> None:
        self.ticks = ticks
        self.offset = offset
        self.scale = 0
        if offset == 0 and ticks == 1_000_000:
            self.scale = 1000
            self.high_limit = 0x100000
        elif offset == 0 and ticks == 1_000_000_000:
            self.scale = 1
            self.high_limit = 0x40000000


class PcapngSource(BlockSource):
    """The frames of a pcapng file. Raises CaptureError at once where the first block makes no sense.

    `interfaces` are the names in file order ("" where there is none), `secrets` the key logs met so far;
    `drops` counts packets that the capturing machine lost, -1 where the file does not say. `counted_drops` are those
    of the last statistics of an interface, by section << 32 | number, `noted_drops` those noted at packets.
    `sections` counts section headers.
    """

    def __init__(self, path: str, read: Callable[[], bytes]) -> None:
        super().__init__(path, read)
        self.big_endian: bool = False
        self.interfaces: list[str] = []
        self.secrets: list[bytes] = []
        self.secrets_left_out: i64 = 0  # key logs beyond MAX_SECRETS
        self.drops: i64 = -1
        self.sections: i64 = 0
        self.counted_drops: dict[i64, i64] = {}
        self.noted_drops: i64 = -1               # -1: none
        self._secret_bytes: i64 = 0
        self._section: list[Interface] = []      # interfaces of the current section
        self._current: Interface = Interface(-1, 0)
        self._current_id: i64 = -1
        self._counted: i64 = -1                  # drops by interface statistics, -1: none were there
        self._earlier: i64 = 0                   # the part of `_counted` of earlier sections
        self._total: i64 = 0                     # drops of the current section's interfaces
        if not self.need(12):
            self.broken(f"ends inside the pcapng section header ({self.left()} bytes)")
        self._begin_section()

    def advance(self) -> bool:
        if self.damaged:
            return False
        while True:
            if self.next + 8 > self.size and not self.need(8):
                if self.left() == 0:
                    return False
                self.broken(f"ends inside the header of a block ({self.left()} of 8 bytes)")
            at: i64 = self.next
            kind: i64 = self._u32(at)
            if kind == SECTION_HEADER:
                self._begin_section()
                continue
            length: i64 = self._u32(at + 4)
            if length < 12 or length & 3 != 0:
                self.broken(f"block claims {length} bytes, which no block can have")
            if kind in (ENHANCED_PACKET, SIMPLE_PACKET, OLD_PACKET):
                self._whole(length)
                at = self.next
                if kind == ENHANCED_PACKET:
                    self._enhanced(at, length)
                elif kind == SIMPLE_PACKET:
                    self._simple(at, length)
                else:
                    self._old(at, length)
                self.next = at + length
                self.count += 1
                return True
            self._other(kind, length)

    def _enhanced(self, at: i64, length: i64) -> None:
        if length < 32:
            self.fail(f"packet block of {length} bytes is too short. {self.loss()}")
        self._use_interface(self._u32(at + 8))
        self._stamp(self._u32(at + 12), self._u32(at + 16))
        captured: i64 = self._u32(at + 20)
        self._frame(at + 28, captured, self._u32(at + 24), at + length - 4)
        options: i64 = at + 28 + ((captured + 3) & ~3)
        if options + 4 < at + length:
            dropped: i64 = self._option_u64(options, at + length - 4, OPT_DROP_COUNT)
            if dropped > 0:
                self._note_drops(dropped)

    def _simple(self, at: i64, length: i64) -> None:
        if length < 16:
            self.fail(f"packet block of {length} bytes is too short. {self.loss()}")
        self._use_interface(0)
        original: i64 = self._u32(at + 8)
        captured: i64 = min(original, length - 16)
        if self._current.snaplen != 0:
            captured = min(captured, self._current.snaplen)
        self.time_ns = NO_TIME
        self._frame(at + 12, captured, original, at + length - 4)

    def _old(self, at: i64, length: i64) -> None:
        if length < 32:
            self.fail(f"packet block of {length} bytes is too short. {self.loss()}")
        self._use_interface(self._u16(at + 8))
        dropped: i64 = self._u16(at + 10)
        if dropped not in (0, 0xFFFF):
            self._note_drops(dropped)
        self._stamp(self._u32(at + 12), self._u32(at + 16))
        self._frame(at + 28, self._u32(at + 20), self._u32(at + 24), at + length - 4)

    def _frame(self, at: i64, captured: i64, original: i64, end: i64) -> None:
        if at + captured > end:
            self.fail(f"packet of {captured} bytes in a block with room for {end - at}. {self.loss()}")
        self.at = at
        self.captured_len = captured
        self.original_len = original
        self.link_type = self._current.link_type

    def _use_interface(self, number: i64) -> None:
        if number == self._current_id:
            return
        if number >= len(self._section):
            self.fail(
                f"packet of interface {number}, and only {len(self._section)} were described. {self.loss()}"
            )
        self._current = self._section[number]
        self._current_id = number

    def _stamp(self, high: i64, low: i64) -> None:
        interface = self._current
        if interface.scale != 0 and high < interface.high_limit:
            self.time_ns = (high << 32 | low) * interface.scale
        else:
            self.time_ns = odd_time(high, low, interface)

    def _note_drops(self, dropped: i64) -> None:
        self.noted_drops = min(max(self.noted_drops, 0) + dropped, MAX_DROPS)
        self.drops = max(self.noted_drops, self._counted)

    def _begin_section(self) -> None:
        if not self.need(12):
            self.broken("ends inside a section header")
        at: i64 = self.next
        if u32_be(self.buffer, at + 8) == BYTE_ORDER_MAGIC:
            self.big_endian = True
        elif u32(self.buffer, at + 8) == BYTE_ORDER_MAGIC:
            self.big_endian = False
        else:
            self.fail(f"section header without the byte-order magic. {self.loss()} Is it really a capture?")
        length: i64 = self._u32(at + 4)
        if length < 28 or length & 3 != 0 or length > MAX_BLOCK:
            self.broken(f"section header claims {length} bytes")
        self._whole(length)
        version: i64 = self._u16(self.next + 12)
        if version != 1:
            self.fail(f"pcapng version {version} is not known: only 1 is. {self.loss()}")
        self.next += length
        self.sections += 1
        self._earlier = max(self._counted, 0)
        self._total = 0
        self._section = []
        self._current_id = -1

    def _other(self, kind: i64, length: i64) -> None:
        """Take a block that holds no packet: it is read if we know it, else left out by its length."""
        if kind in (INTERFACE, STATISTICS, SECRETS):
            if length <= MAX_BLOCK:
                self._whole(length)
                if kind == INTERFACE:
                    self._describe_interface(self.next, length)
                elif kind == STATISTICS:
                    self._count_drops(self.next, length)
                else:
                    self._keep_secrets(self.next, length)
                self.next += length
                return
            if kind == INTERFACE:
                self.broken(f"interface description claims {length} bytes")
            if kind == SECRETS:
                self.secrets_left_out += 1
        if not self.skip(length):
            self.broken(f"ends inside a block of {length} bytes")

    def _describe_interface(self, at: i64, length: i64) -> None:
        if length < 20:
            self.fail(f"interface description of {length} bytes is too short. {self.loss()}")
        if len(self.interfaces) >= MAX_INTERFACES:
            self.fail(f"describes more than {MAX_INTERFACES} interfaces. {self.loss()}")
        interface = Interface(self._u16(at + 8), self._u32(at + 12))
        ticks = 1_000_000
        offset = 0
        name = ""
        options = Options(self.buffer, at + 16, at + length - 4, self.big_endian)
        while options.next():
            value = options.start
            size = options.stop - value
            if options.code == OPT_NAME:
                name = self.buffer[value:value + min(size, MAX_NAME)].rstrip(b"\0").decode("utf-8", "replace")
            elif options.code == OPT_RESOLUTION and size >= 1:
                power = int(self.buffer[value])
                ticks = 1 << (power & 0x7F) if power & 0x80 else int(10 ** power)
            elif options.code == OPT_TIME_OFFSET and size == 8:
                offset = int.from_bytes(
                    self.buffer[value:value + 8], "big" if self.big_endian else "little", signed=True
                )
        interface.set_clock(ticks, offset)
        self._section.append(interface)
        self.interfaces.append(name)

    def _count_drops(self, at: i64, length: i64) -> None:
        """Count drops. Statistics run from the start of the capture: the last block of an interface counts."""
        if length < 24:
            return
        number: i64 = self._u32(at + 8)
        if number >= len(self._section):
            return
        by_interface: i64 = self._option_u64(at + 20, at + length - 4, OPT_IF_DROP)
        by_system: i64 = self._option_u64(at + 20, at + length - 4, OPT_OS_DROP)
        if by_interface < 0 and by_system < 0:
            return
        # A running total: with thousands of interfaces and statistics a sum each time would take hours.
        interface = self._section[number]
        self._total -= interface.drops
        interface.drops = max(by_interface, 0) + max(by_system, 0)
        self._total += interface.drops
        self._counted = min(self._earlier + self._total, MAX_DROPS)
        self.drops = max(self.noted_drops, self._counted)
        self.counted_drops[(self.sections - 1) << 32 | number] = interface.drops

    def _keep_secrets(self, at: i64, length: i64) -> None:
        if length < 20 or self._u32(at + 8) != TLS_KEY_LOG:
            return
        size: i64 = min(self._u32(at + 12), length - 20)
        if size <= 0:
            return
        if self._secret_bytes + size + SECRET_COST > MAX_SECRETS:
            self.secrets_left_out += 1
            return
        self._secret_bytes += size + SECRET_COST
        self.secrets.append(self.buffer[at + 16:at + 16 + size])

    def _option_u64(self, at: i64, end: i64, wanted: i64) -> i64:
        """Return a counter among options, -1 where it is not there; bounded to 48 bits."""
        options = Options(self.buffer, at, end, self.big_endian)
        while options.next():
            if options.code == wanted and options.stop - options.start == 8:
                first: i64 = self._u32(options.start)
                second: i64 = self._u32(options.start + 4)
                high: i64 = first if self.big_endian else second
                low: i64 = second if self.big_endian else first
                return (high & 0xFFFF) << 32 | low if high <= 0xFFFF else 0xFFFFFFFFFFFF
        return -1

    def _whole(self, length: i64) -> None:
        """Read until the whole block is in the buffer; its length stands at its end, too."""
        if length > MAX_BLOCK:
            self.broken(f"block claims {length} bytes, more than any packet needs")
        if self.next + length > self.size and not self.need(length):
            self.broken(f"ends inside a block ({self.left()} of {length} bytes)")
        again: i64 = self._u32(self.next + length - 4)
        if again != length:
            self.broken(f"block says {length} bytes at its start and {again} at its end")

    def _u16(self, at: i64) -> i64:
        return u16_be(self.buffer, at) if self.big_endian else u16(self.buffer, at)

    def _u32(self, at: i64) -> i64:
        return u32_be(self.buffer, at) if self.big_endian else u32(self.buffer, at)


def odd_time(high: i64, low: i64, interface: Interface) -> int:
    """Return nanoseconds since 1970, 0 to MAX_TIME, of a timestamp in ticks other than micro- or nanoseconds."""
    upper: int = high
    lower: int = low
    seconds, rest = divmod(upper << 32 | lower, interface.ticks)
    time_ns = (seconds + interface.offset) * 1_000_000_000 + rest * 1_000_000_000 // interface.ticks
    return min(max(time_ns, 0), MAX_TIME)
