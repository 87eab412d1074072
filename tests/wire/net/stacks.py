"""Frames for the tests of link, IP and tunnels: one TCP segment, wrapped in every layer that can carry it.

Built with scapy, every address given, so that it asks no routes. A stack is a kind ("ethernet", "ipv4",
"ipv6") and its bytes; a wrapper makes a new stack around one.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from dataclasses import dataclass

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, SNAP, Dot1Q, Dot3, Ether
from scapy.layers.l2 import LLC as LLC_LAYER
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments

MAC_A, MAC_B = "02:00:00:00:00:0a", "0a:00:00:00:00:0b"
CLIENT_V4, SERVER_V4 = "10.0.0.5", "10.0.0.9"
CLIENT_V6, SERVER_V6 = "2001:db8::5", "2001:db8::9"
CLIENT_PORT, SERVER_PORT = 50152, 3306
PAYLOAD = b"\x21\0\0\0\x03INSERT INTO t VALUES ('canary')"

Stack = tuple[str, bytes]
Changes = list[tuple[int, int]]  # offset (modulo the frame's length) and new value of a byte


def segment(payload: bytes = PAYLOAD, options: list[tuple[str, object]] | None = None) -> TCP:
    header = TCP(
        sport=CLIENT_PORT, dport=SERVER_PORT, flags="PA", seq=7, ack=9,
        options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 2))] if options is None else options,
    )
    return header / Raw(payload) if payload else header


def ipv4(payload: bytes = PAYLOAD, **fields: object) -> Stack:
    return "ipv4", bytes(IP(src=CLIENT_V4, dst=SERVER_V4, **fields) / segment(payload))


def ipv6(payload: bytes = PAYLOAD) -> Stack:
    return "ipv6", bytes(IPv6(src=CLIENT_V6, dst=SERVER_V6) / segment(payload))


def outer_v4(proto: int, payload: bytes) -> Stack:
    return "ipv4", bytes(IP(src="192.0.2.1", dst="192.0.2.2", proto=proto) / Raw(payload))


def outer_v6(following: int, payload: bytes) -> Stack:
    return "ipv6", bytes(IPv6(src="2001:db8:1::1", dst="2001:db8:1::2", nh=following) / Raw(payload))


def ethertype_of(stack: Stack) -> int:
    return {"ipv4": 0x0800, "ipv6": 0x86DD, "ethernet": 0x6558}[stack[0]]


def ethernet(stack: Stack) -> Stack:
    return "ethernet", bytes(Ether(src=MAC_A, dst=MAC_B, type=ethertype_of(stack)) / Raw(stack[1]))


def vlan(stack: Stack, outer_type: int = 0x8100) -> Stack:
    """A tag pushed into an Ethernet frame."""
    frame = stack[1]
    return "ethernet", frame[:12] + struct.pack(">HH", outer_type, 0x2064) + frame[12:]


def ethernet_snap(stack: Stack) -> Stack:
    layers = Dot3(src=MAC_A, dst=MAC_B) / LLC_LAYER(dsap=0xAA, ssap=0xAA, ctrl=3)
    return "ethernet", bytes(layers / SNAP(OUI=0, code=ethertype_of(stack)) / Raw(stack[1]))


def ethernet_vlan_scapy(stack: Stack) -> Stack:
    layers = Ether(src=MAC_A, dst=MAC_B) / Dot1Q(vlan=7) / Dot1Q(vlan=8, type=ethertype_of(stack))
    return "ethernet", bytes(layers / Raw(stack[1]))


def ppp_number(stack: Stack) -> bytes:
    return {"ipv4": b"\x00\x21", "ipv6": b"\x00\x57"}[stack[0]]


def pppoe(stack: Stack) -> Stack:
    inner = ppp_number(stack) + stack[1]
    header = struct.pack(">BBHH", 0x11, 0, 77, len(inner))
    return "ethernet", bytes(Ether(src=MAC_A, dst=MAC_B, type=0x8864) / Raw(header + inner))


def mpls(stack: Stack, labels: int = 2, control_word: bytes = b"") -> Stack:
    layers = Ether(src=MAC_A, dst=MAC_B, type=0x8847)
    for index in range(labels):
        layers = layers / MPLS(label=100 + index, ttl=64, s=index == labels - 1)
    return "ethernet", bytes(layers) + control_word + stack[1]


def mpls_in_ip(stack: Stack) -> Stack:
    return outer_v4(137, bytes(MPLS(label=5, s=1, ttl=3)) + stack[1])


def over_udp(port: int, payload: bytes, version: int = 4) -> Stack:
    datagram = UDP(sport=40000, dport=port) / Raw(payload)
    if version == 6:
        return "ipv6", bytes(IPv6(src="2001:db8:1::1", dst="2001:db8:1::2") / datagram)
    return "ipv4", bytes(IP(src="192.0.2.1", dst="192.0.2.2") / datagram)


def vxlan(stack: Stack, port: int = 4789, version: int = 4) -> Stack:
    return over_udp(port, bytes(VXLAN(vni=0xABCDE, flags=8)) + stack[1], version)


def vxlan_group_policy(stack: Stack) -> Stack:
    return over_udp(4789, b"\x88\x08\x12\x34\0\0\x07\0" + stack[1])


def vxlan_gpe(stack: Stack) -> Stack:
    inner = {"ipv4": 1, "ipv6": 2, "ethernet": 3}[stack[0]]
    return over_udp(4790, bytes([0x0C, 0, 0, inner, 0, 0, 7, 0]) + stack[1])


def geneve(stack: Stack, options: bytes = b"\x01\x08\x01\x01\xaa\xbb\xcc\xdd") -> Stack:
    header = struct.pack(">BBHI", len(options) // 4, 0x40, ethertype_of(stack), 0x1234 << 8)
    return over_udp(6081, header + options + stack[1])


def gre(stack: Stack, **fields: object) -> Stack:
    return outer_v4(47, bytes(GRE(proto=ethertype_of(stack), **fields) / Raw(stack[1])))


def gre_with_everything(stack: Stack) -> Stack:
    return gre(stack, chksum_present=1, key_present=1, seqnum_present=1, key=77, sequence_number=9)


def gre_over_v6(stack: Stack) -> Stack:
    return outer_v6(47, bytes(GRE(proto=ethertype_of(stack))) + stack[1])


def erspan_i(stack: Stack) -> Stack:
    return outer_v4(47, b"\0\0\x88\xbe" + stack[1])


def erspan_ii(stack: Stack) -> Stack:
    layers = GRE(proto=0x88BE, seqnum_present=1, sequence_number=1) / ERSPAN_II(vlan=1, session_id=3)
    return outer_v4(47, bytes(layers / Raw(stack[1])))


def erspan_iii(stack: Stack) -> Stack:
    layers = GRE(proto=0x22EB, seqnum_present=1, sequence_number=1) / ERSPAN_III(session_id=3)
    return outer_v4(47, bytes(layers / Raw(stack[1])))


def erspan_iii_with_subheader(stack: Stack) -> Stack:
    header = bytes(GRE(proto=0x22EB) / ERSPAN_III(session_id=3, o=1))
    return outer_v4(47, header + b"platform" + stack[1])


def ip_in_ip(stack: Stack) -> Stack:
    return outer_v4(4 if stack[0] == "ipv4" else 41, stack[1])


def ip_in_ipv6(stack: Stack) -> Stack:
    return outer_v6(4 if stack[0] == "ipv4" else 41, stack[1])


def gtp_u(stack: Stack) -> Stack:
    return over_udp(2152, struct.pack(">BBHI", 0x30, 0xFF, len(stack[1]), 0x51) + stack[1])


def gtp_u_with_extension(stack: Stack) -> Stack:
    # A sequence number, and a PDU session container (0x85) of 4 bytes.
    optional = struct.pack(">HBB", 5, 0, 0x85) + b"\x01\x10\x09\x00"
    header = struct.pack(">BBHI", 0x36, 0xFF, len(stack[1]) + len(optional), 0x51)
    return over_udp(2152, header + optional + stack[1])


@dataclass(frozen=True)
class Wrapper:
    name: str
    wrap: Callable[[Stack], Stack]
    carries: tuple[str, ...]
    depth: int  # tunnels that it adds


ANY_IP = ("ipv4", "ipv6")
ANY = ("ipv4", "ipv6", "ethernet")
LINKS = [  # from IP to Ethernet
    Wrapper("Ethernet", ethernet, ANY_IP, 0),
    Wrapper("802.3 SNAP", ethernet_snap, ANY_IP, 0),
    Wrapper("two VLAN tags", ethernet_vlan_scapy, ANY_IP, 0),
    Wrapper("PPPoE", pppoe, ANY_IP, 0),
    Wrapper("MPLS", mpls, ANY, 1),
    Wrapper("MPLS pseudowire", lambda stack: mpls(stack, 1, bytes(4)), ("ethernet",), 1),
]
TAGS = [
    Wrapper("802.1Q", vlan, ("ethernet",), 0),
    Wrapper("802.1ad", lambda stack: vlan(vlan(stack), 0x88A8), ("ethernet",), 0),
    Wrapper("QinQ 9100", lambda stack: vlan(vlan(stack), 0x9100), ("ethernet",), 0),
]
TUNNELS = [  # to IP
    Wrapper("VXLAN", vxlan, ("ethernet",), 1),
    Wrapper("VXLAN 8472", lambda stack: vxlan(stack, 8472), ("ethernet",), 1),
    Wrapper("VXLAN over IPv6", lambda stack: vxlan(stack, version=6), ("ethernet",), 1),
    Wrapper("VXLAN group policy", vxlan_group_policy, ("ethernet",), 1),
    Wrapper("VXLAN-GPE", vxlan_gpe, ANY, 1),
    Wrapper("GENEVE", geneve, ANY, 1),
    Wrapper("GENEVE without options", lambda stack: geneve(stack, b""), ANY, 1),
    Wrapper("GRE", gre, ANY, 1),
    Wrapper("GRE with checksum, key and sequence", gre_with_everything, ANY, 1),
    Wrapper("GRE over IPv6", gre_over_v6, ANY, 1),
    Wrapper("ERSPAN I", erspan_i, ("ethernet",), 1),
    Wrapper("ERSPAN II", erspan_ii, ("ethernet",), 1),
    Wrapper("ERSPAN III", erspan_iii, ("ethernet",), 1),
    Wrapper("ERSPAN III with subheader", erspan_iii_with_subheader, ("ethernet",), 1),
    Wrapper("IP in IPv4", ip_in_ip, ANY_IP, 1),
    Wrapper("IP in IPv6", ip_in_ipv6, ANY_IP, 1),
    Wrapper("MPLS in IP", mpls_in_ip, ANY, 1),
    Wrapper("GTP-U", gtp_u, ANY_IP, 1),
    Wrapper("GTP-U with extension header", gtp_u_with_extension, ANY_IP, 1),
]


@dataclass(frozen=True)
class Found:
    source: str
    destination: str
    source_port: int
    destination_port: int
    payload: bytes      # captured
    payload_len: int    # on the wire
    depth: int


EXPECTED_V4 = Found(CLIENT_V4, SERVER_V4, CLIENT_PORT, SERVER_PORT, PAYLOAD, len(PAYLOAD), 0)
EXPECTED_V6 = Found(CLIENT_V6, SERVER_V6, CLIENT_PORT, SERVER_PORT, PAYLOAD, len(PAYLOAD), 0)


def new_locator() -> Locator:
    return Locator(Fragments())


def found(locator: Locator) -> Found:
    """What the locator points at; every offset is checked to lie in its buffer."""
    buffer = locator.buffer
    size = 4 if locator.ip_version == 4 else 16
    at = locator.addresses_at
    assert 0 <= locator.ip_at < at < at + 2 * size <= locator.tcp_at
    assert locator.tcp_at + 20 <= locator.captured_end <= len(buffer)
    assert locator.tcp_at + 20 <= locator.payload_at <= locator.captured_end
    assert locator.segment_len >= locator.captured_end - locator.tcp_at
    assert locator.segment_len >= locator.payload_len >= locator.captured_end - locator.payload_at
    assert locator.ip_version == buffer[locator.ip_at] >> 4
    ports = struct.unpack_from(">HH", buffer, locator.tcp_at)
    return Found(
        str(ipaddress.ip_address(buffer[at : at + size])),
        str(ipaddress.ip_address(buffer[at + size : at + 2 * size])),
        *ports,
        payload=buffer[locator.payload_at : locator.captured_end],
        payload_len=locator.payload_len,
        depth=locator.encapsulation,
    )


def locate(
    frame: bytes, link_type: int = 1, captured_len: int | None = None, locator: Locator | None = None
) -> tuple[int, Locator]:
    locator = locator or new_locator()
    kept = len(frame) if captured_len is None else captured_len
    return locator.locate(frame[:kept], 0, kept, len(frame), link_type), locator
