"""Frames of the rarer encapsulations, each around one segment, and what tshark has to be told to read them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from tests.wire.net.stacks import (
    Stack,
    ethernet,
    ethertype_of,
    ipv4,
    ipv6,
    outer_v4,
    outer_v6,
    over_udp,
    ppp_number,
)

MACS = bytes.fromhex("02000000000a0a000000000b")
NSH = b"\x0f\xc6\x01%c\0\0\1\xff" + bytes(16)  # its metadata of the kind that has a fixed length
NOT_JUDGED = ("tshark does not read it",)


@dataclass(frozen=True)
class Frame:
    """kind: of the packet inside, "ipv4" or "ipv6"; depth: tunnels around it; judge: options for tshark."""

    name: str
    kind: str
    bytes: bytes
    depth: int = 0
    link: int = 1
    judge: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        return f"{self.name}, {self.kind}, {self.link}"


def tagged(stack: Stack, number: int, tag: bytes) -> bytes:
    frame = stack[1]
    return frame[:12] + struct.pack(">H", number) + tag + frame[12:]


def from_port(port: int, payload: bytes) -> Stack:
    return "ipv4", bytes(IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=port, dport=40000) / Raw(payload))


def hashed(port: int, payload: bytes) -> Stack:
    """To a port, from one that the sender chose by a hash, and that is another tunnel's."""
    return "ipv4", bytes(IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=51820, dport=port) / Raw(payload))


def snap(stack: Stack) -> bytes:
    return b"\xaa\xaa\x03\0\0\0" + struct.pack(">H", ethertype_of(stack)) + stack[1]


def wifi(stack: Stack, control: bytes) -> bytes:
    header = control + b"\0\0" + MACS + bytes.fromhex("02000000000a") + b"\0\0"
    return header + snap(stack)


def tags(stack: Stack) -> list[Frame]:
    kind = stack[0]
    inner = ethernet(stack)
    frame = inner[1]
    return [
        Frame("VN-Tag", kind, tagged(inner, 0x8926, bytes(4))),
        Frame("E-TAG", kind, tagged(inner, 0x893F, bytes(6))),
        Frame("VN-Tag before a VLAN tag", kind, tagged(inner, 0x8926, bytes(4) + b"\x81\0\0\x07")),
        Frame("HSR", kind, tagged(inner, 0x892F, b"\0\x40\0\x01")),
        Frame("EDSA", kind, tagged(inner, 0xDADA, b"\0\0\x40\0\0\x01"), judge=NOT_JUDGED),
        Frame("Realtek", kind, tagged(inner, 0x8899, b"\x04\0\0\0\0\x01"), judge=NOT_JUDGED),
        Frame("Realtek's short tag", kind, tagged(inner, 0x8899, b"\xa0\x01"), judge=NOT_JUDGED),
        Frame("Cisco metadata", kind, tagged(inner, 0x8909, b"\x01\x01\0\x01\0\x07")),
        Frame("Arista's timestamp", kind, tagged(inner, 0xD28B, b"\0\x01\0\x10" + bytes(8))),
        Frame("Arista's short timestamp", kind, tagged(inner, 0xD28B, b"\0\x01\x01\x20" + bytes(6))),
        Frame("MACsec without encryption", kind, tagged(inner, 0x88E5, b"\0\0\0\0\0\x01") + bytes(16)),
        Frame("MACsec with SCI", kind, tagged(inner, 0x88E5, b"\x20\0\0\0\0\x01" + bytes(8)) + bytes(16)),
        Frame("MAC-in-MAC", kind, MACS + b"\x88\xe7\0\0\0\x07" + frame, 1),
        Frame("MAC-in-MAC behind a B-TAG", kind, MACS + b"\x88\xa8\0\x07\x88\xe7\0\0\0\x07" + frame, 1),
        Frame("FabricPath", kind, MACS + b"\x89\x03\x10\x1e" + frame + bytes(4), 1),
        Frame("TRILL", kind, MACS + b"\x22\xf3\0\x3f\0\x01\0\x02" + frame, 1),
        Frame("TRILL with options", kind, MACS + b"\x22\xf3\0\x7f\0\x01\0\x02" + bytes(4) + frame, 1),
        Frame("NSH and Ethernet", kind, MACS + b"\x89\x4f" + NSH % 3 + frame, 1),
        Frame("NSH and IP", kind, MACS + b"\x89\x4f" + NSH % (1 if kind == "ipv4" else 2) + stack[1], 1),
        Frame("NSH without metadata", kind, MACS + b"\x89\x4f\x0f\xc2\x02\x03\0\0\x01\xff" + frame, 1),
        Frame("bridged Ethernet", kind, MACS + b"\x65\x58" + frame, 1),
        Frame("long LLC", kind, MACS + b"\x88\x70" + snap(stack)),
    ]


