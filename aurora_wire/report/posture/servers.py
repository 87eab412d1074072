"""A row for each server of a result: what SARIF, JUnit, OCSF, Markdown, CSV and HTML show of it.

A server is an address that was probed, a server that was logged in to, a member of a fleet, or a target that was
checked. Texts are as they came: each format escapes them in its own way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote

from aurora_wire.posture.assess import Assessment, PostureFinding
from aurora_wire.posture.audit import AuditResult
from aurora_wire.posture.check import CheckResult, View
from aurora_wire.posture.fleet import Fleet, Gap, Member
from aurora_wire.posture.known import open_grade
from aurora_wire.posture.probe import PROBED, AddressResult, ProbeResult
from aurora_wire.posture.result import GOOD_GRADES, Kind, Posture
from aurora_wire.posture.survey import OFFERED
from aurora_wire.posture.target import Target
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.servers import find_kind
from aurora_wire.wire.tls.names import version_name

Outcome = Literal["good", "bad", "unknown"]
CODES: Final[dict[int, Outcome]] = {0: "good", 1: "bad", 3: "unknown"}
# What `check` says, in words.
STATE_WORDS: Final = {
    "in the clear": "sessions are in the clear",
    "may come in the clear": "sessions may come in the clear",
    "encrypted only": "takes encrypted sessions only",
    "cannot tell": "cannot tell",
}


@dataclass(slots=True)
class ServerRow:
    """One server. name: as it was asked for; place: its address or region, empty: none of its own.

    outcome: `good` or `bad` as the exit code has it, `unknown`: it could not be told; says: that in a few words;
    reason: why it could not be told; host and port: empty and 0 where there is no endpoint.
    """

    kind: Kind
    name: str
    place: str
    host: str
    port: int
    time: datetime
    outcome: Outcome
    says: str
    reason: str = ""
    grade: str = ""
    version: str = ""
    product: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    findings: list[PostureFinding] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Return its name, and its place where that says more."""
        return self.name if not self.place or self.place == self.host else f"{self.name} ({self.place})"

    @property
    def uri(self) -> str:
        """Return `mysql://db.example.com:3306`, or `rds:eu-west-1/cluster/shop` where there is no endpoint."""
        if not self.host:
            return f"rds:{_quoted(self.place)}/{_quoted(self.name, '/')}"
        host = f"[{_quoted(self.host, ':')}]" if ":" in self.host else _quoted(self.host)
        return f"mysql://{host}:{self.port}"

    def fix(self, rule: str) -> str:
        """Return how to fix a finding of this rule here."""
        return RULES[rule].fix_for({find_kind(self.version or None, self.host or None)})


def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe, errors="surrogatepass")


def list_rows(posture: Posture) -> list[ServerRow]:
    """Return the rows of a result, in the order of its servers."""
    rows = [row for result, assessments in posture.probes for row in _of_probe(result, assessments)]
    rows += map(_of_audit, posture.audits)
    rows += map(_of_check, posture.checks)
    if posture.fleet is not None:
        rows += _of_fleet(posture.fleet)
    return rows


def list_gaps(posture: Posture) -> list[Gap]:
    """Return what of Amazon's settings could not be read."""
    return [] if posture.fleet is None else posture.fleet.gaps


def gap_text(gap: Gap) -> str:
    """Return what could not be read, and why."""
    where = f"{gap.region}: " if gap.region else ""
    return f"{where}{gap.what}: {f'the policy lacks {gap.action}' if gap.action else gap.reason}"


def _of_probe(result: ProbeResult, assessments: list[Assessment]) -> Iterator[ServerRow]:
    target = result.target
    if not result.addresses:
        yield ServerRow(
            "probe", str(target), "", target.host, target.port, result.time, "unknown", "not probed", result.reason
        )
    for each, assessment in zip(result.addresses, assessments, strict=True):
        grade = assessment.grade
        weighed = open_grade(assessment)
        row = ServerRow(
            "probe", str(target), each.address, target.host, target.port, result.time,
            "unknown" if not grade else "good" if weighed in GOOD_GRADES else "bad",
            f"grade {grade}" if grade else "no grade" if each.status == PROBED else "not probed",
            each.reason, grade, each.version, each.product.name if each.product is not None else "",
            findings=assessment.findings,
        )  # fmt: skip
        row.facts = list(_facts_of_address(each, result.time))
        if not grade and not row.reason:
            row.reason = "cannot tell whether TLS is offered"
        yield row


