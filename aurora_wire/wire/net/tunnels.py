"""From a tunnel's header to the frame or datagram inside.

Sources: RFC 7348 and draft-smith-vxlan-group-policy (VXLAN), draft-ietf-nvo3-vxlan-gpe, RFC 8926 (GENEVE),
RFC 2784 and 2890 (GRE), 3032, 4385 and 4448 (MPLS), draft-foschiano-erspan, 3GPP TS 29.281
(GTP-U), RFC 3948 (ESP in UDP).

UDP ports are a hint only: a datagram whose tunnel header is not well-formed is plain UDP.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u24_be, u32_be
from aurora_wire.wire.net.cursor import ETHERNET, ETHERTYPE, GRE_KEY, IP, IP_V4, IP_V6, MPLS, VNI, Cursor
from aurora_wire.wire.net.header_likeness import is_surely_ipv4, is_surely_ipv6, likeness_to_ethernet
from aurora_wire.wire.net.overlays import (
    CAPWAP,
    GUE,
    L2TP,
    LISP,
    MPLS_IN_UDP,
    OPENVPN,
    TEREDO,
    TZSP,
    WIREGUARD,
    overlay,
    pptp,
)
from aurora_wire.wire.net.skip_reasons import (
    CONTROL,
    ESP,
    OTHER_ETHERTYPE,
    OTHER_GRE,
    OTHER_TUNNELLED,
    TUNNEL_CUT,
    UDP,
)

GTP_U: Final[i64] = 2152         # UDP ports
ESP_IN_UDP: Final[i64] = 4500
VXLAN: Final[i64] = 4789
VXLAN_GPE: Final[i64] = 4790
GENEVE: Final[i64] = 6081
VXLAN_LINUX: Final[i64] = 8472   # Linux's port from before there was an official one

ERSPAN: Final[i64] = 0x88BE      # Ethernet types in GRE
ERSPAN_III: Final[i64] = 0x22EB
WCCP: Final[i64] = 0x883E
TRANSPARENT_ETHERNET: Final[i64] = 0x6558
NSH: Final[i64] = 0x894F


def tunnel_port(source: i64, destination: i64) -> i64:
    """Return the UDP port that says which tunnel a datagram may be of, or 0.

    Many senders choose the source by a hash of what is inside, so the destination comes first.
    """
    if destination in (VXLAN, VXLAN_LINUX, GENEVE, GTP_U, VXLAN_GPE, ESP_IN_UDP):
        return destination
    if destination in (L2TP, TEREDO, LISP, CAPWAP, GUE, MPLS_IN_UDP, TZSP, OPENVPN, WIREGUARD):
        return destination
    return source if source in (ESP_IN_UDP, L2TP, TEREDO, CAPWAP, OPENVPN, WIREGUARD) else 0


def udp(c: Cursor) -> i64:
    at = c.at
    if c.end - at < 4:
        return UDP if c.wire_end - at < 8 else TUNNEL_CUT
    port = tunnel_port(u16_be(c.buffer, at), u16_be(c.buffer, at + 2))
    if port == 0:
        return UDP
    if c.end - at < 8:
        return UDP if c.wire_end - at < 8 else TUNNEL_CUT
    length = u16_be(c.buffer, at + 4)
    if length != 0:  # 0: a jumbogram, or offload
        if length < 8:
            return UDP
        if at + length < c.wire_end:
            c.limit(at + length)
    c.at = at + 8
    if c.wire_end - c.at < 8:
        return UDP
    if c.end - c.at < 8:
        return TUNNEL_CUT
    if port == GENEVE:
        return geneve(c)
    if port == GTP_U:
        return gtp_u(c)
    if port == ESP_IN_UDP:
        return ESP if u32_be(c.buffer, c.at) != 0 else UDP  # 0 marks IKE
    if port in (VXLAN, VXLAN_LINUX, VXLAN_GPE):
        return vxlan(c)
    return overlay(c, port)


def vxlan(c: Cursor) -> i64:
    """Pass VXLAN, with a group policy or a next protocol (GPE) too.

    Receivers ignore reserved bits, and some senders use them: then the frame inside must look like one.
    """
    buffer = c.buffer
    at = c.at
    flags: i64 = buffer[at]
    word = u24_be(buffer, at + 1)
    last: i64 = buffer[at + 7]
    step: i64 = ETHERNET
    if flags & 0x08 == 0:  # I: has a network identifier
        return UDP
    if flags & 0x04 != 0:  # P: has a next protocol
        inner: i64 = word & 0xFF
        if flags & 0x31 != 0 or not 1 <= inner <= 5:  # another version, or a control message
            return UDP
        if inner == 4:
            c.number = NSH
            step = ETHERTYPE
        else:
            step = IP_V4 if inner == 1 else IP_V6 if inner == 2 else MPLS if inner == 5 else ETHERNET
        is_usual = flags & 0xC0 == 0 and word <= 0xFF and last == 0
    elif flags == 0x88:  # group policy: two flags and 16 bits of it
        is_usual = word & 0xB70000 == 0 and last == 0
    else:
        is_usual = flags == 0x08 and word == 0 and last == 0
    c.at = at + 8
    if not is_usual and (step != ETHERNET or likeness_to_ethernet(c, c.at) < 2):
        return UDP
    c.tag(VNI, u24_be(buffer, at + 4))
    return c.enter(step)


def geneve(c: Cursor) -> i64:
    buffer = c.buffer
    at = c.at
    first: i64 = buffer[at]
    flags: i64 = buffer[at + 1]
    number = u16_be(buffer, at + 2)
    header_len: i64 = 8 + ((first & 0x3F) << 2)
    # Version 0, and no control message. Receivers ignore the reserved bits.
    if first >> 6 != 0 or flags & 0x80 != 0 or c.wire_end - at < header_len:
        return UDP
    if number not in (TRANSPARENT_ETHERNET, 0x0800, 0x86DD, 0x8847, 0x8848, NSH):
        return UDP
    if c.end - at < header_len:
        return TUNNEL_CUT
    c.beside(at + 8, at + header_len)
    c.at = at + header_len
    c.tag(VNI, u24_be(buffer, at + 4))
    return tunnelled_type(c, number)


def tunnelled_type(c: Cursor, number: i64) -> i64:
    """Return the step by Ethernet type, with those that only tunnels have. MPLS counts as a tunnel by itself."""
    if number == TRANSPARENT_ETHERNET:
        return c.enter(ETHERNET)
    c.number = number
    return c.enter(ETHERTYPE)


def gtp_u(c: Cursor) -> i64:
    buffer = c.buffer
    at = c.at
    flags: i64 = buffer[at]
    message: i64 = buffer[at + 1]
    length = u16_be(buffer, at + 2)
    # Version 1, GTP and not GTP', a user's datagram (and not an echo), no longer than the UDP payload.
    if flags & 0xF8 != 0x30 or message != 0xFF or at + 8 + length > c.wire_end:
        return UDP
    c.limit(at + 8 + length)
    at += 8
    if flags & 7 != 0:
        if c.end - at < 4:
            return TUNNEL_CUT
        following: i64 = buffer[at + 3] if flags & 4 != 0 else 0
        at += 4
        while following != 0:
            if at >= c.end:
                return TUNNEL_CUT
            length = buffer[at]
            length <<= 2
            if length == 0:
                return UDP
            if c.end - at < length:
                return TUNNEL_CUT
            following = buffer[at + length - 1]
            c.beside(at + 1, at + length - 1)
            at += length
    c.at = at
    return c.enter(IP)


def gre(c: Cursor) -> i64:
    buffer = c.buffer
    at = c.at
    if c.end - at < 4:
        return TUNNEL_CUT
    flags = u16_be(buffer, at)
    number = u16_be(buffer, at + 2)
    if flags & 7 == 1 and number == 0x880B:
        return pptp(c, flags)
    if flags & 0x4007 != 0:  # another version, or a source route
        c.reason_detail = flags
        return OTHER_GRE
    header_len: i64 = 4
    if flags & 0x8000 != 0:  # checksum
        header_len += 4
    key_at: i64 = -1
    if flags & 0x2000 != 0:  # key
        key_at = at + header_len
        header_len += 4
    has_sequence = flags & 0x1000 != 0
    if has_sequence:
        header_len += 4
    if c.end - at < header_len:
        return TUNNEL_CUT
    if key_at >= 0:
        key = u32_be(buffer, key_at)
        # NVGRE (RFC 7637): a network's number, and eight bits of a flow's.
        c.tag(GRE_KEY, key >> 8 if number == TRANSPARENT_ETHERNET else key)
    c.at = at + header_len
    if number == ERSPAN:
        return erspan_ii(c) if has_sequence else c.enter(ETHERNET)  # type I has no header of its own
    if number == ERSPAN_III:
        return erspan_iii(c)
    if number == WCCP:  # a redirect header may precede the packet: its first four bits are not 4
        if c.end - c.at < 4:
            return TUNNEL_CUT
        if buffer[c.at] >> 4 != 4:
            c.at += 4
        return c.enter(IP)
    if number == 0 and c.at >= c.wire_end:  # a keep-alive
        return CONTROL
    return tunnelled_type(c, number)


def erspan_ii(c: Cursor) -> i64:
    at = c.at
    if c.end - at < 8:
        return TUNNEL_CUT
    version: i64 = c.buffer[at] >> 4
    if version == 2:
        return erspan_iii(c)
    if version != 1:
        c.reason_detail = ERSPAN
        return OTHER_ETHERTYPE
    c.at = at + 8
    return c.enter(ETHERNET)


def erspan_iii(c: Cursor) -> i64:
    at = c.at
    if c.end - at < 12:
        return TUNNEL_CUT
    version: i64 = c.buffer[at] >> 4
    word = u16_be(c.buffer, at + 10)
    if version != 2:
        c.reason_detail = ERSPAN_III
        return OTHER_ETHERTYPE
    header_len: i64 = 20 if word & 1 == 1 else 12  # O: a platform's own 8 bytes follow
    if c.end - at < header_len:
        return TUNNEL_CUT
    c.at = at + header_len
    frame_type: i64 = word >> 10 & 0x1F
    if frame_type == 0:
        return c.enter(ETHERNET)
    return c.enter(IP) if frame_type == 2 else OTHER_TUNNELLED


def mpls(c: Cursor) -> i64:
    """Pass a stack of labels. What follows is not said anywhere, so it is identified by its looks."""
    buffer = c.buffer
    at = c.at
    label: i64 = 0
    while label & 0x100 == 0:  # bottom of the stack
        if c.end - at < 4:
            return TUNNEL_CUT
        label = u32_be(buffer, at)
        at += 4
    c.at = at
    if at >= c.end:
        return TUNNEL_CUT
    nibble: i64 = buffer[at] >> 4
    if (nibble == 4 and is_surely_ipv4(c, at)) or (nibble == 6 and is_surely_ipv6(c, at)):
        return IP
    plain = likeness_to_ethernet(c, at)
    if nibble == 0:
        behind_control_word = likeness_to_ethernet(c, at + 4)
        if behind_control_word > 0 and behind_control_word >= plain:
            c.at = at + 4
            return ETHERNET
    if plain > 0:
        return ETHERNET
    return IP if nibble in (4, 6) else OTHER_TUNNELLED
