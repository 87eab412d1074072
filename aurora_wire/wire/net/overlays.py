"""From the rarer tunnels over UDP and IP to the frame or datagram inside.

Sources: RFC 2661 and 3931 (L2TP), 4380 (Teredo), 6830 (LISP), 7510 (MPLS in UDP), 3378 (EtherIP), 2637 (PPTP);
draft-ietf-intarea-gue; TZSP as Wireshark reads it; RFC 5415 (CAPWAP). What WireGuard and OpenVPN encrypt is
told from their control messages only.

As in `tunnels`, a datagram whose header is not well-formed is plain UDP.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.net.cursor import ETHERNET, IP, IP_V4, IP_V6, MPLS, PPP, PROTOCOL, Cursor
from aurora_wire.wire.net.header_likeness import by_looks
from aurora_wire.wire.net.skip_reasons import CAPWAP_FRAME, CONTROL, ENCRYPTED_UDP, OTHER_TUNNELLED, TUNNEL_CUT, UDP
from aurora_wire.wire.net.wifi import wifi_swapped

L2TP: Final[i64] = 1701          # UDP ports
TEREDO: Final[i64] = 3544
LISP: Final[i64] = 4341
CAPWAP: Final[i64] = 5247
GUE: Final[i64] = 6080
MPLS_IN_UDP: Final[i64] = 6635
TZSP: Final[i64] = 37008
OPENVPN: Final[i64] = 1194
WIREGUARD: Final[i64] = 51820

ETHERNET_IN_TZSP: Final[i64] = 1


def overlay(c: Cursor, port: i64) -> i64:
    """Return the next step behind a UDP header, at least 8 bytes of whose payload are there."""
    if port == L2TP:
        return l2tp(c)
    if port == TEREDO:
        return teredo(c)
    if port == CAPWAP:
        return capwap(c)
    if port == WIREGUARD:  # 4: data, and three zero bytes
        return ENCRYPTED_UDP if u32_be(c.buffer, c.at) == 0x04000000 else UDP
    if port == OPENVPN:  # operations 6 and 9: data
        return ENCRYPTED_UDP if c.buffer[c.at] >> 3 in (6, 9) else UDP
    if port == LISP:
        return ip_inside(c, 8)
    if port == MPLS_IN_UDP:
        return c.enter(MPLS)
    return gue(c) if port == GUE else tzsp(c)


def ip_inside(c: Cursor, header_len: i64) -> i64:
    """Pass a header of fixed length before an IP packet; else it is plain UDP."""
    at = c.at + header_len
    if at >= c.end:
        return UDP if at >= c.wire_end else TUNNEL_CUT
    version: i64 = c.buffer[at] >> 4
    if version not in (4, 6):
        return UDP
    c.at = at
    return c.enter(IP)


def l2tp(c: Cursor) -> i64:
    """Pass L2TP. Version 2 carries PPP; of version 3 only the first 32 bits are told apart by its header."""
    flags = u16_be(c.buffer, c.at)
    version = flags & 0x0F
    if flags & 0x8000 != 0 or version not in (2, 3):  # a control message
        return UDP
    if version == 3:
        c.at += 4
        return l2tp_v3(c)
    at = c.at + 6
    if flags & 0x4000 != 0:  # has a length
        length = u16_be(c.buffer, c.at + 2)
        if length < 8 or c.at + length > c.wire_end:
            return UDP
        c.limit(c.at + length)
        at += 2
    if flags & 0x0800 != 0:  # has sequence numbers
        at += 4
    if flags & 0x0200 != 0:  # has an offset
        if c.end - at < 2:
            return TUNNEL_CUT
        padding = u16_be(c.buffer, at)
        c.beside(at + 2, at + 2 + padding)
        at += 2 + padding
    if at >= c.end:
        return TUNNEL_CUT
    c.at = at
    return c.enter(PPP)


def l2tp_v3(c: Cursor) -> i64:
    """Pass a session, perhaps a cookie and a sublayer, 0 to 12 bytes that no header tells of: by the looks."""
    at = c.at
    if c.end - at < 4:
        return TUNNEL_CUT
    if u32_be(c.buffer, at) == 0:
        return CONTROL
    at += 4
    step = by_looks(c, at, at + 12, 4)
    if step != 0:
        return c.enter(step)
    return TUNNEL_CUT if c.end < c.wire_end and c.end - at < 12 + 34 else OTHER_TUNNELLED


def teredo(c: Cursor) -> i64:
    """Pass an authentication and an origin indication, if there are such; IPv6 follows."""
    at = c.at
    if u16_be(c.buffer, at) == 1:
        identifier: i64 = c.buffer[at + 2]
        value: i64 = c.buffer[at + 3]
        c.beside(at + 4, at + 13 + identifier + value)
        at += 13 + identifier + value
    if c.end - at < 2:
        return UDP if c.wire_end - at < 2 else TUNNEL_CUT
    if u16_be(c.buffer, at) == 0:
        at += 8
    if at >= c.end:
        return UDP if at >= c.wire_end else TUNNEL_CUT
    if c.buffer[at] >> 4 != 6:
        return UDP
    c.at = at
    return c.enter(IP_V6)


def gue(c: Cursor) -> i64:
    """Pass generic UDP encapsulation: version 0 has a header with a protocol, version 1 is IP by itself."""
    first: i64 = c.buffer[c.at]
    if first >> 6 == 1:
        return ip_inside(c, 0)
    header_len: i64 = 4 + ((first & 0x1F) << 2)
    protocol: i64 = c.buffer[c.at + 1]
    if first >> 5 != 0 or protocol not in (4, 41, 47, 137):
        return UDP
    if c.end - c.at < header_len:
        return TUNNEL_CUT
    c.beside(c.at + 4, c.at + header_len)
    c.at += header_len
    c.number = protocol
    if protocol == 4:
        return c.enter(IP_V4)
    return c.enter(IP_V6) if protocol == 41 else PROTOCOL


def tzsp(c: Cursor) -> i64:
    """Pass what MikroTik and others mirror: version, type, protocol of the frame, tagged fields, the frame."""
    at = c.at
    if u16_be(c.buffer, at) >> 8 != 1 or u16_be(c.buffer, at) & 0xFF > 1:
        return UDP
    protocol = u16_be(c.buffer, at + 2)
    if protocol != ETHERNET_IN_TZSP:
        return OTHER_TUNNELLED if protocol in (0x12, 0x77, 0x7F) else UDP  # 802.11, with headers of Prism or AVS
    at += 4
    while at < c.end:
        kind: i64 = c.buffer[at]
        at += 1
        if kind == 1:  # the end of the fields
            c.at = at
            return c.enter(ETHERNET)
        if kind != 0:
            if at >= c.end:
                break
            length: i64 = c.buffer[at]
            c.beside(at + 1, at + 1 + length)
            at += 1 + length
    return TUNNEL_CUT if c.end < c.wire_end else UDP


def capwap(c: Cursor) -> i64:
    """Pass CAPWAP, between access point and controller: 802.3 or 802.11, unless encrypted or in fragments."""
    at = c.at
    word = u32_be(c.buffer, at)
    if word >> 28 != 0:
        return UDP
    header_len = (word >> 19 & 0x1F) << 2
    if word >> 24 == 1 or word & 0x80 != 0:
        return CAPWAP_FRAME
    if header_len < 8 or word & 0x08 != 0:  # K: a keep-alive
        return UDP
    if c.end - at < header_len:
        return TUNNEL_CUT
    c.beside(at + 8, at + header_len)
    c.at = at + header_len
    if word & 0x100 == 0:
        return c.enter(ETHERNET)
    if word >> 9 & 0x1F != 1:
        return CAPWAP_FRAME
    c.encapsulation += 1
    return wifi_swapped(c)


def pptp(c: Cursor, flags: i64) -> i64:
    """Pass GRE version 1: payload length and call, sequence and acknowledgment numbers, PPP."""
    at = c.at
    header_len: i64 = 8
    if flags & 0x1000 != 0:
        header_len += 4
    if flags & 0x0080 != 0:
        header_len += 4
    if c.end - at < header_len:
        return TUNNEL_CUT
    length = u16_be(c.buffer, at + 4)
    if flags & 0x1000 == 0 or length == 0:
        return CONTROL
    c.limit(at + header_len + length)
    c.at = at + header_len
    return c.enter(PPP)


def ether_ip(c: Cursor) -> i64:
    if c.end - c.at < 2:
        return TUNNEL_CUT
    if c.buffer[c.at] >> 4 != 3:
        return OTHER_TUNNELLED
    c.at += 2
    return c.enter(ETHERNET)
