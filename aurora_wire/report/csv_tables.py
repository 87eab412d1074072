r"""Tables as CSV (RFC 4180): connections, statements, packets. For spreadsheets, so formulas are defused.

Text is escaped as everywhere (one line, nothing hidden) and always in quotes; numbers are bare. A text that a
spreadsheet would run as a formula gets a `'` in front; a semicolon before one, which some take for the end of
a cell, is written `\x3b`. Nothing else is changed.

Sources: RFC 4180; OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Final

from aurora_wire.redact.secrets import shown
from aurora_wire.report.escape import show_bytes, show_text
from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.groups import find_times, format_classes, joined_names, shown_groups
from aurora_wire.report.summary import findings_by_connection
from aurora_wire.report.timestamps import Clock, find_clock, rfc3339, time_of_day
from aurora_wire.verdict.answer_result import AnswerResult
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Coverage, Scan, StatementResult, TLSResult

if TYPE_CHECKING:
    from aurora_wire.analysis.packets import PacketView

Cell = str | int | None
Show = Callable[[StatementResult], StatementResult]

COVERAGE: Final = ("seen", "missing", "truncated", "tls", "plaintext", "unprotected_by_design", "unknown")
CONNECTION_COLUMNS: Final = (
    "id", "client_address", "client_port", "server_address", "server_port", "verdict", "confidence", "proof",
    "protocol", "user", "database", "program", "auth_plugin", "server_version", "thread_id", "compression",
    "tls_version", "tls_cipher", "tls_sni", "tls_resumed", "first_frame", "last_frame", "first_time", "last_time",
    "packets", "statements_total",
    *(f"client_{name}" for name in COVERAGE), *(f"server_{name}" for name in COVERAGE),
    "reasons", "findings", "captures", "capture", "capture_frame",
)
STATEMENT_COLUMNS: Final = (
    "connection", "client_address", "client_port", "server_address", "server_port", "user", "database", "crossed",
    "frame", "time", "offset", "length", "command", "sql", "parameters", "compressed", "complete",
    "schema", "columns", "rows", "bytes", "affected", "warnings", "error", "error_text", "ms",
    "capture", "capture_frame", "fingerprint",
)
GROUP_COLUMNS: Final = (
    "count", "connections", "command", "fingerprint", "example", "complete", "bytes", "leaked", "first_time",
    "last_time", "frame", "capture", "capture_frame", "tables", "columns",
)
CAPTURE_COLUMNS: Final = (
    "capture", "verdict", "confidence", "format", "compression", "packets", "bytes", "sha256", "first_time",
    "last_time", "complete", "error", "truncated_packets", "dropped_packets",
)
FINDING_COLUMNS: Final = (
    "rule", "severity", "title", "detail", "connection", "frame", "offset", "client_address", "client_port",
    "server_address", "server_port", "user", "capture", "capture_frame",
)
PACKET_COLUMNS: Final = (
    "frame", "capture", "time", "connection", "sender", "captured_len", "original_len", "labels", "leaked_bytes",
    "tcpdump", "capture_frame",
)

_FORMULA: Final = re.compile("[\\s'\"]*[=+\\-@\uff0b\uff0d\uff1d\uff20]")   # ASCII and full width
_SEMICOLON: Final = re.compile("[;](?=[\\s'\"]*[=+\\-@\uff0b\uff0d\uff1d\uff20])")


def connections(scan: Scan) -> Iterator[str]:
    """Yield lines, each with its CRLF: the names of the columns, then one for each connection.

    `captures` counts those with a packet of it; `capture` and `capture_frame` are the place of its first frame.
    """
    clock, names = find_clock(scan), frame_names(scan)
    found = findings_by_connection(scan)
    rules = {number: " ".join(dict.fromkeys(one.rule for one in hits)) for number, hits in found.items()}
    yield line(CONNECTION_COLUMNS)
    for c in scan.connections:
        yield line(_connection(c, clock, names, rules.get(c.id, "")))


def statements(scan: Scan, *, redact: bool = False, reveal: bool = False) -> Iterator[str]:
    """Yield the same for statements; `crossed` is `clear`, or `TLS` for what a key log decrypted.

    redact: mask literals; reveal: show passwords and keys.
    """
    clock, names = find_clock(scan), frame_names(scan)
    yield line(STATEMENT_COLUMNS)
    for row in _statements(scan, clock, names, partial(shown, redact=redact, reveal=reveal)):
        yield line(row)


def groups(scan: Scan, *, redact: bool = False) -> Iterator[str]:
    """Yield the same for groups of statements, those with the most first; none where they were not asked for."""
    clock, names = find_clock(scan), frame_names(scan)
    yield line(GROUP_COLUMNS)
    for one, made, example in shown_groups(scan, redact=redact):
        first, last = find_times(one, clock)
        yield line((
            one.count, one.connections, show_text(one.command), made or None, example or None, _yes(one.complete),
            one.bytes, format_classes(one) or None, first, last, one.frame, *_place(names, one.frame),
            joined_names(one.tables) or None, joined_names(one.columns) or None,
        ))


def captures(scan: Scan) -> Iterator[str]:
    """Yield the same for captures, each with the verdict of the connections that have a packet in it."""
    clock = find_clock(scan)
    yield line(CAPTURE_COLUMNS)
    for one in scan.captures:
        yield line(_capture(one, clock))


def findings(scan: Scan) -> Iterator[str]:
    """Yield the same for findings, in the order of the scan."""
    places = FindingLocator(scan)
    yield line(FINDING_COLUMNS)
    for one in scan.findings:
        c = places.connection(one)
        ends: list[Cell] = [None] * 5
        if c is not None:
            client, server = c.client, c.server
            ends = [show_text(client.address), client.port, show_text(server.address), server.port, _shown(c.user)]
        at = places.capture_at(one) if places.names.several else None
        yield line((
            one.rule, one.severity, one.title, _shown(one.detail), one.connection, one.frame, one.offset, *ends,
            None if at is None else show_text(places.names.path(at)), None if at is None else places.find_frame(one),
        ))


def _capture(one: CaptureResult, clock: Clock) -> list[Cell]:
    return [
        show_text(one.path), one.verdict, one.confidence, show_text(one.format), one.compression, one.packets,
        one.bytes, one.sha256, clock.show_in(one, one.first_time_ns), clock.show_in(one, one.last_time_ns),
        _yes(one.complete), _shown(one.error), one.truncated_packets, one.dropped_packets,
    ]


def _place(names: FrameNames, frame: int) -> tuple[str | None, int | None]:
    place = names.locate(frame)
    return (None, None) if place is None else (show_text(names.path(place[0])), place[1])


def packet_line(view: PacketView, tcpdump: str) -> str:
    """Return one row of `PACKET_COLUMNS`. tcpdump: the packet's line as `aurora-wire packets` has it."""
    time = None if view.time_ns is None else (time_of_day if view.undated else rfc3339)(view.time_ns)
    sender = None if view.from_client is None else "client" if view.from_client else "server"
    return line((
        view.number, show_text(view.capture), time, view.connection, sender, len(view.data), view.original_len,
        ", ".join(view.labels), view.leaked_bytes, show_text(tcpdump), view.capture_frame,
    ))


