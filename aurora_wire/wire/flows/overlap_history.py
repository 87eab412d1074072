"""The last bytes of a direction, kept to compare retransmissions with.

What the receiver has not acknowledged may still be replaced by other bytes of the same place: a retransmission of
it has to be the same. Of acknowledged bytes the last burst is kept, to note that somebody sent others, and those that
a direction opens with: a greeting, an SSLRequest, a hello are readable by design, and look like packets.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import Budget

MAX_STREAM: Final[i64] = 1 << 20  # bytes kept of one direction
PIECE_COST: Final[i64] = 80       # bytes that a piece takes beside its own

OPENING: Final[i64] = 512         # bytes that a direction opens with: kept for good

MAX_AROUND: Final[i64] = 1 << 16  # bytes on either side of a gap that are remembered

SAME: Final[i64] = 0
DIFFERENT: Final[i64] = 1
NOT_KEPT: Final[i64] = 2


class History:
    """The last bytes of one direction, by stream offset. Pieces before the last are kept while unacknowledged.

    The last piece is not copied: it stays where it lies in the capture's block until that goes (`own`).
    """

    __slots__ = (
        "at", "before", "borrowed", "budget", "data", "end", "kept", "last_offset", "lent", "offsets", "opening",
    )  # fmt: skip

    def __init__(self, budget: Budget, borrowed: list["History"]) -> None:
        self.budget = budget
        self.borrowed = borrowed    # all histories that point into the block being read
        self.lent = False           # this one does
        self.data = b""             # the last piece is data[at:end]
        self.at: i64 = 0
        self.end: i64 = 0
        self.last_offset: i64 = 0
        self.before: list[bytes] | None = None
        self.offsets: list[int] | None = None
        self.kept: i64 = 0          # bytes, of all pieces and with what they take besides
        self.opening = b""          # the first bytes, as far as they came without a gap

    def own(self) -> None:
        """Keep a copy of the last piece: the block goes."""
        self.lent = False
        self.data = self.data[self.at : self.end]
        self.end -= self.at
        self.at = 0

    def add(self, offset: i64, data: bytes, at: i64, end: i64, all_acked: bool) -> None:
        """Keep data[at:end], delivered at `offset`; all_acked: everything before it is acknowledged."""
        size = end - at
        if offset < OPENING and offset == len(self.opening):
            stop = at + OPENING - offset
            piece = data[at : stop if stop < end else end]
            self.opening = piece if offset == 0 else self.opening + piece
        budget = self.budget
        room = budget.history + self.kept
        if all_acked and self.before is None and 0 < size <= room and size <= MAX_STREAM:
            # The usual piece takes the place of the one before it.
            budget.history = room - size
            self.kept = size
            self._point_at(offset, data, at, end)
            return
        if all_acked:
            budget.history += self.kept
            self.kept = 0
            if self.before is not None:
                self.before = None
                self.offsets = None
        if size <= 0 or self.kept + size > MAX_STREAM or budget.history < size:
            if budget.history < size:
                budget.refused = True
            if self.kept == 0:
                self.data = b""
                self.at = 0
                self.end = 0
            return
        if self.kept > 0:
            before = self.before
            offsets = self.offsets
            piece = self.data[self.at : self.end]
            if before is None or offsets is None:
                self.before = [piece]
                self.offsets = [self.last_offset]
            else:
                before.append(piece)
                offsets.append(self.last_offset)
            budget.history -= PIECE_COST
            self.kept += PIECE_COST
        budget.history -= size
        self.kept += size
        self._point_at(offset, data, at, end)

    def _point_at(self, offset: i64, data: bytes, at: i64, end: i64) -> None:
        """Make data[at:end], of the block being read, the last piece."""
        if self.data is not data:
            self.data = data
        self.at = at
        self.end = end
        self.last_offset = offset
        if not self.lent:
            self.lent = True
            self.borrowed.append(self)

    def clear(self) -> None:
        self.budget.history += self.kept
        self.kept = 0
        self.data = b""
        self.at = 0
        self.end = 0
        self.before = None
        self.offsets = None

    def around(self, place: i64) -> tuple[i64, bytes]:
        """Return the kept bytes that end at `place`, in one piece, and their offset; nothing where none do."""
        pieces: list[bytes] = []
        begin = place
        if self.kept > 0 and self.last_offset + self.end - self.at == place:
            pieces.append(self.data[self.at : self.end])
            begin = self.last_offset
        before = self.before
        offsets = self.offsets
        if before is not None and offsets is not None and pieces:
            i: i64 = len(before) - 1
            while i >= 0 and offsets[i] + len(before[i]) == begin and place - offsets[i] <= MAX_AROUND:
                pieces.append(before[i])
                begin = offsets[i]
                i -= 1
        pieces.reverse()
        return begin, b"".join(pieces)

    def compare(self, offset: i64, data: bytes, at: i64, end: i64) -> i64:
        """Compare data[at:end] with what was delivered at `offset`, as far as it is kept: SAME, DIFFERENT, NOT_KEPT."""
        covered: i64 = 0
        stop = offset + (end - at)
        lowest = stop  # of what is covered
        reach = offset  # up to which the opening has it
        if offset < len(self.opening):
            reach = len(self.opening)
            if reach > stop:
                reach = stop
            if self.opening[offset:reach] != data[at : at + reach - offset]:
                return DIFFERENT
        before = self.before
        offsets = self.offsets
        count: i64 = 0
        if before is not None and offsets is not None:
            count = len(before)
        i: i64 = 0
        while i <= count:
            piece = self.data
            start = self.last_offset
            begin = self.at
            size = self.end - begin
            if i < count and before is not None and offsets is not None:
                piece = before[i]
                start = offsets[i]
                begin = 0
                size = len(piece)
            i += 1
            low = start if start > offset else offset
            high = start + size
            if high > stop:
                high = stop
            if low >= high:
                continue
            if piece[begin + low - start : begin + high - start] != data[at + low - offset : at + high - offset]:
                return DIFFERENT
            covered += high - low
            if low < lowest:
                lowest = low
        return SAME if covered == stop - lowest and lowest <= reach else NOT_KEPT

    def bounds(self, offset: i64, stop: i64) -> tuple[i64, i64]:
        """Return where the kept pieces begin and end that have bytes of [offset, stop); (-1, -1) if none has.

        A piece is of one segment.
        """
        low: i64 = -1
        high: i64 = -1
        if self.last_offset < stop and self.last_offset + self.end - self.at > offset:
            low = self.last_offset
            high = self.last_offset + self.end - self.at
        before = self.before
        offsets = self.offsets
        if before is not None and offsets is not None:
            i: i64 = len(before) - 1
            while i >= 0:
                begin: i64 = offsets[i]
                end = begin + len(before[i])
                i -= 1
                if begin < stop and end > offset:
                    low = begin
                    if high < 0:
                        high = end
        return low, high
