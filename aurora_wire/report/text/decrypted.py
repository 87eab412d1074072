"""The part of the text report with what a key log showed to be inside TLS: none of it crossed in the clear."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.text.statements import FEWEST_EACH, SHOWN_EACH, SHOWN_IN_ALL, statement_lines
from aurora_wire.report.timestamps import clock_of
from aurora_wire.report.wording import Style, count, endpoint
from aurora_wire.verdict.result import ConnectionResult, OpenedResult, Scan

CONNECTIONS_SHOWN = 100
IDS_SHOWN = 8


def opened_text(scan: Scan, style: Style) -> Iterator[str]:
    found = [(c, c.tls.opened) for c in scan.connections if c.tls is not None and c.tls.opened is not None]
    opened = [(c, inside) for c, inside in found if inside.not_opened is None]
    if not found:
        return
    total = sum(inside.statements_total for _, inside in opened)
    yield style.title(f"Inside TLS (key log): {count(len(opened), 'connection')} opened, {count(total, 'statement')}")
    clock, names = clock_of(scan), style.names(scan)
    each = min(SHOWN_EACH, max(FEWEST_EACH, SHOWN_IN_ALL // max(len(opened), 1)))
    left = SHOWN_IN_ALL
    for c, inside in opened[:CONNECTIONS_SHOWN]:
        yield from style.wrap(_connection(c, inside), "  ")
        shown = list(inside.statements[: min(each, left)])
        left -= len(shown)
        if shown:
            yield from statement_lines(shown, clock, names, style, "")
        if inside.statements_total > len(shown):
            yield f"    {count(inside.statements_total - len(shown), 'more statement')} inside: --format json"
    if len(opened) > CONNECTIONS_SHOWN:
        yield f"  {count(len(opened) - CONNECTIONS_SHOWN, 'more connection')} opened: --format json"
    yield from _not_opened(found, style)


def _connection(c: ConnectionResult, inside: OpenedResult) -> str:
    who = f"{show_text(inside.user)}@" if inside.user else ""
    database = f", database {show_text(inside.database)}" if inside.database else ""
    what = show_text(inside.protocol) if inside.protocol else "no session"
    parts = [f"{count(inside.records, 'record')} opened"]
    if inside.failed:
        parts.append(f"{inside.failed:,} that do not authenticate")
    if inside.cut:
        parts.append(f"{inside.cut:,} not captured whole")
    if inside.without_keys:
        parts.append(f"{inside.without_keys:,} whose keys the key log does not have")
    return (
        f"connection {c.id}, {who}{endpoint(c.client)} to {endpoint(c.server)}{database}: "
        f"{what} inside TLS (key log), {', '.join(parts)}"
    )


def _not_opened(found: list[tuple[ConnectionResult, OpenedResult]], style: Style) -> Iterator[str]:
    by_reason: dict[str, list[int]] = {}
    for c, inside in found:
        if inside.not_opened is not None:
            by_reason.setdefault(inside.not_opened, []).append(c.id)
    for reason, ids in by_reason.items():
        more = f" and {len(ids) - IDS_SHOWN:,} more" if len(ids) > IDS_SHOWN else ""
        listed = ", ".join(map(str, ids[:IDS_SHOWN])) + more
        name = "connection" if len(ids) == 1 else "connections"
        yield from style.wrap(f"{name} {listed}: not opened: {show_text(reason)}", "  ")
