"""What a rule is. The rules themselves are data, in `rules_*.py`; `rules.py` has all of them by id."""

from __future__ import annotations

from dataclasses import dataclass

from aurora_wire.verdict.result import Severity


@dataclass(slots=True, frozen=True)
class Rule:
    """One thing that can be found. The id is stable: a number is never used again for something else.

    why: what someone can do with it; fix: what to type or change, where a line that begins with two spaces is
    a command to paste; references: manual pages and RFCs, by name.
    """

    id: str
    title: str
    severity: Severity
    why: str
    fix: str
    references: tuple[str, ...]
