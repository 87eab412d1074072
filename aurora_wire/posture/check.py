"""Three views of one server held against each other: what it answers, how it is set, and what crossed the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from aurora_wire.posture.assess import Assessment, PostureFinding
from aurora_wire.posture.audit import AuditResult
from aurora_wire.posture.fleet import CLUSTER, Fleet, Member
from aurora_wire.posture.probe import PROBED, ProbeResult
from aurora_wire.posture.survey import OFFERED
from aurora_wire.posture.target import Target
from aurora_wire.verdict.result import Scan
from aurora_wire.wire.tls.names import version_name

State = Literal["in the clear", "may come in the clear", "encrypted only", "cannot tell"]
EXIT_CODES: Final[dict[State, int]] = {
    "in the clear": 1, "may come in the clear": 1, "encrypted only": 0, "cannot tell": 3,
}  # fmt: skip
LEAKS: Final = ("plaintext", "mixed")
MILD: Final = ("info", "low")  # severities of findings that give no grade below B
# The views, in the order shown.
ANSWERS: Final = "what it answers"
SET: Final = "how it is set"
AMAZON: Final = "what Amazon's settings say"
WIRE: Final = "what crossed the wire"
CLIENTS: Final = "what clients do"
VIEWS: Final = (ANSWERS, SET, AMAZON, WIRE, CLIENTS)
_BY_DEFAULT: Final = "default"
_WITHIN: Final = 86_400  # seconds by which two certificates' ends may differ and be one: clocks and formats


@dataclass(slots=True)
class View:
    """One way of looking: what was asked, and the answer in words. state: what it says by itself."""

    name: str
    answer: str
    state: State


@dataclass(slots=True)
class Traffic:
    """What captures hold of one server. sessions: how many, by verdict; elsewhere: sessions with its port that are of
    other addresses; users: who leaked, sorted; complete: all of the input was read, and is judged.
    """

    sessions: dict[str, int] = field(default_factory=dict)
    elsewhere: int = 0
    users: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def leaking(self) -> int:
        """Return how many sessions are in the clear, in part or as a whole."""
        return sum(self.sessions.get(verdict, 0) for verdict in LEAKS)


@dataclass(frozen=True, slots=True)
class Proved:
    """What `prove` saw of one client in one mode. result: in its words, `plaintext`, `TLS`, `refused` ..."""

    client: str
    mode: str
    result: str


@dataclass(slots=True)
class CheckResult:
    """All views of one target. contradictions: where two of them cannot both be the whole truth, in words.

    fleet_asked: Amazon's settings were looked at; member: what they have for this endpoint; None: nothing.
    """

    target: Target
    time: datetime
    views: list[View] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    state: State = "cannot tell"
    probe: ProbeResult | None = None
    assessments: list[Assessment] = field(default_factory=list)
    audit: AuditResult | None = None
    fleet_asked: bool = False
    member: Member | None = None
    traffic: Traffic | None = None
    proved: list[Proved] | None = None

    @property
    def findings(self) -> list[PostureFinding]:
        """Return what probe and audit found, each once."""
        hits = [hit for each in self.assessments for hit in each.findings]
        hits += self.audit.findings if self.audit is not None else []
        return list(dict.fromkeys(hits))

    @property
    def exit_code(self) -> int:
        """Return 0 for encrypted only, 1 where something is or may come in the clear, 3 where that cannot be told.

        Where that rests on findings alone that are all ignored, it is 0: not where captures, clients or Amazon's
        settings say it, too.
        """
        code = EXIT_CODES[self.state]
        return 0 if code == 1 and self._is_known() else code

    def _is_known(self) -> bool:
        """Return whether only views speak of sessions in the clear whose findings are ignored, but for mild ones."""
        bad = {each.name for each in self.views if EXIT_CODES[each.state] == 1}
        heavy = [hit for hit in self.findings if hit.severity not in MILD]
        known = heavy and all(hit.ignored is not None for hit in heavy)
        return bool(known) and bad <= {ANSWERS, SET} and not self.contradictions


def check(
    target: Target,
    *,
    probe: ProbeResult | None = None,
    assessments: list[Assessment] | None = None,
    audit: AuditResult | None = None,
    fleet: Fleet | None = None,
    scan: Scan | None = None,
    proved: list[Proved] | None = None,
) -> CheckResult:
    """Join what was found of one server. What was not asked is None."""
    now = datetime.now(UTC).replace(microsecond=0)
    found = CheckResult(target, now, probe=probe, assessments=assessments or [], audit=audit)
    if fleet is not None:
        found.fleet_asked = True
        found.member = find_member(fleet, target)
    if scan is not None:
        found.traffic = collect_traffic(scan, target, probe)
    found.proved = proved
    join(found)
    return found


def join(found: CheckResult) -> None:
    """Set views, contradictions and state by what each way of looking has found."""
    found.views = []
    if found.probe is not None:
        found.views.append(_of_probe(found.probe, found.assessments))
    if found.audit is not None:
        found.views.append(_of_audit(found.audit))
    if found.fleet_asked:
        found.views.append(_of_member(found.member))
    if found.traffic is not None:
        found.views.append(_of_traffic(found.traffic, found.target))
    if found.proved is not None:
        found.views.append(_of_proof(found.proved))
    found.contradictions = list(_contradictions(found))
    found.state = _whole(found)


def find_member(fleet: Fleet, target: Target) -> Member | None:
    """Return the cluster, instance or proxy whose endpoint the target is; None: Amazon's answer has none."""
    host = target.host.lower().rstrip(".")
    for member in fleet.members:
        if host in [each.host.lower() for each in member.endpoints()]:
            return member
        # A cluster's reader endpoint is not in the answer for its writer, but is made from its name.
        if member.kind == CLUSTER and host.startswith(f"{member.name.lower()}.cluster-ro-"):
            return member
    return None


