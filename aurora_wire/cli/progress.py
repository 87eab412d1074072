"""The progress bar: on a terminal, and only for inputs that take a while."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LONG = 64 << 20  # bytes as stored: about two seconds

OnProgress = Callable[[int, int | None], None]


def progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-progress",
        action="store_true",
        help="Show no progress bar (default: on a terminal, for inputs above 64 MiB).",
    )


@contextmanager
def progress_bar(*, wanted: bool) -> Iterator[OnProgress | None]:
    """Yield a callback for `scan`, or None if nobody would see the bar. It is gone when the block ends."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar.update
    finally:
        bar.close()


class _Bar:
    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def update(self, read: int, total: int | None) -> None:
        """Show how many bytes of the input were read, as stored; total is None for standard input."""
        if self._progress is None:
            if (read if total is None else total) < LONG:
                return
            self._open(total)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=read, total=total)

    def _open(self, total: int | None) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to load
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

        self._progress = Progress(
            BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
        )
        self._task = self._progress.add_task("", total=total)
        self._progress.start()

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
