"""The Internet checksum, and what a TCP checksum tells about where a capture was made.

Sources: RFC 1071 (any byte order gives the same sum, bytes swapped); RFC 9293 section 3.1; RFC 8200 section
8.1.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from aurora_wire.binary import u16, u32

GOOD: Final[i64] = 0
# The field holds the sum of the pseudo-header only: the network card was to do the rest. So this was captured
# on the sender's own host, or the segment was merged by the receiver's.
PARTIAL: Final[i64] = 1
ZERO: Final[i64] = 2       # the field is 0
BAD: Final[i64] = 3
UNCHECKED: Final[i64] = 4  # the segment is not whole in the buffer

CHECKSUM_AT: Final[i64] = 16  # in the TCP header
MAX_OFFSET: Final[i64] = (1 << 48) - 1  # no `bytes` is as long


def word_sum(data: bytes, at: i64, end: i64) -> i64:
    """Return the sum of the 16-bit words read little-endian, not yet folded. `at` to `end` lie in `data`."""
    total: i64 = 0
    word: i64 = 0
    more: i64 = 0
    here: i64 = 0
    while at + 64 <= end:  # eight at a time: the loop costs as much as a read
        # No offset is negative, which the compiler cannot know: told so, it asks that of none of the reads.
        here = at & MAX_OFFSET
        word = read_i64_le(data, here)
        more = read_i64_le(data, here + 8)
        total += (word & 0xFFFFFFFF) + (word >> 32 & 0xFFFFFFFF) + (more & 0xFFFFFFFF) + (more >> 32 & 0xFFFFFFFF)
        word = read_i64_le(data, here + 16)
        more = read_i64_le(data, here + 24)
        total += (word & 0xFFFFFFFF) + (word >> 32 & 0xFFFFFFFF) + (more & 0xFFFFFFFF) + (more >> 32 & 0xFFFFFFFF)
        word = read_i64_le(data, here + 32)
        more = read_i64_le(data, here + 40)
        total += (word & 0xFFFFFFFF) + (word >> 32 & 0xFFFFFFFF) + (more & 0xFFFFFFFF) + (more >> 32 & 0xFFFFFFFF)
        word = read_i64_le(data, here + 48)
        more = read_i64_le(data, here + 56)
        total += (word & 0xFFFFFFFF) + (word >> 32 & 0xFFFFFFFF) + (more & 0xFFFFFFFF) + (more >> 32 & 0xFFFFFFFF)
        at += 64
    while at + 16 <= end:
        here = at & MAX_OFFSET
        word = read_i64_le(data, here)
        more = read_i64_le(data, here + 8)
        total += (word & 0xFFFFFFFF) + (word >> 32 & 0xFFFFFFFF) + (more & 0xFFFFFFFF) + (more >> 32 & 0xFFFFFFFF)
        at += 16
    if at + 8 <= end:
        word = read_i64_le(data, at & MAX_OFFSET)
        total += (word & 0xFFFFFFFF) + (word >> 32 & 0xFFFFFFFF)
        at += 8
    if at >= end:
        return total
    if end >= 8:
        # The last bytes, at most seven, with some before them that are shifted out.
        word = (read_i64_le(data, (end - 8) & MAX_OFFSET) >> 8 & 0xFFFFFFFFFFFFFF) >> (56 - ((end - at) << 3))
        return total + (word & 0xFFFFFFFF) + (word >> 32)
    if at + 4 <= end:
        total += u32(data, at)
        at += 4
    if at + 2 <= end:
        total += u16(data, at)
        at += 2
    if at < end:
        last: i64 = data[at]
        total += last
    return total


def fold(total: i64) -> i64:
    """Fold a sum to 16 bits, carries added back in."""
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def swapped(word: i64) -> i64:
    return (word & 0xFF) << 8 | word >> 8 & 0xFF


def internet_checksum(data: bytes, at: i64, end: i64) -> i64:
    """Return what belongs into the field (a big-endian number) while that is 0; 0 if it holds the right one."""
    return swapped(~fold(word_sum(data, at, end)) & 0xFFFF)


def ipv4_checksum_is_right(buffer: bytes, at: i64) -> bool:
    """Return whether the checksum of the IPv4 header at `at` is right; all of it lies in `buffer`."""
    first = read_i64_le(buffer, at)
    if first & 15 != 5:
        return fold(word_sum(buffer, at, at + ((first & 15) << 2))) == 0xFFFF
    # The usual header: 20 bytes.
    second = read_i64_le(buffer, at + 8)
    total = (first & 0xFFFFFFFF) + (first >> 32 & 0xFFFFFFFF) + (second & 0xFFFFFFFF) + (second >> 32 & 0xFFFFFFFF)
    return fold(total + u32(buffer, at + 16)) == 0xFFFF


def tcp_checksum_state(buffer: bytes, addresses_at: i64, ip_version: i64, tcp_at: i64, end: i64) -> i64:
    """Return GOOD, PARTIAL, ZERO or BAD for the segment from `tcp_at` to `end`, both offsets in `buffer`.

    The segment must have been captured whole: `end` is `tcp_at` plus its length on the wire.
    """
    addresses_len: i64 = 8 if ip_version == 4 else 32
    if addresses_at < 0 or addresses_at + addresses_len > tcp_at or end - tcp_at < 20 or end > len(buffer):
        return UNCHECKED
    length: i64 = end - tcp_at
    addresses: i64 = 0x0600  # protocol 6, swapped
    if addresses_len == 8:
        word = read_i64_le(buffer, addresses_at)
        addresses += (word & 0xFFFFFFFF) + (word >> 32 & 0xFFFFFFFF)
    else:
        addresses += word_sum(buffer, addresses_at, addresses_at + addresses_len)
    with_length: i64 = addresses + swapped(length & 0xFFFF)
    if length > 0xFFFF:
        with_length += swapped(length >> 16)
    if fold(with_length + word_sum(buffer, tcp_at, end)) == 0xFFFF:
        return GOOD
    field = u16(buffer, tcp_at + CHECKSUM_AT)
    if field == 0:
        return ZERO
    # Neither sum folds to 0, as the protocol number is in it: no need to take 0 for 0xFFFF.
    return PARTIAL if field == fold(with_length) or field == fold(addresses) else BAD
