"""From what a server answered to findings and a grade.

Source: NIST SP 800-52 Rev. 2 (August 2019): versions (3.1), certificates (3.2.1), cipher suites (3.3.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aurora_wire.posture.bundles import BundleFacts
from aurora_wire.posture.client_hello import TLS11, TLS13
from aurora_wire.posture.probe import PROBED, AddressResult
from aurora_wire.posture.survey import NOT_OFFERED, OFFERED, TLSResult
from aurora_wire.verdict.amazon_roots import by_name
from aurora_wire.verdict.certificates import CertificateFacts
from aurora_wire.verdict.result import Ignored, Severity
from aurora_wire.verdict.rules import posture as rules
from aurora_wire.verdict.rules.certificates import certificate_hits
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.wire.tls import suite_strength as ciphers
from aurora_wire.wire.tls.names import version_name

SOON_DAYS: Final = 30
GRADES: Final[dict[Severity, str]] = {"critical": "F", "high": "D", "medium": "C", "low": "B", "info": "A"}
_ORDER: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high", "critical")
_SHOWN_SUITES: Final = 4


@dataclass(frozen=True, slots=True)
class PostureFinding:
    """One hit of a rule of AW6xx: what was found at which address.

    items: all that the rule was hit by (suites, accounts, versions), of which the detail names the first; empty: the
    hit is one thing.
    """

    rule: str
    severity: Severity
    title: str
    detail: str
    items: tuple[str, ...] = ()
    ignored: Ignored | None = None  # it is known, and takes no part in exit code 1


@dataclass(slots=True)
class Assessment:
    """Findings of one address, worst first. grade: A (informational findings at most) to F; empty: it could
    not be asked.
    """

    grade: str = ""
    findings: list[PostureFinding] = field(default_factory=list)


def assess(result: AddressResult, now: datetime, bundle: BundleFacts | None = None) -> Assessment:
    """Return findings and grade. bundle: what the file given by `--ca` holds."""
    found = Assessment()
    if result.status != PROBED:
        return found
    if result.stripped:
        said = "the greeting has the flag that MySQL sets beside that of TLS (bit 30), and not that of TLS itself"
        _add(found, rules.OFFER_STRIPPED, said)
    elif result.offers_tls is False:
        said = "offered in the greeting, and each hello refused" if result.tls else "the greeting has no flag for TLS"
        _add(found, rules.SERVER_WITHOUT_TLS, said)
    if result.tls is not None:
        _versions(found, result.tls)
        _suites(found, result.tls)
    if result.chain:
        _certificate(found, result.chain, now)
    if result.trusted:
        _add(found, rules.CERTIFICATE_REFUSED, result.trusted)
    if bundle is not None:
        _bundle(found, bundle, result.product.region if result.product is not None else "")
    found.findings = sort_findings(found.findings)
    if result.offers_tls is not None:
        found.grade = "F" if result.offers_tls is False else compute_grade(found.findings)
    return found


def posture_finding(rule: str, detail: str, items: Iterable[str] = ()) -> PostureFinding:
    """Return one hit of a rule, with the registry's title and severity. items: see PostureFinding."""
    entry = RULES[rule]
    return PostureFinding(entry.id, entry.severity, entry.title, detail, tuple(items))


def expiry_findings(ends: datetime | None, now: datetime, whose: str = "") -> list[PostureFinding]:
    """Return a hit where a certificate has expired, or soon does. whose: what is said before the day."""
    days = SOON_DAYS if ends is None else (ends - now).days
    if ends is None or days >= SOON_DAYS:
        return []
    if days < 0:
        return [posture_finding(rules.CERTIFICATE_EXPIRED, f"{whose}on {ends:%Y-%m-%d}")]
    return [posture_finding(rules.CERTIFICATE_EXPIRES, f"{whose}on {ends:%Y-%m-%d}, in {days} days")]


def sort_findings(findings: list[PostureFinding]) -> list[PostureFinding]:
    """Return them worst first, those of one severity by rule."""
    return sorted(findings, key=lambda each: (-_ORDER.index(each.severity), each.rule))


def compute_grade(findings: list[PostureFinding]) -> str:
    """Return the grade that the worst finding gives."""
    return GRADES[max((each.severity for each in findings), key=_ORDER.index, default="info")]


def _add(found: Assessment, rule: str, detail: str, items: Iterable[str] = ()) -> None:
    found.findings.append(posture_finding(rule, detail, items))


def _versions(found: Assessment, tls: TLSResult) -> None:
    obsolete = [version_name(each.version) for each in tls.versions if each.status == OFFERED and each.version <= TLS11]
    if obsolete:
        _add(found, rules.OBSOLETE_OFFERED, ", ".join(obsolete), obsolete)
    offered = any(each.status == OFFERED for each in tls.versions)
    if offered and tls.version(TLS13).status == NOT_OFFERED:
        _add(found, rules.NO_TLS_1_3, "a hello with TLS 1.3 alone was refused")


def _suites(found: Assessment, tls: TLSResult) -> None:
    suites = list(dict.fromkeys(suite for each in tls.versions for suite in each.suites))
    useless = [suite for suite in suites if suite in ciphers.NULL_SUITES or suite in ciphers.ANONYMOUS_SUITES]
    weak_sets = (ciphers.RC4_SUITES, ciphers.DES_SUITES, ciphers.TRIPLE_DES_SUITES, ciphers.EXPORT_SUITES)
    weak = [suite for suite in suites if suite not in useless and any(suite in each for each in weak_sets)]
    lasting = [
        suite for suite in suites
        if suite not in useless and suite not in weak and not ciphers.has_forward_secrecy(suite)
    ]  # fmt: skip
    kinds = {rules.UNPROTECTED_OFFERED: useless, rules.WEAK_OFFERED: weak, rules.LASTING_KEYS_OFFERED: lasting}
    for rule, hits in kinds.items():
        if hits:
            _add(found, rule, _listed(hits), map(ciphers.suite_name, hits))
    short = [each.dh_bits for each in tls.versions if 0 < each.dh_bits < 2048]
    if short:
        _add(found, rules.SHORT_DH, f"a prime of {min(short):,} bits")


def _listed(suites: list[int]) -> str:
    shown = ", ".join(ciphers.suite_name(suite) for suite in suites[:_SHOWN_SUITES])
    return shown if len(suites) <= _SHOWN_SUITES else f"{shown} and {len(suites) - _SHOWN_SUITES} more"


def _certificate(found: Assessment, chain: list[CertificateFacts], now: datetime) -> None:
    for rule, detail in certificate_hits(chain, now, soon_days=SOON_DAYS):
        _add(found, rule, detail)


def _bundle(found: Assessment, bundle: BundleFacts, region: str) -> None:
    reasons = []
    if bundle.withdrawn:
        reasons.append("Amazon has withdrawn the file of this name")
    if bundle.expired:
        reasons.append(f"{len(bundle.expired)} of {bundle.count} certificates have expired")
    if bundle.lacks(region):
        name = f"Amazon RDS {region} Root CA RSA2048 G1"
        known = by_name().get(name)
        such_as = f", such as {name} (its SHA-256: {known.fingerprint})" if known is not None else ""
        reasons.append(f"it has no authority of today's for {region}{such_as}")
    if reasons:
        _add(found, rules.AUTHORITIES_OUTDATED, f"{bundle.path}: {'; '.join(reasons)} (SHA-256 {bundle.sha256})")
