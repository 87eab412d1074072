"""Runs `aurora-wire relay`."""

from __future__ import annotations

import argparse
import asyncio
import io
import time
from contextlib import suppress
from typing import Final

from aurora_wire._version import VERSION
from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.analysis.watch import last_standing
from aurora_wire.capture.relay.recording import RelayRecording
from aurora_wire.capture.relay.server import Relay
from aurora_wire.cli import preload
from aurora_wire.cli.exit_codes import OUTPUT_FAILED
from aurora_wire.cli.output import Output, ReaderGone, complain
from aurora_wire.cli.scan import deliver, set_exit_code
from aurora_wire.cli.watch_session import Stop
from aurora_wire.errors import OutputError
from aurora_wire.ports import DEFAULT_PORTS
from aurora_wire.report.escape import show_text
from aurora_wire.report.live.lines import LiveJSONLines, TextLines, between, recorded_text
from aurora_wire.rights.privileges import account_to_become, drop
from aurora_wire.verdict.describe import endpoints
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan
from aurora_wire.wire.decoding.connection_log import OTHER
from aurora_wire.wire.flows.connection import Connection

LOOK: Final = 0.1            # seconds between two looks at what has ended
FLUSH: Final = 1.0           # seconds, at most, until what was carried is in the file


class RelaySession:
    """One run: a relay, what it carries fed to an Analysis and a recording alike, and a line for each connection."""

    def __init__(
        self, arguments: argparse.Namespace, output: Output, stop: Stop, pipe: io.FileIO | None = None
    ) -> None:
        """pipe: what is recorded to in place of a file."""
        self.pipe = pipe
        self.arguments = arguments
        self.output = output
        self.stop = stop
        self.relay = Relay(arguments.listen, arguments.to, self._frame, complain, count=arguments.count)
        self.json = _JSONLines(self._write, redact=arguments.redact) if arguments.format == "jsonl" else None
        self.text: TextLines | None = None
        if self.json is None and not arguments.quiet:
            self.text = TextLines(output.write, redact=arguments.redact)
        view = self.json or self.text
        self.analysis = Analysis(
            ScanOptions(list(dict.fromkeys((*DEFAULT_PORTS, arguments.to[1])))),
            on_statement=None if view is None else view.statement, on_connection=self._ended,
        )  # fmt: skip
        if self.text is not None:
            self.text.who = self.analysis.parties
        self.recording: RelayRecording | None = None
        self.bytes = 0
        self._looked_bytes = 0
        self._failure_told = False   # that the recording has failed
        self.account = account_to_become()

    def run(self) -> int:
        if self.account is not None:
            preload.everything()  # before anybody waits for an answer
        relay, analysis = self.relay, self.analysis
        failure: Exception | None = None
        capture = CaptureResult(f"relay to {relay.target}", "relay", None, None, 0)
        analysis.begin(capture)
        try:
            asyncio.run(self._run())
        except (OutputError, ReaderGone) as error:
            if self.recording is None:
                raise
            failure = error  # of standard output, which now goes nowhere; the recording is still made whole
        finally:
            if self.recording is not None:
                self.recording.close()
        capture.bytes = self.bytes
        analysis.end(capture)
        scan = analysis.finish()
        with suppress(ReaderGone):
            self._told()
        self._tell_failure("")
        if isinstance(failure, OutputError):
            raise failure
        return self._report(scan, reader_gone=failure is not None)

    def _report(self, scan: Scan, *, reader_gone: bool) -> int:
        if reader_gone:
            set_exit_code(scan, self.arguments)
        else:
            with suppress(ReaderGone):
                self._tell_recorded()
                deliver(scan, self.arguments, self.output, self.json)
        return OUTPUT_FAILED if self._failure_told else scan.exit_code

    async def _run(self) -> None:
        relay, arguments = self.relay, self.arguments
        await relay.open()
        try:
            if arguments.write:
                self.recording = RelayRecording(
                    arguments.write, application=f"aurora_wire {VERSION}", listen=str(relay.address),
                    target=str(relay.target), replace=arguments.force, file=self.pipe,
                )  # fmt: skip
            if self.account is not None:  # decoding what others send takes no rights
                drop(self.account)
            begun = flushed = time.monotonic()
            end = begun + arguments.duration if arguments.duration else float("inf")
            self._started()
            while not self.stop.asked and (now := time.monotonic()) < end:
                await asyncio.sleep(min(LOOK, end - now))
                self._look()
                if self.recording is not None and now - flushed >= FLUSH:
                    flushed = now
                    self.recording.flush()
                self._tell_failure(" Connections are carried on.")
                if (arguments.count and relay.ended >= arguments.count) or self._reader_gone():
                    break
        finally:
            await relay.close()

    def _frame(self, time_ns: int, frame: bytes, link_type: int) -> None:
        size = len(frame)
        self.bytes += size
        self.analysis.engine.feed(frame, 0, size, size, time_ns, link_type)
        if self.recording is not None:
            self.recording.packet(time_ns, frame, link_type)

    def _look(self) -> None:
        """Judge a connection at once: after its last frame nothing of it comes late."""
        engine = self.analysis.engine
        engine.finish_closed()
        for connection in engine.ended:
            if connection.facts.kind == OTHER:
                self._other(connection)
        looked, self._looked_bytes = self._looked_bytes, self.bytes
        self.analysis.collect(idle=looked == self.bytes)
        self._told()

    def _told(self) -> None:
        if self.text is not None:
            self.text.told()
            self.output.flush()

    def _reader_gone(self) -> bool:
        """Return whether the recording goes to standard output, and nobody reads it any more."""
        return self.pipe is not None and self.recording is not None and self.recording.failure is not None

    def _tell_recorded(self) -> None:
        """Tell what was recorded, with its hash."""
        if self.recording is None:
            return
        files = [self.recording.recorded()]
        if self.json is not None:
            self.json.recorded(files)
        elif self.text is not None:
            self._write(recorded_text(files))

    def _started(self) -> None:
        relay, arguments = self.relay, self.arguments
        if self.json is not None:
            self.json.listening(str(relay.address), str(relay.target))
        elif not arguments.quiet:
            into = f", recorded in {show_text(arguments.write)}" if arguments.write else ""
            self._write(f"relaying {relay.address} to {show_text(str(relay.target))}{into}\n")

    def _ended(self, result: ConnectionResult, findings: list[Finding]) -> None:
        if self.json is not None:
            self.json.connection(result, findings)
        elif self.text is not None:
            self.text.standing(last_standing(result), changed=True)

    def _other(self, connection: Connection) -> None:
        if self.text is not None:
            who = between(*endpoints(connection), None)
            what = show_text(connection.facts.other)
            self.text.line(connection.last_time, f"connection {connection.facts.id}, {who}: not MySQL ({what})")

    def _write(self, line: str) -> None:
        self.output.write(line)
        self.output.flush()

    def _tell_failure(self, more: str) -> None:
        if self.recording is not None and self.recording.failure is not None and not self._failure_told:
            self._failure_told = True
            complain(f"{self.recording.failure}{more}")


class _JSONLines(LiveJSONLines):
    """The lines of `watch`, but for the first."""

    def listening(self, address: str, target: str) -> None:
        self._line("started", {"listen": address, "to": target})
