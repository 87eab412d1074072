"""Captures in, a Scan out: joins capture, wire and verdict.

`Analysis` is the incremental form: it is given captures (or an engine's ended connections) and keeps what a result
needs, bounded. `scan` is the whole of it in one call.
"""

from __future__ import annotations

import gc
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from aurora_wire._version import VERSION
from aurora_wire.analysis.clocks import aligned
from aurora_wire.analysis.interleave import FOREVER, Interleaved
from aurora_wire.analysis.pump import pump_noting, pump_until
from aurora_wire.capture.files.inputs import find_inputs
from aurora_wire.capture.files.open import Capture, open_capture
from aurora_wire.errors import CaptureError, UsageError
from aurora_wire.verdict.describe import describe, statement_of
from aurora_wire.verdict.frame_kinds import kind_name, link_type_names, most_frequent
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.overall import Tally, closing_of, exit_code_of, verdict_of
from aurora_wire.verdict.result import (
    CaptureResult,
    Confidence,
    ConnectionResult,
    Finding,
    Scan,
    StatementResult,
    Verdict,
)
from aurora_wire.verdict.rules import registry as rules
from aurora_wire.verdict.rules.checks import findings_of
from aurora_wire.verdict.rules.registry import finding
from aurora_wire.verdict.undecoded import Losses, undecoded_of
from aurora_wire.wire.decoding import anomalies as notes
from aurora_wire.wire.decoding.connection_log import MAX_STATEMENTS, OTHER, Budget
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.engine import Engine
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.net.skip_reasons import FRAGMENT_LOST, FRAGMENT_WAITING, STT, remedy_of
from aurora_wire.zstd import zstd_decompressor

if TYPE_CHECKING:
    from aurora_wire.decrypt.decryptor import KeyLogOpeners
    from aurora_wire.decrypt.key_log import KeyLog

DEFAULT_PORTS = (3306, 33060)
STT_PORT = 7471               # of TCP
CHUNK = 20_000                # frames between two looks at what ended
MAX_CONNECTIONS = 100_000     # results kept; all are counted
MAX_RESULTS = 56 << 20        # bytes that they take, roughly
RESULT_COST = 1200            # bytes of a result without anything in it
REASON_COST = 260             # of a reason, or another thing in it,
COMMAND_COST = 150            # of a name with a number or a text
FREE_WINDOW = 16 << 20        # bytes of a decompression's window that cost nothing else
MOST_RESERVED = 64 << 20
MAX_FINDINGS = 1_000          # kept of a rule; all are counted
KEPT_STATEMENTS = int(MAX_STATEMENTS)  # of a connection; all are counted

KeyLogInput: TypeAlias = "str | os.PathLike[str] | KeyLog"
OnBegin = Callable[[list[CaptureResult], FramePlaces, int], None]
OnCapture = Callable[[CaptureResult], None]
OnStatement = Callable[[int, StatementResult], None]
OnConnection = Callable[[ConnectionResult, list[Finding]], None]
OnProgress = Callable[[int, int | None], None]
UNREADABLE = "unreadable"     # the format of an input that is no capture


