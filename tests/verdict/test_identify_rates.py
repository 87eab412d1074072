"""How often other protocols and random bytes are taken for MySQL: never elsewhere, seldom on its ports, never proven.

`AURORA_WIRE_RATES=10000` holds that for as many, `python -m tests.verdict.test_identify_rates 10000` counts; on MySQL's
ports what is there may be MySQL, so that `likely` is allowed one time in a thousand.
"""

from __future__ import annotations

import os
import random
import re
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from aurora_wire.verdict.describe import describe
from aurora_wire.wire.decoding.connection_log import OTHER
from aurora_wire.wire.flows.engine import Engine
from aurora_wire.zstd import zstd_decompressor
from tests.conversations import tls
from tests.memory.kinds import ACK, SYN, segment

COUNT = int(os.environ.get("AURORA_WIRE_RATES", "600"))   # of each protocol, on either kind of port
RAW_IP = 101
MYSQL_PORTS, OTHER_PORTS = (3306, 33060), (5555, 6033)

Say = Callable[[random.Random, bool, int], bytes]


def some(r: random.Random, most: int = 200) -> bytes:
    return r.randbytes(r.randrange(most))


def words(r: random.Random, most: int = 60) -> bytes:
    return bytes(r.choice(b"abcdefgh ijklmno 0123456789.,") for _ in range(r.randrange(1, most)))


def record(r: random.Random, up: bool, number: int) -> bytes:
    return tls.record(tls.DATA, r.randbytes(r.randrange(20, 1400)))


def http(r: random.Random, up: bool, number: int) -> bytes:
    if up:
        return b"POST /%s HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\nselect=1&" % words(r).replace(b" ", b"")
    body = some(r, 900)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def postgres(r: random.Random, up: bool, number: int) -> bytes:
    if up:
        text = r.choice([b"SELECT ", b"INSERT INTO t ", b""]) + words(r) + b"\0"
        return r.choice([b"Q", b"P", b"B"]) + struct.pack(">I", len(text) + 4) + text
    rows = b""
    for _ in range(r.randrange(1, 6)):
        value = some(r, 80)
        row = struct.pack(">HI", 1, len(value)) + value
        rows += b"D" + struct.pack(">I", len(row) + 4) + row
    return rows + b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"


def redis(r: random.Random, up: bool, number: int) -> bytes:
    value = some(r)
    if up:
        return b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n" % (len(value), value)
    return r.choice([b"+OK\r\n", b":1\r\n", b"$-1\r\n", b"$%d\r\n%s\r\n" % (len(value), value)])


def ssh(r: random.Random, up: bool, number: int) -> bytes:
    if number == 0:
        return b"SSH-2.0-OpenSSH_9.2\r\n"
    return struct.pack(">I", r.choice([12, 28, 44, 1020])) + r.randbytes(r.choice([28, 44, 60, 1036]))


def amqp(r: random.Random, up: bool, number: int) -> bytes:
    body = some(r)
    return bytes([r.choice((1, 2, 3, 8))]) + struct.pack(">HI", r.randrange(3), len(body)) + body + b"\xce"


def mongo(r: random.Random, up: bool, number: int) -> bytes:
    body = struct.pack("<I", 0) + b"\0" + struct.pack("<I", 30) + b"\x02find\0\x05\0\0\0shop\0" + some(r) + b"\0"
    return struct.pack("<IIII", len(body) + 16, number + 1, 0 if up else number + 1, 2013) + body


def kafka(r: random.Random, up: bool, number: int) -> bytes:
    body = some(r, 400)
    return struct.pack(">IHHI", len(body) + 8, r.randrange(20), r.randrange(9), number) + body


def rdp(r: random.Random, up: bool, number: int) -> bytes:
    body = some(r)
    return b"\x03\0" + struct.pack(">H", len(body) + 7) + b"\x02\xf0\x80" + body


def sparse(r: random.Random, up: bool, number: int) -> bytes:
    """Mostly zeros, with small numbers between them."""
    return bytes(r.choice((0, 0, 0, 0, 0, 1, 2, 3, 5, r.randrange(256))) for _ in range(r.randrange(5, 400)))


def little_frames(r: random.Random, up: bool, number: int) -> bytes:
    return b"".join(struct.pack("<IB", len(body) + 1, r.randrange(34)) + body for body in bodies(r))


def big_frames(r: random.Random, up: bool, number: int) -> bytes:
    return b"".join(struct.pack(">I", len(body)) + body for body in bodies(r))


def numbered_frames(r: random.Random, up: bool, number: int) -> bytes:
    return b"".join(struct.pack("<II", len(body) + 4, number) + body for body in bodies(r))


def named_frames(r: random.Random, up: bool, number: int) -> bytes:
    """Frames with a type as CLONE's packets have it, and a name or two with their lengths."""
    frames = b""
    for _ in range(r.choice((1, 1, 2, 4))):
        body = bytes([r.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 99, 100))])
        for _ in range(r.randrange(1, 3)):
            name = bytes(r.choice(b"abcdeilnorst_") for _ in range(r.randrange(1, 20)))
            body += struct.pack("<I", len(name)) + name
        frames += struct.pack("<I", len(body)) + body
    return frames


