"""What servers allow, compared: results of `probe`, `audit`, `fleet` or `check`. What got better, what worse?

Compared is each thing that a rule was hit by (a suite, an account, a version), server by server. That something is not
found any more counts as better only where it was looked for: what could not be seen is `not known`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from aurora_wire.errors import UsageError
from aurora_wire.posture.assess import PostureFinding
from aurora_wire.posture.audit import AuditResult
from aurora_wire.posture.check import CheckResult
from aurora_wire.posture.client_hello import TLS11, TLS13
from aurora_wire.posture.fleet import Member
from aurora_wire.posture.probe import PROBED, AddressResult
from aurora_wire.posture.result import KINDS, Kind, Posture, worst
from aurora_wire.posture.survey import NOT_OFFERED, OFFERED
from aurora_wire.report.posture.from_json import GRADES
from aurora_wire.verdict.rules import posture as rules
from aurora_wire.verdict.rules.registry import RULES

# What became of one thing, worst first.
WORSE: Final = "got worse"
STILL: Final = "still there"
UNKNOWN: Final = "not known"
NEW: Final = "not known before"
BETTER: Final = "got better"
CHANGES: Final = (WORSE, STILL, UNKNOWN, NEW, BETTER)

STATES: Final = ("encrypted only", "may come in the clear", "in the clear")

OF_VERSIONS: Final = frozenset((rules.OBSOLETE_OFFERED,))
OF_SUITES: Final = frozenset(
    (rules.WEAK_OFFERED, rules.UNPROTECTED_OFFERED, rules.LASTING_KEYS_OFFERED, rules.SHORT_DH)
)
EXPIRY: Final = frozenset((rules.CERTIFICATE_EXPIRED, rules.CERTIFICATE_EXPIRES))
OF_CERTIFICATES: Final = EXPIRY | {
    rules.WEAK_CERTIFICATE, rules.OWN_CERTIFICATE, rules.AUTHORITY_EXPIRED, rules.SELF_SIGNED,
}  # fmt: skip
OF_ACCOUNTS: Final = frozenset(
    (rules.ACCOUNTS_WITHOUT_TLS, rules.PASSWORD_AS_IT_IS, rules.ANONYMOUS_ACCOUNT, rules.OLD_HASH)
)
# Their items name users, who may be masked.
NAMING: Final = OF_ACCOUNTS | {rules.CONNECTED_IN_CLEAR}
OF_OFFER: Final = frozenset((rules.SERVER_WITHOUT_TLS, rules.OFFER_STRIPPED))
OF_PROBE: Final = (
    OF_OFFER | OF_VERSIONS | OF_SUITES | OF_CERTIFICATES
    | {rules.NO_TLS_1_3, rules.CERTIFICATE_REFUSED, rules.AUTHORITIES_OUTDATED}
)  # fmt: skip
OF_AUDIT: Final = (
    OF_ACCOUNTS | OF_VERSIONS | EXPIRY
    | {rules.TLS_NOT_REQUIRED, rules.CONNECTED_IN_CLEAR, rules.REPLICATION_IN_CLEAR, rules.FILES_ON_DEMAND,
       rules.SERVER_WITHOUT_TLS}
)  # fmt: skip
OF_FLEET: Final = OF_VERSIONS | EXPIRY | {rules.TLS_NOT_REQUIRED}


class Point(NamedTuple):
    """One thing that is wrong. view: who found it; item: what the rule was hit by, empty: the hit is one thing."""

    view: str
    rule: str
    item: str


@dataclass(slots=True)
class Seen:
    """What one result says of one server. rank: the lower the better, -1: not told; seen: by view, the rules that
    would have been found if they were hit.
    """

    says: str = ""
    rank: int = -1
    points: dict[Point, str] = field(default_factory=dict)
    seen: dict[str, frozenset[str]] = field(default_factory=dict)

    def looked_for(self, point: Point) -> bool:
        return point.rule in self.seen.get(point.view, frozenset())

    def add(self, view: str, findings: list[PostureFinding], looked_for: frozenset[str]) -> None:
        """Add what one view found. Of several answers of one view (addresses) what all of them looked for counts."""
        before = self.seen.get(view)
        self.seen[view] = looked_for if before is None else before & looked_for
        for hit in findings:
            for item in hit.items or ("",):
                self.points.setdefault(Point(view, hit.rule, item), hit.detail)

    def say(self, says: str, rank: int) -> None:
        """Note the answer; the worst of several counts, and one that is not told takes the others'."""
        if not self.says or rank < 0 or 0 <= self.rank < rank:
            self.says, self.rank = says, rank


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a comparison. rule and item are empty where it is about the answer as a whole."""

    change: str
    server: str
    rule: str
    severity: str
    title: str
    item: str
    text: str


@dataclass(slots=True)
class PostureComparison:
    """Results of one command, before and after: mostly one each; a bundle may hold several, or none of this command.

    names_ignored: users are masked in one of them, so are not compared.
    """

    kind: Kind
    before: list[Posture]
    after: list[Posture]
    changes: list[Change]
    names_ignored: bool
    servers: tuple[int, int]

    def count(self, change: str) -> int:
        return sum(1 for one in self.changes if one.change == change)

    @property
    def same(self) -> bool:
        """Return whether nothing got better or worse, came or went."""
        return not any(one.change in (WORSE, BETTER, NEW) for one in self.changes)

    @property
    def same_code(self) -> int:
        """Return 0 for the same, 1 for not, 3 for the same as far as it was seen."""
        if not self.same:
            return 1
        return 3 if self.count(UNKNOWN) else 0

    @property
    def exit_code(self) -> int:
        """Return 1 if something got worse, or the second result's exit code is 1; 3 if that cannot be said; else 0."""
        code = worst([each.exit_code for each in self.after])
        if self.count(WORSE) or code == 1:
            return 1
        return 3 if self.count(UNKNOWN) or code else 0


