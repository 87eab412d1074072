"""Where tests write: in memory, where there is plenty of it.

Thousands of files are synced before they are moved to their place, and servers sync theirs: each would wait for a disk.
"""

from __future__ import annotations

import os
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30


def find_folder_in_memory() -> str | None:
    """Return a folder that is no disk's, has room for all that tests write, and lets programs run; None without one."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return None
    state = os.statvfs(MEMORY)
    return None if state.f_flag & os.ST_NOEXEC or state.f_bavail * state.f_frsize < ENOUGH else str(MEMORY)


IN_MEMORY = find_folder_in_memory()
