from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import execute
from aurora_wire.wire.mysql.execute import (
    BulkExecute,
    Execute,
    Prepared,
    parse_bulk_execute,
    parse_execute,
    read_long_data,
    read_statement_id,
)
from tests.wire.mysql import built
from tests.wire.mysql.built import Parameter
from tests.wire.mysql.strategies import parameters

NUMBER = Parameter(3, struct.pack("<i", -5), b"-5")
WORD = Parameter(254, built.lestr(b"word"), b"'word'")
NULL = Parameter(6, None, b"NULL")

MYSQL2 = bytes.fromhex(
    "17 02 00 00 00 08 01 00 00 00"     # COM_STMT_EXECUTE 2, parameter count available, 1 iteration
    "02 00 01"                          # 2 parameters, none NULL, types follow
    "fd 00 00 08 00 00"                 # VAR_STRING and LONGLONG, without names
    "02 68 69 0a 00 00 00 00 00 00 00"
)  # fmt: skip


def execute_of(payload: bytes, prepared: Prepared | None, agreed: int = 0) -> Execute:
    found = parse_execute(b"\x01" + payload + b"\x01", 1, 1 + len(payload), prepared, agreed)
    assert found is not None
    return found


def literals(found: Execute) -> list[bytes]:
    return [value.literal() for value in found.values]


def test_parameters_with_a_count_in_front() -> None:
    for prepared, agreed in ((Prepared(2, b"", 2), 1), (None, 1), (None, -1), (Prepared(2, b"", 2), -1)):
        found = execute_of(MYSQL2, prepared, agreed)
        assert (found.statement_id, found.flags, found.complete) == (2, 8, True)
        assert literals(found) == [b"'hi'", b"10"]


def test_types_are_remembered_for_the_next_execution() -> None:
    prepared = Prepared(7, b"INSERT INTO t VALUES (?, ?)", 2)
    assert literals(execute_of(built.execute([NUMBER, WORD]), prepared)) == [b"-5", b"'word'"]
    again = execute_of(built.execute([NUMBER, WORD], new_types=False), prepared)
    assert literals(again) == [b"-5", b"'word'"]
    assert again.complete


def test_without_types_there_are_no_values_and_it_says_so() -> None:
    payload = built.execute([NUMBER, WORD], new_types=False)
    for prepared in (None, Prepared(7, b"", 2), Prepared(7)):
        found = execute_of(payload, prepared)
        assert (found.values, found.complete) == ([], False)


def test_a_statement_without_parameters_is_complete() -> None:
    for prepared in (None, Prepared(7, b"", 0), Prepared(7)):
        for agreed in (-1, 0, 1):
            found = execute_of(built.execute([]), prepared, agreed)
            assert (found.values, found.complete) == ([], True)


def test_a_statement_whose_parameters_are_missing_is_not_complete() -> None:
    assert not execute_of(built.execute([]), Prepared(7, b"", 3)).complete


def test_what_was_inferred_serves_the_next_execution() -> None:
    prepared = Prepared(7)
    execute_of(built.execute([WORD] * 3), prepared)
    assert prepared.param_count == 3
    assert literals(execute_of(built.execute([WORD] * 3, new_types=False), prepared)) == [b"'word'"] * 3


def test_attributes_behind_the_parameters_are_told_apart() -> None:
    trace = Parameter(254, built.lestr(b"4bf9"), b"'4bf9'", name=b"trace")
    payload = built.execute([NUMBER, trace], counted=True)
    for prepared in (Prepared(7, b"", 1), None):
        found = execute_of(payload, prepared, 1)
        assert literals(found) == [b"-5"]
        assert [(value.name, value.literal()) for value in found.attributes] == [(b"trace", b"'4bf9'")]
        assert found.complete


def test_long_data_takes_the_place_of_its_parameter_once() -> None:
    prepared = Prepared(7, b"", 2)
    prepared.add_long_data(1, b"..long ", 2, 7)
    prepared.add_long_data(1, b"data", 0, 4)
    payload = built.execute([NUMBER, Parameter(252, b"", b"")])
    assert literals(execute_of(payload, prepared)) == [b"-5", b"'long data'"]
    assert not execute_of(payload, prepared).complete  # gone after one execution


