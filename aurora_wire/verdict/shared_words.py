"""Words that a reason and a finding share: both tell of the same gap."""

from typing import Final

UNBELIEVABLE: Final = "the numbers claim more than can have crossed in that time"
CAME_ASIDE: Final = "some came out of order, and could not be put in their place"
