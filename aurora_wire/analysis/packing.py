"""Results as bytes, to be handed from one process to another: small, and fast to make and to read.

Statements are packed as they were found, and described by who asks for them: most reports show few, and to describe
one takes longer than to find it. Credentials are described first. A list of either stays packed until a report asks
for it. Only what this program packed itself is ever unpacked: it comes through a pipe to a child.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

from aurora_wire.decrypt import key_log_result
from aurora_wire.immutable import replace
from aurora_wire.verdict import result as results
from aurora_wire.verdict.answers import Traffic
from aurora_wire.verdict.describe import describe_statement
from aurora_wire.verdict.lazy_sequence import LazySequence
from aurora_wire.verdict.result import ConnectionResult, CredentialResult, Finding, StatementResult
from aurora_wire.verdict.statement_list import StatementList
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.leaked.rows import Hit
from aurora_wire.wire.mysql.results import Change, Column, Failure, Result
from aurora_wire.wire.mysql.values import Value

T = TypeVar("T")
Reduced = tuple[type, tuple[object, ...]]


def _reducer(kind: type) -> Callable[[object], Reduced]:
    names: tuple[str, ...] = kind.__match_args__  # type: ignore[attr-defined]  # its fields
    get = attrgetter(*names)
    if len(names) == 1:
        return lambda one: (kind, (get(one),))
    return lambda one: (kind, get(one))


# As calls of the class with all fields in their order: half the time, and half the size, of what pickle does by itself.
_REDUCERS: Final[dict[type, Callable[[Any], tuple[Any, ...]]]] = {
    kind: _reducer(kind)
    for module in (results, key_log_result)
    for kind in vars(module).values()
    if isinstance(kind, type) and hasattr(kind, "__match_args__")
}

Named = tuple[bytes, bytes, bytes, int, bytes]   # schema, table and name of a column, its type, and more of that
EXPRESSION: Final[Named] = (b"", b"", b"", 0, b"")
MAX_SHARED: Final = 4096       # columns whose names are shared,
LONGEST_SHARED: Final = 512    # of so many bytes at most

# What a statement is made of, as it was found: what makes it again, and the fields that this takes, in their order.
# `Result.next` and what only counts (`Column.rows`) is left out.
_STATEMENT: Final = (
    "connection", "frame", "time_ns", "offset", "command", "text", "length", "values", "complete", "compressed",
    "statement_id", "guessed", "schema", "charset", "from_client", "escapes", "waits", "end",
)  # fmt: skip
_RESULT: Final = (
    "frame", "rows", "size", "columns", "columns_total", "affected", "warnings", "ended_ns", "complete", "binary",
    "cursor", "out", "failure", "changes", "kept", "hits",
)  # fmt: skip
_statement_fields: Final = attrgetter(*_STATEMENT)
_result_fields: Final = attrgetter(*_RESULT)
_hit_fields: Final = attrgetter("kind", "table", "column", "frame", "count", "values", "next")


def _make_statement(results: list[Result], *fields: Any) -> Statement:
    one = Statement(*fields[:15])
    one.escapes, one.waits, one.end = fields[15:]
    if results:
        one.result = results[0]
        for before, after in pairwise(results):
            before.next = after
    return one


def _make_result(frame: int, *fields: Any) -> Result:
    one = Result(frame)
    for name, value in zip(_RESULT[1:], fields, strict=True):
        setattr(one, name, value)
    return one


def _make_hit(kind: int, table: bytes, column: bytes, frame: int, count: int, values: list[bytes], after: Hit) -> Hit:
    one = Hit(kind, table, column, frame)
    one.count, one.values, one.next = count, values, after
    return one


def _reduce_statement(one: Statement) -> tuple[Callable[..., Statement], tuple[object, ...]]:
    results: list[Result] = []  # flat: there may be thousands
    result = one.result
    while result is not None:
        results.append(result)
        result = result.next
    return _make_statement, (results, *_statement_fields(one))


class _Names:
    """Names of columns, the same object for the same ones: then they are packed once in what is packed at once."""

    def __init__(self) -> None:
        self._known: dict[Named, Named] = {}

    def share(self, column: Column) -> Named:
        """Return what tells of which column traffic is. Without a table its names may be values, and nobody asks."""
        if not column.org_table:
            return EXPRESSION
        named = (column.schema, column.org_table, column.org_name, int(column.type), column.extended)
        if sum(map(len, (column.schema, column.org_table, column.org_name, column.extended))) > LONGEST_SHARED:
            return named
        if len(self._known) >= MAX_SHARED:
            self._known.clear()
        return self._known.setdefault(named, named)


_NAMES: Final = _Names()


def _reduce_traffic(traffic: Traffic) -> tuple[Callable[..., Traffic], tuple[object, ...]]:
    share = _NAMES.share
    columns = [(share(one), int(one.results), int(one.rows), int(one.size)) for one in traffic.counted()]
    return _make_traffic, (columns,)


def _make_traffic(columns: list[tuple[Named, int, int, int]]) -> Traffic:
    made: list[Column] = []
    for (schema, table, name, kind, extended), *counts in columns:
        one = Column(schema, b"", table, b"", name, kind, 0, 0, extended)
        one.results, one.rows, one.size = counts
        made.append(one)
    return Traffic(made)


def _plain(kind: type, *names: str) -> Callable[[object], Reduced]:
    get = attrgetter(*names)
    return lambda one: (kind, get(one))


_FOUND: Final[dict[type, Callable[[Any], tuple[Any, ...]]]] = {
    Statement: _reduce_statement,
    Result: lambda one: (_make_result, _result_fields(one)),
    Hit: lambda one: (_make_hit, _hit_fields(one)),
    Value: _plain(Value, "type", "unsigned", "raw", "name", "indicator", "omitted"),
    Column: _plain(
        Column, "schema", "table", "org_table", "name", "org_name", "type", "charset", "flags", "extended"
    ),
    Failure: _plain(Failure, "code", "sqlstate", "message", "frame", "offset"),
    Change: _plain(Change, "kind", "name", "value"),
}

_REDUCERS.update(_FOUND)
_REDUCERS[Traffic] = _reduce_traffic


def pack(value: object) -> bytes:
    """Return a result, or anything made of results, as bytes."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 5)
    pickler.dispatch_table = cast(Any, _REDUCERS)
    pickler.dump(value)
    return file.getvalue()


