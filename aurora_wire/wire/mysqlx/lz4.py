"""LZ4 frames, as X Protocol's `lz4_message` puts one around its messages. Bounded by what the caller allows.

Source: lz4_Frame_format.md and lz4_Block_format.md of the LZ4 project. Checksums are passed over.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u32

MAGIC: Final[i64] = 0x184D2204
RAW: Final[i64] = 0x80000000     # a block that is not compressed
SHORTEST: Final[i64] = 4         # bytes of a match


def open_frame(data: bytes, at: i64, end: i64, limit: i64) -> bytes | None:
    """Return what the frame data[at:end] holds, None if it is none, or holds more than `limit` bytes."""
    if end - at < 7 or u32(data, at) != MAGIC:
        return None
    flags: i64 = data[at + 4]
    at += 6
    if flags >> 6 != 1:
        return None
    if flags & 8:
        at += 8  # the size of what it holds
    if flags & 1:
        at += 4  # a dictionary's number
    at += 1
    made = bytearray()
    while end - at >= 4:
        size = u32(data, at)
        at += 4
        if size == 0:
            return bytes(made)
        raw = size & RAW
        size &= RAW - 1
        if size > end - at:
            return None
        if raw:
            if len(made) + size > limit:
                return None
            made += data[at : at + size]
        elif not _open_block(data, at, at + size, made, limit):
            return None
        at += size
        if flags & 16:
            at += 4  # the block's checksum
    return None


def _length(count: i64, data: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Return a length and the offset behind it: 15 goes on in the bytes at `at`, up to one below 255."""
    more: i64 = 255 if count == 15 else 0
    while more == 255 and at < end:
        more = data[at]
        at += 1
        count += more
    return count, at


def _open_block(data: bytes, at: i64, end: i64, made: bytearray, limit: i64) -> bool:
    """Add what a block holds to `made`: literals, and matches of what came before. Return False if it is damaged."""
    while at < end:
        token: i64 = data[at]
        at += 1
        count, at = _length(token >> 4, data, at, end)
        if count > end - at or len(made) + count > limit:
            return False
        made += data[at : at + count]
        at += count
        if at >= end:
            return at == end  # the last sequence has no match
        if end - at < 2:
            return False
        distance = u16(data, at)
        at += 2
        length, at = _length(token & 15, data, at, end)
        length += SHORTEST
        size: i64 = len(made)
        if distance == 0 or distance > size or size + length > limit:
            return False
        begin = size - distance
        if distance >= length:
            made += made[begin : begin + length]
        else:
            piece = bytes(made[begin:size])  # it repeats itself
            made += (piece * int(length // distance + 1))[: int(length)]
    return True
