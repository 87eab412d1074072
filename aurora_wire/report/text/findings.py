"""The parts of the text report with the findings, and with what was not decoded and why."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.summary import findings_by_rule
from aurora_wire.report.text.table import table_rows
from aurora_wire.report.wording import SEVERITIES, Style, advice, count, counted, place
from aurora_wire.verdict.result import Finding, Scan
from aurora_wire.verdict.rules.registry import RULES

PLACES_SHOWN = 3  # of a rule


def findings_text(scan: Scan, style: Style) -> Iterator[str]:
    by_rule = findings_by_rule(scan)
    if not by_rule:
        return
    by_severity = (
        (severity, sum(one.total for one in by_rule if one.severity == severity)) for severity in SEVERITIES
    )
    yield style.title(f"{count(sum(one.total for one in by_rule), 'finding')}: {counted(by_severity)}")
    names, places = style.names(scan), FindingLocator(scan)
    told: dict[str, str] = {}  # advice so far, line by line: under which rule
    for one in by_rule:
        yield from _rule(one.rule, one.findings, one.total, names, style)
        if one.rule in RULES:
            fix = places.fix(RULES[one.rule], one.findings)
            yield from advice("Fix: " + _fix(one.rule, fix, told), "      ", style)
    yield "  Why each of these matters: aurora-wire rules ID"


def _rule(rule: str, findings: list[Finding], total: int, names: FrameNames, style: Style) -> Iterator[str]:
    first = findings[0]
    times = f", {total:,} times" if total > 1 else ""
    yield f"  {rule}  {style.severity(first.severity)}: {show_text(first.title)}{times}"
    for finding in findings[:PLACES_SHOWN]:
        where = place(names.optional(finding.frame), None, finding.offset, finding.connection)
        detail = show_text(finding.detail)
        yield from style.wrap(": ".join(part for part in (where, detail) if part), "      ")
    if total > PLACES_SHOWN:
        yield f"      and {total - PLACES_SHOWN:,} more: --format json"


def _fix(rule: str, fix: str, told: dict[str, str]) -> str:
    """Return a rule's advice; what was said under an earlier rule is not said again."""
    lines = fix.split("\n")
    earlier = told.get(lines[0])
    if earlier is not None:
        lines = [f"as for {earlier}.", *(line for line in lines if line not in told)]
    for line in lines:
        told.setdefault(line, rule)
    return "\n".join(lines)


def undecoded_text(scan: Scan, style: Style) -> Iterator[str]:
    if not scan.undecoded:
        return
    yield style.title("What could not be seen, and how to capture it")
    rows = [
        (show_text(row.reason), count(row.count, show_text(row.unit).removesuffix("s")),
         "" if row.bytes is None else count(row.bytes, "byte"))
        for row in scan.undecoded
    ]
    header, *blocks = table_rows(("why", "how many", "bytes"), rows, width=style.room)
    yield from header
    for lines, row in zip(blocks, scan.undecoded, strict=True):
        yield from lines
        if row.remedy:
            yield f"      {show_text(row.remedy)}"  # a command is pasted: never wrapped
