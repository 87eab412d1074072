"""Findings as OCSF events of class Detection Finding (2004), one JSON object a line, for a SIEM or a data lake.

Only attributes that OCSF 1.3 has and later versions kept are used, so that any of these takes them. No statement
is in an event. What has no attribute is under `unmapped`, as OCSF asks.

Source: Open Cybersecurity Schema Framework, version 1.3.0, class `detection_finding`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections import Counter
from collections.abc import Iterator
from typing import Final

from aurora_wire.report.fingerprints import FindingLocator, shorten
from aurora_wire.report.json_fields import finding_place
from aurora_wire.report.json_text import Fields, clean, dump
from aurora_wire.report.timestamps import SECOND, Clock, find_clock
from aurora_wire.report.wording import endpoint
from aurora_wire.verdict.result import ConnectionResult, Endpoint, Finding, Scan, Severity
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.rules.stances import mappings_of_rule

VERSION: Final = "1.3.0"
CATEGORY_FINDINGS, CLASS_DETECTION_FINDING, ACTIVITY_CREATE = 2, 2004, 1
TYPE_UID: Final = CLASS_DETECTION_FINDING * 100 + ACTIVITY_CREATE
# What every finding begins with.
NEW_FINDING: Final = {
    "activity_id": ACTIVITY_CREATE,
    "activity_name": "Create",
    "category_uid": CATEGORY_FINDINGS,
    "category_name": "Findings",
    "class_uid": CLASS_DETECTION_FINDING,
    "class_name": "Detection Finding",
    "type_uid": TYPE_UID,
    "type_name": "Detection Finding: Create",
}
STATUS_NEW, ANALYTIC_RULE, TCP, DATABASE_RELATIONAL, DIRECTION_UNKNOWN = 1, 1, 6, 1, 0
OBSERVABLE_IP, OBSERVABLE_USER = 2, 4

SEVERITY: Final[dict[Severity, tuple[int, str]]] = {
    "critical": (5, "Critical"), "high": (4, "High"), "medium": (3, "Medium"), "low": (2, "Low"),
    "info": (1, "Informational"),
}
CONFIDENCE: Final = {"proven": (3, "High"), "likely": (2, "Medium"), None: (0, "Unknown")}

MS: Final = SECOND // 1000
TEXT: Final = 1_000     # characters of a text from the wire
NAME: Final = 128       # of a name


def render(scan: Scan) -> Iterator[str]:
    """Yield lines of ASCII text, one a finding, in the order of the scan; none where nothing was found."""
    places = FindingLocator(scan)
    clock = find_clock(scan)
    seen: Counter[str] = Counter()
    for finding in scan.findings:
        yield dump(_event(finding, scan, places, clock, seen)) + "\n"


def _event(finding: Finding, scan: Scan, places: FindingLocator, clock: Clock, seen: Counter[str]) -> Fields:
    connection = places.connection(finding)
    rule = RULES[finding.rule]
    severity_id, severity = SEVERITY[finding.severity]
    confidence_id, confidence = CONFIDENCE[None if connection is None else connection.confidence]
    at = places.capture_at(finding)
    capture = None if at is None else scan.captures[at]
    told = connection or capture
    first, last = (None, None) if told is None else (told.first_time_ns, told.last_time_ns)
    uid = places.fingerprint(finding)
    event_uid = _event_uid(uid, finding, None if capture is None else capture.sha256 or capture.path)
    seen[event_uid] += 1
    metadata: Fields = {
        "version": VERSION,
        "uid": f"{event_uid}:{seen[event_uid]}",
        "event_code": finding.rule,
        "log_name": "aurora-wire scan",
        "product": {"name": "aurora-wire", "vendor_name": "aurora-wire", "version": clean(scan.tool_version)},
    }
    shown = None
    if connection is not None:
        shown = clock.show(connection.first_frame, first)
    elif capture is not None:
        shown = clock.show_in(capture, first)
    if shown is not None:
        metadata["original_time"] = shown
    event: Fields = {
        **NEW_FINDING,
        "time": (first or 0) // MS,
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "status_id": STATUS_NEW,
        "status": "New",
        "message": f"{finding.title}: {shorten(finding.detail, TEXT)}" if finding.detail else finding.title,
        "metadata": metadata,
        "finding_info": _finding_info(finding, uid, first, last, None if capture is None else capture.path),
        "remediation": {"desc": places.fix(rule, [finding]), "references": list(rule.references)},
        "evidences": [_evidence(finding, connection, places)],
        "unmapped": _unmapped(finding, connection, undated=shown is not None and "T" not in shown,
                               timed=first is not None),
    }
    if first is not None:
        event["start_time"] = first // MS
    if last is not None:
        event["end_time"] = last // MS
    if connection is not None:
        event["resources"] = [_resource(connection)]
        event["observables"] = list(_observables(connection))
    return event


def _event_uid(uid: str, finding: Finding, capture: str | None) -> str:
    """Return the id of the event: the same mistake in another capture is another event of the same finding."""
    name = json.dumps([uid, capture, finding.connection, finding.frame, finding.offset])
    return hashlib.sha256(name.encode("ascii")).hexdigest()[:32]


def _finding_info(finding: Finding, uid: str, first: int | None, last: int | None, path: str | None) -> Fields:
    info: Fields = {
        "uid": uid,
        "title": finding.title,
        "desc": RULES[finding.rule].why,
        "types": ["Unencrypted or weakly encrypted database traffic"],
        "analytic": {
            "type_id": ANALYTIC_RULE, "type": "Rule", "uid": finding.rule, "name": finding.title,
        },
    }
    if path is not None:
        info["data_sources"] = [shorten(path, TEXT)]
    if first is not None:
        info["first_seen_time"] = first // MS
    if last is not None:
        info["last_seen_time"] = last // MS
    return info


def _evidence(finding: Finding, connection: ConnectionResult | None, places: FindingLocator) -> Fields:
    data: Fields = {"frame": finding.frame, "offset": finding.offset, "connection": finding.connection}
    data |= finding_place(finding, places)
    evidence: Fields = {"data": data}
    if connection is None:
        return evidence
    evidence |= {
        "src_endpoint": _endpoint(connection.client),
        "dst_endpoint": {**_endpoint(connection.server), "svc_name": "mysql"},
        "connection_info": {"direction_id": DIRECTION_UNKNOWN, "protocol_num": TCP, "protocol_name": "tcp"},
    }
    if connection.user:
        evidence["user"] = {"name": shorten(connection.user, NAME)}
    if connection.database:
        evidence["database"] = {
            "name": shorten(connection.database, NAME), "type_id": DATABASE_RELATIONAL, "type": "Relational",
        }
    return evidence


def _endpoint(value: Endpoint) -> Fields:
    """Return an endpoint. An address that is none is a name: OCSF's `ip` takes nothing else."""
    name = "ip" if is_ip(value.address) else "name"
    return {name: shorten(value.address, NAME), "port": value.port}


