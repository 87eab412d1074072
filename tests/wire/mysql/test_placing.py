from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql.placeholders import count_placeholders, place_parameters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"SELECT ?, ?", b"SELECT 1, 'b'"),
        (b"SELECT '?', ?, \"?\", ?", b"SELECT '?', 1, \"?\", 'b'"),
        (b"SELECT `?` FROM t WHERE a=? AND b=?", b"SELECT `?` FROM t WHERE a=1 AND b='b'"),
        (b"SELECT 'it''s ?', ?, ?", b"SELECT 'it''s ?', 1, 'b'"),
        (b"SELECT 'it\\'s ?', ?, ?", b"SELECT 'it\\'s ?', 1, 'b'"),
        (b"SELECT 'back\\\\', ?, ?", b"SELECT 'back\\\\', 1, 'b'"),
        (b"SELECT `a\\`, ?, ?", b"SELECT `a\\`, 1, 'b'"),
        (b"SELECT `a``?`, ?, ?", b"SELECT `a``?`, 1, 'b'"),
        (b"SELECT ? -- why?\n, ?", b"SELECT 1 -- why?\n, 'b'"),
        (b"SELECT ?--?", b"SELECT 1--'b'"),
        (b"SELECT ? # why?\n, ?", b"SELECT 1 # why?\n, 'b'"),
        (b"SELECT /* ? */ ?, ?", b"SELECT /* ? */ 1, 'b'"),
        (b"SELECT /*+ HINT(?) */ ?, ?", b"SELECT /*+ HINT(?) */ 1, 'b'"),
        (b"SELECT /*!40101 ?, */ ?", b"SELECT /*!40101 1, */ 'b'"),
        (b"SELECT /*M!100100 ?, */ ?", b"SELECT /*M!100100 1, */ 'b'"),
        (b"SELECT ?, ? --", b"SELECT 1, 'b' --"),
        (b"SELECT ?/?", b"SELECT 1/'b'"),
    ],
)
def test_parameters_are_placed_outside_quotes_and_comments(text: bytes, expected: bytes) -> None:
    assert place_parameters(text, [b"1", b"'b'"]) == expected
    assert count_placeholders(text) == 2


def test_a_placeholder_without_a_value_stays() -> None:
    assert place_parameters(b"SELECT ?, ?", [b"1"]) == b"SELECT 1, ?"


def test_values_without_a_placeholder_are_not_lost() -> None:
    assert place_parameters(b"SELECT ?", [b"1", b"'b'", b"2"]) == b"SELECT 1 /* not placed: 'b', 2 */"
    assert place_parameters(b"", [b"'*/ x'"]) == b" /* not placed: '* / x' */"


def test_a_question_mark_in_a_value_is_not_a_placeholder() -> None:
    assert place_parameters(b"SELECT ?, ?", [b"'?'", b"2"]) == b"SELECT '?', 2"


@pytest.mark.parametrize(
    "text", [b"SELECT '?", b'SELECT "?', b"SELECT `?", b"/* ?", b"-- ?", b"# ?", b"'\\", b"--", b"/*"]
)
def test_what_is_not_closed_runs_to_the_end(text: bytes) -> None:
    assert count_placeholders(text) == 0
    assert place_parameters(text, []) == text


@settings(deadline=None)
@given(st.binary(max_size=60), st.lists(st.binary(max_size=5), max_size=4))
def test_no_text_raises_and_no_value_is_lost(text: bytes, literals: list[bytes]) -> None:
    placed = place_parameters(text, literals)
    count = count_placeholders(text)
    if count == len(literals):
        assert len(placed) == len(text) - count + sum(map(len, literals))
    assert all(literal.replace(b"*/", b"* /") in placed or literal in placed for literal in literals)
