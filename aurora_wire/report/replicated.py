"""What a replication stream or a CLONE brought across, in words that the text, HTML and Markdown reports share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aurora_wire.report.wording import count
from aurora_wire.verdict.result import ConnectionResult
from aurora_wire.verdict.stream_result import CloneResult, ReplicationResult

TABLES: Final = 12      # named in one line
DATABASES: Final = 12
PLUGINS: Final = 12

Pairs = Iterator[tuple[str, str]]


def list_lines(connection: ConnectionResult) -> Pairs:
    """Yield what there is to say, as headings and texts: as they came from the wire, to be escaped."""
    if connection.clone is not None:
        yield from _of_clone(connection.clone)
    if connection.replication is not None:
        yield from _of_replication(connection.replication)


def _of_clone(clone: CloneResult) -> Pairs:
    end = "complete" if clone.complete else "its end was not seen"
    if clone.error is not None:
        end = f"the donor refused: {clone.error}"
    files = count(clone.descriptors, "descriptor")
    yield "Data folder (CLONE)", f"{clone.bytes:,} bytes in {count(clone.packets, 'packet')}, {files}; {end}"
    if clone.plugins:
        more = f" and {len(clone.plugins) - PLUGINS:,} more" if len(clone.plugins) > PLUGINS else ""
        yield "Plugins of the donor", ", ".join(clone.plugins[:PLUGINS]) + more


def _of_replication(one: ReplicationResult) -> Pairs:
    events = sum(one.events.values())
    yield "Replication stream", f"{one.bytes:,} bytes in {count(events, 'event')}{_extras(one)}"
    yield from ((name, text) for name, text in (
        ("Replica", _replica(one)), ("Asked for", _asked(one)), ("Source", _source(one)),
        ("Events", ", ".join(f"{number:,} {name}" for name, number in one.events.items())),
        ("Databases", _list(one.databases, DATABASES)), ("Tables", _tables(one)),
    ) if text)  # fmt: skip
    if one.cut or one.unread:
        yield "Not read", (
            f"{count(one.cut, 'event')} not captured whole, or too long to be read to the end; {one.unread:,} whose "
            "rows fit no layout that was seen"
        )


def _extras(one: ReplicationResult) -> str:
    parts = [count(one.statements, "statement")] if one.statements else []
    rows = count_rows(one)
    if rows:
        parts.append(count(rows, "row"))
    if one.semi_sync:
        parts.append("semi-synchronous")
    return f": {', '.join(parts)}" if parts else ""


def count_rows(one: ReplicationResult) -> int:
    """Return how many rows crossed, of all tables."""
    return one.rows_elsewhere + sum(table.inserted + table.updated + table.deleted for table in one.tables)


def _replica(one: ReplicationResult) -> str:
    parts = [] if one.server_id is None else [f"server id {one.server_id}"]
    if one.host:
        parts.append(f"host {one.host}" + (f":{one.port}" if one.port else ""))
    if one.user:
        parts.append(f"user {one.user}")
    if one.password:
        parts.append("its password crossed")
    return ", ".join(parts)


def _asked(one: ReplicationResult) -> str:
    parts = []
    if one.file is not None:
        parts.append(f"{one.file or 'the first log'} from {one.position} on")
    if one.gtid_set:
        parts.append(f"what is not in {one.gtid_set}")
    return ", ".join(parts)


def _source(one: ReplicationResult) -> str:
    parts = [] if one.source_id is None else [f"server id {one.source_id}"]
    if one.source_version:
        parts.append(f"version {one.source_version}")
    if one.file_now:
        parts.append(f"{one.file_now} up to {one.position_now}")
    if one.last_gtid:
        parts.append(f"last transaction {one.last_gtid}")
    return ", ".join(parts)


def _tables(one: ReplicationResult) -> str:
    names = []
    for table in one.tables:
        kinds = ((table.inserted, "inserted"), (table.updated, "updated"), (table.deleted, "deleted"))
        rows = ", ".join(f"{number:,} {what}" for number, what in kinds if number)
        names.append(f"{table.schema}.{table.table} ({rows or 'no row'})")
    beyond = f"; {count(one.rows_elsewhere, 'row')} of further tables" if one.rows_elsewhere else ""
    return _list(names, TABLES) + beyond


def _list(names: list[str], most: int) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
