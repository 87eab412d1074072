"""From a link-layer header to the IP header.

Sources: tcpdump.org "Link-layer header types"; IEEE 802.3, 802.1Q; RFC 1661 and 1662 (PPP), 1990, 2516 (PPPoE).
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire import link_types
from aurora_wire.binary import u16, u16_be, u32, u32_be
from aurora_wire.wire.net.cursor import (
    ETHERNET,
    ETHERTYPE,
    IP,
    IP_V4,
    IP_V6,
    LLC_HEADER,
    MAX_LENGTH,
    MPLS,
    PPP,
    VLAN_TAG,
    Cursor,
)
from aurora_wire.wire.net.juniper import is_juniper, juniper
from aurora_wire.wire.net.lan_links import arcnet, behind, docsis, fddi, infiniband, mpacket, switch_tag, token_ring
from aurora_wire.wire.net.recorders import erf, exported
from aurora_wire.wire.net.skip_reasons import (
    ARP,
    LINK_CUT,
    OTHER_ETHERTYPE,
    OTHER_FAMILY,
    OTHER_LINK_TYPE,
    OTHER_PPP,
    TUNNEL_CUT,
)
from aurora_wire.wire.net.tags import tag
from aurora_wire.wire.net.wan_links import atm, cisco_hdlc, frame_relay, pppd, sunatm
from aurora_wire.wire.net.wifi import old_radio, radiotap, wifi

NFULA_PAYLOAD: Final[i64] = 9    # of NFLOG's attributes
PKTAP_LEN: Final[i64] = 108      # bytes of its header, at least


def link(c: Cursor, link_type: i64) -> i64:
    """Return the first step of every frame, by its link type."""
    if link_type == link_types.EN10MB:
        return ethernet(c)
    if link_type == link_types.LINUX_SLL:
        if c.extras is not None and c.end - c.at >= 16:
            behind_address(c, c.at + 6, u16_be(c.buffer, c.at + 4))
        return typed_header(c, 14, 16)
    if link_type == link_types.LINUX_SLL2:
        if c.extras is not None and c.end - c.at >= 20:
            behind_address(c, c.at + 12, c.buffer[c.at + 11])
        return typed_header(c, 0, 20)
    if link_type in (link_types.RAW, link_types.RAW_DLT, link_types.RAW_OPENBSD):
        return IP
    if link_type in (link_types.NULL, link_types.LOOP):
        return loopback(c)
    return rarer_link(c, link_type)


def behind_address(c: Cursor, at: i64, length: i64) -> None:
    """Tell what is behind an address of `length` bytes in a field of eight: mostly two zeros."""
    end = at + 8
    at += min(length, 8)
    while at < end and c.buffer[at] == 0:
        at += 1
    c.beside(at, end)


def rarer_link(c: Cursor, link_type: i64) -> i64:
    if link_type == link_types.IPV4:
        return IP_V4
    if link_type == link_types.IPV6:
        return IP_V6
    if link_type in (link_types.PPP_LINK, link_types.PPP_HDLC):
        return PPP
    if link_type == link_types.PPP_WITH_DIR:
        c.at += 1
        return PPP
    if link_type == link_types.PPP_ETHER:
        return pppoe(c)
    if link_type == link_types.C_HDLC:
        return typed_header(c, 2, 4)
    if link_type == link_types.IEEE802_11:
        return wifi(c)
    if link_type == link_types.RADIOTAP:
        return radiotap(c)
    if link_type == link_types.ENC:
        return behind(c, 12, IP)
    if link_type == link_types.IPNET:
        return behind(c, 24, IP)
    if link_type == link_types.PFLOG:
        return pflog(c)
    if link_type == link_types.NFLOG:
        return nflog(c)
    if link_type in (link_types.PKTAP, link_types.USER2):
        return pktap(c, link_type)
    if link_type == link_types.PPI:
        return ppi(c)
    if is_juniper(link_type):
        return juniper(c, link_type)
    return rarest_link(c, link_type)


def rarest_link(c: Cursor, link_type: i64) -> i64:
    """Return the first step for links that nobody has seen for years, or outside a laboratory."""
    if link_type in (link_types.FRELAY, link_types.FRELAY_WITH_DIR):
        c.at += 1 if link_type == link_types.FRELAY_WITH_DIR else 0
        return frame_relay(c)
    if link_type == link_types.C_HDLC_WITH_DIR:
        c.at += 1
        return cisco_hdlc(c)
    if link_type == link_types.PPP_PPPD:
        return pppd(c)
    if link_type in (link_types.ATM_RFC1483, link_types.ATM_RFC1483_DLT, link_types.ATM_CLIP, link_types.ATM_CLIP_DLT):
        return atm(c, link_type)
    if link_type == link_types.SUNATM:
        return sunatm(c, link_type)
    if link_type == link_types.SLIP:
        return behind(c, 16, IP)
    if link_type in (link_types.PRISM, link_types.AVS):
        return old_radio(c)
    if link_type == link_types.TOKEN_RING:
        return token_ring(c)
    if link_type == link_types.FDDI:
        return fddi(c)
    if link_type in (link_types.ARCNET, link_types.ARCNET_LINUX):
        return arcnet(c, link_type)
    if link_type == link_types.DOCSIS:
        return docsis(c, link_type)
    if link_type == link_types.IP_OVER_FC:
        return behind(c, 16, LLC_HEADER)
    if link_type == link_types.FIREWIRE:
        return typed_header(c, 16, 18)
    if link_type == link_types.IPOIB:
        return typed_header(c, 40, 44)
    if link_type == link_types.INFINIBAND:
        return infiniband(c, link_type)
    if link_type == link_types.MPLS_LINK:
        return c.enter(MPLS)
    if link_type == link_types.ERF:
        return erf(c, link_type)
    if link_type == link_types.EXPORTED:
        return exported(c, link_type)
    if link_type == link_types.NETANALYZER:
        return behind(c, 4, ETHERNET)
    if link_type == link_types.NETANALYZER_TRANSPARENT:
        return behind(c, 12, ETHERNET)
    if link_type == link_types.MPACKET:
        return mpacket(c, link_type)
    if link_type in (link_types.DSA_TAG_BRCM, link_types.DSA_TAG_DSA):
        return switch_tag(c, 4)
    if link_type == link_types.DSA_TAG_BRCM_PREPEND:
        return behind(c, 4, ETHERNET)
    if link_type == link_types.DSA_TAG_EDSA:
        return switch_tag(c, 8)
    c.reason_detail = link_type
    return OTHER_LINK_TYPE


def pflog(c: Cursor) -> i64:
    """Pass OpenBSD's packet filter log: the first byte is the header's length without its padding to four bytes."""
    if c.end - c.at < 4:
        return LINK_CUT
    length: i64 = c.buffer[c.at]
    header_len: i64 = (length + 3) & 0xFC
    c.beside(c.at + 4, c.at + header_len)  # behind family, action and reason: interface, rule set, numbers
    return behind(c, header_len, IP)


def nflog(c: Cursor) -> i64:
    """Pass Linux netfilter log: family, version, resource, attributes in the host's byte order; one is the packet."""
    at = c.at + 4
    while c.end - at >= 4:
        length = u16(c.buffer, at)
        kind = u16(c.buffer, at + 2) & 0x7FFF
        if kind > 0xFF:  # the other byte order
            length = u16_be(c.buffer, at)
            kind = u16_be(c.buffer, at + 2) & 0x7FFF
        if length < 4:
            break
        if kind == NFULA_PAYLOAD:
            c.at = at + 4
            return IP
        c.beside(at + 4, at + length)
        at += (length + 3) & 0x1FFFC
    return LINK_CUT


