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
