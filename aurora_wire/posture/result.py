"""What one run of `probe`, `audit`, `fleet` or `check` found, and what all of them share: the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from aurora_wire._version import VERSION
from aurora_wire.posture.assess import Assessment, assess
from aurora_wire.posture.audit import AuditResult, judge
from aurora_wire.posture.bundles import BundleFacts
from aurora_wire.posture.check import CheckResult, join
from aurora_wire.posture.fleet import Fleet
from aurora_wire.posture.known import Known, open_grade
from aurora_wire.posture.probe import ProbeResult
from aurora_wire.verdict.result import ExceptionResult

Kind = Literal["probe", "audit", "fleet", "check"]
KINDS: Final[tuple[Kind, ...]] = ("probe", "audit", "fleet", "check")
GOOD_GRADES: Final = ("A", "B")

Probed = tuple[ProbeResult, list[Assessment]]


@dataclass(slots=True)
class Posture:
    """The result of one command. kind: which; the list of this kind is filled, the others are empty.

    authorities: what the file given by `--ca` holds, None: none was given; exceptions: findings that are known, as
    given; tool_version: of who made the result.
    """

    kind: Kind
    probes: list[Probed] = field(default_factory=list)
    audits: list[AuditResult] = field(default_factory=list)
    fleet: Fleet | None = None
    checks: list[CheckResult] = field(default_factory=list)
    authorities: BundleFacts | None = None
    exceptions: list[ExceptionResult] = field(default_factory=list)
    tool_version: str = VERSION

    @property
    def exit_code(self) -> int:
        """Return 0 where all is well, 1 where something is or may come in the clear, 3 where that cannot be told."""
        codes = [exit_code_of_probe(*each) for each in self.probes]
        codes += [0 if open_grade(each) in GOOD_GRADES else 1 for each in self.audits]
        codes += [each.exit_code for each in self.checks]
        if self.fleet is not None:
            codes.append(self.fleet.exit_code)
        return worst(codes)


def worst(codes: list[int]) -> int:
    """Return the exit code of several: 1 before 3 before 0. Of none: 3, nothing was seen."""
    return 1 if 1 in codes else max(codes, default=3)


def exit_code_of_probe(result: ProbeResult, assessments: list[Assessment]) -> int:
    """Return 1 for a grade of C or worse by what is not ignored, 3 where an address could not be probed, else 0."""
    if any(each.grade and open_grade(each) not in GOOD_GRADES for each in assessments):
        return 1
    return 0 if result.addresses and all(each.grade for each in assessments) else 3


def judge_again(posture: Posture) -> Posture:
    """Return the result with everything that follows from what was read (findings, grades, views) made anew."""
    bundle = posture.authorities
    audits = [replace(each) for each in posture.audits]
    for audit in audits:
        judge(audit)
    checks = [replace(each, audit=None if each.audit is None else replace(each.audit)) for each in posture.checks]
    for check in checks:
        if check.probe is not None:
            check.assessments = [assess(each, check.probe.time, bundle) for each in check.probe.addresses]
        if check.audit is not None:
            judge(check.audit)
        join(check)
    made = replace(
        posture,
        probes=[(each, [assess(one, each.time, bundle) for one in each.addresses]) for each, _ in posture.probes],
        audits=audits,
        checks=checks,
    )
    known = Known(made.exceptions)
    for probed in made.probes:
        known.mark_probe(*probed)
    for audit in made.audits:
        known.mark_audit(audit)
    for check in made.checks:
        known.mark_check(check)
    made.exceptions = known.results()
    return made
