"""What servers allow for a ticket or a pull request: Markdown, the answer first, short enough for a comment.

GitHub takes 65,536 characters in a comment: the bounds below keep to that, and each says how much it left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aurora_wire.posture.assess import PostureFinding
from aurora_wire.posture.result import Posture
from aurora_wire.report.markdown import QUESTION, SENTENCE, SIGNS, fix_lines
from aurora_wire.report.markdown_text import code, prose
from aurora_wire.report.posture.servers import Outcome, ServerRow, gap_text, list_gaps, list_rows
from aurora_wire.report.summary import paragraph
from aurora_wire.report.wording import SEVERITIES, count
from aurora_wire.verdict.exceptions import known_in_words
from aurora_wire.verdict.rules.registry import RULES

SERVERS: Final = 60
RULES_SHOWN: Final = 22
PLACES: Final = 3       # of a rule
DETAILED: Final = 5     # servers whose views or facts are shown
GAPS: Final = 10
NAME: Final = 80

OUTCOME_SIGNS: Final[dict[Outcome, str]] = {
    "good": SIGNS["encrypted"], "bad": SIGNS["plaintext"], "unknown": QUESTION,
}  # fmt: skip
# By exit code.
HEADINGS: Final = {
    0: ("good", "Nothing lets clients come in the clear, as far as was asked"),
    1: ("bad", "Sessions may come in the clear, or TLS is weak"),
    3: ("unknown", "Not all of it can be told"),
}


def render(posture: Posture) -> Iterator[str]:
    """Yield pieces of Markdown."""
    rows = list_rows(posture)
    for lines in (_answer(posture, rows), _servers(rows), _details(rows), _findings(rows), _gaps(posture)):
        yield from paragraph(lines)
    yield f"<sub>aurora-wire {prose(posture.tool_version, NAME)} {posture.kind}.</sub>\n"


def _answer(posture: Posture, rows: list[ServerRow]) -> Iterator[str]:
    outcome, words = HEADINGS[posture.exit_code]
    if outcome == "good" and any(hit.ignored is not None for row in rows for hit in row.findings):
        words = "Nothing but what is known and accepted for a time, as far as was asked"
    yield f"## {OUTCOME_SIGNS[outcome]} {words}"  # type: ignore[index]
    yield ""
    bad = sum(row.outcome == "bad" for row in rows)
    unknown = sum(row.outcome == "unknown" for row in rows)
    more = f", {unknown:,} cannot be told" if unknown else ""
    known = known_in_words(posture.exceptions)
    more += f"; {prose(known, SENTENCE)}" if known else ""
    yield f"{count(len(rows), 'server')}: {bad:,} not as {'it' if bad == 1 else 'they'} should be{more}."


def _servers(rows: list[ServerRow]) -> Iterator[str]:
    if not rows:
        return
    yield "| | server | version | says | findings |"
    yield "| --- | --- | --- | --- | --- |"
    ordered = sorted(rows, key=lambda row: ("bad", "unknown", "good").index(row.outcome))
    for row in ordered[:SERVERS]:
        rules = ", ".join(dict.fromkeys(hit.rule for hit in row.findings)) or "-"
        says = prose(f"{row.says}: {row.reason}" if row.reason else row.says, SENTENCE)
        version = code(row.version, NAME // 2) if row.version else "-"
        yield f"| {OUTCOME_SIGNS[row.outcome]} | {code(row.title, NAME)} | {version} | {says} | {rules} |"
    if len(rows) > SERVERS:
        yield ""
        yield f"{count(len(rows) - SERVERS, 'more server')}."


def _details(rows: list[ServerRow]) -> Iterator[str]:
    shown = [row for row in rows if row.views or row.kind == "audit"]
    for row in shown[:DETAILED]:
        yield f"### {code(row.title, NAME)}"
        yield ""
        yield "| | |"
        yield "| --- | --- |"
        for name, text in row.facts:
            yield f"| {prose(name, NAME)} | {prose(text, SENTENCE)} |"
        yield ""
        for text in row.contradictions:
            yield f"- **Contradiction**: {prose(text, 2 * SENTENCE)}"
    if len(shown) > DETAILED:
        yield f"{count(len(shown) - DETAILED, 'more server')} not shown one by one."


def _findings(rows: list[ServerRow]) -> Iterator[str]:
    by_rule: dict[str, list[tuple[ServerRow, PostureFinding]]] = {}
    for row in rows:
        for hit in row.findings:
            by_rule.setdefault(hit.rule, []).append((row, hit))
    if not by_rule:
        return
    ordered = sorted(by_rule, key=lambda rule: (SEVERITIES.index(RULES[rule].severity), rule))
    yield "### Findings"
    yield ""
    yield "| rule | severity | what was found | how often | where |"
    yield "| --- | --- | --- | ---: | --- |"
    for rule in ordered[:RULES_SHOWN]:
        hits = by_rule[rule]
        where = "; ".join(f"{code(row.title, NAME)}: {prose(hit.detail, SENTENCE)}" for row, hit in hits[:PLACES])
        more = f"; and {len(hits) - PLACES:,} more" if len(hits) > PLACES else ""
        yield f"| {rule} | {RULES[rule].severity} | {prose(RULES[rule].title)} | {len(hits):,} | {where}{more} |"
    if len(ordered) > RULES_SHOWN:
        yield ""
        yield f"{count(len(ordered) - RULES_SHOWN, 'more rule')} of lower severity."
    worst = ordered[0]
    if SEVERITIES.index(RULES[worst].severity) < SEVERITIES.index("low"):
        yield ""
        yield f"**Fix {worst}** (`aurora-wire rules {worst}`):"
        yield ""
        yield from fix_lines(by_rule[worst][0][0].fix(worst))


def _gaps(posture: Posture) -> Iterator[str]:
    gaps = list_gaps(posture)
    if not gaps:
        return
    yield "### What could not be seen"
    yield ""
    for gap in gaps[:GAPS]:
        yield f"- {prose(gap_text(gap), SENTENCE)}"
    if len(gaps) > GAPS:
        yield f"- and {len(gaps) - GAPS:,} more"
