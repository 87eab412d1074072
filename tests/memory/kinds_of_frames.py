"""Frames made to take memory below TCP: links, tags, tunnels, fragments."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.conversations import mysql
from tests.memory.kinds import SERVER, SYN, Frames, segment

ETHERNET, RAW_IP = 1, 101
LOGIN = mysql.login()
ADDRESSES = b"\2\0\0\0\0\1\2\0\0\0\0\2"


def ethernet(kind: int, body: bytes) -> bytes:
    return ADDRESSES + kind.to_bytes(2, "big") + body


def udp(port: int, body: bytes, source: int = 0x0C000001) -> bytes:
    """A datagram in IPv4, without checksums."""
    size = 28 + len(body)
    head = struct.pack("!BBHHHBBHII", 0x45, 0, size, 0, 0x4000, 64, 17, 0, source, SERVER)
    return head + struct.pack("!HHHH", 40000, port, size - 20, 0) + body


def fragment(identity: int, at: int, body: bytes, *, more: bool = True, source: int = 0x0B000000) -> bytes:
    """A piece of a TCP datagram; `at` in units of eight bytes."""
    flags = (0x2000 if more else 0) | at
    return struct.pack(
        "!BBHHHBBHII", 0x45, 0, 20 + len(body), identity & 0xFFFF, flags, 64, 6, 0, source + (identity >> 16), SERVER
    ) + body  # fmt: skip


def vlans() -> Frames:
    """One connection's addresses on ever other VLANs, three tags each: networks of their own."""
    number = 0
    while True:
        number += 1
        tags = (number & 0xFFF, number >> 12 & 0xFFF, number >> 24)
        body = b"".join(struct.pack("!HH", tag, 0x8100) for tag in tags[:2]) + struct.pack("!HH", tags[2], 0x0800)
        yield ethernet(0x8100, body + segment(number // 8, LOGIN[:20], seq=number * 7919))


def vnis() -> Frames:
    """The same in VXLAN, each with its VNI."""
    number = 0
    while True:
        number += 1
        inner = ethernet(0x0800, segment(number // 64, b"\x03\0\0\0\x0e", seq=number * 104_729))
        yield ethernet(0x0800, udp(4789, b"\x08\0\0\0" + (number & 0xFFFFFF).to_bytes(3, "big") + b"\0" + inner))


def gre_keys() -> Frames:
    number = 0
    while True:
        number += 1
        inner = segment(0, b"\x03\0\0\0\x0e", seq=number * 15_485_863)
        body = struct.pack("!HHI", 0x2000, 0x0800, number) + inner
        yield struct.pack(
            "!BBHHHBBHII", 0x45, 0, 20 + len(body), 0, 0x4000, 64, 47, 0, 0x0C000001, SERVER
        ) + body  # fmt: skip


def nested_tunnels() -> Frames:
    """IP in IP as deep as is followed, and deeper, with a segment of ever another connection inside."""
    number = 0
    while True:
        number += 1
        body = segment(number, LOGIN)
        for _ in range(number % 12):
            body = struct.pack(
                "!BBHHHBBHII", 0x45, 0, 20 + len(body), 0, 0x4000, 64, 4, 0, 0x0C000001, number
            ) + body  # fmt: skip
        yield body


def nested_fragments() -> Frames:
    """Tunnels in fragments that bring fragments: a part of each datagram is kept at each depth."""
    number = 0
    while True:
        number += 1
        inner = fragment(number, 0, bytes(16))
        outer = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(inner), 0, 0, 64, 4, 0, 0x0C000001, SERVER) + inner
        cut = len(outer) & ~7
        pieces = [(0x2000, outer[:cut])]
        if number % 2:
            pieces.append((cut >> 3, (outer[cut:] + bytes(8))[:8]))
        for flags, piece in pieces:
            yield struct.pack(
                "!BBHHHBBHII", 0x45, 0, 20 + len(piece), number & 0xFFFF, flags, 64, 4, 0,
                0x0D000000 + (number >> 16), SERVER,
            ) + piece  # fmt: skip


def large_fragments() -> Frames:
    """First fragments of 60 KB, of datagrams that are never whole."""
    body = bytes(60_000)
    number = 0
    while True:
        number += 1
        yield fragment(number, 0, body)


def single_fragments() -> Frames:
    number = 0
    while True:
        number += 1
        yield fragment(number, 1, b"fragment")


def disputed_fragments() -> Frames:
    """The same place again and again, with other bytes each time."""
    number = 0
    while True:
        number += 1
        for copy in range(256):
            yield fragment(number, 0, bytes([copy]) * 1400)


def fragments_of_ipv6() -> Frames:
    addresses = bytes(15) + b"\1" + bytes(15) + b"\2"
    number = 0
    while True:
        number += 1
        body = struct.pack("!BBHI", 6, 0, 1, number) + bytes(1400)
        yield struct.pack("!IHBB", 0x60000000, len(body), 44, 64) + addresses + body


def addresses_of_ipv6() -> Frames:
    """Each frame from another address, a connection each."""
    number = 0
    while True:
        number += 1
        body = struct.pack("!HHIIBBHHH", 40000, 3306, number, 1, 0x50, 0x18, 64240, 0, 0) + b"\x03\0\0\0\x0e"
        yield struct.pack("!IHBB", 0x60000000, len(body), 6, 64) + struct.pack("!QQQQ", 1, number, 2, 2) + body


def ethertypes() -> Frames:
    """Frames of every type and protocol that nobody knows."""
    number = 0
    while True:
        number += 1
        yield ethernet(number & 0xFFFF, bytes(46))
        yield ethernet(0x8847, struct.pack("!I", (number << 12 & 0xFFFFF000) | 0x140) + bytes([number & 0xFF]) * 40)
        yield ethernet(0x0800, struct.pack(
            "!BBHHHBBHII", 0x45, 0, 28, 0, 0x4000, 64, number & 0xFF, 0, number, SERVER
        ) + bytes(8))  # fmt: skip
        yield ethernet(0x0800, udp(number & 0xFFFF, bytes(8)))


def random_frames() -> Frames:
    chance = random.Random(7)
    while True:
        yield chance.randbytes(chance.randint(0, 200))


def random_behind_ports() -> Frames:
    """Random segments of random connections between few ports, with random flags."""
    chance = random.Random(8)
    while True:
        yield segment(
            chance.randint(0, 200_000), chance.randbytes(chance.randint(0, 90)), up=chance.random() < 0.6,
            seq=chance.getrandbits(32), ack=chance.getrandbits(32), flags=chance.choice((2, 16, 17, 18, 24, 4)),
            port=chance.choice((3306, 33060, 80, 443, 5432)),
        )  # fmt: skip


def handshakes_on_all_ports() -> Frames:
    """TLS to every port, and SYNs: nobody's, and each counted by its port."""
    number = 0
    hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(200)
    while True:
        number += 1
        port = number % 65_535 + 1
        yield segment(number, seq=0, ack=0, flags=SYN, port=port)
        yield segment(number, hello, port=port)


KINDS: dict[str, tuple[int, Callable[[], Frames]]] = {
    made.__name__.replace("_", " "): (link, made)
    for link, made in (
        (ETHERNET, vlans), (ETHERNET, vnis), (RAW_IP, gre_keys), (RAW_IP, nested_tunnels), (RAW_IP, nested_fragments),
        (RAW_IP, large_fragments), (RAW_IP, single_fragments), (RAW_IP, disputed_fragments),
        (RAW_IP, fragments_of_ipv6), (RAW_IP, addresses_of_ipv6), (ETHERNET, ethertypes), (ETHERNET, random_frames),
        (RAW_IP, random_behind_ports), (RAW_IP, handshakes_on_all_ports),
    )
}  # fmt: skip
