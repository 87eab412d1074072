"""The objects of `aurora-wire/scan/1`, as dicts in the order written; `scan.schema.json` describes them."""

from __future__ import annotations

import json
from dataclasses import asdict

from aurora_wire.decrypt.key_log_result import KeyLogResult
from aurora_wire.redact.secrets import shown, shown_error
from aurora_wire.redact.sql import redact_attributes, redact_sql
from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.json_known import exception_fields, ignored_fields
from aurora_wire.report.json_leaked import group_fields, leaked_class_fields, place_fields
from aurora_wire.report.json_statements import StatementWriter, error_fields
from aurora_wire.report.json_text import Fields, bytes_fields, clean, counts, optional
from aurora_wire.report.timestamps import Clock
from aurora_wire.report.tls_details import detail_fields
from aurora_wire.verdict.answer_result import ColumnTraffic
from aurora_wire.verdict.answers import merged
from aurora_wire.verdict.result import (
    CaptureResult,
    ConnectionResult,
    Coverage,
    CredentialResult,
    DecryptionResult,
    FileResult,
    Finding,
    ProxyResult,
    Reason,
    RefusalResult,
    Scan,
    StatementResult,
    TLSResult,
    Undecoded,
)
from aurora_wire.verdict.servers import kind_of_connection, product_of_connection, told_by
from aurora_wire.verdict.stream_result import CloneResult, ReplicationResult

SCHEMA = "aurora-wire/scan/1"
MAX_IGNORED = 1000  # names of files in folders that are no captures


def reason_fields(reason: Reason, names: FrameNames) -> Fields:
    return {
        "id": reason.id,
        "text": clean(reason.text),
        "frame": reason.frame,
        "direction": reason.direction,
        "offset": reason.offset,
        **place_fields(names, reason.frame),
    }


def coverage_fields(coverage: Coverage) -> Fields:
    return {
        "seen": coverage.seen,
        "missing": coverage.missing,
        "truncated": coverage.truncated,
        "tls": coverage.tls,
        "plaintext": coverage.plaintext,
        "unprotected_by_design": coverage.unprotected_by_design,
        "unknown": coverage.unknown,
        **({"at_least": True} if coverage.at_least else {}),
    }


def tls_fields(
    tls: TLSResult, clock: Clock, names: FrameNames, *, redact: bool = False, reveal: bool = False
) -> Fields:
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "sni": optional(tls.sni),
        "alpn": [clean(name) for name in tls.alpn],
        "resumed": tls.resumed,
        "offered_versions": tls.offered_versions,
        **detail_fields(tls, redact=redact),
        "decrypted": None if tls.decrypted is None else decryption_fields(
            tls.decrypted, clock, names, redact=redact, reveal=reveal
        ),
    }


def decryption_fields(
    decrypted: DecryptionResult, clock: Clock, names: FrameNames, *, redact: bool = False, reveal: bool = False
) -> Fields:
    """Return what a key log showed to be inside TLS."""
    statements = StatementWriter(clock, names, redact=redact, reveal=reveal)
    return {
        "records": decrypted.records,
        "failed": decrypted.failed,
        "cut": decrypted.cut,
        "without_keys": decrypted.without_keys,
        "not_decrypted": optional(decrypted.not_decrypted),
        "protocol": optional(decrypted.protocol),
        "server_version": optional(decrypted.server_version),
        "user": optional(decrypted.user),
        "database": optional(decrypted.database),
        "auth_plugin": optional(decrypted.auth_plugin),
        "compression": decrypted.compression,
        "commands": counts(decrypted.commands),
        "statements_total": decrypted.statements_total,
        "statements": [json.loads(statements.write(one)) for one in decrypted.statements],
    }


def keylog_fields(keylog: KeyLogResult) -> Fields:
    return {
        "path": clean(keylog.path),
        "secrets": keylog.secrets,
        "unused": keylog.unused,
        "ignored": keylog.ignored,
        "left_out": keylog.left_out,
    }


