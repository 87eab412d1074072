"""Which capture a frame is in, and which one it is there: captures whose times overlap are read in turns."""

from __future__ import annotations

from array import array
from bisect import bisect_right

MAX_TURNS = 1_000_000  # kept: 24 MB. Of frames behind them the place is not known


class FramePlaces:
    """Places the frames of a scan in their captures, by their numbers in the order read."""

    def __init__(self) -> None:
        self._frames = array("q")    # the first one of each turn
        self._captures = array("q")  # whose turn it is: an index
        self._numbers = array("q")   # of the turn's first frame in its capture

    def is_empty(self) -> bool:
        """Return whether nothing was added yet."""
        return len(self._frames) == 0

    def clear(self) -> None:
        """Forget all turns: the captures are read again."""
        del self._frames[:], self._captures[:], self._numbers[:]

    def add(self, frame: int, capture: int, number: int) -> None:
        """Give the turn to `capture` from `frame` on, which is its frame `number`."""
        if self._frames and self._frames[-1] == frame:
            del self._frames[-1], self._captures[-1], self._numbers[-1]
        if len(self._frames) <= MAX_TURNS:
            self._frames.append(frame)
            self._captures.append(capture)
            self._numbers.append(number)

    def locate(self, frame: int) -> tuple[int, int] | None:
        """Return the index of the capture that `frame` is in, and its number there; None where that is not known."""
        at = bisect_right(self._frames, frame) - 1
        if at < 0 or at == MAX_TURNS:
            return None
        return self._captures[at], self._numbers[at] + frame - self._frames[at]
