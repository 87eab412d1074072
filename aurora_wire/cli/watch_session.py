"""What `aurora-wire watch` does between the drop of privileges and its exit code."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import FrameType
from typing import Final

from aurora_wire.analysis.watch import UNLIMITED, Watch
from aurora_wire.capture.recorded import RecordedFile
from aurora_wire.cli.exit_codes import OUTPUT_FAILED
from aurora_wire.cli.keys import Keys
from aurora_wire.cli.outbox import Outbox
from aurora_wire.cli.output import STANDARD_OUTPUT, Output, ReaderGone, complain, standard_output_failed
from aurora_wire.cli.scan import deliver, set_exit_code
from aurora_wire.cli.sensor import Sensor
from aurora_wire.cli.terminal import use_color
from aurora_wire.errors import OutputError
from aurora_wire.report import scan_json as json_report  # noqa: F401 - `deliver` imports them when it is too late for it
from aurora_wire.report.live.lines import LiveJSONLines, TextLines, View, recorded_text, size_text
from aurora_wire.report.live.screen import LiveScreen
from aurora_wire.report.scan_jsonl import JSONLines
from aurora_wire.report.text import report as text  # noqa: F401 - `deliver` imports them when it is too late for it
from aurora_wire.verdict.result import Scan

Handler = Callable[[int, FrameType | None], object] | int | None

LOOK: Final = 0.25          # seconds between two looks at the connections
WAIT: Final = 0.1           # seconds, at most, until a signal is noticed
RESPITE: Final = 0.01       # seconds to a reader that does not keep up


class Stop:
    """`asked` by the first SIGINT, SIGTERM or SIGHUP; the second one of a kind does what it always does."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:  # as under nohup
                self._before[number] = before
                signal.signal(number, self._ask)
        return self

    def _ask(self, number: int, _: object) -> None:
        self.asked = True
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)


def view_for(arguments: argparse.Namespace, output: Output, write: Callable[[str], None]) -> View | None:
    """Return the view that is told what happens; None with --quiet, when statements are only counted."""
    if arguments.format == "jsonl":
        return LiveJSONLines(write, redact=arguments.redact)
    if arguments.quiet:
        return None
    if output.is_terminal:
        from rich.console import Console  # noqa: PLC0415 - only for a terminal

        console = Console()
        if console.is_terminal and not console.is_dumb_terminal:
            color = use_color(terminal=True)
            return LiveScreen(console, window=arguments.window, redact=arguments.redact, color=color)
    return TextLines(write, redact=arguments.redact)


