"""A scan as JSON lines, written while it runs: every statement, however many there are.

One object a line, with a `type`: `statement` (with its connection's id) as soon as it was seen;
`connection` when it was judged, and its `finding`s; at the end `capture`, the findings that belong to no
connection, and one `summary`, which is always the last line: a file without it was not finished. Fields are
those of `aurora-wire/scan/1`.
"""

from __future__ import annotations

from collections.abc import Callable

from aurora_wire.report.json_fields import (
    Fields,
    capture_fields,
    connection_fields,
    dump,
    finding_fields,
    statement_fields,
    summary_fields,
)
from aurora_wire.report.times import Clock
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan, StatementResult


class JSONLines:
    """`write` is called with one whole line each time. Methods fit the callbacks of `aurora_wire.scan`."""

    def __init__(self, write: Callable[[str], None], *, redact: bool = False) -> None:
        self._write = write
        self._redact = redact
        self._clock = Clock()

    def capture_opened(self, capture: CaptureResult) -> None:
        """Before the capture's first statement: tells whether its times have dates."""
        self._clock.add(capture)

    def statement(self, connection: int, statement: StatementResult) -> None:
        fields = statement_fields(statement, self._clock, redact=self._redact)
        self._line("statement", {"connection": connection, **fields})

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        self._line("connection", connection_fields(connection, self._clock, redact=self._redact))
        for finding in findings:
            self._line("finding", finding_fields(finding))

    def finish(self, scan: Scan) -> None:
        clock = Clock(scan.captures)
        for capture in scan.captures:
            self._line("capture", capture_fields(capture, clock))
        for finding in scan.findings:
            if finding.connection is None:
                self._line("finding", finding_fields(finding))
        self._line("summary", summary_fields(scan, redact=self._redact))

    def _line(self, kind: str, fields: Fields) -> None:
        self._write(dump({"type": kind, **fields}) + "\n")
