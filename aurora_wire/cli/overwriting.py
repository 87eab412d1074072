"""Captures and bundles are evidence: what is there already is replaced only where that was asked for."""

from __future__ import annotations

import argparse
import stat
from pathlib import Path

from aurora_wire.errors import UsageError
from aurora_wire.rights.privileges import caller, rights_of_caller


def force_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="Replace the file that is there already.")


def refuse_to_replace(path: str, *, force: bool) -> None:
    """Raise UsageError where `path` is a file that is there already. Devices and pipes are written to as they are.

    Told before the work and not after it; whoever makes the file at last moves it there whole.
    """
    if force:
        return
    try:
        with rights_of_caller(caller()):
            mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return  # what is wrong with it is told where it is opened
    if stat.S_ISREG(mode):
        raise UsageError(f"{path}: is there already. Give another name, or --force to replace it.")