def compare_postures(before: Posture, after: Posture) -> PostureComparison:
    """Compare two results. Raises UsageError where they are of different commands."""
    if before.kind != after.kind:
        raise UsageError(f"a result of {before.kind} and one of {after.kind} are not compared: give two of one.")
    return _compare(before.kind, [before], [after])


def compare_each_kind(before: Sequence[Posture], after: Sequence[Posture]) -> list[PostureComparison]:
    """Compare what two bundles hold, command by command. What only one of them was asked is not known of the other."""
    found = []
    for kind in KINDS:
        was, now = [one for one in before if one.kind == kind], [one for one in after if one.kind == kind]
        if was or now:
            found.append(_compare(kind, was, now))
    return found


def _compare(kind: Kind, before: list[Posture], after: list[Posture]) -> PostureComparison:
    ignored = any(map(_is_masked, [*before, *after]))
    was, now = _servers(before, ignored=ignored), _servers(after, ignored=ignored)
    changes = [
        change for name in dict.fromkeys([*was, *now]) for change in _changes(name, was.get(name), now.get(name))
    ]
    changes.sort(key=lambda one: (CHANGES.index(one.change), one.server, one.rule, one.item))
    return PostureComparison(kind, before, after, changes, ignored, (len(was), len(now)))


def _changes(name: str, was: Seen | None, now: Seen | None) -> Iterator[Change]:
    if was is None or now is None:
        found = was or now or Seen()
        if was is None:
            yield Change(NEW, name, "", "", "", "", f"not asked before; {found.says} now")
        else:
            yield Change(UNKNOWN, name, "", "", "", "", f"{found.says} before; not asked in the second result")
        return
    yield from _whole(name, was, now)
    for point in dict.fromkeys([*was.points, *now.points]):
        entry = RULES[point.rule]
        change, text = _of_point(point, was, now)
        yield Change(change, name, entry.id, entry.severity, entry.title, point.item, text)


def _whole(name: str, was: Seen, now: Seen) -> Iterator[Change]:
    """Compare the answers: grades, states, whether TLS is required."""
    if was.rank == now.rank:
        if now.rank < 0:
            yield Change(UNKNOWN, name, "", "", "", "", f"{now.says} in both")
        return
    text = f"{was.says} before, {now.says} now"
    if now.rank < 0:
        yield Change(UNKNOWN, name, "", "", "", "", text)
    elif was.rank < 0:
        yield Change(NEW, name, "", "", "", "", text)
    else:
        yield Change(WORSE if now.rank > was.rank else BETTER, name, "", "", "", "", text)


def _of_point(point: Point, was: Seen, now: Seen) -> tuple[str, str]:
    if point in was.points and point in now.points:
        return STILL, now.points[point]
    if point in now.points:
        return (WORSE if was.looked_for(point) else NEW), now.points[point]
    if now.looked_for(point):
        return BETTER, f"before: {was.points[point]}"
    return UNKNOWN, f"before: {was.points[point]}; the second result does not tell"


def _is_masked(posture: Posture) -> bool:
    audits = [*posture.audits, *(each.audit for each in posture.checks if each.audit is not None)]
    return any(each.user.startswith("*") for audit in audits for each in audit.accounts or ())


def _servers(postures: Sequence[Posture], *, ignored: bool) -> dict[str, Seen]:
    """Return what results say, by the name of the server; all addresses of a name are one server."""
    found: dict[str, Seen] = {}
    for posture in postures:
        _add_servers(posture, found)
    return {name: _without_names(seen) for name, seen in found.items()} if ignored else found


