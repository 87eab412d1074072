"""Which rules a connection hits, from its facts. One hit a rule and connection, with the first place.

Each family of rules has its own checks, in its module; here they are asked in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from aurora_wire.verdict.result import ConnectionResult, Finding
from aurora_wire.verdict.rules import (
    capture,
    certificates,
    credentials,
    data,
    leaks,
    negotiation,
    replication,
    tcp,
    tls,
)
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.wire.decoding.anomalies import Anomaly
from aurora_wire.wire.flows.facts import Facts

Check = Callable[[Facts, ConnectionResult], Iterator[Hit]]

CHECKS: Final[tuple[Check, ...]] = (
    leaks.check, credentials.check, replication.check, data.check, negotiation.check, tls.check, certificates.check,
    capture.check,
)  # fmt: skip
FROM_ANOMALIES: Final[dict[int, tuple[str, str]]] = {**tls.ANOMALIES, **tcp.ANOMALIES, **capture.ANOMALIES}
LAST_CHECKS: Final[tuple[Check, ...]] = (capture.check_beginning,)


def list_findings(facts: Facts, result: ConnectionResult) -> Iterator[Finding]:
    """Yield a finding for each rule that the connection hit: by its checks, or by an anomaly that is a hit itself."""
    for check in CHECKS:
        for hit in check(facts, result):
            yield _at(facts, hit)
    for note in facts.anomalies:
        entry = FROM_ANOMALIES.get(note.kind)
        if entry is not None:
            yield _at(facts, Hit(entry[0], _words(note, entry[1]), note.frame, note.offset))
    for check in LAST_CHECKS:
        for hit in check(facts, result):
            yield _at(facts, hit)


def _at(facts: Facts, hit: Hit) -> Finding:
    rule = RULES[hit.rule]
    frame, offset = hit.frame, hit.offset
    return Finding(
        rule.id, rule.severity, rule.title, facts.id, frame if frame >= 0 else None, offset if offset >= 0 else None,
        hit.detail,
    )  # fmt: skip


def _words(note: Anomaly, template: str) -> str:
    side = "client" if note.from_client else "server"
    return template.format(amount=f"{note.amount:,}", count=f"{note.count:,}", side=side)
