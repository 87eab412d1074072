"""How much does one packet, in mid-stream, tell that a stream is MySQL? Judged by its own fields, to the last byte.

Source: MySQL Server docs, "Command Phase", "Generic Response Packets", "COM_STMT_EXECUTE", "Binary Log Event";
arithmetic on random bytes. Where another protocol's frames begin with a length of 32 bits and a small type, all that
is told by the header alone is shared with it, so that it never counts.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.decoding import roles
from aurora_wire.wire.mysql.commands import (
    COM_BINLOG_DUMP,
    COM_BINLOG_DUMP_GTID,
    COM_CHANGE_USER,
    COM_CREATE_DB,
    COM_DROP_DB,
    COM_FIELD_LIST,
    COM_INIT_DB,
    COM_PING,
    COM_PROCESS_KILL,
    COM_QUERY,
    COM_QUIT,
    COM_REGISTER_SLAVE,
    COM_RESET_CONNECTION,
    COM_SET_OPTION,
    COM_STATISTICS,
    COM_STMT_BULK_EXECUTE,
    COM_STMT_CLOSE,
    COM_STMT_EXECUTE,
    COM_STMT_FETCH,
    COM_STMT_PREPARE,
    COM_STMT_RESET,
    COM_STMT_SEND_LONG_DATA,
    COM_SUBSCRIBE_GROUP_REPLICATION_STREAM,
)
from aurora_wire.wire.mysql.execute import parse_bulk_execute, parse_execute
from aurora_wire.wire.mysql.lenenc import read_lenenc
from aurora_wire.wire.mysql.replies import SESSION_STATE_CHANGED, is_column_definition, parse_prepare_ok
from aurora_wire.wire.mysql.sql_text import is_text, reads_like_sql

NOTHING: Final[i64] = 0
FITS: Final[i64] = 1      # every field is as it must be; a few fixed bytes
CERTAIN: Final[i64] = 2   # less than one in 10^9, in other protocols too

MAX_ID: Final[i64] = 1 << 24          # statement ids count up from 1 in each session (or, MariaDB, in the server)
LONGEST_NAME: Final[i64] = 257        # bytes of a command with a schema's name: 64 characters
FIRST_PLACE: Final[i64] = 4           # of an event in a binary log, behind its magic number
UNSENT: Final = (0, 11, 15, 16, 19, 20, 29)  # commands that no client sends: servers refuse them, or are too old
NO_STATUS: Final[i64] = 0x8004        # bits of the status flags that no server sets
MAX_EVENT_TYPE: Final[i64] = 43       # HEARTBEAT_LOG_EVENT_V2 41 and what came since; MariaDB's own begin at 160
MARIADB_EVENTS: Final[i64] = 160
YEAR_2000: Final[i64] = 946_684_800   # s since 1970: before MySQL had replication
EVENT_HEADER: Final[i64] = 19
ARTIFICIAL: Final = (4, 15, 27, 163)  # rotation, format description, heartbeat, MariaDB's list of GTIDs


def may_be_command(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Return whether data[at:end], of a payload of `length` bytes, can be a command: where MySQL is expected, but not
    known.

    Names and texts are printable, an execution counts once, an id is one that a session comes to.
    """
    command: i64 = data[at]
    if command in (COM_QUERY, COM_STMT_PREPARE):
        start = at + 1
        if end - start >= 2 and data[start] < 0xFB and data[start + 1] == 1:
            return True  # query attributes
        return length > 1 and is_text(data, start, end if end - start < 16 else start + 16)
    if command in (COM_INIT_DB, COM_CREATE_DB, COM_DROP_DB):
        return 1 < length <= LONGEST_NAME and _is_name(data, at + 1, end)
    if command == COM_STMT_EXECUTE:
        return end - at >= 10 and u32(data, at + 6) == 1 and data[at + 5] <= 15
    if command in (COM_STMT_CLOSE, COM_STMT_RESET, COM_STMT_SEND_LONG_DATA, COM_PROCESS_KILL):
        return end - at >= 5 and 0 < u32(data, at + 1) < MAX_ID
    if command == COM_STMT_FETCH:
        return end - at >= 9 and 0 < u32(data, at + 1) < MAX_ID and 0 < u32(data, at + 5) < MAX_ID
    if command == COM_CHANGE_USER:
        return _may_change_user(data, at + 1, end, length)
    if command == COM_FIELD_LIST:
        nul: i64 = data.find(b"\0", at + 1, end)
        if nul < 0:
            return end - at < length and is_text(data, at + 1, end)
        return nul > at + 1 and is_text(data, at + 1, nul) and is_text(data, nul + 1, end)
    if command == COM_SET_OPTION:
        return end - at >= 3 and u16(data, at + 1) <= 1
    if command == COM_BINLOG_DUMP:
        if end - at < 11:
            return False
        return u32(data, at + 1) >= FIRST_PLACE and u16(data, at + 5) <= 7 and is_text(data, at + 11, end)
    if command == COM_BINLOG_DUMP_GTID:
        return _is_gtid_dump(data, at, end, length)
    if command == COM_REGISTER_SLAVE:
        return _is_registration(data, at, end, length)
    if command == COM_SUBSCRIBE_GROUP_REPLICATION_STREAM:
        return length == 1
    return command not in UNSENT


