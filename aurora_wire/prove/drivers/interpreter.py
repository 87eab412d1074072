"""Python programs of ours, started as an account that may not enter the folder of this interpreter.

While this process still may, it opens the folders that the account could not reach (a virtual environment below
/root). A program that is started gets the handles, and its paths lead through them: /proc/self/fd/N/bin/python. So it
never has to begin as root. What it can read through them is what everybody may read below those folders.
Source: proc_pid_fd(5), path_resolution(7).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from aurora_wire.rights.privileges import Account, acting_as

HANDLE: Final = "/proc/self/fd/{}"

# Isolated (-I): nothing of PYTHON*, of the current folder or of the user's is loaded, but what this process has found.
BOOT: Final = (
    "import runpy, sys; program = sys.argv[1]; sys.path[:0] = sys.argv[2:]; del sys.argv[1:]; "
    "runpy.run_path(program, run_name='__main__')"
)

_handles: dict[str, int] = {}
_closed: list[Path] = []    # the interpreter without links, where the account may not run it by its path


def prepare(account: Account | None) -> None:
    """Open what `account` could not reach; nothing is done where rights are not to be given up."""
    if account is None or os.geteuid() != 0 or _closed:
        return
    real = Path(sys.executable).resolve()
    if not _reaches(account, Path(sys.executable)):
        _closed.append(real)
    wanted = [real.parent.parent, Path(__file__).parent, *map(Path, search_path())]
    for folder in wanted:
        if str(folder) not in _handles and folder.is_dir() and not _reaches(account, folder):
            with suppress(OSError):
                _handles[str(folder)] = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def handles() -> tuple[int, ...]:
    """Return what a program has to inherit."""
    return tuple(_handles.values())


def command(program: Path, folders: Sequence[str] | None = None, python: str = sys.executable) -> list[str]:
    """Return the arguments that run a Python file of ours. folders: where it finds modules (None: where this process
    does).
    """
    argv = [reached(python), "-I", *(["-B"] if sys.dont_write_bytecode else []), "-c", BOOT]
    if python == sys.executable and _closed:  # what it is a link to; its packages are named below
        argv[0] = reached(str(_closed[0]))
    beside = str(program.parent)
    return [*argv, reached(str(program)), *map(reached, [beside, *(search_path() if folders is None else folders)])]


def environment() -> dict[str, str]:
    """Return what it needs besides: the interpreter's own library, where it is none of the system's."""
    if not _closed:
        return {}
    return {"LD_LIBRARY_PATH": reached(str(_closed[0].parent.parent / "lib"))}


def search_path() -> list[str]:
    """Return the module search path of this process, without entries relative to the current folder."""
    return [entry for entry in sys.path if Path(entry).is_absolute()]


def reached(path: str) -> str:
    """Return the path as a program has to name it."""
    for folder in sorted(_handles, key=len, reverse=True):
        if path == folder or path.startswith(folder + "/"):
            return HANDLE.format(_handles[folder]) + path[len(folder) :]
    return path


def _reaches(account: Account, path: Path) -> bool:
    with acting_as(account):
        return os.access(path, os.R_OK | os.X_OK, effective_ids=True)