def _of_probe(probe: ProbeResult, assessments: list[Assessment]) -> View:
    asked = [each for each in probe.addresses if each.status == PROBED]
    if not asked:
        reason = probe.reason or "; ".join(dict.fromkeys(each.reason for each in probe.addresses))
        return View(ANSWERS, f"not probed: {reason}", "cannot tell")
    versions: list[str] = []
    for each in asked:
        for version in each.tls.versions if each.tls is not None else ():
            if version.status == OFFERED and version_name(version.version) not in versions:
                versions.append(version_name(version.version))
    grades = ", ".join(dict.fromkeys(each.grade for each in assessments if each.grade))
    if any(each.offers_tls is False for each in asked):
        said = "the offer of TLS was removed on the way" if any(each.stripped for each in asked) else "no TLS offered"
        return View(ANSWERS, f"{said}, grade {grades}", "may come in the clear")
    if not versions:
        return View(ANSWERS, "cannot tell whether TLS is offered", "cannot tell")
    return View(ANSWERS, f"TLS offered ({', '.join(versions)}), grade {grades}", "cannot tell")


def _of_audit(audit: AuditResult) -> View:
    clear = sum(each.count for each in audit.connected or () if each.kind == "TCP/IP")
    free = [each for each in audit.accounts or () if each.may_come_in_the_clear]
    parts = [f"require_secure_transport is {audit.setting('require_secure_transport') or 'not known to it'}"]
    if audit.accounts is not None and not audit.requires_tls:
        parts.append(f"{len(free)} of {audit.account_count} accounts may come in the clear")
    if audit.connected is not None:
        parts.append(f"{clear} {'session is' if clear == 1 else 'sessions are'} in the clear now")
    state: State = "may come in the clear"
    if clear:
        state = "in the clear"
    elif audit.requires_tls:
        state = "encrypted only"
    return View(SET, f"{'; '.join(parts)}, grade {audit.grade}", state)


def _of_member(member: Member | None) -> View:
    if member is None:
        return View(AMAZON, "no cluster, instance or proxy has this endpoint", "cannot tell")
    if member.requires_tls is None:
        return View(AMAZON, f"{member.kind} {member.name}: cannot tell whether it requires TLS", "cannot tell")
    by = f"by {member.group}" if member.group else "as it is set"
    if member.from_default:
        by = "by default of its version"
    waits = "; a change waits for a restart" if member.pending else ""
    said = "requires TLS" if member.requires_tls else "takes connections in the clear"
    state: State = "encrypted only" if member.requires_tls and not member.pending else "may come in the clear"
    return View(AMAZON, f"{member.kind} {member.name} {said}, {by}{waits}", state)


def collect_traffic(scan: Scan, target: Target, probe: ProbeResult | None) -> Traffic:
    """Count the captured sessions with one of this server's addresses, and its port."""
    addresses = {each.address for each in probe.addresses} if probe is not None else set()
    addresses.add(target.host)
    found = Traffic(complete=scan.exit_code == 0)
    users = set()
    for each in scan.connections:
        if each.server.port != target.port:
            continue
        if each.server.address not in addresses:
            found.elsewhere += 1
            continue
        found.sessions[each.verdict] = found.sessions.get(each.verdict, 0) + 1
        if each.verdict in LEAKS and each.user:
            users.add(each.user)
    found.users = sorted(users)
    return found


