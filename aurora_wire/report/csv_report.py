r"""Tables of a scan as CSV (RFC 4180): connections, statements. For spreadsheets, so formulas are defused.

Text is escaped as everywhere (one line, nothing hidden) and always in quotes; numbers are bare. A text that a
spreadsheet would run as a formula gets a `'` in front; a semicolon before one, which some take for the end of
a cell, is written `\x3b`. Nothing else is changed.

Sources: RFC 4180; OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain
from typing import Final

from aurora_wire.report.escape import show_bytes, show_text
from aurora_wire.report.places import findings_by_connection
from aurora_wire.report.redact import redact_statement
from aurora_wire.report.times import Clock
from aurora_wire.verdict.result import ConnectionResult, Coverage, Scan, StatementResult, TLSResult

Cell = str | int | None

COVERAGE: Final = ("seen", "missing", "truncated", "tls", "plaintext", "unprotected_by_design", "unknown")
CONNECTION_COLUMNS: Final = (
    "id", "client_address", "client_port", "server_address", "server_port", "verdict", "confidence", "proof",
    "protocol", "user", "database", "program", "auth_plugin", "server_version", "thread_id", "compression",
    "tls_version", "tls_cipher", "tls_sni", "tls_resumed", "first_frame", "last_frame", "first_time", "last_time",
    "packets", "statements_total",
    *(f"client_{name}" for name in COVERAGE), *(f"server_{name}" for name in COVERAGE),
    "reasons", "findings",
)
STATEMENT_COLUMNS: Final = (
    "connection", "client_address", "client_port", "server_address", "server_port", "user", "database", "crossed",
    "frame", "time", "offset", "length", "command", "sql", "parameters", "compressed", "complete",
)

_FORMULA: Final = re.compile("[\\s'\"]*[=+\\-@\uff0b\uff0d\uff1d\uff20]")   # ASCII and full width
_SEMICOLON: Final = re.compile("[;](?=[\\s'\"]*[=+\\-@\uff0b\uff0d\uff1d\uff20])")


def connections(scan: Scan) -> Iterator[str]:
    """Lines, each with its CRLF: the names of the columns, then one for each connection."""
    clock = Clock(scan.captures)
    found = findings_by_connection(scan)
    rules = {number: " ".join(dict.fromkeys(one.rule for one in hits)) for number, hits in found.items()}
    yield from rows(CONNECTION_COLUMNS, (_connection(c, clock, rules.get(c.id, "")) for c in scan.connections))


def statements(scan: Scan, *, redact: bool = False) -> Iterator[str]:
    """The same for statements; `crossed` is `clear`, or `TLS` for what a key log opened. redact: mask literals."""
    clock = Clock(scan.captures)
    yield from rows(STATEMENT_COLUMNS, _statements(scan, clock, redact))


def rows(columns: Sequence[str], table: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """A header and rows, one line each. Text may be anything."""
    buffer = StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for row in chain([columns], table):
        writer.writerow([_defuse(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _defuse(text: str) -> str:
    if ";" in text:
        text = _SEMICOLON.sub(r"\\x3b", text)
    return f"'{text}" if _FORMULA.match(text) else text


def _shown(text: str | None) -> str | None:
    return None if text is None else show_text(text)


def _connection(c: ConnectionResult, clock: Clock, rules: str) -> list[Cell]:
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
    ]


def _coverage(coverage: Coverage) -> list[int]:
    return [getattr(coverage, name) for name in COVERAGE]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _statements(scan: Scan, clock: Clock, redact: bool) -> Iterator[list[Cell]]:
    for c in scan.connections:
        for statement in c.statements:
            yield _statement(c, statement, "clear", clock, redact)
        opened = None if c.tls is None else c.tls.opened
        for statement in () if opened is None else opened.statements:
            yield _statement(c, statement, "TLS", clock, redact)


def _statement(
    c: ConnectionResult, statement: StatementResult, crossed: str, clock: Clock, redact: bool
) -> list[Cell]:
    one = redact_statement(statement) if redact else statement
    opened = None if c.tls is None else c.tls.opened
    inside = opened if crossed == "TLS" else None
    user, database = (c.user, c.database) if inside is None else (inside.user, inside.database)
    parameters = ", ".join(f"{p.type} {show_bytes(p.value)}" for p in one.parameters)
    return [
        c.id, show_text(c.client.address), c.client.port, show_text(c.server.address), c.server.port,
        _shown(user), _shown(database), crossed, one.frame, clock.show(one.frame, one.time_ns), one.offset, one.length,
        show_text(one.command), show_bytes(one.sql), parameters, _yes(one.compressed), _yes(one.complete),
    ]
