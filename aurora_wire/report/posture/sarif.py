"""Findings of what servers allow as SARIF 2.1.0: as those of captures, with servers in the place of captures.

An artifact is a server, by its address (`mysql://db.example.com:3306`); a result lies in it, and in a logical location
of the same name. Services that want a line are given line 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from aurora_wire.posture.assess import PostureFinding
from aurora_wire.posture.result import Posture
from aurora_wire.report.fingerprints import shorten
from aurora_wire.report.json_text import Fields, clean
from aurora_wire.report.posture.fingerprints import fingerprint
from aurora_wire.report.posture.servers import ServerRow, gap_text, list_gaps, list_rows
from aurora_wire.report.posture_json import time_text
from aurora_wire.report.sarif import (
    DETAIL,
    LEVELS,
    MAX_RESULTS,
    RULE_INDEX,
    document,
    driver,
    message,
    notification,
    taxonomies,
)
from aurora_wire.report.wording import SEVERITIES
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.servers import find_kind

ITEMS: Final = 1_000  # of a finding


def render(posture: Posture) -> Iterator[str]:
    """Yield pieces of ASCII text; the last ends the line."""
    rows = list_rows(posture)
    places = {uri: at for at, uri in enumerate(dict.fromkeys(row.uri for row in rows))}
    found = [(row, hit) for row in rows for hit in row.findings]
    found.sort(key=lambda pair: SEVERITIES.index(pair[1].severity))
    hit_by: dict[str, set[str]] = {}
    for row, hit in found:
        hit_by.setdefault(hit.rule, set()).add(find_kind(row.version or None, row.host or None))
    left_out = max(0, len(found) - MAX_RESULTS)

    def fix(rule: Rule) -> str:
        return rule.fix_for(hit_by.get(rule.id, ()))

    run: Fields = {
        "tool": {"driver": driver(posture.tool_version, fix)},
        "automationDetails": {"id": f"aurora-wire/{posture.kind}/"},
        "invocations": [_invocation(posture, rows, left_out)],
        "columnKind": "unicodeCodePoints",
        "taxonomies": taxonomies(),
        "artifacts": [_artifact(uri, rows) for uri in places],
        "properties": {
            "command": posture.kind, "servers": len(rows), "exitCode": posture.exit_code, "findings": len(found),
            "findingsLeftOut": left_out,
            "outcomes": dict(sorted(Counter(row.outcome for row in rows).items())),
        },
    }  # fmt: skip
    seen: Counter[str] = Counter()
    yield from document(run, (_result(*pair, places, seen) for pair in found[:MAX_RESULTS]))


def _invocation(posture: Posture, rows: list[ServerRow], left_out: int) -> Fields:
    notices = [
        notification("server-not-judged", "error", f"{shorten(row.title, DETAIL)}: {shorten(row.reason, DETAIL)}", [])
        for row in rows if row.outcome == "unknown" and row.kind != "check"
    ]  # fmt: skip
    notices += [
        notification("not-seen", "warning", shorten(gap_text(gap), DETAIL), []) for gap in list_gaps(posture)
    ]
    notices += [
        notification("contradiction", "warning", f"{shorten(row.title, DETAIL)}: {shorten(text, DETAIL)}", [])
        for row in rows for text in row.contradictions
    ]  # fmt: skip
    expired = [one.known for one in posture.exceptions if one.expired]
    if expired:
        text = f"Exceptions that have expired and were not applied: {shorten(', '.join(expired), DETAIL)}."
        notices.append(notification("exceptions-expired", "note", text, []))
    if left_out:
        text = f"{left_out:,} findings are left out: at most {MAX_RESULTS:,} fit a run. The most severe are here."
        notices.append(notification("findings-left-out", "warning", text, []))
    return {
        "executionSuccessful": not any(each["level"] == "error" for each in notices),
        "exitCode": posture.exit_code,
        "toolExecutionNotifications": notices,
    }


def _artifact(uri: str, rows: list[ServerRow]) -> Fields:
    of_it = [row for row in rows if row.uri == uri]
    return {
        "location": {"uri": uri},
        "roles": ["analysisTarget"],
        "description": {"text": shorten(of_it[0].name, DETAIL)},
        "properties": {"servers": [_server(row) for row in of_it]},
    }


def _server(row: ServerRow) -> Fields:
    return {
        "name": clean(row.name), "place": clean(row.place) or None, "time": time_text(row.time),
        "outcome": row.outcome, "says": row.says, "grade": row.grade or None,
        "serverVersion": shorten(row.version, DETAIL) or None,
        "facts": {shorten(name, DETAIL): shorten(text, DETAIL) for name, text in row.facts},
    }  # fmt: skip


def _result(row: ServerRow, hit: PostureFinding, places: dict[str, int], seen: Counter[str]) -> Fields:
    name = fingerprint(row, hit)
    seen[name] += 1  # the second of the same is another alert
    name = f"{name}:{seen[name]}"
    detail = f": {shorten(hit.detail, DETAIL)}" if hit.detail else ""
    return {
        "ruleId": hit.rule,
        "ruleIndex": RULE_INDEX[hit.rule],
        "level": LEVELS[hit.severity],
        "message": message(f"{hit.title}{detail} ({shorten(row.title, DETAIL)})."),
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": row.uri, "index": places[row.uri]}, "region": {"startLine": 1},
            },
            "logicalLocations": [{"name": shorten(row.name, DETAIL), "kind": "resource"}],
        }],
        "partialFingerprints": {"auroraWireFinding/v1": name, "primaryLocationLineHash": name},
        "properties": {
            "server": clean(row.name), "place": clean(row.place) or None, "outcome": row.outcome,
            "items": [clean(each) for each in hit.items[:ITEMS]], "itemsTotal": len(hit.items),
        },
        **(
            {} if hit.ignored is None
            else {"suppressions": [{"kind": "external", "justification": shorten(hit.ignored.reason, DETAIL)}]}
        ),
    }  # fmt: skip
