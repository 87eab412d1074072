"""What several reports show of a result, worked out once: its findings by rule and by connection, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from aurora_wire.immutable import immutable
from aurora_wire.report.wording import SEVERITIES
from aurora_wire.verdict.result import Finding, Scan, Severity


@immutable
class RuleFindings:
    """A rule that is broken: the findings that were kept, at least one, and how many there are."""

    rule: str
    findings: list[Finding]
    total: int

    @property
    def severity(self) -> Severity:
        return self.findings[0].severity

    @property
    def order(self) -> tuple[int, str]:
        """Return a key to sort by: the worst first, then by rule."""
        return SEVERITIES.index(self.severity), self.rule


def findings_by_rule(scan: Scan) -> list[RuleFindings]:
    """Return the rules that are broken, the worst first."""
    found: dict[str, list[Finding]] = {}
    for finding in scan.findings:
        found.setdefault(finding.rule, []).append(finding)
    totals = count_findings(scan)
    return sorted((RuleFindings(rule, kept, totals[rule]) for rule, kept in found.items()), key=lambda one: one.order)


def count_findings(scan: Scan) -> Counter[str]:
    """Count findings by rule, with those beyond the bound of what was kept."""
    totals = Counter(finding.rule for finding in scan.findings)
    for rule, number in scan.findings_total.items():
        totals[rule] = max(totals[rule], number)
    return totals


def findings_by_connection(scan: Scan) -> dict[int, list[Finding]]:
    """Return the findings of each connection that has any."""
    found: dict[int, list[Finding]] = {}
    for finding in scan.findings:
        if finding.connection is not None:
            found.setdefault(finding.connection, []).append(finding)
    return found


def paragraph(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines with their ends, and an empty one behind them; nothing if there are none."""
    empty = True
    for line in lines:
        yield line + "\n"
        empty = False
    if not empty:
        yield "\n"
