"""The matrix of `prove` as a page: client by mode, what is behind each cell, and the same INSERT readable and not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aurora_wire.prove.cell import Cell, Result
from aurora_wire.prove.matrix import Matrix
from aurora_wire.report.html.hex import Dump, marked_dump
from aurora_wire.report.html.render import prepare, write_page
from aurora_wire.report.html.text import clip
from aurora_wire.report.prove_words import HEADLINES, without_user
from aurora_wire.report.text.prove import cell_text, closing, judged, proof_lines
from aurora_wire.report.wording import count

TEMPLATE: Final = "matrix_page.html"
TEXT: Final = 600       # characters of a sentence
TONES: Final = {
    0: ("safe", "\N{CHECK MARK}"), 1: ("clear", "\N{MULTIPLICATION X}"), 3: ("unsure", "?"),
}  # fmt: skip


@dataclass(slots=True, frozen=True)
class CellView:
    """One cell. text: in the table; judged: in words; lines: what the capture shows, and why it is so."""

    client: str
    mode: str
    tone: str
    sign: str
    text: str
    judged: str
    asked: str
    lines: list[str]
    unfolded: bool


@dataclass(slots=True)
class MatrixPage:
    """rows: a client, and its cell for each mode; dumps: (title, dump) of the same INSERT."""

    headline: str
    tone: str
    sign: str
    closing: str
    version: str
    masked: bool
    facts: list[tuple[str, str]]
    modes: list[str]
    rows: list[tuple[str, list[CellView | None]]]
    cells: list[CellView]
    dumps: list[tuple[str, Dump]]


def load() -> None:
    """Load what a page is made from, before rights are given up. Raises UsageError if Jinja2 is missing."""
    prepare(TEMPLATE, "head.html", "parts.html")


def page(matrix: Matrix, *, reveal: bool = False) -> Iterator[str]:
    """Yield the page in pieces. reveal: the name of the user is shown."""
    return write_page(TEMPLATE, make_page(matrix if reveal else without_user(matrix), masked=not reveal))


def make_page(matrix: Matrix, *, masked: bool) -> MatrixPage:
    """Return what the template is given. masked: the matrix is so already."""
    tone, sign = TONES[matrix.exit_code]
    views = {(cell.client, cell.mode): _view(cell) for cell in matrix.cells}
    return MatrixPage(
        HEADLINES[matrix.exit_code], tone, sign, closing(matrix), clip(matrix.tool_version), masked,
        facts=list(_facts(matrix)),
        modes=[mode.value for mode in matrix.modes],
        rows=[(clip(client), [views.get((client, mode)) for mode in matrix.modes]) for client in matrix.clients],
        cells=list(views.values()),
        dumps=list(_dumps(matrix)),
    )  # fmt: skip


def _facts(matrix: Matrix) -> Iterator[tuple[str, str]]:
    yield "Server", clip(matrix.socket or f"{matrix.host}:{matrix.port}")
    yield "Version by its own word", clip(", ".join(matrix.server_versions) or "unknown", TEXT)
    yield "User", clip(matrix.user)
    yield "Database", clip(matrix.database)
    yield "Captured", clip(f"{matrix.how} ({matrix.how_reason})" if matrix.how_reason else matrix.how, TEXT)
    if matrix.folder:
        yield "Captures kept in", clip(matrix.folder, TEXT)
    for client in matrix.clients:
        if matrix.find_version(client):
            yield f"Client {clip(client)}", clip(matrix.find_version(client), TEXT)


def _view(cell: Cell) -> CellView:
    if cell.breaks_promise or cell.result in (Result.PLAINTEXT, Result.MIXED):
        tone, sign = ("mixed", "\N{CIRCLE WITH LEFT HALF BLACK}") if cell.result == Result.MIXED else TONES[1]
    elif cell.result == Result.TLS:
        tone, sign = ("safe" if cell.confidence == "proven" else "likely"), "\N{CHECK MARK}"
    else:
        tone, sign = ("none", "\N{EN DASH}") if cell.as_promised else TONES[3]
    lines = [*proof_lines(cell), *cell.reasons] if cell.spoke else list(cell.reasons)
    return CellView(
        clip(cell.client), cell.mode.value, tone, sign, clip(cell_text(cell)), clip(judged(cell), TEXT),
        clip(cell.asked, TEXT), [clip(line, TEXT) for line in lines], not cell.as_promised,
    )


def _dumps(matrix: Matrix) -> Iterator[tuple[str, Dump]]:
    for cell in matrix.examples():
        if cell is not None and cell.shown is not None:
            shown = cell.shown
            said = f"{clip(cell.client)}, {cell.mode.value}, {count(len(shown.data), 'byte')} from the IP header on"
            yield said, marked_dump(
                shown.number, shown.data, shown.marks, leaks=bool(cell.in_clear), what="the INSERT with the canary"
            )
