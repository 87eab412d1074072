"""Findings that are known and accepted for a time: what `--ignore` says, and each line of a `--baseline` file.

    AW101:10.0.0.5 2027-01-31 the old batch host, replaced in January

A rule, perhaps the client's address or network, the last day on which it holds, and the reason. What was ignored stays
in every report, marked; what has expired is told, and not applied. Of what servers allow (`probe`, `audit`, `check`)
the address is the server's, or its name stands there: posture/known.py.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from aurora_wire.errors import NEAR_ID, UsageError, named
from aurora_wire.immutable import record, replace
from aurora_wire.verdict.result import ConnectionResult, ExceptionResult, Finding, Ignored
from aurora_wire.verdict.rules.registry import RULES

FORM: Final = "RULE[:CLIENT] UNTIL REASON, such as 'AW101:10.0.0.5 2027-01-31 the old batch host'"
LEAKS: Final = ("plaintext", "mixed")
MAX_LINES: Final = 10_000
HOST_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@record
class KnownFinding:
    """One exception. client: None for all; host: a server's name in its place; told: the words that it was given in."""

    rule: str
    client: Network | None
    until: date
    reason: str
    told: str
    hits: int = 0
    host: str = ""

    def is_for(self, rule: str, address: str | None) -> bool:
        """Tell whether it is about a client's findings of a rule; address: None where no client is known."""
        if self.rule != rule:
            return False
        if self.client is None:
            return True
        return address is not None and ipaddress.ip_address(address.partition("%")[0]) in self.client

    def is_of_server(self, rule: str, name: str, address: str) -> bool:
        """Tell whether it is about a rule's findings at a server of this name and address; empty: it is not known."""
        if self.rule != rule:
            return False
        if self.host:
            return self.host == name.lower().rstrip(".")
        if self.client is None:
            return True
        try:
            return ipaddress.ip_address(address.partition("%")[0]) in self.client
        except ValueError:
            return False


def parse_known(text: str, where: str, *, hosts: bool = False) -> KnownFinding:
    """Read one exception. where: how to name it in an error, `--ignore` or `known.txt: line 3`. Raises UsageError.

    hosts: a server may be named in place of an address.
    """
    parts = text.split(maxsplit=2)
    if len(parts) < 3:
        raise UsageError(f"{where}: {text!r} is none of the form {FORM}.")
    target, until, reason = parts
    rule, colon, client = target.partition(":")
    rule = rule.upper()
    if rule not in RULES:
        said = f"{where}: there is no rule {rule}. `aurora-wire rules` lists them"
        raise UsageError(named(said, rule, RULES, NEAR_ID))
    network: Network | None = None
    host = ""
    try:
        if colon:
            network = ipaddress.ip_network(client, strict=False)
    except ValueError as error:
        if not hosts or not HOST_NAME.fullmatch(client):
            name = ", network or name of a server" if hosts else " or network"
            raise UsageError(f"{where}: {client!r} is no address{name}.") from error
        host = client.lower().rstrip(".")
    try:
        last = date.fromisoformat(until)
    except ValueError as error:
        raise UsageError(f"{where}: {until!r} is no date. Give the last day as in 2027-01-31.") from error
    return KnownFinding(rule, network, last, reason.strip(), target, host=host)


def parse_baseline(data: bytes, path: str, *, hosts: bool = False) -> list[KnownFinding]:
    """Read a baseline file: an exception a line; empty lines and those that begin with # are left out.

    hosts: as of `parse_known`.
    """
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: it is no text in UTF-8 (offset {error.start}).") from error
    if len(lines) > MAX_LINES:
        raise UsageError(f"{path}: more than {MAX_LINES:,} lines.")
    return [
        parse_known(line, f"{path}: line {number}", hosts=hosts)
        for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")
    ]  # fmt: skip


class Exceptions:
    """Marks findings that are known, and counts what that leaves. today: the day against which they expire."""

    def __init__(self, known: Iterable[KnownFinding], today: date) -> None:
        self.known: Final = list(known)
        self.today: Final = today
        self.open_leaks = 0         # connections in the clear with a finding that is not ignored
        self.open_rules: set[str] = set()   # of findings that are not ignored

    def mark(self, found: list[Finding], connection: ConnectionResult | None) -> list[Finding]:
        """Return the findings of a connection, or of a capture, those that are known with reason and last day."""
        marked = [self._marked(one, connection) for one in found]
        still_open = [one for one in marked if one.ignored is None]
        self.open_rules.update(one.rule for one in still_open)
        if connection is not None and connection.verdict in LEAKS and (still_open or not marked):
            self.open_leaks += 1
        return marked

    def _marked(self, finding: Finding, connection: ConnectionResult | None) -> Finding:
        for one in self.known:
            if one.is_for(finding.rule, None if connection is None else connection.client.address):
                one.hits += 1
                if one.until >= self.today:
                    until = one.until.isoformat()
                    detail = f"{finding.detail} [ignored until {until}: {one.reason}]"
                    return replace(finding, detail=detail, ignored=Ignored(one.reason, until))
        return finding

    def results(self) -> list[ExceptionResult]:
        """Return each exception with how many findings it is about."""
        return [
            ExceptionResult(one.told, one.until.isoformat(), one.reason, one.hits, one.until < self.today)
            for one in self.known
        ]

    def in_words(self) -> str:
        """Return how many findings were ignored, and which exceptions have expired; empty: nothing to say."""
        return known_in_words(self.results())

def known_in_words(given: Iterable[ExceptionResult]) -> str:
    """Return how many findings exceptions are about, and which have expired; empty: nothing to say."""
    exceptions = list(given)
    ignored = sum(one.findings for one in exceptions if not one.expired)
    expired = [one.known for one in exceptions if one.expired]
    parts = [f"{ignored:,} {'finding' if ignored == 1 else 'findings'} ignored as known"] if ignored else []
    if expired:
        parts.append(f"expired and not applied: {', '.join(expired[:5])}{' ...' if len(expired) > 5 else ''}")
    return "; ".join(parts)