def _facts_of_address(each: AddressResult, now: datetime) -> Iterator[tuple[str, str]]:
    if each.status != PROBED:
        return
    if each.version:
        product = f" ({each.product.name})" if each.product is not None else ""
        yield "server", f"{each.version}{product}"
    if each.auth_plugin:
        yield "login by", each.auth_plugin
    offered = [one for one in each.tls.versions if one.status == OFFERED] if each.tls is not None else []
    if offered:
        yield "TLS", ", ".join(version_name(one.version) for one in offered)
        yield "suites", str(len({suite for one in offered for suite in one.suites}))
    else:
        yield "TLS", {True: "offered", False: "not offered", None: "cannot tell"}[each.offers_tls]
    if each.chain:
        own = each.chain[0]
        key = f"{own.key} {own.key_bits}" if own.key == "RSA" else own.key
        yield "certificate", f"{own.amazon or own.subject}; {key}; SHA-256 {own.fingerprint}"
        yield "valid until", f"{own.not_after:%Y-%m-%d} ({own.days_left(now):,} days left)"
    if each.trusted is not None:
        yield "trust", f"not accepted: {each.trusted}" if each.trusted else "accepted"


def _of_audit(audit: AuditResult) -> ServerRow:
    target = audit.target
    return ServerRow(
        "audit", str(target), "", target.host, target.port, audit.time,
        "good" if open_grade(audit) in GOOD_GRADES else "bad", f"grade {audit.grade}", "", audit.grade, audit.version,
        facts=list(_facts_of_audit(audit)), findings=audit.findings,
    )  # fmt: skip


def _facts_of_audit(audit: AuditResult) -> Iterator[tuple[str, str]]:
    yield "server", audit.version
    yield "account", audit.account
    version, cipher = audit.session
    yield "this session", f"{version}, {cipher}" if version else "in the clear"
    yield "requires TLS", "yes" if audit.requires_tls else "no"
    if audit.not_after is not None:
        yield "valid until", f"{audit.not_after:%Y-%m-%d}"
    if audit.connected is not None:
        clear = sum(each.count for each in audit.connected if each.kind == "TCP/IP")
        yield "connected now", f"{sum(each.count for each in audit.connected):,}, {clear:,} of them in the clear"
    if audit.accounts is not None:
        free = 0 if audit.requires_tls else sum(each.may_come_in_the_clear for each in audit.accounts)
        yield "accounts", f"{audit.account_count:,}, {free:,} of them may come in the clear"
    says = {True: "TLS", False: "in the clear", None: "cannot tell"}
    for channel in audit.channels:
        yield f"replication {channel.name}", f"from {channel.source}: {says[channel.tls]}"
    for denied in audit.denied:
        yield "not seen", f"{denied.what}; {denied.grant}"


def _of_fleet(fleet: Fleet) -> Iterator[ServerRow]:
    for each in fleet.members:
        place = next(iter(each.endpoints()), None)
        name = each.name if not each.cluster else f"{each.cluster}/{each.name}"
        says = {True: "requires TLS", False: "takes connections in the clear", None: "cannot tell"}[each.requires_tls]
        yield ServerRow(
            "fleet", f"{each.kind}/{name}", each.region, place.host if place else "", place.port if place else 0,
            fleet.time,
            {True: "good", False: "bad", None: "unknown"}[each.requires_tls],  # type: ignore[arg-type]
            says, "" if each.requires_tls is not None else "its settings do not tell",
            version=each.version, product=each.engine, facts=list(facts_of_member(each)),
            findings=each.findings(fleet.time),
        )  # fmt: skip


def facts_of_member(each: Member) -> Iterator[tuple[str, str]]:
    """Yield what Amazon's settings say of one server, name by name; what was not told is left out."""
    yield "engine", " ".join(filter(None, (each.engine, each.version)))
    if each.endpoint:
        yield "endpoint", each.endpoint
    if each.group:
        yield "parameter group", each.group
    if each.from_default:
        yield "set by", "the default of its version"
    if each.pending:
        yield "waits", "a change waits for a restart"
    if each.tls_versions:
        yield "TLS", each.tls_versions
    if each.ca:
        yield "authority", each.ca
    if each.ca_expires is not None:
        yield "valid until", f"{each.ca_expires:%Y-%m-%d}"
    for name, value in (("IAM", each.iam), ("public address", each.public)):
        if value is not None:
            yield name, "yes" if value else "no"


def _of_check(check: CheckResult) -> ServerRow:
    target: Target = check.target
    asked = [each for each in check.probe.addresses if each.version] if check.probe is not None else []
    version = check.audit.version if check.audit is not None else asked[0].version if asked else ""
    return ServerRow(
        "check", str(target), "", target.host, target.port, check.time, CODES[check.exit_code],
        STATE_WORDS[check.state], "no view decides it" if check.state == "cannot tell" else "", version=version,
        facts=[(each.name, f"{each.state}: {each.answer}") for each in check.views], findings=check.findings,
        views=check.views, contradictions=check.contradictions,
    )  # fmt: skip
