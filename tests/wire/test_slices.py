"""The compiled core takes slices as Python does: mypyc's own raises SystemError where one ends before it begins."""

from hypothesis import given
from hypothesis import strategies as st

from aurora_wire.wire.mysql.sql_secrets import read_content

TEXT = b"SELECT 1"  # no quotes: then `read_content` is the slice itself
PLACES = st.integers(-len(TEXT), len(TEXT))


@given(PLACES, PLACES)
def test_a_slice_is_what_python_says_wherever_it_begins_and_ends(start: int, end: int) -> None:
    assert read_content(TEXT, start, end) == TEXT[start:end]


def test_a_slice_that_ends_before_it_begins_is_empty() -> None:
    assert read_content(TEXT, 5, 2) == b""
