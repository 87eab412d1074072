from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import types
from aurora_wire.wire.mysql.values import IS_DEFAULT, IS_IGNORED, IS_NULL, Value, read_value, value_bounds
from tests.wire.mysql.built import Parameter, lestr
from tests.wire.mysql.strategies import parameters


def literal(kind: int, wire: bytes, *, unsigned: bool = False) -> bytes:
    value, at = read_value(b"\xee" + wire + b"\xee", 1, 1 + len(wire), kind, unsigned)
    assert value is not None
    assert at == 1 + len(wire)
    return value.literal()


@pytest.mark.parametrize(
    ("kind", "wire", "expected"),
    [
        (types.TINY, "f9", b"-7"),
        (types.SHORT, "fe ff", b"-2"),
        (types.YEAR, "e8 07", b"2024"),
        (types.LONG, "00 00 00 80", b"-2147483648"),
        (types.INT24, "ff ff 7f 00", b"8388607"),
        (types.LONGLONG, "00 00 00 00 00 00 00 40", b"4611686018427387904"),
        (types.LONGLONG, "00 00 00 00 00 00 00 80", b"-9223372036854775808"),
        (types.DOUBLE, "00 00 00 00 00 00 0c 40", b"3.5"),
        (types.DOUBLE, "00 00 00 00 00 00 24 40", b"10"),
        (types.DOUBLE, "9a 99 99 99 99 99 b9 3f", b"0.1"),
        (types.DOUBLE, "00 00 00 00 00 00 f8 7f", b"'nan'"),
        (types.FLOAT, "cd cc cc 3d", b"0.1"),
        (types.FLOAT, "db 0f 49 40", b"3.1415927"),
        (types.FLOAT, "ff ff 7f 7f", b"3.4028235e+38"),
        (types.FLOAT, "01 00 00 00", b"1.40130e-45".replace(b"30", b"3").replace(b"0e", b"e")),
        (types.DATE, "04 e8 07 02 1d", b"'2024-02-29'"),
        (types.DATE, "00", b"'0000-00-00'"),
        (types.DATETIME, "07 e8 07 02 1d 0c 22 38", b"'2024-02-29 12:34:56'"),
        (types.TIMESTAMP, "0b e8 07 02 1d 0c 22 38 14 0a 0c 00", b"'2024-02-29 12:34:56.789012'"),
        (types.DATETIME, "00", b"'0000-00-00 00:00:00'"),
        (types.TIME, "00", b"'00:00:00'"),
        (types.TIME, "08 00 01 00 00 00 02 03 04", b"'26:03:04'"),
        (types.TIME, "0c 01 22 00 00 00 16 3b 3b 3f 42 0f 00", b"'-838:59:59.999999'"),
        (types.NEWDECIMAL, "09 31 32 33 34 2e 35 36 37 38", b"1234.5678"),
        (types.BIT, "02 01 05", b"b'0000000100000101'"),
        (types.JSON, "07 7b 22 61 22 3a 31 7d", b"'{\"a\":1}'"),
        (types.VAR_STRING, "05 69 74 27 73 5c", b"'it\\'s\\\\'"),
        (types.STRING, "02 61 0a", b"'a\\n'"),
        (types.STRING, "00", b"''"),
        (types.STRING, "03 61 00 62", b"X'610062'"),
        (types.BLOB, "02 ff fe", b"X'fffe'"),
        (types.BLOB, "02 6f 6b", b"'ok'"),
        (types.GEOMETRY, "02 6f 6b", b"X'6f6b'"),
        (types.VECTOR, "04 00 00 80 3f", b"X'0000803f'"),
        (types.ENUM, "05 73 6d 61 6c 6c", b"'small'"),
        (types.NULL, "", b"NULL"),
    ],
)
def test_literal_of_each_type(kind: int, wire: str, expected: bytes) -> None:
    assert literal(kind, bytes.fromhex(wire)) == expected


