"""The statements of a connection in groups: those of one command and one fingerprint are counted together."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.commands import COM_CREATE_DB, COM_DROP_DB, COM_FIELD_LIST, COM_INIT_DB
from aurora_wire.wire.mysql.fingerprint import fingerprint
from aurora_wire.wire.mysql.leaked.statements import Leak

MAX_GROUPS: Final[i64] = 1000     # of a connection; what is in no group is counted
GROUP_COST: Final[i64] = 600      # bytes that one takes besides its texts
MAX_EXAMPLE: Final[i64] = 1000    # bytes kept of the first statement
# Whose text is no SQL. A set: mypyc 2.4 takes a tuple of i64 for one that was never set.
NAME_COMMANDS: Final = frozenset((int(COM_INIT_DB), int(COM_CREATE_DB), int(COM_DROP_DB), int(COM_FIELD_LIST)))

Key = tuple[int, bytes]


@mypyc_attr(acyclic=True)
class Group:
    """Statements that differ in literals alone.

    example: the first bytes of the first of them, as it crossed, in character set `charset`; size: bytes of all their
    texts; first_ns, last_ns: times, -1 where there are none; classes: values in them by class of data.
    """

    __slots__ = (
        "charset", "classes", "command", "count", "example", "fingerprint", "first_ns", "frame", "last_ns", "size",
        "whole",
    )  # fmt: skip

    def __init__(self, command: i64, made: bytes, frame: i64, example: bytes, whole: bool, charset: i64) -> None:
        self.command: Final[i64] = command
        self.fingerprint: Final = made
        self.frame: Final[i64] = frame       # of the first
        self.example: Final = example
        self.whole: Final = whole            # the example is all of it
        self.charset: Final[i64] = charset
        self.count: i64 = 0
        self.size: i64 = 0
        self.first_ns: i64 = -1
        self.last_ns: i64 = -1
        self.classes: dict[int, int] = {}


class Groups:
    """The groups of one connection. beyond: statements that are in none, for want of room."""

    __slots__ = ("beyond", "found")

    def __init__(self) -> None:
        self.found: dict[Key, Group] = {}
        self.beyond: i64 = 0

    def add(
        self, command: i64, text: bytes, whole: bool, mode: i64, escapes_known: bool, charset: i64, frame: i64,
        time_ns: i64, leaks: list[Leak] | None, room: i64,
    ) -> i64:  # fmt: skip
        """Count a statement; return how many bytes its group takes, if it is a new one: there are `room`."""
        is_sql = int(command) not in NAME_COMMANDS
        made = fingerprint(text, mode, escapes_known=escapes_known, cut=not whole) if is_sql and text else b""
        key = (int(command), made)
        group = self.found.get(key)
        cost: i64 = 0
        if group is None:
            cost = GROUP_COST + 2 * len(made) + MAX_EXAMPLE
            if len(self.found) >= MAX_GROUPS or room < cost:
                self.beyond += 1
                return 0
            fits = len(text) <= MAX_EXAMPLE
            group = Group(command, made, frame, text if fits else text[:MAX_EXAMPLE], whole and fits, charset)
            self.found[key] = group
        group.count += 1
        group.size += len(text)
        if time_ns >= 0:
            if group.first_ns < 0 or time_ns < group.first_ns:
                group.first_ns = time_ns
            if time_ns > group.last_ns:
                group.last_ns = time_ns
        if leaks is not None:
            classes = group.classes
            for one in leaks:
                kind = int(one.kind)
                classes[kind] = classes.get(kind, 0) + 1
        return cost
