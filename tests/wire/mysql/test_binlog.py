"""Binlog events: statements, rows by table, what is compressed; and what a sender may claim."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql import binlog as reader
from aurora_wire.wire.mysql.binlog import Binlog
from aurora_wire.wire.mysql.compressed import ZSTD, Inflater
from aurora_wire.wire.mysql.replication import MAX_TABLES, Replication, TableRows
from aurora_wire.zstd import zstd_decompressor
from tests.wire.mysql.binlog_events import (
    COLUMNS,
    event,
    mariadb_compressed,
    payload,
    query_body,
    rows_body,
    table_map,
    transaction,
)

INFLATERS: dict[int, Callable[[], Inflater]] = {int(ZSTD): zstd_decompressor}
INSERT, UPDATE, DELETE = 30, 31, 32


def read(*made: bytes, budget: Budget | None = None, facts: Facts | None = None) -> tuple[Facts, Replication]:
    facts = facts or Facts(1, budget or Budget(), None)
    one = Binlog(facts, INFLATERS)
    for number, each in enumerate(made):
        data = payload(each)
        one.packet(data, 0, len(data), len(data), number + 1, 0, 0, False)
    return facts, facts.replication or Replication()


def texts(facts: Facts) -> list[bytes]:
    return [one.text for one in facts.statements]


def counts(rows: TableRows) -> tuple[int, int, int]:
    return rows.inserted, rows.updated, rows.deleted


@given(st.integers(0, 1 << 32), st.booleans(), st.sampled_from(["v1", "v2", "compressed"]))
@settings(max_examples=150, deadline=None)
def test_rows_are_counted_by_the_layout_of_the_table_map(seed: int, checksum: bool, form: str) -> None:
    r = random.Random(seed)
    columns = [r.choice(COLUMNS) for _ in range(r.choice([1, 3, 8, 9, 40]))]
    numbers = [r.randrange(1, 9) for _ in range(3)]
    first = {"v1": 23, "v2": INSERT, "compressed": 166}[form]
    made = [event(19, table_map(300, b"shop", b"orders", columns), checksum=checksum)]
    for place, rows in enumerate(numbers):
        body = rows_body(
            r, 300, columns, rows, update=place == 1, extra=form == "v2", compressed=form == "compressed"
        )
        made.append(event(first + place, body, checksum=checksum))
    _, found = read(*made)
    assert (found.unread, found.cut) == (0, 0)
    assert counts(found.tables[b"shop\0orders"]) == tuple(numbers)
    assert found.databases == {b"shop": 1}
    assert found.bytes == sum(map(len, made))


@pytest.mark.parametrize("semi_sync", [False, True])
def test_semi_synchronous_events_are_told_by_their_size(semi_sync: bool) -> None:
    facts = Facts(1, Budget(), None)
    one = Binlog(facts, INFLATERS)
    data = payload(event(2, query_body(b"DROP TABLE a")), semi_sync=semi_sync)
    one.packet(data, 0, len(data), len(data), 1, 0, 0, False)
    assert facts.replication is not None
    assert facts.replication.semi_sync == semi_sync
    assert texts(facts) == [b"DROP TABLE a"]


TEXT = b"INSERT INTO people VALUES (1, 'alice')"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (2, query_body(TEXT)), (2, query_body(TEXT, b"", b"\x04" + bytes(6) + b"\x05\x03SYSTEM")),
        (18, struct.pack("<IIBHHIIIB", 9, 0, 4, 0, 3, 1, 2, 3, 0) + b"abcshop\0" + TEXT),
        (29, bytes([len(TEXT)]) + TEXT), (160, TEXT),
        (165, query_body(mariadb_compressed(TEXT))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("checksum", [False, True])
def test_statements_are_leaked_statements(kind: int, body: bytes, checksum: bool) -> None:
    facts, found = read(event(16, bytes(8), checksum=checksum), event(kind, body, checksum=checksum))
    assert texts(facts) == [TEXT]
    one = facts.statements[0]
    assert (one.complete, one.from_client, one.frame, one.length) == (True, False, 2, len(TEXT))
    assert found.statements == 1
    assert facts.readable


def test_what_each_transaction_has_is_no_statement_but_counted_by_type() -> None:
    facts, found = read(event(2, query_body(b"BEGIN")), event(16, bytes(8)), event(2, query_body(b"COMMIT")))
    assert not facts.statements
    assert found.events == {2: 2, 16: 1}


@pytest.mark.parametrize("kind", [0, 255])
def test_a_compressed_transaction_is_read_event_by_event(kind: int) -> None:
    r = random.Random(3)
    columns = [COLUMNS[3], COLUMNS[16]]
    inner = [
        event(2, query_body(b"BEGIN"), checksum=False),
        event(2, query_body(b"SET PASSWORD FOR a = 'hidden-in-zstd'"), checksum=False),
        event(19, table_map(9, b"shop", b"orders", columns), checksum=False),
        event(INSERT, rows_body(r, 9, columns, 4), checksum=False), event(16, bytes(8), checksum=False),
    ]
    facts, found = read(event(40, transaction(inner, kind=kind)))
    assert found.events == {40: 1, 2: 2, 19: 1, 30: 1, 16: 1}
    assert counts(found.tables[b"shop\0orders"]) == (4, 0, 0)
    assert [one.value for one in facts.secrets] == [b"'hidden-in-zstd'"]
    assert all(one.from_binlog for one in facts.secrets)


def test_an_event_longer_than_is_held_inside_a_transaction_is_read_as_far_as_that_and_the_next_one_whole() -> None:
    long = b"INSERT INTO t VALUES ('" + b"x" * (3 * reader.MAX_INSIDE) + b"')"
    inner = [event(2, query_body(long), checksum=False), event(2, query_body(TEXT), checksum=False)]
    facts, found = read(event(40, transaction(inner)))
    assert [one.complete for one in facts.statements] == [False, True]
    assert facts.statements[1].text == TEXT
    assert long.startswith(facts.statements[0].text)
    assert found.cut == 1


def test_a_bomb_is_not_opened_to_its_end() -> None:
    budget = Budget()
    bomb = event(40, transaction([event(2, query_body(bytes(120 << 20)), checksum=False)]))
    _, found = read(bomb, budget=budget)
    assert budget.inflated <= 65 << 20
    assert budget.inflating == Budget().inflating
    assert found.events == {40: 1, 2: 1}


def test_what_reads_as_no_event_inside_a_transaction_ends_it() -> None:
    budget = Budget()
    _, found = read(event(40, transaction([bytes(4 << 20)])), budget=budget)
    assert (found.unread, found.events) == (1, {40: 1})
    assert budget.inflated < 1 << 20


def test_a_window_beyond_the_bound_is_not_opened() -> None:
    budget = Budget(inflating=1 << 20)
    _, found = read(event(40, transaction([event(2, query_body(b"x" * (2 << 20)))], window=23)), budget=budget)
    assert (found.unread, budget.inflated) == (1, 0)


def test_a_layout_that_lies_counts_nothing_it_cannot() -> None:
    r = random.Random(5)
    columns = [COLUMNS[4], COLUMNS[24]]
    truth = rows_body(r, 9, columns, 3)
    for lie in ([COLUMNS[0]], [COLUMNS[4]] * 2, [COLUMNS[24]] * 2, [COLUMNS[4], COLUMNS[27]], [COLUMNS[21]] * 300):
        _, found = read(event(19, table_map(9, b"a", b"b", lie)), event(INSERT, truth))
        assert found.unread == 1
        assert sum(counts(found.tables[b"a\0b"])) < 3 + len(truth)


def test_rows_of_a_table_that_nobody_described_are_not_guessed() -> None:
    _, found = read(event(INSERT, rows_body(random.Random(1), 9, [COLUMNS[0]], 3)))
    assert (found.unread, found.tables) == (1, {})


def test_a_table_map_of_too_many_columns_names_its_table_only() -> None:
    columns = [COLUMNS[0]] * 5000
    rows = rows_body(random.Random(1), 9, columns, 1)
    _, found = read(event(19, table_map(9, b"a", b"b", columns)), event(INSERT, rows))
    assert list(found.tables) == [b"a\0b"]
    assert found.unread == 1


def test_what_is_kept_is_bounded_and_given_back() -> None:
    budget = Budget()
    before = int(budget.open)
    made = [event(19, table_map(n, b"s%d" % n, b"t%d" % n, [COLUMNS[0]] * 400)) for n in range(1100)]
    facts, found = read(*made, budget=budget)
    assert len(found.tables) == MAX_TABLES
    assert len(found.databases) == reader.MAX_DATABASES
    assert 0 < before - budget.open < 20 << 20
    facts.discharge()
    assert budget.open == before


def test_an_event_in_a_packet_that_goes_on_is_read_as_far_as_it_is_here() -> None:
    text = b"INSERT INTO t VALUES ('" + b"x" * (20 << 20) + b"')"
    data = payload(event(2, query_body(text)))
    facts = Facts(1, Budget(), None)
    one = Binlog(facts, INFLATERS)
    one.packet(data[: 1 << 20], 0, 1 << 20, len(data), 1, 0, 0, False)
    assert facts.replication is not None
    assert (facts.replication.bytes, facts.replication.cut) == (len(data) - 1, 1)
    assert (facts.statements[0].complete, facts.statements[0].length > len(facts.statements[0].text)) == (False, True)


READ = [2, 4, 15, 18, 19, 20, 23, 24, 29, 30, 31, 33, 39, 40, 160, 162, 165, 166, 170]
KINDS = st.sampled_from(READ) | st.integers(0, 255)


@given(st.lists(st.tuples(KINDS, st.binary(max_size=90), st.booleans()), max_size=12), st.integers(0, 60))
@example([(29, b"", True)], 0)  # a statement of no bytes, not even the one that is skipped
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_events_or_not(made: Sequence[tuple[int, bytes, bool]], cut: int) -> None:
    facts = Facts(1, Budget(), None)
    one = Binlog(facts, INFLATERS)
    for kind, body, checksum in made:
        data = payload(event(kind, body, checksum=checksum))
        stop = max(len(data) - cut, 0)
        one.packet(data, 0, len(data), len(data), 1, 0, 0, False)
        one.packet(data[:stop], 0, stop, len(data), 1, 0, 0, False)
        one.packet(body, 0, len(body), len(body), 1, 0, 0, False)


@given(st.integers(0, 1 << 32), st.data())
@settings(max_examples=200, deadline=None)
def test_changed_bytes_are_bounded_by_what_is_there(seed: int, data: st.DataObject) -> None:
    r = random.Random(seed)
    columns = [r.choice(COLUMNS) for _ in range(r.choice([1, 8, 9]))]
    made = [
        event(19, table_map(9, b"a", b"b", columns)), event(INSERT, rows_body(r, 9, columns, 3)),
        event(UPDATE, rows_body(r, 9, columns, 3, update=True)), event(167, rows_body(
            r, 9, columns, 3, update=True, extra=False, compressed=True
        )),
        event(40, transaction([event(2, query_body(b"x"), checksum=False)])),
    ]
    for place in range(len(made)):
        changed = bytearray(made[place])
        at = data.draw(st.integers(19, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
        made[place] = bytes(changed)
    _, found = read(*made)
    rows = sum(sum(counts(one)) for one in [*found.tables.values(), found.others])
    assert rows <= sum(map(len, made)) * 8
