"""A live capture, judged while it runs: told as it happens, and in the end the result of a scan.

Nothing here reads a clock for a verdict: times are those of the frames. The caller says how long to wait, and when
to stop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import STANDARD, OnConnection, OnStatement, ScanOptions
from aurora_wire.analysis.pump import pump
from aurora_wire.capture.live.recording import Recording
from aurora_wire.capture.live.ring import DRAIN, LiveCapture
from aurora_wire.capture.live.ring_frames import RingFrames
from aurora_wire.verdict.describe import describe_coverage, endpoints, text
from aurora_wire.verdict.grounds import collect_grounds
from aurora_wire.verdict.judge import judge
from aurora_wire.verdict.parties import Parties
from aurora_wire.verdict.plausible import most_missing
from aurora_wire.verdict.result import (
    CaptureResult,
    Confidence,
    ConnectionResult,
    Endpoint,
    Finding,
    Scan,
    Verdict,
)
from aurora_wire.wire.decoding.connection_log import OTHER
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.tls.names import version_name

FORMAT = "live"
CHUNK = 5_000           # frames decoded between two looks at the ring
WAITING = 128 << 20     # bytes that wait to be decoded; then the ring fills, and the kernel counts what is lost
UNLIMITED = 1 << 62
SETTLING_NS = 2_000_000_000  # of a connection, in which "encrypted (likely)" is not told yet


@dataclass(slots=True, frozen=True)
class ConnectionStatus:
    """A connection as far as it has come; bytes and statements are counts."""

    id: int
    client: Endpoint
    server: Endpoint
    user: str | None
    verdict: Verdict
    confidence: Confidence | None
    tls: str | None             # "TLSv1.3"
    in_clear: int
    in_tls: int
    missing: int
    statements: int
    last_frame: int
    last_time_ns: int
    closed: bool
    age_ns: int = 0             # from its first frame to its last

    @property
    def only_begun(self) -> bool:
        """Return whether nothing but its beginning crossed yet: that it has no session is known when it ends."""
        return self.verdict == "no-session" and not self.closed

    @property
    def is_settling(self) -> bool:
        """Return whether its TLS is so young that what is still to come of the handshake may prove it."""
        young = self.age_ns < SETTLING_NS and not self.closed
        return young and (self.verdict, self.confidence) == ("encrypted", "likely")

    def is_news_after(self, other: ConnectionStatus | None) -> bool:
        """Say whether the verdict is one that `other`, the standing before, did not have."""
        if self.only_begun or self.is_settling:
            return False
        told = other is not None and not other.only_begun and not other.is_settling
        return not told or other is None or (self.verdict, self.confidence) != (other.verdict, other.confidence)


@dataclass(slots=True, frozen=True)
class Status:
    """Counts since the beginning, and rates (a second) since the status before."""

    seconds: float
    packets: int
    bytes: int
    packet_rate: float
    byte_rate: float
    dropped: int
    connections: int            # open ones


class Watch:
    """Feeds what `capture` sees to an Analysis (and, by its own hook, to a Recording).

    `step` in a loop; `changes` between; at the end `finish`, once. What the ring holds is recorded first, and
    waits in memory, bounded, for being decoded: who is told may be slow, and nothing is lost for it.
    """

    def __init__(
        self,
        capture: LiveCapture,
        options: ScanOptions = STANDARD,
        *,
        recording: Recording | None = None,
        on_statement: OnStatement | None = None,
        on_connection: OnConnection | None = None,
    ) -> None:
        """Begin. A selection is of what is told and judged: all is recorded."""
        self.capture = capture
        self.recording = recording
        self.on_connection = on_connection
        self.analysis = Analysis(options, on_statement=on_statement, on_connection=self._ended)
        self._seen = capture.source                 # records, and keeps blocks for `_decoded`
        self._ring = self._seen.next_block
        self._seen.next_block = self._keep
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._decoded = RingFrames(self._take)
        self.result = CaptureResult(capture.name, FORMAT, None, None, 0)
        self.analysis.begin(self.result)
        self.standings: dict[int, ConnectionStatus] = {}    # of open connections, by id
        self._final: list[ConnectionStatus] = []            # of those that ended since `changes` was called
        self._looked_at = 0                         # the frame up to which `changes` knows all
        self.stopped = False
        self._begun: float | None = None
        self._before = (0.0, 0, 0)                  # seconds, packets, bytes of the last status

    @property
    def frames(self) -> int:
        return int(self.analysis.engine.frames)

    @property
    def wire_bytes(self) -> int:
        return int(self._decoded.wire_bytes)

    def _keep(self) -> bytes:
        """Return the next block of the ring, which from here on waits to be decoded; none while too many wait."""
        if self._waiting_bytes > WAITING and not self.capture.stopped:
            return b""
        block = self._ring()
        if block:
            self._waiting.append(block)
            self._waiting_bytes += len(block)
        return block

    def _take(self) -> bytes:
        if not self._waiting:
            return b""
        block = self._waiting.popleft()
        self._waiting_bytes -= len(block)
        return block

    def record(self, limit: int = UNLIMITED) -> None:
        """Take what is in the ring, and decode none of it yet. limit: frames since the beginning."""
        self._seen.drain(limit - self._seen.count)

    def step(self, timeout: float, limit: int = UNLIMITED) -> int:
        """Record what is there, decode a part of it, and answer how many frames that was.

        Where there is nothing, wait for it up to `timeout` seconds. limit: frames since the beginning.
        """
        if not self.stopped:
            self.record(limit)
            if self._seen.count == self.frames and self.capture.wait(timeout):
                self.record(limit)
        count = pump(self._decoded, self.analysis.engine, min(CHUNK, limit - self.frames))
        self.analysis.collect(idle=count == 0)
        return int(count)

    def changes(self) -> Iterator[tuple[ConnectionStatus, bool]]:
        """Yield connections with new frames since the last call, and whether their verdict is a new one.

        Those that ended, or are not MySQL after all, come with their last standing, and are in `standings` no
        more. What is not yet known to be MySQL is told on MySQL's ports only.
        """
        final, self._final = self._final, []
        for standing in final:
            yield standing, standing.is_news_after(self.standings.pop(standing.id, None))
        since, self._looked_at = self._looked_at, self.frames
        if since == self._looked_at:
            return
        still_open = self.analysis.engine.open_connections()
        for connection in still_open:
            if connection.last_frame <= since or (connection.undecided and not on_mysql_port(connection)):
                continue
            before = self.standings.get(int(connection.facts.id))
            if connection.facts.kind != OTHER:
                standing = describe_status(connection)
                if not self._wants(standing):
                    continue
                self.standings[standing.id] = standing
                yield standing, standing.is_news_after(before)
            elif before is not None:
                del self.standings[before.id]
                yield describe_status(connection), True
        if len(self.standings) > len(still_open):  # some ended as what is not MySQL, between two calls
            ids = {int(connection.facts.id) for connection in still_open}
            for gone in self.standings.keys() - ids:
                del self.standings[gone]

    def _wants(self, standing: ConnectionStatus) -> bool:
        selection = self.analysis.selection
        parties = Parties(standing.client, standing.server, standing.user)
        return selection is None or selection.wants_open(parties, standing.verdict, standing.last_time_ns)

    def status(self, now: float) -> Status:
        """Return the status. now: in seconds, of any clock that only goes forward; the first call is the beginning."""
        if self._begun is None:
            self._begun = now
        seconds, packets, size = now - self._begun, self.frames, self.wire_bytes
        before, packets_before, size_before = self._before
        passed = max(seconds - before, 1e-3)
        self._before = (seconds, packets, size)
        return Status(
            seconds=seconds,
            packets=packets,
            bytes=size,
            packet_rate=(packets - packets_before) / passed,
            byte_rate=(size - size_before) / passed,
            dropped=self.capture.statistics().dropped,
            connections=len(self.standings),
        )

    def _ended(self, result: ConnectionResult, findings: list[Finding]) -> None:
        self._final.append(last_standing(result))
        if self.on_connection is not None:
            self.on_connection(result, findings)

    def stop(self, limit: int = UNLIMITED) -> None:
        """Stop: no more packets, the recording is whole. What it holds and is not decoded yet, `step` goes on with."""
        if self.stopped:
            return
        self.stopped = True
        self.capture.stop()
        while self._seen.count < limit and self.capture.wait(DRAIN):
            self.record(limit)
        if self.recording is not None:
            self.recording.close()
        self.result.dropped_packets = self.capture.statistics().dropped
        self.capture.close()

    def finish(self, limit: int = UNLIMITED) -> Scan:
        """Stop, decode what is left, and judge."""
        self.stop(limit)
        while self.step(0, limit):
            pass
        self.result.bytes = self.wire_bytes
        self.result.error = self.capture.failure
        self.analysis.end(self.result)
        return self.analysis.finish()


def on_mysql_port(connection: Connection) -> bool:
    return bool(connection.is_mysql_port or connection.own_port >= 0)


def describe_status(connection: Connection) -> ConnectionStatus:
    """Return how a connection stands. Cheaper than `describe`: statements are counted only."""
    facts = connection.facts
    judged = judge(collect_grounds(connection))
    client, server = endpoints(connection)
    login = facts.login
    hello = facts.tls.server_hello if facts.tls is not None else None
    most = most_missing(int(connection.first_time), int(connection.last_time))
    return ConnectionStatus(
        id=int(facts.id),
        client=client,
        server=server,
        user=text(login.user) if login is not None else None,
        verdict=judged.verdict,
        confidence=judged.confidence,
        tls=version_name(hello.version) if hello is not None else None,
        in_clear=int(facts.client.plaintext + facts.server.plaintext),
        in_tls=int(facts.client.tls + facts.server.tls),
        missing=sum(describe_coverage(facts, side, most).missing for side in (facts.client, facts.server)),
        statements=int(facts.statements_total),
        last_frame=int(connection.last_frame),
        last_time_ns=int(connection.last_time),
        closed=connection.closed_frame >= 0,
        age_ns=int(connection.last_time - connection.first_time),
    )


def last_standing(result: ConnectionResult) -> ConnectionStatus:
    sides = (result.client_coverage, result.server_coverage)
    return ConnectionStatus(
        id=result.id,
        client=result.client,
        server=result.server,
        user=result.user,
        verdict=result.verdict,
        confidence=result.confidence,
        tls=result.tls.version if result.tls is not None else None,
        in_clear=sum(side.plaintext for side in sides),
        in_tls=sum(side.tls for side in sides),
        missing=sum(side.missing for side in sides),
        statements=result.statements_total,
        last_frame=result.last_frame,
        last_time_ns=-1 if result.last_time_ns is None else result.last_time_ns,
        closed=True,
    )