def _add_servers(posture: Posture, found: dict[str, Seen]) -> None:
    def at(name: str) -> Seen:
        return found.setdefault(name, Seen())

    has_authorities = posture.authorities is not None
    for result, assessments in posture.probes:
        seen = at(str(result.target))
        if not result.addresses:
            seen.say("not probed", -1)
            seen.add("probe", [], frozenset())
        for each, assessment in zip(result.addresses, assessments, strict=True):
            grade = assessment.grade
            seen.say(f"grade {grade}" if grade else "not probed", GRADES.index(grade) if grade else -1)
            seen.add("probe", assessment.findings, looked_for_by_probe(each, has_authorities=has_authorities))
    for audit in posture.audits:
        at(str(audit.target)).say(f"grade {audit.grade}", GRADES.index(audit.grade))
        at(str(audit.target)).add("audit", audit.findings, looked_for_by_audit(audit))
    for check in posture.checks:
        _add_check(at(str(check.target)), check, has_authorities=has_authorities)
    if posture.fleet is not None:
        for member in posture.fleet.members:
            name = "/".join(filter(None, (member.region, member.kind, member.cluster, member.name)))
            _add_member(at(name), member, posture.fleet.time)


def _without_names(seen: Seen) -> Seen:
    points: dict[Point, str] = {}
    for point, detail in seen.points.items():
        if point.rule in NAMING:
            points.setdefault(point._replace(item=""), "")
        else:
            points[point] = detail
    return Seen(seen.says, seen.rank, points, seen.seen)


def _add_check(seen: Seen, check: CheckResult, *, has_authorities: bool) -> None:
    seen.say(check.state, STATES.index(check.state) if check.state in STATES else -1)
    if check.probe is not None:
        if not check.probe.addresses:
            seen.add("probe", [], frozenset())
        for each, assessment in zip(check.probe.addresses, check.assessments, strict=True):
            seen.add("probe", assessment.findings, looked_for_by_probe(each, has_authorities=has_authorities))
    if check.audit is not None:
        seen.add("audit", check.audit.findings, looked_for_by_audit(check.audit))
    if check.member is not None:
        seen.add("fleet", check.member.findings(check.time), looked_for_by_fleet(check.member))


def _add_member(seen: Seen, member: Member, now: datetime) -> None:
    says = {True: "requires TLS", False: "takes connections in the clear", None: "cannot tell"}
    seen.say(says[member.requires_tls], {True: 0, False: 1, None: -1}[member.requires_tls])
    seen.add("fleet", member.findings(now), looked_for_by_fleet(member))


def looked_for_by_probe(each: AddressResult, *, has_authorities: bool) -> frozenset[str]:
    """Return the rules that a probe of this address would have found."""
    if each.status != PROBED or each.offers_tls is None:
        return frozenset()
    if each.tls is None:  # no TLS: what it would be like is not known
        return OF_OFFER
    told = (OFFERED, NOT_OFFERED)
    versions = each.tls.versions
    return _without(
        OF_PROBE,
        (OF_VERSIONS, any(one.status not in told for one in versions if one.version <= TLS11)),
        ({rules.NO_TLS_1_3}, each.tls.version(TLS13).status not in told),
        (OF_SUITES, any(one.status not in told or not one.complete for one in versions)),
        (OF_CERTIFICATES, not each.chain),
        ({rules.CERTIFICATE_REFUSED}, each.trusted is None),
        ({rules.AUTHORITIES_OUTDATED}, not has_authorities),
    )


def looked_for_by_audit(audit: AuditResult) -> frozenset[str]:
    """Return the rules that this audit would have found: its account may not see all."""
    return _without(
        OF_AUDIT,
        (OF_ACCOUNTS, audit.accounts is None),
        ({rules.CONNECTED_IN_CLEAR}, audit.connected is None),
        ({rules.REPLICATION_IN_CLEAR}, any("replication" in each.what for each in audit.denied)),
        (EXPIRY, audit.not_after is None),
    )


def looked_for_by_fleet(member: Member) -> frozenset[str]:
    """Return the rules that Amazon's settings of this server would have hit."""
    unknown = member.requires_tls is None  # the group was not read
    return _without(OF_FLEET, (OF_VERSIONS | {rules.TLS_NOT_REQUIRED}, unknown), (EXPIRY, member.ca_expires is None))


def _without(every: frozenset[str], *parts: tuple[Set[str], bool]) -> frozenset[str]:
    """Return the rules without those of parts that could not be seen. parts: rules, and whether that is so."""
    return every.difference(*(some for some, unseen in parts if unseen))
