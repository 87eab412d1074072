"""Results of X Protocol: which statement each answers, its columns, rows, values and errors; and what is lost."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.verdict.result import AnswerResult, Scan, StatementResult
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql.types import X_CONTENT, X_TYPE, type_name
from aurora_wire.wire.mysqlx.facts import XSession
from aurora_wire.wire.mysqlx.row_values import read_field, read_row
from aurora_wire.wire.mysqlx.server import XServer
from tests.conversations import Conversation, Step, play
from tests.test_recorded import CAPTURES
from tests.wire.mysqlx.test_decoded import ON_X, execute, lenenc, part, session
from tests.wire.mysqlx.test_shape import frame, varint

SINT, UINT, DOUBLE, FLOAT, BYTES, TIME, DATETIME, SET, ENUM, BIT, DECIMAL = 1, 2, 5, 6, 7, 10, 12, 15, 16, 17, 18
DONE = frame(17)


def column(kind: int, name: bytes, table: bytes = b"users") -> bytes:
    names = part(2, name) + part(3, name) + part(4, table) + part(5, table) + part(6, b"shop")
    return frame(12, varint(1, kind) + names)


def row(*fields: bytes) -> bytes:
    return frame(13, b"".join(part(1, one) for one in fields))


def zigzag(value: int) -> bytes:
    return lenenc(value << 1 if value >= 0 else -value * 2 - 1)


def affected(count: int) -> bytes:
    change = varint(1, 4) + part(2, varint(1, 2) + varint(3, count))
    return frame(11, varint(1, 3) + varint(2, 2) + part(3, change))


WARNING = frame(11, varint(1, 1) + varint(2, 2) + part(3, varint(1, 2) + varint(2, 1365) + part(3, b"Division by 0")))
FAILED = frame(1, varint(1, 0) + varint(2, 1062) + part(3, b"Duplicate entry 'alice@example.com'") + part(4, b"23000"))
USERS = column(SINT, b"id") + column(BYTES, b"email")
ALICE = row(zigzag(7), b"alice@example.com\0")


def asked(*exchanges: tuple[bytes, bytes]) -> list[Step]:
    steps = session()
    for at, (question, answer) in enumerate(exchanges):
        steps.append(Step(f"ask-{at}", "client", question))
        steps.append(Step(f"answer-{at}", "server", answer))
    return steps


def sql(text: bytes) -> bytes:
    return frame(12, execute(text))


def judged(steps: list[Step], tmp_path: Path, port: int = ON_X[1], lost: str = "", **others: Any) -> Scan:
    syn = bool(steps) and steps[0].name == "hello"
    play(steps, Conversation(server=(ON_X[0], port)), lost=[lost] if lost else [], syn=syn).write(tmp_path / "c.pcap")
    return aurora_wire.scan([tmp_path / "c.pcap"], **{"options": aurora_wire.ScanOptions(keep_rows=10), **others})


def statements(scan: Scan) -> list[StatementResult]:
    (connection,) = scan.connections
    return list(connection.statements)


def answer(statement: StatementResult) -> AnswerResult:
    assert statement.result is not None
    return statement.result


def test_each_statement_has_its_columns_rows_and_values(tmp_path: Path) -> None:
    rows = USERS + ALICE + row(zigzag(-8), b"") + frame(14) + affected(2) + DONE
    scan = judged(asked((sql(b"SELECT id, email FROM users"), rows), (sql(b"DO 1"), affected(0) + DONE)), tmp_path)
    first, second = statements(scan)
    got = answer(first)
    assert [(one.schema, one.table, one.name, one.type) for one in got.columns] == [
        ("shop", "users", "id", "SINT"), ("shop", "users", "email", "BYTES"),
    ]  # fmt: skip
    size = len(ALICE) + len(row(zigzag(-8), b"")) - 10
    assert (got.rows, got.bytes, got.complete, got.error) == (2, size, True, None)
    assert got.parts[0].values == [[b"7", b"alice@example.com"], [b"-8", None]]
    assert (answer(second).rows, answer(second).affected, answer(second).columns) == (0, 0, [])
    (connection,) = scan.connections
    assert {(one.table, one.column, one.rows, one.bytes) for one in connection.columns} == {
        ("users", "id", 2, 2), ("users", "email", 2, 18),
    }  # fmt: skip
    assert first.schema == "shop"


def test_warnings_rows_that_were_changed_and_errors_are_of_their_statement(tmp_path: Path) -> None:
    scan = judged(
        asked((sql(b"SELECT 1/0"), column(SINT, b"1/0", b"") + row(b"") + frame(14) + WARNING + DONE),
              (sql(b"UPDATE users SET id = 1"), affected(3) + DONE), (sql(b"INSERT INTO users VALUES (7)"), FAILED),
              (sql(b"DO 2"), DONE)), tmp_path)  # fmt: skip
    one, two, three, four = [answer(each) for each in statements(scan)]
    assert (one.warnings, one.rows, two.affected, two.warnings) == (1, 1, 3, 0)
    assert three.error is not None
    assert (three.error.code, three.error.sqlstate, three.error.text) == (
        1062, "23000", "Duplicate entry 'alice@example.com'",
    )  # fmt: skip
    assert four.error is None
    assert four.complete
    (connection,) = scan.connections
    assert [error.code for error in connection.errors] == [1062]


def test_several_results_and_out_parameters_of_a_procedure(tmp_path: Path) -> None:
    reply = USERS + ALICE + frame(16) + column(BYTES, b"name") + row(b"x\0") + frame(18) + column(SINT, b"v", b"")
    scan = judged(asked((sql(b"CALL both_of(@v)"), reply + row(zigzag(42)) + frame(14) + DONE)), tmp_path)
    parts = answer(statements(scan)[0]).parts
    assert [(len(part.columns), part.rows, part.out_parameters) for part in parts] == [
        (2, 1, False), (1, 1, False), (1, 1, True),
    ]  # fmt: skip


def test_what_is_sent_without_waiting_has_its_own_answers(tmp_path: Path) -> None:
    steps = session()
    steps.append(Step("ask", "client", sql(b"SELECT 'one'") + sql(b"SELECT nope") + sql(b"SELECT 'three'")))
    for at in range(2):
        shown = column(BYTES, b"c", b"") + row(b"one\0" if at == 0 else b"three\0") + frame(14) + DONE
        steps.append(Step(f"rows-{at}", "server", shown + (FAILED if at == 0 else b"")))
    one, two, three = [answer(each) for each in statements(judged(steps, tmp_path))]
    assert (one.parts[0].values, three.parts[0].values) == ([[b"one"]], [[b"three"]])
    assert [each.error is None for each in (one, two, three)] == [True, False, True]


def test_rows_of_a_cursor_belong_to_the_statement_that_opened_it(tmp_path: Path) -> None:
    prepared = varint(1, 1) + part(2, varint(1, 5) + part(6, execute(b"SELECT id, email FROM users")))
    opened = frame(43, varint(1, 3) + part(4, varint(1, 0) + part(2, varint(1, 1))) + varint(5, 1))
    fetch = frame(45, varint(1, 3) + varint(5, 1))
    scan = judged(
        asked((frame(40, prepared), frame(0)), (opened, USERS + ALICE + frame(15) + DONE),
              (fetch, ALICE + frame(15) + DONE), (sql(b"DO 1"), DONE),
              (fetch, ALICE + frame(14) + DONE), (frame(44, varint(1, 3)), frame(0))),
        tmp_path)  # fmt: skip
    _, cursor, other = statements(scan)
    assert (cursor.command, answer(cursor).rows, answer(other).rows) == ("CursorOpen", 3, 0)
    assert answer(cursor).parts[0].values == [[b"7", b"alice@example.com"]] * 3


def test_the_schema_follows_the_login_and_use(tmp_path: Path) -> None:
    scan = judged(asked((sql(b"USE other"), DONE), (sql(b"USE nope"), FAILED), (sql(b"SELECT 1"), DONE)), tmp_path)
    assert [one.schema for one in statements(scan)] == ["shop", "other", "other"]


@pytest.mark.parametrize("lost", ["answer-1", "ask-2"])
def test_answers_behind_a_gap_are_given_to_nobody_until_it_is_certain_whose_they_are(
    tmp_path: Path, lost: str
) -> None:
    questions = [
        (sql(b"SELECT %d" % at), column(SINT, b"c", b"") + row(zigzag(at)) + frame(14) + DONE) for at in range(40)
    ]
    found = {one.sql: one.result for one in statements(judged(asked(*questions), tmp_path, lost=lost))}
    values = {text: one.parts[0].values for text, one in found.items() if one is not None and one.parts[0].values}
    for text, value in values.items():
        assert value == [[text.removeprefix(b"SELECT ")]]
    assert b"SELECT 0" in values
    assert b"SELECT 39" in values
    assert b"SELECT 1" not in values or lost == "ask-2"


@pytest.mark.parametrize("port", [33060, 13060])
def test_x_protocol_is_read_on_a_port_that_was_named(tmp_path: Path, port: int) -> None:
    scan = judged(asked((sql(b"SELECT 1"), DONE)), tmp_path, port, options=aurora_wire.ScanOptions([port]))
    assert (scan.verdict, scan.connections[0].protocol) == ("plaintext", "X Protocol")


def test_a_session_without_its_login_has_answers_from_the_second_exchange_on(tmp_path: Path) -> None:
    steps = asked(*((sql(b"SELECT id, email FROM users"), USERS + ALICE + frame(14) + DONE) for _ in range(3)))[3:]
    scan = judged(steps, tmp_path)
    answers = [one.result.rows if one.result is not None else None for one in statements(scan)]
    assert answers[-1] == 1
    assert set(answers) <= {None, 1}


VALUES = [
    (SINT, 0, zigzag(-7), b"-7"), (SINT, 0, zigzag(-(1 << 63)), b"-9223372036854775808"),
    (UINT, 0, lenenc((1 << 64) - 1), b"18446744073709551615"), (BIT, 0, lenenc(513), b"513"),
    (DOUBLE, 0, struct.pack("<d", -2.25), b"-2.25"), (FLOAT, 0, struct.pack("<f", 0.1), b"0.1"),
    (BYTES, 0, b"alice\0", b"alice"), (BYTES, 0, b"\0", b""), (BYTES, 0, b"\xff\0\0", b"\xff\0"),
    (ENUM, 0, b"green\0", b"green"), (SET, 0, b"\x01a\x01c", b"a,c"), (SET, 0, b"\x01", b""), (SET, 0, b"\x00", b""),
    (TIME, 0, b"\x01" + lenenc(838) + lenenc(59) + lenenc(58) + lenenc(999000), b"-838:59:58.999000"),
    (TIME, 0, b"\x00", b"00:00:00"), (TIME, 0, b"\x00\x0c", b"12:00:00"),
    (DATETIME, 1, lenenc(2024) + b"\x02\x1d", b"2024-02-29"),
    (DATETIME, 2, lenenc(2024) + b"\x02\x1d", b"2024-02-29 00:00:00"),
    (DATETIME, 2, lenenc(2024) + b"\x02\x1d\x0c\x22\x38" + lenenc(789012), b"2024-02-29 12:34:56.789012"),
    (DECIMAL, 0, bytes.fromhex("0412 3400 d0".replace(" ", "")), b"-12.3400"), (DECIMAL, 0, b"\x04\x1c", b"0.0001"),
    (DECIMAL, 0, b"\x00\x12\x3c", b"123"), (DECIMAL, 0, b"\x02\x12\x3c", b"1.23"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "content", "raw", "shown"), VALUES)
def test_a_value_reads_as_the_server_prints_it(kind: int, content: int, raw: bytes, shown: bytes) -> None:
    assert read_field(X_TYPE + kind + X_CONTENT * content, raw) == shown


@pytest.mark.parametrize(("kind", "raw"), [
    (SINT, b"\xff"), (DOUBLE, b"\0"), (BYTES, b"a"), (SET, b"\x05a"), (TIME, b"\x02\x01"), (DATETIME, b"\x01\x02"),
    (SET, b"\xff" * 9 + b"\x01a"), (TIME, b"\0" + b"\xff" * 9 + b"\x01"), (DECIMAL, b"\x02\x12"),
    (DECIMAL, b"\x02\xac"), (99, b"x"),
])  # fmt: skip
def test_what_is_no_value_of_its_type_is_shown_as_it_crossed(kind: int, raw: bytes) -> None:
    assert read_field(X_TYPE + kind, raw) == b"0x" + raw.hex().encode()


def test_types_have_their_names() -> None:
    assert [type_name(X_TYPE + one) for one in (SINT, DECIMAL, 7 + 2 * X_CONTENT, 12 + X_CONTENT, 30)] == [
        "SINT", "DECIMAL", "JSON", "DATE", "X_TYPE_30",
    ]  # fmt: skip


def test_values_of_a_class_in_rows_are_told(tmp_path: Path) -> None:
    rows = column(SINT, b"id") + column(BYTES, b"body") + column(UINT, b"number") + column(DATETIME, b"birth_date")
    for at in range(3):
        born = lenenc(1990 + at) + b"\x02\x1d"
        rows += row(zigzag(at), b"alice%d@example.com\0" % at, lenenc(4111111111111111), born)
    scan = judged(asked((sql(b"SELECT * FROM users"), rows + frame(14) + DONE)), tmp_path)
    (connection,) = scan.connections
    assert {(one.data, one.column, one.count) for one in connection.leaked} >= {
        ("email", "body", 3), ("card", "number", 3),
    }  # fmt: skip


def told(tmp_path: Path, answer: bytes) -> set[tuple[str, str, int]]:
    """The classes that rows of an answer have, with their column and how many."""
    (connection,) = judged(asked((sql(b"SELECT * FROM users"), answer + frame(14) + DONE)), tmp_path).connections
    return {(one.data, one.column, one.count) for one in connection.leaked}


def content(kind: int, of: int, name: bytes, collation: int = 63) -> bytes:
    names = part(2, name) + part(3, name) + part(5, b"users")
    return frame(12, varint(1, kind) + names + varint(8, collation) + varint(12, of))


CARD_DECIMAL = bytes.fromhex("00" + "4111111111111111" + "c0")
CLASSIFIED = [
    (column(BYTES, b"a"), b"alice@example.com\0", "email"), (column(ENUM, b"a"), b"alice@example.com\0", "email"),
    (column(SET, b"a"), lenenc(17) + b"alice@example.com" + b"\x03bob", "email"),
    (column(SINT, b"a"), zigzag(4111111111111111), "card"), (column(UINT, b"a"), lenenc(4111111111111111), "card"),
    (column(DECIMAL, b"a"), CARD_DECIMAL, "card"),
    (content(BYTES, 2, b"doc"), b'{"mail": "alice@example.com"}\0', "email"),
    (content(BYTES, 3, b"doc"), b"<mail>alice@example.com</mail>\0", "email"),
    (frame(12, varint(1, BYTES)), b"alice@example.com\0", "email"),
    (column(DATETIME, b"birth_date"), lenenc(1990) + b"\x02\x1d", "identity"),
    (column(DOUBLE, b"diagnosis"), struct.pack("<d", 7.25), "health"),
    (column(FLOAT, b"diagnosis"), struct.pack("<f", 7.25), "health"),
    (column(TIME, b"diagnosis"), b"\0\x07\x02", "health"), (column(BIT, b"diagnosis"), lenenc(5), "health"),
    (column(SET, b"diagnosis"), b"\x03flu", "health"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "value", "data"), CLASSIFIED)
def test_a_value_of_any_type_tells_its_class(definition: bytes, value: bytes, data: str, tmp_path: Path) -> None:
    found = told(tmp_path, definition + column(SINT, b"id") + row(value, zigzag(1)) * 3)
    assert [(one, count) for one, _, count in found] == [(data, 3)]


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        (content(BYTES, 0, b"photo"), b"alice@example.com\0"), (content(BYTES, 1, b"place"), b"alice@example.com\0"),
        (column(DOUBLE, b"price"), struct.pack("<d", 4111111111111111)), (column(TIME, b"at"), b"\0\x07\x02"),
        (column(DECIMAL, b"price"), bytes.fromhex("02411111111111c0")), (column(BIT, b"f"), lenenc(4111111111111111)),
    ],
)  # fmt: skip
def test_a_value_that_is_no_text_or_long_number_needs_a_name_that_tells(
    definition: bytes, value: bytes, tmp_path: Path
) -> None:
    assert told(tmp_path, definition + row(value) * 3) == set()


@pytest.mark.parametrize("size", [1, 3, 50, 1400])
def test_rows_cut_into_segments_are_classified_whole(size: int, tmp_path: Path) -> None:
    rows = column(BYTES, b"body") + column(UINT, b"number")
    rows += row(b"x" * 2000 + b" alice@example.com\0", lenenc(4111111111111111)) * 4
    steps = [*session(), Step("ask", "client", sql(b"SELECT * FROM users"))]
    whole = rows + frame(14) + DONE
    steps += [Step(f"answer-{at}", "server", whole[at : at + size]) for at in range(0, len(whole), size)]
    (connection,) = judged(steps, tmp_path).connections
    assert {(one.data, one.column, one.count) for one in connection.leaked} == {
        ("email", "body", 4), ("card", "number", 4),
    }  # fmt: skip


def test_of_a_row_that_is_longer_than_what_is_kept_the_first_text_is_classified(tmp_path: Path) -> None:
    long = b"alice@example.com, " + b"words " * 300_000
    found = told(tmp_path, column(SINT, b"id") + column(BYTES, b"body") + row(zigzag(1), long + b"\0"))
    assert found == {("email", "body", 1)}


def test_a_last_word_that_is_not_all_there_is_no_value(tmp_path: Path) -> None:
    """The first 16 digits of a longer number have a card's check digit."""
    half = b"4111111111111111"
    body = part(1, b" " + half * 66_000 + b"\0")
    assert told(tmp_path, column(BYTES, b"body") + frame(13, body)) == set()


