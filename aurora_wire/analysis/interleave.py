"""Captures whose times overlap, read as one in the order of their frames' times; others one after the other.

A capture is opened when the frames read have come to the time of its first one. Frames of one capture keep the
order that they have in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from aurora_wire.errors import CaptureError, UsageError

MAX_OPEN = 16  # captures read at once: each holds a block of its file
FOREVER = (1 << 62) - 1


class Reader(Protocol):
    """A capture that is being read. `time_ns` is that of its current frame."""

    def time_ns(self) -> int: ...

    def read_until(self, until: int) -> bool:
        """Take the current frame and those after it that are not later than `until`; False at its end."""


def check_readable(failures: list[CaptureError], inputs: int) -> None:
    """Raise what went wrong where none of the inputs could be read: CaptureError, or UsageError for several."""
    if failures and len(failures) == inputs:
        if len(failures) == 1:
            raise failures[0]
        raise UsageError("\n".join(str(failure) for failure in failures))


Some = TypeVar("Some", bound=Reader)


class Interleaved(Generic[Some]):
    """The captures of `inputs`, each with the time of its first frame (-1: none), ordered by it.

    open_reader: opens the capture at a path with its first frame as the current one; None where it has no frame.
    One without a time is read alone, in its place. More than `MAX_OPEN` at once are not: those beyond wait until
    another one has ended.
    """

    def __init__(self, inputs: list[tuple[str, int]], open_reader: Callable[[str], Some | None]) -> None:
        self._waiting = list(reversed(inputs))
        self._open = open_reader
        self._readers: list[Some] = []
        self._alone: Some | None = None  # the one without a time that is being read

    def step(self) -> bool:
        """Read on; False where nothing is left."""
        if not self._waiting and not self._readers:
            return False
        self._open_those_due()
        if self._readers:
            self._read_earliest()
        return True

    def open_readers(self) -> list[Some]:
        """Return the readers that have not come to their end."""
        return list(self._readers)

    def _open_those_due(self) -> None:
        """Open the next captures as far as the frames read have come to their time."""
        while self._waiting and len(self._readers) < MAX_OPEN and self._alone is None:
            path, first = self._waiting[-1]
            if self._readers and (first < 0 or first > min(reader.time_ns() for reader in self._readers)):
                return
            self._waiting.pop()
            reader = self._open(path)
            if reader is not None:
                self._readers.append(reader)
                if first < 0:
                    self._alone = reader
                    return

    def _read_earliest(self) -> None:
        """Read the capture whose frame is the earliest, up to where another one has an earlier frame."""
        readers = self._readers
        earliest = min(readers, key=lambda reader: reader.time_ns())
        until = min((reader.time_ns() for reader in readers if reader is not earliest), default=FOREVER)
        if self._alone is None and self._waiting and len(readers) < MAX_OPEN and self._waiting[-1][1] >= 0:
            until = min(until, self._waiting[-1][1])
        try:
            more = earliest.read_until(until)
        except BaseException:
            readers.remove(earliest)
            raise
        if not more:
            readers.remove(earliest)
            self._alone = None
