"""The impact of requiring TLS, as a table of the HTML report.

It is found out by `aurora_wire.compare.impact`; here is only what the template is given, text as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aurora_wire.report.html.text import clip

ROWS: Final = 100


@dataclass(slots=True, frozen=True)
class ImpactRow:
    """Connections in the clear that one fix covers. option: the driver's option that fixes them."""

    leg: str
    client: str
    user: str
    program: str
    driver: str
    connections: int
    first: str
    last: str
    tls: str
    option: str


@dataclass(slots=True, frozen=True)
class ImpactTable:
    closing: str
    rows: Sequence[ImpactRow]


@dataclass(slots=True, frozen=True)
class ShownImpact:
    """Made visible, and bounded: more is how many rows are not in it."""

    closing: str
    rows: list[ImpactRow]
    more: int


def shown_impact(table: ImpactTable | None) -> ShownImpact | None:
    if table is None:
        return None
    return ShownImpact(
        clip(table.closing, 400), [_shown(row) for row in table.rows[:ROWS]], max(len(table.rows) - ROWS, 0)
    )


def _shown(row: ImpactRow) -> ImpactRow:
    return ImpactRow(
        clip(row.leg), clip(row.client), clip(row.user), clip(row.program), clip(row.driver), row.connections,
        clip(row.first), clip(row.last), clip(row.tls), clip(row.option, 300),
    )  # fmt: skip