def pktap(c: Cursor, link_type: i64) -> i64:
    """Pass Apple's PKTAP: length of the header, kind of record, link type of what follows, all little-endian.

    macOS writes it as USER2, too, which may be anything else: then the numbers do not fit.
    """
    at = c.at
    if c.end - at < 12:
        return LINK_CUT
    length = u32(c.buffer, at)
    inner = u32(c.buffer, at + 8)
    if length > 4 * PKTAP_LEN:
        length = 0
    c.beside(at + 12, at + length)  # interface, processes
    return wrapped(c, link_type, length, PKTAP_LEN, inner)


def ppi(c: Cursor) -> i64:
    """Pass per-packet information: version, flags, length of the header, link type of what follows, little-endian."""
    at = c.at
    if c.end - at < 8:
        return LINK_CUT
    length = u16(c.buffer, at + 2)
    inner = u32(c.buffer, at + 4)
    c.beside(at + 8, at + length)
    return wrapped(c, link_types.PPI, length, 8, inner)


def wrapped(c: Cursor, link_type: i64, length: i64, least: i64, inner: i64) -> i64:
    """Pass a header of `length` bytes, `least` at least, before a frame of link type `inner`; never wrapped again."""
    if length < least or inner in (link_types.PKTAP, link_types.USER2, link_types.PPI):
        c.reason_detail = link_type
        return OTHER_LINK_TYPE
    if c.end - c.at < length:
        return LINK_CUT
    c.at += length
    return link(c, inner)