L2TP_V3 = ("-d", "l2tp.pw_type==0,eth", "-o", "l2tp.l2_specific:None")
COOKIE = (*L2TP_V3, "-o", "l2tp.cookie_size:4 Byte Cookie")
NO_COOKIE = (*L2TP_V3, "-o", "l2tp.cookie_size:None")


def overlays(stack: Stack) -> list[Frame]:
    kind, body = stack
    frame = ethernet(stack)[1]
    ppp = ppp_number(stack) + body
    with_all = b"\x4a\x02" + struct.pack(">6H", len(ppp) + 16, 7, 1, 3, 4, 2) + b"\0\0" + ppp
    call = struct.pack(">HHII", len(ppp) + 2, 1, 2, 3) + b"\xff\x03" + ppp
    packets = [
        ("VXLAN-GPE and NSH", over_udp(4790, b"\x0c\0\0\x04\0\0\x07\0" + NSH % 3 + frame), 2, ()),
        ("VXLAN from a port of others", hashed(4789, b"\x08\0\0\0\0\0\x07\0" + frame), 1, ()),
        ("GENEVE and NSH", over_udp(6081, b"\0\0\x89\x4f\0\0\x01\0" + NSH % 3 + frame), 2, ()),
        ("GRE and NSH", outer_v4(47, b"\0\0\x89\x4f" + NSH % 3 + frame), 2, ()),
        ("L2TP", over_udp(1701, b"\0\x02\0\x07\0\x01\xff\x03" + ppp), 1, ()),
        ("L2TP from its port", from_port(1701, b"\0\x02\0\x07\0\x01\xff\x03" + ppp), 1, ()),
        ("L2TP with all fields", over_udp(1701, with_all), 1, ()),
        ("L2TPv3 in UDP", over_udp(1701, b"\0\x03\0\0\0\0\0\x01" + bytes(4) + frame), 1, COOKIE),
        ("L2TPv3 with a cookie", outer_v4(115, b"\0\0\0\x01" + bytes(4) + frame), 1, COOKIE),
        ("L2TPv3", outer_v4(115, b"\0\0\0\x01" + frame), 1, NO_COOKIE),
        ("LISP", over_udp(4341, b"\x80\0\0\x01\0\0\0\x01" + body), 1, ()),
        ("MPLS in UDP", over_udp(6635, b"\0\x06\x41\x40" + body), 1, ()),
        ("TZSP", over_udp(37008, b"\x01\0\0\x01\x01" + frame), 1, ()),
        ("TZSP with fields", over_udp(37008, b"\x01\0\0\x01\0\x0a\x01\x05\x01" + frame), 1, ()),
        ("CAPWAP with Ethernet", over_udp(5247, b"\0\x10\x02\0\0\0\0\0" + frame), 1, ()),
        ("CAPWAP, bytes swapped", from_port(5247, b"\0\x10\x03\0\0\0\0\0" + wifi(stack, b"\x01\x08")), 1, ()),
        (
            "CAPWAP", over_udp(5247, b"\0\x10\x03\0\0\0\0\0" + wifi(stack, b"\x08\x01")), 1,
            ("-o", "capwap.swap_fc:FALSE"),
        ),
        ("GUE", over_udp(6080, b"\0" + (b"\x04" if kind == "ipv4" else b"\x29") + b"\0\0" + body), 1, NOT_JUDGED),
        ("GUE without a header", over_udp(6080, body), 1, NOT_JUDGED),
        ("PPTP", outer_v4(47, b"\x30\x81\x88\x0b" + call), 1, ()),
        ("PPTP without FF 03", outer_v4(47, b"\x30\x01\x88\x0b" + struct.pack(">HHI", len(ppp), 1, 2) + ppp), 1, ()),
        ("PPP in GRE", outer_v4(47, b"\0\0\x88\x0b\xff\x03" + ppp), 1, ()),
        ("IP in IP (94)", outer_v4(94, body), 1, NOT_JUDGED),
        ("EtherIP", outer_v4(97, b"\x30\0" + frame), 1, ()),
        ("Ethernet in IP", outer_v4(143, frame), 1, ()),
        ("Ethernet in IPv6", outer_v6(143, frame), 1, ()),
    ]
    if kind == "ipv4":
        packets += [
            ("WCCP", outer_v4(47, b"\0\0\x88\x3e" + bytes(4) + body), 1, ()),
            ("WCCP without a header", outer_v4(47, b"\0\0\x88\x3e" + body), 1, ()),
        ]
    else:
        packets += [
            ("Teredo", over_udp(3544, body), 1, ()),
            ("Teredo from its port", from_port(3544, body), 1, ()),
            ("Teredo with origin", over_udp(3544, bytes(8) + body), 1, ()),
            ("Teredo with authentication", over_udp(3544, b"\0\x01\0\0" + bytes(17) + body), 1, ()),
        ]
    return [Frame(name, kind, ethernet(packet)[1], depth, 1, judge) for name, packet, depth, judge in packets]


