"""Statements that are to be told with what answered them, in the order in which they were sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Final

from aurora_wire.wire.mysql.events import Statement

PATIENCE_NS: Final = 1_000_000_000   # of the capture's time, for which a statement waits for its answer
MOST: Final = 1000                   # that wait
MOST_BYTES: Final = 8 << 20          # that they take


class Untold:
    """Statements whose answers are not there yet. `tell` is called for each, once."""

    def __init__(self, tell: Callable[[Statement], None]) -> None:
        self._tell = tell
        self._waiting: deque[Statement] = deque()
        self._size = 0

    def add(self, statement: Statement) -> None:
        self._waiting.append(statement)
        self._size += statement.cost()

    def settle(self, now_ns: int) -> None:
        """Tell those that are answered, or have waited long enough; none overtakes another."""
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            has_room = len(waiting) <= MOST and self._size <= MOST_BYTES
            if first.waits and has_room and now_ns - first.time_ns < PATIENCE_NS:
                return
            waiting.popleft()
            self._size -= first.cost()
            self._tell(first)

    def close(self, connections: Collection[int]) -> None:
        """Tell those of connections that have ended, as no answer will come."""
        if not any(one.connection in connections for one in self._waiting):
            return
        left: deque[Statement] = deque()
        for one in self._waiting:
            if one.connection in connections:
                self._size -= one.cost()
                self._tell(one)
            else:
                left.append(one)
        self._waiting = left
