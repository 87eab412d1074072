"""What rows tell: of results in both protocols, and of binlog events; and what a table map or a server may claim."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.verdict.result import LeakedData
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.mysql.charsets import BINARY
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.leaked.classes import CLASSES
from aurora_wire.wire.mysql.leaked.rows import (
    EACH,
    KEPT,
    LONGEST_KEPT,
    PATIENCE,
    TEXTS,
    Hit,
    Watched,
    kept_value,
    watch_column,
)
from aurora_wire.wire.mysql.leaked.tally import BINLOG, MAX_ROWS, RESULTS, LeakedTally
from aurora_wire.wire.mysql.types import LONG, LONGLONG, VAR_STRING
from tests.conversations import mysql
from tests.conversations.mysql import packet
from tests.conversations.sessions import Step
from tests.wire.mysql.binlog_events import Column, event, mariadb_compressed, table_map
from tests.wire.mysql.built import lenenc
from tests.wire.mysql.test_binlog import read
from tests.wire.mysql.test_results import binary_row, column, connection_of, session, status_eof

CARD = b"4111111111111111"
Told = tuple[str, str | None, str | None, int, str]


def told(leaked: list[LeakedData]) -> list[Told]:
    return [(one.data, one.table, one.column, one.count, one.origin) for one in leaked]


def query(sql: bytes, columns: list[bytes], rows: list[list[bytes | None]]) -> tuple[bytes, bytes]:
    return mysql.query(sql), mysql.result_set(columns, rows)


def test_rows_of_a_result_are_classified_by_table_and_column(tmp_path: Path) -> None:
    rows: list[list[bytes | None]] = [
        [b"1", b"a@example.com", CARD, b"hello"], [b"2", None, b"x", b"call +49 30 1234567"],
    ]  # fmt: skip
    connection = connection_of(tmp_path, session(
        query(b"SELECT * FROM t", [b"id", b"email", b"number", b"note"], rows), query(b"SELECT 1", [b"id"], [[b"1"]]),
    ))  # fmt: skip
    expected = [
        ("card", "t", "number", 1, "result"), ("email", "t", "email", 1, "result"), ("phone", "t", "note", 1, "result"),
    ]
    assert told(connection.leaked) == expected
    first, second = connection.statements
    assert told(first.leaked) == expected
    assert second.leaked == []
    assert connection.leaked[0].last == ["1111"]
    assert connection.leaked[0].frame > first.frame


def test_a_columns_name_tells_its_class_and_an_alias_is_not_told(tmp_path: Path) -> None:
    steps = session((mysql.query(b"SELECT 1"), b"".join((
        packet(1, b"\x02"), packet(2, column(b"diagnosis")), packet(3, column(b"full_name", table=b"")), status_eof(4),
        packet(5, mysql.lestr(b"flu") + mysql.lestr(b"Ada")), status_eof(6),
    ))))  # fmt: skip
    assert told(connection_of(tmp_path, steps).leaked) == [
        ("health", "t", "diagnosis", 1, "result"), ("identity", None, None, 1, "result"),
    ]  # fmt: skip


def test_binary_rows_tell_the_same(tmp_path: Path) -> None:
    kinds = [(b"id", int(LONG)), (b"pan", int(LONGLONG)), (b"other", int(LONGLONG)), (b"email", 0xFD)]
    prepared = packet(1, b"\0" + struct.pack("<IHHBH", 7, len(kinds), 0, 0, 0))
    definitions = b"".join(packet(2 + at, column(name, kind)) for at, (name, kind) in enumerate(kinds))
    execute = mysql.command(23, struct.pack("<IBI", 7, 0, 1))
    row = binary_row(
        struct.pack("<I", 5), struct.pack("<Q", int(CARD)), struct.pack("<Q", int(CARD)), mysql.lestr(b"a@example.com")
    )
    answer = packet(1, b"\x04") + definitions + status_eof(6) + packet(7, row) + status_eof(8)
    steps = session((mysql.prepare(b"SELECT * FROM t"), prepared + definitions + status_eof(6)), (execute, answer))
    assert told(connection_of(tmp_path, steps).leaked) == [
        ("card", "t", "other", 1, "result"), ("card", "t", "pan", 1, "result"), ("email", "t", "email", 1, "result"),
    ]  # fmt: skip


def test_one_value_in_two_results_is_counted_twice_and_kept_once(tmp_path: Path) -> None:
    rows: list[list[bytes | None]] = [[b"a@example.com"]] * 3
    connection = connection_of(tmp_path, session(*[query(b"SELECT email FROM t", [b"email"], rows)] * 2))
    (one,) = connection.leaked
    assert (one.count, one.statements, len(one.values)) == (6, 2, 1)


def look(watched: Watched, values: list[bytes]) -> list[Hit]:
    hits: list[Hit] = []
    for value in values:
        framed = b"\x2e" + value + b"1"
        watched.look(framed, 1, 1 + len(value), 5, hits)
    return hits


def test_a_column_that_tells_nothing_is_looked_at_less_until_it_tells_something() -> None:
    watched = Watched(TEXTS, 0, b"t", b"c")
    assert look(watched, [b"just words"] * (PATIENCE + 10 * EACH)) == []
    (hit,) = look(watched, [b"a@example.com"] * (2 * EACH))
    assert EACH < hit.count <= 2 * EACH
    assert watched.misses == 0


def test_a_byte_before_the_value_is_not_of_it() -> None:
    (hit,) = look(Watched(TEXTS, 0, b"t", b"c"), [CARD])
    assert (CLASSES[hit.kind].id, hit.count, hit.values) == ("card", 1, [CARD])


def test_values_are_kept_in_part_and_few() -> None:
    watched = watch_column(int(VAR_STRING), 45, b"t", b"password", b"password")
    assert watched is not None
    (hit,) = look(watched, [b"p%d-" % number + b"x" * 5000 for number in range(10)])
    assert hit.count == 10
    assert len(hit.values) == 1    # the same end, the same length
    (hit,) = look(Watched(TEXTS, 0, b"t", b"c"), [b"a%d@example.com" % number for number in range(10)])
    assert len(hit.values) == KEPT
    assert len(kept_value(b"x" * 100_000)) < LONGEST_KEPT + 10


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        (b"c", b"a@example.com", b"nothing here"), (b"c", CARD, b"4111111111111112"),
        (b"phone", b"030 1234567", b"none"), (b"diagnosis", b"flu", b""), (b"full_name", b"Ada Quill", b""),
        (b"c", b"DE89370400440532013000", b"DE89370400440532013001"),
    ],
)  # fmt: skip
def test_a_column_of_one_class_is_counted_to_the_last_value_and_what_is_none_is_not(
    name: bytes, value: bytes, other: bytes
) -> None:
    watched = watch_column(int(VAR_STRING), 45, b"t", name, b"")
    assert watched is not None
    (hit,) = look(watched, [value] * 500 + [other] * 3 + [value] * 500)
    assert hit.count == 1000
    assert hit.values == [value]


def test_a_second_class_in_a_column_of_one_is_found_where_it_is_looked_at() -> None:
    both = b"a@example.com, b@example.com"
    hits = look(Watched(TEXTS, 0, b"t", b"c"), [b"a@example.com"] * (PATIENCE + 5) + [both] * EACH + [CARD])
    assert {CLASSES[hit.kind].id: hit.count for hit in hits}["card"] == 1
    assert hits[0].count >= PATIENCE + 5 + EACH + 1


@pytest.mark.parametrize(
    ("kind", "charset", "name", "watched"),
    [
        (VAR_STRING, 45, b"x", True), (VAR_STRING, BINARY, b"x", False), (VAR_STRING, BINARY, b"ssn", True),
        (LONG, BINARY, b"x", False), (LONG, BINARY, b"phone", True), (LONGLONG, BINARY, b"x", True),
    ],
)  # fmt: skip
def test_a_column_is_looked_at_by_its_type_and_name(kind: int, charset: int, name: bytes, watched: bool) -> None:
    assert (watch_column(int(kind), int(charset), b"t", name, b"") is not None) == watched


# Binlog events.

VARCHAR = Column(15, struct.pack("<H", 200), lambda r: b"")
BIGINT = Column(8, b"", lambda r: b"")
TEXT_COLUMN = Column(252, b"\x02", lambda r: b"")
LAYOUT = [VARCHAR, BIGINT, TEXT_COLUMN]


def metadata(*fields: tuple[int, bytes]) -> bytes:
    return b"".join(bytes([kind]) + lenenc(len(data)) + data for kind, data in fields)


def names(*listed: bytes) -> tuple[int, bytes]:
    return 4, b"".join(mysql.lestr(name) for name in listed)


def row(text: bytes, number: int, long: bytes) -> bytes:
    return b"\0" + bytes([len(text)]) + text + struct.pack("<Q", number) + struct.pack("<H", len(long)) + long


def inserted(*rows: bytes, kind: int = 30, compressed: bool = False) -> bytes:
    extra = b"\x02\0" if kind == 30 else b""
    data = b"".join(rows)
    head = (300).to_bytes(6, "little") + b"\x01\0" + extra + b"\x03\x07"
    return event(kind, head + (mariadb_compressed(data) if compressed else data))


ROW = row(b"a@example.com", int(CARD), b"flu, says +49 30 1234567")


@pytest.mark.parametrize("compressed", [False, True])
def test_rows_in_binlog_events_are_classified(compressed: bool) -> None:
    mapped = table_map(300, b"shop", b"users", LAYOUT)
    facts, found = read(event(19, mapped), inserted(ROW, ROW, kind=166 if compressed else 30, compressed=compressed))
    assert found.tables[b"shop\0users"].inserted == 2
    assert facts.leaked is not None
    made = {CLASSES[key[0]].id: (key[1:], one.count) for key, one in facts.leaked.rows.items()}
    where = (b"users", b"", int(BINLOG))
    assert made == {"email": (where, 2), "card": (where, 2), "phone": (where, 2)}


def test_names_and_character_sets_of_columns_are_those_of_the_log() -> None:
    mapped = table_map(300, b"shop", b"users", LAYOUT)
    full = mapped + metadata((1, b"\x80"), (3, bytes([45, BINARY])), names(b"mail", b"pan", b"diagnosis"))
    facts, _ = read(event(19, full), inserted(ROW))
    assert facts.leaked is not None
    assert [(CLASSES[key[0]].id, key[2]) for key in facts.leaked.rows] == [
        ("email", b"mail"), ("card", b"pan"), ("health", b"diagnosis"),
    ]  # fmt: skip


@pytest.mark.parametrize("default", [bytes([BINARY]), bytes([45, 0, BINARY, 1, BINARY])])
def test_columns_of_bytes_are_not_looked_at(default: bytes) -> None:
    mapped = table_map(300, b"shop", b"users", LAYOUT) + metadata((2, default))
    facts, _ = read(event(19, mapped), inserted(ROW))
    assert facts.leaked is not None
    assert [CLASSES[key[0]].id for key in facts.leaked.rows] == ["card"]


@pytest.mark.parametrize("number", [(1 << 64) - 1, 1 << 63, 10 ** 12 - 1, 4_111_111_111_111_112])
def test_numbers_that_are_no_cards_tell_nothing(number: int) -> None:
    mapped = table_map(300, b"shop", b"t", LAYOUT) + metadata(names(b"a", b"phone", b"b"))
    facts, _ = read(event(19, table_map(300, b"shop", b"t", LAYOUT)), inserted(row(b"x", number, b"y")))
    assert facts.leaked is None
    facts, _ = read(event(19, mapped), inserted(row(b"x", number, b"y")))
    told = [] if facts.leaked is None else [CLASSES[key[0]].id for key in facts.leaked.rows]
    assert told == (["phone"] if number < 10 ** 12 else [])


def test_what_may_be_no_text_is_not_taken_for_one() -> None:
    facts, _ = read(event(19, table_map(300, b"shop", b"t", LAYOUT)), inserted(row(b"x", 5, b"\0\x01a@example.com")))
    assert facts.leaked is None


@given(st.binary(max_size=120), st.integers(0, 400), st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_a_table_map_that_lies_is_read_as_far_as_it_makes_sense(noise: bytes, cut: int, columns: int) -> None:
    r = random.Random(columns)
    layout = [r.choice(LAYOUT) for _ in range(columns)]
    mapped = table_map(300, b"shop", b"t", layout) + noise
    head = (300).to_bytes(6, "little") + b"\x01\0\x02\0" + lenenc(columns) + b"\xff" * ((columns + 7) // 8)
    facts, found = read(
        event(19, mapped), event(30, head + (ROW * 8)[:cut]), event(19, mapped[:cut]), event(30, head + noise)
    )
    assert facts.charged >= 0
    assert found.cut == 0


def test_a_table_of_4096_columns_is_bounded_and_paid_for() -> None:
    budget = Budget()
    before = budget.open
    mapped = table_map(300, b"shop", b"t", [VARCHAR] * 4096) + metadata(names(*[b"email"] * 4096))
    facts, _ = read(event(19, mapped), budget=budget)
    assert before - budget.open >= 4096 * 150
    facts.discharge()
    assert budget.open == before


def test_a_result_of_65535_columns_is_bounded(tmp_path: Path) -> None:
    count = 65_535
    definition = column(b"email")
    steps = [
        packet(1, lenenc(count)), *(packet((2 + at) & 0xFF, definition) for at in range(count)),
        status_eof((2 + count) & 0xFF), packet((3 + count) & 0xFF, mysql.lestr(b"a@example.com") * count),
        status_eof((4 + count) & 0xFF),
    ]  # fmt: skip
    connection = connection_of(tmp_path, session((mysql.query(b"SELECT 1"), b"".join(steps))))
    assert len(connection.leaked) <= 1


def test_rows_of_a_tally_are_bounded() -> None:
    tally = LeakedTally()
    hits = []
    for number in range(2 * MAX_ROWS):
        hit = Hit(1, b"t", b"c%d" % number, 1)
        hit.count = 1
        hits.append(hit)
    tally.add_hits(hits, RESULTS)
    assert len(tally.rows) == MAX_ROWS + 1
    assert sum(one.count for one in tally.rows.values()) == 2 * MAX_ROWS


def test_without_room_rows_are_not_classified_and_that_is_counted() -> None:
    budget = Budget()
    budget.open = 0
    facts = MySQLFacts(1, budget, None)
    facts.add_hits([Hit(1, b"t", b"c", 1)], RESULTS)
    assert facts.leaked is None
    assert facts.not_classified == 1


def test_statements_without_room_for_them_are_without_what_their_rows_tell(tmp_path: Path) -> None:
    steps: list[Step] = session(query(b"SELECT * FROM t", [b"email"], [[b"a@example.com"]]))
    connection = connection_of(tmp_path, steps)
    assert told(connection.statements[0].leaked) == told(connection.leaked)


def test_a_recorded_stream_to_a_replica_tells_what_its_rows_hold(shared: Path) -> None:
    result = aurora_wire.scan([shared / "field" / "depth-binlog-serveronly.pcap"])
    found = {one.data: one for one in result.leaked}
    assert found["card"].origins == {"statement": 1, "binlog": 13}
    assert found["card"].last == ["1111", "5559", "0009"]
    assert "customers.?" in found["key"].columns
    assert (found["key"].origins, found["password-hash"].origins) == ({"binlog": 3}, {"binlog": 3})