@pytest.mark.parametrize(
    ("kind", "wire", "expected"),
    [(types.TINY, "f9", b"249"), (types.SHORT, "feff", b"65534"), (types.LONG, "000000 80", b"2147483648"),
     (types.LONGLONG, "ff" * 8, b"18446744073709551615")],
)  # fmt: skip
def test_unsigned_integers(kind: int, wire: str, expected: bytes) -> None:
    assert literal(kind, bytes.fromhex(wire), unsigned=True) == expected


@given(st.binary(min_size=4, max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_float_is_the_shortest_decimal_that_reads_back(wire: bytes) -> None:
    text = literal(types.FLOAT, wire)
    number = struct.unpack("<f", wire)[0]
    if text.startswith(b"'"):
        assert number != number or number in (float("inf"), float("-inf"))  # noqa: PLR0124 - NaN
    else:
        assert struct.pack("<f", float(text)) == wire
        assert len(text.lstrip(b"-0.").split(b"e")[0].replace(b".", b"")) <= max(
            9, len(str(int(abs(number))))
        )


def test_text_in_another_character_set_stays_text_in_its_own_bytes() -> None:
    value = Value(types.VAR_STRING, False, "café".encode("cp1252"))
    assert value.literal() == b"X'636166e9'"
    assert value.literal("cp1252") == b"'caf\xe9'"
    assert Value(types.BLOB, False, b"\xde\xad").literal("cp1252") == b"X'dead'"  # though it is valid UTF-8


def test_a_second_byte_that_looks_like_a_backslash_is_not_escaped() -> None:
    raw = "表".encode("shift_jis")
    assert raw == b"\x95\x5c"
    assert Value(types.VAR_STRING, False, raw).literal("shift_jis") == b"'" + raw + b"'"


def test_an_unknown_codec_shows_hexadecimal() -> None:
    assert Value(types.VAR_STRING, False, b"x").literal("no such codec") == b"X'78'"


def test_emoji_with_joiners_are_text_and_terminal_controls_are_not() -> None:
    family = "👩‍👧".encode()
    assert Value(types.STRING, False, family).literal() == b"'" + family + b"'"
    assert Value(types.STRING, False, b"\x1b[2J").literal() == b"X'1b5b324a'"
    assert Value(types.STRING, False, "\x9b2J".encode()).literal() == b"X'c29b324a'"


def test_what_stands_in_place_of_a_value() -> None:
    shown = [
        Value(3, False, b"", b"", indicator).literal() for indicator in (IS_NULL, IS_DEFAULT, IS_IGNORED)
    ]
    assert shown == [b"NULL", b"DEFAULT", b"IGNORE"]


def test_a_decimal_that_is_none_is_quoted() -> None:
    assert literal(types.NEWDECIMAL, lestr(b"1); DROP")) == b"'1); DROP'"
    assert literal(types.NEWDECIMAL, lestr(b"-")) == b"'-'"


@pytest.mark.parametrize("kind", [17, 18, 19, 20, 100, 243, 244])
def test_types_that_cannot_cross_the_wire_have_no_value(kind: int) -> None:
    assert read_value(b"\x00" * 20, 0, 20, kind, False)[0] is None


@pytest.mark.parametrize(
    ("kind", "length"), [(types.DATE, 5), (types.DATETIME, 8), (types.TIME, 7), (types.TIME, 4)]
)
def test_dates_and_times_of_a_length_that_does_not_exist_do_not_fit(kind: int, length: int) -> None:
    assert value_bounds(bytes([length]) + bytes(20), 0, 21, kind)[0] < 0


@settings(max_examples=300, deadline=None)
@given(parameters().filter(lambda p: p.wire is not None))
def test_what_was_built_is_read_and_a_cut_value_is_none(sent: Parameter) -> None:
    assert sent.wire is not None
    assert literal(sent.kind, sent.wire, unsigned=sent.unsigned) == sent.literal
    for cut in range(len(sent.wire)):
        value, at = read_value(sent.wire, 0, cut, sent.kind, sent.unsigned)
        assert value is None
        assert at == 0
