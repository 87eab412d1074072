"""The part of the text report with the connections, and why a verdict is not stronger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aurora_wire.immutable import field, record
from aurora_wire.report.escape import show_text
from aurora_wire.report.proxied import describe_host, summarise_proxy
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import LEAKS, ORDER, Style, count, counted, endpoint, judged, place
from aurora_wire.verdict.result import ConnectionResult, Scan, Verdict

ONE_BY_ONE = 20     # connections; more are grouped by client host and user
GROUPS_SHOWN = 40
REASONS_OF = 20     # groups of connections with the same reasons
REASONS_EACH = 3
IDS_SHOWN = 8

HEADER = ("#", "client", "server", "user", "verdict", "TLS", "in clear", "in TLS", "statements")
VERDICT = HEADER.index("verdict")
LEAVE = (7, 8, 5, 6, 2)     # columns that leave where there is no room: in TLS, statements, TLS, in clear, server
POOL = 3                    # connections that are alike share a row, from so many on
GROUP_HEADER = ("client host", "user", "server", *ORDER[:3], "other", "in clear", "statements")


def connections_text(scan: Scan, style: Style) -> Iterator[str]:
    verdicts = counted((verdict, scan.by_verdict.get(verdict, 0)) for verdict in ORDER)
    total = count(scan.connections_total, "MySQL connection")
    yield style.title(f"{total}: {verdicts}" if verdicts else total)
    if scan.not_mysql:
        names = counted(sorted(scan.not_mysql.items()))
        yield from style.wrap(f"not MySQL: {names}", "  ")
    if len(scan.connections) > ONE_BY_ONE and not style.each:
        yield from _groups(scan, style)
    elif scan.connections:
        yield from _one_by_one(scan.connections, style)
    yield from _on_loopback(scan.connections, style)
    yield from _behind_proxies(scan.connections, style)
    yield from _users_after(scan.connections, style)
    yield from _suites(scan.connections, style)
    yield from _refused(scan, style)
    beyond = scan.connections_total - len(scan.connections)
    if beyond > 0:
        yield f"  {count(beyond, 'more connection')} judged and counted, not listed"


def _one_by_one(connections: list[ConnectionResult], style: Style) -> Iterator[str]:
    verdicts = {judged(c.verdict, c.confidence): (c.verdict, c.confidence) for c in connections}
    rows = [_row(pool) for pool in ([[one] for one in connections] if style.each else pools(connections))]

    def paint(column: int, text: str, piece: str) -> str:
        return style.verdict(piece, *verdicts[text]) if column == VERDICT else piece

    yield from table(HEADER, rows, width=style.room, right={0, 6, 7, 8}, leave=LEAVE, paint=paint)
    if len(rows) < len(connections):
        words = f"({POOL}x) and more: one client host, user and server, judged alike; --each lists them"
        yield from style.wrap(words, "  ")


def pools(connections: Sequence[ConnectionResult]) -> list[list[ConnectionResult]]:
    """Return connections that are alike together: of one client host, user and server, judged alike."""
    found: dict[tuple[object, ...], list[ConnectionResult]] = {}
    for c in connections:
        tls = None if c.tls is None else c.tls.version
        key = (c.client.address, c.user, c.server, c.verdict, c.confidence, tls)
        found.setdefault(key, []).append(c)
    return [
        part
        for pool in found.values()
        for part in ([pool] if len(pool) >= POOL else [[one] for one in pool])
    ]


def _row(pool: list[ConnectionResult]) -> tuple[str, ...]:
    """Return the row of connections that are alike."""
    c = pool[0]
    several = len(pool) > 1
    client = f"{show_text(c.client.address)} ({len(pool):,}x)" if several else endpoint(c.client)
    return (
        f"{c.id}+" if several else str(c.id), client, endpoint(c.server), _user(c),
        judged(c.verdict, c.confidence), show_text((c.tls and c.tls.version) or "-"),
        _number(sum(map(clear_bytes, pool))), _number(sum(map(tls_bytes, pool))),
        _number(sum(one.statements_total for one in pool)),
    )  # fmt: skip


def _on_loopback(connections: list[ConnectionResult], style: Style) -> Iterator[str]:
    """Yield which of them never crossed a network: the leg to a proxy or a tunnel on the same host."""
    inside = [str(c.id) for c in connections if c.loopback]
    if inside:
        listed = f" ({', '.join(inside[:IDS_SHOWN])}{', ...' if len(inside) > IDS_SHOWN else ''})"
        yield from style.wrap(f"inside one host, on its loopback: {count(len(inside), 'connection')}{listed}", "  ")
    bridged = [str(c.id) for c in connections if c.bridge]
    if bridged:
        words = "between addresses that containers of one host have by default, perhaps on no network"
        yield from style.wrap(f"{words}: {count(len(bridged), 'connection')}{_ids(bridged)}", "  ")


def _behind_proxies(connections: list[ConnectionResult], style: Style) -> Iterator[str]:
    """Yield for whom proxies connect, as they say, each of them once."""
    said: dict[str, list[str]] = {}
    for c in connections:
        if c.proxy is not None:
            said.setdefault(summarise_proxy(c.proxy), []).append(str(c.id))
    for words, ids in list(said.items())[:REASONS_OF]:
        number = count(len(ids), "connection")
        yield from style.wrap(f"behind a PROXY header, {show_text(words)}: {number}{_ids(ids)}", "  ")


def _users_after(connections: list[ConnectionResult], style: Style) -> Iterator[str]:
    """Yield which sessions changed their user."""
    for c in [c for c in connections if c.users_after][:REASONS_OF]:
        names = ", ".join(show_text(user) or "''" for user in c.users_after)
        yield from style.wrap(f"connection {c.id} changed its user (COM_CHANGE_USER): to {names}", "  ")


def _ids(ids: list[str]) -> str:
    return f" ({', '.join(ids[:IDS_SHOWN])}{', ...' if len(ids) > IDS_SHOWN else ''})"


def _refused(scan: Scan, style: Style) -> Iterator[str]:
    """Yield what servers said in place of a session, each of them once."""
    said: dict[str, list[str]] = {}
    for c in scan.connections:
        if c.refusal is not None:
            text = c.refusal.text
            if style.redact:
                from aurora_wire.redact.sql import redact_sql  # noqa: PLC0415 - only here, and slow to load

                text = redact_sql(text.encode()).decode()
            when = "before a login" if c.refusal.early else "to the login"
            said.setdefault(f"error {c.refusal.code} {when}: {show_text(text)}", []).append(str(c.id))
    for words, ids in list(said.items())[:REASONS_OF]:
        listed = f" ({', '.join(ids[:IDS_SHOWN])}{', ...' if len(ids) > IDS_SHOWN else ''})"
        yield from style.wrap(f"{words}: {count(len(ids), 'connection')}{listed}", "  ")


def _suites(connections: list[ConnectionResult], style: Style) -> Iterator[str]:
    """Yield which version and cipher suite how many connections have: what a reviewer asks next."""
    by_suite: dict[str, list[str]] = {}
    for c in connections:
        if c.tls is not None and c.tls.cipher is not None:
            by_suite.setdefault(show_text(f"{c.tls.version or 'TLS'} {c.tls.cipher}"), []).append(str(c.id))
    for suite, ids in sorted(by_suite.items()):
        listed = f" ({', '.join(ids)})" if len(connections) <= ONE_BY_ONE else ""
        yield from style.wrap(f"{suite}: {count(len(ids), 'connection')}{listed}", "  ")


@record
class _Group:
    """Connections of one client host and user."""

    host: str
    user: str
    servers: set[str] = field(default_factory=set)
    verdicts: dict[Verdict, int] = field(default_factory=dict)
    clear: int = 0
    statements: int = 0

    def leaks(self) -> int:
        return sum(self.verdicts.get(verdict, 0) for verdict in LEAKS)


def _groups(scan: Scan, style: Style) -> Iterator[str]:
    groups: dict[tuple[str, str], _Group] = {}
    for c in scan.connections:
        key = (show_text(describe_host(c)), _user(c))
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group(*key)
        group.servers.add(endpoint(c.server))
        group.verdicts[c.verdict] = group.verdicts.get(c.verdict, 0) + 1
        group.clear += clear_bytes(c)
        group.statements += c.statements_total
    ordered = sorted(groups.values(), key=lambda g: (-g.leaks(), -g.clear, g.host, g.user))
    rows = [
        (g.host, g.user, min(g.servers) if len(g.servers) == 1 else f"{len(g.servers)} servers",
         *(_number(g.verdicts.get(verdict, 0)) for verdict in ORDER[:3]),
         _number(sum(g.verdicts.get(verdict, 0) for verdict in ORDER[3:])),
         _number(g.clear), _number(g.statements))
        for g in ordered[:GROUPS_SHOWN]
    ]

    def paint(column: int, text: str, piece: str) -> str:
        leak = GROUP_HEADER[column] in LEAKS and text != "-"
        return style.verdict(piece, "plaintext", None) if leak else piece

    yield from table(GROUP_HEADER, rows, width=style.room, right=set(range(3, 9)), leave=(6, 8, 7, 2), paint=paint)
    if len(ordered) > GROUPS_SHOWN:
        yield f"  {count(len(ordered) - GROUPS_SHOWN, 'more group')}: --each or --format json lists every connection"


def reasons_text(scan: Scan, style: Style) -> Iterator[str]:
    """Yield why connections are not a proven `plaintext` or `encrypted`."""
    weak = [c for c in scan.connections
            if c.reasons and not (c.confidence == "proven" and c.verdict in ("plaintext", "encrypted"))]
    if not weak:
        return
    yield style.title("Reasons for these verdicts")
    names = style.names(scan)
    groups: dict[tuple[str, ...], list[ConnectionResult]] = {}
    for c in weak:
        key = (judged(c.verdict, c.confidence), *(reason.id for reason in c.reasons))
        groups.setdefault(key, []).append(c)
    for (shown, *_), members in list(groups.items())[:REASONS_OF]:
        first = members[0]
        verdict = style.verdict(shown, first.verdict, first.confidence)
        yield f"  {_named(members)}: {verdict}"
        for reason in first.reasons[:REASONS_EACH]:
            where = place(names.optional(reason.frame), reason.direction, reason.offset)
            yield from style.wrap(show_text(reason.text) + (f" ({where})" if where else ""), "    ")
        if len(first.reasons) > REASONS_EACH:
            yield f"    {count(len(first.reasons) - REASONS_EACH, 'more reason')}: --format json"
    if len(groups) > REASONS_OF:
        yield f"  {count(len(groups) - REASONS_OF, 'more group')} of connections: --format json"


def _named(members: list[ConnectionResult]) -> str:
    """Return `connection 3`, `connections 3, 5, 6 and 12 more (places of the first)`."""
    if len(members) == 1:
        return f"connection {members[0].id}"
    listed = ", ".join(str(c.id) for c in members[:IDS_SHOWN])
    more = f" and {len(members) - IDS_SHOWN:,} more" if len(members) > IDS_SHOWN else ""
    return f"connections {listed}{more} (places of the first)"


def clear_bytes(connection: ConnectionResult) -> int:
    return connection.client_coverage.plaintext + connection.server_coverage.plaintext


def tls_bytes(connection: ConnectionResult) -> int:
    return connection.client_coverage.tls + connection.server_coverage.tls


def _number(number: int) -> str:
    return f"{number:,}" if number else "-"


def _user(connection: ConnectionResult) -> str:
    return "-" if connection.user is None else show_text(connection.user) or "''"
