"""The classes of data that crossed in the clear, as results show them: of a statement, a connection and the whole."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_wire.verdict.result import LeakedClass, LeakedData
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.leaked.classes import CLASSES, ORDER
from aurora_wire.wire.mysql.leaked.tally import LAST, LeakedTally, leaks_of

MAX_COLUMNS = 20    # named for a class


def leaked_of(tally: LeakedTally) -> list[LeakedData]:
    """Return what was counted, the worst classes first."""
    made = [
        LeakedData(
            CLASSES[kind].id, _name(table), _name(column), row.count, row.statements, row.frame,
            [one.decode("ascii", "replace") for one in row.last],
        )
        for (kind, table, column), row in tally.rows.items()
    ]  # fmt: skip
    made.sort(key=lambda one: (ORDER.index(one.data), one.frame, one.table or "", one.column or ""))
    return made


def leaked_of_statement(statement: Statement) -> list[LeakedData]:
    """Return what one statement told."""
    found = leaks_of(statement.command, statement.text, 0, len(statement.text), statement.values, 0)
    if found is None:
        return []
    tally = LeakedTally()
    tally.add(found, statement.frame)
    return leaked_of(tally)


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
            if one.data not in here:
                here.add(one.data)
                found.connections += 1
            name = f"{one.table}.{one.column}" if one.table else one.column
            if name and one.column and name not in found.columns and len(found.columns) < MAX_COLUMNS:
                found.columns.append(name)
            found.last.extend(last for last in one.last if last not in found.last and len(found.last) < LAST)

    def result(self) -> list[LeakedClass]:
        """Return a row for each class that was found, the worst first."""
        return [self.classes[data] for data in ORDER if data in self.classes]
