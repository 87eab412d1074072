"""Words that a reason and a finding share: both tell of the same gap; and numbers as both write them."""

from typing import Final

from mypy_extensions import i64

UNBELIEVABLE: Final = "the numbers claim more than can have crossed in that time"
CAME_ASIDE: Final = "some came out of order, and could not be put in their place"


def grouped(number: i64) -> str:
    """Return a number with its thousands apart: most have none, and a format is slow where it is compiled."""
    return str(number) if 0 <= number < 1000 else f"{number:,}"