def unpack(data: bytes) -> Any:
    """Return what was packed."""
    return pickle.loads(data)  # noqa: S301 - packed by a child of this process


class Packed(LazySequence[T]):
    """A list that stays packed until it is looked at."""

    __slots__ = ("_count", "_data")

    def __init__(self, found: Sequence[T]) -> None:
        self._count = len(found)
        self._data = pack(list(found))

    def _all(self) -> list[T]:
        return cast("list[T]", unpack(self._data))

    def __len__(self) -> int:
        return self._count


class PackedStatements(Packed[StatementResult]):
    """Statements that stay packed, as they were found, until they are looked at."""

    __slots__ = ()

    def __init__(self, statements: StatementList[Statement], most: int) -> None:
        found = statements.source[:most]
        self._count = len(found)
        self._data = pack(found)

    def _all(self) -> list[StatementResult]:
        return [describe_statement(one) for one in unpack(self._data)]


def _packed(statements: Sequence[StatementResult], most: int) -> Sequence[StatementResult]:
    return PackedStatements(statements, most) if isinstance(statements, StatementList) else []


def seal(result: ConnectionResult, most: int) -> None:
    """Pack the lists of a result that are described when they are asked for, and hold on to what they describe.

    most: how many statements may be asked for.
    """
    # An empty one, too, may hold on to what it has looked at.
    result.statements = _packed(result.statements, most)
    result.credentials = Packed[CredentialResult](result.credentials) if result.credentials else []
    decrypted = result.tls.decrypted if result.tls is not None else None
    if decrypted is not None and decrypted.statements:
        decrypted.statements = _packed(decrypted.statements, len(decrypted.statements))


def number(result: ConnectionResult, found: list[Finding], connection: int) -> list[Finding]:
    """Give a result the number of its connection, and return its findings with it."""
    result.id = connection
    return [replace(hit, connection=connection) for hit in found]
