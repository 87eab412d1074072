"""From an IP header to what it carries: IPv4, IPv6 with its extension headers, fragments of both.

Sources: RFC 791; RFC 8200 (IPv6), 2675 (jumbograms), 6946 (atomic fragments), 4302 (AH).

The addresses are those of the header: a source route that is still under way is not looked into.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.net.checksum import internet_checksum
from aurora_wire.wire.net.cursor import ETHERNET, IP, IP_V4, IP_V6, MPLS, PROTOCOL, TCP_HEADER, Cursor
from aurora_wire.wire.net.ip_fragments import COMPLETE, WAITING
from aurora_wire.wire.net.overlays import ether_ip, l2tp_v3
from aurora_wire.wire.net.skip_reasons import (
    ESP,
    FRAGMENT_LOST,
    FRAGMENT_WAITING,
    ICMP,
    ICMP_V6,
    IGMP,
    IP_CUT,
    IP_MALFORMED,
    OTHER_PROTOCOL,
    OTHER_TUNNELLED,
    SCTP,
    UDP,
)
from aurora_wire.wire.net.tunnels import gre, tunnel_port, udp

# IP protocol numbers.
IPPROTO_HOP_BY_HOP: Final[i64] = 0
IPPROTO_IPIP: Final[i64] = 4
IPPROTO_TCP: Final[i64] = 6
IPPROTO_UDP: Final[i64] = 17
IPPROTO_IPV6: Final[i64] = 41
IPPROTO_ROUTING: Final[i64] = 43
IPPROTO_FRAGMENT: Final[i64] = 44
IPPROTO_GRE: Final[i64] = 47
IPPROTO_AH: Final[i64] = 51
IPPROTO_DESTINATION: Final[i64] = 60
IPPROTO_IPIP_94: Final[i64] = 94
IPPROTO_ETHER_IP: Final[i64] = 97
IPPROTO_L2TP: Final[i64] = 115
IPPROTO_MOBILITY: Final[i64] = 135
IPPROTO_MPLS_IN_IP: Final[i64] = 137
IPPROTO_HIP: Final[i64] = 139
IPPROTO_SHIM6: Final[i64] = 140
IPPROTO_ETHERNET: Final[i64] = 143

MAX_DATAGRAM: Final[i64] = 65535       # bytes, header included, of what fragments can make
MAX_JUMBO: Final[i64] = 1 << 20        # our bound on a jumbogram; Linux makes at most 512 KiB ("BIG TCP")


def ip(c: Cursor) -> i64:
    """Pass IP of either version, if nothing before the header said which."""
    if c.at >= c.end:
        return IP_CUT
    version: i64 = c.buffer[c.at] >> 4
    if version == 4:
        return IP_V4
    return IP_V6 if version == 6 else OTHER_TUNNELLED


def ipv4(c: Cursor) -> i64:
    buffer = c.buffer
    at = c.at
    captured: i64 = c.end - at
    if captured < 20:
        return IP_CUT  # on the wire, too: a switch that mirrors may cut frames, and so may what wrote the file
    first: i64 = buffer[at]
    header_len: i64 = (first & 0x0F) << 2
    if first >> 4 != 4 or header_len < 20:
        return IP_MALFORMED
    if captured < header_len:
        return IP_CUT
    total = u16_be(buffer, at + 2)
    # Total length 0: the sender's network card segments (TSO), so the length of the frame counts.
    if total != 0:
        if total < header_len:
            return IP_MALFORMED
        c.limit(at + total)
    if header_len > 20:
        c.beside(at + 20, at + header_len)
    c.ip_at = at
    c.ip_version = 4
    c.addresses_at = at + 12
    c.at = at + header_len
    protocol: i64 = buffer[at + 9]
    if u16_be(buffer, at + 6) & 0x3FFF != 0:  # more fragments, or an offset
        return fragment_v4(c, protocol)
    if protocol == IPPROTO_TCP:
        return TCP_HEADER
    c.number = protocol
    return PROTOCOL


def fragment_v4(c: Cursor, protocol: i64) -> i64:
    if not is_followed(protocol):
        c.number = protocol
        return other_protocol(c)
    buffer = c.buffer
    at = c.ip_at
    field = u16_be(buffer, at + 6)
    # Datagrams are told apart by addresses, identification and protocol.
    key = buffer[at + 12 : at + 20] + buffer[at + 4 : at + 6] + buffer[at + 9 : at + 10]
    step = fragment(c, key, (field & 0x1FFF) << 3, field & 0x2000 != 0, protocol)
    if step != PROTOCOL:
        return step
    pieces = c.fragments
    old = pieces.header
    total: i64 = len(old) + pieces.payload_len
    if total > MAX_DATAGRAM:
        return IP_MALFORMED
    header = old[:2] + int(total).to_bytes(2, "big") + old[4:6] + b"\0\0" + old[8:10] + b"\0\0" + old[12:]
    whole = header[:10] + int(internet_checksum(header, 0, len(header))).to_bytes(2, "big") + header[12:]
    return reassembled(c, whole, 12)


def ipv6(c: Cursor) -> i64:
    buffer = c.buffer
    at = c.at
    captured: i64 = c.end - at
    if captured < 40:
        return IP_CUT
    version: i64 = buffer[at] >> 4
    if version != 6:
        return IP_MALFORMED
    payload_len = u16_be(buffer, at + 4)
    # Payload length 0: a jumbogram, whose option is read with the hop-by-hop header, or offload as in IPv4.
    if payload_len != 0:
        c.limit(at + 40 + payload_len)
    c.ip_at = at
    c.ip_version = 6
    c.addresses_at = at + 8
    c.at = at + 40
    following: i64 = buffer[at + 6]
    if following == IPPROTO_TCP:
        return TCP_HEADER
    if following == IPPROTO_HOP_BY_HOP:
        step = hop_by_hop(c, payload_len == 0)
        if step != PROTOCOL:
            return step
        following = c.number
    c.number = following
    return PROTOCOL


def hop_by_hop(c: Cursor, may_be_jumbo: bool) -> i64:
    """Walk over the hop-by-hop header; `number` is what follows."""
    at = c.at
    c.number = IPPROTO_HOP_BY_HOP
    step = extension(c)
    if step != PROTOCOL or not may_be_jumbo:
        return step
    buffer = c.buffer
    option: i64 = at + 2
    while option + 2 <= c.at:
        kind: i64 = buffer[option]
        if kind == 0:  # Pad1 has no length
            option += 1
            continue
        length: i64 = buffer[option + 1]
        if kind == 0xC2 and length == 4 and option + 6 <= c.at:
            jumbo = u32_be(buffer, option + 2)
            wire_end: i64 = c.ip_at + 40 + jumbo
            if jumbo <= 0xFFFF or wire_end < c.at or (jumbo > MAX_JUMBO and wire_end > c.wire_end):
                return IP_MALFORMED
            c.limit(wire_end)
            return PROTOCOL
        option += 2 + length
    return PROTOCOL


def extension(c: Cursor) -> i64:
    """Walk over one extension header that tells its length in units of 8 bytes, or AH."""
    at = c.at
    if c.end - at < 2:
        return cut_or_malformed(c, 2)
    length: i64 = c.buffer[at + 1]
    length = (length + 2) << 2 if c.number == IPPROTO_AH else (length + 1) << 3
    if c.end - at < length:
        return cut_or_malformed(c, length)
    if c.number in (IPPROTO_HOP_BY_HOP, IPPROTO_DESTINATION):
        c.beside(at + 2, at + length)
    c.number = c.buffer[at]
    c.at = at + length
    return PROTOCOL


def cut_or_malformed(c: Cursor, length: i64) -> i64:
    return IP_CUT if c.wire_end - c.at >= length else IP_MALFORMED


def fragment_v6(c: Cursor) -> i64:
    buffer = c.buffer
    at = c.at
    if c.end - at < 8:
        return cut_or_malformed(c, 8)
    following: i64 = buffer[at]
    field = u16_be(buffer, at + 2)
    c.at = at + 8
    if field & 0xFFF9 == 0:  # "atomic": the only fragment
        c.number = following
        return PROTOCOL
    if not (is_followed(following) or following in (IPPROTO_ROUTING, IPPROTO_DESTINATION)):
        c.number = following
        return other_protocol(c)
    ip_at = c.ip_at
    key = buffer[ip_at + 8 : ip_at + 40] + buffer[at + 4 : at + 8]
    step = fragment(c, key, field & 0xFFF8, field & 1 != 0, following)
    if step != PROTOCOL:
        return step
    pieces = c.fragments
    old = pieces.header
    if pieces.payload_len > MAX_DATAGRAM:
        return IP_MALFORMED
    # The extension headers before the fragment header are left out.
    length = int(pieces.payload_len).to_bytes(2, "big")
    return reassembled(c, old[:4] + length + bytes([int(pieces.protocol)]) + old[7:40], 8)


def fragment(c: Cursor, key: bytes, offset: i64, has_more: bool, protocol: i64) -> i64:
    """Keep a fragment. Return PROTOCOL if it was the last piece, else why not."""
    wire_len: i64 = c.wire_end - c.at
    if wire_len <= 0 or (has_more and wire_len & 7 != 0) or offset + wire_len > MAX_DATAGRAM:
        return IP_MALFORMED
    header = c.buffer[c.ip_at : c.at] if offset == 0 else b""
    if c.network != 0:
        key += int(c.network).to_bytes(7, "big")
    outcome = c.fragments.add(
        key, c.frame, offset, offset + wire_len, not has_more, c.buffer[c.at : c.end], header, protocol,
        offset == 0 and is_elsewhere(c, protocol),
    )
    if outcome == COMPLETE:
        return PROTOCOL
    return FRAGMENT_WAITING if outcome == WAITING else FRAGMENT_LOST


def is_elsewhere(c: Cursor, protocol: i64) -> bool:
    """Return whether a first fragment shows its ports, and none of them is MySQL's or a tunnel's."""
    if c.end - c.at < 4:
        return False
    source = u16_be(c.buffer, c.at)
    destination = u16_be(c.buffer, c.at + 2)
    if protocol == IPPROTO_UDP:
        return tunnel_port(source, destination) == 0
    ports = c.fragments.ports
    return protocol == IPPROTO_TCP and len(ports) > 0 and source not in ports and destination not in ports


def reassembled(c: Cursor, header: bytes, addresses_at: i64) -> i64:
    """Go on in the datagram that the fragments made."""
    pieces = c.fragments
    c.buffer = header + pieces.payload
    c.at = len(header)
    c.end = len(c.buffer)
    c.wire_end = c.at + pieces.payload_len
    c.ip_at = 0
    c.addresses_at = addresses_at
    c.number = pieces.protocol
    c.in_dispute = c.in_dispute or pieces.in_dispute
    c.other = header + pieces.other if pieces.other else b""
    c.edges = [int(c.at) + edge for edge in pieces.edges]
    pieces.payload = b""
    pieces.other = b""
    return PROTOCOL


def is_followed(protocol: i64) -> bool:
    """Return whether TCP could be inside."""
    return protocol in (
        IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPIP, IPPROTO_IPV6, IPPROTO_GRE, IPPROTO_AH, IPPROTO_MPLS_IN_IP,
        IPPROTO_IPIP_94, IPPROTO_ETHER_IP, IPPROTO_L2TP, IPPROTO_ETHERNET,
    )


def ip_payload(c: Cursor) -> i64:
    """Return the step for what IP carries, by `number`."""
    number = c.number
    if number == IPPROTO_TCP:
        return TCP_HEADER
    if number == IPPROTO_UDP:
        return udp(c)
    if number == IPPROTO_GRE:
        return gre(c)
    if number == IPPROTO_IPIP:
        return c.enter(IP_V4)
    if number == IPPROTO_IPV6:
        return c.enter(IP_V6)
    if number == IPPROTO_MPLS_IN_IP:
        return c.enter(MPLS)
    if number == IPPROTO_AH:
        return extension(c)
    if number == IPPROTO_IPIP_94:
        return c.enter(IP)
    if number == IPPROTO_ETHERNET:
        return c.enter(ETHERNET)
    if number == IPPROTO_ETHER_IP:
        return ether_ip(c)
    if number == IPPROTO_L2TP:
        return l2tp_v3(c)
    if c.ip_version == 6:
        if number in (
            IPPROTO_ROUTING, IPPROTO_DESTINATION, IPPROTO_MOBILITY, IPPROTO_HIP, IPPROTO_SHIM6,
        ):
            return extension(c)
        if number == IPPROTO_FRAGMENT:
            return fragment_v6(c)
    return other_protocol(c)


def other_protocol(c: Cursor) -> i64:
    number = c.number
    if number == IPPROTO_UDP:
        return UDP
    if number == 1:
        return ICMP
    if number == 2:
        return IGMP
    if number == 50:
        return ESP
    if number == 58:
        return ICMP_V6
    if number == 132:
        return SCTP
    c.reason_detail = number
    return OTHER_PROTOCOL
