"""Inputs are read with the rights of who called: what the caller may not open, root does not open for them.

That is, through sudo, pkexec or doas; where root itself called, root reads them. What this program has put into a
private folder of its own is read as it was written.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aurora_wire.rights.privileges import caller, name_account, rights_of_caller

if TYPE_CHECKING:
    from pathlib import Path

# The caller's own descriptor. Its path leads through /proc, which is closed to a process that changed its account.
_STANDARD_INPUT: Final = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
LINKS: Final = 40    # followed on the way to a file, as the kernel has it

_own: set[str] = set()


@contextmanager
def private_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Yield a folder that nobody else may enter, and that goes when the block ends. Raises OSError."""
    import tempfile  # noqa: PLC0415 - both load much, and most inputs need neither
    from pathlib import Path  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as folder:
        _own.add(folder)
        try:
            yield Path(folder)
        finally:
            _own.discard(folder)


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Look at `path` inside with the rights of who called."""
    with rights_of_caller(None if is_own(os.fspath(path)) else caller()):
        yield


def open_input(path: str | os.PathLike[str]) -> int:
    """Open a file for reading, as `os.open`; raises what that raises."""
    if os.geteuid() != 0 or caller() is None:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    place = os.fspath(path)
    if place in _STANDARD_INPUT:
        return os.dup(0)
    for _ in range(LINKS):
        if not is_own(place):
            break
        try:
            return os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            place = os.readlink(place)  # noqa: PTH115 - a link of ours, to what the caller named
    with reading(place):
        return os.open(place, os.O_RDONLY | os.O_CLOEXEC)


def input_file(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file for reading, as `open`; raises what that raises."""
    return open(path, "rb", opener=lambda _, __: open_input(path))


def read_input(path: str | os.PathLike[str]) -> bytes:
    """Return all that is in a file; raises what `open` raises."""
    with input_file(path) as file:
        return file.read()


def size_of_input(path: str | os.PathLike[str]) -> int:
    """Return the size of a file in bytes; raises what `stat` raises."""
    with reading(path):
        return os.stat(path).st_size  # noqa: PTH116 - pathlib takes longer to load than all else here


def how_to_read() -> str:
    """Return what to do about an input for which there is no permission, as a sentence."""
    account = caller()
    if account is None:
        return "Run this with sudo."
    return (
        f"It is read with the rights of {name_account(account)}, who called. Let root hand it over: "
        "sudo cat FILE | aurora-wire ... -"
    )


def is_own(path: str) -> bool:
    """Return whether `path` lies in a folder of `private_folder`."""
    return bool(_own) and ".." not in path.split("/") and any(path.startswith(f"{folder}/") for folder in _own)