def _is_name(data: bytes, at: i64, end: i64) -> bool:
    """Return whether data[at:end] can be a schema's name as it is written without quotes, or with a hyphen."""
    while at < end:
        byte: i64 = data[at]
        letter = 97 <= byte | 0x20 <= 122
        if not (letter or 48 <= byte <= 57 or byte == 95 or byte == 36 or byte == 45 or byte >= 128):
            return False
        at += 1
    return True


def _may_change_user(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Return whether a user's name, an answer with its length, and a schema stand here, as far as they go."""
    nul: i64 = data.find(b"\0", at, end)
    if nul < 0:
        return end - at < length - 1 and is_text(data, at, end)
    if nul == at or not is_text(data, at, nul):
        return False
    if nul + 1 >= end:
        return True
    schema = nul + 2 + int(data[nul + 1])
    if schema >= end:
        return end - at < length - 1
    stop: i64 = data.find(b"\0", schema, end)
    return is_text(data, schema, stop if stop >= 0 else end)


def _is_gtid_dump(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Flags, the replica's id, a log's name, a place, and a set of GTIDs of the size that is left."""
    if end - at < 23:
        return False
    name = u32(data, at + 7)
    if name > 512 or u16(data, at + 1) > 7 or u32(data, at + 3) == 0:
        return False
    size_at = at + 11 + name + 8
    if size_at + 4 > end:
        return end - at < length
    return is_text(data, at + 11, at + 11 + name) and size_at + 4 + u32(data, size_at) == at + length


def _is_registration(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Return whether it is the replica's id, three texts with their lengths, and ten bytes."""
    if end - at < length or u32(data, at + 1) == 0:
        return False
    place = at + 5
    texts: i64 = 0
    while texts < 3:
        if place >= end:
            return False
        stop = place + 1 + int(data[place])
        if stop > end or not is_text(data, place + 1, stop):
            return False
        place = stop
        texts += 1
    return place + 10 == at + length


def command_tells(data: bytes, at: i64, end: i64) -> i64:
    """Return how much a whole command tells: data[at:end] is its payload, its sequence id is 0."""
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
    """Return whether it is an EXECUTE whose parameters, with their types, fill it: told by itself."""
    if _execute_tells(data, at, end) == NOTHING or end - at == 10:
        return False
    one = parse_execute(data, at, end, None, -1)
    return one is not None and one.complete and len(one.values) > 0


def reply_tells(data: bytes, at: i64, end: i64, sequence: i64) -> i64:
    """Return how much a server's whole packet tells: data[at:end] is its payload. Rows tell nothing: see `chain`."""
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


def reply_role(data: bytes, at: i64, end: i64) -> i64:
    """Return the role of a server's whole payload by its own fields, where nobody saw what it answers.

    Only of what can be nothing else: OK, a row in binary form and a binlog event begin alike, so that they are UNKNOWN.
    """
    if at >= end:
        return roles.UNKNOWN
    first: i64 = data[at]
    if first == 0xFF:
        return roles.ERR if _error_tells(data, at, end) == CERTAIN else roles.UNKNOWN
    if first == 0xFE:
        return roles.EOF if end - at == 5 and reply_tells(data, at, end, 0) != NOTHING else roles.UNKNOWN
    if first == 3 and is_column_definition(data, at, end):
        return roles.DEFINITION
    return roles.UNKNOWN


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
    """Return whether the segment is a semi-synchronous replica's acknowledgement: EF, a place, and a log's name with a
    number.

    Source: MySQL Server docs, plugin/semisync, "repl_semisync_slave".
    """
    stop = at + 4 + u24(data, at) if end - at >= 16 else end + 1
    if stop != end or data[at + 3] != 0 or data[at + 4] != 0xEF or data[at + 11] != 0 or data[at + 12] != 0:
        return False
    dot: i64 = data.rfind(b".", at + 13, end)
    return dot > at + 13 and end - dot > 4 and data[dot + 1 : end].isdigit() and is_text(data, at + 13, end)


def is_event(data: bytes, at: i64, end: i64) -> bool:
    """Return whether the packet whose header is at `at`, perhaps cut by `end`, is a binlog event of the packet's size.

    It stands behind 00, or, with semi-synchronous replication, 00 EF and a byte.
    """
    return end - at >= EVENT_HEADER + 8 and is_event_payload(data, at + 4, end, u24(data, at))


def is_event_payload(data: bytes, at: i64, end: i64, total: i64) -> bool:
    """Return whether a payload of `total` bytes, of which data[at:end] are here, is a binlog event of that size."""
    begin = at + 1
    if end - at < EVENT_HEADER + 4 or data[at] != 0:
        return False
    if data[begin] == 0xEF:
        begin += 2
    kind: i64 = data[begin + 4]
    if not (0 < kind <= MAX_EVENT_TYPE or MARIADB_EVENTS <= kind < MARIADB_EVENTS + 16):
        return False
    size = total - (begin - at)
    if size < EVENT_HEADER or u32(data, begin + 9) != size or u16(data, begin + 17) >= 4096:
        return False
    # When it was written, the server's id, and the place in the log behind the event, which what is made up for a
    # replica has not.
    written = u32(data, begin)
    place = u32(data, begin + 13)
    if u32(data, begin + 5) == 0 or (written < YEAR_2000 and kind not in ARTIFICIAL):
        return False
    return place >= size or (place == 0 and kind in ARTIFICIAL)
