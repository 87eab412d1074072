"""Did the fix work? Two runs compared: who became encrypted, still leaks, lost encryption, or leaks anew.

Who comes in the clear is known by client host, server, user and program. Inside TLS user and program cannot be seen:
so what leaked before counts as encrypted where its host now reaches its server in TLS and nothing of it is left in
the clear. Where its host was not seen again, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aurora_wire.compare.runs import Connection
from aurora_wire.report.wording import LEAKS

# What became of one group, worst first.
LOST: Final = "lost encryption"
NEW_LEAK: Final = "leaks anew"
STILL: Final = "still leaks"
WEAKER: Final = "weaker TLS"
UNKNOWN: Final = "not known"
FIXED: Final = "became encrypted"
SAME: Final = "encrypted as before"
NEW: Final = "new, encrypted"
CHANGES: Final = (LOST, NEW_LEAK, STILL, WEAKER, UNKNOWN, FIXED, SAME, NEW)
WORSE: Final = frozenset((LOST, NEW_LEAK, WEAKER))

VERSIONS: Final = ("SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")


class Path(NamedTuple):
    """A client host and the server it reaches."""

    client: str
    server: str


class Who(NamedTuple):
    """A user and a program that come in the clear; each empty if it was not seen."""

    user: str
    program: str


@dataclass(slots=True)
class Seen:
    """What one run showed of one client-server path."""

    leaks: dict[Who, int] = field(default_factory=dict)
    encrypted: int = 0
    undecided: int = 0
    oldest: str | None = None    # TLS version


@dataclass(slots=True)
class Run:
    """All paths of one run. complete: it saw all of its input; left_out: connections that a filter left out."""

    paths: dict[Path, Seen] = field(default_factory=dict)
    complete: bool = True
    connections: int = 0
    left_out: int = 0

    def add(self, c: Connection) -> None:
        self.connections += 1
        seen = self.paths.setdefault(Path(c.client, c.server), Seen())
        if c.verdict in LEAKS:
            who = Who(c.user or "", c.program or "")
            seen.leaks[who] = seen.leaks.get(who, 0) + 1
        elif c.verdict == "encrypted":
            seen.encrypted += 1
            if c.tls in VERSIONS and (seen.oldest is None or VERSIONS.index(c.tls) < VERSIONS.index(seen.oldest)):
                seen.oldest = c.tls
        elif c.verdict == "inconclusive":
            seen.undecided += 1

    def outline(self) -> dict[Path, tuple[frozenset[Who], bool, bool, str | None]]:
        """Return who leaks and what else each path does, without counts. Paths without a session are left out."""
        return {
            path: (frozenset(seen.leaks), seen.encrypted > 0, seen.undecided > 0, seen.oldest)
            for path, seen in self.paths.items()
            if seen.leaks or seen.encrypted or seen.undecided
        }

    def masks_users(self) -> bool:
        """Return whether user names were masked before they came here."""
        return any(who.user.startswith("*") for seen in self.paths.values() for who in seen.leaks)

    def without_users(self) -> Run:
        """Return this run without user names, to compare it with a run whose users are masked."""
        run = Run(complete=self.complete, connections=self.connections, left_out=self.left_out)
        for path, seen in self.paths.items():
            leaks: dict[Who, int] = {}
            for who, count in seen.leaks.items():
                leaks[Who("", who.program)] = leaks.get(Who("", who.program), 0) + count
            run.paths[path] = Seen(leaks, seen.encrypted, seen.undecided, seen.oldest)
        return run


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a comparison. before, after: connections in the clear, or encrypted where it is about these."""

    change: str
    client: str
    server: str
    user: str
    program: str
    before: int
    after: int
    text: str


@dataclass(slots=True)
class Comparison:
    """users_ignored: they are masked in one of the runs, so are not compared."""

    changes: list[Change]
    users_ignored: bool
    before: Run
    after: Run
    filters: dict[str, str] = field(default_factory=dict)   # options, as they were given

    def count(self, change: str) -> int:
        return sum(1 for one in self.changes if one.change == change)

    @property
    def same(self) -> bool:
        """Return whether the same hosts reach the same servers in the same way; how often does not count."""
        return self.before.outline() == self.after.outline()

    @property
    def same_code(self) -> int:
        """Return 0 for the same, 1 for not, 3 for the same as far as it was seen, if a run did not see all of its
        input.
        """
        if not self.same:
            return 1
        return 0 if self.before.complete and self.after.complete else 3

    @property
    def exit_code(self) -> int:
        """Return 1 if something leaks in the second run, or got weaker; 3 if that cannot be said; else 0."""
        found = {one.change for one in self.changes}
        if found & WORSE or STILL in found:
            return 1
        if UNKNOWN in found or not self.after.complete or not self.after.connections:
            return 3
        return 0


def compare(before: Run, after: Run) -> Comparison:
    ignored = before.masks_users() or after.masks_users()
    if ignored:
        before, after = before.without_users(), after.without_users()
    changes = [
        change
        for path in dict.fromkeys([*before.paths, *after.paths])
        for change in _changes(path, before.paths.get(path, Seen()), after.paths.get(path, Seen()))
    ]
    changes.sort(key=lambda one: (CHANGES.index(one.change), one.client, one.server, one.user, one.program))
    return Comparison(changes, ignored, before, after)


def _changes(path: Path, was: Seen, now: Seen) -> Iterator[Change]:
    for who in dict.fromkeys([*was.leaks, *now.leaks]):
        old, new = was.leaks.get(who, 0), now.leaks.get(who, 0)
        change, text = _of_leak(was, now, old, new)
        yield Change(change, *path, *who, old, new, text)
    if was.leaks or now.leaks:
        return
    if now.encrypted:
        if was.oldest is not None and now.oldest is not None and (
            VERSIONS.index(now.oldest) < VERSIONS.index(was.oldest)
        ):
            text = f"{was.oldest} before, {now.oldest} now"
            yield Change(WEAKER, *path, "", "", was.encrypted, now.encrypted, text)
        elif was.encrypted:
            yield Change(SAME, *path, "", "", was.encrypted, now.encrypted, now.oldest or "TLS")
        else:
            yield Change(NEW, *path, "", "", 0, now.encrypted, now.oldest or "TLS")
    elif now.undecided or (was.encrypted and not now.encrypted):
        text = "the second run cannot decide" if now.undecided else "encrypted before, not seen in the second run"
        yield Change(UNKNOWN, *path, "", "", was.encrypted, 0, text)


def _of_leak(was: Seen, now: Seen, old: int, new: int) -> tuple[str, str]:
    if old and new:
        return STILL, "in the clear in both runs"
    if new:
        if was.encrypted and not was.leaks:
            return LOST, "encrypted before, in the clear now"
        return NEW_LEAK, "in the clear now; this host and server were not seen in the clear before" if not (
            was.leaks
        ) else "in the clear now; of this host and server others were before"
    if now.encrypted:
        return FIXED, f"in the clear before; its host reaches the server in {now.oldest or 'TLS'} now"
    if now.undecided:
        return UNKNOWN, "in the clear before; the second run cannot decide"
    return UNKNOWN, "in the clear before; not seen in the second run"
