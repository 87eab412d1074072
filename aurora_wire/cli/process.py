"""Garbage-collector and path settings for a short-lived process. They do nothing if another program calls `main`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

_kept: list[object] = []
_is_ours = False


def begin() -> None:
    """Begin a process of our own: modules are loaded without the collector, which would look at all of them twice."""
    global _is_ours  # noqa: PLW0603 - a process has one
    _is_ours = True
    gc.disable()
    if os.geteuid() == 0:
        _beware()


def _beware() -> None:
    """Beware, as root: load no module from the current folder, make no file where another account may replace it."""
    from aurora_wire.rights.safe_folder import is_safe  # noqa: PLC0415 - only for root

    package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120 - pathlib is slow to load
    here = os.getcwd()  # noqa: PTH109
    sys.path[:] = [entry for entry in sys.path if entry == package or entry not in {"", ".", here}]
    for name in ("TMPDIR", "TEMP", "TMP"):
        if name in os.environ and not is_safe(os.environ[name]):
            del os.environ[name]


def settle() -> None:
    """Let the collector look only at what comes later: what there is now stays to the end."""
    if _is_ours:
        gc.freeze()
        gc.enable()


def keep(result: object) -> None:
    """Skip finalisation of the result at exit: the operating system frees the memory at once."""
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
