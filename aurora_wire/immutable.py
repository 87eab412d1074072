"""Dataclasses with slots that cost little to define: `record`, and `immutable`, which nothing changes once it is made.

`dataclasses` writes each method of each class as source and compiles it: of some thirty classes that was a fifth of
what a start cost. Here `__init__` is made so, which is called often; what compares, hashes and shows is shared.

Type checkers hold that nobody changes an `immutable`. At run time it is a usual one, as `frozen=True` sets each field
through `object.__setattr__`: a finding or a reason took three times as long to make, of which a scan makes several a
connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

T = TypeVar("T")

if TYPE_CHECKING:

    @dataclass_transform(frozen_default=True, field_specifiers=(field,))
    def immutable(cls: type[T]) -> type[T]:
        """Make a dataclass with slots, compared and hashed by its fields, which are set once."""

    @dataclass_transform(field_specifiers=(field,))
    def record(cls: type[T]) -> type[T]:
        """Make a dataclass with slots, compared by its fields, which may change: so it has no hash."""

else:

    def immutable(cls):
        cls.__hash__ = _hash
        return _define(cls)

    def record(cls):
        cls.__hash__ = None
        return _define(cls)

    def _define(cls):
        cls.__eq__ = _equal
        cls.__repr__ = _show
        made = dataclass(slots=True, eq=False, repr=False)(cls)
        made._compared = attrgetter(*[each.name for each in fields(made) if each.compare])
        return made

    def _hash(self):
        return hash(self._compared(self))

    def _equal(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._compared(self) == self._compared(other)

    def _show(self):
        shown = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr]
        return f"{self.__class__.__qualname__}({', '.join(shown)})"
