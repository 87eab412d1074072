"""Results as text, each command's in its own way."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.posture.result import Posture
from aurora_wire.report.text import audit, check, fleet, posture
from aurora_wire.report.text.grades import known_lines
from aurora_wire.report.wording import Style


def render(
    found: Posture, *, width: int = 100, color: bool = False, whole: bool = False, everything: bool = False,
    fixes: bool = False,
) -> Iterator[str]:  # fmt: skip
    """Yield lines. whole: nothing is shortened; everything, fixes: see `audit.render`."""
    style = Style(width, color, whole=whole)
    blocks = [posture.render(*each, style, fixes=fixes) for each in found.probes]
    blocks += [audit.render(each, style, everything=everything, fixes=fixes) for each in found.audits]
    blocks += [check.render_text(each, style, fixes=fixes) for each in found.checks]
    if found.fleet is not None:
        blocks.append(fleet.render_text(found.fleet, style))
    for number, block in enumerate(blocks):
        if number:
            yield "\n"
        yield from block
    yield from known_lines(found, style)
