"""The part of the text report with the statements that crossed in the clear, in groups (`scan --group`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aurora_wire.report.escape import show_text
from aurora_wire.report.groups import NO_TEXT, format_classes, format_names, format_title, shown_groups
from aurora_wire.report.text.statements import LINES, SHORTEST, fold
from aurora_wire.report.timestamps import find_clock
from aurora_wire.report.wording import RED, Style, count, day_and_time
from aurora_wire.verdict.result import Scan

GROUPS: Final = 100     # shown


def groups_text(scan: Scan, style: Style) -> Iterator[str]:
    if not scan.groups:
        return
    clock, names = find_clock(scan), style.names(scan)
    yield style.title(format_title(scan))
    for number, (one, made, example) in enumerate(shown_groups(scan, redact=style.redact)):
        if number >= GROUPS:
            yield f"  {count(len(scan.groups) - GROUPS, 'more kind')}: --format json or csv:groups writes all of them"
            break
        day, first = day_and_time(clock, one.frame, one.first_time_ns)
        last_day, last = day_and_time(clock, one.frame, one.last_time_ns)
        span = f"{day} {first.partition('.')[0]}".strip()
        if one.count > 1 and span:
            span += f" to {'' if last_day == day else f'{last_day} '}{last.partition('.')[0]}"
        where = f"in {count(one.connections, 'connection')}, from frame {names.name(one.frame)} on"
        yield from style.wrap(", ".join(filter(None, (f"{one.count:,} x {show_text(one.command)}", where, span))), "  ")
        if made or not example:
            yield from _folded(made or NO_TEXT, "      ", style)
        if example:
            yield from _folded(f"such as {example}", "        ", style)
        named = format_names(one)
        if named:
            yield from style.wrap(named, "        ")
        found = format_classes(one)
        if found:
            yield from (style.paint(line, RED) for line in style.wrap(found, "        "))
    if scan.not_grouped:
        yield f"  {count(scan.not_grouped, 'more statement')} in no group, for want of room"


def _folded(text: str, indent: str, style: Style) -> Iterator[str]:
    """Yield a text on a few lines; whole where nothing is shortened."""
    if style.whole:
        yield indent + text
        return
    lines = fold(text, max(style.width - len(indent), SHORTEST))
    for line in lines[:LINES]:
        yield indent + line
    if len(lines) > LINES:
        yield f"{indent}..."