def _of_traffic(traffic: Traffic, target: Target) -> View:
    if not traffic.sessions:
        more = f" ({traffic.elsewhere} with port {target.port} of other addresses)" if traffic.elsewhere else ""
        return View(WIRE, f"no session with it was captured{more}", "cannot tell")
    listed = ", ".join(f"{number} {verdict}" for verdict, number in sorted(traffic.sessions.items()))
    whole = traffic.complete and set(traffic.sessions) <= {"encrypted", "no-session"}
    state: State = "in the clear" if traffic.leaking else "encrypted only" if whole else "cannot tell"
    names = traffic.users
    who = f" (by {', '.join(names[:5])}{' and others' if len(names) > 5 else ''})" if names else ""
    return View(WIRE, f"{sum(traffic.sessions.values())} captured: {listed}{who}", state)


def _of_proof(proved: list[Proved]) -> View:
    """Say what clients did just now, each with a fresh word that was looked for on the wire."""
    leaks = [each for each in proved if each.result in LEAKS]
    safe = [each for each in proved if each.result == "TLS"]
    by_default = [each for each in leaks if each.mode == _BY_DEFAULT]
    parts = []
    if leaks:
        parts.append("in the clear: " + ", ".join(f"{each.client} ({each.mode})" for each in leaks))
    if safe:
        parts.append("encrypted: " + ", ".join(f"{each.client} ({each.mode})" for each in safe))
    rest = [each for each in proved if each not in leaks and each not in safe]
    if rest:
        parts.append(", ".join(f"{each.client} ({each.mode}): {each.result}" for each in rest))
    state: State = "in the clear" if by_default else "may come in the clear" if leaks else "cannot tell"
    if not leaks and safe and any(each.mode == "off" and each.result == "refused" for each in proved):
        state = "encrypted only"
    return View(CLIENTS, "; ".join(parts) or "nothing could be tried", state)


def _contradictions(found: CheckResult) -> list[str]:
    """Say which views do not fit together, and what that can mean."""
    told: list[str] = []
    audit, probe, member = found.audit, found.probe, found.member
    leaking = found.traffic.leaking if found.traffic is not None else 0
    requires = (audit is not None and audit.requires_tls) or (
        audit is None and member is not None and bool(member.requires_tls)
    )
    if requires and leaking:
        captured = "1 plaintext session was" if leaking == 1 else f"{leaking} plaintext sessions were"
        told.append(
            f"The server requires TLS, and {captured} captured: from before it was set, with a proxy that speaks TLS "
            "behind it, or with another server at this address."
        )
    proved = found.proved or []
    crossed = [each for each in proved if each.result in LEAKS]
    if requires and crossed:
        told.append(
            f"The server requires TLS, and {crossed[0].client} has just written to it in the clear: a proxy answers "
            "for it, or the setting is another server's."
        )
    asked = [each for each in probe.addresses if each.status == PROBED] if probe is not None else []
    if asked and all(each.offers_tls is False for each in asked) and any(each.result == "TLS" for each in proved):
        told.append("A client got TLS, and the probe was offered none: several servers answer, or one in between.")
    if audit is not None and asked:
        if audit.session[0] and any(each.offers_tls is False for each in asked):
            told.append("The login got TLS, and the probe was offered none: several servers answer, or one in between.")
        greeted = {each.version for each in asked if each.version}
        if audit.version and greeted and not any(_same(audit.version, each) for each in greeted):
            told.append(
                f"It greets as {', '.join(sorted(greeted))} and says that it is {audit.version}: a proxy answers for "
                "it, and how that goes on to the server is not seen from here."
            )
        ends = [each.chain[0].not_after for each in asked if each.chain]
        if audit.not_after is not None and ends and all(
            abs((audit.not_after - end).total_seconds()) > _WITHIN for end in ends
        ):
            told.append(
                f"The certificate that clients see ends on {ends[0]:%Y-%m-%d}, the server's own on "
                f"{audit.not_after:%Y-%m-%d}: TLS ends at something in between."
            )
    if audit is not None and member is not None and member.requires_tls is not None:
        if member.requires_tls != audit.requires_tls:
            why = "a change waits for a restart" if member.pending else "this is another server, or it was set since"
            set_so = "requires TLS, and the server says that it does not"
            if audit.requires_tls:
                set_so = "does not require TLS, and the server says that it does"
            told.append(f"By Amazon's settings it {set_so}: {why}.")
    return told


def _same(version: str, greeted: str) -> bool:
    """Tell whether two versions are one: what is behind the number differs between greeting and VERSION()."""
    return version.split("-", maxsplit=1)[0] == greeted.split("-", maxsplit=1)[0]


def _whole(found: CheckResult) -> State:
    """Return the worst that a view says. `encrypted only` takes a setting that says so: traffic is never all of it."""
    states = {each.state for each in found.views}
    if "in the clear" in states:
        return "in the clear"
    if "may come in the clear" in states:
        return "may come in the clear"
    set_so = any(
        each.state == "encrypted only" and each.name not in (WIRE, CLIENTS) for each in found.views
    )  # fmt: skip
    return "encrypted only" if set_so and not found.contradictions else "cannot tell"
