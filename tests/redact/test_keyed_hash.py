"""Tokens made by the core are those that hashlib gives."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from aurora_wire._build import compiled
from aurora_wire.redact.keyed_hash import LONGEST, READ, SHORT_VALUE, KeyedHash, is_right
from aurora_wire.redact.masker import Masker
from aurora_wire.redact.replacements import Words

KEY = b"k" * 32


def test_the_compiled_core_has_sums_that_wrap() -> None:
    assert is_right() is compiled()
    assert (Masker(KEY).keyed is not None) is compiled()


@given(st.binary(max_size=LONGEST), st.binary(min_size=1, max_size=64))
@example(b"", KEY)
@example(b"1", KEY)
@example(b"12345678", KEY)
@example(b"123456789", KEY)
@example(b"\xff" * LONGEST, b"\xff" * 64)
def test_a_token_is_that_of_hashlib(value: bytes, key: bytes) -> None:
    if not is_right():
        pytest.skip("interpreted, tokens are hashlib's")
    assert KeyedHash(key).token(value) == Masker(key).token(value)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789*", min_size=2, max_size=40), st.integers(0, 2**32))
def test_no_byte_of_a_token_is_what_stood_there(text: str, number: int) -> None:
    """Else a reader who sees which bytes were masked sees those that were not."""
    value, masker = text.encode(), Masker(number.to_bytes(8, "big"))
    for token in (masker.token(value), *([masker.keyed.token(value)] if masker.keyed else [])):
        assert not any(one == two != ord("*") for one, two in zip(value, token, strict=True)), token


def test_an_8_stands_where_a_token_would_be_what_it_stands_for() -> None:
    tokens = [Masker(KEY).token(b"%08d" % number) for number in range(1000)]
    assert any(b"8" in token for token in tokens)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_words_give_the_same_tokens_whatever_their_length(values: list[bytes]) -> None:
    masker = Masker(KEY)
    words = Words(masker.token, masker.sql, lambda _body, _content: b"", masker.keyed)
    for value in values + values:
        assert words.value(value) == masker.value(value)


def test_values_that_are_forgotten_get_the_same_tokens_again() -> None:
    masker = Masker(KEY)
    words = Words(masker.token, masker.sql, lambda _body, _content: b"", masker.keyed)
    values = [b"%d" % number for number in range(1000, 22_000)]
    first = [words.value(value) for value in values]
    assert [words.value(value) for value in values] == first
    assert len(words.values) + len(words.older) <= 2 << 13


@pytest.mark.parametrize("size", range(2, int(SHORT_VALUE) + 1))
def test_a_token_that_is_written_is_the_same_whatever_stands_around_the_value(size: int) -> None:
    if not is_right():
        pytest.skip("interpreted, tokens are hashlib's")
    masker, keyed = Masker(KEY), KeyedHash(KEY)
    out = BytesWriter()
    for byte in (0, 1, 0x30, 0x7F, 0x80, 0xFF):
        value = bytes([byte]) * (size - 1) + bytes([byte ^ 1])
        for around in (b"\0", b"\xff", b"\x80"):
            out.truncate(0)
            keyed.write(out, around * 3 + value + around * int(READ), 3, 3 + size)
            assert out.getvalue() == masker.token(value)


@given(st.lists(st.binary(max_size=40), max_size=40), st.binary(max_size=30))
def test_words_write_what_they_return(values: list[bytes], behind: bytes) -> None:
    masker = Masker(KEY)
    words = Words(masker.token, masker.sql, lambda _body, _content: b"", masker.keyed)
    out = BytesWriter()
    for value in values + values:
        out.truncate(0)
        words.write_value(out, b"ab" + value + behind, 2, 2 + len(value))
        assert out.getvalue() == masker.value(value)


def test_short_values_that_share_a_place_get_their_own_tokens() -> None:
    """There are more values than places, so that most are forgotten and made again."""
    masker = Masker(KEY)
    words = Words(masker.token, masker.sql, lambda _body, _content: b"", masker.keyed)
    out = BytesWriter()
    for number in [*range(40_000), *range(40_000)]:
        words.write_value(out, b"%d" % number, 0, len(str(number)))
    tokens = b"".join(masker.token(b"%d" % number) for number in range(40_000))
    assert out.getvalue() == tokens + tokens
