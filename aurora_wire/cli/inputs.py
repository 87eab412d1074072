"""The captures that a command reads: how they are named, and what is said where one does not come or breaks off."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aurora_wire.cli.output import complain

if TYPE_CHECKING:
    from aurora_wire.verdict.result import Scan


def captures_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("captures", metavar="CAPTURE", nargs="+",
        help="Read this file, all captures in this folder, what this pattern matches, an address (s3://, gs://, "
        "abfs://, https://), or standard input (-).")


def say_waiting(captures: Iterable[str]) -> None:
    """Say what is waited for where a capture is to come from a terminal: nobody types one."""
    if "-" in captures and sys.stdin is not None and sys.stdin.isatty():
        complain(
            "reading from this terminal: paste a dump of `tcpdump -x`, then Ctrl-D. A capture comes through a pipe: "
            "tcpdump -w - ... | aurora-wire scan -"
        )


def tell_incomplete(scan: Scan) -> None:
    """Write a line on standard error for each capture that was not read to its end."""
    for capture in scan.captures:
        if not capture.complete:
            error = capture.error or "not read to its end"
            complain(error if error.startswith(capture.path) else f"{capture.path}: {error}")
