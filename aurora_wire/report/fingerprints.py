"""Fingerprints: a finding's connection, its capture, and a name that it has in every run.

A connection's id, its frames and the client's port differ from one capture of the same mistake to the next;
rule, server, client host and user do not. Trackers of findings are given a hash of these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from aurora_wire.report.escape import show_text
from aurora_wire.report.frame_names import frame_names
from aurora_wire.verdict.clients import find_client
from aurora_wire.verdict.result import ConnectionResult, Finding, Scan
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.server_fixes import UNKNOWN
from aurora_wire.verdict.servers import kind_of_connection

FINGERPRINT = "aurora-wire/finding/1"


class FindingLocator:
    """Locates and names the findings of one scan."""

    def __init__(self, scan: Scan) -> None:
        self._connections = {connection.id: connection for connection in scan.connections}
        self.captures = scan.captures
        self.names = frame_names(scan)
        self._clients: dict[int, str | None] = {}     # keys of client programs, by connection
        self._kinds: dict[tuple[str, int], str] = {}  # of servers, where a connection tells
        self._told: dict[int, str] = {}               # what a connection itself tells of its server, by its id
        for connection in scan.connections:
            kind = self._told[connection.id] = kind_of_connection(connection)
            if kind != UNKNOWN:
                self._kinds.setdefault((connection.server.address, connection.server.port), kind)

    def connection(self, finding: Finding) -> ConnectionResult | None:
        """Return the finding's connection; None also if it was beyond the bound of those kept."""
        return None if finding.connection is None else self._connections.get(finding.connection)

    def capture_at(self, finding: Finding) -> int | None:
        """Return the index of the capture that the finding is in, or that it names; None where it does neither, of
        several.
        """
        connection = self.connection(finding)
        frame = finding.frame if finding.frame is not None or connection is None else connection.first_frame
        if frame is not None:
            place = self.names.locate(frame)
            if place is not None:
                return place[0]
            return self._only_one()
        named = (at for at, capture in enumerate(self.captures) if capture.path and capture.path in finding.detail)
        return next(named, self._only_one())

    def _only_one(self) -> int | None:
        return 0 if len(self.captures) == 1 else None

    def find_frame(self, finding: Finding) -> int | None:
        """Return the number that the finding's frame has in its capture."""
        if finding.frame is None:
            return None
        place = self.names.locate(finding.frame)
        return finding.frame if place is None else place[1]

    def fix(self, rule: Rule, findings: Iterable[Finding]) -> str:
        """Return how to fix these findings of a rule, at the servers and clients that they are about."""
        hit = {finding.connection for finding in findings}  # once each: a rule has many findings of few kinds
        connections = [None if one is None else self._connections.get(one) for one in hit]
        return rule.fix_for(
            {self._kind(each) for each in connections},
            {key for each in connections if each is not None and (key := self._client(each))},
        )

    def _client(self, connection: ConnectionResult) -> str | None:
        """Return which client it is, asked for once a connection: several rules have findings of each."""
        if connection.id not in self._clients:
            client = find_client(connection.attributes)
            self._clients[connection.id] = None if client is None else client.key
        return self._clients[connection.id]

    def _kind(self, connection: ConnectionResult | None) -> str:
        """Return the kind of a connection's server; where it does not tell, what another one to the same place tells.
        """
        if connection is None:
            return UNKNOWN
        kind = self._told[connection.id]
        return kind if kind != UNKNOWN else self._kinds.get((connection.server.address, connection.server.port), kind)

    def fingerprint(self, finding: Finding) -> str:
        """Return 32 hexadecimal digits, the same for the same mistake in another capture."""
        import json  # noqa: PLC0415 - the text report does without these
        from pathlib import PurePath  # noqa: PLC0415

        connection = self.connection(finding)
        if connection is not None:
            where: list[object] = [
                connection.server.address, connection.server.port, connection.client.address, connection.user,
            ]
        else:
            at = self.capture_at(finding)
            where = [finding.detail if at is None else PurePath(self.captures[at].path).name]
        name = json.dumps([FINGERPRINT, finding.rule, *where])
        return hashlib.sha256(name.encode("ascii")).hexdigest()[:32]


def shorten(text: str, limit: int) -> str:
    """Return text escaped, on one line, and cut."""
    return cut(show_text(text), limit)


def cut(shown: str, limit: int) -> str:
    """Return at most `limit` characters (0: all) and a note of how many are left out."""
    return shown if not 0 < limit < len(shown) else f"{shown[:limit]}... ({len(shown) - limit:,} more characters)"
