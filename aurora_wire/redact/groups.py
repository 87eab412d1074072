"""Groups of statements without what must not be handed on: literals of the example, accounts in the fingerprint."""

from __future__ import annotations

from dataclasses import replace

from aurora_wire.redact.sql import SQL_COMMANDS, redact_sql
from aurora_wire.verdict.result import Scan, StatementGroup
from aurora_wire.wire.mysql.charsets import find_collation, readable


def shown_fingerprint(made: bytes, *, redact: bool) -> bytes:
    """Return a fingerprint as a report may show it: it has no literals; redact: names of accounts are masked, too."""
    return redact_sql(made) if redact else made


def masked_example(group: StatementGroup) -> bytes:
    """Return the example with its literals masked; names, such as of a schema, stay, and what is no SQL is masked."""
    if group.command not in SQL_COMMANDS:
        return group.example if not group.fingerprint and group.example.isascii() else b"*" * len(group.example)
    if group.raw is None:
        return redact_sql(group.example)
    return readable(redact_sql(group.raw), find_collation((group.charset or "").encode()))


def redact_groups(scan: Scan) -> list[StatementGroup] | None:
    """Return the groups of a scan as they may be handed on."""
    if scan.groups is None:
        return None
    return [
        replace(one, fingerprint=shown_fingerprint(one.fingerprint, redact=True), example=masked_example(one), raw=None)
        for one in scan.groups
    ]