def hcs(header: bytes) -> bytes:
    """The checksum of a DOCSIS header: CRC-16 as X.25 has it, low byte first."""
    value = 0xFFFF
    for byte in header:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return struct.pack("<H", value ^ 0xFFFF)


def docsis(frame: bytes, extended: bytes = b"") -> bytes:
    head = struct.pack(">BBH", 1 if extended else 0, len(extended), len(frame) + len(extended)) + extended
    return head + hcs(head) + frame


def erf(kind: int, frame: bytes, extensions: bytes = b"") -> bytes:
    lengths = struct.pack(">HHH", 16 + len(extensions) + len(frame), 0, len(frame))
    return bytes(8) + bytes([kind, 4]) + lengths + extensions + frame


def lines(stack: Stack) -> list[Frame]:
    """Of long lines: frame relay, ATM, PPP as others write it."""
    kind, body = stack
    frame = ethernet(stack)[1]
    number = struct.pack(">H", ethertype_of(stack))
    ppp = ppp_number(stack) + body
    nlpid = b"\xcc" if kind == "ipv4" else b"\x8e"
    address = b"\x18\x41"
    bridged = b"\0\x80\xc2\0\x07"
    frames = [
        ("frame relay", 107, address + b"\x03" + nlpid + body, 0, ()),
        ("frame relay with padding", 107, address + b"\x03\0" + nlpid + body, 0, ()),
        ("frame relay and SNAP", 107, address + b"\x03\0\x80\0\0\0" + number + body, 0, ()),
        ("frame relay, bridged", 107, address + b"\x03\0\x80" + bridged + frame, 1, ()),
        ("frame relay as Cisco has it", 107, address + number + body, 0, ()),
        ("frame relay and PPP", 107, address + b"\x03\xcf" + ppp, 0, ()),
        ("frame relay, long address", 107, b"\x18\x40\x40\x41\x03" + nlpid + body, 0, ()),
        ("frame relay with direction", 206, b"\x01" + address + b"\x03" + nlpid + body, 0, NOT_JUDGED),
        ("HDLC with direction", 205, b"\x01\x0f\0" + number + body, 0, NOT_JUDGED),
        ("pppd", 166, b"\x01\x03" + ppp, 0, NOT_JUDGED),
        ("pppd with FF 03", 166, b"\0\xff\x03" + ppp, 0, NOT_JUDGED),
        ("pppd without address", 166, b"\x01" + ppp, 0, NOT_JUDGED),
        ("PPP multilink", 9, b"\xff\x03\0\x3d\xc0\0\0\x07" + ppp, 1, ()),
        ("SLIP", 8, bytes(16) + body, 0, NOT_JUDGED),
        ("SunATM", 123, b"\x02\0\0\x20" + snap(stack), 0, ()),
        ("SunATM, LAN emulation", 123, b"\x81\0\0\x20\0\x01" + frame, 0, ()),
        ("MPLS", 219, b"\0\x06\x41\x40" + body, 1, NOT_JUDGED),
    ]
    for link in (11, 100):
        frames += [
            ("ATM", link, snap(stack), 0, ()),
            ("ATM, bridged", link, b"\xaa\xaa\x03" + bridged + bytes(2) + frame, 1, ()),
            ("ATM and NLPID", link, b"\xfe\xfe\x03" + nlpid + body, 0, ()),
            ("ATM and PPP", link, b"\xfe\xfe\x03\xcf" + ppp, 0, ()),
            ("ATM for IP", link, body, 0, NOT_JUDGED),
            ("ATM for PPP", link, ppp, 0, NOT_JUDGED),
            ("ATM for Ethernet", link, bytes(2) + frame, 0, NOT_JUDGED),
        ]
    for link in (19, 106):
        frames += [("ATM CLIP", link, body, 0, ()), ("ATM CLIP and LLC", link, snap(stack), 0, NOT_JUDGED)]
    return [Frame(name, kind, made, depth, link, judge) for name, link, made, depth, judge in frames]


