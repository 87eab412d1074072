"""Tokens made by the core are those that hashlib gives."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aurora_wire._build import compiled
from aurora_wire.redact.keyed_hash import LONGEST, KeyedHash, is_right
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
