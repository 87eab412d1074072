"""Grades and findings of what a server allows, as `probe`, `audit` and `check` show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aurora_wire.posture.assess import PostureFinding
from aurora_wire.posture.fixes import collect_fixes
from aurora_wire.posture.result import Posture
from aurora_wire.report.escape import show_text
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style, advice
from aurora_wire.verdict.exceptions import known_in_words

_COLORS = {"A": GREEN, "B": GREEN, "C": YELLOW, "D": RED, "F": RED}


def grade_text(grade: str, style: Style) -> str:
    """Return `grade B`, in its colour; `grade no grade` where there is none."""
    shown = grade or "no grade"
    return style.paint(f"grade {shown}", _COLORS.get(shown, YELLOW))


def finding_lines(findings: Iterable[PostureFinding], style: Style) -> Iterator[str]:
    """Yield the lines of findings, each wrapped."""
    for hit in findings:
        yield from style.wrap(f"{hit.rule} {hit.severity}: {hit.title}: {show_text(hit.detail)}", "  ")


def known_lines(found: Posture, style: Style) -> Iterator[str]:
    """Yield how many findings were ignored as known, and which exceptions have expired, each with its line break."""
    said = known_in_words(found.exceptions)
    if said:
        yield "\n"
        for line in style.wrap(f"{show_text(said[:1].upper() + said[1:])}.", ""):
            yield line + "\n"


def fix_lines(findings: Iterable[PostureFinding], kind: str, style: Style) -> Iterator[str]:
    """Yield what to paste for findings, at a server of this kind; each text once, with the rules that it is for."""
    for text, rules in collect_fixes(findings, kind).items():
        yield ""
        yield f"  {style.title('Fix')} for {', '.join(rules)}"
        for line in advice(text, "    ", style):
            yield show_text(line)