def lans(stack: Stack) -> list[Frame]:
    kind, body = stack
    frame = ethernet(stack)[1]
    number = struct.pack(">H", ethertype_of(stack))
    protocol = b"\xd4" if kind == "ipv4" else b"\xc4"
    radio = wifi(stack, b"\x08\x01")
    wire = b"\x55" * 7 + b"\xd5" + frame + struct.pack("<I", zlib.crc32(frame))
    datagram = bytes([0x64, 0, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0, 0, 1]) + bytes(8) + number + bytes(2) + body + bytes(6)
    route = b"\x60\0\0\0" + struct.pack(">HBB", len(datagram), 0x1B, 1) + bytes(32)
    frames = [
        ("Prism", 119, struct.pack("<II", 0x44, 144) + bytes(136) + radio, 0, ()),
        ("AVS on Prism's number", 119, struct.pack(">II", 0x80211001, 64) + bytes(56) + radio, 0, ()),
        ("AVS", 163, struct.pack(">II", 0x80211001, 64) + bytes(56) + radio, 0, ()),
        ("Token Ring", 6, b"\x10\x40" + MACS + snap(stack), 0, ()),
        (
            "Token Ring with a route", 6,
            b"\x10\x40" + MACS[:6] + b"\x80" + MACS[7:] + b"\x06\x30\0\x01\0\x02" + snap(stack), 0, (),
        ),
        ("FDDI", 10, b"\x50" + MACS + snap(stack), 0, ()),
        ("ARCNET", 7, b"\x01\x02" + protocol + b"\0\0\x01" + body, 0, ()),
        ("ARCNET, exception", 7, b"\x01\x02" + protocol + b"\xff\xff\xff" + protocol + b"\0\0\x01" + body, 0, ()),
        ("ARCNET on Linux", 129, b"\x01\x02\0\0" + protocol + b"\0\0\x01" + body, 0, ()),
        ("DOCSIS", 143, docsis(frame), 0, ()),
        ("DOCSIS with an extended header", 143, docsis(frame, b"\x33\0\0\0"), 0, ()),
        ("DOCSIS with privacy off", 143, docsis(frame, b"\x44\x11\0\0\0"), 0, ()),
        ("Fibre Channel", 122, bytes(16) + snap(stack), 0, ()),
        ("FireWire", 138, bytes(16) + number + body, 0, ()),
        ("IP over InfiniBand", 242, bytes(40) + number + bytes(2) + body, 0, ()),
        ("InfiniBand", 247, b"\0\x02\0\x02\0\x10\0\x01" + datagram, 0, NOT_JUDGED),
        ("InfiniBand with a route", 247, b"\0\x03\0\x02\0\x10\0\x01" + route + datagram, 0, NOT_JUDGED),
        ("netANALYZER", 240, bytes(4) + frame + bytes(4), 0, NOT_JUDGED),
        ("netANALYZER, transparent", 241, bytes(4) + wire, 0, NOT_JUDGED),
        ("mPacket", 274, wire, 0, ()),
        ("Broadcom's tag", 281, frame[:12] + b"\x20\0\0\x01" + frame[12:], 0, NOT_JUDGED),
        ("Broadcom's tag in front", 282, b"\x20\0\0\x01" + frame, 0, NOT_JUDGED),
        ("DSA", 284, frame[:12] + b"\x40\0\0\x01" + frame[12:], 0, NOT_JUDGED),
        ("EDSA link", 285, frame[:12] + b"\xda\xda\0\0\x40\0\0\x01" + frame[12:], 0, NOT_JUDGED),
    ]
    if kind == "ipv4":
        frames.append(("ARCNET of RFC 1051", 7, b"\x01\x02\xf0" + body, 0, ()))
    return [Frame(name, kind, made, depth, link, judge) for name, link, made, depth, judge in frames]


