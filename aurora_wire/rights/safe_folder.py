"""Whether root may make files in a folder by name. Loads nothing: root's commands ask it when they start."""

from __future__ import annotations

import os
import stat
from typing import Final

ROOT: Final = 0


def only_root_writes(state: os.stat_result) -> bool:
    """Return whether it is root's and nobody else may write to it; the group root may."""
    mode = state.st_mode
    others = mode & stat.S_IWOTH or (mode & stat.S_IWGRP and state.st_gid != ROOT)
    return state.st_uid == ROOT and not others


def is_safe(folder: str | os.PathLike[str]) -> bool:
    """Return whether nobody but root can put something else in the place of what root makes in this folder."""
    path = os.path.realpath(folder)
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116 - pathlib takes longer to load than all of this
            return False
        while True:
            status = os.stat(path)  # noqa: PTH116
            if not (only_root_writes(status) or (status.st_uid == ROOT and status.st_mode & stat.S_ISVTX)):
                return False
            above = os.path.dirname(path)  # noqa: PTH120
            if above == path:
                return True
            path = above
    except (OSError, ValueError):
        return False
