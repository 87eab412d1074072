"""802.2 LLC, SNAP behind it, and the one-byte protocol numbers (NLPID) of frame relay and ATM.

Sources: IEEE 802.2, RFC 1042 (SNAP), 2427 (frame relay), 2684 (ATM), ISO/IEC TR 9577 (NLPID).
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.net.cursor import ETHERNET, ETHERTYPE, IP_V4, IP_V6, MAX_LENGTH, PPP, Cursor
from aurora_wire.wire.net.skip_reasons import LINK_CUT, LLC, OTHER_NLPID, OTHER_SNAP

UI: Final[i64] = 3               # control: unnumbered information

CISCO: Final[i64] = 0x00000C     # organisations
BRIDGE_TUNNEL: Final[i64] = 0x0000F8
BRIDGED: Final[i64] = 0x0080C2


def llc(c: Cursor) -> i64:
    at = c.at
    if c.end - at < 3:
        return LINK_CUT
    saps = u16_be(c.buffer, at)
    control: i64 = c.buffer[at + 2]
    if control != UI:
        return LLC
    if saps == 0x0606:
        c.at = at + 3
        return IP_V4
    if saps == 0xAAAA:
        c.at = at + 3
        return snap(c, 2)
    if saps == 0xFEFE:
        c.at = at + 3
        return nlpid(c)
    return LLC


def snap(c: Cursor, padding: i64) -> i64:
    """Pass organisation and protocol; a bridged frame comes behind `padding` bytes."""
    at = c.at
    if c.end - at < 5:
        return LINK_CUT
    organisation = u32_be(c.buffer, at) >> 8
    number = u16_be(c.buffer, at + 3)
    c.at = at + 5
    # A length can't stand in place of the type here.
    if organisation in (0, BRIDGE_TUNNEL):
        c.number = number
        return ETHERTYPE if number > MAX_LENGTH else LLC
    if organisation == BRIDGED and number in (1, 7):  # 802.3 with its checksum, and without
        if c.end - c.at < padding:
            return LINK_CUT
        c.at += padding
        return c.enter(ETHERNET)
    if organisation == CISCO and (number & 0xFFF0 == 0x2000 or number < 0x0120):  # CDP, VTP, UDLD and so on
        return LLC
    c.reason_detail = organisation
    return OTHER_SNAP


def nlpid(c: Cursor) -> i64:
    at = c.at
    if c.end - at < 1:
        return LINK_CUT
    number: i64 = c.buffer[at]
    c.at = at + 1
    if number == 0xCC:
        return IP_V4
    if number == 0x8E:
        return IP_V6
    if number == 0x80:
        return snap(c, 0)
    if number == 0xCF:
        return PPP
    c.reason_detail = number
    return OTHER_NLPID
