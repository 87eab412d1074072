"""Configuration, the server's answer and traffic of each server in one row, from any number of results and a scan."""

from __future__ import annotations

from collections.abc import Sequence

from aurora_wire.posture.check import CheckResult, collect_traffic, find_member, join
from aurora_wire.posture.fleet import Fleet, Member
from aurora_wire.posture.result import Posture
from aurora_wire.posture.target import Target
from aurora_wire.verdict.result import Scan


def joined(results: Sequence[Posture], scan: Scan | None = None) -> list[CheckResult]:
    """Return what all views say of each server, in the order in which they are named.

    scan: its sessions are the traffic, in place of what a check has seen itself. Members of a fleet that nobody asked
    by themselves come last.
    """
    rows: dict[Target, CheckResult] = {}
    for posture in results:
        for result, assessments in posture.probes:
            row = rows.setdefault(result.target, CheckResult(result.target, result.time))
            row.probe, row.assessments = result, assessments
        for audit in posture.audits:
            rows.setdefault(audit.target, CheckResult(audit.target, audit.time)).audit = audit
        for check in posture.checks:
            _add_check(rows.setdefault(check.target, CheckResult(check.target, check.time)), check)
    for posture in results:
        if posture.fleet is not None:
            _add_fleet(rows, posture.fleet)
    for row in rows.values():
        if scan is not None:
            row.traffic = collect_traffic(scan, row.target, row.probe)
        join(row)
    return list(rows.values())


def _add_check(row: CheckResult, check: CheckResult) -> None:
    row.time = max(row.time, check.time)
    if check.probe is not None:
        row.probe, row.assessments = check.probe, check.assessments
    row.audit = check.audit or row.audit
    if check.fleet_asked:
        row.fleet_asked, row.member = True, check.member
    row.traffic = check.traffic or row.traffic
    row.proved = check.proved if check.proved is not None else row.proved


def _add_fleet(rows: dict[Target, CheckResult], fleet: Fleet) -> None:
    """Give each server its member, and each member that is left a row."""
    taken: list[Member] = []
    for row in rows.values():
        member = find_member(fleet, row.target)
        row.fleet_asked = True
        if member is not None:
            row.member = member
            taken.append(member)
    for member in fleet.members:
        if not any(member is each for each in taken):
            target = next(iter(member.endpoints()), Target(member.name))
            row = rows.setdefault(target, CheckResult(target, fleet.time))
            row.fleet_asked, row.member = True, member
