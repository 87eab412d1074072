"""All views of one server as text or JSON."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.posture.check import CheckResult
from aurora_wire.posture.fixes import kind_of_server
from aurora_wire.report.audit_json import audit_fields
from aurora_wire.report.escape import show_text
from aurora_wire.report.json_fields import Fields, clean
from aurora_wire.report.posture_json import target_fields, time_text
from aurora_wire.report.text.grades import finding_lines, fix_lines
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style

_COLORS = {"in the clear": RED, "may come in the clear": RED, "encrypted only": GREEN, "cannot tell": YELLOW}
_WORDS = {
    "in the clear": "sessions are in the clear",
    "may come in the clear": "sessions may come in the clear",
    "encrypted only": "takes encrypted sessions only",
    "cannot tell": "cannot tell",
}


def render_text(found: CheckResult, style: Style, *, fixes: bool = False) -> Iterator[str]:
    """Yield lines, the answer first. fixes: what to paste for each finding, too."""
    name = style.title(show_text(str(found.target)))
    yield f"{name}: {style.paint(_WORDS[found.state], _COLORS[found.state])}\n\n"
    for each in found.views:
        yield f"  {each.name}: {style.paint(each.state, _COLORS[each.state])}\n"
        for line in style.wrap(show_text(each.answer), "    "):
            yield line + "\n"
    for text in found.contradictions:
        yield "\n"
        for line in style.wrap(f"Contradiction: {show_text(text)}", "  "):
            yield line + "\n"
    hits = [hit for each in found.assessments for hit in each.findings]
    hits += found.audit.findings if found.audit is not None else []
    if hits:
        yield "\n"
    for line in finding_lines(dict.fromkeys(hits), style):
        yield line + "\n"
    for line in fix_lines(dict.fromkeys(hits), _kind(found), style) if fixes else ():
        yield line + "\n"


def _kind(found: CheckResult) -> str:
    """Return the kind of the server, by what it says of itself, where somebody logged in."""
    host = found.target.host
    product = next((each.product for each in found.probe.addresses if each.product), None) if found.probe else None
    if found.audit is not None:
        return kind_of_server(found.audit.version, host, product)
    version = next((each.version for each in found.probe.addresses if each.version), "") if found.probe else ""
    return kind_of_server(version, host, product)


def check_fields(found: CheckResult) -> Fields:
    """Return the object of one target of `aurora-wire/check/1`."""
    return {
        "host": clean(found.target.host), "port": found.target.port,
        "time": time_text(found.time), "state": found.state,
        "views": [{"view": each.name, "answer": clean(each.answer), "state": each.state} for each in found.views],
        "contradictions": [clean(each) for each in found.contradictions],
        "probe": target_fields(found.probe, found.assessments) if found.probe is not None else None,
        "audit": audit_fields(found.audit) if found.audit is not None else None,
    }  # fmt: skip