class Analysis:
    """What is known so far. Feed `engine` (directly, or by `read`), call `collect` now and then, `finish` once."""

    def __init__(
        self,
        ports: Sequence[int] = DEFAULT_PORTS,
        *,
        only_ports: bool = False,
        keylogs: Sequence[KeyLogInput] = (),
        keep_statements: int = KEPT_STATEMENTS,
        max_results: int = MAX_RESULTS,
        on_capture: OnCapture | None = None,
        on_statement: OnStatement | None = None,
        on_connection: OnConnection | None = None,
    ) -> None:
        """Begin an analysis. max_results: bytes that the results of connections may take, roughly."""
        self.ports = list(ports)
        self.on_capture = on_capture
        self.on_statement = on_statement
        self.on_connection = on_connection
        self.engine = Engine(
            self.ports, only_ports, zstd_decompressor, want_events=on_statement is not None,
            budget=Budget(each=keep_statements),
        )  # fmt: skip
        self.openers: KeyLogOpeners | None = openers_of(keylogs) if keylogs else None
        if self.openers is not None:
            self.engine.use_openers(self.openers)
        self.captures: list[CaptureResult] = []
        self.ignored: list[str] = []
        self.frame_places = FramePlaces()
        self.seen_in: dict[int, int] | None = None  # open connections by id: a bit for each capture with a packet of it
        self._by_capture: defaultdict[int, Tally] = defaultdict(Tally)
        self._fragments_lost = 0
        self._stt_packets = 0
        self.connections: list[ConnectionResult] = []
        self.findings: list[Finding] = []
        self.findings_total: Counter[str] = Counter()
        self._room = max_results
        self._without_leak = max_results // 3  # of it, kept for connections that leak
        self.tally = Tally()
        self.losses = Losses(port=next((port for port in ports), 3306))

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

    def keys_of(self, capture: Capture) -> None:
        """Use the keys that the capture itself holds: they come up while it is read."""
        if self.openers is None:
            if capture.format != "pcapng":
                return
            self.openers = openers_of(())
            self.engine.use_openers(self.openers)
        self.openers.of_capture(capture.secrets, capture.path)

    def describe_capture(self, result: CaptureResult, capture: Capture, packets: int) -> None:
        """Describe a capture, now that it was read."""
        result.sha256 = capture.sha256()
        result.bytes = capture.position()
        result.undated = capture.undated
        result.dropped_packets = capture.dropped_packets
        self.end(result, packets)

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
        lost = int(engine.locator.fragments.lost_count())
        if lost > self._fragments_lost:
            # Those that came whole after all are in their datagrams.
            self._skipped(result, FRAGMENT_LOST, 0, lost - self._fragments_lost)
        self._fragments_lost = lost
        for key, count in sorted(engine.skipped.items()):
            if key >> 32 in (FRAGMENT_WAITING, FRAGMENT_LOST):
                continue
            self._skipped(result, key >> 32, key & 0xFFFFFFFF, count)
        result.skipped, result.hiding = most_frequent(result.skipped, result.hiding)
        if result.packets and engine.first_time >= 0:
            result.first_time_ns = int(engine.first_time)
            result.last_time_ns = int(engine.now) if engine.now >= 0 else None
        if not result.complete:
            engine.note_open(notes.DAMAGED_FILE)
        if result.dropped_packets:
            self._add(finding(rules.PACKETS_DROPPED, f"{result.dropped_packets:,} packets in {result.path}"))
        if not result.complete:
            self._add(finding(rules.FILE_DAMAGED, result.error or "", frame=int(engine.frames) or None))

    @staticmethod
    def _skipped(result: CaptureResult, reason: int, detail: int, count: int) -> None:
        name = kind_name(reason, detail)
        result.skipped[name] = result.skipped.get(name, 0) + count
        remedy = remedy_of(reason, detail)
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
        self._add(finding(rules.FILE_DAMAGED, str(error)))

    def collect(self) -> None:
        """Take what the engine has finished."""
        engine = self.engine
        events = engine.events
        if events is not None:
            if self.on_statement is not None:
                for event in events:
                    if isinstance(event, Statement):
                        self.on_statement(int(event.connection), statement_of(event))
            events.clear()
        if not engine.ended:
            return
        ended = engine.ended
        engine.ended = []
        ended.reverse()
        while ended:  # each is let go of when its result is made
            connection = ended.pop()
            facts = connection.facts
            connection.dispose()
            captures = self._captures_of(int(facts.id))
            if facts.kind == OTHER and self._is_stt(connection):
                self._stt_packets += int(connection.packets)
                continue
            if facts.kind == OTHER:
                self.tally.add_other(facts.other, int.from_bytes(connection.client.key[-2:], "big"))
                continue
            result = describe(connection)
            self.tally.add(result)
            result.captures = captures
            for index in captures:
                self._by_capture[index].add(result)
            found = list(findings_of(facts, result))
            for hit in found:
                self._add(hit)
            self.losses.add(result)
            if self.on_connection is not None:
                self.on_connection(result, found)
            self._keep(result)

    def _keep(self, result: ConnectionResult) -> None:
        """Keep a result while there is room; connections in which nothing leaked do not take all of it."""
        cost = cost_of(result)
        leaks = result.verdict in ("plaintext", "mixed")
        if len(self.connections) < MAX_CONNECTIONS and self._room - cost >= (0 if leaks else self._without_leak):
            self._room -= cost
            self.connections.append(result)

    @staticmethod
    def _is_stt(connection: Connection) -> bool:
        """Return whether it is "stateless" TCP, the tunnel of draft-davie-stt: one port, and never a SYN."""
        port = int.from_bytes(connection.client.key[-2:], "big")
        return port == STT_PORT and connection.client_isn < 0 and connection.server_isn < 0

    def _captures_of(self, connection: int) -> list[int]:
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
                capture.verdict, capture.confidence = verdict_of(tally, [capture])

    def _add(self, hit: Finding) -> None:
        self.findings_total[hit.rule] += 1
        if self.findings_total[hit.rule] <= MAX_FINDINGS:
            self.findings.append(hit)

    def finish(self) -> Scan:
        """Return the result: no more frames will come."""
        self.engine.finish()
        self.collect()
        if self._stt_packets and self.captures:
            self._skipped(self.captures[-1], STT, 0, self._stt_packets)
        verdict, confidence = verdict_of(self.tally, self.captures)
        self._judge_captures(verdict, confidence)
        self.connections.sort(key=lambda one: one.id)
        self.findings.sort(key=lambda one: (one.rule, one.connection or 0, one.frame or 0))
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
            undecoded=undecoded_of(self.losses, self.captures),
            closing=closing_of(self.tally, verdict, self.captures),
            ports=self.ports,
            tls_ports=dict(sorted(self.tally.tls_ports.items())),
            ignored=self.ignored,
            tool_version=VERSION,
            exit_code=exit_code_of(verdict, self.captures),
            keylogs=self.openers.keylog.sources if self.openers is not None else [],
        )


