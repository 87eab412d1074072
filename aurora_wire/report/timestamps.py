"""Times as reports show them, from integer nanoseconds: no float ever touches one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from aurora_wire.report.frame_names import FrameNames
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import UNDATED_BEFORE_NS, CaptureResult, Scan

SECOND: Final = 1_000_000_000
DAY_SECONDS: Final = 86_400
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(time_ns: int) -> str | None:
    """Return `2021-03-17T09:00:01.000000123Z`; None outside the years 1 to 9999, which RFC 3339 cannot write."""
    seconds = time_ns // SECOND
    nanoseconds = time_ns - seconds * SECOND
    second = _second(seconds)
    # Nine digits, with the zeros that lead: made so, as to format a number takes longer than all else.
    return None if second is None else f"{second}.{str(SECOND + nanoseconds)[1:]}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str | None:
    """Kept, as many frames share one, and the calendar takes longer than all else."""
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0")


def time_of_day(time_ns: int) -> str:
    """Return `09:00:01.000000123`, of a time since midnight; those of the days after begin at 0 again."""
    seconds, nanoseconds = divmod(time_ns, SECOND)
    seconds %= DAY_SECONDS
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{nanoseconds:09d}"


class Clock:
    """Knows which frames have a date: all but those of an `undated` capture whose time is of day.

    captures, places: as FrameNames has them. Where no capture is known (live ones are described at their end), a time
    within the first day of 1970 is taken for a time of day.
    """

    def __init__(
        self, captures: Sequence[CaptureResult] = (), places: FramePlaces | None = None, *, several: bool | None = None
    ) -> None:
        self._captures = captures
        self._frames = FrameNames(captures, places, several=several)

    def undated(self, frame: int, time_ns: int) -> bool:
        """Return whether a time of this frame is of day only."""
        capture = self._frames.find_capture(frame)
        return capture is not None and _is_of_day(capture, time_ns)

    def show(self, frame: int, time_ns: int | None) -> str | None:
        """Return RFC 3339 in UTC, or the time of day where there is no date."""
        if time_ns is None:
            return None
        undated = self.undated(frame, time_ns) if self._captures else 0 <= time_ns < DAY_SECONDS * SECOND
        return time_of_day(time_ns) if undated else rfc3339(time_ns)

    def show_in(self, capture: CaptureResult, time_ns: int | None) -> str | None:
        """Return the same for a time of a capture."""
        if time_ns is None:
            return None
        return time_of_day(time_ns) if _is_of_day(capture, time_ns) else rfc3339(time_ns)


def _is_of_day(capture: CaptureResult, time_ns: int) -> bool:
    return capture.undated and 0 <= time_ns < UNDATED_BEFORE_NS


def find_clock(scan: Scan) -> Clock:
    """Return the clock of a scan that is done."""
    return Clock(scan.captures, scan.frame_places)