def test_long_data_is_bounded_and_what_was_left_out_is_counted() -> None:
    prepared = Prepared(7, b"", 1)
    for _ in range(5):
        prepared.add_long_data(0, b"x" * 300_000, 0, 300_000)
    found = execute_of(built.execute([Parameter(252, b"", b"")]), prepared)
    assert (len(found.values[0].raw), found.values[0].omitted) == (
        execute.LONG_DATA_KEPT,
        1_500_000 - (1 << 20),
    )
    assert not found.complete
    for parameter in range(5000):
        prepared.add_long_data(parameter, b"x", 0, 1)
    assert len(prepared.long_data) == execute.LONG_DATA_PARAMETERS


@pytest.mark.parametrize("kind", [1, 3, 4, 5, 8, 10, 11, 12, 16, 246])
def test_long_data_of_a_type_that_it_does_not_fit_is_shown_as_it_is(kind: int) -> None:
    prepared = Prepared(7, b"", 1)
    prepared.add_long_data(0, b"13 bytes here", 0, 13)
    assert literals(execute_of(built.execute([Parameter(kind, b"", b"")]), prepared)) in (
        [b"'13 bytes here'"],
        [b"X'" + b"13 bytes here".hex().encode() + b"'"],
    )


def test_a_caller_without_room_keeps_no_long_data_and_the_execution_says_so() -> None:
    prepared = Prepared(7, b"", 1)
    prepared.add_long_data(0, b"secret", 0, 6, 2)
    prepared.add_long_data(0, b"secret", 0, 6, 0)
    assert prepared.kept == 2
    found = execute_of(built.execute([Parameter(252, b"", b"")]), prepared)
    assert (found.values[0].raw, found.values[0].omitted, found.complete) == (b"se", 10, False)
    assert prepared.kept == 0


def test_reset_forgets_long_data() -> None:
    prepared = Prepared(7, b"", 1)
    prepared.add_long_data(0, b"secret", 0, 6)
    prepared.reset()
    assert literals(execute_of(built.execute([WORD]), prepared)) == [b"'word'"]


def test_a_cut_packet_keeps_the_values_before_the_cut() -> None:
    payload = built.execute([NUMBER, WORD, WORD])
    prepared = Prepared(7, b"", 3)
    found = parse_execute(payload, 0, len(payload) - 2, prepared, 0)
    assert found is not None
    assert (literals(found), found.complete) == ([b"-5", b"'word'", b"'wo'"], False)
    again = execute_of(built.execute([NUMBER, WORD, WORD], new_types=False), prepared)
    assert (literals(again), again.complete) == ([b"-5", b"'word'", b"'word'"], True)


def test_bytes_left_over_make_it_incomplete() -> None:
    assert not execute_of(built.execute([NUMBER]) + b"\0", Prepared(7, b"", 1)).complete


def test_another_command_or_too_few_bytes_are_none() -> None:
    assert parse_execute(b"\x16" + bytes(20), 0, 21, None, 0) is None
    assert parse_execute(b"\x17" + bytes(8), 0, 9, None, 0) is None
    assert read_statement_id(b"\x19\x05\0\0\0", 0, 5) == 5
    assert read_statement_id(b"\x19\x05\0\0", 0, 4) == -1
    assert tuple(read_long_data(b"\x18\x05\0\0\0\x02\0abc", 0, 10)) == (5, 2, 7)
    assert read_long_data(b"\x18\x05\0\0\0\x02", 0, 6)[0] == -1


@settings(max_examples=200, deadline=None)
@given(st.lists(parameters(), min_size=1, max_size=40), st.booleans())
def test_what_was_built_is_read(sent: list[Parameter], counted: bool) -> None:
    payload = built.execute(sent, counted=counted)
    prepared = Prepared(7, b"", len(sent))
    expected = [parameter.literal for parameter in sent]
    for agreed in (int(counted), -1):
        found = execute_of(payload, prepared, agreed)
        assert (literals(found), found.complete) == (expected, True)
    if any(parameter.wire for parameter in sent):
        again = execute_of(built.execute(sent, counted=counted, new_types=False), prepared, int(counted))
        assert literals(again) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(parameters(), min_size=1, max_size=60))
def test_without_its_prepare_the_count_is_found_or_a_smaller_one_fits_to_the_last_byte(
    sent: list[Parameter],
) -> None:
    payload = built.execute(sent)
    found = execute_of(payload, None)
    assert found.complete
    if len(found.values) == len(sent):
        assert literals(found) == [parameter.literal for parameter in sent]
    else:
        assert len(found.values) < len(sent)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 64, 97, 1000, 9000])
