"""Findings of what servers allow as OCSF events of class Detection Finding (2004), one JSON object a line.

As those of captures (`report/ocsf.py`); the time is that of the question, and there is no client: the server is the
resource and the endpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from aurora_wire.posture.assess import PostureFinding
from aurora_wire.posture.result import Posture
from aurora_wire.report.fingerprints import shorten
from aurora_wire.report.json_known import ignored_fields
from aurora_wire.report.json_text import Fields, clean, dump
from aurora_wire.report.ocsf import (
    ANALYTIC_RULE,
    NAME,
    NEW_FINDING,
    OBSERVABLE_IP,
    SEVERITY,
    STATUS_NEW,
    TEXT,
    VERSION,
    is_ip,
)
from aurora_wire.report.posture.fingerprints import fingerprint
from aurora_wire.report.posture.servers import ServerRow, list_rows
from aurora_wire.report.posture_json import time_text
from aurora_wire.verdict.rules.registry import RULES

ITEMS: Final = 1_000
# As OCSF's type has it: no underscore, no dot at the end.
_LABEL: Final = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOSTNAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
CONFIDENCE_HIGH: Final = 3  # the server said so itself


def render(posture: Posture) -> Iterator[str]:
    """Yield lines of ASCII text, one a finding, server by server; none where nothing was found."""
    seen: Counter[str] = Counter()
    for row in list_rows(posture):
        for hit in row.findings:
            yield dump(_event(row, hit, posture, seen)) + "\n"


def _event(row: ServerRow, hit: PostureFinding, posture: Posture, seen: Counter[str]) -> Fields:
    severity_id, severity = SEVERITY[hit.severity]
    time = int(row.time.timestamp()) * 1000
    uid = fingerprint(row, hit)
    event_uid = hashlib.sha256(json.dumps([uid, row.place, time, hit.detail]).encode("ascii")).hexdigest()[:32]
    seen[event_uid] += 1
    rule = RULES[hit.rule]
    event: Fields = {
        **NEW_FINDING,
        "time": time,
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": CONFIDENCE_HIGH,
        "confidence": "High",
        "status_id": STATUS_NEW,
        "status": "New",
        "message": f"{hit.title}: {shorten(hit.detail, TEXT)}" if hit.detail else hit.title,
        "metadata": {
            "version": VERSION,
            "uid": f"{event_uid}:{seen[event_uid]}",
            "event_code": hit.rule,
            "log_name": f"aurora-wire {posture.kind}",
            "product": {"name": "aurora-wire", "vendor_name": "aurora-wire", "version": clean(posture.tool_version)},
            "original_time": time_text(row.time),
        },
        "finding_info": {
            "uid": uid,
            "title": hit.title,
            "desc": rule.why,
            "types": ["Weak or missing encryption of database connections"],
            "analytic": {"type_id": ANALYTIC_RULE, "type": "Rule", "uid": hit.rule, "name": hit.title},
            "first_seen_time": time,
            "last_seen_time": time,
        },
        "remediation": {"desc": row.fix(hit.rule), "references": list(rule.references)},
        "evidences": [_evidence(row, hit)],
        "resources": [_resource(row)],
        "unmapped": {
            "outcome": row.outcome, "says": row.says, "grade": row.grade or None, "items_total": len(hit.items),
            **ignored_fields(hit.ignored),
            "region": shorten(row.place, NAME) if row.kind == "fleet" and row.place else None,
        },
    }  # fmt: skip
    address = _address(row)
    if address:
        event["observables"] = [{
            "name": "evidences[].dst_endpoint.ip", "type_id": OBSERVABLE_IP, "type": "IP Address", "value": address,
        }]  # fmt: skip
    return event


def _address(row: ServerRow) -> str:
    """Return the address that was asked; empty where only a name is known."""
    return next((each for each in (row.place, row.host) if is_ip(each)), "")


def _evidence(row: ServerRow, hit: PostureFinding) -> Fields:
    evidence: Fields = {"data": {
        "server": shorten(row.title, NAME), "items": [shorten(each, NAME) for each in hit.items[:ITEMS]],
    }}  # fmt: skip
    if row.host:
        endpoint: Fields = {"port": row.port, "svc_name": "mysql"}
        address = _address(row)
        if address:
            endpoint["ip"] = address
        if row.host != address:
            endpoint["hostname" if _HOSTNAME.fullmatch(row.host) else "name"] = shorten(row.host, NAME)
        evidence["dst_endpoint"] = endpoint
    return evidence


def _resource(row: ServerRow) -> Fields:
    resource: Fields = {"name": shorten(row.name, NAME), "type": "MySQL server"}
    if row.version:
        resource["version"] = shorten(row.version, NAME)
    return resource
