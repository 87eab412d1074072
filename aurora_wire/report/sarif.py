"""Findings as SARIF 2.1.0, for code-scanning services and viewers: the same bytes for the same result.

A result lies in an artifact (the capture) and in two logical locations: the packet (`frame 15`) and the
connection. Rules come from the registry, with the controls that they contradict as taxonomies. No statement is
in it. Written in pieces, one line a result.

Sources: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", with Errata 01; GitHub Docs,
"SARIF support for code scanning" (limits, `security-severity`, fingerprints).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import quote

from aurora_wire.report.fingerprints import FindingLocator, shorten
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.json_text import Fields, clean, counts, dump
from aurora_wire.report.summary import findings_by_rule
from aurora_wire.report.timestamps import find_clock
from aurora_wire.report.wording import SEVERITIES, endpoint
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan, Severity
from aurora_wire.verdict.rules.controls import CONTROLS, FRAMEWORKS
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.rules.stances import mappings_of_rule

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS: Final = 25_000  # of a run, as GitHub takes them; the most severe come first
DETAIL: Final = 500  # characters of a finding's detail

LEVELS: Final[dict[Severity, str]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
# GitHub calls >= 9.0 critical, >= 7.0 high, >= 4.0 medium, and the rest low.
SECURITY_SEVERITY: Final[dict[Severity, str]] = {
    "critical": "9.5",
    "high": "8.0",
    "medium": "5.5",
    "low": "2.5",
    "info": "0.1",
}

RULE_INDEX: Final = {rule: index for index, rule in enumerate(RULES)}
_PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")
_WORD: Final = re.compile("[A-Za-z0-9]+")


def render(scan: Scan) -> Iterator[str]:
    """Yield pieces of ASCII text; the last ends the line."""
    places = FindingLocator(scan)
    findings = sorted(scan.findings, key=lambda one: SEVERITIES.index(one.severity))[:MAX_RESULTS]
    total = sum(max(scan.findings_total.get(rule, 0), kept) for rule, kept in _kept(scan).items())
    left_out = total - len(findings)
    run: Fields = {
        "tool": {"driver": _driver(scan, places)},
        "automationDetails": {"id": "aurora-wire/"},
        "invocations": [_invocation(scan, len(findings), left_out)],
        "columnKind": "unicodeCodePoints",
        "taxonomies": taxonomies(),
        "artifacts": [_artifact(number, one, places.names) for number, one in enumerate(scan.captures, 1)],
        "properties": _run_properties(scan, total, left_out),
    }
    seen: Counter[str] = Counter()
    yield from document(run, (_result(finding, places, seen) for finding in findings))


def document(run: Fields, results: Iterable[Fields]) -> Iterator[str]:
    """Yield a whole file of one run in pieces, one line a result."""
    yield f'{{\n "$schema": {dump(SCHEMA)},\n "version": "2.1.0",\n "runs": [{{\n'
    for name, value in run.items():
        yield f"  {dump(name)}: {dump(value)},\n"
    yield '  "results": ['
    separator = "\n   "
    for result in results:
        yield separator
        yield dump(result)
        separator = ",\n   "
    yield "]\n }]\n}\n" if separator == "\n   " else "\n  ]\n }]\n}\n"


def _kept(scan: Scan) -> Counter[str]:
    kept = Counter(finding.rule for finding in scan.findings)
    kept.update(dict.fromkeys(scan.findings_total, 0))
    return kept


def _driver(scan: Scan, places: FindingLocator) -> Fields:
    by_rule = {one.rule: one.findings for one in findings_by_rule(scan)}
    return driver(scan.tool_version, lambda rule: places.fix(rule, by_rule.get(rule.id, ())))


def driver(version: str, fix: Callable[[Rule], str]) -> Fields:
    """Return what SARIF says of the program, with all rules. fix: returns what to do about a rule here."""
    return {
        "name": "aurora-wire",
        "fullName": "aurora-wire: did this MySQL traffic cross the network in the clear?",
        "version": clean(version),
        "rules": [_rule(rule, fix(rule)) for rule in RULES.values()],
        "supportedTaxonomies": [{"name": name, "index": index} for index, name in enumerate(FRAMEWORKS.values())],
    }


def _rule(rule: Rule, fix: str) -> Fields:
    keys = list(FRAMEWORKS)
    return {
        "id": rule.id,
        "name": "".join(word[0].upper() + word[1:] for word in _WORD.findall(rule.title)),
        "shortDescription": {"text": rule.title + "."},
        "fullDescription": {"text": rule.why},
        "help": {"text": _help(rule, fix), "markdown": _help_markdown(rule, fix)},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "relationships": [
            {
                "target": {
                    "id": mapping.control.id,
                    "toolComponent": {
                        "name": mapping.control.framework,
                        "index": keys.index(mapping.control.key),
                    },
                },
                "kinds": ["relevant"],
                "description": {"text": mapping.wording},
            }
            for mapping in mappings_of_rule(rule.id)
        ],
        "properties": {
            "severity": rule.severity,
            "security-severity": SECURITY_SEVERITY[rule.severity],
            "precision": "very-high",
            "tags": ["security", "mysql", "tls"],
        },
    }


def _help(rule: Rule, fix: str) -> str:
    return f"{rule.why}\nFix: {fix}\nReferences: {'; '.join(rule.references)}."


def _help_markdown(rule: Rule, fix: str) -> str:
    """Return the same as Markdown; lines that are commands, which begin with two spaces, become blocks of code."""
    lines: list[str] = [rule.why, "", "**Fix**", ""]
    for line in fix.split("\n"):
        if line.startswith("  "):
            lines += ["", "```", line[2:], "```", ""]
        else:
            lines.append(line)
    lines += ["", "**References**", "", *(f"- {reference}" for reference in rule.references)]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).replace("```\n\n```\n", "")


def taxonomies() -> list[Fields]:
    """Return the frameworks, with their controls."""
    return [_taxonomy(key) for key in FRAMEWORKS]


def _taxonomy(key: str) -> Fields:
    return {
        "name": FRAMEWORKS[key],
        "shortDescription": {"text": f"Controls of {FRAMEWORKS[key]} that captured traffic can support or contradict."},
        "taxa": [
            {"id": control.id, "name": control.title, "shortDescription": {"text": control.asks}}
            for control in CONTROLS
            if control.key == key
        ],
    }


def _invocation(scan: Scan, written: int, left_out: int) -> Fields:
    notifications: list[Fields] = []
    for index, capture in enumerate(scan.captures):
        if not capture.complete:
            text = f"Not read to its end: {shorten(capture.error or capture.path, DETAIL)}"
            location: Fields = {"physicalLocation": {"artifactLocation": _location(scan.captures[index], index)}}
            notifications.append(notification("input-incomplete", "error", text, [location]))
    if left_out:
        text = (
            f"{left_out:,} of {written + left_out:,} findings are left out: at most {MAX_RESULTS:,} fit a run, and "
            "the scan keeps a bounded number of each rule. The most severe are here; `findingsTotal` has all counts."
        )
        notifications.append(notification("findings-left-out", "warning", text, []))
    return {
        "executionSuccessful": all(capture.complete for capture in scan.captures),
        "exitCode": scan.exit_code,
        "toolExecutionNotifications": notifications,
    }


def notification(name: str, level: str, text: str, locations: list[Fields]) -> Fields:
    """Return what the run says of itself."""
    return {"descriptor": {"id": name}, "level": level, "message": message(text), "locations": locations}


def message(text: str) -> Fields:
    """Escape a message: `[...](...)` or `{0}` would be a link or a placeholder to a viewer, which is not meant."""
    return {"text": _PLACEHOLDER.sub(r"{{\1}}", text.replace("](", "\\]("))}


def make_uri(path: str) -> str:
    """Return a path as a URI (absolute paths) or a relative reference. Any text is allowed."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")
    quoted = quote(data, safe="/")
    if path.startswith("/"):
        return "file:///" + quoted.lstrip("/")
    return quoted or "."


