"""What a process that runs one command, and is over then, can save: the garbage collector's walks, and its own taking
apart. Does nothing where `main` is called from another program.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

_kept: list[object] = []
_is_ours = False


def begin() -> None:
    """The process is ours: modules are loaded without the collector, which would look at all of them twice."""
    global _is_ours  # noqa: PLW0603 - a process has one
    _is_ours = True
    gc.disable()
    if os.geteuid() == 0:
        _beware()


def _beware() -> None:
    """As root: no module is loaded from the current folder, nor a file made where another account may replace it."""
    from aurora_wire.rights.safe_folder import is_safe  # noqa: PLC0415 - only for root

    package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120 - pathlib is slow to load
    here = os.getcwd()  # noqa: PTH109
    sys.path[:] = [entry for entry in sys.path if entry == package or entry not in {"", ".", here}]
    for name in ("TMPDIR", "TEMP", "TMP"):
        if name in os.environ and not is_safe(os.environ[name]):
            del os.environ[name]


def settle() -> None:
    """What there is now stays to the end: from here on the collector looks at what comes later only."""
    if _is_ours:
        gc.freeze()
        gc.enable()


def keep(result: object) -> None:
    """This is not to be taken apart, object by object: the end of the process gives it back in one piece."""
    if _is_ours:
        _kept.append(result)


def end(code: int) -> NoReturn:
    """End the process. Where something big was kept, without the interpreter's own end, which would free it."""
    if _kept:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # closed, or its reader gone: that was told before
                stream.flush()
        os._exit(code)
    gc.freeze()
    sys.exit(code)
