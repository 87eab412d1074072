"""Outputs: what is there already is replaced only where that was asked for, and `-` is standard output."""

from __future__ import annotations

import argparse
import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aurora_wire.cli.output import STANDARD_OUTPUT, flush_standard_output, standard_output_failed
from aurora_wire.errors import OutputError, UsageError
from aurora_wire.rights.privileges import caller, rights_of_caller


def force_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="Replace the file that is there already.")


def output_options(parser: argparse.ArgumentParser) -> None:
    """Add `-o` for a report, and `--force`."""
    parser.add_argument("-o", "--output", metavar="FILE",
        help="Write to this file, readable for you only, and not to standard output (-). It appears when it is whole.")
    force_option(parser)


def refuse_to_replace(path: str, *, force: bool) -> None:
    """Raise UsageError where `path` is a file that is there already. Devices and pipes are written to as they are.

    Told before the work and not after it; whoever makes the file at last moves it there whole.
    """
    if force or path == STANDARD_OUTPUT:
        return
    try:
        with rights_of_caller(caller()):
            mode = os.stat(path).st_mode  # noqa: PTH116 - pathlib takes as long to load as the rest here
    except (OSError, ValueError):
        return  # what is wrong with it is told where it is opened
    if stat.S_ISREG(mode):
        raise UsageError(f"{path}: is there already. Give another name, or --force to replace it.")


def refuse_terminal(what: str) -> None:
    """Raise UsageError where standard output is a terminal, for which `what` is nothing."""
    if sys.stdout is None:
        raise OutputError("standard output is closed.")
    if sys.stdout.isatty():
        raise UsageError(f"{what} is nothing for a terminal. Name a file, or give it to a program: ... - | PROGRAM.")


@contextmanager
def whole_output(path: str, what: str) -> Iterator[str]:
    """Yield the file to write. For `-` it is one that goes to standard output when the block ends well."""
    if path != STANDARD_OUTPUT:
        yield path
        return
    from shutil import copyfileobj  # noqa: PLC0415 - loads what reads archives

    from aurora_wire.rights.inputs import private_folder  # noqa: PLC0415 - not for a file

    refuse_terminal(what)
    with private_folder("aurora-wire-") as folder:
        whole = folder / "whole"
        yield str(whole)
        try:
            with whole.open("rb") as file:
                copyfileobj(file, sys.stdout.buffer, 1 << 20)
        except (OSError, ValueError) as error:
            raise standard_output_failed(error) from error
        flush_standard_output()


def take_standard_output(what: str) -> io.FileIO:
    """Return standard output for a recording; all words go to standard error from then on."""
    refuse_terminal(what)
    flush_standard_output()
    place = sys.stdout.fileno()
    taken = os.dup(place)
    os.dup2(sys.stderr.fileno(), place)
    return io.FileIO(taken, "wb")
