"""The matrix of `prove` as text: client by mode, each cell's proof, and the same INSERT readable and not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from aurora_wire.decrypt.decryptor import MISSING
from aurora_wire.prove.cell import Agreement, Cell, Result
from aurora_wire.prove.matrix import Matrix
from aurora_wire.prove.observation import FrameShown, StatementSeen
from aurora_wire.report.escape import show_text
from aurora_wire.report.packets.hex_dump import hex_dump_marked
from aurora_wire.report.text.table import cut_to, table
from aurora_wire.report.timestamps import rfc3339
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style

DUMP_WIDTH: Final = 74           # of one dump, its tab being 8 columns
COLUMN_GAP: Final = 4
REASONS_SHOWN: Final = 4
SQL_SHOWN: Final = 160
COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


def pieces(matrix: Matrix, *, width: int = 100, color: bool = False, whole: bool = False) -> Iterator[str]:
    """Yield lines with their ends, as formats do. whole: nothing is shortened."""
    for line in render(matrix, Style(width, color, whole=whole)):
        yield line + "\n"


def render(matrix: Matrix, style: Style) -> Iterator[str]:
    """Yield lines, without their ends."""
    yield from _head(matrix, style)
    yield ""
    yield from _table(matrix, style)
    yield ""
    yield style.title("What crossed")
    for cell in matrix.cells:
        yield from cell_lines(cell, style)
    yield from _dumps(matrix, style)
    yield ""
    yield _closing(matrix, style)


def _head(matrix: Matrix, style: Style) -> Iterator[str]:
    versions = ", ".join(show_text(version) for version in matrix.server_versions) or "unknown"
    yield style.title(server_words(matrix))
    yield f"  server    {versions}"
    reason = f" ({show_text(matrix.how_reason)})" if matrix.how_reason else ""
    yield from style.wrap(f"captured  {show_text(matrix.how)}{reason}", "  ")
    if matrix.folder:
        yield f"  kept in   {show_text(matrix.folder)}"
    said = [(client, matrix.find_version(client)) for client in matrix.clients]
    for number, (client, version) in enumerate((client, version) for client, version in said if version):
        yield from style.wrap(f"{'clients ' if not number else ''}".ljust(10) + show_text(f"{client}: {version}"), "  ")


def server_words(matrix: Matrix) -> str:
    """Return `app@db.example.com:3306, database shop`."""
    place = show_text(matrix.socket) if matrix.socket else f"{show_text(matrix.host)}:{matrix.port}"
    return f"{show_text(matrix.user)}@{place}, database {show_text(matrix.database)}"


def _table(matrix: Matrix, style: Style) -> Iterator[str]:
    rows = []
    colours: dict[str, str] = {}
    for client in matrix.clients:
        by_mode = {cell.mode: cell for cell in matrix.of(client)}
        row = [show_text(client)]
        for mode in matrix.modes:
            text = cell_text(by_mode[mode]) if mode in by_mode else "-"
            if mode in by_mode:
                colours[text] = _colour(by_mode[mode])
            row.append(text)
        rows.append(row)

    def paint(column: int, text: str, piece: str) -> str:
        return style.paint(piece, colours.get(text, "")) if column else piece

    header = ["client", *(mode.value for mode in matrix.modes)]
    yield from table(header, rows, width=style.room, paint=paint, indent="")


def _colour(cell: Cell) -> str:
    if cell.result in (Result.PLAINTEXT, Result.MIXED):
        return RED
    return GREEN if cell.result == Result.TLS and cell.confidence == "proven" else YELLOW


def cell_text(cell: Cell) -> str:
    """Return `PLAINTEXT`, `TLSv1.3 AES-256-GCM`, `refused`; `?` where it is not proven."""
    doubt = "" if cell.confidence == "proven" else "?"
    match cell.result:
        case Result.PLAINTEXT | Result.MIXED:
            return cell.result.value.upper() + doubt
        case Result.TLS:
            name = short_cipher(cell.tls_cipher or "")
            return f"{cell.tls_version or 'TLS'} {name}".rstrip() + doubt
        case _:
            return cell.result.value


def short_cipher(name: str) -> str:
    """Return a cipher's short name: `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` is AES-256-GCM."""
    bare = name.partition("_WITH_")[2] or name.removeprefix("TLS_")
    return "-".join(part for part in bare.split("_") if not re.fullmatch(r"SHA\d*|MD5", part))


def cell_lines(cell: Cell, style: Style) -> Iterator[str]:
    asked = f" [{show_text(cell.asked)}]" if cell.asked else ""
    yield from style.wrap(f"{show_text(cell.client)}, {cell.mode.value}{asked}: {judged(cell)}", "  ")
    if not cell.spoke:
        for reason in cell.reasons:
            yield from style.wrap(show_text(reason), "    ")
        return
    for line in proof_lines(cell):
        yield from style.wrap(line, "    ")
    for reason in cell.reasons[:REASONS_SHOWN]:
        yield from style.wrap(show_text(reason), "    ")


