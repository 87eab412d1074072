"""Is compression agreed, and does a packet show that it is none of the compressed protocol's?

Source: MySQL Server docs, "Compression".
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.mysql.capabilities import COMPRESS, ZSTD_COMPRESSION_ALGORITHM

SMALLEST: Final[i64] = 5    # bytes that a compressed packet holds at least: a command's header, and the command


def shows_plain(data: bytes, at: i64, end: i64) -> bool:
    """Return whether a packet with sequence id 0 shows that it is not compressed.

    A compressed one has the size of what it holds, larger than itself, then zlib's header or zstd's magic number; or
    size 0, then a whole packet's header, whose own length fills it.
    """
    if u24(data, at) < SMALLEST:
        return True
    if end - at < 9:
        return False
    size = u24(data, at + 4)
    if size == 0:
        return end - at >= 11 and (data[at + 10] != 0 or u24(data, at + 7) == 0)
    first: i64 = data[at + 7]
    zlib = first == 0x78 and (first << 8 | data[at + 8]) % 31 == 0
    return not zlib and not (first == 0x28 and data[at + 8] == 0xB5)


def find_compression(capabilities: i64) -> i64:
    """Return the compression agreed: 0 none, 1 zlib, 2 zstd. A server tries zlib first if both are agreed."""
    if capabilities & COMPRESS:
        return 1
    return 2 if capabilities & ZSTD_COMPRESSION_ALGORITHM else 0