def recorders(stack: Stack) -> list[Frame]:
    kind, body = stack
    frame = ethernet(stack)[1]
    number = struct.pack(">H", ethertype_of(stack))
    ppp = ppp_number(stack) + body
    name = (b"ip" if kind == "ipv4" else b"ipv6").ljust(4, b"\0")
    packet = struct.pack(">HH", 12, 4) + name + bytes(4) + body
    exported = struct.pack(">HH", 12, 16) + b"eth_withoutfcs".ljust(16, b"\0") + bytes(4) + frame
    return [
        Frame("ERF", kind, erf(2, bytes(2) + frame + bytes(4)), 0, 197),
        Frame("ERF with an extension", kind, erf(0x82, bytes(2) + frame + bytes(4), b"\x03" + bytes(7)), 0, 197),
        Frame("ERF, HDLC", kind, erf(1, b"\x0f\0" + number + body + bytes(4)), 0, 197),
        Frame("ERF, PPP", kind, erf(1, b"\xff\x03" + ppp + bytes(4)), 0, 197),
        Frame("ERF, IP", kind, erf(22 if kind == "ipv4" else 23, body), 0, 197),
        Frame("exported packet", kind, packet, 1, 252),
        Frame("exported frame", kind, exported, 1, 252),
    ]


def junipers(stack: Stack) -> list[Frame]:
    """Each with a plain header, one of an incoming frame, and one with extensions."""
    kind, body = stack
    frame = ethernet(stack)[1]
    number = struct.pack(">H", ethertype_of(stack))
    ppp = ppp_number(stack) + body
    nlpid = b"\xcc" if kind == "ipv4" else b"\x8e"
    family = struct.pack("<H", 2 if kind == "ipv4" else 6)
    of_cards = [
        ("MLPPP", 130, b"\xff\x03" + ppp, ()),
        ("MLPPP with a cookie", 130, b"\0\x07" + ppp, NOT_JUDGED),
        ("MLFR", 131, b"\x43" + bytes(7) + body, NOT_JUDGED),
        ("ES", 132, bytes(16) + body, NOT_JUDGED),
        ("GGSN", 133, family + b"\x07\0" + body, ()),
        ("MFR", 134, bytes(4) + body, NOT_JUDGED),
        ("ATM2", 135, bytes(8) + snap(stack), ()),
        ("ATM2 for IP", 135, bytes(8) + body, ()),
        ("ATM2 for PPP", 135, bytes(8) + ppp, NOT_JUDGED),
        ("services", 136, bytes(12) + body, NOT_JUDGED),
        ("ATM1", 137, bytes(4) + snap(stack), ()),
        ("monitor", 164, bytes(8) + body, NOT_JUDGED),
        ("PPPoE", 167, frame, ()),
        ("PPPoE over ATM", 168, number + body, NOT_JUDGED),
        ("Ethernet", 178, frame, ()),
        ("PPP", 179, b"\xff\x03" + ppp, ()),
        ("frame relay", 180, b"\x18\x41\x03" + nlpid + body, ()),
        ("HDLC", 181, b"\x0f\0" + number + body, ()),
        ("ISM", 194, body, NOT_JUDGED),
        ("VS", 232, frame, NOT_JUDGED),
        ("end to end", 233, body, NOT_JUDGED),
        ("ATM CEMIC", 238, bytes(8) + frame, NOT_JUDGED),
    ]
    if kind == "ipv4":
        of_cards.append(("voice", 183, bytes(18) + body, ()))
    headers = [("", b"MGC\0"), (", incoming", b"MGC\x01"), (", extensions", b"MGC\x80\0\x06\x03\x04\x01\0\0\0")]
    return [
        Frame(f"Juniper {name}{what}", kind, header + made, 0, link, judge)
        for name, link, made, judge in of_cards
        for what, header in headers
    ] + [
        Frame(f"Juniper {link} without link header", kind, b"MGC\x02" + family + bytes(2) + body, 0, link, judge)
        for link, judge in ((130, NOT_JUDGED), (135, NOT_JUDGED), (178, ()), (179, ()))
    ]


def of_every_kind(stack: Stack) -> list[Frame]:
    return [
        *tags(stack), *overlays(stack), *lines(stack), *lans(stack), *recorders(stack), *junipers(stack),
    ]  # fmt: skip


FRAMES = [frame for stack in (ipv4(), ipv6()) for frame in of_every_kind(stack)]
