"""A capture file as the records it is made of: nothing is lost when they are written one after another again.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Frames are read by `capture`, which knows all that can be
wrong with them; this is for what stands around them, and is given files that could be read there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from aurora_wire.capture.files.decompress import MAGIC_LEN, Decompressed, find_compression
from aurora_wire.errors import CaptureError

PCAP_MAGICS: Final = {  # byte order, length of a record's header
    b"\xd4\xc3\xb2\xa1": ("<", 16), b"\x4d\x3c\xb2\xa1": ("<", 16), b"\x34\xcd\xb2\xa1": ("<", 24),
    b"\xa1\xb2\xc3\xd4": (">", 16), b"\xa1\xb2\x3c\x4d": (">", 16), b"\xa1\xb2\xcd\x34": (">", 24),
}  # fmt: skip
SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE, OLD_PACKET, SIMPLE_PACKET, NAME_RESOLUTION, STATISTICS, ENHANCED_PACKET, SECRETS = 1, 2, 3, 4, 5, 6, 10
MAX_RECORD: Final = 1 << 24
READ: Final = 1 << 20


class Record(NamedTuple):
    """One record, as it is in the file. kind: of a pcapng block, 0 for pcap (-1: its file header).

    frame_at, frame_len: where the captured bytes of a frame are in `data`; frame_at is -1 where there is none.
    original_len: of the frame, on the wire.
    """

    data: bytes
    kind: int
    order: str
    frame_at: int
    frame_len: int
    original_len: int


class Reader:
    """Exact numbers of bytes out of blocks of any size."""

    def __init__(self, path: str, read: Callable[[], bytes]) -> None:
        self.path = path
        self._read = read
        self._held = b""
        self.position = 0

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes, fewer at the end."""
        parts = [self._held]
        have = len(self._held)
        while have < length:
            block = self._read()
            if not block:
                break
            parts.append(block)
            have += len(block)
        data = b"".join(parts)
        self._held = data[length:]
        taken = data[:length]
        self.position += len(taken)
        return taken

    def whole(self, length: int) -> bytes:
        if not 0 <= length <= MAX_RECORD:
            raise CaptureError(self.path, self.position, f"record claims {length} bytes.")
        data = self.take(length)
        if len(data) < length:
            raise CaptureError(self.path, self.position, f"ends inside a record ({len(data)} of {length} bytes).")
        return data


def uncompressed(path: str, read: Callable[[int], bytes]) -> Reader:
    """Return the content of a file, its compressions taken off."""

    def blocks() -> bytes:
        return read(READ)

    reader = Reader(path, blocks)
    for number in range(3):
        head = reader.take(MAGIC_LEN)
        again = _replay(head, reader)
        name = find_compression(head)
        if name is None:
            return Reader(path, again)
        reader = Reader(path, Decompressed(path, again, name, inner=number > 0).read)
    return reader


def _replay(head: bytes, reader: Reader) -> Callable[[], bytes]:
    waiting = [head]

    def read() -> bytes:
        return waiting.pop() if waiting and waiting[0] else reader.take(READ)

    return read


def records(reader: Reader) -> Iterator[Record]:
    """Yield all of a pcap or pcapng file, in order. Raises CaptureError where it is neither, or breaks off."""
    magic = reader.take(4)
    if magic in PCAP_MAGICS:
        yield from _pcap(reader, magic)
    elif magic == b"\x0a\x0d\x0d\x0a":
        yield from _pcapng(reader, magic)
    else:
        raise CaptureError(reader.path, 0, "is neither pcap nor pcapng.")


def _pcap(reader: Reader, magic: bytes) -> Iterator[Record]:
    order, header_len = PCAP_MAGICS[magic]
    yield Record(magic + reader.whole(20), -1, order, -1, 0, 0)
    while header := reader.take(header_len):
        if len(header) < header_len:
            raise CaptureError(reader.path, reader.position, "ends inside the header of a packet record.")
        captured, original = struct.unpack_from(order + "II", header, 8)
        yield Record(header + reader.whole(captured), 0, order, header_len, captured, original)


def _pcapng(reader: Reader, start: bytes) -> Iterator[Record]:
    order = "<"
    snaplens: list[int] = []
    while start:
        if len(start) < 4:
            raise CaptureError(reader.path, reader.position, "ends inside the header of a block.")
        head = start + reader.whole(4)
        kind = struct.unpack("<I", start)[0]
        if kind == SECTION_HEADER:
            magic = reader.whole(4)
            order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
            head += magic
            snaplens = []
        else:
            kind = struct.unpack(order + "I", start)[0]
        length = struct.unpack_from(order + "I", head, 4)[0]
        if length < 12 or length & 3:
            raise CaptureError(reader.path, reader.position, f"block claims {length} bytes.")
        data = head + reader.whole(length - len(head))
        if kind == INTERFACE:
            snaplens.append(struct.unpack_from(order + "I", data, 12)[0])
        yield Record(data, kind, order, *_parse_frame(kind, order, data, snaplens))
        start = reader.take(4)


def _parse_frame(kind: int, order: str, data: bytes, snaplens: list[int]) -> tuple[int, int, int]:
    if kind in (ENHANCED_PACKET, OLD_PACKET):
        captured, original = struct.unpack_from(order + "II", data, 20)
        return 28, captured, original
    if kind == SIMPLE_PACKET:
        original = struct.unpack_from(order + "I", data, 8)[0]
        captured = min(original, len(data) - 16)
        if snaplens and snaplens[0]:
            captured = min(captured, snaplens[0])
        return 12, captured, original
    return -1, 0, 0