def test_rows_of_a_cursor_are_classified(tmp_path: Path) -> None:
    opened = column(BYTES, b"email") + row(b"alice@example.com\0") + frame(15) + DONE
    more = row(b"bob@example.com\0") + frame(14) + DONE
    steps = asked(
        (frame(40, varint(1, 1) + part(2, varint(1, 5) + part(6, execute(b"SELECT email FROM users")))), frame(0)),
        (frame(43, varint(1, 1) + part(4, varint(1, 0) + part(2, varint(1, 1))) + varint(5, 1)), opened),
        (frame(45, varint(1, 1) + varint(5, 9)), more),
    )  # fmt: skip
    (connection,) = judged(steps, tmp_path).connections
    assert ("email", "email") in {(one.data, one.column) for one in connection.leaked}
    assert sum(one.count for one in connection.leaked) == 2


def test_recorded_rows_of_all_types_are_classified() -> None:
    path = CAPTURES / "depth" / "x-results-mysql.pcapng"
    port = json.loads(path.with_suffix(".json").read_text())["port"]
    (connection,) = aurora_wire.scan([path], aurora_wire.ScanOptions([port])).connections
    assert ("email", "s") in {(one.data, one.column) for one in connection.leaked}


# Any bytes.


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 3), st.binary(max_size=40)), min_size=1, max_size=8),
       st.integers(0, 60))
