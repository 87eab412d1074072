"""What a header looks like, where nothing before it says what it is."""

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.net.checksum import internet_checksum
from aurora_wire.wire.net.cursor import ETHERNET, IP, PPP, Cursor


def is_surely_ipv4(c: Cursor, at: i64) -> bool:
    """Return whether its checksum is right. (A MAC address may begin with 4, an IP address look like an Ethernet type.)
    """
    if at >= c.end or c.buffer[at] >> 4 != 4:
        return False
    header_len: i64 = c.buffer[at] & 0x0F
    header_len <<= 2
    return 20 <= header_len <= c.end - at and internet_checksum(c.buffer, at, at + header_len) == 0


def is_surely_ipv6(c: Cursor, at: i64) -> bool:
    """Return whether it is as long as the frame."""
    if c.end - at < 40 or c.buffer[at] >> 4 != 6:
        return False
    return u16_be(c.buffer, at + 4) + 40 == c.wire_end - at


def likeness_to_ethernet(c: Cursor, at: i64) -> i64:
    """Return 2 if the type is one that is common, 1 if it could be an 802.3 length, else 0."""
    if c.end - at < 14:
        return 0
    number = u16_be(c.buffer, at + 12)
    if number in (0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x9100, 0x8847, 0x8848, 0x8863, 0x8864, 0x88CC):
        return 2
    return 1 if 3 <= number <= 1500 and number <= c.wire_end - at - 14 else 0


def is_surely_ethernet(c: Cursor, at: i64) -> bool:
    """Return whether its type is common, and IP of that version follows if it says so."""
    if likeness_to_ethernet(c, at) < 2 or c.end - at < 15:
        return False
    number = u16_be(c.buffer, at + 12)
    version: i64 = c.buffer[at + 14] >> 4
    return (number != 0x0800 or version == 4) and (number != 0x86DD or version == 6)


def by_looks(c: Cursor, at: i64, last: i64, stride: i64) -> i64:
    """Return the step for a frame, a packet or PPP that begins at `at` or some strides behind it; 0 where none does."""
    while at <= last:
        if is_surely_ethernet(c, at):
            c.at = at
            return ETHERNET
        if is_surely_ipv4(c, at) or is_surely_ipv6(c, at):
            c.at = at
            return IP
        if c.end - at >= 4 and u32_be(c.buffer, at) in (0xFF030021, 0xFF030057):
            c.at = at
            return PPP
        at += stride
    return 0
