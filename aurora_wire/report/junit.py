"""A scan as JUnit XML: one test case a connection, so that a pipeline goes red where one is in the clear.

A suite for each server, and one of the scan: its verdict, and whether each capture was read to its end. A leak is
a failure; what could not be judged is an error; a connection without a session was never tested: skipped. Text
from the wire is escaped visibly, since XML 1.0 has no way to hold most control characters. Written in pieces.

Source: the format as Jenkins, GitLab and pytest read and write it (`xunit2`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import StringIO
from typing import Final
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from aurora_wire.redact.secrets import shown as visible
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.fingerprints import shorten
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.summary import findings_by_connection
from aurora_wire.report.timestamps import SECOND, Clock, find_clock
from aurora_wire.report.wording import LEAKS, count, endpoint, judged, place
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan, StatementResult

PASSED, FAILED, ERROR, SKIPPED = "passed", "failure", "error", "skipped"
STATEMENTS: Final = 10      # of a connection
TEXT: Final = 500           # characters of one from the wire
NAME: Final = 128

Show = Callable[[StatementResult], StatementResult]


class Pieces:
    """Elements in, text out: `take` returns what was written since."""

    def __init__(self) -> None:
        self._text = StringIO()
        self._xml = XMLGenerator(self._text, "utf-8", short_empty_elements=True)
        self._xml.startDocument()

    def take(self) -> str:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text

    def open(self, indent: int, name: str, attributes: dict[str, str]) -> None:
        if indent:
            self._xml.ignorableWhitespace("\n" + " " * indent)
        self._xml.startElement(name, AttributesImpl(attributes))

    def close(self, indent: int, name: str) -> None:
        self._xml.ignorableWhitespace("\n" + " " * indent)
        self._xml.endElement(name)

    def element(self, indent: int, name: str, attributes: dict[str, str], text: str = "") -> None:
        self.open(indent, name, attributes)
        if text:
            self._xml.characters(text)
        self._xml.endElement(name)


def render(
    scan: Scan, *, redact: bool = False, reveal: bool = False, require_proven: bool = False
) -> Iterator[str]:
    """Yield pieces of text. redact: mask literals; reveal: show passwords; require_proven: likely is a failure."""
    show = partial(visible, redact=redact, reveal=reveal)
    pieces = Pieces()
    by_server: dict[str, list[ConnectionResult]] = {}
    for connection in scan.connections:
        by_server.setdefault(endpoint(connection.server), []).append(connection)
    findings = findings_by_connection(scan)

    def name_outcome(one: ConnectionResult) -> str:
        return _outcome(one, findings.get(one.id, ()), require_proven)

    outcomes = [name_outcome(one) for one in scan.connections]
    of_scan = [_outcome_of_all(scan), *(PASSED if capture.complete else ERROR for capture in scan.captures)]
    clock, names = find_clock(scan), frame_names(scan)
    pieces.open(0, "testsuites", {"name": "aurora-wire", **totals(outcomes + of_scan)})
    pieces.open(1, "testsuite", {"name": "scan", **totals(of_scan)})
    _whole(pieces, scan)
    for capture in scan.captures:
        _capture(pieces, capture, several=len(scan.captures) > 1)
        yield pieces.take()
    pieces.close(1, "testsuite")
    for server, connections in by_server.items():
        counts = totals([name_outcome(one) for one in connections])
        pieces.open(1, "testsuite", {"name": f"server {server}", **counts, **_timestamp(connections, clock)})
        for connection in connections:
            _case(pieces, connection, findings.get(connection.id, ()), names, show, require_proven)
            yield pieces.take()
        pieces.close(1, "testsuite")
    pieces.close(0, "testsuites")
    yield pieces.take() + "\n"


def _outcome(connection: ConnectionResult, findings: Sequence[Finding], require_proven: bool) -> str:
    if connection.verdict in LEAKS:
        known = findings and all(one.ignored is not None for one in findings)
        return SKIPPED if known else FAILED
    if connection.verdict == "inconclusive":
        return ERROR
    if connection.verdict == "encrypted":
        return FAILED if require_proven and connection.confidence != "proven" else PASSED
    return SKIPPED


def _outcome_of_all(scan: Scan) -> str:
    """Return the outcome as the exit code says: who sees no connection at all has not seen that they are encrypted."""
    if scan.exit_code == 1:
        return FAILED
    return PASSED if scan.exit_code == 0 else ERROR


def totals(outcomes: Sequence[str]) -> dict[str, str]:
    """Return the counts of test cases, as attributes."""
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count(FAILED)),
        "errors": str(outcomes.count(ERROR)),
        "skipped": str(outcomes.count(SKIPPED)),
    }


def _timestamp(connections: list[ConnectionResult], clock: Clock) -> dict[str, str]:
    """Return the time of the first connection, in UTC, as an attribute; empty if it has no date."""
    first = min(connections, key=lambda one: one.first_frame)
    shown = clock.show(first.first_frame, first.first_time_ns)
    return {"timestamp": shown[:19]} if shown is not None and "T" in shown else {}


def _whole(pieces: Pieces, scan: Scan) -> None:
    verdict = judged(scan.verdict, scan.confidence)
    outcome = _outcome_of_all(scan)
    pieces.open(2, "testcase", {"classname": "scan", "name": "verdict of the whole"})
    if outcome != PASSED:
        message = f"{verdict}: {shorten(scan.closing, TEXT)}"
        pieces.element(3, outcome, {"type": scan.verdict, "message": message})
    beyond = scan.connections_total - len(scan.connections)
    left = f"; {count(beyond, 'more connection')} judged and counted, not listed" if beyond > 0 else ""
    pieces.element(3, "system-out", {}, f"verdict {verdict}, exit code {scan.exit_code}{left}")
    pieces.close(2, "testcase")


def _capture(pieces: Pieces, capture: CaptureResult, *, several: bool) -> None:
    pieces.open(2, "testcase", {"classname": "scan", "name": f"capture {shorten(capture.path, TEXT)}"})
    if not capture.complete:
        message = shorten(capture.error or "not read to its end", TEXT)
        pieces.element(3, ERROR, {"type": "incomplete", "message": message})
    verdict = ""
    if several and capture.verdict is not None:
        verdict = f"verdict {judged(capture.verdict, capture.confidence)}, "
    said = f"{verdict}{count(capture.packets, 'packet')}, SHA-256 {capture.sha256 or 'unknown'}"
    pieces.element(3, "system-out", {}, said)
    pieces.close(2, "testcase")


def _case(
    pieces: Pieces, connection: ConnectionResult, findings: Sequence[Finding], names: FrameNames, show: Show,
    require_proven: bool,
) -> None:
    c = connection
    user = "" if c.user is None else f"{shorten(c.user, NAME)}@"
    database = "" if c.database is None else f", database {shorten(c.database, NAME)}"
    name = f"connection {c.id}: {user}{endpoint(c.client)}{database}"
    seconds = max(0, (c.last_time_ns or 0) - (c.first_time_ns or 0)) if c.first_time_ns is not None else 0
    whole, rest = divmod(seconds, SECOND)
    pieces.open(
        2, "testcase",
        {"classname": f"server {endpoint(c.server)}", "name": name, "time": f"{whole}.{rest // 1_000_000:03d}"},
    )
    outcome = _outcome(c, findings, require_proven)
    if outcome == SKIPPED:
        known = [f"; {shorten(one.detail, TEXT)}" for one in findings[:1] if one.ignored is not None]
        pieces.element(3, SKIPPED, {"message": _message(c) + "".join(known)})
    elif outcome != PASSED:
        kind = c.verdict if c.verdict != "encrypted" else "not proven"
        text = "\n".join(_details(c, findings, names, show))
        pieces.element(3, outcome, {"type": kind, "message": _message(c)}, text)
    pieces.element(3, "system-out", {}, "\n".join(_facts(c, names)))
    pieces.close(2, "testcase")


def _message(c: ConnectionResult) -> str:
    parts = [judged(c.verdict, c.confidence)]
    if c.statements_total:
        parts.append(f"{count(c.statements_total, 'statement')} in the clear")
    if c.verdict not in LEAKS or not c.statements_total:
        parts += [shorten(reason.text, TEXT) for reason in c.reasons[:1]]
    return ": ".join((parts[0], "; ".join(parts[1:]))) if len(parts) > 1 else parts[0]


def _details(
    c: ConnectionResult, findings: Sequence[Finding], names: FrameNames, show: Show
) -> Iterator[str]:
    for finding in findings:
        said = f"{finding.rule} {finding.severity}: {finding.title}: {shorten(finding.detail, TEXT)}"
        yield _at(said, place(names.optional(finding.frame), None, finding.offset))
    for reason in c.reasons:
        said = f"{reason.id}: {shorten(reason.text, TEXT)}"
        yield _at(said, place(names.optional(reason.frame), reason.direction, reason.offset))
    for statement in c.statements[:STATEMENTS]:
        shown = show(statement)
        yield f"frame {names.name(shown.frame)}: {shown.command}: {show_bytes(shown.sql, limit=TEXT)}"
    more = c.statements_total - min(len(c.statements), STATEMENTS)
    if more > 0:
        yield f"{count(more, 'more statement')}: --format jsonl writes all of them"


def _at(said: str, where: str) -> str:
    return f"{said} ({where})" if where else said


def _facts(c: ConnectionResult, names: FrameNames) -> Iterator[str]:
    yield f"verdict {judged(c.verdict, c.confidence)}, frames {names.span(c.first_frame, c.last_frame)}"
    if c.tls is not None:
        yield f"TLS {shorten(c.tls.version or 'version not seen', NAME)} {shorten(c.tls.cipher or '', NAME)}".rstrip()
    for name, side in (("client", c.client_coverage), ("server", c.server_coverage)):
        yield (
            f"bytes of the {name}: {side.seen} seen, {side.tls} in TLS, {side.plaintext} in the clear, "
            f"{side.missing} missing, {side.truncated} cut off, {side.unknown} unknown"
        )
