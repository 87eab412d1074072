"""What the HTML report says of findings, and what they say about the controls of compliance frameworks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.html.limits import PLACES_EACH
from aurora_wire.report.html.text import clip
from aurora_wire.report.summary import RuleFindings, count_findings, findings_by_rule
from aurora_wire.report.wording import SEVERITIES, count, place
from aurora_wire.verdict.result import Finding, Scan
from aurora_wire.verdict.rules.controls import CONTROLS, Mapping
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.rules.stances import mappings_of_connection, mappings_of_rule


@dataclass(slots=True, frozen=True)
class RuleCard:
    id: str
    title: str
    severity: str
    times: str
    why: str
    fix: list[tuple[bool, str]]     # (is a command to paste, text)
    references: tuple[str, ...]
    places: list[tuple[int | None, str]]    # (connection, in words)
    more: int
    controls: list[str]             # that a hit contradicts


@dataclass(slots=True)
class ControlRow:
    framework: str
    id: str
    title: str
    asks: str
    contradicts: list[str] = field(default_factory=list)
    supports: list[str] = field(default_factory=list)


def rule_cards(scan: Scan, places: FindingLocator, frameworks: Sequence[str] = ()) -> list[RuleCard]:
    """Return the cards by severity; with frameworks, what contradicts one of their controls first."""

    def is_unmapped(one: RuleFindings) -> bool:
        return not any(mapping.control.key in frameworks for mapping in mappings_of_rule(one.rule))

    return [
        _card(one.rule, one.findings, one.total, places, frameworks)
        for one in sorted(findings_by_rule(scan), key=is_unmapped)  # by severity among each other
    ]


def _card(
    rule: str, findings: list[Finding], total: int, places: FindingLocator, frameworks: Sequence[str]
) -> RuleCard:
    entry = RULES.get(rule)
    first = findings[0]
    return RuleCard(
        id=clip(rule),
        title=clip(first.title),
        severity=first.severity,
        times=f"{total:,} times" if total != 1 else "once",
        why="" if entry is None else entry.why,
        fix=[] if entry is None else fix_lines(places.fix(entry, findings)),
        references=() if entry is None else entry.references,
        places=[_place(finding, places.names) for finding in findings[:PLACES_EACH]],
        more=total - min(len(findings), PLACES_EACH),
        controls=[_control(one) for one in mappings_of_rule(rule) if not frameworks or one.control.key in frameworks],
    )


def fix_lines(advice: str) -> list[tuple[bool, str]]:
    """Return the lines of an advice: (is a command to paste, text)."""
    return [(line.startswith("  "), line.strip()) for line in advice.split("\n")]


def _place(finding: Finding, names: FrameNames) -> tuple[int | None, str]:
    where = place(names.optional(finding.frame), None, finding.offset, finding.connection)
    return finding.connection, ": ".join(part for part in (where, clip(finding.detail, 400)) if part)


def _control(mapping: Mapping) -> str:
    return f"{mapping.control.framework} {mapping.control.id}"


def severities(scan: Scan) -> list[tuple[str, int]]:
    """Return (severity, how many findings), of those there are."""
    totals = count_findings(scan)
    counted: Counter[str] = Counter()
    for rule, number in totals.items():
        if rule in RULES:
            counted[RULES[rule].severity] += number
    return [(severity, counted[severity]) for severity in SEVERITIES if counted[severity]]


def control_rows(scan: Scan, frameworks: Sequence[str] = ()) -> list[ControlRow]:
    """Return every control, those of `frameworks` alone where there are any."""
    rows = {one: ControlRow(one.framework, one.id, one.title, one.asks) for one in CONTROLS
            if not frameworks or one.key in frameworks}
    hits: dict[int, set[str]] = {}
    for finding in scan.findings:
        if finding.connection is not None:
            hits.setdefault(finding.connection, set()).add(finding.rule)
    for rule, number in sorted(count_findings(scan).items()):
        for mapping in mappings_of_rule(rule):
            if mapping.control in rows and number:
                times = f"{number:,} times" if number > 1 else "once"
                rows[mapping.control].contradicts.append(_with(mapping.wording, f"{rule}, {times}"))
    said: Counter[Mapping] = Counter()
    for one in scan.connections:
        said.update(mappings_of_connection(one, frozenset(hits.get(one.id, ()))))
    for mapping, number in said.items():
        if mapping.control not in rows:
            continue
        row = rows[mapping.control]
        text = _with(mapping.wording, count(number, "connection"))
        (row.contradicts if mapping.stance == "contradicts" else row.supports).append(text)
    return list(rows.values())


def _with(sentence: str, more: str) -> str:
    """Return `A login that crossed readable contradicts SC-8 (AW102, once).`"""
    return f"{sentence.removesuffix('.')} ({more})."
