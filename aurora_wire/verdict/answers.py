"""What came back, as results show it: columns, rows, errors, and how much of each column crossed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from aurora_wire.immutable import replace
from aurora_wire.verdict.answer_result import AnswerPart, AnswerResult, ColumnResult, ColumnTraffic, ErrorResult
from aurora_wire.verdict.lazy_sequence import LazySequence
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.lenenc import NULL, read_lestr
from aurora_wire.wire.mysql.results import Column, Failure, Result, add_traffic, extended_format
from aurora_wire.wire.mysql.types import X_TYPE, type_name
from aurora_wire.wire.mysql.values import is_temporal, read_value
from aurora_wire.wire.mysqlx.row_values import read_row

MAX_PARTS = 1000    # results of one statement
UNSIGNED = 0x20     # flag of a column
MAX_SHARED = 1024   # lists of columns whose description is kept,
MAX_WIDTH = 64      # each of so many at most,
MAX_SHARED_BYTES = 2048   # and of names with so many bytes
MAX_TRAFFIC = 2000  # columns whose traffic is told

Sums: TypeAlias = dict[tuple[bytes, bytes, bytes], Column]


class Columns:
    """Describes lists of columns. Few differ, so that what was asked for is often asked for again: the same list is
    given for what is the same, and nobody changes it.
    """

    def __init__(self) -> None:
        self._last: list[Column] | None = None
        self._described: list[ColumnResult] = []
        self._known: dict[tuple[object, ...], list[ColumnResult]] = {}

    def of(self, columns: list[Column] | None) -> list[ColumnResult]:
        if columns is None:
            return []
        if columns is not self._last:
            self._described = self._shared(columns)
            self._last = columns
        return self._described

    def _shared(self, columns: list[Column]) -> list[ColumnResult]:
        if len(columns) > MAX_WIDTH:
            return [_describe_column(column) for column in columns]
        key = tuple(
            (one.schema, one.table, one.org_table, one.name, one.org_name, one.type, one.extended) for one in columns
        )
        known = self._known.get(key)
        if known is None:
            known = [_describe_column(column) for column in columns]
            if len(self._known) >= MAX_SHARED:
                self._known.clear()
            if sum(len(one) for column in key for one in column if isinstance(one, bytes)) <= MAX_SHARED_BYTES:
                self._known[key] = known
        return known


_COLUMNS = Columns()


def describe_answer(statement: Statement) -> AnswerResult | None:
    """Return what answered a statement, None where that was not seen."""
    first = statement.result
    if first is None:
        return None
    parts: list[AnswerPart] = []
    failure: Failure | None = None
    complete = True
    ended = -1
    one: Result | None = first
    while one is not None and len(parts) < MAX_PARTS:
        parts.append(_describe_part(one))
        complete = complete and bool(one.complete)
        failure = failure or one.failure
        ended = max(ended, int(one.ended_ns))
        one = one.next
    began = int(statement.time_ns)
    ms = round((ended - began) / 1e6, 3) if 0 <= began <= ended else None
    error = None if failure is None else describe_failure(failure)
    return AnswerResult(parts, error, ms, complete and not statement.waits)


def _describe_part(result: Result) -> AnswerPart:
    return AnswerPart(
        columns=_COLUMNS.of(result.columns),
        rows=result.rows,
        bytes=result.size,
        affected=result.affected if result.affected >= 0 else None,
        warnings=result.warnings if result.warnings >= 0 else None,
        out_parameters=result.out,
        complete=result.complete,
        values=read_rows(result) if result.kept is not None else [],
    )


def read_rows(result: Result) -> list[list[bytes | None]]:
    """Return the values of the rows that were kept: text as it crossed, of binary ones as the server would print them.

    None is NULL. A row that crossed in part, or is none of these columns, ends where it cannot be read any further.
    """
    columns = result.columns or []
    if columns and columns[0].type >= X_TYPE:
        kinds = [int(column.type) for column in columns]
        return [read_row(data, kinds) for data in result.kept or []]
    read = _binary_row if result.binary else _text_row
    return [read(data, columns) for data in result.kept or []]


def _text_row(data: bytes, columns: list[Column]) -> list[bytes | None]:
    values: list[bytes | None] = []
    at = 0
    for _ in columns:
        start, stop = read_lestr(data, at, len(data))
        if start < 0 and start != NULL:
            break
        values.append(None if start < 0 else data[start:stop])
        at = stop
    return values


def _binary_row(data: bytes, columns: list[Column]) -> list[bytes | None]:
    values: list[bytes | None] = []
    at = 1 + (len(columns) + 9) // 8
    for number, column in enumerate(columns, 2):
        if at > len(data):
            break
        if data[1 + number // 8] >> number % 8 & 1:
            values.append(None)
            continue
        value, at = read_value(data, at, len(data), column.type, column.flags & UNSIGNED != 0)
        if value is None:
            break
        literal = value.literal()
        is_text = literal[:1] in (b"'", b"X") and not is_temporal(column.type)
        values.append(value.raw if is_text else literal.strip(b"'") if literal[:1] == b"'" else literal)
    return values


def _describe_column(column: Column) -> ColumnResult:
    return ColumnResult(
        _text(column.schema), _text(column.table), _text(column.org_table), _text(column.name), _text(column.org_name),
        name_type(column),
    )  # fmt: skip


def name_type(column: Column) -> str:
    """Return a column's type: as MariaDB's extended metadata name it, or by its number."""
    extended = extended_format(column.extended) if column.extended else b""
    return _text(extended).upper() if extended else type_name(column.type)


def describe_failure(failure: Failure) -> ErrorResult:
    state = _text(failure.sqlstate) if failure.sqlstate else None
    return ErrorResult(failure.code, state, _text(failure.message), failure.frame, failure.offset)


class Traffic(LazySequence[ColumnTraffic]):
    """How much of each column crossed on a connection, most bytes first; described when it is asked for."""

    __slots__ = ("_columns",)

    def __init__(self, columns: list[Column]) -> None:
        self._columns = columns

    def counted(self) -> list[Column]:
        """Return the columns, with what was counted of each."""
        return self._columns

    def add_to(self, sums: Sums) -> None:
        """Add it up with that of other connections."""
        add_traffic(sums, self._columns)

    def _all(self) -> list[ColumnTraffic]:
        return merged([self])

    def __bool__(self) -> bool:
        return any(one.results for one in self._columns)


def _traffic(column: Column) -> ColumnTraffic:
    """Return how much of one column crossed. Without a table its names may be values: `SELECT 'alice'`."""
    if not column.org_table:
        return ColumnTraffic("", "", "", "", column.results, column.rows, column.size)
    return ColumnTraffic(
        _text(column.schema), _text(column.org_table), _text(column.org_name), name_type(column), column.results,
        column.rows, column.size,
    )  # fmt: skip


def merged(traffic: Iterable[Sequence[ColumnTraffic]]) -> list[ColumnTraffic]:
    """Return the traffic of connections with that of the same column added up, most bytes first."""
    sums: Sums = {}
    by_name: dict[tuple[str, str, str], ColumnTraffic] = {}
    for each in traffic:
        if isinstance(each, Traffic):
            each.add_to(sums)
        else:  # described already: read from another process, or masked
            for one in each:
                _add(by_name, replace(one))
    for column in sums.values():
        _add(by_name, _traffic(column))
    return sorted(
        by_name.values(), key=lambda one: (-one.bytes, -one.rows, one.schema, one.table, one.column)
    )[:MAX_TRAFFIC]


def _add(by_name: dict[tuple[str, str, str], ColumnTraffic], one: ColumnTraffic) -> None:
    """Add what crossed of one column to the rest of it; the object may be kept, and changed."""
    key = (one.schema, one.table, one.column)
    known = by_name.get(key)
    if known is None:
        by_name[key] = one
    else:
        known.results += one.results
        known.rows += one.rows
        known.bytes += one.bytes


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