def is_ip(address: str) -> bool:
    """Tell whether OCSF's `ip` takes it: a zone is none of an address's."""
    try:
        return "%" not in str(ipaddress.ip_address(address))
    except ValueError:
        return False


def _resource(connection: ConnectionResult) -> Fields:
    resource: Fields = {"name": endpoint(connection.server), "type": "MySQL server"}
    if connection.server_version:
        resource["version"] = shorten(connection.server_version, NAME)
    return resource


def _observables(connection: ConnectionResult) -> Iterator[Fields]:
    for name, side in (("src_endpoint", connection.client), ("dst_endpoint", connection.server)):
        if is_ip(side.address):
            yield {
                "name": f"evidences[].{name}.ip", "type_id": OBSERVABLE_IP, "type": "IP Address",
                "value": side.address,
            }
    if connection.user:
        yield {
            "name": "evidences[].user.name", "type_id": OBSERVABLE_USER, "type": "User Name",
            "value": shorten(connection.user, NAME),
        }


def _unmapped(finding: Finding, connection: ConnectionResult | None, *, undated: bool, timed: bool) -> Fields:
    """undated: the time is that of a day unknown; timed: there is one."""
    fields: Fields = {"time_is": "unknown" if not timed else "time of day, date unknown" if undated else "known"}
    if connection is not None:
        tls = connection.tls
        fields |= {
            "verdict": connection.verdict,
            "confidence": connection.confidence,
            "tls_version": None if tls is None or tls.version is None else shorten(tls.version, NAME),
            "tls_cipher": None if tls is None or tls.cipher is None else shorten(tls.cipher, NAME),
        }
    fields["controls"] = [
        {"framework": one.control.framework, "control": one.control.id, "stance": one.stance}
        for one in mappings_of_rule(finding.rule)
    ]
    return fields
