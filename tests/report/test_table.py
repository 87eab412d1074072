"""Columns that line up, what wraps where they don't fit, and what leaves."""

from hypothesis import given
from hypothesis import strategies as st

from aurora_wire.report.text.table import cut_to, table, wrap_cell

HEADER = ("#", "user", "bytes")
ROWS = [("1", "app", "1,204"), ("10", "reporting-service", "9")]


def test_columns_line_up_and_numbers_stand_to_the_right() -> None:
    for width in (0, 80):  # 0: a pipe
        assert list(table(HEADER, ROWS, width=width, right={0, 2})) == [
            "   #  user               bytes",
            "   1  app                1,204",
            "  10  reporting-service      9",
        ]


def test_text_wraps_in_its_cell_and_numbers_do_not() -> None:
    assert list(table(HEADER, ROWS, width=24, right={0, 2})) == [
        "   #  user         bytes",
        "   1  app          1,204",
        "  10  reporting-       9",
        "      service",
    ]


def test_columns_leave_by_worth_before_anything_wraps_and_are_named() -> None:
    assert list(table(HEADER, ROWS, width=24, right={0, 2}, leave=(2, 0))) == [
        "   #  user",
        "   1  app",
        "  10  reporting-service",
        "  (wider: bytes)",
    ]


@given(
    st.lists(st.tuples(*[st.text("ab1.:@/ -", max_size=40)] * 3), max_size=5),
    st.integers(min_value=1, max_value=120),
)
def test_no_character_of_a_text_is_lost_at_any_width(rows: list[tuple[str, str, str]], width: int) -> None:
    shown = list(table(HEADER, rows, width=width, right={2}))
    for character in "ab1.:@/-":
        there = "".join(HEADER + tuple("".join(row) for row in rows)).count(character)
        assert "".join(shown).count(character) == there


@given(st.text("abc1.:@/ -", max_size=60), st.integers(min_value=1, max_value=70))
def test_a_wrapped_cell_keeps_to_its_width(text: str, width: int) -> None:
    lines = wrap_cell(text, width)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_an_address_stays_whole() -> None:
    assert wrap_cell("10.200.100.50:50152", 15) == ["10.200.100.50:", "50152"]


def test_colours_take_no_room() -> None:
    def paint(column: int, text: str, piece: str) -> str:
        assert piece in text
        return f"<{piece}>" if column == 1 else piece

    painted = list(table(HEADER, ROWS, width=80, paint=paint))
    assert painted[1] == "  1   <app>                1,204"


def test_a_cut_text_says_so() -> None:
    assert [cut_to("abcdef", width) for width in (6, 5, 2, 1, 0)] == ["abcdef", "abc..", "..", ".", ""]
