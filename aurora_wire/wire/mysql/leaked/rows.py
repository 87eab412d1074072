"""What the values of one column tell, of a result's rows or of rows in binlog events.

A column is looked at by its type and its name. Of one that told nothing PATIENCE times one value in EACH is looked at,
until one tells something again: so counts are of what was looked at. Where STEADY values one after another were of one
class, the others are counted by the least that tells it (an `@`, the check digit), and one in EACH is looked at as
before.
What was learned is of one connection: results do not depend on who reads which.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql import types
from aurora_wire.wire.mysql.charsets import BINARY
from aurora_wire.wire.mysql.leaked.check_digits import is_card
from aurora_wire.wire.mysql.leaked.classes import CARD, EMAIL, HEALTH, IDENTITY, NOTHING, PHONE
from aurora_wire.wire.mysql.leaked.columns import class_of_column
from aurora_wire.wire.mysql.leaked.statements import MAX_LITERAL, SHORTEST, by_column, told
from aurora_wire.wire.mysql.leaked.values import is_phone, next_value
from aurora_wire.wire.mysql.seven_bytes import has_either

PATIENCE: Final[i64] = 16       # values that told nothing, after which few are looked at
STEADY: Final[i64] = 8          # values of one class one after another, after which the least that tells it counts
EACH: Final[i64] = 16           # of all of these, one is looked at
KEPT: Final[i64] = 3            # different values that are kept of a hit, to be told by a keyed hash
LONGEST_KEPT: Final[i64] = 96   # bytes of each
MAX_HITS: Final[i64] = 500      # classes and columns of one result
LONG_NUMBER: Final[i64] = 13    # digits of the shortest card number
SMALLEST: Final[i64] = 1_000_000_000_000  # and the number

# How a column is looked at.
NOT: Final[i64] = 0
TEXTS: Final[i64] = 1           # each value may tell itself
NUMBERS: Final[i64] = 2         # a long number may
BY_NAME: Final[i64] = 3         # its name tells, whatever the value


def choose_way(kind: i64, charset: i64, named: i64) -> i64:
    """Return how a column of a type is looked at. charset: a collation's id, -1 where that is not known; named: the
    class that its name tells.
    """
    if (kind == types.VARCHAR or kind == types.JSON or types.TINY_BLOB <= kind <= types.STRING) and charset != BINARY:
        return TEXTS
    if kind == types.JSON:
        return TEXTS
    if kind == types.LONGLONG or kind == types.NEWDECIMAL or kind == types.DECIMAL:
        return NUMBERS
    return BY_NAME if named != NOTHING and kind != types.NULL else NOT


@mypyc_attr(acyclic=True)
class Hit:
    """Values of one class in one column of a result, or of a rows event: how many, and the first different ones."""

    __slots__ = ("column", "count", "frame", "kind", "next", "table", "values")

    def __init__(self, kind: i64, table: bytes, column: bytes, frame: i64) -> None:
        self.kind: Final[i64] = kind
        self.table: Final = table
        self.column: Final = column
        self.frame: Final[i64] = frame
        self.count: i64 = 0
        self.values: list[bytes] = []
        self.next: Hit | None = None    # of the same column, of another class


def kept_value(value: bytes) -> bytes:
    """Return a value as it is kept: of a long one its end, which differs where keys and tokens do, and its length."""
    size: i64 = len(value)
    return value if size <= LONGEST_KEPT else value[size - LONGEST_KEPT :] + str(size).encode()


@mypyc_attr(acyclic=True)
class Watched:
    """A column whose values are looked at. table, column: as they may be told.

    misses: values since the last that told something; steady: values one after another each of which was, as a whole,
    one of class `steady_kind`.
    """

    __slots__ = ("column", "hit", "misses", "named", "steady", "steady_kind", "table", "way")

    def __init__(self, way: i64, named: i64, table: bytes, column: bytes) -> None:
        self.misses: i64 = 0
        self.steady: i64 = 0
        self.steady_kind: i64 = NOTHING
        self.way: Final[i64] = way
        self.named: Final[i64] = named
        self.hit: Hit | None = None     # of the result under way
        self.table: Final = told(table)
        self.column: Final = told(column)

    def look(self, data: bytes, start: i64, stop: i64, frame: i64, hits: list[Hit]) -> None:
        """Look at the value data[start:stop], as text."""
        if self.way == NUMBERS and stop - start < LONG_NUMBER and self.named == NOTHING:
            return
        if self.misses >= PATIENCE:
            self.misses += 1
            if self.misses & (EACH - 1):
                return
        elif self.steady >= STEADY:
            self.steady += 1
            if self.steady & (EACH - 1) and self._is_as_before(data, start, stop):
                hit = self.hit
                if hit is not None and hit.kind == self.steady_kind and len(hit.values) >= KEPT:
                    hit.count += 1
                else:
                    self._add(self.steady_kind, data[start:stop], frame, hits)
                return
        self._look(data, start, stop, frame, hits)

    def _is_as_before(self, data: bytes, start: i64, stop: i64) -> bool:
        """Return whether a value of a column of which all were of one class is of it, too, by the least that tells."""
        kind = self.steady_kind
        if kind == EMAIL:
            return has_either(data, start + 1, stop - 4, 64, 64)
        if kind == CARD:
            return stop - start >= LONG_NUMBER and is_card(data, start, stop)
        if kind == PHONE:
            return self.named == PHONE and is_phone(data, start, stop)
        return stop > start and kind == self.named and (kind == IDENTITY or kind == HEALTH)

    def _look(self, data: bytes, start: i64, stop: i64, frame: i64, hits: list[Hit]) -> None:
        size = stop - start
        if size > MAX_LITERAL:
            stop = start + MAX_LITERAL
        way = self.way
        kind: i64 = NOTHING
        whole = False
        if size >= SHORTEST and (way == TEXTS or (way == NUMBERS and size >= LONG_NUMBER)):
            at = start
            while True:
                one = next_value(data, at, stop, start)
                if one is None:
                    break
                kind = one.kind
                whole = one.start == start and one.stop == stop
                self._add(kind, data[one.start : one.stop], frame, hits)
                at = one.stop
        if kind == NOTHING and self.named != NOTHING and size > 0:
            kind = by_column(data, start, stop, self.named)
            if kind != NOTHING:
                whole = True
                self._add(kind, data[start:stop], frame, hits)
        if kind == NOTHING:
            self.steady = 0
            if self.misses < PATIENCE:
                self.misses += 1
            return
        self.misses = 0
        if not whole or kind != self.steady_kind:
            self.steady = 0
            self.steady_kind = kind
        elif self.steady < STEADY:
            self.steady += 1

    def _add(self, kind: i64, value: bytes, frame: i64, hits: list[Hit]) -> None:
        hit = self.hit
        while hit is not None and hit.kind != kind:
            hit = hit.next
        if hit is None:
            if len(hits) >= MAX_HITS:
                return
            hit = Hit(kind, self.table, self.column, frame)
            hit.next = self.hit
            self.hit = hit
            hits.append(hit)
        hit.count += 1
        if len(hit.values) < KEPT:
            kept = kept_value(value)
            if kept not in hit.values:
                hit.values.append(kept)


def watch_column(kind: i64, charset: i64, table: bytes, column: bytes, alias: bytes) -> Watched | None:
    """Return what looks at the values of a column; None where nothing does. alias: its name in the result, which tells
    a class but is not told.
    """
    named = class_of_column(column if column else alias)
    way = choose_way(kind, charset, named)
    return None if way == NOT else Watched(way, named, table, column)
