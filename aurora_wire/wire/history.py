"""The last bytes of a direction, kept to compare retransmissions with.

What the receiver has not acknowledged may still be replaced by other bytes of the same place: a retransmission of
it has to be the same. Of acknowledged bytes the last burst is kept, for the remark that somebody sent others.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.facts import Budget

MAX_STREAM: Final[i64] = 1 << 20  # bytes kept of one direction

SAME: Final[i64] = 0
DIFFERENT: Final[i64] = 1
NOT_KEPT: Final[i64] = 2


class History:
    """Of one direction, in stream offsets. The last piece is `last`; those before it are kept while unacknowledged."""

    __slots__ = ("before", "budget", "kept", "last", "last_offset", "offsets")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.last = b""
        self.last_offset: i64 = 0
        self.before: list[bytes] | None = None
        self.offsets: list[int] | None = None
        self.kept: i64 = 0  # bytes, of all pieces

    def add(self, offset: i64, data: bytes, at: i64, end: i64, all_acked: bool) -> None:
        """data[at:end] was delivered at `offset`; all_acked: everything before it is acknowledged."""
        size = end - at
        budget = self.budget
        if all_acked:
            budget.history += self.kept
            self.kept = 0
            if self.before is not None:
                self.before = None
                self.offsets = None
        if size <= 0 or self.kept + size > MAX_STREAM or budget.history < size:
            if size > 0:
                budget.history_dropped += 1
            if all_acked:
                self.last = b""
            return
        if self.kept > 0:
            before = self.before
            offsets = self.offsets
            if before is None or offsets is None:
                self.before = [self.last]
                self.offsets = [self.last_offset]
            else:
                before.append(self.last)
                offsets.append(self.last_offset)
        budget.history -= size
        self.kept += size
        self.last = data[at:end]
        self.last_offset = offset

    def clear(self) -> None:
        self.budget.history += self.kept
        self.kept = 0
        self.last = b""
        self.before = None
        self.offsets = None

    def compare(self, offset: i64, data: bytes, at: i64, end: i64) -> i64:
        """Are data[at:end] the bytes that were delivered at `offset`? As far as they are kept."""
        covered: i64 = 0
        stop = offset + (end - at)
        before = self.before
        offsets = self.offsets
        count: i64 = 0
        if before is not None and offsets is not None:
            count = len(before)
        i: i64 = 0
        while i <= count:
            piece = self.last
            start = self.last_offset
            if i < count and before is not None and offsets is not None:
                piece = before[i]
                start = offsets[i]
            i += 1
            low = start if start > offset else offset
            high = start + len(piece)
            if high > stop:
                high = stop
            if low >= high:
                continue
            if piece[low - start : high - start] != data[at + low - offset : at + high - offset]:
                return DIFFERENT
            covered += high - low
        return SAME if covered == end - at else NOT_KEPT
