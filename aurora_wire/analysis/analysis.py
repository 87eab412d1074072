"""An analysis under way: what is known so far, and the result in the end.

`Analysis` is given captures (or an engine's ended connections) and keeps what a result needs, bounded.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aurora_wire._version import VERSION
from aurora_wire.analysis.interleave import FOREVER
from aurora_wire.analysis.options import (
    KEPT_STATEMENTS,
    STANDARD,
    KeyLogInput,
    OnCapture,
    OnConnection,
    OnKept,
    OnProgress,
    OnStatement,
    ScanOptions,
)
from aurora_wire.analysis.reading import CHUNK, TOLD, Reading
from aurora_wire.analysis.untold import Untold
from aurora_wire.capture.files.open import Capture
from aurora_wire.errors import CaptureError
from aurora_wire.verdict.describe import describe, describe_statement
from aurora_wire.verdict.frame_kinds import kind_name, link_type_names, most_frequent
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.groups import GroupedWhole
from aurora_wire.verdict.leaked import LeakedWhole
from aurora_wire.verdict.overall import Tally, compose_closing, compute_exit_code, compute_verdict
from aurora_wire.verdict.result import (
    CaptureResult,
    Confidence,
    ConnectionResult,
    Finding,
    Scan,
    StatementGroup,
    Verdict,
)
from aurora_wire.verdict.rules.capture import FILE_DAMAGED, PACKETS_DROPPED
from aurora_wire.verdict.rules.checks import list_findings
from aurora_wire.verdict.rules.registry import finding
from aurora_wire.verdict.undecoded import Losses, list_undecoded
from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.decoding.connection_log import OTHER, Budget
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.engine import Engine
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.net.skip_reasons import (
    FRAGMENT_LOST,
    FRAGMENT_WAITING,
    IP_MALFORMED,
    OTHER_LINK,
    STT,
    TCP_MALFORMED,
    find_remedy,
)
from aurora_wire.zstd import zstd_decompressor

if TYPE_CHECKING:
    from aurora_wire.decrypt.decryptor import KeyLogDecryptors
    from aurora_wire.verdict.parties import Parties
    from aurora_wire.wire.net.dissect import Locator

STT_PORT = 7471               # of TCP
MAX_CONNECTIONS = 100_000     # results kept; all are counted
MAX_RESULTS = 56 << 20        # bytes that they take, roughly
RESULT_COST = 1200            # bytes of a result without anything in it
REASON_COST = 260             # of a reason, or another thing in it,
LEAKED_COST = 600             # of the values of one column that are of a class,
COMMAND_COST = 150            # of a name with a number or a text
MAX_FINDINGS = 1_000          # kept of a rule; all are counted
UNREADABLE = "unreadable"     # the format of an input that is no capture


class Analysis:
    """What is known so far. Feed `engine` (directly, or by `read`), call `collect` now and then, `finish` once."""

    def __init__(
        self,
        options: ScanOptions = STANDARD,
        *,
        max_results: int = MAX_RESULTS,
        on_capture: OnCapture | None = None,
        on_statement: OnStatement | None = None,
        on_connection: OnConnection | None = None,
        on_kept: OnKept | None = None,
        only_verdicts: bool = False,
    ) -> None:
        """Begin an analysis.

        max_results: bytes that the results of connections may take, roughly; only_verdicts: no findings are made,
        statements and rows are not looked into, and captures are not hashed.
        """
        self.options = options
        self.exceptions = options.exceptions
        self.selection = options.selection
        self.only_verdicts = only_verdicts
        self.ports = list(options.ports)
        self.on_capture = on_capture
        self.on_statement = on_statement
        self._untold = Untold(self._tell)
        self.on_connection = on_connection
        self.on_kept = on_kept
        self.most_shown = KEPT_STATEMENTS   # of a connection that is still to come, as `on_kept` says
        self.engine = Engine(
            self.ports, options.only_ports, zstd_decompressor, want_events=on_statement is not None,
            budget=Budget(each=options.keep_statements),
        )  # fmt: skip
        self.engine.budget.rows = options.keep_rows
        self.engine.budget.groups = options.group
        self.grouped = GroupedWhole() if options.group else None
        self.engine.budget.weighs = not only_verdicts
        self.decryptors: KeyLogDecryptors | None = read_key_logs(options.keylogs) if options.keylogs else None
        if self.decryptors is not None:
            self.engine.use_decryptors(self.decryptors)
        self.captures: list[CaptureResult] = []
        self.ignored: list[str] = []
        self.frame_places = FramePlaces()
        self.marks: list[int] | None = None  # of one of several processes: when what came, see `pump_share`
        self.limit = CHUNK if on_statement is None else TOLD
        self.seen_in: dict[int, int] | None = None  # open connections by id: a bit for each capture with a packet of it
        self._by_capture: defaultdict[int, Tally] = defaultdict(Tally)
        self._fragments_lost = 0
        self._is_range = False
        self._stt_packets = 0
        self.connections: list[ConnectionResult] = []
        self.findings: list[Finding] = []
        self.findings_total: Counter[str] = Counter()
        self._room = max_results
        self._without_leak = max_results // 3  # of it, kept for connections that leak
        self._there: dict[int, Connection] | None = None    # by id, while statements are told
        self.tally = Tally()
        self.leaked = LeakedWhole()
        self.not_classified = 0
        self.losses = Losses(port=next((port for port in self.ports), 3306))

    def read(self, path: str, on_progress: OnProgress | None = None) -> None:
        """Feed a capture to the engine. Damage is noted in its CaptureResult, with what was read before it.

        Raises CaptureError where nothing of it could be read.
        """
        reading = Reading(self, path, on_progress)
        if reading.start():
            while reading.read_until(FOREVER):
                pass

    def begin(self, result: CaptureResult) -> None:
        """Begin a capture: the frames fed from now on are of it. Only for callers that feed `engine` directly."""
        engine = self.engine
        engine.source = len(self.captures)
        self.captures.append(result)
        result.first_frame = int(engine.frames) + 1
        self.frame_places.add(result.first_frame, len(self.captures) - 1, 1)
        if self.on_capture is not None:
            self.on_capture(result)
        engine.skipped = {}
        engine.link_types = {}
        engine.last_link = -1
        engine.first_time = -1
        engine.truncated_frames = 0

    def add_keys(self, capture: Capture) -> None:
        """Use the keys that the capture itself holds: they come up while it is read."""
        if self.decryptors is None:
            if capture.format != "pcapng":
                return
            self.decryptors = read_key_logs(())
            self.engine.use_decryptors(self.decryptors)
        self.decryptors.of_capture(capture.secrets, capture.path)

    def describe_capture(self, result: CaptureResult, capture: Capture, packets: int) -> None:
        """Describe a capture, now that it was read."""
        result.sha256 = capture.sha256()
        result.secret = capture.secret()
        result.bytes = capture.position()
        result.undated = capture.undated
        result.dropped_packets = capture.dropped_packets
        self.end(result, packets)

    def begin_range(self, locator: Locator | None) -> None:
        """Begin a range of a capture, whose account is added to those of the others. After `begin`.

        locator: has what waits there for the rest of its fragments. Where they come, fewer are lost than at the begin.
        """
        self._is_range = True
        if locator is not None:
            self.engine.locator = locator
            self._fragments_lost = int(locator.fragments.lost_count())

    def end(self, result: CaptureResult, packets: int | None = None) -> None:
        """End a capture: fill in what the engine counted. `error` and drop counts must be set before.

        packets: how many it had, where they are not all since `begin`.
        """
        engine = self.engine
        if packets is None:
            packets = int(engine.frames) - result.first_frame + 1
        result.packets = packets
        result.complete = result.error is None
        result.truncated_packets = int(engine.truncated_frames)
        result.link_types = link_type_names(list(engine.link_types))
        result.skipped = {}
        result.hiding = {}
        lost = int(engine.locator.fragments.lost_count()) - self._fragments_lost
        self._fragments_lost += lost
        if lost > 0 and not self._is_range:
            # Those that came whole after all are in their datagrams.
            self._skipped(result, FRAGMENT_LOST, 0, lost)
        # Where not one header is right, the frames are rather of another link type than the capture says.
        malformed = sum(count for key, count in engine.skipped.items() if key >> 32 in (IP_MALFORMED, TCP_MALFORMED))
        otherwise = OTHER_LINK if packets == malformed else ""
        for key, count in sorted(engine.skipped.items()):
            if key >> 32 in (FRAGMENT_WAITING, FRAGMENT_LOST):
                continue
            self._skipped(result, key >> 32, key & 0xFFFFFFFF, count, otherwise)
        result.skipped, result.hiding = most_frequent(result.skipped, result.hiding)
        if lost and self._is_range:
            # By name, however many kinds there are, and below 0, too: the sum over all ranges is what was lost.
            self._skipped(result, FRAGMENT_LOST, 0, lost)
        if result.packets and engine.first_time >= 0:
            result.first_time_ns = int(engine.first_time)
            result.last_time_ns = int(engine.now) if engine.now >= 0 else None
        if not result.complete:
            engine.note_open(anomalies.DAMAGED_FILE)
        if result.dropped_packets:
            self.add_of_capture(finding(PACKETS_DROPPED, f"{result.dropped_packets:,} packets in {result.path}"))
        if not result.complete:
            self.add_of_capture(finding(FILE_DAMAGED, result.error or "", frame=int(engine.frames) or None))

    @staticmethod
    def _skipped(result: CaptureResult, reason: int, detail: int, count: int, otherwise: str = "") -> None:
        name = kind_name(reason, detail)
        result.skipped[name] = result.skipped.get(name, 0) + count
        remedy = find_remedy(reason, detail) or otherwise
        if remedy:
            result.hiding[name] = (result.hiding.get(name, (0, remedy))[0] + count, remedy)

    def unreadable(self, path: str, error: CaptureError) -> None:
        """Record an unreadable input. The exit code is then 3 instead of 0."""
        self.captures.append(
            CaptureResult(
                path, UNREADABLE, None, None, 0, first_frame=int(self.engine.frames) + 1, complete=False,
                error=str(error),
            )
        )
        self.add_of_capture(finding(FILE_DAMAGED, str(error)))

    def collect(self, *, idle: bool = False) -> None:
        """Take what the engine has finished. idle: no frames come at the moment, so no statement waits for its answer.
        """
        engine = self.engine
        events = engine.events
        if events is not None:
            if self.on_statement is not None:
                for event in events:
                    if isinstance(event, Statement) and self._wants_statement(event):
                        self._untold.add(event)
                self._untold.settle(FOREVER if idle else int(engine.now))
            events.clear()
            self._there = None
        if not engine.ended:
            return
        self._untold.close({int(connection.facts.id) for connection in engine.ended})
        self._there = None
        ended = engine.ended
        engine.ended = []
        ended.reverse()
        while ended:  # each is let go of when its result is made
            self.take(ended.pop())

    def take(self, connection: Connection) -> None:
        """Judge a connection that has ended."""
        facts = connection.facts
        connection.dispose()
        captures = self._find_captures(int(facts.id))
        if facts.kind == OTHER:
            if self._is_stt(connection):
                self.add_stt(int(connection.packets))
            elif self.selection is None:  # else nobody judges it, so nothing was let through
                self.add_other(facts.other, int.from_bytes(connection.client.key[-2:], "big"))
            return
        result = describe(connection)
        if self.selection is not None and not self.selection.wants(result):
            return
        result.captures = captures
        self.add_connection(result, [] if self.only_verdicts else list(list_findings(facts, result)))

    def add_stt(self, packets: int) -> None:
        """Count what is no connection but a tunnel that looks like one."""
        self._stt_packets += packets

    def add_other(self, protocol: str, port: int) -> None:
        """Count a connection of another protocol."""
        self.tally.add_other(protocol, port)

    def add_connection(self, result: ConnectionResult, found: list[Finding]) -> None:
        """Count a connection that was judged, tell of it, and keep it where there is room."""
        if self.exceptions is not None:
            found = self.exceptions.mark(found, result)
        self.tally.add(result)
        for index in result.captures:
            self._by_capture[index].add(result)
        for hit in found:
            self.add_finding(hit)
        self.losses.add(result)
        if result.leaked:
            self.leaked.add(result.leaked)
        self.not_classified += result.not_classified
        if self.grouped is not None:
            self.grouped.add(result.groups, result.not_grouped)
        if self.on_connection is not None:
            self.on_connection(result, found)
        self._keep(result)

    def _tell(self, statement: Statement) -> None:
        if self.on_statement is not None:
            self.on_statement(int(statement.connection), describe_statement(statement))

    def _wants_statement(self, event: Statement) -> bool:
        if self.selection is None:
            return True
        return self.selection.wants_statement(self.parties(int(event.connection)), int(event.time_ns))

    def parties(self, connection: int) -> Parties | None:
        """Return who talks to whom in a connection that a statement is told of, while it is told."""
        from aurora_wire.verdict.parties import find_parties  # noqa: PLC0415 - where statements are filtered

        if self._there is None:
            there = (*self.engine.open_connections(), *self.engine.ended)
            self._there = {int(one.facts.id): one for one in there}
        found = self._there.get(connection)
        return None if found is None else find_parties(found)

    def _keep(self, result: ConnectionResult) -> None:
        """Keep a result while there is room; connections in which nothing leaked do not take all of it."""
        result.groups = []  # they are in those of the whole
        cost = estimate_cost(result)
        leaks = result.verdict in ("plaintext", "mixed")
        if len(self.connections) < MAX_CONNECTIONS and self._room - cost >= (0 if leaks else self._without_leak):
            self._room -= cost
            self.connections.append(result)
            if self.on_kept is not None:
                self.most_shown = self.on_kept(result)

    @staticmethod
    def _is_stt(connection: Connection) -> bool:
        """Return whether it is "stateless" TCP, the tunnel of draft-davie-stt: one port, and never a SYN."""
        port = int.from_bytes(connection.client.key[-2:], "big")
        return port == STT_PORT and connection.client_isn < 0 and connection.server_isn < 0

    def _find_captures(self, connection: int) -> list[int]:
        """Return the captures with a packet of a connection that has ended, by index; none if there is one capture."""
        if self.seen_in is None:
            return []
        seen = self.seen_in.pop(connection, 0)
        return [index for index, bit in enumerate(f"{seen:b}"[::-1]) if bit == "1"]

    def _judge_captures(self, verdict: Verdict, confidence: Confidence | None) -> None:
        """Give each capture its own verdict, of the connections with a packet in it; of the whole where it is alone."""
        for index, capture in enumerate(self.captures):
            if capture.format == UNREADABLE:
                continue
            if len(self.captures) == 1:
                capture.verdict, capture.confidence = verdict, confidence
            elif self.seen_in is not None:
                tally = self._by_capture[index]
                capture.verdict, capture.confidence = compute_verdict(tally, [capture])

    def add_of_capture(self, hit: Finding) -> None:
        """Count a finding about a capture."""
        self.add_finding(hit if self.exceptions is None else self.exceptions.mark([hit], None)[0])

    def add_finding(self, hit: Finding) -> None:
        """Count a finding, and keep it where there is room."""
        self.findings_total[hit.rule] += 1
        if self.findings_total[hit.rule] <= MAX_FINDINGS:
            self.findings.append(hit)

    def finish(self) -> Scan:
        """Return the result: no more frames will come."""
        self.engine.finish()
        self.collect()
        return self.result()

    def result(self) -> Scan:
        """Return the result of what was counted and kept."""
        if self._stt_packets and self.captures:
            self._skipped(self.captures[-1], STT, 0, self._stt_packets)
        verdict, confidence = compute_verdict(self.tally, self.captures)
        self._judge_captures(verdict, confidence)
        self.connections.sort(key=lambda one: one.id)
        # By rule, then connection, then frame: comparing tuples takes ten times what three sorts do.
        self.findings.sort(key=lambda one: one.frame or 0)
        self.findings.sort(key=lambda one: one.connection or 0)
        self.findings.sort(key=lambda one: one.rule)
        return Scan(
            verdict=verdict,
            confidence=confidence,
            captures=self.captures,
            frame_places=self.frame_places,
            connections=self.connections,
            connections_total=sum(self.tally.by_verdict.values()),
            by_verdict=dict(sorted(self.tally.by_verdict.items())),
            not_mysql=dict(sorted(self.tally.not_mysql.items())),
            findings=self.findings,
            findings_total=dict(sorted(self.findings_total.items())),
            undecoded=list_undecoded(self.losses, self.captures),
            closing=self._closing(verdict),
            open_leaks=None if self.exceptions is None else self.exceptions.open_leaks,
            open_rules=[] if self.exceptions is None else sorted(self.exceptions.open_rules),
            exceptions=[] if self.exceptions is None else self.exceptions.results(),
            filters={} if self.selection is None else dict(self.selection.text),
            filtered_out=0 if self.selection is None else self.selection.left_out,
            ports=self.ports,
            tls_ports=dict(sorted(self.tally.tls_ports.items())),
            ignored=self.ignored,
            tool_version=VERSION,
            leaked=self.leaked.result(),
            values_key=make_values_key(self.captures),
            not_classified=self.not_classified,
            groups=self._groups(),
            not_grouped=0 if self.grouped is None else self.grouped.beyond,
            exit_code=compute_exit_code(verdict, self.captures),
            keylogs=self.decryptors.keylog.sources if self.decryptors is not None else [],
        )

    def _groups(self) -> list[StatementGroup] | None:
        if self.grouped is None:
            return None
        from aurora_wire.verdict.sql_names import with_names  # noqa: PLC0415 - where groups are asked for

        return with_names(self.grouped.result())

    def _closing(self, verdict: Verdict) -> str:
        said = compose_closing(self.tally, verdict, self.captures)
        known = "" if self.exceptions is None else self.exceptions.in_words()
        if known:
            said = f"{said.removesuffix('.')}; {known}."
        if self.selection is None:
            return said
        if not self.tally.by_verdict.total():
            said = "no connection, so there is nothing to judge."
        return self.selection.closing(said)


def make_values_key(captures: Sequence[CaptureResult]) -> bytes:
    """Return the key for hashes of values: it comes from the captures' bytes, so that the same captures give the same
    report; of a live one it is by chance.
    """
    secrets = [one.secret for one in captures if one.format != UNREADABLE]
    if not secrets or not all(secrets):
        return os.urandom(32)
    return hashlib.blake2b(b"".join(secrets), digest_size=32, person=b"aurora-values").digest()


def estimate_cost(result: ConnectionResult) -> int:
    """Return about how many bytes a result takes, without its statements, which have a bound of their own."""
    size = RESULT_COST + REASON_COST * (len(result.reasons) + 2 * len(result.files))
    size += COMMAND_COST * len(result.commands)
    for key, value in result.attributes.items():
        size += len(key) + len(value) + COMMAND_COST
    for one in result.files:
        size += len(one.path)
    for leaked in result.leaked:
        size += LEAKED_COST + sum(map(len, leaked.values))
    size += len(result.user or "") + len(result.database or "")
    tls = result.tls
    if tls is not None:
        size += 4 * REASON_COST + COMMAND_COST * (len(tls.alpn) + len(tls.offered_versions))
        size += 8 * (len(tls.certificates or ()) + len(tls.client_certificates))  # shared by all that show them
    return size


def read_key_logs(keylogs: Sequence[KeyLogInput]) -> KeyLogDecryptors:
    """Read key logs. Raises UsageError if a file is none, or cryptography is missing though there is one."""
    from aurora_wire.decrypt.decryptor import KeyLogDecryptors, require_cryptography  # noqa: PLC0415
    from aurora_wire.decrypt.key_log import KeyLog  # noqa: PLC0415 - most scans have no key log

    if keylogs:
        require_cryptography()
    joined = KeyLog()
    for keylog in keylogs:
        if isinstance(keylog, KeyLog):
            joined.include(keylog)
        else:
            joined.read(keylog)
    return KeyLogDecryptors(joined)
