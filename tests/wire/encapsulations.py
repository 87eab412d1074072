"""Frames of the rarer encapsulations, each around one segment, and what tshark has to be told to read them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from tests.wire.stacks import (
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
        return f"{self.name}, {self.kind}"


def tagged(stack: Stack, number: int, tag: bytes) -> bytes:
    frame = stack[1]
    return frame[:12] + struct.pack(">H", number) + tag + frame[12:]


def from_port(port: int, payload: bytes) -> Stack:
    return "ipv4", bytes(IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=port, dport=40000) / Raw(payload))


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


FRAMES = [frame for stack in (ipv4(), ipv6()) for frame in (*tags(stack), *overlays(stack))]
