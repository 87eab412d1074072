"""X Protocol decoded: openings and TLS, statements as they read, compression, what is lost, and any bytes."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.verdict.result import ConnectionResult, Scan
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.decoding.connection_log import Budget, DirectionAccount
from aurora_wire.wire.decoding.decoder import TO_TLS
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql.compressed import ZLIB, ZlibInflater
from aurora_wire.wire.mysqlx.client import XClient
from aurora_wire.wire.mysqlx.facts import DEFLATE, LZ4, XSession
from aurora_wire.wire.mysqlx.fields import Fields
from aurora_wire.wire.mysqlx.frames import XFrames
from aurora_wire.wire.mysqlx.lz4 import open_frame
from aurora_wire.wire.mysqlx.server import XServer
from aurora_wire.wire.mysqlx.statements import DELETE, FIND, INSERT, STMT_EXECUTE, UPDATE, read_statement
from tests.conversations import Conversation, Step, play
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import tls13
from tests.wire.mysqlx.test_shape import frame, varint

ON_X = ("10.0.0.9", 33060)


def lenenc(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def part(number: int, content: bytes) -> bytes:
    return lenenc(number << 3 | 2) + lenenc(len(content)) + content


def text(value: bytes) -> bytes:
    """A Scalar of a string."""
    return varint(1, 8) + part(9, part(1, value))


def number(value: int) -> bytes:
    """A Scalar of a signed integer."""
    return varint(1, 1) + varint(2, value << 1 if value >= 0 else -value * 2 - 1)


def boolean(value: bool) -> bytes:
    return varint(1, 7) + varint(8, int(value))


def any_of(scalar: bytes) -> bytes:
    return varint(1, 1) + part(2, scalar)


def capability(name: bytes, value: bytes) -> bytes:
    return part(1, part(1, part(1, name) + part(2, value)))


SET_TLS = frame(2, capability(b"tls", any_of(boolean(True))))
HELLO = frame(11, b"\x08\x05\x1a\x00")
OFFERS = frame(2, part(1, part(1, b"tls") + part(2, any_of(boolean(False)))))
REFUSED = frame(1, b"\x08\x00" + varint(2, 5001) + part(3, b"no TLS here") + part(4, b"HY000"))


def execute(sql: bytes, *arguments: bytes, namespace: bytes = b"sql") -> bytes:
    return part(1, sql) + b"".join(part(2, any_of(one)) for one in arguments) + part(3, namespace)


def plain_login() -> bytes:
    return frame(4, part(1, b"PLAIN") + part(2, b"shop\0app\0Secret-9"))


def session(*statements: bytes) -> list[Step]:
    steps = [
        Step("hello", "server", HELLO),
        Step("login", "client", plain_login()),
        Step("login-ok", "server", frame(4)),
    ]
    for at, message in enumerate(statements):
        steps.append(Step(f"ask-{at}", "client", message))
        steps.append(Step(f"answer-{at}", "server", frame(17)))
    return steps


def judged(steps: list[Step], tmp_path: Path, server: tuple[str, int] = ON_X) -> Scan:
    return scan_of(tmp_path, play(steps, Conversation(server=server)))


def only(scan: Scan) -> ConnectionResult:
    one, = scan.connections
    return one


# The opening.


def in_tls(*before: Step) -> list[Step]:
    return [*before, *tls13()[2:]]


OPENED = (
    Step("hello", "server", HELLO), Step("get", "client", frame(1)), Step("offers", "server", OFFERS),
    Step("set", "client", SET_TLS), Step("agreed", "server", frame(0)),
)  # fmt: skip


@pytest.mark.parametrize("port", [33060, 3399])
def test_tls_that_was_asked_for_and_agreed_is_proven(tmp_path: Path, port: int) -> None:
    scan = judged(in_tls(*OPENED), tmp_path, ("10.0.0.9", port))
    assert (scan.verdict, scan.confidence) == ("encrypted", "proven"), explain(scan)
    assert only(scan).protocol == "X Protocol"


def test_tls_whose_agreement_was_not_seen_is_likely(tmp_path: Path) -> None:
    scan = judged(in_tls(*OPENED[:-1]), tmp_path)
    assert scan.verdict != "plaintext", explain(scan)
    assert (scan.verdict, scan.confidence) != ("encrypted", "proven"), explain(scan)


def test_a_login_between_capabilities_and_tls_is_a_leak(tmp_path: Path) -> None:
    steps = in_tls(*OPENED[:3], Step("login", "client", plain_login()), *OPENED[3:])
    scan = judged(steps, tmp_path)
    assert scan.verdict == "mixed", explain(scan)


def test_attributes_before_tls_are_a_leak(tmp_path: Path) -> None:
    attributes = frame(2, capability(b"session_connect_attrs", varint(1, 2) + part(
        3, part(1, part(1, b"program_name") + part(2, any_of(text(b"billing")))))))
    steps = in_tls(*OPENED[:3], Step("attributes", "client", attributes), Step("ok", "server", frame(0)), *OPENED[3:])
    scan = judged(steps, tmp_path)
    assert scan.verdict == "mixed", explain(scan)
    assert only(scan).attributes == {"program_name": "billing"}


def test_tls_that_was_refused_and_a_login_in_the_clear(tmp_path: Path) -> None:
    steps = [*OPENED[:4], Step("refused", "server", REFUSED), *session(frame(12, execute(b"SELECT 1")))[1:]]
    scan = judged(steps, tmp_path)
    assert (scan.verdict, scan.confidence) == ("plaintext", "proven"), explain(scan)
    assert {"AW103", "AW101"} <= {one.rule for one in scan.findings}


def test_a_login_without_the_tls_that_was_offered_is_a_finding(tmp_path: Path) -> None:
    scan = judged([*OPENED[:3], *session()[1:]], tmp_path)
    assert "AW201" in {one.rule for one in scan.findings}, explain(scan)


def test_who_only_asks_for_capabilities_has_no_session(tmp_path: Path) -> None:
    scan = judged([*OPENED[:3], Step("close", "client", frame(3)), Step("ok", "server", frame(0))], tmp_path)
    assert scan.verdict == "no-session", explain(scan)


# What is read.


def test_a_session_in_the_clear_is_read(tmp_path: Path) -> None:
    scan = judged(session(frame(12, execute(b"INSERT INTO t VALUES (?, ?)", text(b"it's"), number(-7)))), tmp_path)
    one = only(scan)
    assert (one.verdict, one.confidence, one.user, one.database) == ("plaintext", "proven", "app", "shop")
    assert [(s.command, s.sql) for s in one.statements] == [("StmtExecute", b"INSERT INTO t VALUES ('it\\'s', -7)")]
    assert [(c.exchange, c.grade, c.value) for c in one.credentials] == [("X login", "secret", b"Secret-9")]
    assert one.credentials[0].accepted
    assert one.client_coverage.unknown + one.server_coverage.unknown == 0


def member(name: bytes) -> bytes:
    return varint(1, 1) + part(1, part(1, varint(1, 1) + part(2, name)))


def identifier(name: bytes) -> bytes:
    """An expression: a field of a document."""
    return varint(1, 1) + part(2, part(1, varint(1, 1) + part(2, name)))


def literal(scalar: bytes) -> bytes:
    return varint(1, 2) + part(4, scalar)


def placeholder(position: int) -> bytes:
    return varint(1, 6) + varint(7, position)


def operator(name: bytes, *parameters: bytes) -> bytes:
    return varint(1, 5) + part(6, part(1, name) + b"".join(part(2, one) for one in parameters))


COLLECTION = part(1, b"papers") + part(2, b"labdb")
EQUALS = operator(b"==", identifier(b"n"), placeholder(0))
CRUD: dict[str, tuple[int, bytes, bytes]] = {
    "find": (
        FIND,
        part(2, COLLECTION) + varint(3, 1) + part(5, EQUALS) + part(6, varint(1, 5) + varint(2, 2))
        + part(7, part(1, identifier(b"n")) + varint(2, 2)) + part(11, number(3)),
        b"SELECT doc FROM `labdb`.`papers` WHERE doc->'$.n' = 3 ORDER BY doc->'$.n' DESC LIMIT 5 OFFSET 2",
    ),
    "find in a table": (
        FIND,
        part(2, COLLECTION) + varint(3, 2) + part(4, part(1, varint(1, 1) + part(2, part(2, b"id"))) + part(2, b"x"))
        + part(5, operator(b"&&", operator(b">", varint(1, 1) + part(2, part(2, b"id")), literal(number(1))),
                           operator(b"in", varint(1, 1) + part(2, part(2, b"id")), literal(number(2))))),
        b"SELECT `id` AS `x` FROM `labdb`.`papers` WHERE (`id` > 1) AND IN(`id`, 2)",
    ),
    "insert": (
        INSERT,
        part(1, COLLECTION) + varint(2, 1) + part(4, part(1, varint(1, 7) + part(8, part(
            1, part(1, b"name") + part(2, literal(text(b"Canary"))))))),
        b"INSERT INTO `labdb`.`papers` (doc) VALUES ({\"name\": 'Canary'})",
    ),
    "update": (
        UPDATE,
        part(2, COLLECTION) + varint(3, 1) + part(4, EQUALS) + part(7, part(1, part(1, varint(1, 1) + part(
            2, b"name"))) + varint(2, 3) + part(3, literal(text(b"x")))) + part(8, text(b"k")),
        b"UPDATE `labdb`.`papers` SET doc = JSON_SET(doc, '$.name', 'x') WHERE doc->'$.n' = 'k'",
    ),
    "delete": (
        DELETE, part(1, COLLECTION) + varint(2, 1) + part(3, EQUALS),
        b"DELETE FROM `labdb`.`papers` WHERE doc->'$.n' = ?",
    ),
    "an admin command": (
        STMT_EXECUTE, execute(b"list_objects", text(b"labdb"), namespace=b"mysqlx"),
        b"/* mysqlx */ list_objects('labdb')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CRUD)
def test_a_message_reads_as_a_statement(name: str) -> None:
    kind, body, expected = CRUD[name]
    read = read_statement(kind, body, 0, len(body))
    assert (read.text, read.complete) == (expected, True)


def test_a_prepared_message_is_told_with_the_values_of_its_execution(tmp_path: Path) -> None:
    prepare = frame(40, varint(1, 7) + part(2, varint(1, 0) + part(2, CRUD["find"][1])))
    sql = frame(40, varint(1, 8) + part(2, varint(1, 5) + part(6, execute(b"SELECT ?"))))
    run = frame(41, varint(1, 7) + part(2, any_of(number(42))))
    again = frame(41, varint(1, 8) + part(2, any_of(text(b"Canary"))))
    cursor = frame(43, varint(1, 1) + part(4, varint(1, 0) + part(2, varint(1, 8) + part(2, any_of(number(5))))))
    one = only(judged(session(prepare, sql, run, again, cursor), tmp_path))
    shown = [(s.command, s.sql) for s in one.statements]
    assert [command for command, _ in shown] == ["Prepare", "Prepare", "PrepareExecute", "PrepareExecute", "CursorOpen"]
    assert b"= 42 ORDER" in shown[2][1]
    assert [sql for _, sql in shown[3:]] == [b"SELECT 'Canary'", b"SELECT 5"]


def test_a_password_in_a_statement_of_x_protocol_is_found(tmp_path: Path) -> None:
    scan = judged(session(frame(12, execute(b"SET PASSWORD = 'Hunter2'"))), tmp_path)
    assert "AW113" in {one.rule for one in scan.findings}


# Compression.


def lz4_frame(data: bytes) -> bytes:
    return struct.pack("<IBBB", 0x184D2204, 0x40, 0x40, 0) + struct.pack("<I", len(data) | 1 << 31) + data + bytes(4)


def fed(algorithm: int, payloads: list[tuple[bytes, int]]) -> Facts:
    facts = Facts(1, Budget(), None)
    made = XSession()
    made.compression = algorithm
    decoder = XClient(facts, made, facts.client, {ZLIB: ZlibInflater}, True)
    for payload, size in payloads:
        data = frame(46, varint(1, size) + part(4, payload))
        facts.client.seen += len(data)
        decoder.feed(data, 0, len(data), 0)
    decoder.finish()
    return facts


STATEMENT = frame(12, execute(b"SELECT 'Canary'"))


def test_deflated_messages_go_on_with_one_stream() -> None:
    packer = zlib.compressobj()
    payloads = []
    for _ in range(3):
        payloads.append((packer.compress(STATEMENT) + packer.flush(zlib.Z_SYNC_FLUSH), len(STATEMENT)))
    facts = fed(DEFLATE, payloads)
    assert [(one.text, one.compressed) for one in facts.statements] == [(b"SELECT 'Canary'", True)] * 3
    assert facts.budget.inflating == Budget().inflating


def test_lz4_messages_are_opened() -> None:
    facts = fed(LZ4, [(lz4_frame(STATEMENT), len(STATEMENT))])
    assert [one.text for one in facts.statements] == [b"SELECT 'Canary'"]


def test_a_block_of_lz4_with_matches() -> None:
    """`abc` and a match of 12 bytes at distance 3, which repeats itself, then a literal."""
    block = b"\x38abc\x03\x00" + b"\x10!"
    data = struct.pack("<IBBB", 0x184D2204, 0x40, 0x40, 0) + struct.pack("<I", len(block)) + block + bytes(4)
    assert open_frame(data, 0, len(data), 100) == b"abc" * 5 + b"!"
    assert open_frame(data, 0, len(data), 15) is None


def test_a_bomb_stops_within_its_bound() -> None:
    bomb = zlib.compress(bytes(80 << 20))
    facts = fed(DEFLATE, [(bomb, 60 << 20)] * 10)
    assert facts.budget.inflated < 128 << 20
    assert facts.client.seen == facts.client.plaintext + facts.client.unknown


@given(st.binary(max_size=300), st.integers(0, 1 << 40), st.sampled_from([0, DEFLATE, 2, LZ4]))
@settings(deadline=None)
def test_any_bytes_in_a_compressed_message(payload: bytes, size: int, algorithm: int) -> None:
    facts = fed(algorithm, [(payload, size), (lz4_frame(payload)[: len(payload)], size % 70_000)])
    assert facts.client.seen == facts.client.plaintext + facts.client.unknown + facts.client.by_design


# What is lost, and any bytes.


MESSAGES = [
    STATEMENT, plain_login(), SET_TLS, frame(1),
    frame(40, varint(1, 7) + part(2, varint(1, 0) + part(2, CRUD["find"][1]))),
    *(frame(kind, body) for kind, body, _ in CRUD.values()), frame(41, varint(1, 7)), frame(46, varint(1, 3)),
    frame(5, part(1, b"\0app\0*" + b"0" * 40)), frame(7),
]  # fmt: skip
ANSWERS = [
    HELLO, OFFERS, frame(0), REFUSED, frame(3, part(1, b"n" * 20)), frame(4), frame(12, part(2, b"name")),
    frame(13, part(1, b"row")), frame(14), frame(17),
    frame(11, varint(1, 3) + varint(2, 2) + part(3, varint(1, 4) + part(2, varint(1, 2) + varint(3, 5)))),
]  # fmt: skip


def decoder_of(from_client: bool, facts: Facts, aligned: bool) -> XFrames:
    made = XSession()
    if from_client:
        return XClient(facts, made, facts.client, {ZLIB: ZlibInflater}, aligned)
    return XServer(facts, made, facts.server, {ZLIB: ZlibInflater}, aligned)


def account(side: DirectionAccount) -> int:
    return int(side.plaintext + side.unknown + side.by_design + side.tls)


@given(st.integers(0, 1 << 32), st.booleans(), st.booleans())
@settings(max_examples=500, deadline=None)
def test_damaged_messages_are_accounted_for_and_raise_nothing(seed: int, from_client: bool, aligned: bool) -> None:
    rng = random.Random(seed)
    data = bytearray(b"".join(rng.choices(MESSAGES if from_client else ANSWERS, k=rng.randrange(1, 8))))
    for _ in range(rng.choice((0, 0, 1, 3, 20))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    facts = Facts(1, Budget(), None)
    decoder = decoder_of(from_client, facts, aligned)
    side = facts.client if from_client else facts.server
    at = 0
    while at < len(data):
        size = min(rng.choice((1, 2, 5, 40, 4000)), len(data) - at)
        if rng.random() < 0.05:
            decoder.gap(size)
            side.missing += size
        else:
            side.seen += size
            consumed = decoder.feed(bytes(data), at, at + size, 0)
            if decoder.next:
                side.seen -= at + size - consumed
                break
        at += size
    decoder.finish()
    assert account(side) + len(decoder.carry) == side.seen
    assert facts.budget.held == Budget().held
    assert facts.budget.inflating == Budget().inflating


@given(st.binary(max_size=400), st.sampled_from([12, 17, 18, 19, 20, 30, 31, 32]))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_written_as_a_statement(data: bytes, kind: int) -> None:
    read_statement(kind, data, 0, len(data))


@pytest.mark.parametrize("wrap", [
    lambda inner: varint(1, 8) + part(9, part(1, inner)),
    lambda inner: operator(b"!", inner),
    lambda inner: varint(1, 7) + part(8, part(1, part(2, inner))),
])
def test_expressions_inside_each_other_are_bounded(wrap: Callable[[bytes], bytes]) -> None:
    inner = literal(number(1))
    for _ in range(2000):
        inner = wrap(inner)
    body = part(2, COLLECTION) + part(5, inner)
    read = read_statement(FIND, body, 0, len(body))
    assert not read.complete
    assert len(read.text) < 1 << 17


def test_a_message_of_many_rows_is_bounded() -> None:
    row = part(4, part(1, literal(text(b"x" * 1000))))
    body = part(1, COLLECTION) + row * 5000
    read = read_statement(INSERT, body, 0, len(body))
    assert len(read.text) < 1 << 17
    assert not read.complete


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_within_their_message(data: bytes) -> None:
    fields = Fields(b"x" + data + b"y", 1, len(data) + 1)
    while fields.next():
        assert 1 <= fields.start <= fields.stop <= len(data) + 1


@given(st.integers(0, 1 << 32))
@settings(max_examples=40, deadline=None)
def test_a_damaged_capture_is_judged(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = random.Random(seed)
    steps = session(*rng.choices(MESSAGES, k=4))
    lost = [step.name for step in steps if rng.random() < 0.2]
    folder = tmp_path_factory.mktemp("x")
    talk = play(steps, Conversation(server=ON_X), lost=lost)
    scan = scan_of(folder, talk)
    assert scan.verdict in ("plaintext", "inconclusive", "no-session", "mixed"), explain(scan)


def test_a_session_picked_up_in_mid_stream_is_read(tmp_path: Path) -> None:
    talk = Conversation(server=ON_X)
    talk.say("client", STATEMENT)
    talk.say("server", frame(13, part(1, b"row")) + frame(14) + frame(17))
    one = only(scan_of(tmp_path, talk))
    assert (one.verdict, one.protocol) == ("plaintext", "X Protocol")
    assert [s.sql for s in one.statements] == [b"SELECT 'Canary'"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11])
def test_in_mid_stream_a_message_in_pieces_is_read(size: int, tmp_path: Path) -> None:
    talk = Conversation(server=ON_X)
    for _ in range(2):
        for sender, data in (("client", STATEMENT), ("server", frame(13, part(1, b"row")) + frame(14) + frame(17))):
            for at in range(0, len(data), size):
                talk.say(sender, data[at : at + size])
    one = only(scan_of(tmp_path, talk))
    assert (one.verdict, one.confidence, one.protocol) == ("plaintext", "proven", "X Protocol")
    assert [s.sql for s in one.statements] == [b"SELECT 'Canary'"] * 2


@pytest.mark.parametrize("hello", [b"\x16\x03", b"\x16\x03\x01", b"\x16\x03\x01\x02"])
def test_tls_that_begins_in_the_last_piece_of_a_message_is_handed_on_whole(hello: bytes) -> None:
    facts = Facts(1, Budget(), None)
    decoder = decoder_of(True, facts, False)
    data = SET_TLS + hello
    assert decoder.feed(data, 0, 6, 0) == 6
    facts.client.seen += len(data)
    assert decoder.feed(data, 6, len(data), 0) == len(data)
    assert decoder.next == TO_TLS
    assert decoder.carry == hello
    assert account(facts.client) + len(decoder.carry) == facts.client.seen


def test_pieces_that_are_no_message_are_all_accounted_for(tmp_path: Path) -> None:
    talk = Conversation(server=ON_X)
    talk.say("client", STATEMENT)
    talk.say("client", b"x" * 10, lost=True)
    for byte in b"\x30\x00\x00\x00\x0c" + bytes(range(128, 140)):
        talk.say("client", bytes([byte]))
    one = only(scan_of(tmp_path, talk))
    coverage = one.client_coverage
    assert coverage.seen == len(STATEMENT) + 17
    assert coverage.tls + coverage.plaintext + coverage.unprotected_by_design + coverage.unknown == coverage.seen


def test_labels_of_x_protocol_have_a_class() -> None:
    assert labels.classify(labels.X_OPENING) == labels.BY_DESIGN
    for label in (labels.X_LOGIN, labels.X_STATEMENT, labels.X_RESULT):
        assert labels.classify(label) == labels.PLAINTEXT


@pytest.mark.parametrize("name", ["crud", "plain", "compress", "fail-cold", "fail-wrongpw"])
def test_redact_leaves_no_value_of_a_session(shared: Path, tmp_path: Path, name: str) -> None:
    from aurora_wire.cli.main import main

    source = shared / "lab" / "mysql-9.7" / f"mysqlx-{name}.pcap"
    masked = tmp_path / "masked.pcap"
    main(["redact", "--no-progress", str(source), str(masked)])
    data = masked.read_bytes()
    assert not [word for word in (b"Canary", b"labdb\0", b"program_name", b"lab\0") if word in data]
    scan = aurora_wire.scan([masked])
    assert (scan.verdict, scan.confidence) == ("plaintext", "proven"), explain(scan)
