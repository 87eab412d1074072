"""What the hits and the verdict of a connection say about controls: rules and controls joined."""

from __future__ import annotations

from typing import Final

from aurora_wire.verdict.result import ConnectionResult
from aurora_wire.verdict.rules.controls import CLEAR, VERSION, Mapping, mappings_of_verdict
from aurora_wire.verdict.rules.registry import RULES

TLS_1_2_AND_LATER: Final = ("TLSv1.2", "TLSv1.3")

# Hits that take the support from a connection that is otherwise encrypted and proven.
WEAKENING: Final = frozenset(rule.id for rule in RULES.values() if rule.weakens)


def mappings_of_rule(rule: str) -> tuple[Mapping, ...]:
    """Return what a hit of this rule says; nothing where it says nothing about any control."""
    entry = RULES.get(rule)
    return () if entry is None else entry.controls


def mappings_of_connection(connection: ConnectionResult, rules: frozenset[str] = frozenset()) -> tuple[Mapping, ...]:
    """Return what a connection says, given the rules that it hit: no support where its TLS is weak or tampered with."""
    found = mappings_of_verdict(connection.verdict, connection.confidence)
    if not found or found is CLEAR:
        return found
    if rules & WEAKENING:
        return ()
    tls = connection.tls
    return (*found, VERSION) if tls is not None and tls.version in TLS_1_2_AND_LATER else found