@settings(max_examples=200, deadline=None)
def test_rows_of_any_types_with_any_values_are_accounted_for(
    values: list[tuple[int, int, bytes]], cut: int
) -> None:
    definitions = b"".join(content(kind, of, b"diagnosis", 255) for kind, of, _ in values)
    last = frame(13, b"".join(part(1, one) for _, _, one in values))
    stream = definitions + row(*(one for _, _, one in values)) * 2 + last[: max(len(last) - cut, 6)]
    facts = Facts(1, Budget(), None)
    server = XServer(facts, XSession(), facts.server, {}, True)
    for at in range(0, len(stream), 7):
        server.feed(stream, at, min(at + 7, len(stream)), 0)
    server.finish()


@given(st.binary(max_size=400), st.lists(st.integers(0, 1 << 20), max_size=20))
def test_any_bytes_are_read_as_a_row(data: bytes, kinds: list[int]) -> None:
    values = read_row(data, [X_TYPE + kind for kind in kinds])
    assert len(values) <= len(kinds)
    assert sum(len(one) for one in values if one is not None) <= 40 * len(data) + 400


KINDS = st.sampled_from([12, 13, 14, 15, 16, 17, 18, 0, 1, 11])


@given(st.lists(st.tuples(KINDS, st.binary(max_size=60)), max_size=30))
@settings(deadline=None)
def test_any_messages_of_a_server_are_accounted_for(messages: list[tuple[int, bytes]]) -> None:
    facts = Facts(1, Budget(), None)
    facts.login_frame = 0
    facts.budget.rows = 3
    decoder = XServer(facts, XSession(), facts.server, {}, True)
    for kind, body in messages:
        data = frame(kind, body)
        facts.server.seen += len(data)
        decoder.feed(data, 0, len(data), 0)
    decoder.finish()
    side = facts.server
    assert side.seen == side.plaintext + side.unknown + side.by_design


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_session_with_results_is_judged(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    steps = asked(*((sql(b"SELECT id, email FROM users"), USERS + ALICE * 3 + frame(14) + WARNING + DONE),) * 5)
    for at, step in enumerate(steps[3:], 3):
        data = bytearray(step.payload)
        for _ in range(chance.randint(0, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        keep = chance.randint(1, len(data)) if chance.random() < 0.3 else len(data)
        steps[at] = step._replace(payload=bytes(data[:keep]))
    scan = judged(steps, tmp_path)
    assert scan.verdict == "plaintext"
