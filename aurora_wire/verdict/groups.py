"""Statements in groups, as results show them: of a connection, and of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from aurora_wire.immutable import replace
from aurora_wire.verdict.result import StatementGroup
from aurora_wire.wire.mysql.charsets import charset_name, readable
from aurora_wire.wire.mysql.groups import Group, Groups
from aurora_wire.wire.mysql.leaked.classes import CLASSES, ORDER

MAX_GROUPS: Final = 10_000    # of all connections; what is in no group is counted


def describe_groups(found: Groups, name_of: Callable[[int], str]) -> list[StatementGroup]:
    """Return the groups of a connection, those with the most statements first."""
    return _ordered(_group(one, name_of) for one in found.found.values())


def _group(one: Group, name_of: Callable[[int], str]) -> StatementGroup:
    charset = int(one.charset)
    example = readable(one.example, charset)
    raw = one.example if example is not one.example else None
    return StatementGroup(
        fingerprint=readable(one.fingerprint, charset),
        command=name_of(int(one.command)),
        count=int(one.count),
        bytes=int(one.size),
        frame=int(one.frame),
        first_time_ns=int(one.first_ns) if one.first_ns >= 0 else None,
        last_time_ns=int(one.last_ns) if one.last_ns >= 0 else None,
        example=example,
        complete=one.whole,
        leaked=_in_order({CLASSES[kind].id: count for kind, count in one.classes.items()}),
        raw=raw,
        charset=charset_name(charset) if raw is not None else None,
    )


def _in_order(classes: dict[str, int]) -> dict[str, int]:
    return {data: classes[data] for data in ORDER if data in classes}


def _ordered(groups: Iterable[StatementGroup]) -> list[StatementGroup]:
    return sorted(groups, key=lambda one: (-one.count, one.frame, one.command, one.fingerprint))


class GroupedWhole:
    """The groups of all connections. beyond: statements that are in none, for want of room."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, bytes], StatementGroup] = {}
        self.beyond = 0

    def add(self, groups: Iterable[StatementGroup], beyond: int) -> None:
        """Count those of a connection."""
        self.beyond += beyond
        for one in groups:
            key = (one.command, one.fingerprint)
            known = self.groups.get(key)
            if known is not None:
                self.groups[key] = _joined(known, one)
            elif len(self.groups) < MAX_GROUPS:
                self.groups[key] = one
            else:
                self.beyond += one.count

    def result(self) -> list[StatementGroup]:
        """Return the groups, those with the most statements first."""
        return _ordered(self.groups.values())


def _joined(one: StatementGroup, other: StatementGroup) -> StatementGroup:
    first = one if one.frame <= other.frame else other
    classes = dict(one.leaked)
    for data, count in other.leaked.items():
        classes[data] = classes.get(data, 0) + count
    return replace(
        first,
        count=one.count + other.count,
        bytes=one.bytes + other.bytes,
        connections=one.connections + other.connections,
        first_time_ns=_pick(min, one.first_time_ns, other.first_time_ns),
        last_time_ns=_pick(max, one.last_time_ns, other.last_time_ns),
        leaked=_in_order(classes),
    )


def _pick(pick: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return pick(one, other)
