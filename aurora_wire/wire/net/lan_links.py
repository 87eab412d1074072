"""Local networks that are no Ethernet, switches that tag their CPU's frames, cable modems, InfiniBand.

Sources: IEEE 802.5, ISO 9314 (FDDI), RFC 1051 and 1201 (ARCNET), 2625 (Fibre Channel), 2734 (FireWire), 4391
(InfiniBand); InfiniBand Architecture, volume 1; DOCSIS MAC and upper layer protocols; Linux net/dsa; tcpdump.org
"Link-layer header types".
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.wire.net.cursor import ETHERNET, IP_V4, IP_V6, LLC_HEADER, Cursor
from aurora_wire.wire.net.skip_reasons import ARP, LINK_CUT, LLC, OTHER_LINK_TYPE
from aurora_wire.wire.net.tags import type_behind

ARCNET_LINUX: Final[i64] = 129   # LINKTYPE_ number


def behind(c: Cursor, length: i64, step: i64) -> i64:
    """Pass a header of `length` bytes before `step`."""
    if c.end - c.at < length:
        return LINK_CUT
    c.at += length
    return step


def token_ring(c: Cursor) -> i64:
    """Pass access control, frame control, addresses, a route if the source's first bit is set."""
    at = c.at
    if c.end - at < 14:
        return LINK_CUT
    if c.buffer[at + 1] >> 6 != 1:  # of the ring itself
        return LLC
    length: i64 = 14
    if c.buffer[at + 8] & 0x80 != 0:
        if c.end - at < 15:
            return LINK_CUT
        route: i64 = c.buffer[at + 14] & 0x1F
        length += route
    return behind(c, length, LLC_HEADER)


def fddi(c: Cursor) -> i64:
    """Pass frame control and addresses; LLC follows in a frame of data."""
    if c.end - c.at < 13:
        return LINK_CUT
    if c.buffer[c.at] & 0x30 != 0x10 or c.buffer[c.at] & 0x40 == 0:
        return LLC
    return behind(c, 13, LLC_HEADER)


def arcnet(c: Cursor, link_type: i64) -> i64:
    """Pass addresses (behind them Linux has an offset), protocol; RFC 1201 has a flag and a sequence number, too."""
    at = c.at + (4 if link_type == ARCNET_LINUX else 2)
    if c.end - at < 1:
        return LINK_CUT
    protocol: i64 = c.buffer[at]
    at += 1
    if protocol == 240:
        c.at = at
        return IP_V4
    if protocol in (213, 241):
        return ARP
    if c.end - at < 3:
        return LINK_CUT
    flag: i64 = c.buffer[at]
    if flag == 0xFF and link_type != ARCNET_LINUX:  # the length was one that the line can't have
        at += 4
        if c.end - at < 3:
            return LINK_CUT
        flag = c.buffer[at]
    c.at = at + 3
    if flag == 0:  # else one of several fragments
        if protocol == 212:
            return IP_V4
        if protocol == 196:
            return IP_V6
        if protocol == 232:
            return ETHERNET
    c.reason_detail = link_type
    return OTHER_LINK_TYPE


def switch_tag(c: Cursor, tag_len: i64) -> i64:
    """Pass a switch's tag between the addresses and the Ethernet type."""
    return type_behind(c, 12 + tag_len)


def mpacket(c: Cursor, link_type: i64) -> i64:
    """Pass 802.3br's preamble and a byte that says whether this is a whole frame."""
    if c.end - c.at < 8:
        return LINK_CUT
    if c.buffer[c.at + 7] != 0xD5:
        c.reason_detail = link_type
        return OTHER_LINK_TYPE
    return behind(c, 8, ETHERNET)


def infiniband(c: Cursor, link_type: i64) -> i64:
    """Pass a datagram (UD) that carries what RFC 4391 puts into one: an Ethernet type and two zero bytes."""
    at = c.at
    if c.end - at < 8:
        return LINK_CUT
    following: i64 = c.buffer[at + 1] & 3
    at += 8
    if following == 3:  # a global route
        at += 40
    if c.end - at < 24:
        return LINK_CUT
    operation: i64 = c.buffer[at]
    if following < 2 or operation not in (0x64, 0x65) or u16_be(c.buffer, at + 22) != 0:
        c.reason_detail = link_type
        return OTHER_LINK_TYPE
    at += 20 + (4 if operation == 0x65 else 0)
    if c.end - at < 4:
        return LINK_CUT
    c.at = at - 2
    number = u16_be(c.buffer, at)
    c.at = at
    if number == 0x0800:
        c.at = at + 4
        return IP_V4
    if number == 0x86DD:
        c.at = at + 4
        return IP_V6
    if number in (0x0806, 0x8035):
        return ARP
    c.reason_detail = link_type
    return OTHER_LINK_TYPE


def docsis(c: Cursor, link_type: i64) -> i64:
    """Pass frame control, parameter, length, extended header, checksum; then a frame, unless that was encrypted."""
    at = c.at
    if c.end - at < 6:
        return LINK_CUT
    control: i64 = c.buffer[at]
    if control >> 6 == 3:  # of the cable network itself
        return LLC
    extended: i64 = 0
    if control & 1 == 1:
        extended = c.buffer[at + 1]
        if c.end - at < 6 + extended:
            return LINK_CUT
    if control >> 6 != 0 or (extended > 0 and is_encrypted(c, at + 4, at + 4 + extended)):
        c.reason_detail = link_type
        return OTHER_LINK_TYPE
    c.beside(c.at + 4, c.at + 4 + extended)
    return behind(c, 6 + extended, ETHERNET)


def is_encrypted(c: Cursor, at: i64, end: i64) -> bool:
    """Return whether an element of the extended header switches privacy on."""
    while at < end:
        kind: i64 = c.buffer[at] >> 4
        length: i64 = c.buffer[at] & 0x0F
        if kind in (3, 4, 7) and length >= 2 and at + 2 < end and c.buffer[at + 2] & 0x80 != 0:
            return True
        at += 1 + length
    return False
