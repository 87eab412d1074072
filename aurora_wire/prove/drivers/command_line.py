"""The base of drivers for the command lines `mysql` and `mariadb`: statements in, tables of text out."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from aurora_wire.prove.drivers import keylog_shim as keylog
from aurora_wire.prove.drivers.driver import Ability, ErrorKind, Failure, Found, Mode, Outcome, Task
from aurora_wire.prove.drivers.error_kinds import classify
from aurora_wire.prove.drivers.process import Command, Finished, ask
from aurora_wire.prove.drivers.program import ProgramClient, last_line
from aurora_wire.prove.drivers.programs import find_program

# One line a statement, so that the line that an error names is the statement.
STORY = ("session", "tls", "connection_type", "create", "insert", "prepare", "set", "execute", "select", "drop")
OPTIONAL = frozenset(("connection_type",))

ERROR = re.compile(r"^ERROR(?: (\d+))?(?: \([0-9A-Z]{5}\))?(?: at line (\d+))?:? ?(.*)$", re.MULTILINE)
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class CommandLine(ProgramClient):
    """program: its name on the PATH."""

    program: ClassVar[str]
    asks: ClassVar[dict[Mode, str]]

    @abstractmethod
    def is_mine(self, version: str) -> bool:
        """Return whether it is this client. On many systems `mysql` is a link to `mariadb`."""

    def find(self) -> Found | None:
        path = find_program(self.program)
        said = ask([path, "--version"]) if path is not None else None
        if path is None or said is None or not self.is_mine(said) or self.version not in ("", number(said)):
            return None
        abilities = frozenset((Ability.KEY_LOG,)) if keylog.compiler() else frozenset()
        return Found(number(said), path, self.asks, abilities=abilities)

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:
        host, port = task.address
        options = folder / "options"
        options.touch(mode=0o600)
        options.write_text(f'[client]\npassword="{task.password.translate(ESCAPES)}"\n')
        argv = [
            found.where, f"--defaults-file={options}", "--protocol=TCP", f"--host={host}", f"--port={port}",
            f"--user={task.user}", f"--database={task.database}", f"--connect-timeout={max(1, int(task.timeout))}",
            "--batch", "--skip-column-names", "--force", "--unbuffered", "--skip-reconnect",
            "--default-character-set=utf8mb4", *self.tls_options(task),
        ]  # fmt: skip
        lines = [f"DROP TABLE IF EXISTS {task.table}"] if cleanup else [sql for _, sql in story(task)]
        return Command(argv, "".join(f"{line};\n" for line in lines).encode(), keylog.environment(task.key_log))

    def tls_options(self, task: Task) -> Sequence[str]:
        """Return the arguments for the mode: what `asks` says, and the bundle where the mode verifies."""
        asked = [] if task.mode == Mode.DEFAULT else self.asks[task.mode].split()
        bundle = [f"--ssl-ca={task.ca}"] if task.ca else []
        return [option for option in asked if option != "--ssl-ca=CA"] + (bundle if "--ssl-ca=CA" in asked else [])

    def read(self, finished: Finished, task: Task) -> tuple[Outcome, bool]:
        outcome = Outcome(self.name, task.mode)
        for line in finished.stdout.splitlines():
            _row(line.split("\t"), outcome, task)
        steps = [name for name, _ in story(task)]
        failed: dict[str, Failure] = {}
        for said in ERROR.finditer(finished.stderr):
            code, number_of_line, text = int(said[1] or 0), int(said[2] or 0), said[3]
            step = steps[number_of_line - 1] if 0 < number_of_line <= len(steps) else ""
            # A connection that breaks off names no line before the session, and one afterwards.
            outcome.connected = outcome.connected or bool(step)
            kind = classify(code, text, connected=bool(step))
            failed.setdefault(step, Failure(kind, f"ERROR {code}: {text}" if code else text, code))
        outcome.connected = outcome.connected or finished.code == 0
        for step, failure in failed.items():
            if step not in OPTIONAL and outcome.error is None:
                outcome.error = failure
        if outcome.connected:
            outcome.sql = tuple(sql for _, sql in story(task))
        if outcome.error is None and finished.timed_out:
            outcome.error = Failure(ErrorKind.TIMEOUT, f"no end after {task.timeout:g} s")
        elif outcome.error is None and not outcome.connected:
            text = last_line(finished)
            outcome.error = Failure(classify(0, text, connected=False), text)
        dropped = not finished.timed_out and finished.code >= 0 and "drop" not in failed
        left = outcome.connected and "create" not in failed and not dropped
        return outcome, left


def story(task: Task) -> list[tuple[str, str]]:
    """Return statements by what they are for. A command line has no prepared statements but those of SQL."""
    texts = task.statements | {
        "prepare": f"PREPARE aurora_wire FROM '{task.statements['insert_prepared']}'",
        "set": f"SET @canary = '{task.prepared_canary}'",
        "execute": "EXECUTE aurora_wire USING @canary",
    }
    return [(name, texts[name]) for name in STORY]


def _row(cells: list[str], outcome: Outcome, task: Task) -> None:
    match cells:
        case [number_, version] if number_.isdigit():
            outcome.connected = True
            outcome.connection_id, outcome.server_version = int(number_), version
        case ["Ssl_version", value]:
            outcome.tls_version = value
        case ["Ssl_cipher", value]:
            outcome.tls_cipher = value
        case [body] if body.startswith(task.canary):
            outcome.rows += (body,)
        case [value] if value and value != "NULL":
            outcome.connection_type = value


def number(said: str) -> str:
    """Return the version number: 9.7.4-2 of `mysql  Ver 9.7.4-2 for Linux`, 10.11.19-MariaDB of `mariadb  Ver 15.1
    ...`.
    """
    found = re.search(r"(?:Distrib |from |Ver )(\d+\.\d+\.[\w.+~-]*)", said)
    return found[1] if found else said.strip()
