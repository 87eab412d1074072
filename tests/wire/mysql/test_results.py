"""Which answer is whose: columns, rows, changes and errors of each statement, in every form of a reply."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.verdict.answer_result import AnswerResult
from aurora_wire.verdict.answers import read_rows
from aurora_wire.verdict.result import ConnectionResult, StatementResult
from aurora_wire.wire.mysql.results import Column, Result, extended_format, parse_column
from aurora_wire.wire.mysql.types import NAMES as TYPES
from tests.conversations import mysql
from tests.conversations.judge import scan_of, write
from tests.conversations.mysql import packet
from tests.conversations.sessions import Step, play

DEPRECATE_EOF = mysql.DEPRECATE_EOF
OPTIONAL_METADATA = 1 << 25
MORE, CURSOR, LAST_ROW, OUT = 8, 0x40, 0x80, 0x1000


def column(name: bytes, kind: int = 0xFD, *, table: bytes = b"t", extended: bytes | None = None) -> bytes:
    names = b"".join(mysql.lestr(one) for one in (b"def", b"shop", table, table, name, name if table else b""))
    further = b"" if extended is None else mysql.lestr(extended)
    return names + further + b"\x0c" + struct.pack("<HIBHBH", 45, 1020, kind, 0, 0, 0)


def status_eof(seq: int, status: int = 2, warnings: int = 0) -> bytes:
    return packet(seq, b"\xfe" + struct.pack("<HH", warnings, status))


def status_ok(seq: int, status: int = 2, warnings: int = 0, *, header: int = 0xFE, affected: int = 0) -> bytes:
    return packet(seq, bytes([header]) + mysql.lenenc(affected) + b"\0" + struct.pack("<HH", status, warnings))


def binary_row(*values: bytes | None) -> bytes:
    nulls = bytearray((len(values) + 9) // 8)
    for number, value in enumerate(values, 2):
        if value is None:
            nulls[number // 8] |= 1 << number % 8
    return b"\0" + bytes(nulls) + b"".join(value for value in values if value is not None)


def session(*exchanges: tuple[bytes, bytes], caps: int = 0) -> list[Step]:
    agreed = mysql.BASE | mysql.CONNECT_WITH_DB | caps
    steps = [
        Step("greeting", "server", mysql.greeting(ssl=False, caps=caps)),
        Step("login", "client", mysql.login(caps=agreed)),
        Step("login-ok", "server", mysql.ok(2)),
    ]
    for number, (asked, answer) in enumerate(exchanges):
        steps.append(Step(f"q{number}", "client", asked))
        if answer:
            steps.append(Step(f"a{number}", "server", answer))
    return steps


def connection_of(folder: Path, steps: list[Step], **how: object) -> ConnectionResult:
    (connection,) = scan_of(folder, play(steps, **how)).connections  # type: ignore[arg-type]
    return connection


def answers_of(folder: Path, *exchanges: tuple[bytes, bytes], caps: int = 0) -> list[AnswerResult | None]:
    return [one.result for one in connection_of(folder, session(*exchanges, caps=caps)).statements]


def certain(answer: AnswerResult | None) -> AnswerResult:
    assert answer is not None
    assert answer.complete
    return answer


@pytest.mark.parametrize("size", [None, 1, 7])
def test_a_text_result_has_its_columns_and_rows(tmp_path: Path, size: int | None) -> None:
    rows = mysql.result_set([b"id", b"body"], [[b"1", b"Canary"], [b"22", None], [b"3", b"x" * 300]])
    steps = session((mysql.query(b"SELECT id, body FROM t"), rows))
    connection = connection_of(tmp_path, steps, sizes=size)
    answer = certain(connection.statements[0].result)
    assert [(one.schema, one.org_table, one.name, one.type) for one in answer.columns] == [
        ("shop", "t", "id", "VAR_STRING"), ("shop", "t", "body", "VAR_STRING"),
    ]  # fmt: skip
    assert (answer.rows, answer.affected, answer.warnings, answer.error) == (3, None, 0, None)
    assert answer.bytes == len(b"\x011\x06Canary" + b"\x0222\xfb" + b"\x013\xfc\x2c\x01" + b"x" * 300)
    assert [(one.column, one.results, one.rows, one.bytes) for one in connection.columns] == [
        ("body", 1, 3, 306), ("id", 1, 3, 4),
    ]  # fmt: skip
    assert (connection.rows, connection.row_bytes) == (3, answer.bytes)


def test_an_ok_says_what_was_changed(tmp_path: Path) -> None:
    many = packet(1, b"\0\xfc\x10\x27\0" + struct.pack("<HH", 2, 3))
    few, more = answers_of(tmp_path, (mysql.query(b"DELETE 7"), mysql.ok(1, affected=7)), (mysql.query(b"x"), many))
    assert (certain(few).affected, certain(few).rows, certain(few).columns) == (7, 0, [])
    assert (certain(more).affected, certain(more).warnings) == (10_000, 3)


def test_an_error_is_told_with_its_text_and_the_statement_it_answers(tmp_path: Path) -> None:
    text = b"Duplicate entry 'alice@example.com' for key 'email'"
    connection = connection_of(tmp_path, session(
        (mysql.query(b"INSERT 1"), mysql.err(1062, text, seq=1, state=b"23000")),
        (mysql.query(b"SELECT 2"), mysql.ok(1)),
    ))  # fmt: skip
    first, second = connection.statements
    assert certain(first.result).error is not None
    assert certain(second.result).error is None
    (error,) = connection.errors
    assert (error.code, error.sqlstate, error.text) == (1062, "23000", text.decode())
    assert connection.errors_total == 1


def test_an_error_behind_rows_keeps_what_was_there(tmp_path: Path) -> None:
    rows = mysql.result_set([b"a"], [[b"1"], [b"2"]])
    cut = rows[: -9] + mysql.err(1317, b"Query execution was interrupted", seq=6)
    (answer,) = answers_of(tmp_path, (mysql.query(b"SELECT a"), cut))
    assert certain(answer).rows == 2
    assert answer is not None
    assert answer.error is not None
    assert answer.error.code == 1317


@pytest.mark.parametrize("deprecated", [False, True])
def test_each_of_several_results_is_told(tmp_path: Path, deprecated: bool) -> None:
    def ends(seq: int, status: int) -> bytes:
        return status_ok(seq, status) if deprecated else status_eof(seq, status)

    first = packet(1, b"\1") + packet(2, column(b"a"))
    seq = 3
    if not deprecated:
        first += status_eof(seq)
        seq += 1
    first += packet(seq, b"\x011") + packet(seq + 1, b"\x012") + ends(seq + 2, 2 | MORE)
    seq += 3
    second = status_ok(seq, 2 | MORE, header=0, affected=5)
    third = packet(seq + 1, b"\1") + packet(seq + 2, column(b"b", table=b"")) + (
        b"" if deprecated else status_eof(seq + 3)
    )
    third += packet(seq + 4 - deprecated, b"\x03abc") + ends(seq + 5 - deprecated, 2)
    caps = DEPRECATE_EOF if deprecated else 0
    (answer,) = answers_of(tmp_path, (mysql.query(b"SELECT a; UPDATE; SELECT b"), first + second + third), caps=caps)
    answer = certain(answer)
    told = [(len(one.columns), one.rows, one.affected) for one in answer.parts]
    assert told == [(1, 2, None), (0, 0, 5), (1, 1, None)]
    assert [one.name for one in answer.columns] == ["a", "b"]
    assert (answer.rows, answer.affected) == (3, 5)


def test_binary_rows_are_looked_into_by_their_types(tmp_path: Path) -> None:
    answer = b"".join((
        packet(1, b"\3"), packet(2, column(b"n", 8)), packet(3, column(b"text")), packet(4, column(b"at", 12)),
        status_eof(5),
        packet(6, binary_row(b"12345678", b"\x05alice", b"\x04\xe9\x07\x01\x02")),
        packet(7, binary_row(None, b"\x03bob", None)),
        status_eof(8),
    ))  # fmt: skip
    steps = session(
        (mysql.prepare(b"SELECT n, text, at FROM t WHERE n > ?"), mysql.prepare_ok(1, 1, columns=3)),
        (mysql.execute(1, [3]), answer),
    )
    connection = connection_of(tmp_path, steps)
    prepared, executed = (certain(one.result) for one in connection.statements)
    assert (len(prepared.columns), prepared.rows) == (3, 0)
    assert [one.type for one in executed.columns] == ["LONGLONG", "VAR_STRING", "DATETIME"]
    assert executed.rows == 2
    assert {one.column: one.bytes for one in connection.columns if one.rows} == {"n": 8, "text": 8, "at": 4}


def test_fetched_rows_are_of_the_execution(tmp_path: Path) -> None:
    opened = packet(1, b"\1") + packet(2, column(b"name")) + status_eof(3, 2 | CURSOR)
    fetch = mysql.command(28, struct.pack("<II", 1, 2))
    steps = session(
        (mysql.prepare(b"SELECT name FROM t"), mysql.prepare_ok(1, 0, columns=1)),
        (mysql.execute(1, []), opened),
        (fetch, packet(1, binary_row(b"\x05alice")) + packet(2, binary_row(b"\x03bob")) + status_eof(3, 2 | CURSOR)),
        (mysql.query(b"SELECT 'between'"), mysql.ok(1)),
        (fetch, packet(1, binary_row(b"\x05carol")) + status_eof(2, 2 | CURSOR | LAST_ROW)),
    )
    connection = connection_of(tmp_path, steps)
    executed = certain(connection.statements[1].result)
    assert executed.rows == 3
    assert [(one.column, one.rows, one.bytes, one.results) for one in connection.columns if one.rows] == [
        ("name", 3, 13, 1)
    ]


def test_columns_that_the_client_has_already_are_those_of_the_prepare(tmp_path: Path) -> None:
    without = packet(1, b"\0\1") + packet(2, binary_row(b"\x05alice")) + status_ok(3)
    caps = DEPRECATE_EOF | OPTIONAL_METADATA
    prepared = packet(1, b"\0" + struct.pack("<IHHBHB", 1, 1, 0, 0, 0, 1)) + packet(2, column(b"name"))
    _, executed = answers_of(
        tmp_path, (mysql.prepare(b"SELECT name FROM t"), prepared), (mysql.execute(1, []), without), caps=caps
    )
    assert ([one.name for one in certain(executed).columns], certain(executed).rows) == (["name"], 1)


def test_columns_that_nobody_defined_are_not_made_up(tmp_path: Path) -> None:
    without = packet(1, b"\0\2") + packet(2, b"\x05alice\x011") + status_ok(3)
    (answer,) = answers_of(tmp_path, (mysql.query(b"SELECT *"), without), caps=DEPRECATE_EOF | OPTIONAL_METADATA)
    assert (certain(answer).columns, certain(answer).rows, certain(answer).bytes) == ([], 1, 8)


def test_out_parameters_are_told(tmp_path: Path) -> None:
    answer = packet(1, b"\1") + packet(2, column(b"b")) + status_eof(3, 2 | OUT) + packet(4, b"\x011")
    answer += status_eof(5, 2 | MORE) + status_ok(6, header=0)
    (told,) = answers_of(tmp_path, (mysql.query(b"CALL p(@b)"), answer))
    assert [one.out_parameters for one in certain(told).parts] == [True, False]


def test_a_lost_answer_is_not_told_and_the_next_ones_are_right(tmp_path: Path) -> None:
    """The answer of one statement was not captured; those after it are not put to the wrong one."""
    asked = [(mysql.query(b"SELECT %d" % number), mysql.ok(1, affected=number)) for number in range(1, 6)]
    connection = connection_of(tmp_path, session(*asked), lost=["a1"])
    told = {one.sql: one.result for one in connection.statements}
    assert told[b"SELECT 2"] is None
    for sql, result in told.items():
        if result is not None:
            assert result.affected == int(sql.split()[1])
    assert told[b"SELECT 1"] is not None


def test_in_mid_stream_answers_are_told_once_a_command_was_seen_to_come_in_its_turn(tmp_path: Path) -> None:
    asked = [(mysql.query(b"SELECT %d" % number), mysql.ok(1, affected=number)) for number in range(1, 6)]
    steps = session(*asked)[4:]  # the first that was captured is an answer
    told = [one.result for one in connection_of(tmp_path, steps, syn=False).statements]
    assert [None if one is None else one.affected for one in told] == [None, 3, 4, 5]


def test_a_lost_statement_leaves_its_answer_to_nobody(tmp_path: Path) -> None:
    asked = [(mysql.query(b"SELECT %d" % number), mysql.ok(1, affected=number)) for number in range(1, 6)]
    connection = connection_of(tmp_path, session(*asked), lost=["q1"])
    for statement in connection.statements:
        if statement.result is not None:
            assert statement.result.affected == int(statement.sql.split()[1])


def test_a_result_with_a_gap_says_so(tmp_path: Path) -> None:
    steps = session((mysql.query(b"SELECT a"), b""))
    rows = mysql.result_set([b"a"], [[b"x" * 200]] * 40)
    steps += [Step(f"r{at}", "server", rows[at : at + 1000]) for at in range(0, len(rows), 1000)]
    whole = certain(connection_of(tmp_path, steps).statements[0].result)
    answer = connection_of(tmp_path, steps, lost=["r3000"]).statements[0].result
    assert whole.rows == 40
    assert answer is not None
    assert not answer.complete
    assert 0 < answer.rows < 40


def test_an_answer_of_which_the_end_is_not_there_is_partial(tmp_path: Path) -> None:
    rows = mysql.result_set([b"a"], [[b"1"], [b"2"], [b"3"]])
    (answer,) = answers_of(tmp_path, (mysql.query(b"SELECT a"), rows[:-9]))
    assert answer is not None
    assert (answer.complete, answer.rows) == (False, 3)


def test_a_statement_without_an_answer_has_none(tmp_path: Path) -> None:
    assert answers_of(tmp_path, (mysql.query(b"SELECT 1"), b"")) == [None]


def test_results_of_compressed_packets_are_told(tmp_path: Path) -> None:
    rows = mysql.result_set([b"id"], [[b"%d" % number] for number in range(200)])
    steps = [
        *session(caps=mysql.COMPRESS),
        Step("q", "client", mysql.compressed(0, mysql.query(b"SELECT id"))),
        Step("a", "server", mysql.compressed(1, rows)),
        Step("q2", "client", mysql.compressed(0, mysql.query(b"SELECT 2"))),
        Step("a2", "server", mysql.compressed(1, mysql.ok(1, affected=9))),
    ]  # fmt: skip
    first, second = (certain(one.result) for one in connection_of(tmp_path, steps).statements)
    assert (first.rows, [one.name for one in first.columns]) == (200, ["id"])
    assert second.affected == 9


def test_pipelined_commands_have_their_own_answers(tmp_path: Path) -> None:
    asked = b"".join(mysql.query(b"SELECT %d" % number) for number in range(3))
    answers = b"".join(mysql.ok(1, affected=number) for number in range(3))
    told = answers_of(tmp_path, (asked, answers))
    assert [certain(one).affected for one in told] == [0, 1, 2]


def test_mariadbs_extended_metadata_name_the_type(tmp_path: Path) -> None:
    rows = packet(1, b"\1") + packet(2, column(b"ip", 0xFE, extended=b"\0\x05inet6")) + status_eof(3) + status_eof(4)
    (answer,) = answers_of(tmp_path, (mysql.query(b"SELECT ip"), rows))
    assert [one.type for one in certain(answer).columns] == ["INET6"]
    assert extended_format(b"\0\x04\x01") == b""
    assert extended_format(b"\0\x05inet6\1\x04json") == b"json"


def test_time_is_from_the_statement_to_the_last_packet_of_its_answer(tmp_path: Path) -> None:
    (answer,) = answers_of(tmp_path, (mysql.query(b"SELECT 1"), mysql.ok(1)))
    assert certain(answer).ms is not None
    assert certain(answer).ms > 0  # type: ignore[operator]


@pytest.mark.parametrize("count", [b"\xfc\xff\xff", b"\xfe" + b"\xff" * 8, b"\xfd\xff\xff\xff"])
def test_heads_that_promise_too_much_are_bounded(tmp_path: Path, count: bytes) -> None:
    """A result of 65,535 columns, of which many are defined, and counts that no server sends."""
    defined = [packet((2 + number) & 255, column(b"c%d" % number)) for number in range(9000)]
    connection = connection_of(tmp_path, session((mysql.query(b"SELECT"), packet(1, count) + b"".join(defined))))
    answer = connection.statements[0].result
    assert len(connection.columns) <= 2001
    assert answer is None or (len(answer.columns) <= 4096 and not answer.complete)


def test_statements_with_the_same_columns_share_them(tmp_path: Path) -> None:
    rows = mysql.result_set([b"a", b"b"], [[b"1", b"2"]])
    connection = connection_of(tmp_path, session(*[(mysql.query(b"SELECT a, b"), rows)] * 20))
    statements: list[StatementResult] = list(connection.statements)
    assert all(len(certain(one.result).columns) == 2 for one in statements)
    assert [(one.column, one.results, one.rows) for one in connection.columns] == [("a", 20, 20), ("b", 20, 20)]


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=80))
def test_no_bytes_make_a_definition_raise(data: bytes) -> None:
    parse_column(data, 0, len(data))
    extended_format(data)
    whole = column(b"name", extended=data[:200])
    parsed = parse_column(whole, 0, len(whole))
    assert parsed is not None
    assert parsed.name == b"name"
    usual = column(data)
    for cut in range(len(usual) - 2):
        assert parse_column(usual, 0, cut) is None


def test_rows_that_were_asked_for_have_their_values(tmp_path: Path) -> None:
    rows = mysql.result_set([b"id", b"body"], [[b"1", b"Canary"], [b"22", None], [b"3", b"\xff,"]])
    path = write(tmp_path / "rows.pcap", play(session((mysql.query(b"SELECT id, body FROM t"), rows))))
    for wanted in (0, 2, 9):
        (statement,) = aurora_wire.scan([path], aurora_wire.ScanOptions(keep_rows=wanted)).connections[0].statements
        (part,) = certain(statement.result).parts
        assert part.rows == 3
        assert part.values == [[b"1", b"Canary"], [b"22", None], [b"3", b"\xff,"]][:wanted]


def test_both_protocols_give_the_same_values(shared: Path) -> None:
    """A table with a column of every type, read by a prepared statement and by a query, of real servers."""
    for name in ("depth-stmt-types-mysql9.pcap", "depth-stmt-types-maria10.pcap"):
        options = aurora_wire.ScanOptions([3306, 3307, 3316, 3317, 3326], keep_rows=10)
        found = aurora_wire.scan([shared / "field" / name], options)
        kept = [
            one.result.parts[0] for one in found.connections[0].statements
            if one.result is not None and one.result.parts and one.result.parts[0].values
        ]  # fmt: skip
        binary, text = kept[0], kept[1]
        assert len(binary.values) == len(text.values) >= 2
        for one, other in zip(binary.values, text.values, strict=True):
            assert len(one) == len(other) == len(text.columns)
            for column, first, second in zip(text.columns, one, other, strict=True):
                if column.type in ("FLOAT", "DOUBLE"):  # each is written in its own way
                    assert first is not None
                    assert second is not None
                    assert float(first) == float(second)
                elif column.type not in ("BIT",):
                    assert first == second, column.name


KINDS = st.lists(st.sampled_from(sorted(TYPES)), max_size=6)


@given(st.lists(st.binary(max_size=40), max_size=4), st.booleans(), KINDS)
def test_rows_of_any_bytes_are_read_as_far_as_they_go(kept: list[bytes], binary: bool, kinds: list[int]) -> None:
    result = Result(1)
    result.binary = binary
    result.columns = [Column(b"", b"", b"", b"c", b"", kind, 45, 0) for kind in kinds]
    result.kept = kept
    found = read_rows(result)
    assert len(found) == len(kept)
    assert all(len(row) <= len(kinds) for row in found)
