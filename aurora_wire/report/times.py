"""Times as reports show them, from integer nanoseconds: no float ever touches one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from aurora_wire.verdict.result import CaptureResult

SECOND = 1_000_000_000
DAY_SECONDS = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(time_ns: int) -> str | None:
    """`2021-03-17T09:00:01.000000123Z`; None outside the years 1 to 9999, which RFC 3339 cannot write."""
    seconds, nanoseconds = divmod(time_ns, SECOND)
    second = _second(seconds)
    return None if second is None else f"{second}.{nanoseconds:09d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str | None:
    """Kept, as many frames share one, and the calendar takes longer than all else."""
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0")


def time_of_day(time_ns: int) -> str:
    """`09:00:01.000000123`, of a time since midnight; those of the days after begin at 0 again."""
    seconds, nanoseconds = divmod(time_ns, SECOND)
    seconds %= DAY_SECONDS
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{nanoseconds:09d}"


class Clock:
    """Knows which frames have a date: those of a capture that is not `undated`.

    Where no capture is known yet (JSON lines are written before it is described), a time within the first day
    of 1970 is taken for a time of day.
    """

    def __init__(self, captures: Iterable[CaptureResult] = ()) -> None:
        self._first_frames: list[int] = []
        self._undated: list[bool] = []
        for capture in captures:
            self.add(capture)

    def add(self, capture: CaptureResult) -> None:
        """Captures come in the order read, so with ascending `first_frame`."""
        self._first_frames.append(capture.first_frame)
        self._undated.append(capture.undated)

    def undated(self, frame: int) -> bool:
        at = bisect_right(self._first_frames, frame) - 1
        return at >= 0 and self._undated[at]

    def show(self, frame: int, time_ns: int | None) -> str | None:
        """RFC 3339 in UTC, or the time of day where the frame's capture has no dates."""
        if time_ns is None:
            return None
        undated = self.undated(frame) if self._first_frames else 0 <= time_ns < DAY_SECONDS * SECOND
        return time_of_day(time_ns) if undated else rfc3339(time_ns)
