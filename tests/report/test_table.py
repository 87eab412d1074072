"""Columns that line up, and what is cut where they don't fit."""

from aurora_wire.report.text.table import cut_to, table

HEADER = ("#", "user", "bytes")
ROWS = [("1", "app", "1,204"), ("10", "reporting-service", "9")]


def test_columns_line_up_and_numbers_stand_to_the_right() -> None:
    assert list(table(HEADER, ROWS, width=80, right={0, 2})) == [
        "   #  user               bytes",
        "   1  app                1,204",
        "  10  reporting-service      9",
    ]


def test_only_the_columns_named_are_cut_and_not_below_what_can_be_read() -> None:
    assert list(table(HEADER, ROWS, width=24, right={0, 2}, shrink=(1,)))[2] == "  10  reporting..      9"
    assert list(table(HEADER, ROWS, width=1, right={0, 2}, shrink=(1,)))[2] == "  10  report..      9"


def test_colours_take_no_room() -> None:
    def paint(column: int, text: str) -> str:
        return f"<{text}>" if column == 1 else text

    painted = list(table(HEADER, ROWS, width=80, paint=paint))
    assert painted[1] == "  1   <app>                1,204"


def test_a_cut_text_says_so() -> None:
    assert [cut_to("abcdef", width) for width in (6, 5, 2, 1, 0)] == ["abcdef", "abc..", "..", ".", ""]