class Session:
    """Runs a Watch until it is to end, and reports."""

    def __init__(
        self, arguments: argparse.Namespace, output: Output, outbox: Outbox, watch: Watch, view: View | None,
        stop: Stop, sensor: Sensor | None = None,
    ) -> None:
        self.arguments = arguments
        self.output = output
        self.outbox = outbox
        self.watch = watch
        self.view = view
        self.screen = view if isinstance(view, LiveScreen) else None
        if isinstance(view, (TextLines, LiveScreen)):
            view.who = watch.analysis.parties
        self.stop = stop
        self.sensor = sensor
        self.limit: int = arguments.count or UNLIMITED
        self._told = False  # that the recording has failed

    def run(self) -> int:
        """Return the exit code. Where standard output fails, the recording is made whole all the same."""
        try:
            with Keys() if self.screen is not None else nullcontext() as keys:
                failure = _guarded(lambda: self._watch(keys))
            self.watch.stop(self.limit)
            failure = failure or _guarded(self._catch_up)
            result = self.watch.finish(self.limit)
        finally:
            if self.screen is not None:
                with suppress(OSError):  # a terminal that went away shows nothing any more
                    self.screen.stop()
            self.watch.stop(self.limit)
        self._tell_failure()
        if self.sensor is not None:
            self._look()  # at what the end has decided
            self.sensor.tick(self.watch, time.monotonic())
            self.sensor.finish(time.monotonic())
        set_exit_code(result, self.arguments)
        failure = failure or _guarded(lambda: self._report(result))
        if isinstance(failure, OutputError):
            raise failure
        return OUTPUT_FAILED if self._told else result.exit_code

    def _catch_up(self) -> None:
        """Decode what has been recorded by now, as fast as the reader takes what is told."""
        while self.watch.step(0, self.limit):
            self.outbox.send(wait=True)

    def _report(self, result: Scan) -> None:
        self._look()  # at what the end has decided
        if self.watch.recording is not None and not self.arguments.quiet:
            self._recorded(self.watch.recording.finished)
        self.outbox.send(wait=True)
        deliver(result, self.arguments, self.output, self.view if isinstance(self.view, JSONLines) else None)
        self.outbox.send(wait=True)

    def _recorded(self, files: list[RecordedFile]) -> None:
        """Tell what was recorded, with its hash."""
        if isinstance(self.view, LiveJSONLines):
            self.view.recorded(files)
        else:
            self.outbox.put(recorded_text(files))

    def _watch(self, keys: Keys | None) -> None:
        watch, view, arguments = self.watch, self.view, self.arguments
        begun = time.monotonic()
        end = begun + arguments.duration if arguments.duration else float("inf")
        pause = LOOK if self.screen is not None else arguments.window
        next_look, next_status = begun, begun + pause
        watch.status(begun)
        if self.sensor is not None:
            self.sensor.start()
        if view is not None:
            view.started(watch.capture.name, watch.capture.filter.text)
        if self.screen is not None:
            self._draw(self.screen, first=True)
        while not self.stop.asked and watch.frames < self.limit:
            now = time.monotonic()
            if now >= end:
                break
            self.outbox.send()
            if self.outbox.full:
                watch.record(self.limit)
                time.sleep(RESPITE)
                continue
            got = watch.step(min(WAIT, end - now), self.limit)
            if (watch.capture.failure is not None and not got) or self._reader_gone():
                break
            if self.screen is not None and keys is not None and (typed := keys.typed()):
                for key in typed:
                    self.screen.key(key)
                if self.screen.ended:
                    break
                next_look = now  # what was typed is seen at once
            if (view is None and self.sensor is None) or now < next_look:
                continue
            next_look = now + LOOK
            self._look()
            if self.sensor is not None:
                self.sensor.tick(watch, now)
            if view is None:
                continue
            if now >= next_status:
                next_status = now + pause
                view.status(watch.status(now))
            if self.screen is not None:
                self._draw(self.screen)
            else:
                self._tell_failure()

    def _reader_gone(self) -> bool:
        """Return whether the recording goes to standard output, and nobody reads it any more."""
        recording = self.watch.recording
        return self.arguments.write == STANDARD_OUTPUT and recording is not None and recording.failure is not None

    def _look(self) -> None:
        if self.view is None and self.sensor is None:
            return
        now = time.monotonic()
        for standing, changed in self.watch.changes():
            if self.sensor is not None:
                self.sensor.standing(standing, now)
            if self.view is not None:
                self.view.standing(standing, changed=changed)
        if self.view is not None:
            self.view.told()

    def _draw(self, screen: LiveScreen, *, first: bool = False) -> None:
        """Draw. Raises OutputError or ReaderGone where the terminal went away."""
        recording = self.watch.recording
        if recording is not None:
            screen.recording = f"writing {recording.names[-1]}, {size_text(recording.size)} in all"
            screen.problem = str(recording.failure or "")
        try:
            if first:
                screen.start()
            screen.refresh()
        except OSError as error:
            raise standard_output_failed(error) from error

    def _tell_failure(self) -> None:
        """Tell a failure once, and not into the screen."""
        recording = self.watch.recording
        if recording is not None and recording.failure is not None and not self._told:
            self._told = True
            complain(f"{recording.failure} The capture goes on." if not self.watch.stopped else str(recording.failure))


def _guarded(work: Callable[[], None]) -> OutputError | ReaderGone | None:
    """Return what has failed of standard output, which from then on goes nowhere."""
    try:
        work()
    except (OutputError, ReaderGone) as error:
        return error
    return None
