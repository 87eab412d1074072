"""Bytes that became others are counted eight at a time."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from aurora_wire.redact.copier import differing

PAIRS = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255) | st.just(-1)), max_size=40)


@given(st.integers(0, 9), PAIRS)
@example(0, [(0x80, 0)] * 8)
@example(3, [(1, 0)] * 17)
@example(0, [(0xFF, 0x7F)] * 8)
def test_it_counts_what_one_by_one_counts(before: int, pairs: list[tuple[int, int]]) -> None:
    was = bytes(one for one, _ in pairs)
    now = bytes(one if other < 0 else other for one, other in pairs)
    expected = sum(one != other for one, other in zip(was, now, strict=True))
    assert differing(b"x" * before + was + b"yy", before, now) == expected
