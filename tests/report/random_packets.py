"""Seeded random TCP packets, mostly nearly right: what a parser of headers is most likely to get wrong."""

from __future__ import annotations

import random
import struct

from tests.report.tcpdump_runs import Record

OPTION_KINDS = (0, 1, 1, 2, 3, 4, 5, 5, 6, 7, 8, 8, 11, 12, 13, 19, 20, 28, 29, 30, 30, 30, 30, 34, 254)
OPTION_LENGTHS = {2: 4, 3: 3, 4: 2, 8: 10, 19: 18, 20: 4, 28: 4}
OTHER_LENGTHS = (2, 3, 4, 6, 8, 10, 12, 16, 18, 20, 22, 24, 28, 30, 34)
TEXTS = (
    b"GET / HTTP/1.1\r\nHost: x\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1  20x OK\r\n", b"POST\t/ x\n",
    b"GET /no end", b"220 mail ESMTP\r\n", b"SSH-2.0-OpenSSH\r\n", b"SSH-2.0", b"QUIT\r", b"A\rB\r\n",
    b"\xff\x00b",
    b"describe rtsp://x RTSP/1.0\r\n", b"x" * 200, b"\r\n", b" GET x\r\n", b"SS", b"options * 200\tok\r\n",
)
FLAGS = (2, 0x12, 0x10, 0x18, 0x11, 4, 0x14, 0, 0xC2, 0x52, 0x38, 0x20)
SOURCE_PORTS = (3306, 3306, 1000, 40000, 80, 8080, 21, 22, 25, 43, 554)
ADDRESSES6 = (
    bytes(15) + b"\1", b"\xfe\x80" + bytes(13) + b"\2",
    bytes(12) + b"\1\2\3\4", bytes(10) + b"\xff\xff\1\2\3\4",
    b"\x20\1\x0d\xb8" + bytes(5) + b"\1" + bytes(6), bytes(16), b"\0\1" * 8, b"\0\1\0\0\0\1" + bytes(10),
)
LINK_TYPES = (1, 1, 1, 113, 276, 0, 108, 101, 228, 229, 9)


def records(seed: int, count: int, link_type: int) -> list[Record]:
    """`count` frames of one link type; some are cut, some have a byte changed."""
    rng = random.Random(seed)
    return [_record(rng, link_type) for _ in range(count)]


def _record(rng: random.Random, link_type: int) -> Record:
    frame = _frame(rng, link_type)
    original = len(frame)
    if rng.random() < 0.1:
        changed = bytearray(frame)
        changed[rng.randrange(20, len(frame))] = rng.randrange(256)
        frame = bytes(changed)
    if rng.random() < 0.35:
        frame = frame[: rng.randint(1, len(frame))]
    if rng.random() < 0.1:
        original += rng.randint(0, 30)
    if rng.random() < 0.02:
        frame = b""
    if rng.random() < 0.02:
        original = max(0, len(frame) - 3)
    seconds = rng.choice((0, 1_600_000_000, 2**31 - 1, 2**31 + 5))
    return Record(link_type, seconds * 10**9 + rng.randrange(10**6) * 1_000, frame, original)


def _frame(rng: random.Random, link_type: int) -> bytes:
    kind, packet = (0x0800, _ipv4(rng, 0)) if rng.random() < 0.6 else (0x86DD, _ipv6(rng, 0))
    if link_type == 1:
        if rng.random() < 0.04:
            snap = b"\xaa\xaa\3" + rng.choice((b"\0\0\0", b"\0\0\xf8")) + struct.pack("!H", kind)
            packet = snap + packet
            kind = min(1500, len(packet) + rng.choice((0, 0, -3)))
        tags = b""
        while rng.random() < 0.15:
            tags += struct.pack("!HH", rng.choice((0x8100, 0x88A8, 0x9100, 0x9200)), 5)
        padding = bytes(6) if rng.random() < 0.2 else b""
        return bytes(6) + b"\2" * 6 + tags + struct.pack("!H", kind) + packet + padding
    if link_type == 113:
        return struct.pack("!HHH8sH", rng.randint(0, 5), 1, 6, bytes(8), kind) + packet
    if link_type == 276:
        tag = b""
        if rng.random() < 0.15:
            tag, kind = struct.pack("!HH", 7, kind), 0x8100
        index = rng.choice((1, 1, 2**30))
        head = struct.pack("!HHIHBB8s", kind, 0, index, 772, rng.randint(0, 5), 6, bytes(8))
        return head + tag + packet
    if link_type in (0, 108):
        family = 2 if kind == 0x0800 else rng.choice((24, 28, 30))
        return struct.pack(rng.choice("<>" if link_type == 0 else ">") + "I", family) + packet
    if link_type == 9:
        protocol = b"\x00\x21" if kind == 0x0800 else b"\x00\x57"
        return rng.choice((b"\xff\3", b"")) + protocol[rng.random() < 0.3 :] + packet
    return packet