def _location(capture: CaptureResult, index: int) -> Fields:
    return {"uri": make_uri(capture.path), "index": index}


def _artifact(number: int, capture: CaptureResult, names: FrameNames) -> Fields:
    # The number keeps two empty captures whose names look alike once cleaned apart: SARIF wants artifacts unique.
    properties: Fields = {
        "number": number,
        "format": clean(capture.format),
        "packets": capture.packets,
        "complete": capture.complete,
    }
    artifact: Fields = {
        "location": {"uri": make_uri(capture.path)},
        "length": capture.bytes,
        "roles": ["analysisTarget"],
        "properties": properties,
    }
    if names.several:
        properties |= {"verdict": capture.verdict, "confidence": capture.confidence}
    if capture.sha256 is not None:
        artifact["hashes"] = {"sha-256": capture.sha256}
    return artifact


def _run_properties(scan: Scan, total: int, left_out: int) -> Fields:
    clock = find_clock(scan)
    times = [
        clock.show_in(capture, time_ns)
        for capture in scan.captures
        for time_ns in (capture.first_time_ns, capture.last_time_ns)
        if time_ns is not None and not capture.undated
    ]
    shown = [time for time in times if time is not None]
    return {
        "verdict": scan.verdict,
        "confidence": scan.confidence,
        "closing": shorten(scan.closing, DETAIL),
        "connectionsTotal": scan.connections_total,
        "byVerdict": counts(dict(scan.by_verdict)),
        "findings": total,
        "findingsLeftOut": left_out,
        "findingsTotal": counts(scan.findings_total),
        "firstPacket": min(shown, default=None),
        "lastPacket": max(shown, default=None),
    }


