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
    """Of one direction, in stream offsets. Pieces are consecutive but for truncated bytes and gaps."""

    __slots__ = ("budget", "kept", "offsets", "pieces")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.pieces: list[bytes] = []
        self.offsets: list[int] = []
        self.kept: i64 = 0

    def add(self, offset: i64, data: bytes, at: i64, end: i64, all_acked: bool) -> None:
        """data[at:end] was delivered at `offset`; all_acked: everything before it is acknowledged."""
        if all_acked:
            self.clear()
        size = end - at
        if size <= 0:
            return
        budget = self.budget
        if self.kept + size > MAX_STREAM or budget.history < size:
            budget.history_dropped += 1
            return
        budget.history -= size
        self.kept += size
        self.pieces.append(data[at:end])
        self.offsets.append(offset)

    def clear(self) -> None:
        if self.kept:
            self.budget.history += self.kept
            self.kept = 0
            self.pieces = []
            self.offsets = []

    def compare(self, offset: i64, data: bytes, at: i64, end: i64) -> i64:
        """Are data[at:end] the bytes that were delivered at `offset`? As far as they are kept."""
        covered: i64 = 0
        i: i64 = 0
        stop = offset + (end - at)
        while i < len(self.pieces):
            start: i64 = self.offsets[i]
            piece = self.pieces[i]
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
