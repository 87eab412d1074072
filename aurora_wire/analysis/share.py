"""One of several processes that scan the same captures: each reads all frames, and follows its share of the flows.

A flow belongs to one share by its bucket (wire/flows/flow_buckets.py), after fragments and tunnels. What is found goes
to the process that asked (`jobs.py`) in marks: what one frame brought, in the order of frames.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.interleave import Interleaved
from aurora_wire.analysis.options import KEPT_STATEMENTS
from aurora_wire.analysis.packing import pack, seal
from aurora_wire.analysis.reading import Reading
from aurora_wire.errors import AuroraWireError, CaptureError
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.mysql.compressed import FREE_IN_ALL

if TYPE_CHECKING:
    from aurora_wire.decrypt.key_log_result import KeyLogResult

END: Final = 1 << 62        # the frame of what ends with the last capture
BATCH: Final = 500          # connections that end there, told at once
OVERSHOOT: Final = 1 << 18  # bytes by which a share may pass its part of a bound before that is noticed
BOUND: Final = "more is there than is kept at once, and what is kept depends on the order"
KEYS: Final = "keys inside a capture serve all connections after them"
DUMP: Final = "a hex dump is read by one"


class Judged(NamedTuple):
    """A connection that ended, by its number in this share."""

    connection: int
    result: ConnectionResult
    found: list[Finding]


class Other(NamedTuple):
    """A connection of another protocol."""

    protocol: str
    port: int


class Stt(NamedTuple):
    """What looks like a connection and is a tunnel."""

    packets: int


Item = Judged | Other | Stt | Finding


class Mark(NamedTuple):
    """What one frame brought.

    begun: how many connections have; left: of what decompressors may hold; order: among those of `END`.
    """

    frame: int
    begun: int
    left: int
    items: list[Item]
    order: int = 0


class Step(NamedTuple):
    """What the frames up to `frame` brought. trouble: from here on one process has to do it, and why.

    kept: bytes of statements and of certificates that this share keeps so far; nothing of them is given back.
    """

    frame: int
    marks: list[Mark]
    captures: list[tuple[int, CaptureResult]]  # by index, of the share that tells of captures: those being read
    places: list[tuple[int, int, int]]         # as `FramePlaces.add` takes them, since the last step
    position: tuple[int, int | None] | None
    trouble: str | None = None
    order: int = 0                             # at `END`: all up to this connection of the share
    kept: tuple[int, int] = (0, 0)


class Last(NamedTuple):
    """The last that a share says. digest: what has to be the same in all shares, or else the files changed."""

    digest: list[tuple[object, ...]]
    failures: list[CaptureError]
    keylogs: list[KeyLogResult]


class Steering(Protocol):
    """How the processes agree on the last frame, where Ctrl-C ends the reading."""

    def next_limit(self, share: int, frame: int) -> int:
        """Return how many frames may be read from `frame` on; 0 where it is the last one."""

    def most_shown(self) -> int:
        """Return how many statements of a connection may be shown, as far as that is known by now."""


class _Places(FramePlaces):
    def __init__(self) -> None:
        super().__init__()
        self.added: list[tuple[int, int, int]] = []

    def add(self, frame: int, capture: int, number: int) -> None:
        super().add(frame, capture, number)
        self.added.append((frame, capture, number))


class Share(Analysis):
    """An analysis of the flows of one share. What it finds is taken by `step`."""

    def limit_to_share(self, share: int, shares: int) -> None:
        """Take share number `share` of `shares`, and as much of what all connections together may hold.

        Statements and certificates it may keep as one process may: whoever asked adds up what all shares keep.
        """
        engine = self.engine
        engine.share = share
        engine.shares = shares
        engine.max_connections //= shares
        budget = engine.budget
        usual = self._usual = Budget()
        budget.held = usual.held // shares - OVERSHOOT
        budget.history = usual.history // shares - OVERSHOOT
        budget.prepared = usual.prepared // shares - OVERSHOOT
        budget.open = usual.open // shares - OVERSHOOT
        budget.inflated = int(FREE_IN_ALL) - int(FREE_IN_ALL) // shares
        self.marks = []
        self.frame_places = self.places = _Places()
        self.most_statements: Callable[[], int] = lambda: KEPT_STATEMENTS
        self._tells_of_captures = share == 0
        self._items: list[Item] = []
        self._late: list[Item] = []     # of captures: after all that their frames brought
        self._done: list[Mark] = []
        self._active: dict[int, CaptureResult] = {}
        self._over: list[int] = []
        self.position: tuple[int, int | None] | None = None

    def collect(self, *, idle: bool = False) -> None:  # noqa: ARG002 - no statement is told of by a share
        engine = self.engine
        marks = self.marks
        if marks is None:
            return
        ended, engine.ended = engine.ended, []
        at = 0
        for place in range(0, len(marks), 4):
            frame, begun, over, left = marks[place : place + 4]
            for connection in ended[at:over]:
                self.take(connection)
            at = over
            self._done.append(Mark(frame, begun, left, self._items))
            self._items = []
        marks.clear()
        if self._late:
            left = int(engine.budget.inflating)
            self._done.append(Mark(int(engine.frames), int(engine.next_id) - 1, left, self._late))
            self._late = []

    def finish_one(self, connection: Connection) -> None:
        """End a connection that is open at the end of all captures."""
        engine = self.engine
        number = int(connection.facts.id)
        engine.finish_connection(connection)
        ended, engine.ended = engine.ended, []
        for one in ended:
            self.take(one)
        self._done.append(Mark(END, int(engine.next_id) - 1, int(engine.budget.inflating), self._items, number))
        self._items = []

    def add_stt(self, packets: int) -> None:
        self._items.append(Stt(packets))

    def add_other(self, protocol: str, port: int) -> None:
        self._items.append(Other(protocol, port))

    def add_connection(self, result: ConnectionResult, found: list[Finding]) -> None:
        seal(result, self.most_statements())
        self._items.append(Judged(result.id, result, found))

    def begin(self, result: CaptureResult) -> None:
        self._active[len(self.captures)] = result
        super().begin(result)

    def end(self, result: CaptureResult, packets: int | None = None) -> None:
        super().end(result, packets)
        self._over += [index for index, one in self._active.items() if one is result]

    def unreadable(self, path: str, error: CaptureError) -> None:
        super().unreadable(path, error)
        index = len(self.captures) - 1
        self._active[index] = self.captures[index]
        self._over.append(index)

    def add_finding(self, hit: Finding) -> None:
        if self._tells_of_captures:
            self._late.append(hit)

    def step(self, trouble: str | None = None) -> Step:
        """Return what was found since the last step."""
        done, self._done = self._done, []
        added, self.places.added = self.places.added, []
        active = list(self._active.items())
        for index in self._over:
            self._active.pop(index, None)
        self._over.clear()
        budget = self.engine.budget
        if budget.refused:
            trouble = BOUND
        if not self._tells_of_captures:
            added, active = [], []
        usual = self._usual
        kept = int(usual.statements - budget.statements), int(usual.certificates - budget.certificates)
        return Step(int(self.engine.frames), done, active, added, self.position, trouble, kept=kept)

    def digest(self) -> list[tuple[object, ...]]:
        """Return what all shares have to agree on: what was read of each capture."""
        return [
            (one.path, one.format, one.bytes, one.packets, one.error, one.first_time_ns, one.last_time_ns,
             one.truncated_packets, sorted(one.skipped.items()))
            for one in self.captures
        ]  # fmt: skip


def run_share(
    analysis: Share, inputs: Sequence[tuple[str, int]], shifts: dict[str, int], limits: dict[str, int],
    steering: Steering, send: Callable[[Step | Last], None],
) -> None:  # fmt: skip
    """Read all captures, and send what one share of the flows brought."""
    share = int(analysis.engine.share)
    analysis.most_statements = steering.most_shown
    failures: list[CaptureError] = []
    readings: list[Reading] = []

    def progress(position: int, size: int | None) -> None:
        analysis.position = position, size

    def start(path: str) -> Reading | None:
        reading = Reading(analysis, path, progress, shifts.get(path, 0), limits.get(path))
        try:
            begun = reading.start()
        except CaptureError as error:
            failures.append(error)
            analysis.unreadable(path, error)
            return None
        readings.append(reading)
        return reading if begun else None

    def find_trouble() -> str | None:
        if any(reading.secrets for reading in readings):
            return KEYS
        return DUMP if any(capture.format == "text" for capture in analysis.captures) else None

    interleaved = Interleaved(list(inputs), start)
    while True:
        limit = steering.next_limit(share, int(analysis.engine.frames))
        if limit == 0:
            for reading in interleaved.open_readers():
                reading.interrupt()
            break
        analysis.limit = limit
        if not interleaved.step():
            break
        trouble = find_trouble()
        readings[:] = [reading for reading in readings if reading.is_open]
        send(analysis.step(trouble))
    analysis.collect()
    send(analysis.step(find_trouble()))
    for bucket in analysis.engine.closing:
        bucket.clear()
    for number, connection in enumerate(analysis.engine.open_connections(), 1):
        analysis.finish_one(connection)
        if number % BATCH == 0:
            send(analysis.step()._replace(frame=END, order=int(connection.facts.id)))
    send(analysis.step()._replace(frame=END + 1))
    keylog = analysis.decryptors.keylog.sources if analysis.decryptors is not None else []
    send(Last(analysis.digest(), failures, keylog))


def child(pipe: Pipe, others: Sequence[Pipe], work: Callable[[Callable[[Step | Last], None]], None]) -> None:
    """Do `work` in a process of its own, and end it: nothing of its parent's is flushed or freed here.

    Ctrl-C is for the parent, which says where to stop. Where the parent is gone, nobody reads the pipe, and the
    process ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    code = 1
    with suppress(BaseException):
        for other in others:
            other.close()
        try:
            work(lambda said: pipe.send_bytes(pack(said)))
            code = 0
        except AuroraWireError as error:
            pipe.send_bytes(pack(error))
        except MemoryError:
            pipe.send_bytes(pack(AuroraWireError("there was no memory left for another process. Try --jobs 1.")))
        pipe.close()
    os._exit(code)
