"""The matrix of `prove` for a ticket or a pull request: Markdown, the answer first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aurora_wire.prove.cell import Cell, Result
from aurora_wire.prove.matrix import Matrix
from aurora_wire.report.markdown import QUESTION, SENTENCE, SIGNS
from aurora_wire.report.markdown_text import block, code, prose
from aurora_wire.report.packets.hex_dump import hex_dump_marked
from aurora_wire.report.prove_words import HEADLINES, without_user
from aurora_wire.report.summary import paragraph
from aurora_wire.report.text.prove import cell_text, closing, judged, proof_lines
from aurora_wire.report.wording import count

CLIENTS: Final = 40
CELLS: Final = 30       # told one by one
LINES: Final = 3        # of a cell
DUMP: Final = 512       # bytes of a frame
NAME: Final = 80        # characters


def render(matrix: Matrix, *, reveal: bool = False) -> Iterator[str]:
    """Yield pieces of Markdown, below the 65,536 characters of a comment. reveal: the name of the user is shown."""
    shown = matrix if reveal else without_user(matrix)
    for lines in (_answer(shown), _table(shown), _cells(shown), _dumps(shown)):
        yield from paragraph(lines)
    yield f"<sub>aurora-wire {prose(matrix.tool_version, NAME)} prove.</sub>\n"


def _answer(matrix: Matrix) -> Iterator[str]:
    sign = {0: SIGNS["encrypted"], 1: SIGNS["plaintext"]}.get(matrix.exit_code, QUESTION)
    yield f"## {sign} {HEADLINES[matrix.exit_code]}"
    yield ""
    yield prose(closing(matrix), SENTENCE)
    yield ""
    place = matrix.socket or f"{matrix.host}:{matrix.port}"
    versions = ", ".join(matrix.server_versions) or "unknown"
    yield f"Server {code(place, NAME)} ({code(versions, NAME)}), user {code(matrix.user, NAME)}, captured " + prose(
        f"{matrix.how}{f' ({matrix.how_reason})' if matrix.how_reason else ''}.", SENTENCE
    )


def _table(matrix: Matrix) -> Iterator[str]:
    yield "| client | " + " | ".join(mode.value for mode in matrix.modes) + " |"
    yield "| --- |" + " --- |" * len(matrix.modes)
    for client in matrix.clients[:CLIENTS]:
        by_mode = {cell.mode: cell for cell in matrix.of(client)}
        cells = [_cell(by_mode[mode]) if mode in by_mode else "-" for mode in matrix.modes]
        yield f"| {code(client, NAME)} | " + " | ".join(cells) + " |"
    if len(matrix.clients) > CLIENTS:
        yield ""
        yield f"{count(len(matrix.clients) - CLIENTS, 'more client')}."


def _cell(cell: Cell) -> str:
    if cell.breaks_promise or cell.result in (Result.PLAINTEXT, Result.MIXED):
        sign = SIGNS["plaintext"]
    else:
        sign = SIGNS["encrypted"] if cell.result == Result.TLS and cell.confidence == "proven" else ""
    return f"{sign} {code(cell_text(cell), NAME)}".strip()


def _cells(matrix: Matrix) -> Iterator[str]:
    """Yield what is behind a cell: first those that did not come out as promised."""
    told = sorted((cell for cell in matrix.cells if cell.spoke or cell.reasons), key=lambda cell: cell.as_promised)
    if not told:
        return
    yield "### What crossed"
    yield ""
    for cell in told[:CELLS]:
        yield f"- {code(cell.client, NAME)}, {cell.mode.value}: {prose(judged(cell), SENTENCE)}"
        lines = list(proof_lines(cell)) if cell.spoke else []
        for line in [*lines, *cell.reasons][:LINES]:
            yield f"  - {prose(line, SENTENCE)}"
    if len(told) > CELLS:
        yield f"- and {len(told) - CELLS:,} more"


def _dumps(matrix: Matrix) -> Iterator[str]:
    clear, sealed = matrix.examples()
    if clear is None and sealed is None:
        return
    yield "### The same INSERT" if clear and sealed else "### The INSERT"
    for cell in (clear, sealed):
        if cell is None or cell.shown is None:
            continue
        yield ""
        yield f"{code(cell.client, NAME)}, {cell.mode.value}: {'readable' if cell.in_clear else 'not readable'}"
        yield ""
        lines = hex_dump_marked(cell.shown.data[:DUMP], list(cell.shown.marks), colour=False)
        yield from block([line.expandtabs(8) for line in lines])
