"""Columns for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

GAP = "  "
SHORTEST = 8  # what a column is cut to at most


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    right: Container[int] = (),
    shrink: Sequence[int] = (),
    paint: Callable[[int, str], str] | None = None,
    indent: str = "  ",
) -> Iterator[str]:
    """Yield lines of a table, header first. Cells are single lines without control codes.

    width: of the terminal, in characters; right: columns of numbers; shrink: columns that may be cut to
    make the table fit, the first one first (where that is not enough, it is wider than the terminal);
    paint: colours a cell that is already padded, called with its column and text.
    """
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    excess = len(indent) + sum(widths) + len(GAP) * (len(widths) - 1) - width
    for column in shrink:
        cut = max(0, min(excess, widths[column] - SHORTEST))
        widths[column] -= cut
        excess -= cut
    for number, row in enumerate((header, *rows)):
        cells = []
        for column, text in enumerate(row):
            shown = cut_to(text, widths[column])
            space = " " * (widths[column] - len(shown))
            if paint is not None and number > 0:
                shown = paint(column, shown)
            cells.append(space + shown if column in right else shown + space)
        yield (indent + GAP.join(cells)).rstrip()


def cut_to(text: str, width: int) -> str:
    """Return text of at most `width` characters; `..` at its end says that it was cut."""
    return text if len(text) <= width else text[: max(0, width - 2)] + ".."[:width]
