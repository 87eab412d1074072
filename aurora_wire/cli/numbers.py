"""Numbers as options take them; each raises argparse's own error, which becomes one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def seconds_below(limit: float) -> Callable[[str], float]:
    """Make a parser of a time above 0."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = -1
        if not 0 < found < limit:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
        return found

    return read


seconds = seconds_below(1e9)


def count_of(what: str) -> Callable[[str], int]:
    """Make a parser of a number above 0; what it counts is named in the error."""

    def count(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text)):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {what}")
        return int(text)

    return count
