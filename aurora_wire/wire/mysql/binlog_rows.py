"""Rows in binlog events: how many a rows event holds, by the layout that the table map before it gave.

Sources: MySQL Server docs, "Table_map_event", "Rows_event"; MariaDB documentation, "Rows_event_v1v2". Values are
passed, and looked at for what they tell. Whatever a table map claims: each row takes at least a byte, and a step is
never beyond what is there.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.mysql import types
from aurora_wire.wire.mysql.leaked.binlog_columns import look_at_value, watch_columns
from aurora_wire.wire.mysql.leaked.rows import Hit, Watched
from aurora_wire.wire.mysql.lenenc import read_lenenc
from aurora_wire.wire.mysql.replication import TableRows

MAX_COLUMNS: Final[i64] = 4096       # of a table: the servers' own bound
NO_SIZE: Final[i64] = -1

BLOB_COMPRESSED: Final[i64] = 140    # MariaDB's
VARCHAR_COMPRESSED: Final[i64] = 141


def _by_type(sizes: dict[int, int]) -> bytes:
    """Return a table of sizes, a byte a type; 0 for those that are not named."""
    table = bytearray(256)
    for kind, size in sizes.items():
        table[kind] = size
    return bytes(table)


# Bytes of metadata that a table map has for a column, by its type; the others have none.
META: Final = _by_type({
    int(types.VARCHAR): 2, int(types.BIT): 2, int(types.NEWDECIMAL): 2, int(types.ENUM): 2, int(types.SET): 2,
    int(types.VAR_STRING): 2, int(types.STRING): 2, int(VARCHAR_COMPRESSED): 2, int(types.FLOAT): 1,
    int(types.DOUBLE): 1, int(types.TIMESTAMP2): 1, int(types.DATETIME2): 1, int(types.TIME2): 1,
    int(types.VECTOR): 1, int(types.JSON): 1, int(types.TINY_BLOB): 1, int(types.MEDIUM_BLOB): 1,
    int(types.LONG_BLOB): 1, int(types.BLOB): 1, int(types.GEOMETRY): 1, int(BLOB_COMPRESSED): 1,
})  # fmt: skip
# Bytes of a value, by its type; 0: by its metadata.
_FIXED: Final = _by_type({
    int(types.TINY): 1, int(types.SHORT): 2, int(types.LONG): 4, int(types.FLOAT): 4, int(types.DOUBLE): 8,
    int(types.TIMESTAMP): 4, int(types.LONGLONG): 8, int(types.INT24): 3, int(types.DATE): 3, int(types.TIME): 3,
    int(types.DATETIME): 8, int(types.YEAR): 1, int(types.NEWDATE): 3,
})  # fmt: skip
_DIGITS: Final = b"\x00\x01\x01\x02\x02\x03\x03\x04\x04\x04"  # bytes of so many decimal digits


@mypyc_attr(acyclic=True)
class TableMap:
    """A table's layout, for the rows events that follow. raw: all of the event behind the table's id.

    metas: two bytes a column. columns: -1 where the layout is not known or makes no sense: then no row is counted.
    watched: what looks at the values of each column, None where nothing does.
    """

    __slots__ = ("columns", "json_columns", "kinds", "metas", "raw", "rows", "watched")

    def __init__(self, raw: bytes, rows: TableRows) -> None:
        self.raw = raw
        self.rows = rows
        self.columns: i64 = -1
        self.kinds = b""
        self.metas = b""
        self.json_columns: i64 = 0
        self.watched: list[Watched | None] | None = None


def read_names(data: bytes, at: i64, end: i64) -> tuple[bytes, bytes, i64]:
    """Return schema and table of the table map whose body begins at `at`, and where its columns begin: -1 for none."""
    if at >= end:
        return b"", b"", -1
    stop = at + 1 + int(data[at])
    if stop + 1 >= end or data[stop] != 0:
        return b"", b"", -1
    schema = data[at + 1 : stop]
    begin = stop + 2
    stop = begin + int(data[begin - 1])
    if stop >= end or data[stop] != 0:
        return schema, b"", -1
    return schema, data[begin:stop], stop + 1


def read_layout(made: TableMap, data: bytes, at: i64, end: i64) -> None:
    """Read the columns' types and metadata, which begin at `at`."""
    columns, at = read_lenenc(data, at, end)
    if not 0 < columns <= MAX_COLUMNS or at + columns > end:
        return
    kinds = data[at : at + columns]
    size, at = read_lenenc(data, at + columns, end)
    if size < 0 or at + size > end:
        return
    stop = at + size
    metas = bytearray()
    json_columns: i64 = 0
    for kind in kinds:
        width: i64 = META[kind]
        if width == 2:
            metas += data[at : at + 2]
            at += 2
        elif width == 1:
            metas += data[at : at + 1] + b"\0"
            at += 1
        elif kind == types.TYPED_ARRAY:
            return  # no table has such a column; the index of one is not replicated
        else:
            metas += b"\0\0"
        if kind == types.JSON:
            json_columns += 1
        if at > stop:
            return
    made.kinds = kinds
    made.metas = bytes(metas)
    made.json_columns = json_columns
    made.columns = columns
    made.watched = watch_columns(data, stop, end, made.rows.table, kinds, made.metas)


