"""The base of drivers whose client is a program: starts it, reads what it says, and sees that its table goes."""

from __future__ import annotations

import json
import tempfile
import time
from abc import abstractmethod
from dataclasses import asdict
from pathlib import Path

from aurora_wire.prove.drivers.driver import Ability, Client, ErrorKind, Failure, Found, Mode, Outcome, Task
from aurora_wire.prove.drivers.error_kinds import classify
from aurora_wire.prove.drivers.process import Command, Finished, Program

CLEANUP_SECONDS = 10.0  # for dropping a table that a run left
MASK = "***"


class ProgramClient(Client):
    """A driver says how the program is started, and the rest is done here.

    The program is given the task as one JSON object on standard input (`task_json`), and prints JSON objects,
    one a line, as things happen; docs/clients.md lists them. A program that speaks otherwise has a driver that
    overrides `read`.
    """

    @abstractmethod
    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:
        """Return how to start the program. `folder` is private, and removed after the run.

        cleanup: nothing but `DROP TABLE IF EXISTS` is wanted, after a run that broke off.
        """

    def read(self, finished: Finished, task: Task) -> tuple[Outcome, bool]:
        """Return what the program said, and whether its table was made and not dropped."""
        return read_events(self.name, finished, task)

    def run(self, task: Task) -> Outcome:
        found = self.find()
        if found is None:
            text = f"not installed: {self.how_to_get}"
            return Outcome(self.name, task.mode, error=Failure(ErrorKind.NOT_INSTALLED, text))
        asked = found.asks.get(task.mode, "")
        why_not = _why_not(task, found)
        if why_not:
            failure = Failure(ErrorKind.MODE_NOT_AVAILABLE, why_not)
            return Outcome(self.name, task.mode, asked, found.version, error=failure)
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="aurora-wire-") as folder:
            try:
                if task.key_log:
                    Path(task.key_log).touch(mode=0o600)  # by us: clients would let everybody read it
                program = Program(self.command(task, found, Path(folder), cleanup=False), Path(folder))
            except OSError as error:
                failure = Failure(ErrorKind.CLIENT, f"{error.filename or found.where}: {error.strerror}")
                return Outcome(self.name, task.mode, asked, found.version, error=failure)
            try:
                with program:
                    program.wait(task.timeout)
            finally:  # after Ctrl-C too
                outcome, table_is_left = self.read(program.finish(), task)
                if table_is_left and not self._drop(task, found, Path(folder)):
                    outcome.table_left = task.table
        outcome.asked = asked
        outcome.version = outcome.version or found.version
        outcome.seconds = time.monotonic() - begin
        if outcome.error is not None and task.password:
            text = outcome.error.text.replace(task.password, MASK)
            outcome.error = Failure(outcome.error.kind, text, outcome.error.code)
        return outcome

    def _drop(self, task: Task, found: Found, folder: Path) -> bool:
        with Program(self.command(task, found, folder, cleanup=True), folder) as program:
            program.wait(CLEANUP_SECONDS)
            finished = program.finish()
        outcome, _ = self.read(finished, task)
        return outcome.connected and outcome.error is None


def _why_not(task: Task, found: Found) -> str:
    if task.mode in found.unavailable or task.mode not in found.asks:
        return found.unavailable.get(task.mode) or "this client has no such mode"
    renamed = task.connect_to is not None and task.connect_to[0] != task.host
    if renamed and task.mode == Mode.VERIFY_IDENTITY and Ability.SERVER_NAME not in found.abilities:
        return "not available through the relay: this client verifies the name that it connects to"
    return ""


def task_json(task: Task, *, cleanup: bool = False, **more: object) -> bytes:
    """Return the task as programs read it: its fields, where to connect, the statements, and whether only to clean up.
    """
    fields = asdict(task) | {
        "address": {"host": task.address[0], "port": task.address[1]},
        "statements": task.statements,
        "prepared_canary": task.prepared_canary,
        "text_canary": task.text_canary,
        "cleanup": cleanup,
    }
    return json.dumps(fields | more).encode() + b"\n"


def read_events(name: str, finished: Finished, task: Task) -> tuple[Outcome, bool]:
    """Return the outcome that JSON lines tell, and whether a table is left; other lines are not looked at."""
    outcome = Outcome(name, task.mode)
    created = dropped = False
    for line in finished.stdout.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            _apply(event, outcome)
            created = created or "created" in event
            dropped = dropped or "dropped" in event
    if outcome.error is None and finished.timed_out:
        outcome.error = Failure(ErrorKind.TIMEOUT, f"no end after {task.timeout:g} s")
    elif outcome.error is None and (finished.code or not outcome.connected):
        outcome.error = Failure(ErrorKind.CLIENT, last_line(finished))
    lost = outcome.error is not None and outcome.error.kind in {ErrorKind.LOST, ErrorKind.TIMEOUT}
    perhaps = outcome.connected and (lost or finished.code != 0)  # it broke off while the table was being made
    return outcome, (created or perhaps) and not dropped


def _apply(event: dict[str, object], outcome: Outcome) -> None:
    for key, value in event.items():
        match key, value:
            case "version" | "server_version" | "tls_version" | "tls_cipher" | "connection_type", str():
                setattr(outcome, key, value)
            case "connection_id", int():
                outcome.connection_id = value
            case "connected", bool():
                outcome.connected = value
            case "sql", str():
                outcome.sql += (value,)
            case "rows", list():
                outcome.rows = tuple(str(row) for row in value)
            case "error", dict() if outcome.error is None:
                code, text = value.get("code"), " ".join(str(value.get("text")).split())
                number = code if isinstance(code, int) else 0
                outcome.error = Failure(classify(number, text, connected=outcome.connected), text, number)


def last_line(finished: Finished) -> str:
    lines = [line for line in (finished.stderr or finished.stdout).splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit code {finished.code} without a word"
