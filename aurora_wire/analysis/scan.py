"""Captures in, a Scan out, in one call: joins capture, wire and verdict."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.clocks import aligned
from aurora_wire.analysis.interleave import Interleaved
from aurora_wire.analysis.options import (
    DEFAULT_PORTS,
    KEPT_STATEMENTS,
    KeyLogInput,
    OnBegin,
    OnCapture,
    OnConnection,
    OnProgress,
    OnStatement,
)
from aurora_wire.analysis.reading import Reading
from aurora_wire.analysis.selection import Selection
from aurora_wire.capture.files.inputs import find_inputs
from aurora_wire.errors import CaptureError, UsageError
from aurora_wire.verdict.exceptions import Exceptions
from aurora_wire.verdict.result import Scan


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
    selection: Selection | None = None,
    exceptions: Exceptions | None = None,
) -> Scan:
    """Judge captures: files, folders, globs, "-" for standard input; read as one, in the order of their times.

    ports: where TLS or undecided streams count as MySQL's; with only_ports other ports are not looked at.
    keylogs: files with TLS secrets (SSLKEYLOGFILE), or a KeyLog; what a pcapng holds of them is used besides. They
    show what was inside TLS (`ConnectionResult.tls.decrypted`), and need the package cryptography.
    keep_statements: of each connection, the first ones, in its result; all are counted.
    on_begin: called once, before anything is read, with the list of captures and their frames' places (both fill up
    while they are read), and how many there are. on_capture: called when one is opened; on_statement (connection id,
    statement), on_connection: as they come, all of them, also those beyond the bounds of the result. on_progress
    (stored bytes read, their total or None): called a few times a second. selection: what is let through; all of the
    result is of that, and says so (`filters`). exceptions: findings that are known, marked in the result.

    Ctrl-C ends the reading: the result is of what was read, its last capture not complete. Raises UsageError, and
    CaptureError where nothing could be read.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    analysis = Analysis(
        ports, only_ports=only_ports, keylogs=keylogs, keep_statements=keep_statements, on_capture=on_capture,
        on_statement=on_statement, on_connection=on_connection, selection=selection,
        exceptions=exceptions,
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
