from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql.lenenc import INVALID, NULL, TOO_BIG, TOO_SHORT, read_lenenc, read_lestr
from tests.wire.mysql.built import lenenc


@pytest.mark.parametrize(
    ("data", "value", "length"),
    [
        (b"\x00", 0, 1),
        (b"\xfa", 250, 1),
        (b"\xfc\xfb\x00", 251, 3),
        (b"\xfd\x00\x00\x01", 65536, 4),
        (b"\xfe\x00\x00\x00\x01\x00\x00\x00\x00", 1 << 24, 9),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\x3f", (1 << 62) - 1, 9),
        (b"\xfc\x01\x00", 1, 3),  # longer than needed is accepted
    ],
)
def test_a_length_encoded_integer_is_read_with_its_length(data: bytes, value: int, length: int) -> None:
    assert tuple(read_lenenc(b"??" + data + b"??", 2, 2 + len(data))) == (value, 2 + length)


def test_null_is_told_from_an_invalid_first_byte_and_from_a_number_too_big() -> None:
    assert tuple(read_lenenc(b"\xfb", 0, 1)) == (NULL, 1)
    assert tuple(read_lenenc(b"\xff\x00\x00", 0, 3)) == (INVALID, 0)
    assert tuple(read_lenenc(b"\xfe" + b"\xff" * 8, 0, 9)) == (TOO_BIG, 9)
    assert tuple(read_lenenc(b"\xfe" + (1 << 62).to_bytes(8, "little"), 0, 9)) == (TOO_BIG, 9)


@pytest.mark.parametrize("whole", [b"\x05", b"\xfc\xff\xff", b"\xfd\xff\xff\xff", b"\xfe" + b"\x01" * 8])
def test_an_integer_cut_anywhere_is_too_short(whole: bytes) -> None:
    for cut in range(len(whole)):
        assert tuple(read_lenenc(whole, 0, cut)) == (TOO_SHORT, 0)


@settings(deadline=None)
@given(st.integers(0, (1 << 62) - 1))
def test_what_was_built_is_read(value: int) -> None:
    data = lenenc(value)
    assert tuple(read_lenenc(data, 0, len(data))) == (value, len(data))


def test_a_string_longer_than_what_is_left_is_too_short() -> None:
    assert tuple(read_lestr(b"\x03abc", 0, 4)) == (1, 4)
    assert tuple(read_lestr(b"\x03abc", 0, 3)) == (TOO_SHORT, 0)
    assert read_lestr(b"\xfb", 0, 1)[0] == NULL
