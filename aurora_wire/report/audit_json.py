"""What one server says of itself, as JSON: the fields of `aurora-wire/audit/1`."""

from __future__ import annotations

from aurora_wire.posture.audit import AuditResult
from aurora_wire.report.json_text import Fields, clean
from aurora_wire.report.posture_json import finding_fields, time_text


def audit_fields(found: AuditResult) -> Fields:
    """Return what the object holds, without its schema."""
    version, cipher = found.session
    return {
        "host": clean(found.target.host),
        "port": found.target.port,
        "time": time_text(found.time),
        "server_version": clean(found.version),
        "account": clean(found.account),
        "session": {"version": clean(version) or None, "cipher": clean(cipher) or None},
        "certificate_not_after": time_text(found.not_after) if found.not_after else None,
        "grade": found.grade,
        "requires_tls": found.requires_tls,
        "settings": [
            {"name": clean(each.name), "value": clean(each.value), "meaning": each.meaning or None}
            for each in found.settings
        ],
        "connected": None if found.connected is None else [
            {"user": clean(each.user), "host": clean(each.host), "by": clean(each.kind), "count": each.count}
            for each in found.connected
        ],
        "connected_bound": found.bound or None,
        "accounts": None if found.accounts is None else [
            {
                "user": clean(each.user), "host": clean(each.host), "requires": clean(each.requires) or None,
                "plugin": clean(each.plugin), "locked": each.locked, "own": each.own,
                "unused": each.unused,
                "may_come_in_the_clear": each.may_come_in_the_clear and not found.requires_tls,
            }
            for each in found.accounts
        ],
        "accounts_total": found.account_count,
        "replication": [
            {"channel": clean(each.name), "source": clean(each.source), "tls": each.tls} for each in found.channels
        ],
        "not_seen": [{"what": each.what, "grant": clean(each.grant)} for each in found.denied],
        "findings": finding_fields(found.findings),
    }  # fmt: skip
