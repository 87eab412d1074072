"""What of a scan an HTML report shows one by one, and what it counts: a page of 10,000 connections still opens at once.

Leaks come first everywhere; nothing is left out without the page saying how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aurora_wire.report.wording import ORDER
from aurora_wire.verdict.result import ConnectionResult, Scan, Verdict

ROWS: Final = 1_000             # connections in the table
DETAILS: Final = 60             # connections with a timeline and statements
OTHERS: Final = 10              # of those, kept free for each of the other verdicts
HOST_ROWS: Final = 200          # pairs of hosts in the table
STATEMENTS_EACH: Final = 40     # of a connection
STATEMENTS: Final = 1_000       # in all
SQL_CHARACTERS: Final = 600     # of a statement
NAME_CHARACTERS: Final = 120    # of anything else that comes from outside
REASONS_EACH: Final = 12
PLACES_EACH: Final = 5          # of a rule
CAPTURES: Final = 100

_RANK: Final = {verdict: rank for rank, verdict in enumerate(ORDER)}


def by_weight(connections: Sequence[ConnectionResult]) -> list[ConnectionResult]:
    """Sort: leaks first, then what is encrypted, then the rest; by id if the verdict is the same."""
    return sorted(connections, key=lambda one: (_RANK[one.verdict], one.id))


def detailed(scan: Scan) -> list[ConnectionResult]:
    """Return at most DETAILS connections, by weight; where there are more, some of each verdict."""
    ordered = by_weight(scan.connections)
    if len(ordered) <= DETAILS:
        return ordered
    by_verdict: dict[Verdict, list[ConnectionResult]] = {}
    for one in ordered:
        by_verdict.setdefault(one.verdict, []).append(one)
    chosen = [one for group in by_verdict.values() for one in group[:OTHERS]]
    taken = {id(one) for one in chosen}
    chosen += [one for one in ordered if id(one) not in taken][: DETAILS - len(chosen)]
    return by_weight(chosen[:DETAILS])
