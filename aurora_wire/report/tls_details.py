"""Key exchange, certificates and fingerprints of a TLS handshake: as JSON, and in words for text and HTML."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from aurora_wire.report.json_text import Fields, clean, optional
from aurora_wire.report.wording import count
from aurora_wire.verdict.certificates import MISSING, CertificateFacts, can_read, describe_certificate
from aurora_wire.verdict.result import TLSResult

NAMES_SHOWN = 4
NOT_KEPT = "not kept: the bound of all certificates together, or one larger than 64 KiB"
UNREADABLE = "cannot be read"
OF_CLIENT = {"none": "asked for, none shown", "not visible": "not visible", "shown": "shown, masked here"}


def detail_fields(tls: TLSResult, *, redact: bool = False) -> Fields:
    """Return the members of a connection's `tls` object. redact: who the client's certificate is for is left out."""
    kept = [der for der in (*(tls.certificates or ()), *tls.client_certificates) if der]
    certificates = tls.certificates
    return {
        "group": tls.group,
        "post_quantum": tls.post_quantum,
        "hello_retry": tls.hello_retry,
        "extended_master_secret": tls.extended_master_secret,
        "encrypt_then_mac": tls.encrypt_then_mac,
        "dh_bits": tls.dh_bits,
        "certificates": None if certificates is None else [_certificate(der) for der in certificates],
        "certificates_total": tls.certificates_total,
        "no_certificates": tls.no_certificates,
        "client_certificate": tls.client_certificate,
        "client_certificates": [_certificate(der, redact=redact) for der in tls.client_certificates],
        "ja3": tls.ja3,
        "ja4": tls.ja4,
        **({"certificates_unread": MISSING} if kept and not can_read() else {}),
    }


def _certificate(der: bytes, *, redact: bool = False) -> Fields | None:
    """Return the object of a certificate; None of one that was not kept."""
    if not der:
        return None
    facts = describe_certificate(der)
    digest = hashlib.sha256(der).hexdigest()
    if facts is None:
        return {
            "subject": None, "issuer": None, "san": None, "key": None, "key_bits": None, "signature": None,
            "not_before": None, "not_after": None, "self_signed": None, "sha256": None if redact else digest,
        }  # fmt: skip
    return {
        "subject": None if redact else clean(facts.subject),
        "issuer": optional(None if redact else facts.issuer),
        "san": None if redact else [clean(name) for name in facts.names],
        "key": facts.key,
        "key_bits": facts.key_bits or None,
        "signature": facts.signature,
        "not_before": _time(facts.not_before),
        "not_after": _time(facts.not_after),
        "self_signed": facts.is_self_signed,
        "sha256": None if redact else digest,
    }


def _time(value: datetime) -> str:
    return value.replace(tzinfo=None, microsecond=0).isoformat() + "Z"  # strftime writes no year before 1000 in full


def details_in_words(tls: TLSResult, *, redact: bool = False) -> Iterator[tuple[str, str]]:
    """Yield what there is to say, each with its heading. Not escaped: names in certificates are of the wire."""
    if tls.group is not None or tls.dh_bits is not None:
        yield "Key exchange", _key_exchange(tls)
    said = {True: "yes", False: "no"}
    if tls.extended_master_secret is not None:
        yield "Extended master secret", said[tls.extended_master_secret]
    if tls.encrypt_then_mac is not None:
        yield "Encrypt-then-MAC", said[tls.encrypt_then_mac]
    if tls.certificates is not None:
        yield "Server's certificate", _chain(tls.certificates, tls.certificates_total)
    elif tls.no_certificates is not None:
        yield "Server's certificate", tls.no_certificates
    if any(tls.client_certificates):
        shown = "shown, masked here" if redact else _chain(tls.client_certificates, tls.client_certificates_total)
        yield "Client's certificate", shown
    elif tls.client_certificate in OF_CLIENT:
        yield "Client's certificate", OF_CLIENT[tls.client_certificate]
    if tls.ja4 is not None:
        yield "JA4", tls.ja4
    if tls.ja3 is not None:
        yield "JA3", tls.ja3


def _key_exchange(tls: TLSResult) -> str:
    parts = [tls.group] if tls.group is not None else []
    if tls.group is None and tls.dh_bits is not None:
        parts.append(f"Diffie-Hellman, {count(tls.dh_bits, 'bit')}")
    parts.append("post-quantum" if tls.post_quantum else "not post-quantum")
    if tls.hello_retry:
        parts.append("after a HelloRetryRequest")
    return ", ".join(parts)


def _chain(chain: Sequence[bytes], total: int) -> str:
    """Return the side's own certificate in words, and how many come with it."""
    if not chain:
        return "none"
    own = chain[0]
    facts = describe_certificate(own)
    if facts is not None:
        text = _in_words(facts)
    elif not own:
        text = NOT_KEPT
    else:
        text = f"SHA-256 {hashlib.sha256(own).hexdigest()}, {UNREADABLE if can_read() else MISSING}"
    return f"{text}; {count(total - 1, 'more certificate')}" if total > 1 else text


def _in_words(facts: CertificateFacts) -> str:
    names = ", ".join(facts.names[:NAMES_SHOWN]) + (" ..." if len(facts.names) > NAMES_SHOWN else "")
    parts = [
        facts.subject or "no subject",
        f"for {names}" if names else "for no name",
        "self-signed" if facts.is_self_signed else f"issued by {facts.issuer or 'nobody'}",
        f"{facts.key} {facts.key_bits or ''}".rstrip(),
        facts.signature,
        f"{facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}",
        f"SHA-256 {facts.fingerprint}",
    ]
    return ", ".join(parts)
