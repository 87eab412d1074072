"""tcpdump's hex dumps (-x, -X, -xx, -XX), plain or with byte ranges marked.

The dump lines themselves are always tcpdump's, byte for byte, once colour is taken away.
Source: tcpdump 4.99, print-ascii.c (hex_print, hex_and_ascii_print).
"""

from __future__ import annotations

from typing import Final

BYTES_PER_LINE: Final = 16
HEX_WIDTH: Final = 40               # eight groups of a space and four digits

COLOUR_ON: Final = "\x1b[1;31m"     # bold red
COLOUR_OFF: Final = "\x1b[0m"


def _groups(row: bytes) -> str:
    return "".join(f" {row[at : at + 2].hex()}" for at in range(0, len(row), 2))


def _ascii(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 < byte < 0x7F else "." for byte in row)


def hex_dump(data: bytes, *, ascii_column: bool = True) -> list[str]:
    """Return the lines under a packet: `-X` (with `ascii_column`) or `-x`.

    `data` is the frame from `TcpdumpLines.dump_at` on; the whole frame gives `-XX` and `-xx`.
    """
    lines = []
    for start in range(0, len(data), BYTES_PER_LINE):
        row = data[start : start + BYTES_PER_LINE]
        text = f"\t0x{start:04x}: {_groups(row)}"
        if ascii_column:
            text = f"\t0x{start:04x}: {_groups(row):<{HEX_WIDTH}}  {_ascii(row)}"
        lines.append(text)
    return lines


def marked_bytes(length: int, ranges: list[tuple[int, int]]) -> list[bool]:
    """Tell for each of `length` bytes whether a range (start, end) covers it. What lies outside is ignored."""
    marked = [False] * length
    for start, end in ranges:
        for at in range(max(0, start), min(length, end)):
            marked[at] = True
    return marked


def _coloured(row: bytes, marked: list[bool], *, ascii_column: bool) -> str:
    hex_cells: list[tuple[str, bool]] = []
    for at, byte in enumerate(row):
        if at % 2 == 0:
            # The space before a group takes the colour only inside a marked run, so that a run reads as one.
            hex_cells.append((" ", at > 0 and marked[at - 1] and marked[at]))
        hex_cells.append((f"{byte:02x}", marked[at]))
    text = _runs(hex_cells)
    if not ascii_column:
        return text
    width = sum(len(cell) for cell, _ in hex_cells)
    ascii_cells = list(zip(_ascii(row), marked, strict=True))
    return f"{text}{' ' * (HEX_WIDTH - width)}  {_runs(ascii_cells)}"


def _runs(cells: list[tuple[str, bool]]) -> str:
    parts = []
    on = False
    for cell, wanted in cells:
        if wanted != on:
            parts.append(COLOUR_ON if wanted else COLOUR_OFF)
            on = wanted
        parts.append(cell)
    if on:
        parts.append(COLOUR_OFF)
    return "".join(parts)


def _mark_line(start: int, marked: list[bool], *, ascii_column: bool) -> str:
    """Return a line of `^` under the marked digits and characters of the dump line at `start`."""
    cells = [" "] * (HEX_WIDTH + 2 + BYTES_PER_LINE)
    for at, wanted in enumerate(marked):
        if wanted:
            place = 1 + at // 2 * 5 + at % 2 * 2
            cells[place] = cells[place + 1] = "^"
            if at % 2 == 0 and at > 0 and marked[at - 1]:
                cells[place - 1] = "^"
            if ascii_column:
                cells[HEX_WIDTH + 2 + at] = "^"
    return "\t" + " " * (len(f"0x{start:04x}: ")) + "".join(cells).rstrip()


def hex_dump_marked(
    data: bytes, ranges: list[tuple[int, int]], *, colour: bool, ascii_column: bool = True
) -> list[str]:
    """`hex_dump` with the bytes of `ranges` (start, end offsets in `data`) marked.

    With `colour` they are red in both columns. Without, a line of `^` follows each dump line that has marked
    bytes, so that the mark survives in a pipe or a ticket and every other line stays tcpdump's.
    """
    marked = marked_bytes(len(data), ranges)
    lines = []
    for number, plain in enumerate(hex_dump(data, ascii_column=ascii_column)):
        start = number * BYTES_PER_LINE
        row_marks = marked[start : start + BYTES_PER_LINE]
        if not any(row_marks):
            lines.append(plain)
        elif colour:
            row = data[start : start + BYTES_PER_LINE]
            lines.append(f"\t0x{start:04x}: {_coloured(row, row_marks, ascii_column=ascii_column)}")
        else:
            lines.append(plain)
            lines.append(_mark_line(start, row_marks, ascii_column=ascii_column))
    return lines
