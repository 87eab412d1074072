"""The columns of a table in a binlog: names and character sets, where the log has them, and what their values tell.

A table map may say more behind its layout (binlog_row_metadata): MINIMAL has character sets, FULL the names too.
Sources: MySQL Server docs, "Table_map_event", "Optional metadata fields"; MariaDB documentation, "TABLE_MAP_EVENT".
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.mysql import types
from aurora_wire.wire.mysql.leaked.classes import NOTHING
from aurora_wire.wire.mysql.leaked.columns import LONGEST
from aurora_wire.wire.mysql.leaked.rows import TEXTS, Hit, Watched, watch_column
from aurora_wire.wire.mysql.lenenc import read_lenenc, read_lestr

DEFAULT_CHARSET: Final[i64] = 2     # of all columns of characters, and what differs
COLUMN_CHARSET: Final[i64] = 3      # of each of these
COLUMN_NAME: Final[i64] = 4
NOT_KNOWN: Final = -1
SAMPLE: Final[i64] = 256            # bytes of a value without a character set: one with a NUL among them is no text
SMALLEST: Final[i64] = 232          # fifth byte of 10^12, whose others above it are 0: a smaller number is no card's


def watch_columns(
    data: bytes, at: i64, end: i64, table: bytes, kinds: bytes, metas: bytes
) -> list[Watched | None] | None:
    """Return what looks at the values of each column; None where none is looked at. data[at:end]: what stands behind
    the layout. kinds, metas: as in `TableMap`.
    """
    columns: i64 = len(kinds)
    charsets, names = _read_optional(data, at + (columns + 7) // 8, end, kinds, metas)
    made: list[Watched | None] = []
    any_watched = False
    column: i64 = 0
    while column < columns:
        name = names[column] if column < len(names) else b""
        kind: i64 = kinds[column]
        if _is_enumerated(kind, metas[2 * column]):
            kind = types.ENUM
        charset: i64 = charsets[column] if charsets else -1
        one: Watched | None = None
        if kind not in (types.NEWDECIMAL, types.ENUM, types.SET) or name:
            one = watch_column(kind, charset, table, name, b"")
        if one is not None:
            any_watched = True
        made.append(one)
        column += 1
    return made if any_watched else None


def _read_optional(data: bytes, at: i64, end: i64, kinds: bytes, metas: bytes) -> tuple[list[int], list[bytes]]:
    """Return the collation of each column (-1 where there is none), and the names; empty where the log has none."""
    charsets: list[int] = []
    names: list[bytes] = []
    while at < end:
        field: i64 = data[at]
        size, at = read_lenenc(data, at + 1, end)
        if size < 0 or size > end - at:
            break
        stop = at + size
        if field == COLUMN_NAME:
            while at < stop and len(names) < len(kinds):
                start, at = read_lestr(data, at, stop)
                if start < 0:
                    return charsets, []
                names.append(data[start:at] if at - start <= LONGEST else b"")
        elif field == DEFAULT_CHARSET or field == COLUMN_CHARSET:
            charsets = _charsets(data, at, stop, kinds, metas, field == DEFAULT_CHARSET)
        at = stop
    return charsets, names if len(names) == len(kinds) else []


def _charsets(data: bytes, at: i64, stop: i64, kinds: bytes, metas: bytes, has_default: bool) -> list[int]:
    """Return the collation of each column of characters, -1 for all others; empty where it makes no sense."""
    listed: list[int] = []
    while at < stop:
        number, at = read_lenenc(data, at, stop)
        if number < 0 or len(listed) > 2 * len(kinds):
            return []
        listed.append(int(number))
    found = [NOT_KNOWN] * len(kinds)
    others: dict[int, int] = {}
    if has_default:
        if not listed:
            return []
        others = {listed[place]: listed[place + 1] for place in range(1, len(listed) - 1, 2)}
    number = 0
    column: i64 = 0
    while column < len(kinds):
        kind: i64 = kinds[column]
        if _is_text(kind) and not _is_enumerated(kind, metas[2 * column]):
            if has_default:
                found[column] = others.get(int(number), listed[0])
            elif number < len(listed):
                found[column] = listed[number]
            number += 1
        column += 1
    return found


def _is_text(kind: i64) -> bool:
    return kind == types.VARCHAR or types.TINY_BLOB <= kind <= types.STRING


def _is_enumerated(kind: i64, low: i64) -> bool:
    return kind in (types.ENUM, types.SET) or (kind == types.STRING and low in (types.ENUM, types.SET))


def look_at_value(
    watched: Watched, data: bytes, at: i64, size: i64, kind: i64, meta: i64, frame: i64, hits: list[Hit]
) -> None:  # fmt: skip
    """Look at the value of a row image, of `size` bytes with its length. meta: two bytes of the table map."""
    low = meta & 0xFF
    stop = at + size
    start = at
    if kind == types.VARCHAR or kind == types.VAR_STRING:
        start = at + (2 if meta > 255 else 1)
    elif kind == types.STRING and not _is_enumerated(kind, low):
        start = at + (2 if ((low & 0x30) ^ 0x30) << 4 | meta >> 8 > 255 else 1)
    elif kind == types.JSON or types.TINY_BLOB <= kind <= types.BLOB:
        start = at + low
        if watched.way == TEXTS and kind != types.JSON:
            sample = stop if stop - start <= SAMPLE else start + SAMPLE
            if data.find(b"\0", start, sample) >= 0:
                return
    elif kind == types.LONGLONG:
        if watched.named == NOTHING and data[at + 4] < SMALLEST and u24(data, at + 5) == 0:
            return
        if data[at + 7] >= 128:
            return  # negative, or more than any number that is looked for; it would be no i64
        text = str(u32(data, at) | u32(data, at + 4) << 32).encode()
        watched.look(text, 0, len(text), frame, hits)
        return
    elif kind == types.LONG or kind == types.INT24 or kind == types.SHORT or kind == types.TINY:
        number: i64 = u32(data, at) if size == 4 else u24(data, at) if size == 3 else data[at]
        if size == 2:
            number = u16(data, at)
        text = str(number).encode()
        watched.look(text, 0, len(text), frame, hits)
        return
    watched.look(data, start, stop, frame, hits)
