"""A dataclass that nothing changes once it is made: type checkers hold it so.

At run time it is a usual one, as `frozen=True` sets each field through `object.__setattr__`: a finding or a reason took
three times as long to make, of which a scan makes several a connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

T = TypeVar("T")

if TYPE_CHECKING:

    @dataclass_transform(frozen_default=True, field_specifiers=(field,))
    def immutable(cls: type[T]) -> type[T]:
        """Make a dataclass with slots, compared and hashed by its fields, which are set once."""

else:
    immutable = dataclass(slots=True, unsafe_hash=True)
