"""Captures read by several processes, and what they found put together: the same result as that of one.

Each process (`share.py`) reads all frames and follows its share of the flows; here what they found is taken in the
order of frames, numbered, held to the bounds of a result, and told. What cannot come out the same (a bound on what all
connections together may keep was reached) raises OneJobNeeded: one process then reads again, and what was told already
is not told twice.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import KEPT_STATEMENTS, OneJobNeeded, OnProgress
from aurora_wire.analysis.packing import number, unpack
from aurora_wire.analysis.reading import CHUNK
from aurora_wire.analysis.share import (
    BOUND,
    END,
    Item,
    Judged,
    Last,
    Mark,
    Other,
    Share,
    Step,
    Stt,
    child,
    run_share,
)
from aurora_wire.errors import AuroraWireError, CaptureError
from aurora_wire.immutable import record
from aurora_wire.verdict.result import CaptureResult, Finding
from aurora_wire.wire.decoding.connection_log import Budget

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

    from aurora_wire.decrypt.key_log_result import KeyLogResult

WAITING: Final = 32 << 20   # bytes of what a process found that wait for what others find
Key = tuple[int, int]


@record
class Inputs:
    """What is to be read: captures with the times of their first frames, how far each clock is behind, and sizes."""

    captures: Sequence[tuple[str, int]]
    shifts: dict[str, int]
    sizes: dict[str, int]


class _Steering:
    """Agrees on the last frame, so that all shares stop at the same one; tells how many statements may be shown."""

    def __init__(self, shares: int) -> None:
        context = multiprocessing.get_context("fork")
        self._lock = context.Lock()
        self._frames = context.RawArray("q", shares)
        self._stop = context.RawValue("q", -1)
        self._most_shown = context.RawValue("q", KEPT_STATEMENTS)

    def next_limit(self, share: int, frame: int) -> int:
        with self._lock:
            self._frames[share] = frame
            stop = self._stop.value
        return CHUNK if stop < 0 else max(0, min(CHUNK, stop - frame))

    def most_shown(self) -> int:
        """Return how many statements of a connection that is still to come may be shown: it only becomes fewer."""
        return int(self._most_shown.value)

    def show_at_most(self, number: int) -> None:
        """Say so."""
        self._most_shown.value = number

    def stop_soon(self) -> None:
        """Let all shares stop at the first frame that none of them has passed."""
        if self._lock.acquire(timeout=1):  # else the one that held it is gone, and that ends the scan
            self._stop.value = max(self._frames) + CHUNK
            self._lock.release()


class Shared:
    """A scan by several processes. analysis: where all that they find is put together, and told from."""

    def __init__(
        self, analysis: Analysis, make: Callable[[], Share], inputs: Inputs, jobs: int, on_progress: OnProgress | None
    ) -> None:
        """Prepare a scan. make: makes the analysis of a share, in its process."""
        self._analysis = analysis
        self._make = make
        self._inputs = inputs
        self._jobs = jobs
        self._on_progress = on_progress
        self._merge = Merge(analysis, jobs)
        self._steering = _Steering(jobs)
        self._processes: list[ForkProcess] = []
        self._pipes: list[Pipe] = []
        self._waiting = [0] * jobs
        self._last: dict[int, Last] = {}
        self._interrupted = False

    def run(self) -> list[CaptureError]:
        """Read all captures. Return the errors of those that could not be opened.

        Raises OneJobNeeded, and AuroraWireError where a process is gone. Leaves no process behind.
        """
        try:
            with self._stopping_at_ctrl_c():
                self._start()
                while len(self._last) < self._jobs:
                    self._receive()
        finally:
            self._end()
        first = self._last[0]
        if any(one.digest != first.digest for one in self._last.values()):
            if self._merge.has_told:
                raise AuroraWireError("the captures changed while they were read. Read a copy, or use --jobs 1.")
            raise OneJobNeeded("the captures changed while they were read")
        return first.failures

    def keylogs(self) -> list[KeyLogResult]:
        """Return what key logs brought."""
        return self._last[0].keylogs

    @contextmanager
    def _stopping_at_ctrl_c(self) -> Iterator[None]:
        """Let all shares stop at Ctrl-C: nothing of what they tell may be lost, so it raises nothing the first time."""
        usual = signal.getsignal(signal.SIGINT)
        if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
            yield  # another one sees to it
            return

        def stop(*_: object) -> None:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True
            self._steering.stop_soon()

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        for share in range(self._jobs):
            ours, theirs = context.Pipe(duplex=False)

            def work(send: Callable[[Step | Last], None], share: int = share) -> None:
                analysis = self._make()
                analysis.limit_to_share(share, self._jobs)
                inputs = self._inputs
                run_share(analysis, inputs.captures, inputs.shifts, inputs.sizes, self._steering, send)

            process = context.Process(target=child, args=(theirs, [*self._pipes, ours], work), daemon=True)
            self._pipes.append(ours)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the child lets its parent decide
            try:
                process.start()
            except OSError as error:
                raise OneJobNeeded(f"no other could be started ({error.strerror})") from error
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            self._processes.append(process)
            theirs.close()

    def _receive(self) -> None:
        """Take what is there. A process that is far ahead of the others has to wait."""
        merge = self._merge
        slowest = merge.slowest()
        wanted = {
            self._pipes[share]: share for share in range(self._jobs)
            if share not in self._last and (self._waiting[share] < WAITING or merge.front(share) <= slowest)
        }
        for pipe in wait(list(wanted)):
            if not isinstance(pipe, Pipe):
                continue
            share = wanted[pipe]
            try:
                data = pipe.recv_bytes()
            except (EOFError, OSError):
                raise self._gone(share) from None
            said = unpack(data)
            if isinstance(said, AuroraWireError):
                raise said
            if isinstance(said, Last):
                self._last[share] = said
                continue
            self._waiting[share] += len(data)
            for done in merge.take(share, said):
                self._waiting[done] = 0
            self._steering.show_at_most(self._analysis.most_shown)
            if share == 0 and said.position is not None and self._on_progress is not None:
                self._on_progress(*said.position)

    def _gone(self, share: int) -> AuroraWireError:
        process = self._processes[share]
        process.join(5)
        code = process.exitcode or 0
        why = f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else "failed"
        return AuroraWireError(
            f"one of {self._jobs} processes that read the captures {why}; nothing is reported. Was there enough "
            "memory? --jobs 1 takes the least."
        )

    def _end(self) -> None:
        for process in self._processes:
            if len(self._last) < self._jobs:
                with suppress(OSError, ValueError):
                    process.kill()
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()
            process.close()
        self._processes.clear()


class Merge:
    """Puts the marks of all shares in the order of frames, and what they hold into one analysis."""

    def __init__(self, analysis: Analysis, shares: int) -> None:
        self._analysis = analysis
        self._marks: list[deque[Mark]] = [deque() for _ in range(shares)]
        self._heads: list[tuple[Key, int]] = []  # a heap: the first mark of each share that has one
        self._frontier: list[Key] = [(0, 0)] * shares  # up to where each share has told all, by its own numbers
        self._numbers = [array("q") for _ in range(shares)]  # of connections, by their numbers in the share
        self._next = 1
        self.has_told = False
        self._inflating = int(Budget().inflating)
        self._used = [0] * shares   # of it, by each share
        self._kept = [(0, 0)] * shares   # bytes of statements and certificates, by each share
        self._most_kept = int(Budget().statements), int(Budget().certificates)

    def front(self, share: int) -> Key:
        """Return the place up to which a share has told all."""
        frame, order = self._frontier[share]
        numbers = self._numbers[share]
        return frame, numbers[order - 1] if 0 < order <= len(numbers) else 0

    def slowest(self) -> Key:
        """Return the place up to which all have."""
        return min(map(self.front, range(len(self._marks))))

    def take(self, share: int, step: Step) -> list[int]:
        """Take a step of a share, and put together what all have told. Return the shares of which nothing waits."""
        if step.trouble is not None:
            raise OneJobNeeded(step.trouble)
        # Up to these bounds one process keeps all that the shares keep, in whatever order it came.
        self._kept[share] = step.kept
        if any(sum(kept) > most for kept, most in zip(zip(*self._kept, strict=True), self._most_kept, strict=True)):
            raise OneJobNeeded(BOUND)
        self._take_captures(step.captures)
        for place in step.places:
            self._analysis.frame_places.add(*place)
        waiting = self._marks[share]
        was_empty = not waiting
        waiting.extend(step.marks)
        if was_empty and waiting:
            heappush(self._heads, (self._key(share, waiting[0]), share))
        self._frontier[share] = step.frame, step.order
        self._release()
        return [share for share, marks in enumerate(self._marks) if not marks]

    def _key(self, share: int, mark: Mark) -> Key:
        """Return the place of a mark: its frame, and at the end of all the number of its connection."""
        return (mark.frame, self._numbers[share][mark.order - 1]) if mark.frame == END else (mark.frame, 0)

    def _release(self) -> None:
        until = self.slowest()
        heads = self._heads
        while heads and heads[0][0] <= until:
            _, share = heappop(heads)
            marks = self._marks[share]
            self._apply(share, marks.popleft())
            if marks:
                heappush(heads, (self._key(share, marks[0]), share))

    def _take_captures(self, told: list[tuple[int, CaptureResult]]) -> None:
        captures = self._analysis.captures
        for index, capture in told:
            if index == len(captures):
                captures.append(capture)
                if self._analysis.on_capture is not None:
                    self._analysis.on_capture(capture)
                continue
            for name in CaptureResult.__match_args__:
                setattr(captures[index], name, getattr(capture, name))

    def _apply(self, share: int, mark: Mark) -> None:
        numbers = self._numbers[share]
        while len(numbers) < mark.begun:
            numbers.append(self._next)
            self._next += 1
        self._used[share] = self._inflating - mark.left
        if sum(self._used) > self._inflating:
            raise OneJobNeeded(BOUND)
        for item in mark.items:
            self._add(share, item)

    def _add(self, share: int, item: Item) -> None:
        analysis = self._analysis
        if isinstance(item, Judged):
            self.has_told = self.has_told or analysis.on_connection is not None
            found = number(item.result, item.found, self._numbers[share][item.connection - 1])
            analysis.add_connection(item.result, found)
        elif isinstance(item, Other):
            analysis.add_other(item.protocol, item.port)
        elif isinstance(item, Stt):
            analysis.add_stt(item.packets)
        elif isinstance(item, Finding):
            analysis.add_of_capture(item)