def judged(cell: Cell) -> str:
    sure = f" ({cell.confidence})" if cell.confidence is not None and cell.result != Result.NOT_SEEN else ""
    match cell.result:
        case Result.PLAINTEXT | Result.MIXED:
            return cell.result.value.upper() + sure
        case Result.TLS:
            return f"encrypted{sure}, {cell.tls_version or 'TLS'} {show_text(cell.tls_cipher or '')}".rstrip()
        case _:
            crossed = f", and what crossed was {cell.verdict}" if cell.verdict in ("plaintext", "mixed") else ""
            return cell.result.value + crossed


def proof_lines(cell: Cell) -> Iterator[str]:
    """Yield what the capture shows of a cell, a sentence each."""
    for statement in _one_of_each(cell.in_clear):
        yield f"{_place(statement)} in the clear: {_sql(statement)}"
    if cell.result == Result.TLS:
        if not cell.sightings:
            yield f"the canary is in none of {cell.frames:,} frames, neither as it is nor compressed nor encoded"
        for statement in _one_of_each(cell.inside):
            yield f"{_place(statement)} inside TLS, decrypted with the client's key log: {_sql(statement)}"
        if not cell.inside and not cell.keys_written and MISSING not in cell.reasons:
            yield "this client writes no key log: what was inside is not shown"
    if cell.agreement == Agreement.SAME:
        tls = f"{cell.session_tls} {cell.session_cipher}" if cell.session_cipher else "no TLS"
        yield show_text(
            f"session {cell.connection_id} by its own word with {tls}, as captured: thread {cell.thread_id} in the "
            "greeting"
        )
    if cell.result == Result.TLS and cell.control:
        yield show_text(f"not blind: {cell.control}")


def _one_of_each(statements: tuple[StatementSeen, ...]) -> Iterator[StatementSeen]:
    """Yield the INSERTs, at most two: text and prepared."""
    inserts = [one for one in statements if one.sql.upper().startswith("INSERT")]
    return iter((inserts or list(statements))[:2])


def _place(statement: StatementSeen) -> str:
    return f"frame {statement.frame}, offset {statement.offset}, {show_text(statement.command)}"


def _sql(statement: StatementSeen) -> str:
    return cut_to(show_text(statement.sql), SQL_SHOWN)


def _dumps(matrix: Matrix, style: Style) -> Iterator[str]:
    clear, sealed = matrix.examples()
    if clear is None and sealed is None:
        return
    yield ""
    yield style.title("The same INSERT" if clear and sealed else "The INSERT")
    blocks = [dump_lines(cell, style) for cell in (clear, sealed) if cell is not None]
    if len(blocks) == 2 and style.width >= 2 * DUMP_WIDTH + COLUMN_GAP:
        for left, right in zip_longest(*blocks, fillvalue=""):
            pad = " " * (DUMP_WIDTH + COLUMN_GAP - len(COLOURS.sub("", left)))
            yield (left + pad + right).rstrip()
        return
    for number, block in enumerate(blocks):
        if number:
            yield ""
        yield from block


def dump_lines(cell: Cell, style: Style) -> list[str]:
    """Return what it is, and the frame as `tcpdump -X` prints it, the canary marked."""
    shown = cell.shown
    if shown is None:
        return []
    what = "readable" if cell.in_clear else "not readable"
    head = f"{show_text(cell.client)}, {cell.mode.value}: {what}"
    lines = [
        style.paint(head, RED if cell.in_clear else GREEN),
        f"frame {shown.number}, {rfc3339(shown.time_ns)}",
        show_text(f"{cell.client_end} > {cell.server_end}"),
    ]
    return lines + _hex(shown, style)


def _hex(shown: FrameShown, style: Style) -> list[str]:
    marked = hex_dump_marked(shown.data, list(shown.marks), colour=style.color)
    return [line.expandtabs(8) for line in marked]


def _closing(matrix: Matrix, style: Style) -> str:
    return style.paint(closing(matrix), {0: GREEN, 1: RED}.get(matrix.exit_code, YELLOW))


def closing(matrix: Matrix) -> str:
    """Return the answer: `2 of 10 cells crossed in the clear in modes that promise TLS.`"""
    total = len(matrix.clients) * len(matrix.modes)
    kept = sum(1 for cell in matrix.cells if cell.as_promised)
    if matrix.exit_code == 0:
        return f"{kept} of {total} cells came out as their mode promises."
    in_clear = sum(1 for cell in matrix.cells if cell.breaks_promise)
    if in_clear:
        promised = "a mode that promises TLS" if in_clear == 1 else "modes that promise TLS"
        return f"{in_clear} of {total} cells crossed in the clear in {promised}."
    return f"{total - kept} of {total} cells did not come out as their mode promises."
