"""The part of the text report with the credentials that crossed in the clear: what each gives to who read it."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_bytes, show_text
from aurora_wire.report.wording import RED, YELLOW, Style, count, endpoint
from aurora_wire.verdict.result import ConnectionResult, CredentialResult, Scan

SHOWN_EACH = 10
SHOWN_IN_ALL = 60
GRADES = {
    "secret": "THE SECRET ITSELF", "token": "A TOKEN", "key": "A KEY", "hash": "A PASSWORD HASH",
    "crackable": "crackable offline", "sealed": "sealed by a key that nobody vouched for", "none": "NO PASSWORD",
    "maybe": "MAY BE A SECRET", "proof": "of no use again", "unknown": "unknown",
}
CRITICAL = frozenset(("secret", "token", "key", "hash", "none"))
ORDER = tuple(GRADES)


def credentials_text(scan: Scan, style: Style) -> Iterator[str]:
    total = sum(len(c.credentials) for c in scan.connections)
    if not total:
        return
    yield style.title(f"{count(total, 'credential')} in the clear")
    left = SHOWN_IN_ALL
    names = style.names(scan)
    for c in scan.connections:
        if left <= 0:
            break
        worst = sorted(c.credentials, key=lambda one: ORDER.index(one.grade))
        shown = sorted(worst[: min(SHOWN_EACH, left)], key=lambda one: one.frame)
        if not shown:
            continue
        left -= len(shown)
        yield f"  connection {c.id}, {endpoint(c.client)} to {endpoint(c.server)}"
        for one in shown:
            yield from _credential(one, names.name(one.frame), style)
        more = len(c.credentials) - len(shown)
        if more > 0:
            yield f"    {count(more, 'more credential')} of this connection: --format json"
    beyond = total - sum(min(len(c.credentials), SHOWN_EACH) for c in scan.connections if c.credentials)
    if left == 0 and beyond > 0:
        yield "  more in all: --format json"
    if not style.reveal and not style.redact and any(_hidden(c) for c in scan.connections):
        yield "  Values are not shown; --reveal shows them, and the lines that hashcat and john take."


def _hidden(connection: ConnectionResult) -> bool:
    return any(one.value for one in connection.credentials)


def _credential(one: CredentialResult, frame: str, style: Style) -> Iterator[str]:
    who = f" of {show_text(one.user)}" if one.user else ""
    plugin = f", {show_text(one.plugin)}" if one.plugin else ""
    grade = style.paint(GRADES[one.grade], RED if one.grade in CRITICAL else YELLOW)
    yield f"    frame {frame}  {one.exchange}{who}{plugin}: {grade}"
    yield from style.wrap(f"{one.what}{notes(one)}", "      ")
    if style.reveal:
        if one.value is not None and one.grade not in ("crackable", "sealed", "proof"):
            yield f"      value: {show_bytes(one.value)}"
        if one.line is not None:
            yield f"      line: {show_text(one.line)}"


def notes(one: CredentialResult) -> str:
    """Return `; hashcat 11200 (MySQL CRAM (SHA1)), john mysqlna; refused`, as far as it is known."""
    crackers = []
    if one.hashcat is not None:
        crackers.append(f"hashcat {one.hashcat[0]} ({one.hashcat[1]})")
    if one.john is not None:
        crackers.append(f"john {one.john}")
    parts = [", ".join(crackers)] if crackers else []
    if one.expires is not None:
        parts.append(f"valid until {one.expires}")
    if one.accepted is False:
        parts.append("the server refused it")
    return "".join(f"; {part}" for part in parts)
