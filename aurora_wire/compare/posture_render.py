"""A comparison of what servers allow as text and as JSON (`aurora-wire/posture-comparison/1`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from aurora_wire.compare.posture import BETTER, CHANGES, NEW, STILL, UNKNOWN, WORSE, PostureComparison
from aurora_wire.posture.result import Posture, worst
from aurora_wire.report.escape import show_text
from aurora_wire.report.json_text import Fields, clean
from aurora_wire.report.posture.servers import list_rows
from aurora_wire.report.posture_json import time_text
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style, counted

SCHEMA: Final = "aurora-wire/posture-comparison/1"
SHOWN: Final = 100  # lines in text
COLORS: Final = {WORSE: RED, STILL: RED, UNKNOWN: YELLOW, NEW: YELLOW, BETTER: GREEN}
# By `exit_code` of the comparison.
ANSWERS: Final = {0: "ALL IS AS IT SHOULD BE NOW", 1: "NOT FIXED", 3: "NOT DECIDED"}


def render_text(comparison: PostureComparison, style: Style) -> Iterator[str]:
    """Yield lines, each with its newline; the answer is the last."""
    if comparison.changes:
        header = ("change", "server", "rule", "what")
        rows = []
        for c in comparison.changes[:SHOWN]:
            what = f"{c.title}: {show_text(c.item or c.text)}" if c.rule else show_text(c.text)
            rows.append((c.change, show_text(c.server), c.rule or "-", what))

        def paint(column: int, text: str, piece: str) -> str:
            return style.paint(piece, COLORS.get(text, "")) if column == 0 else piece

        for line in table(header, rows, width=style.room, paint=paint):
            yield line + "\n"
        if len(comparison.changes) > SHOWN:
            yield f"  {len(comparison.changes) - SHOWN:,} more lines: --format json\n"
        yield "\n"
    if comparison.names_ignored:
        yield "Names of users are masked in one of the results, so they were not compared.\n"
    yield closing(comparison) + "\n"


def closing(comparison: PostureComparison) -> str:
    """Return the answer: `NOT FIXED: 2 still there, 1 got better.`"""
    counts = counted((name, comparison.count(name)) for name in CHANGES) or "nothing was found in either"
    same = "; the same as before" if comparison.same else ""
    return f"{ANSWERS[comparison.exit_code]}: {counts}{same}."


def render_json(comparison: PostureComparison, exit_code: int) -> Iterator[str]:
    """Yield the comparison as JSON. exit_code: what the command will end with."""
    fields = collect_fields(comparison, exit_code)
    yield json.dumps(fields, indent=1, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n"


def collect_fields(comparison: PostureComparison, exit_code: int) -> Fields:
    """Return the comparison as its JSON has it. exit_code: what it ends with by what the command was asked for."""
    return {
        "schema": SCHEMA,
        "answer": ANSWERS[comparison.exit_code].lower(),
        "same": comparison.same,
        "exit_code": exit_code,
        "command": comparison.kind,
        "names_compared": not comparison.names_ignored,
        "counts": {name: comparison.count(name) for name in CHANGES},
        "before": _run(comparison.before, comparison.servers[0]),
        "after": _run(comparison.after, comparison.servers[1]),
        "changes": [
            {
                "change": c.change, "server": clean(c.server), "rule": c.rule or None, "severity": c.severity or None,
                "title": c.title or None, "item": clean(c.item) or None, "text": clean(c.text),
            }
            for c in comparison.changes
        ],
    }  # fmt: skip


def _run(postures: list[Posture], servers: int) -> Fields:
    times = [row.time for posture in postures for row in list_rows(posture)]
    return {
        "servers": servers, "exit_code": worst([each.exit_code for each in postures]) if postures else None,
        "time": time_text(min(times)) if times else None,
    }  # fmt: skip
