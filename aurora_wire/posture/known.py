"""Findings of what servers allow that are known and accepted for a time (`--ignore`, `--baseline`).

They stay in the result, marked with reason and last day; grades and what views say stay as they are. What they take is
the exit code 1. As a result is read again or masked, they are marked anew by the exceptions that it lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from aurora_wire.posture.assess import Assessment, PostureFinding, compute_grade
from aurora_wire.verdict.exceptions import KnownFinding, parse_known
from aurora_wire.verdict.result import ExceptionResult, Ignored

if TYPE_CHECKING:
    from aurora_wire.posture.audit import AuditResult
    from aurora_wire.posture.check import CheckResult
    from aurora_wire.posture.probe import ProbeResult


class Known:
    """The exceptions that a result lists. Marks findings that are not marked yet, and counts them."""

    def __init__(self, given: Iterable[ExceptionResult]) -> None:
        """Begin. Raises UsageError for what is no exception: a result that is read may hold anything."""
        self.given = list(given)
        self._known = [
            parse_known(f"{one.known} {one.until} {one.reason}", "exceptions", hosts=True) for one in self.given
        ]

    def mark_probe(self, result: ProbeResult, assessments: list[Assessment]) -> None:
        """Mark what the addresses of a server have."""
        for address, each in zip(result.addresses, assessments, strict=True):
            self._mark(each, result.target.host, address.address)

    def mark_audit(self, audit: AuditResult, address: str = "") -> None:
        """Mark what somebody saw who logged in. address: where that is known; else the target may be one."""
        self._mark(audit, audit.target.host, address or audit.target.host)

    def mark_check(self, check: CheckResult) -> None:
        """Mark what probe and audit of one server have."""
        addresses = [] if check.probe is None else check.probe.addresses
        if check.probe is not None:
            self.mark_probe(check.probe, check.assessments)
        if check.audit is not None:
            self.mark_audit(check.audit, addresses[0].address if len(addresses) == 1 else "")

    def results(self) -> list[ExceptionResult]:
        """Return each exception with how many findings it is about."""
        return [replace(given, findings=one.hits) for one, given in zip(self._known, self.given, strict=True)]

    def _mark(self, each: Assessment | AuditResult, name: str, address: str) -> None:
        each.findings = [self._marked(hit, name, address) for hit in each.findings]

    def _marked(self, hit: PostureFinding, name: str, address: str) -> PostureFinding:
        for one, given in zip(self._known, self.given, strict=True):
            if one.is_of_server(hit.rule, name, address):
                one.hits += 1
                if not given.expired:
                    detail = f"{hit.detail} [ignored until {given.until}: {given.reason}]".lstrip()
                    return replace(hit, detail=detail, ignored=Ignored(given.reason, given.until))
        return hit


def list_given(known: Iterable[KnownFinding], today: date) -> list[ExceptionResult]:
    """Return exceptions as a result lists them, before they are about anything. today: against which they expire."""
    return [ExceptionResult(one.told, one.until.isoformat(), one.reason, 0, one.until < today) for one in known]


def open_findings(findings: Iterable[PostureFinding]) -> list[PostureFinding]:
    """Return those that are not ignored."""
    return [hit for hit in findings if hit.ignored is None]


def open_grade(each: Assessment | AuditResult) -> str:
    """Return the grade that findings give which are not ignored; empty where there is no grade."""
    left = open_findings(each.findings)
    return each.grade if not each.grade or len(left) == len(each.findings) else compute_grade(left)
