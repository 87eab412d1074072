"""What one server offers, as JSON: a target of `aurora-wire/probe/1`, and what its parts share with other results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aurora_wire.posture.assess import Assessment, PostureFinding
from aurora_wire.posture.client_hello import GROUPS
from aurora_wire.posture.probe import AddressResult, ProbeResult
from aurora_wire.posture.survey import TLSResult
from aurora_wire.report.json_known import ignored_fields
from aurora_wire.report.json_text import Fields, clean
from aurora_wire.verdict.certificates import CertificateFacts
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import suite_name


def target_fields(result: ProbeResult, assessments: Sequence[Assessment]) -> Fields:
    """Return the object of one target, which is a line of `jsonl` too."""
    return {
        "host": clean(result.target.host),
        "port": result.target.port,
        "time": time_text(result.time),
        "reason": clean(result.reason) or None,
        "addresses": [_address(*pair, result.time) for pair in zip(result.addresses, assessments, strict=True)],
    }


def _address(each: AddressResult, assessment: Assessment, now: datetime) -> Fields:
    product = each.product
    return {
        "address": each.address,
        "status": each.status,
        "reason": clean(each.reason) or None,
        "error_code": each.error_code or None,
        "grade": assessment.grade or None,
        "protocol": each.protocol,
        "server_version": clean(each.version) or None,
        "product": {"name": product.name, "why": clean(product.why), "region": product.region or None}
        if product is not None else None,
        "auth_plugin": clean(each.auth_plugin) or None,
        "x_protocol": None if each.x is None else {
            "tls": each.x.tls, "mechanisms": [clean(name) for name in each.x.mechanisms],
            "compression": [clean(name) for name in each.x.compression], "node": clean(each.x.node) or None,
        },
        "offers_tls": each.offers_tls,
        "offer_stripped": each.stripped,
        "tls": _tls(each.tls) if each.tls is not None else None,
        "certificates": [_certificate(facts, now) for facts in each.chain],
        "trusted": None if each.trusted is None else not each.trusted,
        "trust_error": clean(each.trusted) if each.trusted else None,
        "findings": finding_fields(assessment.findings),
        "connections": each.connections,
    }  # fmt: skip


def _tls(tls: TLSResult) -> Fields:
    return {
        "versions": [
            {
                "version": version_name(each.version), "status": each.status, "complete": each.complete,
                "own_order": each.own_order, "dh_bits": each.dh_bits or None,
                "suites": [suite_name(suite) for suite in each.suites],
            }
            for each in tls.versions
        ],
        "groups": [GROUPS[group] for group in tls.groups],
        "groups_complete": tls.groups_complete,
    }  # fmt: skip


def _certificate(facts: CertificateFacts, now: datetime) -> Fields:
    return {
        "subject": clean(facts.subject), "issuer": clean(facts.issuer), "names": [clean(name) for name in facts.names],
        "not_before": time_text(facts.not_before), "not_after": time_text(facts.not_after),
        "days_left": facts.days_left(now),
        "key": facts.key, "key_bits": facts.key_bits or None, "signature": facts.signature,
        "sha256": facts.fingerprint, "self_signed": facts.is_self_signed, "authority": facts.is_authority,
        "ocsp": [clean(each) for each in facts.ocsp], "crl": [clean(each) for each in facts.crl],
        "made_by": facts.own or None, "amazon": facts.amazon or None,
    }  # fmt: skip


def finding_fields(findings: Sequence[PostureFinding]) -> list[Fields]:
    """Return the objects of findings, as `probe`, `audit` and `check` write them."""
    return [
        {
            "rule": hit.rule, "severity": hit.severity, "title": hit.title, "detail": clean(hit.detail),
            "items": [clean(each) for each in hit.items],
            **ignored_fields(hit.ignored),
        }
        for hit in findings
    ]  # fmt: skip


def time_text(value: datetime) -> str:
    """Return a time in UTC as RFC 3339 writes it, in whole seconds."""
    return value.replace(tzinfo=None, microsecond=0).isoformat() + "Z"  # strftime writes no year before 1000 in full
