"""What an error of the file system says to a user: in words, and which disk is full."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from aurora_wire.errors import describe_error

FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def describe_disk_error(error: OSError | ValueError, path: str | os.PathLike[str] | None = None) -> str:
    """Return what went wrong as a part of a sentence: `no space left on device: the disk at /mnt is full`.

    path: what was written, or was to be; where it is a device or a pipe, no disk is named.
    """
    said = describe_error(error)
    said = said[:1].lower() + said[1:]
    if isinstance(error, OSError) and error.errno in FULL and path is not None and not _is_special(path):
        return f"{said}: the disk at {find_mount(path)} is full"
    return said


def find_mount(path: str | os.PathLike[str]) -> str:
    """Return the folder where the disk of a path begins, as far as it can be seen."""
    from pathlib import Path  # noqa: PLC0415 - slow to load, and only for an error

    folder = Path(os.path.realpath(path)).parent
    while True:
        try:
            if folder.parent == folder or folder.parent.stat().st_dev != folder.stat().st_dev:
                return str(folder)
        except OSError:
            return str(folder)
        folder = folder.parent


def _is_special(path: str | os.PathLike[str]) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
