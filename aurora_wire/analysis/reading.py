"""A capture that is being fed to an analysis, alone or in turns with others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aurora_wire.analysis.options import OnProgress
from aurora_wire.analysis.pump import pump_noting, pump_share, pump_until
from aurora_wire.capture.files.addresses import shown
from aurora_wire.capture.files.open import open_capture
from aurora_wire.errors import CaptureError
from aurora_wire.verdict.result import CaptureResult

if TYPE_CHECKING:
    from aurora_wire.analysis.analysis import Analysis

CHUNK = 20_000  # frames between two looks at what ended
TOLD = 250      # the same where statements are told: those in between are held, with all of their values
FREE_WINDOW = 16 << 20    # bytes of a decompression's window that cost nothing else
MOST_RESERVED = 64 << 20


class Reading:
    """A capture that is being fed to an analysis, alone or in turns with others whose times overlap."""

    def __init__(
        self, analysis: Analysis, path: str, on_progress: OnProgress | None, shift_ns: int = 0,
        limit: int | None = None,
    ) -> None:  # fmt: skip
        """Name a capture that is to be read. limit: bytes of its file, where it may be growing."""
        self._limit = limit
        self._closed = False
        self._shift_ns = shift_ns  # its clock is so much behind
        self._analysis = analysis
        self._path = shown(path)
        self._opened = path
        self._on_progress = on_progress
        self._packets = 0
        self._reserved = 0         # of the budget of open connections, for a large window of decompression
        self._counts: tuple[dict[int, int], dict[int, int], int, int, int, int] | None = None

    def start(self) -> bool:
        """Open it and go to its first frame; False where it has none. Raises CaptureError where it is no capture."""
        analysis = self._analysis
        hashes = analysis.engine.share == 0 and not analysis.only_verdicts  # one of several processes does
        self._capture = open_capture(self._opened, hash_input=hashes, limit=self._limit)
        self._source = self._capture.source
        self._result = CaptureResult(self._path, self._capture.format, self._capture.compression, None, 0)
        self._analysis.begin(self._result)
        self._index = len(self._analysis.captures) - 1
        with self._ending_with_trouble():
            self._analysis.add_keys(self._capture)
            if self._source.advance():
                self._leave()
                return True
            self._end()
        return False

    @property
    def is_open(self) -> bool:
        """Return whether it has not come to its end."""
        return not self._closed

    @property
    def secrets(self) -> int:
        """Return how many key logs the capture holds, as far as it was read."""
        return len(self._capture.secrets)

    def time_ns(self) -> int:
        time_ns = int(self._source.time_ns)
        return time_ns + self._shift_ns if time_ns >= 0 else time_ns

    def read_until(self, until: int) -> bool:
        """Feed the current frame and those after it that are not later; False at the end of the capture."""
        analysis = self._analysis
        engine = analysis.engine
        self._enter()
        self._reserve(self._capture.window)
        before = int(engine.frames)
        more = False
        until -= self._shift_ns
        with self._ending_with_trouble(before):
            frames = analysis.options.frames
            takes = None if frames is None else frames.takes
            if analysis.marks is not None:
                more = pump_share(
                    self._source, engine, analysis.limit, until, analysis.seen_in, self._index, analysis.marks
                )
            elif analysis.seen_in is None and takes is None:
                more = pump_until(self._source, engine, analysis.limit, until)
            else:
                more = pump_noting(self._source, engine, analysis.limit, until, analysis.seen_in, self._index, takes)
            self._packets += int(engine.frames) - before
            before = int(engine.frames)
            if not more:
                self._end()
        if more:
            self._leave()
            self._result.undated = self._capture.undated
            analysis.collect()
            if self._on_progress is not None:
                self._on_progress(self._capture.position(), self._capture.size)
        return more

    @contextmanager
    def _ending_with_trouble(self, before: int | None = None) -> Iterator[None]:
        try:
            yield
        except CaptureError as error:
            self._count(before)
            self._result.error = str(error)
            self._end()
        except KeyboardInterrupt:
            self._count(before)
            self._result.error = f"{self._path}: interrupted"
            self._result.interrupted = True
            self._end()
            raise

    def interrupt(self) -> None:
        """Read no further: what was read is kept, and not complete."""
        self._enter()
        self._result.error = f"{self._path}: interrupted"
        self._result.interrupted = True
        self._end()

    def _count(self, before: int | None) -> None:
        if before is not None:
            self._packets += int(self._analysis.engine.frames) - before

    def _reserve(self, window: int) -> None:
        """Take what a large window of decompression holds from what open connections may."""
        reserved = min(max(window - FREE_WINDOW, 0), MOST_RESERVED) // int(self._analysis.engine.shares)
        self._analysis.engine.budget.open -= reserved - self._reserved
        self._reserved = reserved

    def _end(self) -> None:
        self._reserve(0)
        if self._result.error is None:
            self._result.error = self._capture.damage
        self._analysis.describe_capture(self._result, self._capture, self._packets)
        self._analysis.collect()
        self._capture.close()
        self._closed = True

    def _enter(self) -> None:
        """Count what the engine counts as this capture's, from here on."""
        analysis = self._analysis
        engine = analysis.engine
        if engine.source == self._index or self._counts is None:
            return
        engine.source = self._index
        analysis.frame_places.add(int(engine.frames) + 1, self._index, self._packets + 1)
        if self._packets == 0:
            self._result.first_frame = int(engine.frames) + 1
        (
            engine.skipped, engine.link_types, engine.last_link, engine.first_time, engine.truncated_frames, engine.now,
        ) = self._counts  # fmt: skip

    def _leave(self) -> None:
        engine = self._analysis.engine
        self._counts = (
            engine.skipped, engine.link_types, int(engine.last_link), int(engine.first_time),
            int(engine.truncated_frames), int(engine.now),
        )  # fmt: skip
