"""What a rule is. The rules themselves are data, in `rules_*.py`; `rules.py` has all of them by id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aurora_wire.verdict.result import Severity
from aurora_wire.verdict.servers import fill


@dataclass(slots=True, frozen=True)
class Rule:
    """One thing that can be found. The id is stable: a number is never used again for something else.

    why: what someone can do with it; advice: what to type or change, where a line that begins with two spaces is
    a command to paste, and `{require_tls}`, alone on its line, a setting of verdict/servers.py; references: manual
    pages and RFCs, by name.
    """

    id: str
    title: str
    severity: Severity
    why: str
    advice: str
    references: tuple[str, ...]

    @property
    def fix(self) -> str:
        """Return the advice for a server of which nothing is known."""
        return fill(self.advice)

    def fix_for(self, kinds: Iterable[str]) -> str:
        """Return the advice for these kinds of servers (`servers.kind_of`)."""
        return fill(self.advice, kinds)
