from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.replies import (
    is_column_definition,
    is_infile_request,
    is_progress,
    parse_column_count,
    parse_eof,
    parse_err,
    parse_ok,
    parse_prepare_ok,
)
from tests.wire.mysql.built import lenenc

AGREED = caps.PROTOCOL_41 | caps.TRANSACTIONS

OK_RECORDS = b"\x00\x05\x03\x02\x00\x01\x00&Records: 5  Duplicates: 0  Warnings: 0"
ERR_1045 = bytes.fromhex("ff 15 04 23 32 38 30 30 30") + b"Access denied"
PREPARE_OK = bytes.fromhex("00 37 00 00 00 00 00 61 00 00 15 00")  # statement 55 with 97 parameters
COLUMN = bytes.fromhex("03 64 65 66 00 00 00 01 3f 00 0c 3f 00 15 00 00 00 08 80 00 00 00 00")
PROGRESS = bytes.fromhex("ff ff ff 01 01 02 10 27 00") + b"\x05stage"


def test_ok_with_info() -> None:
    found = parse_ok(b"..." + OK_RECORDS, 3, 3 + len(OK_RECORDS), AGREED)
    assert found is not None
    assert (found.affected, found.insert_id, found.status, found.warnings, found.rest_at) == (5, 3, 2, 1, 10)


def test_ok_in_place_of_eof() -> None:
    found = parse_ok(b"\xfe\x00\x00\x0a\x00\x00\x00", 0, 7, AGREED)
    assert found is not None
    assert found.status == 0x0A


def test_an_insert_id_above_a_signed_number_is_no_reason_to_refuse() -> None:
    payload = b"\x00\x01\xfe" + b"\xff" * 8 + b"\x02\x00\x00\x00"
    found = parse_ok(payload, 0, len(payload), AGREED)
    assert found is not None
    assert (found.affected, found.insert_id, found.status) == (1, -1, 2)


def test_ok_before_4_1_has_no_warnings() -> None:
    found = parse_ok(b"\x00\x01\x00\x02\x00", 0, 5, caps.TRANSACTIONS)
    assert found is not None
    assert (found.affected, found.status, found.warnings) == (1, 2, 0)
    assert parse_ok(b"\x00\x01\x00", 0, 3, 0) is not None


@pytest.mark.parametrize(
    "payload",
    [b"\x00" * 6, b"\x01" * 7, b"\x00\xfb\x00\x00\x00\x00\x00", b"\x00\xff\x00\x00\x00\x00\x00", b""],
)
def test_what_is_no_ok(payload: bytes) -> None:
    assert parse_ok(payload, 0, len(payload), AGREED) is None


def test_err_with_and_without_sqlstate() -> None:
    found = parse_err(ERR_1045, 0, len(ERR_1045))
    assert found is not None
    assert (found.code, found.sqlstate, found.message) == (1045, b"28000", b"Access denied")
    found = parse_err(b"\xff\x10\x04Too many connections", 0, 23)
    assert found is not None
    assert (found.code, found.sqlstate, found.message) == (1040, b"", b"Too many connections")
    found = parse_err(b"\xff\x10\x04#", 0, 4)
    assert found is not None
    assert (found.sqlstate, found.message) == (b"", b"#")
    assert parse_err(b"\xff\x10", 0, 2) is None


def test_a_progress_report_is_no_error() -> None:
    assert is_progress(PROGRESS, 0, len(PROGRESS))
    assert not is_progress(ERR_1045, 0, len(ERR_1045))
    assert not is_progress(PROGRESS, 0, 2)


def test_eof_has_five_bytes_or_one() -> None:
    found = parse_eof(b"\xfe\x15\x00\x03\x00", 0, 5)
    assert found is not None
    assert (found.warnings, found.status) == (21, 3)
    assert parse_eof(b"\xfe", 0, 1) is not None
    assert parse_eof(b"\xfe\x00\x00\x02\x00\x00\x00", 0, 7) is None
    assert parse_eof(b"\x00", 0, 1) is None