class Reading:
    """A capture that is being fed to an analysis, alone or in turns with others whose times overlap."""

    def __init__(self, analysis: Analysis, path: str, on_progress: OnProgress | None, shift_ns: int = 0) -> None:
        self._shift_ns = shift_ns  # its clock is so much behind
        self._analysis = analysis
        self._path = path
        self._on_progress = on_progress
        self._packets = 0
        self._reserved = 0         # of the budget of open connections, for a large window of decompression
        self._counts: tuple[dict[int, int], dict[int, int], int, int, int, int] | None = None

    def start(self) -> bool:
        """Open it and go to its first frame; False where it has none. Raises CaptureError where it is no capture."""
        self._capture = open_capture(self._path)
        self._source = self._capture.source
        self._result = CaptureResult(self._path, self._capture.format, self._capture.compression, None, 0)
        self._analysis.begin(self._result)
        self._index = len(self._analysis.captures) - 1
        with self._ending_with_trouble():
            self._analysis.keys_of(self._capture)
            if self._source.advance():
                self._leave()
                return True
            self._end()
        return False

    def time_ns(self) -> int:
        time_ns = int(self._source.time_ns)
        return time_ns + self._shift_ns if time_ns >= 0 else time_ns

    def read_until(self, until: int) -> bool:
        """Feed the current frame and those after it that are not later; False at the end of the capture."""
        analysis = self._analysis
        engine = analysis.engine
        self._enter()
        self._reserve(self._capture.window)
        before = int(engine.frames)
        more = False
        until -= self._shift_ns
        with self._ending_with_trouble(before):
            if analysis.seen_in is None:
                more = pump_until(self._source, engine, CHUNK, until)
            else:
                more = pump_noting(self._source, engine, CHUNK, until, analysis.seen_in, self._index)
            self._packets += int(engine.frames) - before
            before = int(engine.frames)
            if not more:
                self._end()
        if more:
            self._leave()
            self._result.undated = self._capture.undated
            analysis.collect()
            if self._on_progress is not None:
                self._on_progress(self._capture.position(), self._capture.size)
        return more

    @contextmanager
    def _ending_with_trouble(self, before: int | None = None) -> Iterator[None]:
        try:
            yield
        except CaptureError as error:
            self._count(before)
            self._result.error = str(error)
            self._end()
        except KeyboardInterrupt:
            self._count(before)
            self._result.error = f"{self._path}: interrupted"
            self._result.interrupted = True
            self._end()
            raise

    def interrupt(self) -> None:
        """Read no further: what was read is kept, and not complete."""
        self._enter()
        self._result.error = f"{self._path}: interrupted"
        self._result.interrupted = True
        self._end()

    def _count(self, before: int | None) -> None:
        if before is not None:
            self._packets += int(self._analysis.engine.frames) - before

    def _reserve(self, window: int) -> None:
        """Take what a large window of decompression holds from what open connections may."""
        reserved = min(max(window - FREE_WINDOW, 0), MOST_RESERVED)
        self._analysis.engine.budget.open -= reserved - self._reserved
        self._reserved = reserved

    def _end(self) -> None:
        self._reserve(0)
        if self._result.error is None:
            self._result.error = self._capture.damage
        self._analysis.describe_capture(self._result, self._capture, self._packets)
        self._analysis.collect()
        self._capture.close()

    def _enter(self) -> None:
        """Count what the engine counts as this capture's, from here on."""
        analysis = self._analysis
        engine = analysis.engine
        if engine.source == self._index or self._counts is None:
            return
        engine.source = self._index
        analysis.frame_places.add(int(engine.frames) + 1, self._index, self._packets + 1)
        if self._packets == 0:
            self._result.first_frame = int(engine.frames) + 1
        (
            engine.skipped, engine.link_types, engine.last_link, engine.first_time, engine.truncated_frames, engine.now,
        ) = self._counts  # fmt: skip

    def _leave(self) -> None:
        engine = self._analysis.engine
        self._counts = (
            engine.skipped, engine.link_types, int(engine.last_link), int(engine.first_time),
            int(engine.truncated_frames), int(engine.now),
        )  # fmt: skip


