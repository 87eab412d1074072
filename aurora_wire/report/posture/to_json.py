"""Results as JSON: `aurora-wire/probe/1`, `audit/1`, `fleet/1`, `check/1`. `from_json` reads them again.

What is written is all that was read, and what was made of it: findings, grades and views follow from the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from aurora_wire.posture.bundles import BundleFacts
from aurora_wire.posture.check import CheckResult, Traffic
from aurora_wire.posture.fleet import Gap, Member
from aurora_wire.posture.result import Kind, Posture
from aurora_wire.report.audit_json import audit_fields
from aurora_wire.report.json_known import exception_fields
from aurora_wire.report.json_text import Fields, clean, dump
from aurora_wire.report.posture_json import finding_fields, target_fields, time_text

SCHEMAS: Final[dict[Kind, str]] = {
    "probe": "aurora-wire/probe/1", "audit": "aurora-wire/audit/1", "fleet": "aurora-wire/fleet/1",
    "check": "aurora-wire/check/1",
}  # fmt: skip
_ONE_BY_ONE: Final = ("targets", "members")  # arrays with a line for each element


def render(posture: Posture) -> Iterator[str]:
    """Yield one JSON object in pieces."""
    separator = "{"
    for name, value in collect_fields(posture).items():
        yield f"{separator}{dump(name)}: "
        if name in _ONE_BY_ONE and isinstance(value, list):
            yield "[" + ",".join(f"\n  {dump(each)}" for each in value) + "\n ]"
        else:
            yield dump(value)
        separator = ",\n "
    yield "}\n"


def lines(posture: Posture) -> Iterator[str]:
    """Yield JSON lines: one for each target, audit, or server of a fleet."""
    for each in elements(posture):
        yield dump(each) + "\n"


def elements(posture: Posture) -> Iterator[Fields]:
    """Yield the object of each server, in order."""
    for result, assessments in posture.probes:
        yield target_fields(result, assessments)
    for audit in posture.audits:
        yield audit_fields(audit)
    for check in posture.checks:
        yield check_fields(check)
    if posture.fleet is not None:
        for member in posture.fleet.members:
            yield member_fields(member, posture.fleet.time)


def collect_fields(posture: Posture) -> Fields:
    """Return the object as a dict, in the order written."""
    head: Fields = {
        "schema": SCHEMAS[posture.kind], "tool_version": clean(posture.tool_version), "exit_code": posture.exit_code,
        **({"exceptions": [exception_fields(one) for one in posture.exceptions]} if posture.exceptions else {}),
    }  # fmt: skip
    if posture.kind == "audit":
        return {**head, **next(elements(posture))}
    if posture.fleet is not None:
        return {
            **head, "time": time_text(posture.fleet.time), "members": list(elements(posture)),
            "not_seen": [_gap(each) for each in posture.fleet.gaps],
        }  # fmt: skip
    return {**head, "authorities": _bundle(posture.authorities), "targets": list(elements(posture))}


def _bundle(bundle: BundleFacts | None) -> Fields | None:
    if bundle is None:
        return None
    return {
        "path": clean(bundle.path), "sha256": bundle.sha256, "certificates": bundle.count,
        "expired": _texts(bundle.expired), "regions": _texts(bundle.regions), "withdrawn": bundle.withdrawn,
        "amazon_certificates": bundle.amazon_count,
    }  # fmt: skip


def _texts(texts: Sequence[str]) -> list[str]:
    return [clean(each) for each in texts]


def member_fields(each: Member, now: datetime) -> Fields:
    """Return the object of one server or proxy of Amazon's."""
    return {
        "kind": each.kind, "name": clean(each.name), "region": clean(each.region) or None,
        "engine": clean(each.engine), "version": clean(each.version) or None,
        "cluster": clean(each.cluster) or None, "role": each.role or None,
        "endpoint": clean(each.endpoint) or None, "parameter_group": clean(each.group) or None,
        "requires_tls": each.requires_tls, "from_default": each.from_default,
        "tls_versions": clean(each.tls_versions) or None, "pending_restart": each.pending,
        "ca": clean(each.ca) or None,
        "ca_expires": time_text(each.ca_expires) if each.ca_expires else None,
        "iam_authentication": each.iam, "publicly_accessible": each.public,
        "findings": finding_fields(each.findings(now)),
    }  # fmt: skip


def _gap(gap: Gap) -> Fields:
    return {
        "region": clean(gap.region) or None, "what": clean(gap.what), "action": gap.action or None,
        "reason": clean(gap.reason),
    }  # fmt: skip


def check_fields(found: CheckResult) -> Fields:
    """Return the object of one target of `aurora-wire/check/1`."""
    amazon = None
    if found.fleet_asked:
        amazon = {"member": None if found.member is None else member_fields(found.member, found.time)}
    return {
        "host": clean(found.target.host), "port": found.target.port,
        "time": time_text(found.time), "state": found.state,
        "views": [{"view": each.name, "answer": clean(each.answer), "state": each.state} for each in found.views],
        "contradictions": _texts(found.contradictions),
        "probe": target_fields(found.probe, found.assessments) if found.probe is not None else None,
        "audit": audit_fields(found.audit) if found.audit is not None else None,
        "amazon": amazon,
        "traffic": _traffic(found.traffic),
        "proved": None if found.proved is None else [
            {"client": clean(each.client), "mode": each.mode, "result": each.result} for each in found.proved
        ],
    }  # fmt: skip


def _traffic(traffic: Traffic | None) -> Fields | None:
    if traffic is None:
        return None
    return {
        "sessions": dict(sorted(traffic.sessions.items())), "elsewhere": traffic.elsewhere,
        "leaking_users": _texts(traffic.users), "complete": traffic.complete,
    }  # fmt: skip
