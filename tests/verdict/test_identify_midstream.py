"""Streams picked up in mid-stream, or behind a gap: MySQL is found again, and nothing else becomes MySQL."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.verdict.result import Scan
from tests.conversations import Conversation, Packet, mysql
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import plaintext

PORTS = [3306, 3316, 6033]
ROW = b"secret " * 18


def at(port: int) -> Conversation:
    return Conversation(server=("10.0.0.9", port))


def rows(count: int) -> bytes:
    return mysql.result_set([b"id", b"body"], [[b"%d" % n, ROW] for n in range(count)])


def event(sequence: int, body: bytes, place: int, before: bytes = b"") -> bytes:
    size = 19 + len(body)
    return mysql.packet(sequence, b"\0" + before + struct.pack("<IBIIIH", 1_700_000_000, 2, 1, size, place, 0) + body)


def executions(talk: Conversation, count: int) -> None:
    for number in range(count):
        talk.client(mysql.execute(1, [number + 1000, b"4111111111111111"]))
        talk.server(mysql.ok(1, affected=1))


def pings(talk: Conversation, count: int) -> None:
    for _ in range(count):
        talk.client(mysql.ping())
        talk.server(mysql.ok(1))


def binlog(talk: Conversation, count: int) -> None:
    for number in range(count):
        talk.server(event(number + 3, b"insert into t values (1)", 4000 + number * 43))
        talk.ack("client")


def only_rows(talk: Conversation, count: int) -> None:
    talk.server(rows(8 * count)[77:], sizes=1460)


def semi_synchronous(talk: Conversation, count: int) -> None:
    for number in range(count):
        place = 4000 + number * 45
        talk.server(event(number + 3, b"insert into t values (1)", place, b"\xef\x01"))
        talk.client(acknowledgement(place))


def acknowledgement(place: int) -> bytes:
    return mysql.packet(0, b"\xef" + struct.pack("<Q", place) + b"binlog.000003")


def large_rows(talk: Conversation, count: int) -> None:
    """Longer than a segment, and not to be read as text."""
    body = bytes(range(256)) * 24
    talk.server(mysql.result_set([b"a"], [[body]] * count)[700:])


def large_events(talk: Conversation, count: int) -> None:
    for number in range(count):
        talk.server(event(number + 3, bytes(9000), 100_000 + number * 9019)[100 if number == 0 else 0 :])
        talk.ack("client")


def error(code: int, text: bytes, sequence: int) -> Callable[[Conversation, int], None]:
    return lambda talk, count: talk.server(mysql.err(code, text, seq=sequence)) and None


def one_execution(talk: Conversation, count: int) -> None:
    talk.client(mysql.execute(1, [5, b"abc"]))
    talk.ack("server")


def one_ping(talk: Conversation, count: int) -> None:
    talk.client(mysql.ping())
    talk.server(mysql.ok(1))


def only_pings(talk: Conversation, count: int) -> None:
    for _ in range(count):
        talk.client(mysql.ping())
        talk.ack("server")


def only_acknowledgements(talk: Conversation, count: int) -> None:
    for number in range(count):
        talk.client(acknowledgement(4000 + number))
        talk.ack("server")


# What little tells where MySQL is expected.
ON_ITS_PORT: dict[str, Callable[[Conversation, int], None]] = {
    "large rows": large_rows, "large events": large_events, "acknowledgements of a replica": only_acknowledgements,
    "an execution": one_execution, "a ping and its answer": one_ping, "pings without their answers": only_pings,
    "a lock that was not got": error(1205, b"Lock wait timeout exceeded; try restarting transaction", 1),
    "a read that failed": error(1158, b"Got an error reading communication packets", 1),
    "a read that took too long": error(1159, b"Got timeout reading communication packets", 0),
    "a session that was idle": error(4031, b"The client was disconnected by the server because of inactivity.", 0),
}

MIDDLES: dict[str, Callable[[Conversation, int], None]] = {
    "executions": executions, "pings": pings, "binlog": binlog, "rows": only_rows,
    "semi-synchronous replication": semi_synchronous,
}


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("kind", MIDDLES)
def test_mid_stream_is_recognised_on_any_port(kind: str, port: int, tmp_path: Path) -> None:
    talk = at(port)
    MIDDLES[kind](talk, 8)
    result = scan_of(tmp_path, talk)
    assert (result.verdict, result.confidence) == ("plaintext", "likely"), explain(result)


@pytest.mark.parametrize("kind", ON_ITS_PORT)
def test_on_its_port_little_is_enough(kind: str, tmp_path: Path) -> None:
    talk = at(3306)
    ON_ITS_PORT[kind](talk, 10)
    result = scan_of(tmp_path, talk)
    assert (result.verdict, result.confidence) == ("plaintext", "likely"), explain(result)


def test_rows_longer_than_a_segment_are_found_again_behind_a_gap(tmp_path: Path) -> None:
    talk = Conversation()
    talk.syn()
    for step in plaintext()[:3]:
        talk.say(step.sender, step.payload)
    talk.client(mysql.query(b"SELECT body FROM notes"))
    talk.server(mysql.result_set([b"body"], [[bytes(range(256)) * 20]] * 30), lost=[3, 4, 5, 6, 7])
    talk.client(mysql.query(b"SELECT 2"))
    talk.server(mysql.result_set([b"2"], [[b"2"]]))
    talk.fin()
    result = scan_of(tmp_path, talk)
    assert (result.verdict, result.confidence) == ("plaintext", "proven"), explain(result)
    side = result.connections[0].server_coverage
    assert side.unknown < 0.25 * side.seen, explain(result)


def x_frame(kind: int, body: bytes) -> bytes:
    return struct.pack("<IB", len(body) + 1, kind) + body


@pytest.mark.parametrize(("sender", "data"), [
    ("client", x_frame(12, b"\x0a\x08SELECT 1\x1a\x03sql\x20\x01")),
    ("server", x_frame(13, b"\x0a\x05value") * 3 + x_frame(14, b"") + x_frame(17, b"")),
    ("server", (x_frame(13, b"\x0a\x32" + bytes(50)) * 60)[40:]),
], ids=["a statement", "rows", "from inside a row"])
def test_x_protocol_is_named_in_mid_stream_on_its_port(sender: str, data: bytes, tmp_path: Path) -> None:
    talk = at(33060)
    talk.say(sender, data)  # type: ignore[arg-type]
    talk.ack("client" if sender == "server" else "server")
    result = scan_of(tmp_path, talk)
    assert [one.protocol for one in result.connections] == ["X Protocol"], explain(result)


@pytest.mark.parametrize("lost", range(1, 5))
def test_rows_behind_a_lost_packet_are_found_again(lost: int, tmp_path: Path) -> None:
    talk = Conversation()
    talk.syn()
    for step in plaintext()[:3]:
        talk.say(step.sender, step.payload)
    talk.client(mysql.query(b"SELECT id, body FROM notes"))
    talk.server(rows(60), lost=[lost])
    talk.client(mysql.query(b"SELECT 2"))
    talk.server(mysql.result_set([b"2"], [[b"2"]]))
    talk.fin()
    result = scan_of(tmp_path, talk)
    assert (result.verdict, result.confidence) == ("plaintext", "proven"), explain(result)
    side = result.connections[0].server_coverage
    assert side.unknown < 0.05 * side.seen, explain(result)


@pytest.mark.parametrize("begun", range(0, 1460, 97))
def test_a_capture_begun_anywhere_inside_a_result_is_read(begun: int, tmp_path: Path) -> None:
    talk = Conversation()
    talk.server(rows(60)[begun:])
    side = scan_of(tmp_path, talk).connections[0].server_coverage
    assert side.unknown <= 0.1 * side.seen, side


@pytest.mark.parametrize("first", [
    ("client", b"GET /index.html HTTP/1.1\r\nHost: shop\r\n" + b"x" * 600),
    ("server", b"220 mail.example.com ESMTP\r\n" + b"x" * 600),
    ("server", b"+OK\r\n" + b"y" * 300), ("client", b"SSH-2.0-x\r\n" + b"z" * 300),
], ids=["HTTP", "SMTP", "Redis", "SSH"])
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("more", [0, 20])
def test_a_guess_from_mid_stream_is_taken_back(
    first: tuple[str, bytes], port: int, more: int, tmp_path: Path
) -> None:
    talk = at(port)
    for _ in range(1 + more):
        talk.say(first[0], first[1])  # type: ignore[arg-type]
    for number in range(3):
        talk.client(mysql.query(b"insert into users values ('alice', %d)" % number))
        talk.server(mysql.ok(1, affected=1))
    result = scan_of(tmp_path, talk)
    assert result.verdict == "plaintext", explain(result)
    assert len(result.connections[0].statements) == 3, explain(result)
    for side in (result.connections[0].client_coverage, result.connections[0].server_coverage):
        assert side.tls + side.plaintext + side.unprotected_by_design + side.unknown == side.seen, explain(result)


def test_a_client_whose_first_bytes_are_a_frame_of_text_is_no_mysql_elsewhere(tmp_path: Path) -> None:
    talk = at(5555)
    talk.syn()
    for text in (b"hello world from a chat client", b"select a table by the window, please"):
        talk.client(struct.pack("<I", len(text) + 1) + b"\x03" + text)
        talk.server(b"\x0b\x00\x00\x00\x04hello back")
    assert scan_of(tmp_path, talk).verdict == "not-mysql"


# -- no false positives


def body(r: random.Random) -> bytes:
    size = r.choice([0, 1, 1, 2, 4, 5, 7, 8, 9, 12, 16, 30, 60, 200, 900])
    kind = r.randrange(4)
    if kind == 0:
        return r.randbytes(size)
    if kind == 1:
        return bytes(r.choice(b"abcdefgh ijklmno 0123456789.,") for _ in range(size))
    if kind == 2:
        return bytes(size)
    return b"".join(r.choice([0, 1, 2, 100]).to_bytes(4, "little") for _ in range(size // 4))


Framing = Callable[[random.Random, int, int, bytes], bytes]
FRAMINGS: dict[str, Framing] = {
    "u32 LE and a type": lambda r, side, n, b: struct.pack("<IB", len(b) + 1, r.randrange(34)) + b,
    "u32 BE and a type": lambda r, side, n, b: struct.pack(">IB", len(b) + 1, r.randrange(34)) + b,
    "u24 LE and a tag": lambda r, side, n, b: len(b).to_bytes(3, "little") + bytes([r.randrange(8)]) + b,
    "u24 LE and who speaks": lambda r, side, n, b: len(b).to_bytes(3, "little") + bytes([side]) + b,
    "rsync's": lambda r, side, n, b: len(b).to_bytes(3, "little") + b"\x07" + b,
    "HTTP/2's": lambda r, side, n, b: len(b).to_bytes(3, "big") + b"\x00\x01" + struct.pack(">I", side) + b,
    "u32 LE and a count": lambda r, side, n, b: struct.pack("<II", len(b) + 4, n) + b,
    "Kafka's": lambda r, side, n, b: struct.pack(">II", len(b) + 4, n) + b,
    "a byte and a count": lambda r, side, n, b: bytes([len(b) & 255, 0, 0, n & 255]) + b[: len(b) & 255],
    "TDS": lambda r, side, n, b: b"\x01\x01" + struct.pack(">H", len(b) + 8) + b"\x00\x00\x01\x00" + b,
    "AMQP's": lambda r, side, n, b: b"\x01" + struct.pack(">HI", 1, len(b)) + b + b"\xce",
    "numbers that go up": lambda r, side, n, b: b"".join(struct.pack(">I", n * 50 + i) for i in range(50)),
    "random": lambda r, side, n, b: r.randbytes(r.randrange(1, 3000)),
    "lines": lambda r, side, n, b: b"line %d of a protocol nobody knows\r\n" % n,
}


def foreign(kind: str, seed: int, port: int) -> list[Packet]:
    r = random.Random(f"{kind} {seed}")
    talk = at(port)
    talk.syn()
    for number in range(r.randrange(4, 16)):
        for side in (0, 1):
            data = b"".join(FRAMINGS[kind](r, side, number, body(r)) for _ in range(r.choice([1, 1, 1, 2, 3])))
            talk.say("server" if side else "client", data, sizes=r.choice([1460, 1460, 500, 7]))
    return talk.packets


def variants(packets: list[Packet]) -> list[list[Packet]]:
    """Whole, cut, with a frame lost, one direction, and in mid-stream with one lost."""
    step = max(1, len(packets) // 6)
    found = [packets, packets[5:9] + packets[10:]]
    found += [packets[k:] for k in range(3, len(packets), step)]
    found += [packets[:k] + packets[k + 1 :] for k in range(3, len(packets), step)]
    found += [[packet for packet in packets if packet.sender == sender] for sender in ("client", "server")]
    return found


@pytest.mark.parametrize("kind", FRAMINGS)
def test_no_other_framing_becomes_mysql_and_on_its_port_nothing_is_proven(kind: str, tmp_path: Path) -> None:
    for seed in range(3):
        for made in variants(foreign(kind, seed, 5555)):
            result = scan_of(tmp_path, made)
            assert result.verdict in ("not-mysql", "no-session"), (seed, explain(result))
        for made in variants(foreign(kind, seed, 3306)):
            result: Scan = scan_of(tmp_path, made)
            assert result.confidence != "proven" or result.verdict == "no-session", (seed, explain(result))


@pytest.mark.parametrize("command", [2, 3, 5, 17, 22, 23, 26])
def test_random_bytes_behind_a_command_are_never_proven(command: int, tmp_path: Path) -> None:
    r = random.Random(command)
    for size in (3, 10, 30, 200):
        talk = Conversation()
        for _ in range(4):
            talk.client(mysql.command(command, r.randbytes(size)))
            talk.server(r.randbytes(2 * size))
        result = scan_of(tmp_path, talk)
        assert result.confidence != "proven", explain(result)
