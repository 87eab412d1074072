"""What servers allow as CSV: a table of servers, one of findings. Escaped and defused as all tables are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aurora_wire.posture.result import Posture
from aurora_wire.report.csv_tables import Cell, line
from aurora_wire.report.escape import show_text
from aurora_wire.report.posture.servers import ServerRow, gap_text, list_gaps, list_rows
from aurora_wire.report.posture_json import time_text

SERVER_COLUMNS: Final = (
    "command", "server", "place", "host", "port", "time", "outcome", "says", "reason", "grade", "server_version",
    "product", "findings", "worst", "contradictions", "facts",
)
FINDING_COLUMNS: Final = (
    "command", "server", "place", "host", "port", "time", "rule", "severity", "title", "detail", "items",
    "ignored_reason", "ignored_until",
)


def servers(posture: Posture) -> Iterator[str]:
    """Yield lines, each with its CRLF: the names of the columns, then one for each server, then what was not seen."""
    yield line(SERVER_COLUMNS)
    for row in list_rows(posture):
        rules = " ".join(dict.fromkeys(hit.rule for hit in row.findings))
        facts = "; ".join(f"{name}: {text}" for name, text in row.facts)
        yield line((
            *_place(row), row.outcome, row.says, show_text(row.reason), row.grade, show_text(row.version),
            show_text(row.product), rules, row.findings[0].severity if row.findings else "",
            show_text(" ".join(row.contradictions)), show_text(facts),
        ))
    for gap in list_gaps(posture):
        yield line((
            posture.kind, show_text(gap.what), show_text(gap.region), "", None, None, "unknown", "not seen",
            show_text(gap_text(gap)), *[""] * 7,
        ))


def findings(posture: Posture) -> Iterator[str]:
    """Yield the same for findings, worst first of each server."""
    yield line(FINDING_COLUMNS)
    for row in list_rows(posture):
        for hit in row.findings:
            yield line((
                *_place(row), hit.rule, hit.severity, hit.title, show_text(hit.detail),
                "; ".join(map(show_text, hit.items)),
                *(("", "") if hit.ignored is None else (show_text(hit.ignored.reason), hit.ignored.until)),
            ))


def _place(row: ServerRow) -> tuple[Cell, ...]:
    return (
        row.kind, show_text(row.name), show_text(row.place), show_text(row.host), row.port or None,
        time_text(row.time),
    )