def ethernet(c: Cursor) -> i64:
    return typed_header(c, 12, 14)


def typed_header(c: Cursor, type_at: i64, header_len: i64) -> i64:
    """Pass a header whose only interest is the Ethernet type in it."""
    at = c.at
    if c.end - at < header_len:
        return LINK_CUT
    number = u16_be(c.buffer, at + type_at)
    c.at = at + header_len
    if number == 0x0800:
        return IP_V4
    if number == 0x86DD:
        return IP_V6
    c.number = number
    return ETHERTYPE if number > MAX_LENGTH else LLC_HEADER


def ethertype(c: Cursor) -> i64:
    """Return the step behind an Ethernet type. VLAN tags are skipped; a length in place of a type is that of 802.3."""
    number = c.number
    while number in (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300):
        if c.end - c.at < 4:
            return LINK_CUT
        network = u16_be(c.buffer, c.at) & 0x0FFF
        if network != 0:  # 0 tells a priority only
            c.tag(VLAN_TAG, network)
        number = u16_be(c.buffer, c.at + 2)
        c.at += 4
        if number <= MAX_LENGTH:
            return LLC_HEADER
    if number == 0x0800:
        return IP_V4
    if number == 0x86DD:
        return IP_V6
    if number in (0x8847, 0x8848):
        return c.enter(MPLS)
    if number == 0x8864:
        return pppoe(c)
    if number == 0x0806:
        return ARP
    c.number = number
    return tag(c)


def loopback(c: Cursor) -> i64:
    """Pass BSD loopback: the address family in the byte order of the host (NULL) or of the network (LOOP)."""
    at = c.at
    if c.end - at < 4:
        return LINK_CUT
    family = u32(c.buffer, at)
    if family > 0xFFFF:
        family = u32_be(c.buffer, at)
    if family > 0xFF and family & 0xFF == 0:  # its halves the other way round
        family >>= 8
    c.at = at + 4
    if family == 2:
        return IP_V4
    if family in (10, 23, 24, 28, 30):  # Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS
        return IP_V6
    c.reason_detail = family
    return OTHER_FAMILY


def pppoe(c: Cursor) -> i64:
    """Pass a PPPoE session header: version and type, code, session, length; then PPP without FF 03."""
    at = c.at
    if c.end - at < 6:
        return TUNNEL_CUT
    if u16_be(c.buffer, at) != 0x1100:
        c.reason_detail = 0x8864
        return OTHER_ETHERTYPE
    c.at = at + 6
    return PPP


def ppp(c: Cursor) -> i64:
    at = c.at
    if c.end - at < 2:
        return LINK_CUT
    first: i64 = c.buffer[at]
    if first == 0xFF:
        at += 2
    elif first in (0x0F, 0x8F) and c.buffer[at + 1] == 0:  # Cisco HDLC on the same kind of line
        return typed_header(c, 2, 4)
    if c.end - at < 2:
        return LINK_CUT
    number: i64 = c.buffer[at]
    if number & 1 == 1:  # "protocol field compression": one byte, which is odd
        c.at = at + 1
    else:
        number = u16_be(c.buffer, at)
        c.at = at + 2
    if number == 0x0021:
        return IP_V4
    if number == 0x0057:
        return IP_V6
    if number in (0x0281, 0x0283):
        return c.enter(MPLS)
    if number == 0x003D:
        return multilink(c)
    c.reason_detail = number
    return OTHER_PPP


def multilink(c: Cursor) -> i64:
    """Pass RFC 1990's header with sequence numbers of 24 bits: PPP again, if a fragment is both first and last."""
    if c.end - c.at < 4:
        return LINK_CUT
    if c.buffer[c.at] != 0xC0:
        c.reason_detail = 0x003D
        return OTHER_PPP
    c.at += 4
    return c.enter(PPP)
