"""Frames as recording devices and tools wrap them: Endace's ERF, Wireshark's exported packets.

Sources: Endace "Extensible Record Format"; Wireshark's epan/exported_pdu.h.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.wire.net.cursor import ETHERNET, IP, PPP, Cursor
from aurora_wire.wire.net.skip_reasons import CONTROL, LINK_CUT, OTHER_LINK_TYPE
from aurora_wire.wire.net.wan_links import cisco_hdlc

ERF_POS: Final[i64] = 1          # kinds of records: HDLC or PPP
ERF_ETHERNET: Final = (2, 11, 16, 20)
ERF_IPV4: Final[i64] = 22
ERF_IPV6: Final[i64] = 23
ERF_PADDING: Final[i64] = 48

DISSECTOR: Final[i64] = 12       # the tag with the name of what the packet is
# Those that may stand beside it: addresses, ports, the frame's number. Others may hold text of what was inside.
HARMLESS_TAGS: Final = (20, 21, 22, 23, 24, 25, 26, 27, 30)


def erf(c: Cursor, link_type: i64) -> i64:
    """Pass time, kind, flags, lengths; extension headers of 8 bytes while the first bit of the kind is set."""
    at = c.at
    if c.end - at < 16:
        return LINK_CUT
    kind: i64 = c.buffer[at + 8]
    wire_len = u16_be(c.buffer, at + 14)
    at += 16
    more = kind & 0x80 != 0
    while more:
        if c.end - at < 8:
            return LINK_CUT
        more = c.buffer[at] & 0x80 != 0
        c.beside(at + 1, at + 8)
        at += 8
    kind &= 0x7F
    if kind in ERF_ETHERNET:
        at += 2
    if at >= c.end:
        return CONTROL if kind == ERF_PADDING else LINK_CUT
    c.at = at
    # A record that the card cut ends before what was on the wire.
    if at + wire_len > c.wire_end:
        c.wire_end = at + wire_len
    if kind in ERF_ETHERNET:
        return ETHERNET
    if kind in (ERF_IPV4, ERF_IPV6):
        return IP
    if kind == ERF_POS:
        first: i64 = c.buffer[at]
        return cisco_hdlc(c) if first in (0x0F, 0x8F) else PPP
    if kind in (27, ERF_PADDING):  # about the card
        return CONTROL
    c.reason_detail = link_type
    return OTHER_LINK_TYPE


def exported(c: Cursor, link_type: i64) -> i64:
    """Pass tags until one of kind 0; one names what the packet begins with. They have addresses, as a tunnel has."""
    at = c.at
    name = b""
    while c.end - at >= 4:
        tag = u16_be(c.buffer, at)
        length = u16_be(c.buffer, at + 2)
        at += 4
        if tag == 0:
            c.at = at
            if name in (b"ip", b"ipv6", b"raw_ip"):
                return c.enter(IP)
            if name in (b"eth", b"eth_withoutfcs", b"eth_withfcs", b"eth_maybefcs"):
                return c.enter(ETHERNET)
            break
        if tag == DISSECTOR and length <= 32:
            name = c.buffer[at : at + length].rstrip(b"\0")
        elif tag not in HARMLESS_TAGS or length > 16:
            break
        at += length
    if c.end - at < 4:
        return LINK_CUT
    c.reason_detail = link_type
    return OTHER_LINK_TYPE
