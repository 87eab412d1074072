"""What is said to who waits: a progress bar on a terminal, and that the core runs interpreted; not for short inputs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aurora_wire._build import compiled

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LONG = 64 << 20                 # bytes as stored: about two seconds
LONG_INTERPRETED = 2 << 20      # the same
TOLD = 16 << 20                 # bytes that take the interpreted core a quarter of a minute
INTERPRETED = (
    "aurora-wire: the core runs interpreted, some 35 times slower than compiled. To have it compiled, install a C "
    "compiler and Python's headers, and install aurora-wire again.\n"
)

OnProgress = Callable[[int, int | None], None]


def progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-progress",
        action="store_true",
        help="Show no progress bar (default: on a terminal, for inputs above 64 MiB).",
    )


@contextmanager
def progress_bar(*, wanted: bool) -> Iterator[OnProgress | None]:
    """Yield a callback for `scan`, or None if there is nothing to say. The bar is gone when the block ends."""
    fast = compiled()
    shown = sys.stderr is not None and sys.stderr.isatty()
    if not wanted or sys.stderr is None or (fast and not shown):
        yield None
        return
    bar = _Bar(shown=shown, fast=fast)
    try:
        yield bar.update
    finally:
        bar.close()


class _Bar:
    def __init__(self, *, shown: bool, fast: bool) -> None:
        self._long = LONG if fast else LONG_INTERPRETED
        self._shown = shown
        self._told = fast
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def update(self, read: int, total: int | None) -> None:
        """Show how many bytes of the input were read, as stored; total is None for standard input."""
        size = read if total is None else total
        if not self._told and size >= TOLD:
            self._told = True
            sys.stderr.write(INTERPRETED)
        if self._progress is None and self._shown and size >= self._long:
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
