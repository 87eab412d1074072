"""What the checks of rules yield, several for each connection: apart from the rules, so that it is compiled."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(acyclic=True)
class Hit:
    """A rule that a connection hit: the rule's id, what was seen in words, and where first (-1: no certain place)."""

    __slots__ = ("detail", "frame", "offset", "rule")

    def __init__(self, rule: str, detail: str, frame: i64, offset: i64 = -1) -> None:
        self.rule: Final = rule
        self.detail: Final = detail
        self.frame: Final = frame
        self.offset: Final = offset
