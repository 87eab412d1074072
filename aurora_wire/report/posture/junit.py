"""What servers allow as JUnit XML: a test case for each server, so that a pipeline goes red as the exit code does.

A suite for each name that was asked for. `bad` is a failure, with the findings as its text; what could not be told is
an error. Of `check` each view is a case, too: one that cannot tell by itself is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aurora_wire.posture.check import View
from aurora_wire.posture.result import Posture
from aurora_wire.report.fingerprints import shorten
from aurora_wire.report.junit import ERROR, FAILED, NAME, PASSED, SKIPPED, TEXT, Pieces, totals
from aurora_wire.report.posture.servers import Outcome, ServerRow, gap_text, list_gaps, list_rows

OUTCOMES: Final[dict[Outcome, str]] = {"good": PASSED, "bad": FAILED, "unknown": ERROR}
VIEWS: Final = {
    "in the clear": FAILED, "may come in the clear": FAILED, "encrypted only": PASSED, "cannot tell": SKIPPED,
}  # fmt: skip


def render(posture: Posture) -> Iterator[str]:
    """Yield pieces of text."""
    pieces = Pieces()
    suites: dict[str, list[ServerRow]] = {}
    rows = list_rows(posture)
    for row in rows:
        suites.setdefault(row.name, []).append(row)
    gaps = list_gaps(posture)
    whole = [outcome for row in rows for outcome in _outcomes(row)] + [ERROR] * len(gaps)
    pieces.open(0, "testsuites", {"name": "aurora-wire", **totals(whole)})
    for name, of_it in suites.items():
        counts = totals([outcome for row in of_it for outcome in _outcomes(row)])
        when = {"timestamp": f"{of_it[0].time:%Y-%m-%dT%H:%M:%S}"}
        pieces.open(1, "testsuite", {"name": f"{posture.kind} {shorten(name, NAME)}", **counts, **when})
        _properties(pieces, posture)
        for row in of_it:
            _case(pieces, row)
            yield pieces.take()
        pieces.close(1, "testsuite")
    if gaps:
        pieces.open(1, "testsuite", {"name": "not seen", **totals([ERROR] * len(gaps))})
        for gap in gaps:
            pieces.open(2, "testcase", {"classname": "fleet", "name": shorten(gap.what, NAME)})
            pieces.element(3, ERROR, {"type": "not seen", "message": shorten(gap_text(gap), TEXT)})
            pieces.close(2, "testcase")
        pieces.close(1, "testsuite")
    pieces.close(0, "testsuites")
    yield pieces.take() + "\n"


def _properties(pieces: Pieces, posture: Posture) -> None:
    """Write the exceptions that were given: how many findings each is about, or that it has expired."""
    if not posture.exceptions:
        return
    pieces.open(2, "properties", {})
    for one in posture.exceptions:
        said = f"expired on {one.until}, not applied" if one.expired else f"until {one.until}"
        value = shorten(f"{one.known} {said}, {one.findings:,} findings: {one.reason}", TEXT)
        pieces.element(3, "property", {"name": "exception", "value": value})
    pieces.close(2, "properties")


def _outcomes(row: ServerRow) -> list[str]:
    """Return the outcome of each test case: that of the server, then those of its views."""
    return [OUTCOMES[row.outcome], *(VIEWS[view.state] for view in row.views)]


def _case(pieces: Pieces, row: ServerRow) -> None:
    name = f"{row.kind} {shorten(row.name, NAME)}"
    pieces.open(2, "testcase", {"classname": name, "name": shorten(row.title, NAME), "time": "0"})
    outcome = OUTCOMES[row.outcome]
    if outcome != PASSED:
        reason = f": {shorten(row.reason, TEXT)}" if row.reason else ""
        findings = f", {len(row.findings):,} finding{'' if len(row.findings) == 1 else 's'}" if row.findings else ""
        text = "\n".join(_details(row))
        pieces.element(3, outcome, {"type": row.says, "message": f"{row.says}{findings}{reason}"}, text)
    facts = [f"{shorten(name, NAME)}: {shorten(value, TEXT)}" for name, value in row.facts]
    pieces.element(3, "system-out", {}, "\n".join([row.says, *facts, *(_details(row) if outcome == PASSED else ())]))
    pieces.close(2, "testcase")
    for view in row.views:
        _view(pieces, name, view)


def _view(pieces: Pieces, classname: str, view: View) -> None:
    pieces.open(2, "testcase", {"classname": classname, "name": view.name, "time": "0"})
    outcome = VIEWS[view.state]
    message = f"{view.state}: {shorten(view.answer, TEXT)}"
    if outcome == SKIPPED:
        pieces.element(3, SKIPPED, {"message": message})
    elif outcome != PASSED:
        pieces.element(3, outcome, {"type": view.state, "message": message})
    pieces.element(3, "system-out", {}, message)
    pieces.close(2, "testcase")


def _details(row: ServerRow) -> Iterator[str]:
    for hit in row.findings:
        yield f"{hit.rule} {hit.severity}: {hit.title}: {shorten(hit.detail, TEXT)}"
    for text in row.contradictions:
        yield f"contradiction: {shorten(text, TEXT)}"
