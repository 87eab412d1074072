"""A comparison as text and as JSON (`aurora-wire/comparison/1`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from aurora_wire.compare import posture_render
from aurora_wire.compare.compare import CHANGES, FIXED, LOST, NEW_LEAK, STILL, UNKNOWN, WEAKER, Comparison, Run
from aurora_wire.compare.posture import PostureComparison
from aurora_wire.posture.result import worst
from aurora_wire.report.escape import show_text
from aurora_wire.report.json_text import clean
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style, counted

SCHEMA: Final = "aurora-wire/comparison/1"
SHOWN: Final = 100  # lines in text
COLORS: Final = {LOST: RED, NEW_LEAK: RED, STILL: RED, WEAKER: YELLOW, UNKNOWN: YELLOW, FIXED: GREEN}

Fields = dict[str, object]


def render_text(comparison: Comparison, style: Style) -> Iterator[str]:
    """Yield lines, each with its newline; the answer is the last."""
    changes = comparison.changes[:SHOWN]
    if changes:
        header = ("change", "client", "server", "user", "program", "before", "after")
        rows = [
            (c.change, show_text(c.client), show_text(c.server), show_text(c.user) or "-",
             show_text(c.program) or "-", f"{c.before:,}", f"{c.after:,}")
            for c in changes
        ]

        def paint(column: int, text: str, piece: str) -> str:
            return style.paint(piece, COLORS.get(text, "")) if column == 0 else piece

        for line in table(header, rows, width=style.room, right={5, 6}, leave=(4,), paint=paint):
            yield line + "\n"
        if len(comparison.changes) > SHOWN:
            yield f"  {len(comparison.changes) - SHOWN:,} more lines: --format json\n"
        yield "\n"
    if comparison.filters:
        options = " ".join(f"--{name} {show_text(value)}" for name, value in comparison.filters.items())
        left = f"{comparison.before.left_out:,} and {comparison.after.left_out:,}"
        yield from (line + "\n" for line in style.wrap(
            f"Compared is what {options} lets through: {left} connections were left out.", ""
        ))  # fmt: skip
    if comparison.users_ignored:
        yield "User names are masked in one of the runs, so they were not compared.\n"
    for name, run in (("first", comparison.before), ("second", comparison.after)):
        if not run.complete:
            yield f"The {name} run did not see all of its input.\n"
    yield closing(comparison) + "\n"


def closing(comparison: Comparison) -> str:
    """Return the answer: `NOT FIXED: 2 still leaks, 1 became encrypted.`"""
    counts = counted((name, comparison.count(name)) for name in CHANGES) or "no MySQL connection in either run"
    same = "; the same as before" if comparison.same else ""
    return f"{ANSWERS[comparison.exit_code]}: {counts}{same}."


# By `exit_code` of the comparison.
ANSWERS: Final = {0: "NOTHING LEAKS NOW", 1: "NOT FIXED", 3: "NOT DECIDED"}


def render_bundles_text(comparison: Comparison, postures: Sequence[PostureComparison], style: Style) -> Iterator[str]:
    """Yield the lines of two bundles: what crossed, then what servers allow; the answer of all is the last."""
    yield "What crossed\n\n"
    yield from render_text(comparison, style)
    answers = [f"what crossed: {ANSWERS[comparison.exit_code].lower()}"]
    for each in postures:
        yield f"\nWhat servers allow, by {each.kind}\n\n"
        yield from posture_render.render_text(each, style)
        answers.append(f"{each.kind}: {posture_render.ANSWERS[each.exit_code].lower()}")
    yield f"\n{ANSWERS[worst_code(comparison, postures)]}: {'; '.join(answers)}.\n"


def worst_code(comparison: Comparison, postures: Sequence[PostureComparison], *, same: bool = False) -> int:
    """Return the exit code of all. same: by `--require same`."""
    parts: list[Comparison | PostureComparison] = [comparison, *postures]
    return worst([each.same_code if same else each.exit_code for each in parts])


def render_json(
    comparison: Comparison, exit_code: int, postures: Sequence[PostureComparison] = (), *, same: bool = False
) -> Iterator[str]:
    """Yield the comparison as JSON. exit_code: what the command will end with; postures: of what servers allow, where
    bundles hold results; same: the command was given `--require same`.
    """
    fields: Fields = {
        "schema": SCHEMA,
        "answer": ANSWERS[worst_code(comparison, postures)].lower(),
        "same": comparison.same and all(each.same for each in postures),
        "exit_code": exit_code,
        "users_compared": not comparison.users_ignored,
        "counts": {name: comparison.count(name) for name in CHANGES},
        "filters": {name: clean(value) for name, value in comparison.filters.items()},
        "before": _run(comparison.before),
        "after": _run(comparison.after),
        "changes": [
            {
                "change": c.change, "client": c.client, "server": c.server, "user": clean(c.user) or None,
                "program": clean(c.program) or None, "before": c.before, "after": c.after, "text": c.text,
            }
            for c in comparison.changes
        ],
        "posture": [
            posture_render.collect_fields(each, each.same_code if same else each.exit_code) for each in postures
        ],
    }  # fmt: skip
    yield json.dumps(fields, indent=1, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n"


def _run(run: Run) -> Fields:
    return {"connections": run.connections, "complete": run.complete, "left_out": run.left_out}