def line(row: Sequence[Cell]) -> str:
    """Return one row, with its CRLF. Text may be anything."""
    buffer = StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([_defuse(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
    return buffer.getvalue()


def _defuse(text: str) -> str:
    if ";" in text:
        text = _SEMICOLON.sub(r"\\x3b", text)
    return f"'{text}" if _FORMULA.match(text) else text


def _shown(text: str | None) -> str | None:
    return None if text is None else show_text(text)


def _connection(c: ConnectionResult, clock: Clock, names: FrameNames, rules: str) -> list[Cell]:
    tls = c.tls or TLSResult()
    program = c.attributes.get("program_name") or c.attributes.get("_client_name")
    return [
        c.id, show_text(c.client.address), c.client.port, show_text(c.server.address), c.server.port,
        c.verdict, c.confidence, c.proof, show_text(c.protocol), _shown(c.user), _shown(c.database), _shown(program),
        _shown(c.auth_plugin), _shown(c.server_version), c.thread_id, _shown(c.compression),
        _shown(tls.version), _shown(tls.cipher), _shown(tls.sni),
        None if tls.resumed is None else _yes(tls.resumed),
        c.first_frame, c.last_frame, clock.show(c.first_frame, c.first_time_ns),
        clock.show(c.last_frame, c.last_time_ns), c.packets, c.statements_total,
        *_coverage(c.client_coverage), *_coverage(c.server_coverage),
        " ".join(dict.fromkeys(reason.id for reason in c.reasons)), rules,
        len(c.captures) or 1, *_place(names, c.first_frame),
    ]


def _coverage(coverage: Coverage) -> list[int]:
    return [getattr(coverage, name) for name in COVERAGE]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _statements(scan: Scan, clock: Clock, names: FrameNames, show: Show) -> Iterator[list[Cell]]:
    for c in scan.connections:
        for statement in c.statements:
            yield _statement(c, statement, "clear", clock, names, show)
        decrypted = None if c.tls is None else c.tls.decrypted
        for statement in () if decrypted is None else decrypted.statements:
            yield _statement(c, statement, "TLS", clock, names, show)


def _statement(
    c: ConnectionResult, statement: StatementResult, crossed: str, clock: Clock, names: FrameNames, show: Show
) -> list[Cell]:
    one = show(statement)
    decrypted = None if c.tls is None else c.tls.decrypted
    inside = decrypted if crossed == "TLS" else None
    user, database = (c.user, c.database) if inside is None else (inside.user, inside.database)
    parameters = ", ".join(f"{p.type} {show_bytes(p.value)}" for p in one.parameters)
    return [
        c.id, show_text(c.client.address), c.client.port, show_text(c.server.address), c.server.port,
        _shown(user), _shown(database), crossed, one.frame, clock.show(one.frame, one.time_ns), one.offset, one.length,
        show_text(one.command), show_bytes(one.sql), parameters, _yes(one.compressed), _yes(one.complete),
        _shown(one.schema), *_answer(one.result), *_place(names, one.frame), show_bytes(one.fingerprint) or None,
    ]


def _answer(answer: AnswerResult | None) -> list[Cell]:
    """Return what answered a statement; nothing where that was not seen."""
    if answer is None:
        return [None] * 8
    columns = " ".join(
        ".".join(show_text(name) for name in (one.schema, one.org_table, one.name) if name) for one in answer.columns
    )
    error = answer.error
    return [
        columns, answer.rows, answer.bytes, answer.affected, answer.warnings, None if error is None else error.code,
        None if error is None else show_text(error.text), None if answer.ms is None else f"{answer.ms:.3f}",
    ]
