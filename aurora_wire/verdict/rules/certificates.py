"""What is wrong with certificates: the same checks for those that crossed and for those that a probe was shown.

In a capture one connection has one hit a rule; in a probe each certificate has its own.
The rules' texts are in posture.py (AW607 to AW616) and tls.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.result import UNDATED_BEFORE_NS
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.posture import (
    AUTHORITY_EXPIRED,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_EXPIRES,
    OWN_CERTIFICATE,
    SELF_SIGNED,
    SHORT_DH,
    WEAK_CERTIFICATE,
)
from aurora_wire.verdict.rules.tls import OTHER_NAME

if TYPE_CHECKING:
    from datetime import datetime

    from aurora_wire.verdict.certificates import CertificateFacts
    from aurora_wire.verdict.result import ConnectionResult
    from aurora_wire.wire.flows.facts import Facts

LEAST_CURVE: Final = 224  # bits
LEAST_RSA: Final = 2048
LEAST_DH: Final = 2048
NAMES_SHOWN: Final = 4
BROKEN_HASHES: Final = ("MD5", "SHA1")


def certificate_hits(
    chain: Sequence[CertificateFacts | None], now: datetime | None, *, soon_days: int = 0
) -> Iterator[tuple[str, str]]:
    """Yield the rules that a chain hits, each with what was seen.

    chain: the side's own certificate first, None for one that cannot be read; now: None where the time is not known;
    soon_days: tell of certificates that end within so many days.
    """
    for number, each in enumerate(chain):
        if each is None:
            continue
        whose = "the server's certificate" if number == 0 else f"certificate {number + 1} of the chain ({each.subject})"
        if now is not None:
            yield from _time(each, whose, now, soon_days)
        if each.key_bits and each.key_bits < (LEAST_CURVE if each.key.startswith("ECDSA") else LEAST_RSA):
            yield WEAK_CERTIFICATE, f"{whose} has a key of {each.key} with {each.key_bits} bits"
        # The signature of a root is verified by nobody: it is trusted for being there.
        if any(name in each.signature.upper() for name in BROKEN_HASHES) and not (each.is_self_signed and number > 0):
            yield WEAK_CERTIFICATE, f"{whose} is signed with {each.signature}"
    if now is not None:
        yield from _amazon(chain, now)
    own = chain[0] if chain else None
    if own is not None and own.own:
        yield OWN_CERTIFICATE, own.own
    elif own is not None and own.is_self_signed:
        yield SELF_SIGNED, f"{own.subject} signed it itself"


def _time(each: CertificateFacts, whose: str, now: datetime, soon_days: int) -> Iterator[tuple[str, str]]:
    if each.not_after < now:
        yield CERTIFICATE_EXPIRED, f"{whose} expired on {each.not_after:%Y-%m-%d}"
    elif each.not_before > now:
        yield CERTIFICATE_EXPIRED, f"{whose} is valid from {each.not_before:%Y-%m-%d} on"
    elif soon_days and each.days_left(now) < soon_days:
        said = f"{whose} expires on {each.not_after:%Y-%m-%d}, in {each.days_left(now)} days"
        yield CERTIFICATE_EXPIRES, said


def _amazon(chain: Sequence[CertificateFacts | None], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the authorities of Amazon's that the chain leads to and that have expired: shown in it, or named in it."""
    from aurora_wire.verdict.amazon_roots import by_fingerprint, by_name  # noqa: PLC0415 - where there are any

    told: set[str] = set()
    for each in chain:
        if each is None:
            continue
        for known in (by_fingerprint().get(each.fingerprint), by_name().get(each.issuer_name)):
            if known is not None and known.expires < f"{now:%Y-%m-%d}" and known.name not in told:
                told.add(known.name)
                yield AUTHORITY_EXPIRED, f"{known.name} expired on {known.expires}"


def check(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield what was wrong with the server's certificates at the time of the capture, and with its key exchange."""
    tls = facts.tls
    if tls is None:
        return
    if 0 <= tls.dh_bits < LEAST_DH:
        yield Hit(SHORT_DH, f"a prime of {int(tls.dh_bits):,} bits", tls.server_frame)
    if not tls.server.certificates:
        return
    from datetime import UTC, datetime  # noqa: PLC0415 - where there are any

    from aurora_wire.verdict.certificates import describe_certificate  # noqa: PLC0415

    chain = [describe_certificate(der) for der in tls.server.certificates]
    time = result.first_time_ns
    now = None  # where the capture names no date
    if time is not None and time >= UNDATED_BEFORE_NS:
        now = datetime.fromtimestamp(time // 1_000_000_000, UTC)
    found: dict[str, list[str]] = {}
    for rule, detail in certificate_hits(chain, now):
        found.setdefault(rule, []).append(detail)
    own = chain[0]
    if own is not None:
        others = [f"{said} {name}" for said, name in _names_wanted(facts) if own.is_for(name) is False]
        if others:
            listed = ", ".join((own.names or own.common_names)[:NAMES_SHOWN]) or "no name"
            found[OTHER_NAME] = [f"{', '.join(others)}; the certificate is for {listed}"]
    for rule, details in found.items():
        yield Hit(rule, "; ".join(details), tls.server.certificates_frame)


def _names_wanted(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield the names of the server that the client said: in its hello, and in its attributes."""
    tls = facts.tls
    offer = tls.client_hello if tls is not None else None
    if offer is not None and offer.sni:
        yield "the client asked for", offer.sni.decode("utf-8", "backslashreplace")
    login = facts.login
    if login is None and facts.decrypted is not None and facts.decrypted.inside is not None:
        login = facts.decrypted.inside.login
    if login is not None:
        for key, value in login.attributes:
            if key == b"_server_host" and value:
                yield "the client connected to", value.decode("utf-8", "backslashreplace")
