"""The impact of requiring TLS (`require_secure_transport`): who still comes in the clear, and would break."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aurora_wire.analysis.options import STANDARD, OnProgress, ScanOptions
from aurora_wire.analysis.scan import scan
from aurora_wire.compare.driver_options import LEG_OPTIONS, Driver, find_driver, find_driver_version
from aurora_wire.compare.roles import APPLICATION, MONITORING, PROXY, REPLICATION, tell_leg
from aurora_wire.report.proxied import describe_host
from aurora_wire.report.wording import LEAKS, endpoint
from aurora_wire.verdict.result import ConnectionResult, Finding, Scan
from aurora_wire.verdict.rules.negotiation import TLS_DECLINED, TLS_NOT_OFFERED, TLS_OFFER_REMOVED

MAX_GROUPS: Final = 20_000  # kept; what is beyond is counted
LEGS: Final = (APPLICATION, PROXY, REPLICATION, MONITORING)

# What the server offered, and what the client made of it.
DECLINED: Final = "declined"
NOT_OFFERED: Final = "not offered"
NOT_SEEN: Final = "not seen"


@dataclass(slots=True)
class Group:
    """Connections in the clear that one fix covers. Times are ns, as in a result."""

    leg: str
    told_by: str
    client: str
    user: str | None
    program: str | None
    driver: Driver
    driver_version: str
    servers: set[str] = field(default_factory=set)
    connections: int = 0
    statements: int = 0
    offers: dict[str, int] = field(default_factory=dict)
    first_frame: int = 0
    first_ns: int | None = None
    last_ns: int | None = None

    @property
    def option(self) -> str:
        """Return what fixes it: an option of the driver, or a setting of the leg."""
        return LEG_OPTIONS.get(self.leg, self.driver.option)

    def add(self, c: ConnectionResult, offer: str) -> None:
        self.connections += 1
        self.statements += c.statements_total
        self.servers.add(endpoint(c.server))
        self.offers[offer] = self.offers.get(offer, 0) + 1
        self.first_frame = min(self.first_frame or c.first_frame, c.first_frame)
        if c.first_time_ns is not None:
            self.first_ns = c.first_time_ns if self.first_ns is None else min(self.first_ns, c.first_time_ns)
        if c.last_time_ns is not None:
            self.last_ns = c.last_time_ns if self.last_ns is None else max(self.last_ns, c.last_time_ns)


@dataclass(slots=True)
class Impact:
    """groups: who breaks, by leg, most connections first. encrypted, undecided: connections that are not in them."""

    groups: list[Group]
    scan: Scan
    breaking: int = 0
    encrypted: int = 0
    undecided: int = 0
    beyond: int = 0              # connections in the clear of groups beyond the bound

    def hide(self, name: Callable[[str], str]) -> None:
        """Mask the names of users. name: returns what stands for one."""
        for group in self.groups:
            group.user = None if group.user is None else name(group.user)

    @property
    def exit_code(self) -> int:
        """Return 1 if somebody breaks, 3 if that cannot be said, 0 if nobody was seen who would."""
        if self.breaking:
            return 1
        whole = all(capture.complete for capture in self.scan.captures)
        return 0 if self.encrypted and not self.undecided and whole else 3


class Collector:
    """Takes connections as `scan` hands them out (`on_connection`); `finish` sorts them into groups.

    A proxy is known by what reaches it, so groups are made of all connections, at the end: until then those alike
    are kept as one.
    """

    def __init__(self) -> None:
        self.encrypted = 0
        self.undecided = 0
        self.breaking = 0
        self.beyond = 0
        self._servers: set[str] = set()
        self._groups: dict[tuple[object, ...], tuple[ConnectionResult, Group]] = {}

    def add(self, c: ConnectionResult, found: list[Finding]) -> None:
        if c.verdict == "encrypted":
            self.encrypted += 1
        elif c.verdict == "inconclusive":
            self.undecided += 1
        if c.verdict in LEAKS or c.verdict == "encrypted":
            self._servers.add(c.server.address)
        if c.verdict not in LEAKS:
            return
        self.breaking += 1
        driver, version = find_driver(c.attributes), find_driver_version(c.attributes)
        program = c.attributes.get("program_name") or None
        leg, _ = tell_leg(c, ())
        key = (leg, describe_host(c), c.user, program, driver.name, version)
        entry = self._groups.get(key)
        if entry is None:
            if len(self._groups) >= MAX_GROUPS:
                self.beyond += 1
                return
            entry = c, Group("", "", describe_host(c), c.user, program, driver, version)
            self._groups[key] = entry
        entry[1].add(c, _offer(found))

    def finish(self, result: Scan) -> Impact:
        groups: list[Group] = []
        for connection, group in self._groups.values():
            group.leg, group.told_by = tell_leg(connection, self._servers)
            groups.append(group)
        groups.sort(
            key=lambda g: (LEGS.index(g.leg), -g.connections, g.client, g.user or "", g.program or "", g.driver.name)
        )
        return Impact(groups, result, self.breaking, self.encrypted, self.undecided, self.beyond)


def _offer(found: list[Finding]) -> str:
    hit = {one.rule for one in found}
    if TLS_DECLINED in hit:
        return DECLINED
    if TLS_NOT_OFFERED in hit or TLS_OFFER_REMOVED in hit:
        return NOT_OFFERED
    return NOT_SEEN


def impact(paths: Sequence[str], options: ScanOptions = STANDARD, on_progress: OnProgress | None = None) -> Impact:
    """Compute the impact table of captures. Reads and raises as `scan` does."""
    collector = Collector()
    return collector.finish(scan(paths, options, on_connection=collector.add, on_progress=on_progress))


def compute_impact(result: Scan) -> Impact:
    """Compute the impact table of a result, from the connections that it lists."""
    found: dict[int, list[Finding]] = {}
    for finding in result.findings:
        if finding.connection is not None:
            found.setdefault(finding.connection, []).append(finding)
    collector = Collector()
    for connection in result.connections:
        collector.add(connection, found.get(connection.id, []))
    return collector.finish(result)
