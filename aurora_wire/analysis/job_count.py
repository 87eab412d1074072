"""How many processes read: asked before anything is loaded that several need."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from typing import Final

MAX_JOBS: Final = 16


def measure_sizes(paths: Sequence[str]) -> dict[str, int] | None:
    """Return the size of each capture; None where one is no regular file, which only one process can read."""
    sizes: dict[str, int] = {}
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        sizes[path] = status.st_size
    return sizes


def can_share() -> bool:
    """Return whether the system lets a process go on as two, which is what is relied on here."""
    return sys.platform == "linux"
