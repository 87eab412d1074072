"""Definitions that come again, byte for byte, are known by one comparison, and tell what they tell one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora_wire.verdict.result import ConnectionResult
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.mysql.answers import Answers
from aurora_wire.wire.mysql.definitions import LONGEST, SLOTS, Definitions, KnownDefinitions
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.results import Column
from tests.conversations import mysql
from tests.conversations.mysql import packet
from tests.conversations.sessions import Step
from tests.wire.mysql.test_results import MORE, column, connection_of, session, status_eof, status_ok

NAMES = (b"customer_number", b"full_name", b"email_address")


def packets_of(*names: bytes) -> bytes:
    return b"".join(packet(seq, column(name)) for seq, name in enumerate(names, 2))


def columns_of(*names: bytes) -> list[Column]:
    return [Column(b"shop", b"t", b"t", name, name, 0xFD, 45, 0) for name in names]


def what_is_told(connection: ConnectionResult) -> tuple[object, ...]:
    return (
        [(one.column, one.results, one.rows, one.bytes) for one in connection.columns],
        [one.result and (one.result.rows, one.result.bytes, [column.name for column in one.result.columns])
         for one in connection.statements],
        connection.rows, connection.row_bytes,
    )  # fmt: skip


def test_only_the_same_bytes_are_the_same_definitions() -> None:
    known = KnownDefinitions()
    packets = packets_of(*NAMES)
    kept = Definitions(packets, columns_of(*NAMES))
    assert known.find(packets, 0, len(packets), 3) is None
    assert known.keep(kept) == kept.cost()
    behind = b"xx" + packets + b"rows"
    found = known.find(behind, 2, len(behind), 3)
    assert found is not None
    assert found.columns is kept.columns
    assert known.find(behind, 2, len(behind), 2) is None
    for end in range(2, 2 + len(packets)):
        assert known.find(behind, 2, end, 3) is None
    for place in range(len(packets)):
        other = packets[:place] + bytes([packets[place] ^ 1]) + packets[place + 1 :]
        assert known.find(other, 0, len(other), 3) is None


def test_as_many_as_there_is_place_for_are_remembered_and_paid() -> None:
    known = KnownDefinitions()
    paid = 0
    for number in range(200):
        name = b"name_of_column_%d" % number
        paid += known.keep(Definitions(packets_of(name), columns_of(name)))
    assert len(known.slots) == SLOTS
    assert paid == sum(one.cost() for one in known.slots if one is not None)


@pytest.mark.parametrize("definition", [b"", b"\x03def", column(b"") * 2])
def test_what_is_no_definition_is_not_remembered(definition: bytes) -> None:
    known = KnownDefinitions()
    for packets in (b"", packet(2, definition), packet(2, definition)[:-1]):
        known.keep(Definitions(packets, []))
        assert known.find(packets, 0, len(packets), 1) is None


def defined(open_connections: int, *definitions: bytes) -> Answers:
    answers = Answers(MySQLFacts(0, Budget(open_connections=open_connections), None))
    answers.head(len(definitions), True)
    for one in definitions:
        answers.define(one, 0, len(one))
    answers.defined()
    packets = b"".join(packet(seq, one) for seq, one in enumerate(definitions, 2))
    answers.remember(packets, 0, len(packets))
    answers.head(len(definitions), True)
    found = answers.recognise(packets, 0, len(packets), len(definitions))
    return answers if found == len(packets) else Answers(answers.facts)


def test_what_there_is_no_room_for_is_read_one_by_one() -> None:
    names = [column(name) for name in NAMES]
    assert [one.name for one in defined(1 << 20, *names).columns] == list(NAMES)
    assert defined(0, *names).columns == []  # the columns themselves have none
    assert defined(2000, *names).columns == []
    assert defined(1 << 20, *names, b"no definition").columns == []
    assert defined(1 << 20, *[column(b"n%d" % n * 20) for n in range(LONGEST // 60)]).columns == []


@pytest.mark.parametrize("caps", [0, mysql.DEPRECATE_EOF])
def test_results_that_come_again_tell_the_same_in_any_segments(tmp_path: Path, caps: int) -> None:
    def answer(names: tuple[bytes, ...], rows: int) -> bytes:
        body = packet(1, bytes([len(names)])) + packets_of(*names)
        seq = 2 + len(names)
        if not caps:
            body += status_eof(seq)
            seq += 1
        for row in range(rows):
            body += packet((seq + row) & 0xFF, mysql.lestr(b"%d" % row) * len(names))
        seq = (seq + rows) & 0xFF
        return body + (status_ok(seq) if caps else status_eof(seq))

    one, other = NAMES, (b"customer_number", b"full_name", b"street_and_house_number")
    shapes = [(one, 2), (one, 1), (other, 3), (one, 0), (other, 300), (one, 5), (one[:2], 1), (one[:1], 1), (one, 1)]
    steps = session(*[(mysql.query(b"SELECT"), answer(*shape)) for shape in shapes], caps=caps)
    whole = what_is_told(connection_of(tmp_path, steps))
    for size in (1, 50, 200):
        assert what_is_told(connection_of(tmp_path, steps, sizes=size)) == whole


def test_prepared_statements_tell_the_same_in_any_segments(tmp_path: Path) -> None:
    exchanges = []
    for number, (params, columns) in enumerate([(2, 3), (2, 3), (0, 3), (2, 1), (1, 2), (2, 3)], 1):
        exchanges += [
            (mysql.prepare(b"SELECT ?"), mysql.prepare_ok(number, params, columns=columns)),
            (mysql.execute(number, [7] * params), mysql.result_set(list(NAMES[:columns]), [])),
        ]
    steps = session(*exchanges)
    whole = connection_of(tmp_path, steps)
    assert all(one.result and one.result.complete for one in whole.statements)
    for size in (1, 50, 120):
        assert what_is_told(connection_of(tmp_path, steps, sizes=size)) == what_is_told(whole)


def test_definitions_of_parameters_that_were_missed_are_not_skipped_in_the_next_result() -> None:
    answers = Answers(MySQLFacts(0, Budget(), None))
    answers.prepared(2, 1)
    answers.define(column(b"?"), 0, len(column(b"?")))
    answers.lost()
    answers.head(1, True)
    answers.define(column(b"id"), 0, len(column(b"id")))
    assert [one.name for one in answers.columns] == [b"id"]


def test_definitions_whose_sequence_ids_do_not_count_on_are_not_those_of_before(tmp_path: Path) -> None:
    first = mysql.result_set(list(NAMES), [[b"1"] * 3])
    begun = first[:-9] + status_eof(7, 2 | MORE) + packet(8, b"\3")
    steps = session(
        (mysql.query(b"SELECT 1"), first), (mysql.query(b"SELECT 2"), begun + first[5:]),
        (mysql.query(b"SELECT 3"), first),
    )  # fmt: skip
    told = [one.result and (one.result.complete, one.result.rows) for one in connection_of(tmp_path, steps).statements]
    assert told == [(True, 1), (False, 1), (True, 1)]


def test_results_in_compressed_packets_tell_the_same_however_they_are_cut(tmp_path: Path) -> None:
    results = [mysql.result_set(list(NAMES[:count]), [[b"7", None, b"x" * 40][:count]] * 3) for count in (3, 3, 2, 3)]

    def steps(size: int) -> list[Step]:
        made = session(caps=mysql.COMPRESS)
        for number, inner in enumerate(results):
            cuts = range(0, len(inner), size)
            answer = b"".join(mysql.compressed(1 + i, inner[cut : cut + size]) for i, cut in enumerate(cuts))
            asked = mysql.compressed(0, mysql.query(b"SELECT 1"))
            made += [Step(f"q{number}", "client", asked), Step(f"a{number}", "server", answer)]
        return made

    whole = connection_of(tmp_path, steps(10_000))
    assert [one.result and one.result.complete for one in whole.statements] == [True] * len(results)
    for size in (7, 61):
        assert what_is_told(connection_of(tmp_path, steps(size))) == what_is_told(whole)
