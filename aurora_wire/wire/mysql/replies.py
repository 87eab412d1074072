"""The server's small packets: OK, ERR, EOF, PREPARE_OK, and the head of a result set.

Sources: MySQL Server docs, "OK_Packet", "ERR_Packet", "EOF_Packet", "COM_STMT_PREPARE Response", "Text
Resultset"; MariaDB KB, "Result Set Packets", "Progress Reporting".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u32
from aurora_wire.wire.mysql.capabilities import (
    MARIADB_CACHE_METADATA,
    OPTIONAL_RESULTSET_METADATA,
    PROTOCOL_41,
    TRANSACTIONS,
    UNKNOWN,
)
from aurora_wire.wire.mysql.lenenc import TOO_BIG, read_lenenc, read_lestr

OK_HEADER: Final[i64] = 0x00
EOF_HEADER: Final[i64] = 0xFE  # EOF, or OK in its place where CLIENT_DEPRECATE_EOF is agreed
ERR_HEADER: Final[i64] = 0xFF
INFILE_HEADER: Final[i64] = 0xFB

PROGRESS_CODE: Final[i64] = 0xFFFF
MAX_COLUMNS: Final[i64] = 65535  # of a result; servers allow 4096

# Status flags that change how a reply goes on.
MORE_RESULTS: Final[i64] = 0x0008
CURSOR_EXISTS: Final[i64] = 0x0040
NO_BACKSLASH_ESCAPES: Final[i64] = 0x0200
SESSION_STATE_CHANGED: Final[i64] = 0x4000


@mypyc_attr(acyclic=True)
class Ok:
    """affected, insert_id: -1 where they are above 2^62 (an unsigned id can be). rest_at: where the info
    begins.

    status, warnings: 0 where the protocol before 4.1 has none.
    """

    __slots__ = ("affected", "insert_id", "rest_at", "status", "warnings")

    def __init__(self, affected: i64, insert_id: i64, status: i64, warnings: i64, rest_at: i64) -> None:
        self.affected: Final[i64] = affected
        self.insert_id: Final[i64] = insert_id
        self.status: Final[i64] = status
        self.warnings: Final[i64] = warnings
        self.rest_at: Final[i64] = rest_at


@mypyc_attr(acyclic=True)
class Err:
    """sqlstate: five characters, or empty (before 4.1, and instead of a greeting)."""

    __slots__ = ("code", "message", "sqlstate")

    def __init__(self, code: i64, sqlstate: bytes, message: bytes) -> None:
        self.code: Final[i64] = code
        self.sqlstate: Final = sqlstate
        self.message: Final = message


@mypyc_attr(acyclic=True)
class Eof:
    __slots__ = ("status", "warnings")

    def __init__(self, warnings: i64, status: i64) -> None:
        self.warnings: Final[i64] = warnings
        self.status: Final[i64] = status


@mypyc_attr(acyclic=True)
class PrepareOk:
    """metadata_follows: 1 or 0 as the server says, -1 where it does not say (then they follow)."""

    __slots__ = ("columns", "metadata_follows", "params", "statement_id", "warnings")

    def __init__(
        self, statement_id: i64, columns: i64, params: i64, warnings: i64, metadata_follows: i64
    ) -> None:
        self.statement_id: Final[i64] = statement_id
        self.columns: Final[i64] = columns
        self.params: Final[i64] = params
        self.warnings: Final[i64] = warnings
        self.metadata_follows: Final[i64] = metadata_follows


@mypyc_attr(acyclic=True)
class ColumnCount:
    """count: -1 where the packet is no head of a result set. definitions_follow: else the client has them."""

    __slots__ = ("count", "definitions_follow")

    def __init__(self, count: i64, definitions_follow: bool) -> None:
        self.count: Final[i64] = count
        self.definitions_follow: Final = definitions_follow


def parse_ok(data: bytes, at: i64, end: i64, capabilities: i64 = UNKNOWN) -> Ok | None:
    """Return the OK packet (0x00, or 0xFE in place of EOF) whose payload is data[at:end]; capabilities: those
    agreed."""
    if end - at < 3 or data[at] not in (OK_HEADER, EOF_HEADER):
        return None
    affected, at = _count(data, at + 1, end)
    insert_id, at = _count(data, at, end)
    if affected < -1 or insert_id < -1:
        return None
    if capabilities & PROTOCOL_41:
        if end - at < 4:
            return None
        return Ok(affected, insert_id, u16(data, at), u16(data, at + 2), at + 4)
    if capabilities & TRANSACTIONS and end - at >= 2:
        return Ok(affected, insert_id, u16(data, at), 0, at + 2)
    return Ok(affected, insert_id, 0, 0, at)


def _count(data: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Read a number: -1 for one that is too big for us, -2 for none."""
    value, next_at = read_lenenc(data, at, end)
    if value == TOO_BIG:
        return -1, next_at
    return (value, next_at) if value >= 0 else (-2, at)


def parse_err(data: bytes, at: i64, end: i64) -> Err | None:
    """Return the ERR packet whose payload is data[at:end], with or without `#` and SQLSTATE."""
    if end - at < 3 or data[at] != ERR_HEADER:
        return None
    code = u16(data, at + 1)
    if end - at >= 9 and data[at + 3] == 35:
        return Err(code, data[at + 4 : at + 9], data[at + 9 : end])
    return Err(code, b"", data[at + 3 : end])


