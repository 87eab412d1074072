"""Columns for the terminal: text wraps inside its cell, numbers stay whole, and columns of less worth leave first."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Final

GAP: Final = "  "
SHORTEST: Final = 8         # what a name is cut to at most
LONGEST_NUMBER: Final = 16  # characters of a cell that are kept on one line: of an IPv4 address, with its colon,
LONGEST_WORD: Final = 10    # and of what is no number
ROOMY: Final = 24           # a cell of text wraps beyond it before a column leaves
NARROWEST: Final = 20       # a terminal below it wraps by itself

# Where a cell may be broken: behind these, and never inside a number or an IPv4 address.
_PIECES: Final = re.compile(r"\s+|[^\s:@/,_=-]*[:@/,_=-]+|[^\s:@/,_=-]+")

Paint = Callable[[int, str, str], str]


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    right: Container[int] = (),
    leave: Sequence[int] = (),
    paint: Paint | None = None,
    indent: str = "  ",
) -> Iterator[str]:
    """Yield lines of a table, header first. Cells are single lines without control codes.

    width: of the terminal, in characters, 0 for as wide as the table is; right: columns of numbers; leave: columns that
    leave where there is no room, the first one first, and are named behind the table; paint: colours a piece of a cell,
    called with its column, the whole text of the cell and the piece.
    """
    blocks = table_rows(header, rows, width=width, right=right, leave=leave, paint=paint, indent=indent)
    for lines in blocks:
        yield from lines


def table_rows(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    right: Container[int] = (),
    leave: Sequence[int] = (),
    paint: Paint | None = None,
    indent: str = "  ",
) -> Iterator[list[str]]:
    """Yield the same, the lines of each row together; the last ones may name the columns that have left."""
    natural = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    columns, widths = _fit(header, rows, natural, width and max(width, NARROWEST) - len(indent), right, leave)
    for number, row in enumerate((header, *rows)):
        cells = [wrap_cell(row[column], widths[column]) for column in columns]
        lines = []
        for at in range(max(map(len, cells), default=0)):
            line = []
            for column, pieces in zip(columns, cells, strict=True):
                piece = pieces[at] if at < len(pieces) else ""
                space = " " * (widths[column] - len(piece))
                if paint is not None and number > 0 and piece:
                    piece = paint(column, row[column], piece)
                line.append(space + piece if column in right else piece + space)
            lines.append((indent + GAP.join(line)).rstrip())
        yield lines
    gone = [header[column] for column in range(len(header)) if column not in columns]
    if gone:
        yield [indent + line for line in wrap_cell(f"(wider: {', '.join(gone)})", max(width - len(indent), 1))]


def _fit(
    header: Sequence[str], rows: Sequence[Sequence[str]], natural: list[int], width: int, right: Container[int],
    leave: Sequence[int],
) -> tuple[list[int], list[int]]:  # fmt: skip
    """Return the columns that stay, and the width of each column. width: 0 for any."""
    columns = list(range(len(header)))
    widths = list(natural)

    def excess() -> int:
        return sum(widths[one] for one in columns) + len(GAP) * (len(columns) - 1) - width

    if not width or excess() <= 0:
        return columns, widths
    for column in right if isinstance(right, (set, frozenset, tuple, list)) else ():
        widths[column] = max([_longest(header[column]), *(len(row[column]) for row in rows)])
    for column in columns:
        if column not in right and excess() > 0:
            widths[column] = max(min(widths[column], ROOMY), widths[column] - excess())
    for column in leave:
        if excess() <= 0:
            return columns, widths
        columns.remove(column)
    fewest = [
        widths[one] if one in right else max([_longest(header[one]), *(_longest(row[one]) for row in rows)])
        for one in range(len(header))
    ]
    while (over := excess()) > 0:
        # The widest gives way first, down to the next one.
        able = [one for one in columns if widths[one] > fewest[one]]
        if not able:
            break
        able.sort(key=lambda one: -widths[one])
        next_one = widths[able[1]] if len(able) > 1 else 0
        widths[able[0]] -= max(1, min(over, widths[able[0]] - max(next_one, fewest[able[0]])))
    return columns, widths


def _longest(text: str) -> int:
    """Return the characters of the longest piece of a cell that is kept on one line."""
    longest = 0
    for piece in _PIECES.findall(text):
        number = piece.strip(".:,@/=_- ").replace(".", "").isdigit()
        longest = max(longest, min(len(piece.rstrip()), LONGEST_NUMBER if number else LONGEST_WORD))
    return longest


def wrap_cell(text: str, width: int) -> list[str]:
    """Return the lines of a cell: broken between words, behind `:`, `@`, `/` and the like, or where it has to be."""
    if len(text) <= width:
        return [text]
    lines = [""]
    for piece in _PIECES.findall(text):
        if len(lines[-1]) + len(piece.rstrip()) <= width:
            lines[-1] += piece
            continue
        rest = piece.strip() if piece.isspace() else piece
        while len(rest) > width:
            lines.append(rest[:width])
            rest = rest[width:]
        if rest:
            lines.append(rest)
    return [line.rstrip() for line in lines if line.strip()] or [""]


def cut_to(text: str, width: int) -> str:
    """Return text of at most `width` characters; `..` at its end says that it was cut."""
    return text if len(text) <= width else text[: max(0, width - 2)] + ".."[:width]