def _result(finding: Finding, places: FindingLocator, seen: Counter[str]) -> Fields:
    connection = places.connection(finding)
    name = places.fingerprint(finding)
    seen[name] += 1  # as CodeQL does it: the second of the same is another alert
    name = f"{name}:{seen[name]}"
    return {
        "ruleId": finding.rule,
        "ruleIndex": RULE_INDEX[finding.rule],
        "level": LEVELS[finding.severity],
        "message": message(_sentence(finding, connection)),
        "locations": _locations(finding, connection, places),
        "partialFingerprints": {"auroraWireFinding/v1": name, "primaryLocationLineHash": name},
        "properties": _result_properties(finding, connection, places.find_frame(finding)),
        **(
            {} if finding.ignored is None
            else {"suppressions": [{"kind": "external", "justification": shorten(finding.ignored.reason, DETAIL)}]}
        ),
    }


def _sentence(finding: Finding, connection: ConnectionResult | None) -> str:
    parts = [finding.title]
    if finding.detail:
        parts.append(f": {shorten(finding.detail, DETAIL)}")
    if connection is not None:
        user = "" if connection.user is None else f", user {shorten(connection.user, 64)}"
        parts.append(f" ({endpoint(connection.client)} to {endpoint(connection.server)}{user})")
    return "".join(parts) + "."


def _locations(finding: Finding, connection: ConnectionResult | None, places: FindingLocator) -> list[Fields]:
    at = places.capture_at(finding)
    location: Fields = {}
    if at is not None:
        capture = places.captures[at]
        # A capture has no lines, but services that show results want one.
        location["physicalLocation"] = {"artifactLocation": _location(capture, at), "region": {"startLine": 1}}
    logical: list[Fields] = []
    if finding.frame is not None:
        logical.append({"name": f"frame {places.find_frame(finding)}", "kind": "packet"})
    if finding.connection is not None:
        logical.append({"name": f"connection {finding.connection}", "kind": "connection"})
    if connection is not None:
        logical[-1]["fullyQualifiedName"] = f"{endpoint(connection.client)} to {endpoint(connection.server)}"
    if logical:
        location["logicalLocations"] = logical
    return [location] if location else []


def _result_properties(finding: Finding, connection: ConnectionResult | None, frame: int | None) -> Fields:
    fields: Fields = {"frame": frame, "offset": finding.offset, "connection": finding.connection}
    if connection is not None:
        fields |= {
            "verdict": connection.verdict,
            "confidence": connection.confidence,
            "user": None if connection.user is None else shorten(connection.user, 64),
            "database": None if connection.database is None else shorten(connection.database, 64),
        }
    return fields
