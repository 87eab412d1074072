"""What a rule is. The rules are in one module a family, each with its text, check and controls."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_wire.immutable import immutable
from aurora_wire.verdict.result import Severity
from aurora_wire.verdict.rules.controls import Mapping


@immutable
class Rule:
    """One thing that can be found. The id is stable: a number is never used again for something else.

    why: what someone can do with it; advice: what to type or change, where a line that begins with two spaces is
    a command to paste, and `{require_tls}`, alone on its line, a setting of verdict/servers.py, `{client_tls}` what
    verdict/clients.py has for a client; references: manual pages and RFCs, by name, with an address in
    verdict/references.py.
    """

    id: str             # AW101: the hundreds are the family
    title: str          # what is wrong, as a heading
    severity: Severity  # the same for every hit
    why: str
    advice: str
    references: tuple[str, ...]
    controls: tuple[Mapping, ...] = ()  # of compliance frameworks, and what a hit says about each
    weakens: bool = False               # a hit takes the support of controls from a connection proven encrypted

    @property
    def fix(self) -> str:
        """Return the advice for a server of which nothing is known."""
        from aurora_wire.verdict.servers import fill  # noqa: PLC0415 - where advice is shown

        return fill(self.advice)

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Return each reference with its address; empty where there is none."""
        from aurora_wire.verdict.references import find_address  # noqa: PLC0415 - where they are shown

        return tuple((reference, find_address(reference)) for reference in self.references)

    def fix_for(self, kinds: Iterable[str], clients: Iterable[str] = ()) -> str:
        """Return the advice for these kinds of servers (`servers.find_kind`) and clients (`clients.find_client`)."""
        from aurora_wire.verdict.servers import fill  # noqa: PLC0415 - where advice is shown

        return fill(self.advice, kinds, clients)
