"""Numbers as options take them; each raises argparse's own error, which becomes one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_below(limit: float) -> Callable[[str], float]:
    """Make a parser of a time above 0: seconds, or `90s`, `5m`, `2h`, `1d`."""

    def read(text: str) -> float:
        unit = UNITS.get(text[-1:], 1)
        try:
            found = float(text[:-1] if text[-1:] in UNITS else text) * unit
        except ValueError:
            found = -1
        if not 0 < found < limit:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, nor a time such as 5m")
        return found

    return read


seconds = seconds_below(1e9)


def make_count_parser(what: str) -> Callable[[str], int]:
    """Make a parser of a number above 0; what it counts is named in the error."""

    def count(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text)):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {what}")
        return int(text)

    return count
