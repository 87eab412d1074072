"""The classes of data in what crossed on a connection: counted by table and column.

Of the values only the first different ones stay, to be told by a keyed hash, and card and account numbers by their last
four characters; no report shows a value.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.commands import COM_STMT_BULK_EXECUTE, COM_STMT_EXECUTE
from aurora_wire.wire.mysql.leaked.rows import KEPT, Hit, kept_value
from aurora_wire.wire.mysql.leaked.statements import (
    Leak,
    columns_of_parameters,
    leaks_in_text,
    leaks_in_value,
)
from aurora_wire.wire.mysql.values import PRESENT, Value, find_size, is_temporal

MAX_ROWS: Final[i64] = 200      # of a connection, by class, table, column and origin
ROW_COST: Final[i64] = 800      # bytes that one takes
HIT_COST: Final[i64] = 600      # bytes that one column of a result takes
MAX_ALIKE: Final[i64] = 8       # values of a statement whose rows are remembered
MAX_TEXT: Final[i64] = 1 << 20  # bytes of a statement that are looked at

# Where values were.
STATEMENTS: Final[i64] = 0      # literals and parameters
RESULTS: Final[i64] = 1         # rows
BINLOG: Final[i64] = 2          # rows in events to a replica

Key = tuple[int, bytes, bytes, int]


@mypyc_attr(acyclic=True)
class Row:
    """Values of one class and column: how many, in how many statements, results or events, and where the first was.

    values: the first different ones, as `kept_value` keeps them.
    """

    __slots__ = ("column", "count", "frame", "kind", "seen", "statements", "table", "values")

    def __init__(self, kind: i64, table: bytes, column: bytes, frame: i64) -> None:
        self.kind: Final[i64] = kind
        self.table: Final = table
        self.column: Final = column
        self.count: i64 = 0
        self.statements: i64 = 0
        self.frame: Final[i64] = frame
        self.seen: i64 = -1          # number of the last statement that it was in
        self.values: list[bytes] = []

    def keep(self, value: bytes) -> None:
        """Keep a value, as `kept_value` does, if it is one of the first different ones."""
        if len(self.values) < KEPT and value not in self.values:
            self.values.append(value)


class LeakedTally:
    """Counts by class, table, column and origin, of a connection or of one statement."""

    __slots__ = ("last", "looked", "rows")

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.last: list[Row] = []   # of the statement before, by place: the next one is mostly alike
        self.looked: i64 = 0        # statements with something in them

    def add(self, leaks: list[Leak], frame: i64) -> i64:
        """Count what one statement told; returns how many rows that made."""
        before: i64 = len(self.rows)
        self.looked += 1
        last = self.last
        known: i64 = len(last)
        for place, one in enumerate(leaks):
            row = last[place] if place < known else None
            # The same objects, as the names of texts alike are remembered.
            if (
                row is None or row.kind != one.kind or row.table is not one.table or row.column is not one.column
            ):  # fmt: skip
                row = self._row(one.kind, one.table, one.column, STATEMENTS, frame)
                if place < known:
                    last[place] = row
                elif place < MAX_ALIKE:
                    last.append(row)
                    known += 1
            self._note(row)
            row.count += 1
            if len(row.values) < KEPT:
                row.keep(kept_value(one.value))
        return len(self.rows) - before

    def add_hits(self, hits: list[Hit], origin: i64) -> i64:
        """Count what the rows of one result or event told; returns how many rows that made."""
        before: i64 = len(self.rows)
        self.looked += 1
        for one in hits:
            row = self._row(one.kind, one.table, one.column, origin, one.frame)
            self._note(row)
            row.count += one.count
            for value in one.values:
                row.keep(value)
        return len(self.rows) - before

    def _row(self, kind: i64, table: bytes, column: bytes, origin: i64, frame: i64) -> Row:
        """Return the row of a class and column; where there is no room for it that of the class alone."""
        key = (int(kind), table, column, int(origin))
        row = self.rows.get(key)
        if row is None:
            if len(self.rows) >= MAX_ROWS:
                table = column = b""
                key = (int(kind), table, column, int(origin))
                row = self.rows.get(key)
            if row is None:
                row = Row(kind, table, column, frame)
                self.rows[key] = row
        return row

    def _note(self, row: Row) -> None:
        """Count the statement that is looked at, once for a row."""
        if row.seen != self.looked:
            row.seen = self.looked
            row.statements += 1


def read_leaks(
    command: i64, text: bytes, at: i64, end: i64, values: list[Value] | None, mode: i64
) -> list[Leak] | None:
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
    if find_size(kind) == 0 and not is_temporal(kind):
        return value.raw
    return value.literal().strip(b"'")