def test_prepare_ok() -> None:
    found = parse_prepare_ok(PREPARE_OK, 0, 12)
    assert found is not None
    assert (found.statement_id, found.columns, found.params) == (55, 0, 97)
    assert (found.warnings, found.metadata_follows) == (21, -1)
    with_byte = parse_prepare_ok(PREPARE_OK + b"\x01", 0, 13)
    assert with_byte is not None
    assert with_byte.metadata_follows == 1
    assert parse_prepare_ok(PREPARE_OK, 0, 11) is None
    assert parse_prepare_ok(b"\xff" + PREPARE_OK[1:], 0, 12) is None


@pytest.mark.parametrize(
    ("payload", "agreed", "count", "follow"),
    [
        (b"\x05", AGREED, 5, True),
        (b"\xfc\x00\x01", AGREED, 256, True),
        (b"\x01\x05", caps.OPTIONAL_RESULTSET_METADATA, 5, True),
        (b"\x00\x05", caps.OPTIONAL_RESULTSET_METADATA, 5, False),
        (b"\x05\x01", caps.MARIADB_CACHE_METADATA, 5, True),
        (b"\x05\x00", caps.MARIADB_CACHE_METADATA, 5, False),
        (b"\x05", caps.UNKNOWN, 5, True),
        (b"\x00\x05", caps.UNKNOWN, 5, False),
        (b"\x05\x00", caps.UNKNOWN, 5, False),
        (b"\x05\x01", AGREED, 5, True),
        (b"\x05", caps.OPTIONAL_RESULTSET_METADATA, 5, True),
    ],
)
def test_the_head_of_a_result_set(payload: bytes, agreed: int, count: int, follow: bool) -> None:
    found = parse_column_count(b"\x09" + payload + b"\x09", 1, 1 + len(payload), agreed)
    assert (found.count, found.definitions_follow) == (count, follow)


@pytest.mark.parametrize(
    "payload", [b"", b"\x00", b"\xfb", b"\xff", b"\xfe", b"\x05\x02", b"\xfd\x00\x00\x01", OK_RECORDS, COLUMN]
)
def test_what_is_no_head_of_a_result_set(payload: bytes) -> None:
    assert parse_column_count(payload, 0, len(payload)).count == -1


def test_a_column_definition_is_known_by_its_catalog_and_names() -> None:
    assert is_column_definition(COLUMN, 0, len(COLUMN))
    assert not is_column_definition(COLUMN, 0, len(COLUMN) - 1)
    assert not is_column_definition(b"\x03abc" + COLUMN[4:], 0, len(COLUMN))


def test_infile_request_is_told_from_a_row_of_one_null() -> None:
    assert is_infile_request(b"\xfb/etc/passwd", 0, 12)
    assert not is_infile_request(b"\xfb", 0, 1)


@settings(deadline=None)
@given(
    st.integers(0, 1 << 61),
    st.integers(0, 1 << 61),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.binary(max_size=20),
)
def test_an_ok_that_was_built_is_read(
    affected: int, insert_id: int, status: int, warnings: int, info: bytes
) -> None:
    head = (
        b"\0"
        + lenenc(affected)
        + lenenc(insert_id)
        + status.to_bytes(2, "little")
        + warnings.to_bytes(2, "little")
    )
    found = parse_ok(head + info, 0, len(head + info))
    assert found is not None
    assert (found.affected, found.insert_id, found.status) == (affected, insert_id, status)
    assert (found.warnings, found.rest_at) == (warnings, len(head))


@settings(deadline=None)
@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.integers(0, 65535), st.text(max_size=20))
def test_pymysql_reads_the_same_ok(affected: int, insert_id: int, status: int, info: str) -> None:
    protocol = pytest.importorskip("pymysql.protocol")
    payload = (
        b"\0"
        + lenenc(affected)
        + lenenc(insert_id)
        + status.to_bytes(2, "little")
        + b"\x07\x00"
        + info.encode()
    )
    theirs = protocol.OKPacketWrapper(protocol.MysqlPacket(payload, "utf8"))
    ours = parse_ok(payload, 0, len(payload))
    assert ours is not None
    assert (ours.affected, ours.insert_id, ours.status, ours.warnings) == (
        theirs.affected_rows, theirs.insert_id, theirs.server_status, theirs.warning_count,
    )  # fmt: skip
