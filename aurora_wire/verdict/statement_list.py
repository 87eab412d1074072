"""Statements of a result, each described when it is asked for.

There may be millions, most reports show few, and each takes longer to describe than to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from aurora_wire.verdict.result import StatementResult

T = TypeVar("T")


class StatementList(Sequence[StatementResult], Generic[T]):
    """What `describe` makes of each of `found`, which is `source` for who can do with less."""

    def __init__(self, found: Sequence[T], describe: Callable[[T], StatementResult]) -> None:
        self.source = found
        self._describe = describe

    def __len__(self) -> int:
        return len(self.source)

    @overload
    def __getitem__(self, index: int) -> StatementResult: ...
    @overload
    def __getitem__(self, index: slice) -> list[StatementResult]: ...
    def __getitem__(self, index: int | slice) -> StatementResult | list[StatementResult]:
        if isinstance(index, slice):
            return [self._describe(one) for one in self.source[index]]
        return self._describe(self.source[index])

    def first(self, count: int) -> StatementList[T]:
        """Return the first ones alone, not described yet."""
        return StatementList(self.source[:count], self._describe)

    def __iter__(self) -> Iterator[StatementResult]:
        return map(self._describe, self.source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]
