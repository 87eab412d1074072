"""A replica's commands: how it registers, and from where on it wants the binary log.

Sources: MySQL Server docs, "COM_REGISTER_SLAVE", "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID", "Gtid_set"; MySQL 8.3 and
later put tags into sets of GTIDs.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u32
from aurora_wire.wire.mysql.commands import COM_BINLOG_DUMP
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.replication import Replication

MAX_KEPT: Final[i64] = 512        # bytes kept of a name of a host, user or log
MAX_SET: Final[i64] = 4096        # characters kept of a set of GTIDs, as text
REPLICATION_COST: Final[i64] = 3000
UUID: Final[i64] = 16


def find_replication(facts: MySQLFacts) -> Replication:
    """Return what is known of the connection as a replica's, made when first asked for."""
    made = facts.replication
    if made is None:
        made = Replication()
        facts.charge(REPLICATION_COST)
        facts.replication = made
    return made


def _asked(facts: MySQLFacts, frame: i64, offset: i64) -> Replication:
    made = find_replication(facts)
    if made.asked_frame < 0:
        made.asked_frame = frame
        made.asked_offset = offset
    return made


def note_registration(facts: MySQLFacts, data: bytes, at: i64, end: i64, frame: i64, offset: i64) -> None:
    """Note a COM_REGISTER_SLAVE: the replica's id, host, user, whether there is a password, and port."""
    made = _asked(facts, frame, offset)
    made.registered = True
    if end - at < 5:
        return
    made.server_id = u32(data, at + 1)
    at += 5
    texts: list[bytes] = []
    while len(texts) < 3 and at < end:
        stop = at + 1 + int(data[at])
        if stop > end:
            return
        texts.append(data[at + 1 : stop])
        at = stop
    if len(texts) < 3:
        return
    made.host = texts[0]
    made.user = texts[1]
    made.password = len(texts[2]) > 0
    if end - at >= 2:
        made.port = u16(data, at)


def note_dump(facts: MySQLFacts, command: i64, data: bytes, at: i64, end: i64, frame: i64, offset: i64) -> None:
    """Note a COM_BINLOG_DUMP or COM_BINLOG_DUMP_GTID: from which place of the log on, or behind which transactions."""
    made = _asked(facts, frame, offset)
    if command == COM_BINLOG_DUMP:
        if end - at >= 11:
            made.position = u32(data, at + 1)
            made.server_id = u32(data, at + 7)
            made.file = data[at + 11 : end if end - at < 11 + MAX_KEPT else at + 11 + MAX_KEPT]
        return
    if end - at < 11:
        return
    made.server_id = u32(data, at + 3)
    size = u32(data, at + 7)
    place = at + 11 + size
    if place + 12 > end:
        return
    made.file = data[at + 11 : place if size < MAX_KEPT else at + 11 + MAX_KEPT]
    high = u32(data, place + 4)
    made.position = u32(data, place) + (high << 32 if high < 1 << 30 else 0)
    stop = place + 12 + u32(data, place + 8)
    made.gtid_set = gtid_set_text(data, place + 12, stop if stop < end else end)
    facts.charge(len(made.gtid_set))


def uuid_text(data: bytes, at: i64) -> str:
    """Return the UUID at `at` as it is written."""
    digits = data[at : at + UUID].hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def gtid_set_text(data: bytes, at: i64, end: i64) -> bytes:
    """Return a set of GTIDs as it is written, `uuid:1-5:8`, up to a bound: `...` stands for what is left out."""
    if end - at < 8:
        return b""
    tagged = data[at + 7] == 1 and data[at] == 1
    count: i64 = u32(data, at)
    if tagged:  # the number lies between two bytes that say so
        count = u32(data, at + 1)
    at += 8
    parts: list[str] = []
    size: i64 = 0
    while count > 0:
        count -= 1
        if end - at < UUID:
            parts.append("...")
            break
        name = uuid_text(data, at)
        at += UUID
        if tagged and at < end:
            stop = at + 1 + (int(data[at]) >> 1)
            if stop > at + 1:
                name += ":" + data[at + 1 : stop if stop < end else end].decode("ascii", "backslashreplace")
            at = stop
        intervals: i64 = 0
        if end - at >= 8:
            intervals = u32(data, at)
        at += 8
        while intervals > 0 and end - at >= 16 and size + len(name) <= MAX_SET:
            intervals -= 1
            first = int.from_bytes(data[at : at + 8], "little")
            last = int.from_bytes(data[at + 8 : at + 16], "little") - 1
            name += f":{first}" if first == last else f":{first}-{last}"
            at += 16
        size += len(name) + 1
        parts.append(name)
        if intervals > 0 or size > MAX_SET:
            parts.append("...")
            break
    return ",".join(parts).encode()
