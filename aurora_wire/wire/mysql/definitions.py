"""The column definitions of whole results, as they crossed: those of a result before are known by one comparison.

An application asks the same over and over, and each answer begins with the same definitions. What is remembered is of
one connection, as its columns are.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u32
from aurora_wire.wire.mysql.results import Column

SLOTS: Final[i64] = 32          # results whose definitions are remembered
LONGEST: Final[i64] = 4096      # bytes of their packets
SHORTEST: Final[i64] = 19       # bytes of a definition: six names, empty ones, and thirteen bytes more
TAIL: Final[i64] = 17           # that one ends with: four of its last names and the fixed ones
DEFINITIONS_COST: Final[i64] = 250  # bytes that those of one result take besides their packets
COLUMN_COST: Final[i64] = 8


@mypyc_attr(acyclic=True)
class Definitions:
    """All definitions of a result: their packets, headers included, and the columns that they define."""

    __slots__ = ("columns", "packets")

    def __init__(self, packets: bytes, columns: list[Column]) -> None:
        self.packets: Final = packets
        self.columns: Final = columns

    def cost(self) -> i64:
        return len(self.packets) + COLUMN_COST * len(self.columns) + DEFINITIONS_COST


class KnownDefinitions:
    """The definitions of results that one connection's server sent lately."""

    __slots__ = ("slots",)

    def __init__(self) -> None:
        self.slots: list[Definitions | None] = []

    def find(self, data: bytes, at: i64, end: i64, count: i64) -> Definitions | None:
        """Return the `count` definitions whose packets data[at:end] begins with; None where they are not known."""
        if len(self.slots) == 0:
            return None
        slot, stop = find_slot(data, at, end, count)
        if slot < 0:
            return None
        known = self.slots[slot]
        if known is None or len(known.packets) != stop - at:
            return None
        return known if data[at:stop] == known.packets else None

    def keep(self, found: Definitions) -> i64:
        """Remember definitions, perhaps in the place of others. Return how many bytes more that takes."""
        packets = found.packets
        slot, _ = find_slot(packets, 0, len(packets), len(found.columns))
        if slot < 0:
            return 0
        if len(self.slots) == 0:
            self.slots = [None] * int(SLOTS)
        before = self.slots[slot]
        self.slots[slot] = found
        return found.cost() if before is None else found.cost() - before.cost()


def find_slot(data: bytes, at: i64, end: i64, count: i64) -> tuple[i64, i64]:
    """Return the place of `count` definitions whose packets begin at `at`, and where they end; -1: not here.

    The first sequence id counts, too: a prepared statement's definitions are those of its result, but for that.
    """
    if end - at < 4 or count <= 0:
        return -1, at
    begun = at
    key: i64 = data[at + 3]
    while count > 0:
        if end - at < 4:
            return -1, at
        length = u32(data, at) & 0xFFFFFF
        at += 4 + length
        if length < SHORTEST or at > end:
            return -1, at
        key = (key * 31 + u32(data, at - TAIL)) & 0xFFFFFFF
        count -= 1
    return (key * 40503 >> 12 ^ (at - begun)) & (SLOTS - 1), at


def same(one: list[Column], other: list[Column]) -> bool:
    """Return whether both are the same columns."""
    count: i64 = len(one)
    if count != len(other):
        return False
    at: i64 = 0
    while at < count:
        if one[at] is not other[at]:
            return False
        at += 1
    return True
