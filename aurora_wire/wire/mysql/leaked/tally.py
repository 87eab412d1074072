"""The classes of data in the statements of a connection: counted by table and column.

A value stays here only until it is counted: what goes on is its class, where it was, and the last four characters of
card and account numbers.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.commands import COM_STMT_BULK_EXECUTE, COM_STMT_EXECUTE
from aurora_wire.wire.mysql.leaked.classes import CARD, IBAN
from aurora_wire.wire.mysql.leaked.statements import (
    Leak,
    columns_of_parameters,
    leaks_in_text,
    leaks_in_value,
)
from aurora_wire.wire.mysql.values import PRESENT, Value, is_temporal, size_of

LAST: Final[i64] = 3            # values of which the last four characters are kept
MAX_ROWS: Final[i64] = 200      # of a connection, by class, table and column
ROW_COST: Final[i64] = 500      # bytes that one takes
MAX_TEXT: Final[i64] = 1 << 20  # bytes of a statement that are looked at

Key = tuple[int, bytes, bytes]


@mypyc_attr(acyclic=True)
class Row:
    """Values of one class and column: how many, in how many statements, and where the first was."""

    __slots__ = ("count", "frame", "last", "seen", "statements")

    def __init__(self, frame: i64) -> None:
        self.count: i64 = 0
        self.statements: i64 = 0
        self.frame: Final[i64] = frame
        self.seen: i64 = -1          # number of the last statement that it was in
        self.last: list[bytes] = []


class LeakedTally:
    """Counts by class, table and column, of a connection or of one statement."""

    __slots__ = ("looked", "rows")

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.looked: i64 = 0  # statements with something in them

    def add(self, leaks: list[Leak], frame: i64) -> i64:
        """Count what one statement told; returns how many rows that made."""
        before: i64 = len(self.rows)
        self.looked += 1
        for one in leaks:
            kind = int(one.kind)
            key = (kind, one.table, one.column)
            row = self.rows.get(key)
            if row is None:
                if len(self.rows) >= MAX_ROWS:
                    key = (kind, b"", b"")
                row = self.rows.get(key)
                if row is None:
                    row = Row(frame)
                    self.rows[key] = row
            row.count += 1
            if row.seen != self.looked:
                row.seen = self.looked
                row.statements += 1
            if (kind == CARD or kind == IBAN) and len(row.last) < LAST:
                ends = bytes([byte for byte in one.value if byte > 47])[-4:]
                if ends not in row.last:
                    row.last.append(ends)
        return len(self.rows) - before


def leaks_of(command: i64, text: bytes, at: i64, end: i64, values: list[Value] | None, mode: i64) -> list[Leak] | None:
    """Return what the statement text[at:end] tells, and its parameters; None where there is nothing."""
    if command == COM_STMT_EXECUTE or command == COM_STMT_BULK_EXECUTE:
        return _leaks_of_values(text, values) if values else None
    found = leaks_in_text(text, at, end, mode)
    if not values:
        return found
    more = _leaks_of_values(text[at:end], values)
    return more if found is None else found if more is None else found + more


def _leaks_of_values(text: bytes, values: list[Value]) -> list[Leak] | None:
    columns = columns_of_parameters(text)
    count: i64 = len(columns)
    found: list[Leak] = []
    index: i64 = 0
    for value in values:
        table, column = b"", b""
        if value.name:
            column = value.name
        elif count:
            table, column = columns[index % count]  # a bulk execution has several rows
            index += 1
        if value.indicator == PRESENT:
            size: i64 = len(value.raw)
            # Numbers and times tell nothing by themselves, but for long numbers.
            if column or size > 5:
                leaks_in_value(found, _content(value), table, column)
    return found if found else None


def _content(value: Value) -> bytes:
    """Return a value as text: as it crossed, or as SQL writes it where it is binary."""
    kind = value.type
    if size_of(kind) == 0 and not is_temporal(kind):
        return value.raw
    return value.literal().strip(b"'")
