"""The part of the text report with what a key log showed to be inside TLS: none of it crossed in the clear."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.text.connections import IDS_SHOWN
from aurora_wire.report.text.statements import FEWEST_EACH, SHOWN_EACH, SHOWN_IN_ALL, statement_lines
from aurora_wire.report.timestamps import find_clock
from aurora_wire.report.wording import Style, count, endpoint
from aurora_wire.verdict.result import ConnectionResult, DecryptionResult, Scan

CONNECTIONS_SHOWN = 100


def decrypted_text(scan: Scan, style: Style) -> Iterator[str]:
    found = [(c, c.tls.decrypted) for c in scan.connections if c.tls is not None and c.tls.decrypted is not None]
    decrypted = [(c, inside) for c, inside in found if inside.not_decrypted is None]
    if not found:
        return
    total = sum(inside.statements_total for _, inside in decrypted)
    connections = count(len(decrypted), "connection")
    yield style.title(f"Inside TLS (key log): {connections} decrypted, {count(total, 'statement')}")
    clock, names = find_clock(scan), style.names(scan)
    each = min(SHOWN_EACH, max(FEWEST_EACH, SHOWN_IN_ALL // max(len(decrypted), 1)))
    left = SHOWN_IN_ALL
    for c, inside in decrypted[:CONNECTIONS_SHOWN]:
        yield from style.wrap(_connection(c, inside), "  ")
        shown = list(inside.statements[: min(each, left)])
        left -= len(shown)
        if shown:
            yield from statement_lines(shown, clock, names, style, "")
        if inside.statements_total > len(shown):
            yield f"    {count(inside.statements_total - len(shown), 'more statement')} inside: --format json"
    if len(decrypted) > CONNECTIONS_SHOWN:
        yield f"  {count(len(decrypted) - CONNECTIONS_SHOWN, 'more connection')} decrypted: --format json"
    yield from _not_decrypted(found, style)


def _connection(c: ConnectionResult, inside: DecryptionResult) -> str:
    who = f"{show_text(inside.user)}@" if inside.user else ""
    database = f", database {show_text(inside.database)}" if inside.database else ""
    what = show_text(inside.protocol) if inside.protocol else "no session"
    parts = [f"{count(inside.records, 'record')} decrypted"]
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


def _not_decrypted(found: list[tuple[ConnectionResult, DecryptionResult]], style: Style) -> Iterator[str]:
    by_reason: dict[str, list[int]] = {}
    for c, inside in found:
        if inside.not_decrypted is not None:
            by_reason.setdefault(inside.not_decrypted, []).append(c.id)
    for reason, ids in by_reason.items():
        more = f" and {len(ids) - IDS_SHOWN:,} more" if len(ids) > IDS_SHOWN else ""
        listed = ", ".join(map(str, ids[:IDS_SHOWN])) + more
        name = "connection" if len(ids) == 1 else "connections"
        yield from style.wrap(f"{name} {listed}: not decrypted: {show_text(reason)}", "  ")