def cost_of(result: ConnectionResult) -> int:
    """Return about how many bytes a result takes, without its statements, which have a bound of their own."""
    size = RESULT_COST + REASON_COST * (len(result.reasons) + 2 * len(result.files))
    size += COMMAND_COST * len(result.commands)
    size += sum(len(key) + len(value) + COMMAND_COST for key, value in result.attributes.items())
    size += sum(len(one.path) for one in result.files) + len(result.user or "") + len(result.database or "")
    tls = result.tls
    if tls is not None:
        size += 3 * REASON_COST + COMMAND_COST * (len(tls.alpn) + len(tls.offered_versions))
    return size


def openers_of(keylogs: Sequence[KeyLogInput]) -> KeyLogOpeners:
    """Read key logs. Raises UsageError if a file is none, or cryptography is missing though there is one."""
    from aurora_wire.decrypt.decryptor import KeyLogOpeners, require_cryptography  # noqa: PLC0415
    from aurora_wire.decrypt.key_log import KeyLog  # noqa: PLC0415 - most scans have no key log

    if keylogs:
        require_cryptography()
    joined = KeyLog()
    for keylog in keylogs:
        if isinstance(keylog, KeyLog):
            joined.include(keylog)
        else:
            joined.read(keylog)
    return KeyLogOpeners(joined)


@contextmanager
def no_garbage_collector() -> Iterator[None]:
    """Switch the collector off, which walks all that is kept again and again, three quarters of a scan's time.

    It is not needed: a connection lets go of its only cycle when it has ended (`Connection.dispose`).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def scan(
    paths: Sequence[str | os.PathLike[str]],
    *,
    ports: Sequence[int] = DEFAULT_PORTS,
    only_ports: bool = False,
    keylogs: Sequence[KeyLogInput] = (),
    keep_statements: int = KEPT_STATEMENTS,
    on_begin: OnBegin | None = None,
    on_capture: OnCapture | None = None,
    on_statement: OnStatement | None = None,
    on_connection: OnConnection | None = None,
    on_progress: OnProgress | None = None,
) -> Scan:
    """Judge captures: files, folders, globs, "-" for standard input; read as one, in the order of their times.

    ports: where TLS or undecided streams count as MySQL's; with only_ports other ports are not looked at.
    keylogs: files with TLS secrets (SSLKEYLOGFILE), or a KeyLog; what a pcapng holds of them is used besides. They
    show what was inside TLS (`ConnectionResult.tls.opened`), and need the package cryptography.
    keep_statements: of each connection, the first ones, in its result; all are counted.
    on_begin: called once, before anything is read, with the list of captures and their frames' places (both fill up
    while they are read), and how many there are. on_capture: called when one is opened; on_statement (connection id,
    statement), on_connection: as they come, all of them, also those beyond the bounds of the result. on_progress
    (stored bytes read, their total or None): called a few times a second.

    Ctrl-C ends the reading: the result is of what was read, its last capture not complete. Raises UsageError, and
    CaptureError where nothing could be read.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    analysis = Analysis(
        ports, only_ports=only_ports, keylogs=keylogs, keep_statements=keep_statements, on_capture=on_capture,
        on_statement=on_statement, on_connection=on_connection,
    )  # fmt: skip
    failures: list[CaptureError] = []
    found = find_inputs([os.fspath(path) for path in paths])
    inputs = found.captures
    analysis.ignored = [one.path for one in found.left_out]
    if len(inputs) > 1:
        analysis.seen_in = {}
    if on_begin is not None:
        on_begin(analysis.captures, analysis.frame_places, len(inputs))

    def start(path: str) -> Reading | None:
        reading = Reading(analysis, path, on_progress, shifts.get(path, 0))
        try:
            return reading if reading.start() else None
        except CaptureError as error:
            failures.append(error)
            analysis.unreadable(path, error)
            return None

    in_order, shifts = aligned(inputs)
    interleaved = Interleaved(in_order, start)
    with no_garbage_collector():
        try:
            while interleaved.step():
                pass
        except KeyboardInterrupt:
            for reading in interleaved.open_readers():
                reading.interrupt()
    if failures and len(failures) == len(inputs):
        if len(failures) == 1:
            raise failures[0]
        raise UsageError("\n".join(str(failure) for failure in failures))
    return analysis.finish()


def uninterrupted(result: Scan) -> Scan:
    """Return the result, unless Ctrl-C cut it: half a result proves nothing. Raises KeyboardInterrupt."""
    if any(capture.interrupted for capture in result.captures):
        raise KeyboardInterrupt
    return result
