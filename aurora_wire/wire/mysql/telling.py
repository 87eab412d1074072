"""How much does one packet, in mid-stream, tell that a stream is MySQL? Judged by its own fields, to the last byte.

Source: MySQL Server docs, "Command Phase", "Generic Response Packets", "COM_STMT_EXECUTE", "Binary Log Event";
arithmetic on random bytes. Where another protocol's frames begin with a length of 32 bits and a small type, all that
is told by the header alone is shared with it, so that it never counts.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.reads import u16, u24, u32
from aurora_wire.wire.mysql.commands import (
    COM_CHANGE_USER,
    COM_CREATE_DB,
    COM_DROP_DB,
    COM_INIT_DB,
    COM_PING,
    COM_QUERY,
    COM_QUIT,
    COM_RESET_CONNECTION,
    COM_STATISTICS,
    COM_STMT_BULK_EXECUTE,
    COM_STMT_CLOSE,
    COM_STMT_EXECUTE,
    COM_STMT_FETCH,
    COM_STMT_PREPARE,
    COM_STMT_RESET,
)
from aurora_wire.wire.mysql.execute import parse_bulk_execute, parse_execute
from aurora_wire.wire.mysql.lenenc import read_lenenc
from aurora_wire.wire.mysql.replies import SESSION_STATE_CHANGED, is_column_definition, parse_prepare_ok
from aurora_wire.wire.mysql.sql_text import is_text, reads_like_sql

NOTHING: Final[i64] = 0
FITS: Final[i64] = 1      # every field is as it must be; a few fixed bytes
CERTAIN: Final[i64] = 2   # less than one in 10^9, in other protocols too

MAX_ID: Final[i64] = 1 << 24          # statement ids count up from 1 in each session (or, MariaDB, in the server)
NO_STATUS: Final[i64] = 0x8004        # bits of the status flags that no server sets
MAX_EVENT_TYPE: Final[i64] = 43       # HEARTBEAT_LOG_EVENT_V2 41 and what came since; MariaDB's own begin at 160
MARIADB_EVENTS: Final[i64] = 160
EVENT_HEADER: Final[i64] = 19
ARTIFICIAL: Final = (4, 15, 27, 163)  # rotation, format description, heartbeat, MariaDB's list of GTIDs


def may_be_command(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Whether data[at:end], of a payload of `length` bytes, can be a command: where MySQL is expected, but not known.

    Names and texts are printable, an execution counts once, an id is one that a session comes to.
    """
    command: i64 = data[at]
    if command in (COM_QUERY, COM_STMT_PREPARE):
        start = at + 1
        if end - start >= 2 and data[start] < 0xFB and data[start + 1] == 1:
            return True  # query attributes
        return length > 1 and is_text(data, start, end if end - start < 16 else start + 16)
    if command in (COM_INIT_DB, COM_CREATE_DB, COM_DROP_DB):
        return length > 1 and is_text(data, at + 1, end)
    if command == COM_STMT_EXECUTE:
        return end - at >= 10 and u32(data, at + 6) == 1 and data[at + 5] <= 15
    if command in (COM_STMT_CLOSE, COM_STMT_RESET):
        return end - at >= 5 and u32(data, at + 1) < MAX_ID
    if command == COM_STMT_FETCH:
        return end - at >= 9 and u32(data, at + 1) < MAX_ID
    if command == COM_CHANGE_USER:
        return end - at < 2 or data[at + 1] == 0 or is_text(data, at + 1, at + 2)
    return True


def command_tells(data: bytes, at: i64, end: i64) -> i64:
    """Of the whole payload data[at:end] of a command, whose sequence id is 0."""
    command: i64 = data[at]
    length = end - at
    if command in (COM_QUERY, COM_STMT_PREPARE):
        return CERTAIN if reads_like_sql(data, at + 1, end) else NOTHING
    if command == COM_STMT_EXECUTE:
        return _execute_tells(data, at, end)
    if command == COM_STMT_BULK_EXECUTE:
        many = parse_bulk_execute(data, at, end, None)
        return FITS if many is not None and many.complete else NOTHING
    if command in (COM_STMT_CLOSE, COM_STMT_RESET):
        return FITS if length == 5 and 0 < u32(data, at + 1) < MAX_ID else NOTHING
    if command == COM_STMT_FETCH:
        return FITS if length == 9 and 0 < u32(data, at + 1) < MAX_ID and u32(data, at + 5) > 0 else NOTHING
    if command in (COM_PING, COM_QUIT, COM_RESET_CONNECTION, COM_STATISTICS):
        return FITS if length == 1 else NOTHING
    if command == COM_INIT_DB:
        return FITS if 2 <= length <= 65 and is_text(data, at + 1, end) else NOTHING
    if command == COM_CHANGE_USER:
        return CERTAIN if b"_password\0" in data[at:end] else NOTHING
    return NOTHING


