"""The ports of MySQL where nobody names others."""

from __future__ import annotations

from typing import Final

DEFAULT_PORTS: Final = (3306, 33060)    # the second one is X Protocol's
