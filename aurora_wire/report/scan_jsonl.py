"""A scan as JSON lines, written while it runs: every statement, however many there are.

One object a line, with a `type`: `statement` (with its connection's id) as soon as it was seen;
`connection` when it was judged, and its `finding`s; at the end `capture`, the findings that belong to no
connection, and one `summary`, which is always the last line: a file without it was not finished. Fields are
those of `aurora-wire/scan/1`, and say the same.
"""

from __future__ import annotations

from collections.abc import Callable

from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.json_fields import (
    capture_fields,
    connection_fields,
    finding_fields,
    finding_place,
    summary_fields,
)
from aurora_wire.report.json_leaked import place_fields
from aurora_wire.report.json_statements import StatementWriter
from aurora_wire.report.json_text import Fields, dump
from aurora_wire.report.timestamps import Clock, find_clock
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan, StatementResult


class JSONLines:
    """`write` is called with one whole line each time. Methods fit the callbacks of `aurora_wire.scan`.

    Without `begin` no capture is known until `finish`, as with a live one: it is the only one then.
    """

    def __init__(self, write: Callable[[str], None], *, redact: bool = False, reveal: bool = False) -> None:
        self._write = write
        self._redact = redact
        self._reveal = reveal
        self._know(Clock(), FrameNames(()))

    def begin(self, captures: list[CaptureResult], places: FramePlaces, count: int) -> None:
        """Begin, before anything is read: what will be known of `count` captures, and of where their frames are."""
        several = count > 1
        self._know(
            Clock(captures, places, several=several), FrameNames(captures, places, several=several)
        )

    def _know(self, clock: Clock, names: FrameNames) -> None:
        self._clock = clock
        self._names = names
        self._statements = StatementWriter(clock, names, redact=self._redact, reveal=self._reveal)

    def statement(self, connection: int, statement: StatementResult) -> None:
        before = f'"type": "statement", "connection": {connection}, '
        self._write(self._statements.write(statement, before) + "\n")

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        self._line("connection", connection_fields(
            connection, self._clock, self._names, redact=self._redact, reveal=self._reveal
        ))
        for finding in findings:
            # One without a frame is where its connection begins, as in `json`.
            at = connection.first_frame if finding.frame is None else finding.frame
            place = place_fields(self._names, at)
            if place and finding.frame is None:
                place["capture_frame"] = None
            self._line("finding", {**finding_fields(finding), **place})

    def finish(self, scan: Scan) -> None:
        clock = find_clock(scan)
        places = FindingLocator(scan)
        for capture in scan.captures:
            self._line("capture", capture_fields(capture, clock))
        for finding in scan.findings:
            if finding.connection is None:
                self._line("finding", {**finding_fields(finding), **finding_place(finding, places)})
        self._line("summary", summary_fields(scan, redact=self._redact))

    def _line(self, kind: str, fields: Fields) -> None:
        self._write(dump({"type": kind, **fields}) + "\n")
