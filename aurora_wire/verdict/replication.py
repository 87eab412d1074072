"""What a replication stream or a CLONE brought across, as results name it."""

from __future__ import annotations

from typing import Final

from aurora_wire.verdict.result import Direction
from aurora_wire.verdict.stream_result import CloneResult, ReplicationResult, TableResult
from aurora_wire.wire.mysql.binlog import MARIADB_GTID
from aurora_wire.wire.mysql.clone import COMMANDS
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.replica_commands import uuid_text
from aurora_wire.wire.mysql.replication import Clone, Replication

EVENT_NAMES: Final = {
    0: "unknown", 1: "start", 2: "query", 3: "stop", 4: "rotate", 5: "intvar", 6: "load", 7: "slave", 8: "create file",
    9: "append block", 10: "exec load", 11: "delete file", 12: "new load", 13: "rand", 14: "user var",
    15: "format description", 16: "xid", 17: "begin load query", 18: "execute load query", 19: "table map",
    20: "write rows v0", 21: "update rows v0", 22: "delete rows v0", 23: "write rows v1", 24: "update rows v1",
    25: "delete rows v1", 26: "incident", 27: "heartbeat", 28: "ignorable", 29: "rows query", 30: "write rows",
    31: "update rows", 32: "delete rows", 33: "gtid", 34: "anonymous gtid", 35: "previous gtids",
    36: "transaction context", 37: "view change", 38: "xa prepare", 39: "partial update rows",
    40: "transaction payload", 41: "heartbeat v2", 42: "gtid tagged", 160: "annotate rows", 161: "binlog checkpoint",
    162: "mariadb gtid", 163: "gtid list", 164: "start encryption", 165: "query compressed",
    166: "write rows compressed", 167: "update rows compressed", 168: "delete rows compressed",
    169: "write rows v2 compressed", 170: "update rows v2 compressed", 171: "delete rows v2 compressed",
}  # fmt: skip
# MariaDB's replicas say it in a statement, not in the command.
CONNECT_STATE: Final = b"@slave_connect_state="


def describe_replication(facts: MySQLFacts, made: Replication) -> ReplicationResult:
    """Return a replica's connection as a result."""
    sent = made.frame >= 0
    frame = made.frame if sent else made.asked_frame
    offset = made.offset if sent else made.asked_offset
    tables = [
        TableResult(_text(one.schema), _text(one.table), one.inserted, one.updated, one.deleted)
        for one in made.tables.values()
    ]
    tables.sort(key=lambda one: (-(one.inserted + one.updated + one.deleted), one.schema, one.table))
    others = made.others
    return ReplicationResult(
        server_id=_number(made.server_id),
        host=_text(made.host) if made.registered else None,
        user=_text(made.user) if made.registered else None,
        port=_number(made.port),
        password=bool(made.password),
        file=_text(made.file) if made.position >= 0 else None,
        position=_number(made.position),
        gtid_set=_text(made.gtid_set or _connect_state(facts)) or None,
        semi_sync=bool(made.semi_sync),
        source_id=_number(made.source_id),
        source_version=_text(made.source_version) or None,
        file_now=_text(made.file_now) or None,
        position_now=_number(made.position_now),
        last_gtid=_last_gtid(made),
        events={EVENT_NAMES.get(kind, f"type {kind}"): made.events[kind] for kind in sorted(made.events)},
        bytes=made.bytes,
        databases=sorted(_text(name) for name in made.databases),
        tables=tables,
        rows_elsewhere=others.inserted + others.updated + others.deleted,
        statements=made.statements,
        cut=made.cut,
        unread=made.unread,
        frame=_number(frame),
        offset=_number(offset),
        direction="server" if sent else "client",
    )


def describe_clone(made: Clone) -> CloneResult:
    """Return the copy of a data folder as a result."""
    sent = made.frame >= 0
    direction: Direction = "server" if sent else "client"
    return CloneResult(
        bytes=made.bytes,
        packets=made.packets,
        descriptors=made.descriptors,
        plugins=[_text(name) for name in made.plugins],
        settings=made.settings,
        commands={COMMANDS.get(number, str(number)): made.commands[number] for number in sorted(made.commands)},
        complete=bool(made.complete),
        error=_text(made.error) or None,
        frame=made.frame if sent else made.asked_frame,
        offset=made.offset if sent else made.asked_offset,
        direction=direction,
    )


def _connect_state(facts: MySQLFacts) -> bytes:
    """Return the GTIDs that MariaDB's replica has, out of its SET statement."""
    for statement in facts.statements:
        place = statement.text.find(CONNECT_STATE)
        if place >= 0:
            return statement.text[place + len(CONNECT_STATE) :].strip(b"' ")
    return b""


def _last_gtid(made: Replication) -> str | None:
    """Return the last transaction's GTID: `uuid:number`, of MariaDB `domain-server-number`."""
    gtid = made.gtid
    if made.gtid_type == MARIADB_GTID:
        if len(gtid) < 4 + 12:
            return None
        server, number, domain = (int.from_bytes(gtid[at:to], "little") for at, to in ((0, 4), (4, 12), (12, 16)))
        return f"{domain}-{server}-{number}"
    if len(gtid) < 4 + 25:
        return None
    return f"{uuid_text(gtid, 5)}:{int.from_bytes(gtid[21:29], 'little')}"


def _number(value: int) -> int | None:
    return value if value >= 0 else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
