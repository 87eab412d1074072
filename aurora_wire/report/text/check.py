"""All views of one server as text."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.posture.check import CheckResult
from aurora_wire.posture.fixes import kind_of_server
from aurora_wire.report.escape import show_text
from aurora_wire.report.posture.servers import STATE_WORDS
from aurora_wire.report.text.grades import finding_lines, fix_lines
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style

_COLORS = {"in the clear": RED, "may come in the clear": RED, "encrypted only": GREEN, "cannot tell": YELLOW}


def render_text(found: CheckResult, style: Style, *, fixes: bool = False) -> Iterator[str]:
    """Yield lines, the answer first. fixes: what to paste for each finding, too."""
    name = style.title(show_text(str(found.target)))
    yield f"{name}: {style.paint(STATE_WORDS[found.state], _COLORS[found.state])}\n\n"
    for each in found.views:
        yield f"  {each.name}: {style.paint(each.state, _COLORS[each.state])}\n"
        for line in style.wrap(show_text(each.answer), "    "):
            yield line + "\n"
    for text in found.contradictions:
        yield "\n"
        for line in style.wrap(f"Contradiction: {show_text(text)}", "  "):
            yield line + "\n"
    if found.findings:
        yield "\n"
    for line in finding_lines(found.findings, style):
        yield line + "\n"
    for line in fix_lines(found.findings, _kind(found), style) if fixes else ():
        yield line + "\n"


def _kind(found: CheckResult) -> str:
    """Return the kind of the server, by what it says of itself, where somebody logged in."""
    host = found.target.host
    product = next((each.product for each in found.probe.addresses if each.product), None) if found.probe else None
    if found.audit is not None:
        return kind_of_server(found.audit.version, host, product)
    version = next((each.version for each in found.probe.addresses if each.version), "") if found.probe else ""
    return kind_of_server(version, host, product)