def _ipv4(rng: random.Random, depth: int) -> bytes:
    payload, protocol = _tcp(rng), 6
    chance = rng.random()
    if chance < 0.05 and depth < 3:
        payload, protocol = _ipv4(rng, depth + 1), 4
    elif chance < 0.1 and depth < 3:
        payload, protocol = _ipv6(rng, depth + 1), 41
    elif chance < 0.15:
        words = rng.choice((4, 4, 4, 0, 1, 7))
        head = bytes((6, words)) + rng.choice((b"\0\0", b"\0\1"))
        payload, protocol = head + rng.randbytes(8 + max(0, (words + 2) * 4 - 12)) + payload, 51
    options = b"" if rng.random() < 0.8 else rng.choice((b"\1\1\1\0", b"\x94\4\0\0"))
    header_words = 5 + len(options) // 4 if rng.random() < 0.97 else rng.randint(0, 15)
    total = 20 + len(options) + len(payload)
    total = rng.choice((total,) * 17 + (0, rng.randint(0, 60), total + rng.randint(1, 100)))
    fragment = rng.choice((0,) * 25 + (0x4000, 0x2000, 0x2010, 0x10, 0x8000))
    version = 4 if rng.random() < 0.98 else rng.randint(0, 15)
    head = struct.pack("!BBHHHBBH", version << 4 | header_words, 0, total, 1, fragment, 64, protocol, 0)
    ends = bytes((10, 0, 0, rng.randint(1, 2), 10, 0, 0, rng.randint(1, 2)))
    return head + ends + options + payload


def _ipv6(rng: random.Random, depth: int) -> bytes:
    payload, kind = _tcp(rng), 6
    while rng.random() < 0.3:
        payload, kind = _extension(rng, kind, payload)
    length = len(payload)
    length = rng.choice((length,) * 16 + (0, 0, rng.randint(0, 60), length + rng.randint(1, 100)))
    version = 6 if rng.random() < 0.98 else rng.randint(0, 15)
    head = struct.pack("!IHBB", version << 28, length, kind, 64)
    return head + rng.choice(ADDRESSES6) + rng.choice((*ADDRESSES6, rng.randbytes(16))) + payload


def _extension(rng: random.Random, following: int, payload: bytes) -> tuple[bytes, int]:
    kind = rng.choice((0, 60, 44, 43, 43))
    if kind == 44:
        fragment = struct.pack("!HI", rng.choice((0, 0, 1, 8, 1448)), 7)
        return bytes((following, 0)) + fragment + payload, kind
    if kind == 43:
        words = rng.choice((0, 2, 2, 4, 1))
        head = bytes((following, words, rng.choice((0, 2, 4, 4, 3)), rng.randint(0, 3)))
        return head + rng.choice((bytes(4), rng.randbytes(4))) + rng.randbytes(words * 8) + payload, kind
    words = rng.choice((0, 0, 1, 2))
    jumbo = b"\xc2\4" + struct.pack("!I", rng.choice((70_000, 10, len(payload))))
    options = rng.choice((b"\1\4" + bytes(4), b"\5\2\0\0\1\0", jumbo, rng.randbytes(6)))
    return bytes((following, words)) + options + bytes(words * 8) + payload, kind


def _tcp(rng: random.Random) -> bytes:
    options = _options(rng) if rng.random() < 0.8 else b""
    words = 5 + len(options) // 4 if rng.random() < 0.92 else rng.randint(0, 15)
    seq = rng.choice((rng.getrandbits(32), rng.randint(1000, 1100)))
    ack = rng.choice((rng.getrandbits(32), rng.randint(0, 100)))
    head = struct.pack(
        "!HHIIBBHHH", rng.choice(SOURCE_PORTS), rng.choice((3306, 50000, 50000, 1000, 40000)), seq, ack,
        words << 4 | rng.randint(0, 15), rng.choice((*FLAGS, rng.randint(0, 255))), rng.randint(0, 65535), 0,
        rng.randint(0, 65535),
    )
    return head + options + rng.choice((b"", b"", rng.randbytes(rng.randint(1, 40)), rng.choice(TEXTS)))


def _options(rng: random.Random) -> bytes:
    options = b""
    for _ in range(rng.randint(0, 5)):
        kind = rng.choice((*OPTION_KINDS, rng.randint(0, 255)))
        if kind < 2:
            options += bytes((kind,))
            continue
        length = OPTION_LENGTHS.get(kind, rng.choice(OTHER_LENGTHS))
        if rng.random() < 0.15:
            length = rng.randint(0, 40)
        body = rng.randbytes(max(0, length - 2)) if rng.random() < 0.6 else bytes(max(0, length - 2))
        if kind == 30 and len(body) > 1:
            subtype = rng.randint(0, 8) << 4 | rng.choice((0, 1, 2, 4, 6))
            body = bytes((subtype, rng.choice((rng.randint(0, 31), rng.randint(0, 255))))) + body[2:]
        if kind == 254 and rng.random() < 0.7:
            body = b"\xf9\x89" + body[2:]
        options += bytes((kind, length)) + body
    options = options[:40]
    return options + bytes(-len(options) % 4)