def count_rows(
    data: bytes, at: i64, end: i64, table: TableMap, present: bytes, present_after: bytes, partial: bool, frame: i64,
    hits: list[Hit],
) -> tuple[i64, bool]:  # fmt: skip
    """Return how many rows data[at:end] holds, and whether they end there. What their values tell is added to `hits`.

    present, present_after: which columns an image has; the second one only of an update, each of whose rows has two.
    partial: JSON values of the second may be differences (PARTIAL_UPDATE_ROWS_EVENT).
    """
    rows: i64 = 0
    there = _count_present(present, table.columns)
    there_after = _count_present(present_after, table.columns) if present_after else there
    while at < end:
        behind = _behind_image(data, at, end, table, present, there, frame, hits)
        if behind >= 0 and present_after:
            if partial:
                behind = _behind_options(data, behind, end, table)
            if behind >= 0:
                behind = _behind_image(data, behind, end, table, present_after, there_after, frame, hits)
        if behind <= at:
            return rows, False
        rows += 1
        at = behind
    return rows, True


def _count_present(present: bytes, columns: i64) -> i64:
    """Return how many of the columns an image has: bits behind the last column say nothing, and are often set."""
    there: i64 = 0
    column: i64 = 0
    while column < columns:
        there += present[column >> 3] >> (column & 7) & 1
        column += 1
    return there


def _behind_options(data: bytes, at: i64, end: i64, table: TableMap) -> i64:
    """Pass the options of a partial update's second image, and which of its JSON values are differences."""
    options, at = read_lenenc(data, at, end)
    if options < 0:
        return NO_SIZE
    if options & 1:
        at += (table.json_columns + 7) // 8
    return at if at <= end else NO_SIZE


def _behind_image(
    data: bytes, at: i64, end: i64, table: TableMap, present: bytes, there: i64, frame: i64, hits: list[Hit]
) -> i64:
    """Return where the row image at `at` ends, which has `there` columns; NO_SIZE where it does not fit."""
    columns = table.columns
    kinds = table.kinds
    metas = table.metas
    watched = table.watched
    nulls = at
    at += (there + 7) // 8
    if at > end:
        return NO_SIZE
    number: i64 = 0
    column: i64 = 0
    while column < columns:
        if present[column >> 3] >> (column & 7) & 1:
            if not data[nulls + (number >> 3)] >> (number & 7) & 1:
                size: i64 = _FIXED[kinds[column]]
                if size == 0:
                    size = value_size(data, at, end, int(kinds[column]), u16(metas, 2 * column))
                at += size
                if size < 0 or at > end:
                    return NO_SIZE
                if watched is not None:
                    one = watched[column]
                    if one is not None:
                        look_at_value(
                            one, data, at - size, size, int(kinds[column]), u16(metas, 2 * column), frame, hits
                        )
            number += 1
        column += 1
    return at


def value_size(data: bytes, at: i64, end: i64, kind: i64, meta: i64) -> i64:
    """Return how many bytes the value at `at` takes, of a type whose values are not all as long; NO_SIZE if unknown."""
    low = meta & 0xFF
    high = meta >> 8
    if kind in (types.TIMESTAMP2, types.DATETIME2, types.TIME2):
        base: i64 = 4
        if kind == types.DATETIME2:
            base = 5
        elif kind == types.TIME2:
            base = 3
        return base + (low + 1) // 2
    if kind in (types.VARCHAR, types.VAR_STRING, VARCHAR_COMPRESSED):
        return _with_length(data, at, end, 2 if meta > 255 else 1)
    if kind == types.STRING:
        if low in (types.ENUM, types.SET):
            return high
        return _with_length(data, at, end, 2 if ((low & 0x30) ^ 0x30) << 4 | high > 255 else 1)
    if kind in (types.ENUM, types.SET):
        return high
    if kind == types.BIT:
        return high + (1 if low > 0 else 0)
    if kind in (types.NEWDECIMAL, types.DECIMAL):
        return _decimal_size(low, high) if kind == types.NEWDECIMAL else NO_SIZE
    if kind == types.NULL:
        return 0
    return _with_length(data, at, end, low) if META[kind] == 1 else NO_SIZE


def _with_length(data: bytes, at: i64, end: i64, width: i64) -> i64:
    """Return the size of a value that its length stands before, in `width` bytes."""
    if at + width > end or width > 4 or width < 1:
        return NO_SIZE
    if width == 1:
        return 1 + int(data[at])
    if width == 2:
        return 2 + u16(data, at)
    return 3 + u24(data, at) if width == 3 else 4 + u32(data, at)


def _decimal_size(precision: i64, scale: i64) -> i64:
    whole = precision - scale
    if whole < 0:
        return NO_SIZE
    return whole // 9 * 4 + int(_DIGITS[whole % 9]) + scale // 9 * 4 + int(_DIGITS[scale % 9])