def _execute_tells(data: bytes, at: i64, end: i64) -> i64:
    """COM_STMT_EXECUTE: an iteration count of 1, known flags, and parameters that fill it where it has any."""
    if end - at < 10 or u32(data, at + 6) != 1 or data[at + 5] > 15 or not 0 < u32(data, at + 1) < MAX_ID:
        return NOTHING
    if end - at == 10:
        return FITS
    one = parse_execute(data, at, end, None, -1)
    # Types that were sent earlier are not here to check the values by.
    return FITS if one is not None and (one.complete or data[at + 10] <= 1 or end - at < 4096) else NOTHING


def is_typed_execute(data: bytes, at: i64, end: i64) -> bool:
    """Whether it is an EXECUTE whose parameters, with their types, fill it: told by itself."""
    if _execute_tells(data, at, end) == NOTHING or end - at == 10:
        return False
    one = parse_execute(data, at, end, None, -1)
    return one is not None and one.complete and len(one.values) > 0


def reply_tells(data: bytes, at: i64, end: i64, sequence: i64) -> i64:
    """Of the whole payload data[at:end] of a server's packet. Rows tell nothing here: see `chain`."""
    length = end - at
    first: i64 = data[at]
    if first == 0xFF:
        return _error_tells(data, at, end)
    if first == 0x03:
        return CERTAIN if is_column_definition(data, at, end) else NOTHING
    if first == 0xFE and length == 5:
        return FITS if u16(data, at + 1) < 1024 and _is_status(u16(data, at + 3)) else NOTHING
    if first == 0xFE or first == 0:
        if _ok_fits(data, at, end):
            return FITS
        if first == 0 and sequence == 1:
            prepared = parse_prepare_ok(data, at, end)
            if prepared is not None and length >= 12 and 0 < prepared.statement_id < MAX_ID:
                return FITS
        return NOTHING
    if sequence == 1 and length > 24 and data[at : at + 8] == b"Uptime: ":
        return CERTAIN
    return NOTHING


def _error_tells(data: bytes, at: i64, end: i64) -> i64:
    if end - at < 9 or not 1000 <= u16(data, at + 1) < 6000 or data[at + 3] != 35:
        return NOTHING
    return CERTAIN if is_text(data, at + 4, end) else NOTHING


def _ok_fits(data: bytes, at: i64, end: i64) -> bool:
    """OK: both counts, status, warnings; then nothing, or the info as text, or state changes with their length."""
    if end - at < 7:
        return False
    affected, at = read_lenenc(data, at + 1, end)
    insert_id, at = read_lenenc(data, at, end)
    if affected == -1 or insert_id == -1 or affected < -3 or insert_id < -3 or affected == -2 or insert_id == -2:
        return False
    # In autocommit mode or inside a transaction: of a session that is neither, more has to be seen.
    if end - at < 4 or not _is_status(u16(data, at)) or u16(data, at) & 3 == 0 or u16(data, at + 2) > 1024:
        return False
    changes = u16(data, at) & SESSION_STATE_CHANGED != 0
    at += 4
    if at == end:
        return True
    info, behind = read_lenenc(data, at, end)
    if info >= 0 and (behind + info == end or (changes and behind + info < end)):
        return is_text(data, behind, behind + info)
    return is_text(data, at, end)


def _is_status(status: i64) -> bool:
    return status & NO_STATUS == 0


def is_replica_ack(data: bytes, at: i64, end: i64) -> bool:
    """Whether the segment is a semi-synchronous replica's acknowledgement: EF, a place, and a log's name with a number.

    Source: MySQL Server docs, plugin/semisync, "repl_semisync_slave".
    """
    stop = at + 4 + u24(data, at) if end - at >= 16 else end + 1
    if stop != end or data[at + 3] != 0 or data[at + 4] != 0xEF or data[at + 11] != 0 or data[at + 12] != 0:
        return False
    dot: i64 = data.rfind(b".", at + 13, end)
    return dot > at + 13 and end - dot > 4 and data[dot + 1 : end].isdigit() and is_text(data, at + 13, end)


def is_event(data: bytes, at: i64, end: i64) -> bool:
    """Whether the packet whose header is at `at`, perhaps cut by `end`, is a binlog event of the packet's size.

    It stands behind 00, or, with semi-synchronous replication, 00 EF and a byte.
    """
    begin = at + 5
    if end - at < EVENT_HEADER + 8 or data[at + 4] != 0:
        return False
    if data[begin] == 0xEF:
        begin += 2
    kind: i64 = data[begin + 4]
    if not (0 < kind <= MAX_EVENT_TYPE or MARIADB_EVENTS <= kind < MARIADB_EVENTS + 16):
        return False
    size = u24(data, at) - (begin - at - 4)
    if size < EVENT_HEADER or u32(data, begin + 9) != size or u16(data, begin + 17) >= 4096:
        return False
    # The server's id, and the place in the log behind the event, which what is made up for a replica has not.
    place = u32(data, begin + 13)
    return u32(data, begin + 5) != 0 and (place >= size or (place == 0 and kind in ARTIFICIAL))