def connection_fields(
    connection: ConnectionResult, clock: Clock, names: FrameNames, *, redact: bool = False, reveal: bool = False
) -> Fields:
    """Return all of a connection but its `statements`, which are written one by one after it."""
    c = connection
    attributes = redact_attributes(c) if redact else c.attributes
    return {
        "id": c.id,
        "client": {"address": c.client.address, "port": c.client.port},
        "server": {"address": c.server.address, "port": c.server.port},
        "protocol": clean(c.protocol),
        **({"loopback": True} if c.loopback else {}),
        **({"bridge": True} if c.bridge else {}),
        **({"proxy": proxy_fields(c.proxy, names)} if c.proxy is not None else {}),
        "first_frame": c.first_frame,
        "last_frame": c.last_frame,
        "first_time": clock.show(c.first_frame, c.first_time_ns),
        "last_time": clock.show(c.last_frame, c.last_time_ns),
        "packets": c.packets,
        **({"captures": c.captures} if names.several else {}),
        "server_version": optional(c.server_version),
        "thread_id": c.thread_id,
        "user": optional(c.user),
        **({"users_after": [clean(user) for user in c.users_after]} if c.users_after else {}),
        "database": optional(c.database),
        "auth_plugin": optional(c.auth_plugin),
        "attributes": {clean(name): clean(value) for name, value in attributes.items()},
        "compression": c.compression,
        "verdict": c.verdict,
        "confidence": c.confidence,
        "proof": c.proof,
        "reasons": [reason_fields(reason, names) for reason in c.reasons],
        "coverage": {
            "client": coverage_fields(c.client_coverage),
            "server": coverage_fields(c.server_coverage),
        },
        "tls": None if c.tls is None else tls_fields(c.tls, clock, names, redact=redact, reveal=reveal),
        "commands": counts(c.commands),
        **({"files": [file_fields(one, names, redact=redact, reveal=reveal) for one in c.files]} if c.files else {}),
        **({"refusal": refusal_fields(c.refusal, names, redact=redact)} if c.refusal is not None else {}),
        **({"x": asdict(c.x)} if c.x is not None else {}),
        **({"replication": stream_fields(c.replication, names)} if c.replication is not None else {}),
        **({"clone": stream_fields(c.clone, names)} if c.clone is not None else {}),
        "server_kind": server_fields(c),
        **(
            {"credentials": [credential_fields(one, names, reveal=reveal and not redact) for one in c.credentials]}
            if c.credentials else {}
        ),
        **(
            {
                "results": {"rows": c.rows, "bytes": c.row_bytes},
                "columns": [traffic_fields(one) for one in c.columns],
            }
            if c.columns or c.rows else {}
        ),
        **(
            {
                "errors_total": c.errors_total,
                "errors": [
                    {
                        **error_fields(shown_error(one, redact=redact, reveal=reveal)), "frame": one.frame,
                        "offset": one.offset, **place_fields(names, one.frame),
                    }
                    for one in c.errors
                ],
            }
            if c.errors_total else {}
        ),
        "statements_total": c.statements_total,
    }  # fmt: skip


def traffic_fields(traffic: ColumnTraffic) -> Fields:
    """Return how much of a column crossed."""
    return {
        "schema": clean(traffic.schema),
        "table": clean(traffic.table),
        "column": clean(traffic.column),
        "type": clean(traffic.type),
        "results": traffic.results,
        "rows": traffic.rows,
        "bytes": traffic.bytes,
    }


def server_fields(c: ConnectionResult) -> Fields:
    """Return which server a connection's is: the kind that advice goes by, and the product."""
    product = product_of_connection(c)
    return {
        "name": kind_of_connection(c), "by": told_by(c), "product": clean(product.name), "why": clean(product.why),
    }


def proxy_fields(proxy: ProxyResult, names: FrameNames) -> Fields:
    """Return the object of a PROXY header."""
    return {
        name: clean(value) if isinstance(value, str) else value for name, value in asdict(proxy).items()
    } | place_fields(names, proxy.frame)


def stream_fields(one: ReplicationResult | CloneResult, names: FrameNames) -> Fields:
    """Return the object of a replication stream, or of a data folder that was copied."""
    return {**asdict(one), **place_fields(names, one.frame)}


