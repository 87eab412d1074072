"""Results as bytes, to be handed from one process to another: small, and fast to make and to read.

What is inside a statement or a credential is described in the process that found it; a list of them stays packed until
a report asks for it. Only what this program packed itself is ever unpacked: it comes through a pipe to a child.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, cast, overload

from aurora_wire.decrypt import key_log_result
from aurora_wire.verdict import result as results
from aurora_wire.verdict.result import ConnectionResult, CredentialResult, Finding, StatementResult

T = TypeVar("T")
Reduced = tuple[type, tuple[object, ...]]


def _reducer(kind: type) -> Callable[[object], Reduced]:
    names = [field.name for field in dataclasses.fields(kind)]
    get = attrgetter(*names)
    if len(names) == 1:
        return lambda one: (kind, (get(one),))
    return lambda one: (kind, get(one))


# As calls of the class with all fields in their order: half the time, and half the size, of what pickle does by itself.
_REDUCERS: Final = {
    kind: _reducer(kind)
    for module in (results, key_log_result)
    for kind in vars(module).values()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind)
}


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


class Packed(Sequence[T], Generic[T]):
    """A list that stays packed until it is looked at."""

    __slots__ = ("_count", "_data")

    def __init__(self, found: Sequence[T]) -> None:
        self._count = len(found)
        self._data = pack(list(found))

    def _all(self) -> list[T]:
        return cast("list[T]", unpack(self._data))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self._all()[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == list(other)

    __hash__ = None  # type: ignore[assignment]


def seal(result: ConnectionResult) -> None:
    """Pack the lists of a result that are described when they are asked for, and hold on to what they describe."""
    # An empty one, too, may hold on to what it has looked at.
    result.statements = Packed[StatementResult](result.statements) if result.statements else []
    result.credentials = Packed[CredentialResult](result.credentials) if result.credentials else []
    result.columns = list(result.columns)
    decrypted = result.tls.decrypted if result.tls is not None else None
    if decrypted is not None and decrypted.statements:
        decrypted.statements = Packed[StatementResult](decrypted.statements)


def number(result: ConnectionResult, found: list[Finding], connection: int) -> list[Finding]:
    """Give a result the number of its connection, and return its findings with it."""
    result.id = connection
    return [dataclasses.replace(hit, connection=connection) for hit in found]
