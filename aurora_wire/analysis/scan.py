"""Captures in, a Scan out, in one call: joins capture, wire and verdict."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.clocks import aligned
from aurora_wire.analysis.interleave import Interleaved, check_readable
from aurora_wire.analysis.job_count import MAX_JOBS, can_share, measure_sizes
from aurora_wire.analysis.options import (
    STANDARD,
    OnBegin,
    OnCapture,
    OnConnection,
    OneJobNeeded,
    OnKept,
    OnNote,
    OnProgress,
    OnStatement,
    ScanOptions,
)
from aurora_wire.analysis.reading import Reading
from aurora_wire.capture.files.inputs import find_inputs
from aurora_wire.errors import CaptureError
from aurora_wire.immutable import replace
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan


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
    options: ScanOptions = STANDARD,
    *,
    jobs: int = 1,
    on_begin: OnBegin | None = None,
    on_capture: OnCapture | None = None,
    on_statement: OnStatement | None = None,
    on_connection: OnConnection | None = None,
    on_kept: OnKept | None = None,
    on_progress: OnProgress | None = None,
    on_note: OnNote | None = None,
) -> Scan:
    """Judge captures: files, folders, globs, "-" for standard input; read as one, in the order of their times.

    jobs: processes that read, on Linux; the result is the same for any number. With a selection, and where a bound of
    all connections together makes it depend on their order, one process reads.
    on_begin: called once, before anything is read, with the list of captures and their frames' places (both fill up
    while they are read), and how many there are. on_capture: called when one is opened; on_statement (connection id,
    statement), on_connection: as they come, all of them, also those beyond the bounds of the result. on_kept: called
    with each result that is kept: who shows little of it may let go of the rest, and returns how many statements of any
    later one are of use at most (where several processes read, no more are handed over). on_progress (stored bytes
    read, their total or None): called a few times a second. on_note: told, in a sentence, why one process reads where
    several were asked for.

    Ctrl-C ends the reading: the result is of what was read, its last capture not complete. Raises UsageError, and
    CaptureError where nothing could be read.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    once = Once(on_capture, on_statement, on_connection)
    analysis = Analysis(
        options, on_capture=once.on_capture, on_statement=once.on_statement, on_connection=once.on_connection,
        on_kept=on_kept,
    )  # fmt: skip
    found = find_inputs([os.fspath(path) for path in paths])
    inputs = found.captures
    analysis.ignored = [one.path for one in found.left_out]
    if len(inputs) > 1:
        analysis.seen_in = {}
    if on_begin is not None:
        on_begin(analysis.captures, analysis.frame_places, len(inputs))
    in_order, shifts = aligned(inputs)
    if jobs != 1:
        try:
            return _scan_shared(analysis, in_order, shifts, jobs, on_progress)
        except OneJobNeeded as reason:
            if on_note is not None and str(reason):
                on_note(f"read by one process: {reason}")
        analysis = once.again(analysis)
    failures: list[CaptureError] = []

    def start(path: str) -> Reading | None:
        reading = Reading(analysis, path, on_progress, shifts.get(path, 0))
        try:
            return reading if reading.start() else None
        except CaptureError as error:
            failures.append(error)
            analysis.unreadable(error.path, error)
            return None

    interleaved = Interleaved(in_order, start)
    with no_garbage_collector():
        try:
            while interleaved.step():
                pass
        except KeyboardInterrupt:
            for reading in interleaved.open_readers():
                reading.interrupt()
    check_readable(failures, len(inputs))
    return analysis.finish()


def _scan_shared(
    analysis: Analysis, inputs: list[tuple[str, int]], shifts: dict[str, int], jobs: int,
    on_progress: OnProgress | None,
) -> Scan:  # fmt: skip
    """Let several processes read. Raises OneJobNeeded, with the reason for people where there is one."""
    sizes = measure_sizes([path for path, _ in inputs])
    if analysis.selection is not None:
        raise OneJobNeeded("of filters one process counts what they leave out")
    if analysis.on_statement is not None:
        raise OneJobNeeded("statements are told as they come, over all connections, by one")
    if not can_share():
        raise OneJobNeeded("more need Linux")
    if sizes is None:
        raise OneJobNeeded("an input is no regular file")
    from aurora_wire.analysis.jobs import Inputs, Shared  # noqa: PLC0415 - one process does without
    from aurora_wire.analysis.share import Share  # noqa: PLC0415

    options = replace(_with_read_key_logs(analysis), exceptions=None)  # findings are marked where they meet

    def make() -> Share:
        share = Share(options)
        share.seen_in = None if analysis.seen_in is None else {}
        return share

    shared = Shared(analysis, make, Inputs(inputs, shifts, sizes), min(jobs, MAX_JOBS), on_progress)
    with no_garbage_collector():
        failures = shared.run()
    check_readable(failures, len(inputs))
    result = analysis.result()
    result.keylogs = shared.keylogs()
    return result


def _with_read_key_logs(analysis: Analysis) -> ScanOptions:
    """Return the options for another analysis of the same captures: key logs are not read twice."""
    decryptors = analysis.decryptors
    return replace(analysis.options, keylogs=[] if decryptors is None else [decryptors.keylog])


class Once:
    """Callbacks that are called once for each thing, in its order, however often the captures are read."""

    def __init__(
        self, on_capture: OnCapture | None, on_statement: OnStatement | None, on_connection: OnConnection | None
    ) -> None:
        self._made = [0, 0]    # calls: of captures, and of connections
        self._passed = [0, 0]  # of them, those that are not made again
        self.on_statement = on_statement  # whoever wants it has one process
        self._on_capture = on_capture
        self._on_connection = on_connection
        self.on_capture = self._capture if on_capture is not None else None
        self.on_connection = self._connection if on_connection is not None else None

    def again(self, analysis: Analysis) -> Analysis:
        """Return an analysis like this one, for captures that are read again, with the lists that were shown."""
        fresh = Analysis(
            _with_read_key_logs(analysis), on_capture=self.on_capture, on_statement=self.on_statement,
            on_connection=self.on_connection,
        )  # fmt: skip
        fresh.ignored = analysis.ignored
        fresh.seen_in = None if analysis.seen_in is None else {}
        analysis.captures.clear()
        analysis.frame_places.clear()
        fresh.captures, fresh.frame_places = analysis.captures, analysis.frame_places
        self._passed = self._made[:]
        self._made = [0, 0]
        return fresh

    def _is_new(self, kind: int) -> bool:
        self._made[kind] += 1
        return self._made[kind] > self._passed[kind]

    def _capture(self, capture: CaptureResult) -> None:
        if self._is_new(0) and self._on_capture is not None:
            self._on_capture(capture)

    def _connection(self, connection: ConnectionResult, found: list[Finding]) -> None:
        if self._is_new(1) and self._on_connection is not None:
            self._on_connection(connection, found)


def uninterrupted(result: Scan) -> Scan:
    """Return the result, unless Ctrl-C cut it: half a result proves nothing. Raises KeyboardInterrupt."""
    if any(capture.interrupted for capture in result.captures):
        raise KeyboardInterrupt
    return result