def is_progress(data: bytes, at: i64, end: i64) -> bool:
    """Return whether it is MariaDB's progress report: an ERR with code 0xFFFF that is no error; the true reply follows.
    """
    return end - at >= 3 and data[at] == ERR_HEADER and u16(data, at + 1) == PROGRESS_CODE


def parse_eof(data: bytes, at: i64, end: i64) -> Eof | None:
    """Return the EOF packet: 5 bytes, or 1 before 4.1. Longer ones with 0xFE are OK packets, or rows."""
    if at >= end or data[at] != EOF_HEADER:
        return None
    if end - at == 1:
        return Eof(0, 0)
    return Eof(u16(data, at + 1), u16(data, at + 3)) if end - at == 5 else None


def parse_prepare_ok(data: bytes, at: i64, end: i64) -> PrepareOk | None:
    """Return the PREPARE_OK: 12 bytes of payload, 13 with CLIENT_OPTIONAL_RESULTSET_METADATA; 9 before 5.0."""
    length: i64 = end - at
    if length not in (9, 12, 13) or data[at] != OK_HEADER:
        return None
    if length > 9 and data[at + 9] != 0:
        return None
    follows: i64 = data[at + 12] if length == 13 else -1
    if follows > 1:
        return None
    warnings = u16(data, at + 10) if length > 9 else 0
    return PrepareOk(u32(data, at + 1), u16(data, at + 5), u16(data, at + 7), warnings, follows)


def parse_column_count(data: bytes, at: i64, end: i64, capabilities: i64 = UNKNOWN) -> ColumnCount:
    """Return the head of a result set. capabilities: those agreed.

    MySQL's CLIENT_OPTIONAL_RESULTSET_METADATA puts a byte before the number, MariaDB's CACHE_METADATA one
    behind it. Where the form that was agreed does not fit, or none is known: plain, then MySQL's, then
    MariaDB's.
    """
    found: ColumnCount | None = None
    if at < end:
        if capabilities >= 0:
            if capabilities & OPTIONAL_RESULTSET_METADATA:
                found = _count_after_flag(data, at, end)
            elif capabilities & MARIADB_CACHE_METADATA:
                found = _count_before_flag(data, at, end)
        if found is None:
            found = _plain_count(data, at, end)
        if found is None:
            found = _count_after_flag(data, at, end)
        if found is None:
            found = _count_before_flag(data, at, end)
    return found if found is not None else ColumnCount(-1, definitions_follow=False)


def _plain_count(data: bytes, at: i64, end: i64) -> ColumnCount | None:
    count, at = read_lenenc(data, at, end)
    return ColumnCount(count, definitions_follow=True) if at == end and 0 < count <= MAX_COLUMNS else None


def _count_after_flag(data: bytes, at: i64, end: i64) -> ColumnCount | None:
    follows: i64 = data[at]
    count, at = read_lenenc(data, at + 1, end)
    fits = follows <= 1 and at == end and 0 < count <= MAX_COLUMNS
    return ColumnCount(count, definitions_follow=follows == 1) if fits else None


def _count_before_flag(data: bytes, at: i64, end: i64) -> ColumnCount | None:
    follows: i64 = data[end - 1]
    count, at = read_lenenc(data, at, end - 1)
    fits = follows <= 1 and at == end - 1 and 0 < count <= MAX_COLUMNS
    return ColumnCount(count, definitions_follow=follows == 1) if fits else None


def is_column_definition(data: bytes, at: i64, end: i64) -> bool:
    """Return whether the payload is a 4.1 column definition: catalog `def`, five more strings, then 0x0C or
    MariaDB's extras.

    Enough to know one in mid-stream; it does not look at what follows the names.
    """
    if end - at < 4 + 5 + 13 or data[at] != 3 or data[at + 1 : at + 4] != b"def":
        return False
    at += 4
    for _ in range(5):
        start, at = read_lestr(data, at, end)
        if start < 0:
            return False
    return end - at >= 13


def is_infile_request(data: bytes, at: i64, end: i64) -> bool:
    """Return whether it is a LOCAL INFILE request: 0xFB and a file name; a lone 0xFB would be a row of one NULL."""
    return end - at >= 2 and data[at] == INFILE_HEADER


def ok_status(data: bytes, at: i64, end: i64) -> i64:
    """Return the status flags of an OK packet, 0 where it has none. The usual one has both counts in a byte each."""
    if end - at >= 5 and data[at + 1] < 0xFB and data[at + 2] < 0xFB:
        return u16(data, at + 3)
    ok = parse_ok(data, at, end)
    if ok is None:
        return 0
    return ok.status


def ok_warnings(data: bytes, at: i64, end: i64) -> i64:
    """Return how many warnings an OK packet tells of, -1 where it does not say."""
    if end - at >= 7 and data[at + 1] < 0xFB and data[at + 2] < 0xFB:
        return u16(data, at + 5)
    ok = parse_ok(data, at, end, PROTOCOL_41)
    return ok.warnings if ok is not None else -1