def test_the_count_is_inferred_for_ordinary_rows(count: int) -> None:
    sent = [(NUMBER, WORD, NULL)[index % 3] for index in range(count)]
    assert len(execute_of(built.execute(sent), None).values) == count


@pytest.mark.parametrize("filler", [b"\x01\x00", b"\x00", b"\x01", b"\x01\x80", b"\xfe\x00\x00\x01"])
def test_inference_gives_up_within_a_bound_on_hostile_bytes(filler: bytes) -> None:
    hostile = filler * (100_000 // len(filler))
    payload = b"\x17" + bytes(9) + hostile
    began = time.perf_counter()
    parse_execute(payload, 0, len(payload), None, -1)
    payload = b"\xfa" + bytes(4) + b"\x80\x00" + hostile
    parse_bulk_execute(payload, 0, len(payload), None)
    assert time.perf_counter() - began < 60  # minutes, if it tried everything


def test_a_count_for_which_the_bitmap_has_bits_too_many_is_not_taken() -> None:
    # As one parameter this is a string of three bytes; but bit 1 is set, so there are two.
    found = execute_of(b"\x17" + bytes(9) + bytes.fromhex("02 01 fd 00 03 00 01 61"), None)
    assert literals(found) == [b"'a'", b"NULL"]


BATCH = bytes.fromhex(
    "fa 10 00 00 00 80 00"          # COM_STMT_BULK_EXECUTE 16, send types
    "0f 00"                         # VARCHAR
    "00 01 61 01 00 02 62 27 02"    # 'a', NULL, "b'", DEFAULT
)  # fmt: skip


def bulk_of(payload: bytes, prepared: Prepared | None) -> BulkExecute:
    found = parse_bulk_execute(b"\x01" + payload + b"\x01", 1, 1 + len(payload), prepared)
    assert found is not None
    return found


def test_rows_of_a_bulk_execute() -> None:
    for prepared in (None, Prepared(16), Prepared(16, b"", 1)):
        found = bulk_of(BATCH, prepared)
        assert (found.statement_id, found.flags, found.row_count, found.complete) == (16, 128, 4, True)
        assert [[value.literal() for value in row] for row in found.rows] == [
            [b"'a'"],
            [b"NULL"],
            [b"'b\\''"],
            [b"DEFAULT"],
        ]


def test_a_bulk_execute_without_types_uses_the_last_ones() -> None:
    prepared = Prepared(16, b"", 1)
    bulk_of(BATCH, prepared)
    payload = BATCH[:5] + b"\0\0" + BATCH[9:]
    assert bulk_of(payload, prepared).row_count == 4
    assert (bulk_of(payload, None).rows, bulk_of(payload, None).complete) == ([], False)


def test_a_cut_bulk_execute_keeps_whole_rows() -> None:
    found = parse_bulk_execute(BATCH, 0, len(BATCH) - 3, Prepared(16, b"", 1))
    assert found is not None
    assert (found.row_count, found.complete) == (2, False)


def test_rows_end_at_an_indicator_that_does_not_exist() -> None:
    found = bulk_of(BATCH[:12] + b"\x04" + BATCH[12:], Prepared(16, b"", 1))
    assert (found.row_count, found.complete) == (1, False)


def test_rows_beyond_the_bound_are_counted() -> None:
    found = bulk_of(BATCH[:9] + b"\x00\x01x" * 15_000, Prepared(16, b"", 1))
    assert (found.row_count, len(found.rows), found.complete) == (15_000, execute.BULK_VALUES_KEPT, False)


@settings(max_examples=100, deadline=None)
@given(st.lists(parameters(), min_size=1, max_size=6), st.integers(1, 5))
def test_bulk_rows_that_were_built_are_read(columns: list[Parameter], rows: int) -> None:
    types = b"".join(bytes([p.kind, 0x80 if p.unsigned else 0]) for p in columns)
    row = b"".join(b"\1" if p.wire is None else b"\0" + p.wire for p in columns)
    found = bulk_of(b"\xfa" + struct.pack("<IH", 3, 128) + types + row * rows, Prepared(3, b"", len(columns)))
    assert [[value.literal() for value in one] for one in found.rows] == [[p.literal for p in columns]] * rows
    assert found.complete
