"""The classes of data that crossed in the clear, as results show them: of a statement, a connection and the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from aurora_wire.verdict.result import LeakedClass, LeakedData, LeakedValue, Origin
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.leaked.classes import BY_ID, CLASSES, ORDER
from aurora_wire.wire.mysql.leaked.tally import BINLOG, RESULTS, STATEMENTS, LeakedTally, read_leaks

MAX_COLUMNS: Final = 20    # named for a class
MAX_VALUES: Final = 5      # of a class, told by their hash
MAX_PLACES: Final = 5      # columns in which one of these was
LAST: Final = 3            # values of which the last four characters are told
ORIGINS: Final[dict[int, Origin]] = {int(STATEMENTS): "statement", int(RESULTS): "result", int(BINLOG): "binlog"}


def list_leaked(tally: LeakedTally) -> list[LeakedData]:
    """Return what was counted, the worst classes first."""
    # The numbers of classes are their ranks. Names are ASCII, so that their bytes have the order of their text.
    ranked = [
        (kind, int(row.frame), table, column, ORIGINS[origin], row)
        for (kind, table, column, origin), row in tally.rows.items()
    ]
    if len(ranked) > 1:
        ranked.sort()
    return [
        LeakedData(
            CLASSES[kind].id, _name(table), _name(column), row.count, row.statements, frame,
            show_endings(CLASSES[kind].id, row.values), origin, list(row.values),
        )
        for kind, frame, table, column, origin, row in ranked
    ]  # fmt: skip


def leaked_of_statement(statement: Statement) -> list[LeakedData]:
    """Return what one statement told, and the rows that answered it."""
    found = read_leaks(statement.command, statement.text, 0, len(statement.text), statement.values, 0)
    result = statement.result
    if found is None and result is None:
        return []
    tally = LeakedTally()
    if found is not None:
        tally.add(found, statement.frame)
    while result is not None:
        if result.hits is not None:
            tally.add_hits(result.hits, RESULTS)
        result = result.next
    return list_leaked(tally) if tally.rows else []


def show_endings(data: str, values: Sequence[bytes]) -> list[str]:
    """Return the last four characters of values, where the class lets them be told: of card and account numbers."""
    if not BY_ID[data].last:
        return []
    return list(dict.fromkeys(bytes([byte for byte in one if byte > 47])[-4:].decode("ascii", "replace")
                              for one in values))[:LAST]


def _name(name: bytes) -> str | None:
    return name.decode("utf-8", "backslashreplace") if name else None


class LeakedWhole:
    """The classes of all connections, for the table at the top of reports."""

    def __init__(self) -> None:
        self.classes: dict[str, LeakedClass] = {}

    def add(self, leaked: Iterable[LeakedData]) -> None:
        """Count what a connection told."""
        here: set[str] = set()
        for one in leaked:
            found = self.classes.get(one.data)
            if found is None:
                found = self.classes[one.data] = LeakedClass(one.data, 0, 0, one.frame, [], [])
            found.count += one.count
            found.frame = min(found.frame, one.frame)
            found.origins[one.origin] = found.origins.get(one.origin, 0) + one.count
            if one.data not in here:
                here.add(one.data)
                found.connections += 1
            name = f"{one.table}.{one.column}" if one.table and one.column else one.column
            if not name and one.table and one.origin == "binlog":
                name = f"{one.table}.?"  # the log has no names of columns
            if name and name not in found.columns and len(found.columns) < MAX_COLUMNS:
                found.columns.append(name)
            for last in one.last:  # a generator that asks what is there already is a list before, where it is compiled
                if last not in found.last and len(found.last) < LAST:
                    found.last.append(last)
            for value in one.values:
                _place(found, value, name)

    def result(self) -> list[LeakedClass]:
        """Return a row for each class that was found, the worst first."""
        return [self.classes[data] for data in ORDER if data in self.classes]


def _place(found: LeakedClass, value: bytes, column: str | None) -> None:
    """Note that one of the values of a class was in a column."""
    known: LeakedValue | None = None
    for one in found.values:
        if one.value == value:
            known = one
            break
    if known is None:
        if len(found.values) >= MAX_VALUES:
            return
        known = LeakedValue(value, [])
        found.values.append(known)
    if column and column not in known.columns and len(known.columns) < MAX_PLACES:
        known.columns.append(column)