def refusal_fields(refusal: RefusalResult, names: FrameNames, *, redact: bool = False) -> Fields:
    """Return the object of an ERR in place of a session. redact: mask what its text quotes."""
    text = refusal.text
    if redact:
        text = redact_sql(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    return {
        "code": refusal.code,
        "sqlstate": optional(refusal.sqlstate),
        "text": clean(text),
        "early": refusal.early,
        "frame": refusal.frame,
        "offset": refusal.offset,
        **place_fields(names, refusal.frame),
    }


def file_fields(file: FileResult, names: FrameNames, *, redact: bool = False, reveal: bool = False) -> Fields:
    """Return the object of a file that a server asked a client for."""
    asked = None
    if file.statement is not None:
        asked = shown(StatementResult("COM_QUERY", file.statement, file.frame, None), redact=redact, reveal=reveal).sql
    return {
        "path": clean(file.path),
        "frame": file.frame,
        "bytes": file.bytes,
        "outcome": file.outcome,
        "named": file.named,
        **({} if asked is None else bytes_fields("statement", asked)),
        **place_fields(names, file.frame),
    }


def credential_fields(credential: CredentialResult, names: FrameNames, *, reveal: bool = False) -> Fields:
    """Return the object of a credential; reveal: with its value, and the line that crackers take."""
    hashcat = credential.hashcat
    return {
        "exchange": credential.exchange,
        "user": optional(credential.user),
        "plugin": optional(credential.plugin),
        "grade": credential.grade,
        "what": clean(credential.what),
        "accepted": credential.accepted,
        "hashcat": None if hashcat is None else {"mode": hashcat[0], "name": hashcat[1]},
        "john": credential.john,
        "expires": credential.expires,
        "frame": credential.frame,
        "offset": credential.offset,
        **({"line": optional(credential.line)} if reveal else {}),
        **(bytes_fields("value", credential.value) if reveal and credential.value is not None else {}),
        **place_fields(names, credential.frame),
    }


def finding_fields(finding: Finding) -> Fields:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "title": finding.title,
        "connection": finding.connection,
        "frame": finding.frame,
        "offset": finding.offset,
        "detail": clean(finding.detail),
        **ignored_fields(finding.ignored),
    }


def finding_place(finding: Finding, places: FindingLocator) -> Fields:
    """Return the capture that a finding is in and the number that its frame has there; nothing where there is one
    capture.
    """
    at = places.capture_at(finding) if places.names.several else None
    if at is None:
        return {}
    return {"capture": clean(places.names.path(at)), "capture_frame": places.find_frame(finding)}


def capture_fields(capture: CaptureResult, clock: Clock) -> Fields:
    return {
        "path": clean(capture.path),
        "format": capture.format,
        "compression": capture.compression,
        "sha256": capture.sha256,
        "bytes": capture.bytes,
        "verdict": capture.verdict,
        "confidence": capture.confidence,
        "packets": capture.packets,
        "first_frame": capture.first_frame,
        "first_time": clock.show_in(capture, capture.first_time_ns),
        "last_time": clock.show_in(capture, capture.last_time_ns),
        "undated": capture.undated,
        "complete": capture.complete,
        "error": optional(capture.error),
        "truncated_packets": capture.truncated_packets,
        "dropped_packets": capture.dropped_packets,
        "link_types": [clean(name) for name in capture.link_types],
        "skipped": counts(capture.skipped),
    }


def undecoded_fields(undecoded: Undecoded) -> Fields:
    return {
        "reason": clean(undecoded.reason),
        "count": undecoded.count,
        "unit": undecoded.unit,
        "bytes": undecoded.bytes,
        "remedy": clean(undecoded.remedy),
    }


def filter_fields(scan: Scan) -> Fields:
    """Return what the filters were, and how many connections they left out."""
    return {
        "options": {name: clean(value) for name, value in scan.filters.items()},
        "connections_left_out": scan.filtered_out,
    }


def summary_fields(scan: Scan, *, redact: bool = False) -> Fields:
    """Return what holds for the whole; the lists follow it in `json`, and came before it in `jsonl`."""
    traffic = merged(c.columns for c in scan.connections)
    return {
        "schema": SCHEMA,
        "tool_version": scan.tool_version,
        "verdict": scan.verdict,
        "confidence": scan.confidence,
        "exit_code": scan.exit_code,
        "closing": clean(scan.closing),
        "ports": scan.ports,
        "redacted": redact,
        "connections_total": scan.connections_total,
        "by_verdict": counts(dict(scan.by_verdict)),
        "not_mysql": counts(scan.not_mysql),
        "findings_total": counts(scan.findings_total),
        "leaked": [leaked_class_fields(one, scan.values_key) for one in scan.leaked],
        "not_classified": scan.not_classified,
        "undecoded": [undecoded_fields(row) for row in scan.undecoded],
        **group_fields(scan, redact=redact),
        "keylogs": [keylog_fields(keylog) for keylog in scan.keylogs],
        **({"filters": filter_fields(scan)} if scan.filters else {}),
        **({"columns": [traffic_fields(one) for one in traffic]} if traffic else {}),
        **({"exceptions": [exception_fields(one) for one in scan.exceptions]} if scan.exceptions else {}),
        **({"tls_ports": {str(port): scan.tls_ports[port] for port in scan.tls_ports}} if scan.tls_ports else {}),
        **({"ignored_files": [clean(path) for path in scan.ignored[:MAX_IGNORED]]} if scan.ignored else {}),
    }
