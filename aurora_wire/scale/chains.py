"""Finds where a record begins in the middle of a capture: records of pcap, blocks of pcapng.

Neither has marks between its records. Around a place each header that could be one is followed to the next one, and so
on: a chain, which breaks where something can be no header. Chains that do not break are the real one, and such as lead
into it from bytes inside a record, which look like records. A border is taken where all of them have become one.

A record that is longer than is believed here, or damage, may hide the real chain: so who reads the range before a
border checks that its last record ends there.

Sources: draft-ietf-opsawg-pcap, "Packet Record"; draft-ietf-opsawg-pcapng, "General Block Structure".
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Final, Protocol

RECORD_HEADER: Final = 16
LONGEST: Final = 262_144                 # bytes of a record that is believed here
WINDOW: Final = LONGEST + RECORD_HEADER  # in which the first record behind any place begins
CHAIN: Final = 2 * WINDOW                # bytes for which records have to follow each other
SPAN: Final = 400 * 86_400               # seconds from the first record of a pcap to any other

SECTION_HEADER, INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
PACKETS: Final = (OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
FIXED: Final = {OLD_PACKET: 32, SIMPLE_PACKET: 16, ENHANCED_PACKET: 32}  # bytes of their blocks besides the packet
SHORTEST: Final = 12


class Records(Protocol):
    """Bytes of a capture, in which records are looked for."""

    data: bytes

    def candidates(self) -> list[int]:
        """Return places within WINDOW where a frame's record may begin, in order."""

    def length(self, at: int) -> int:
        """Return the bytes of the record at a place; 0 where none can be."""

    def is_frame(self, at: int) -> bool:
        """Return whether the record at a place holds a frame."""


def find_border(records: Records) -> int:
    """Return where a frame's record begins that follows another frame's; -1 where there is none, or doubt."""
    main: list[int] = []
    into: dict[int, int] = {}    # where the real chain, if it is that, is reached from each place of a chain
    broken: set[int] = set()
    agreed = -1
    for begin in records.candidates():
        if begin in into or begin in broken:
            continue
        chain, end = _follow(records, begin, into, broken)
        if end in into:
            agreed = max(agreed, into[end])
            into.update(dict.fromkeys(chain, into[end]))
        elif end in broken or end - begin < CHAIN:
            broken.update(chain)
        elif main:
            return -1            # two that go on side by side: one of them lies inside of records
        else:
            main, agreed = chain, begin
            into.update((at, at) for at in chain)
    for before, at in pairwise(main):
        if before >= agreed and records.is_frame(before) and records.is_frame(at):
            return at
    return -1


def _follow(records: Records, at: int, into: dict[int, int], broken: set[int]) -> tuple[list[int], int]:
    """Return the records from a place on, and where they end: at the end of the bytes, in a known place, or broken."""
    begun = at
    chain: list[int] = []
    while at + RECORD_HEADER <= len(records.data) and at not in into and at not in broken:
        size = records.length(at)
        if not size:
            return chain, begun
        chain.append(at)
        at += size
    return chain, at


class PcapRecords:
    """Bytes of a pcap. order: `<` or `>`; fractions: of a second; first: the second of the file's first record."""

    def __init__(self, data: bytes, order: str, fractions: int, first: int) -> None:
        self.data = data
        self.little = order == "<"
        self.header = struct.Struct(f"{order}IIII")
        self.fractions = fractions
        self.first = first

    def length(self, at: int) -> int:
        seconds, fraction, captured, original = self.header.unpack_from(self.data, at)
        if fraction >= self.fractions or not 0 < captured <= LONGEST or not captured <= original < 1 << 30:
            return 0
        return RECORD_HEADER + captured if abs(seconds - self.first) <= SPAN else 0

    def is_frame(self, at: int) -> bool:
        return at >= 0

    def candidates(self) -> list[int]:
        """Return places within WINDOW whose seconds have the upper byte of such a time."""
        back = 3 if self.little else 0
        tops = {max(self.first - SPAN, 0) >> 24, self.first >> 24, min(self.first + SPAN, 0xFFFFFFFF) >> 24}
        return sorted(at - back for top in tops for at in _each(self.data, bytes([top]), back, WINDOW + back))


class PcapngBlocks:
    """Bytes of a pcapng whose place in the file is a multiple of four, as that of any block is.

    order: `<` or `>`; interfaces: how many have been described.
    """

    def __init__(self, data: bytes, order: str, interfaces: int) -> None:
        self.data = data
        self.interfaces = interfaces
        self.order = order
        self.words = struct.Struct(f"{order}II")
        self.packet = struct.Struct(f"{order}IIIIII")
        self.number = struct.Struct(f"{order}I")

    def length(self, at: int) -> int:
        """Return the bytes of the block at a place; 0 where none can be, and where one changes how others are read."""
        kind, size = self.words.unpack_from(self.data, at)
        if size < FIXED.get(kind, SHORTEST) or size > WINDOW or size & 3 or kind in (SECTION_HEADER, INTERFACE):
            return 0
        end = at + size
        if end <= len(self.data) and self.number.unpack_from(self.data, end - 4)[0] != size:
            return 0
        if kind == ENHANCED_PACKET and at + 32 <= len(self.data):
            _, _, interface, _, _, captured = self.packet.unpack_from(self.data, at)
            if interface >= self.interfaces or captured > size - 32:
                return 0
        return int(size)

    def is_frame(self, at: int) -> bool:
        return self.number.unpack_from(self.data, at)[0] in PACKETS

    def candidates(self) -> list[int]:
        kinds = (self.number.pack(kind) for kind in PACKETS)
        return sorted(at for kind in kinds for at in _each(self.data, kind, 0, WINDOW) if not at & 3)


def _each(data: bytes, sign: bytes, begin: int, end: int) -> list[int]:
    """Return where bytes are found between two places."""
    found: list[int] = []
    at = data.find(sign, begin, end)
    while at >= 0:
        found.append(at)
        at = data.find(sign, at + 1, end)
    return found
