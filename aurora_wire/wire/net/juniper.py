"""What Juniper's routers write: "MGC", flags, extensions, then a cookie of the interface card and the frame.

Sources: tcpdump's print-juniper.c and Wireshark's packet-juniper.c, which are all that is public about it.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u24_be
from aurora_wire.wire.net.cursor import ETHERNET, IP, PPP, Cursor
from aurora_wire.wire.net.header_likeness import by_looks
from aurora_wire.wire.net.skip_reasons import LINK_CUT, OTHER_LINK_TYPE
from aurora_wire.wire.net.tags import type_behind
from aurora_wire.wire.net.wan_links import atm, cisco_hdlc, frame_relay

MAGIC: Final[i64] = 0x4D4743     # "MGC"
NO_L2: Final[i64] = 0x02         # flags: an address family in place of a link-layer header
EXTENSIONS: Final[i64] = 0x80

ATM2: Final[i64] = 135           # LINKTYPE_ numbers
ATM1: Final[i64] = 137
PPPOE: Final[i64] = 167
PPPOE_ATM: Final[i64] = 168
ETHER: Final[i64] = 178
JUNIPER_PPP: Final[i64] = 179
FRELAY: Final[i64] = 180
CHDLC: Final[i64] = 181
# Those whose cookie says nothing about what follows it.
LOOKED_AT: Final = frozenset({130, 131, 132, 133, 134, 136, 164, 174, 183, 194, 200, 232, 233, 238})
LONGEST_COOKIE: Final[i64] = 24


def is_juniper(link_type: i64) -> bool:
    return link_type in (ATM1, ATM2, PPPOE, PPPOE_ATM, ETHER, JUNIPER_PPP, FRELAY, CHDLC) or link_type in LOOKED_AT


def juniper(c: Cursor, link_type: i64) -> i64:
    at = c.at
    if c.end - at < 6:
        return LINK_CUT
    if u24_be(c.buffer, at) == MAGIC:  # JUNOS before 6.4 has no header
        flags: i64 = c.buffer[at + 3]
        if flags & EXTENSIONS != 0:
            at += 6 + u16_be(c.buffer, at + 4)
            c.beside(c.at + 6, at)
        else:
            at += 4
        if flags & NO_L2 != 0:
            at += 4
        if c.end - at < 1:
            return LINK_CUT
        c.at = at
        if flags & NO_L2 != 0:
            version: i64 = c.buffer[at] >> 4
            if version in (4, 6):
                return IP
            return looked_at(c, link_type)
    return frame(c, link_type)


def frame(c: Cursor, link_type: i64) -> i64:
    if link_type in (ETHER, PPPOE):
        return ETHERNET
    if link_type == JUNIPER_PPP:
        return PPP
    if link_type == FRELAY:
        return frame_relay(c)
    if link_type == CHDLC:
        return cisco_hdlc(c)
    if link_type == PPPOE_ATM:
        return type_behind(c, 0)
    if link_type in (ATM1, ATM2):
        cookie: i64 = 4 if link_type == ATM1 else 8
        if c.end - c.at < cookie:
            return LINK_CUT
        c.at += cookie
        return atm(c, link_type)
    return looked_at(c, link_type)


def looked_at(c: Cursor, link_type: i64) -> i64:
    step = by_looks(c, c.at, c.at + LONGEST_COOKIE, 1)
    if step != 0:
        return step
    if c.end < c.wire_end and c.end - c.at < LONGEST_COOKIE + 34:
        return LINK_CUT
    c.reason_detail = link_type
    return OTHER_LINK_TYPE