def bodies(r: random.Random) -> list[bytes]:
    kinds: tuple[Callable[[], bytes], ...] = (lambda: some(r), lambda: words(r), lambda: bytes(r.randrange(40)))
    return [r.choice(kinds)() for _ in range(r.choice((1, 1, 2, 4)))]


PROTOCOLS: dict[str, Say] = {
    "random bytes": lambda r, up, number: r.randbytes(r.randrange(1, 1460)),
    "few random bytes": lambda r, up, number: r.randbytes(r.randrange(1, 24)),
    "TLS": record, "HTTP": http, "PostgreSQL": postgres, "Redis": redis, "SSH": ssh, "AMQP": amqp, "MongoDB": mongo,
    "Kafka": kafka, "RDP": rdp, "sparse bytes": sparse, "u32 LE and a type": little_frames, "u32 BE": big_frames,
    "u32 LE and a number": numbered_frames, "u32 LE, a type and names": named_frames,
}


def conversation(say: Say, client: int, port: int, r: random.Random) -> Iterator[bytes]:
    """From its SYN on or from the middle, both directions or one, perhaps with segments lost, a frame cut open, or what
    is said in pieces.
    """
    seq = {True: 1, False: 1}
    whole = r.random() < 0.4
    ways = r.choice(((True, False), (True, False), (True, False), (True,), (False,)))
    lossy = r.random() < 0.3
    cuts = r.random() < 0.3
    if whole:
        yield segment(client, seq=0, ack=0, flags=SYN, port=port)
        yield segment(client, up=False, seq=0, ack=1, flags=SYN | ACK, port=port)
    skip = 0 if whole or r.random() < 0.5 else r.randrange(60)
    for number in range(r.choice((1, 2, 3, 3, 4, 4, 5, 50 if r.random() < 0.1 else 2))):
        for up in ways:
            data = say(r, up, number if whole else number + 7)[skip:]
            skip = 0
            for piece in cut(r, data) if cuts else (data,):
                if piece and not (lossy and r.random() < 0.3):
                    yield segment(client, piece, up=up, seq=seq[up], ack=seq[not up], port=port)
                seq[up] += len(piece)


def cut(r: random.Random, data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = r.choice((1, 3, 4, 5, r.randrange(1, 600)))
        yield data[at : at + size]
        at += size


def rates(name: str, ports: tuple[int, ...], count: int) -> Counter[str]:
    r = random.Random(f"{name} {ports}")
    engine = Engine([3306, 33060], False, zstd_decompressor)
    found: Counter[str] = Counter()
    number = 0
    for client in range(count):
        for frame in conversation(PROTOCOLS[name], client, ports[client % len(ports)], r):
            number += 1
            engine.feed(frame, 0, len(frame), len(frame), number * 1000, RAW_IP)
        if client % 500 == 499 or client == count - 1:
            engine.finish()
            for connection in engine.ended:
                result = describe(connection)
                if connection.facts.kind != OTHER and result.verdict not in ("no-session", "not-mysql"):
                    found[f"{result.verdict} {result.confidence}"] += 1
            engine.ended.clear()
    return found


def leaks(found: Counter[str]) -> int:
    return sum(count for said, count in found.items() if said.startswith(("plaintext", "mixed")))


def proven(found: Counter[str]) -> int:
    return sum(count for said, count in found.items() if said.endswith("proven"))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_other_protocol_is_proven_and_hardly_any_taken_for_mysql(name: str) -> None:
    on_others = rates(name, OTHER_PORTS, COUNT)
    assert leaks(on_others) + proven(on_others) == 0, on_others
    on_mysqls = rates(name, MYSQL_PORTS, COUNT)
    assert proven(on_mysqls) == 0, on_mysqls
    assert leaks(on_mysqls) <= max(COUNT // 1000, 1), on_mysqls


ROW_OF_BOUND = re.compile(r"`(wire/(?:identify|mysql)/\w+)\.py` `(\w+)` = (\d+)")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "midstream.md"


def test_the_weights_on_the_page_are_those_of_the_code() -> None:
    rows = ROW_OF_BOUND.findall(PAGE.read_text(encoding="utf-8"))
    assert len(rows) > 5
    for path, name, value in rows:
        assert getattr(import_module("aurora_wire." + path.replace("/", ".")), name) == int(value), name


def test_the_page_has_a_row_for_each_protocol() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in PROTOCOLS if f"\n| {name} | 0, 0 | " not in page] == []


if __name__ == "__main__":
    many = int(sys.argv[1])
    for protocol in PROTOCOLS:
        for ports in (OTHER_PORTS, MYSQL_PORTS):
            sys.stdout.write(f"{protocol:22}{ports!s:16}{dict(sorted(rates(protocol, ports, many).items()))}\n")
            sys.stdout.flush()
