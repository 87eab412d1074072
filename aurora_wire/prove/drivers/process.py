"""Runs a client as a process of its own: bounded in time and output, and gone afterwards with all it started."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from aurora_wire.prove.drivers.programs import without_foreign_code

MAX_OUTPUT = 1 << 20  # bytes read of each output
FIND_SECONDS = 20.0   # for a program that is only asked for its version
POLL_SECONDS = 0.01

# Settings of the user's that would change what a client does by default, or make it write keys elsewhere.
FOREIGN_SETTINGS = ("MYSQL", "MARIADB", "SSLKEYLOGFILE", "LD_PRELOAD", "PYTHONSAFEPATH", "LC_", "LANG")


@dataclass(frozen=True, slots=True)
class Command:
    """argv: no secrets in it, other users see it; stdin: what the program reads; environment: what is added.

    handles: open ones that it gets.
    """

    argv: Sequence[str]
    stdin: bytes = field(default=b"", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    handles: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """code: the exit code, negative for a signal; timed_out: it was ended for taking too long."""

    stdout: str                     # what it printed, up to a bound
    stderr: str                     # likewise
    code: int
    timed_out: bool


class Program:
    """A running program, in a `with` statement: at its end, whatever the reason, the program has ended too.

    It has a session of its own: a Ctrl-C at the terminal does not reach it, it is ended by us. Raises OSError
    where it cannot be started.
    """

    def __init__(self, command: Command, folder: Path) -> None:
        self._stdout: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `finish`
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._timed_out = False
        self._finished: Finished | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the argv is a driver's, never a text of others
                list(command.argv), stdin=subprocess.PIPE, stdout=self._stdout, stderr=self._stderr, cwd=folder,
                env=clean_environment() | dict(command.environment), start_new_session=True,
                pass_fds=command.handles,
            )  # fmt: skip
        except BaseException:
            self._stdout.close()
            self._stderr.close()
            raise
        with suppress(OSError):  # it left without reading: its exit tells
            if self._process.stdin is not None:
                self._process.stdin.write(command.stdin)
                self._process.stdin.close()

    def __enter__(self) -> Program:
        return self

    def wait(self, seconds: float) -> None:
        """Wait until it ends by itself, `seconds` at most."""
        end = time.monotonic() + seconds
        while self._process.poll() is None:
            if time.monotonic() > end:
                self._timed_out = True
                return
            time.sleep(POLL_SECONDS)

    def finish(self) -> Finished:
        """End it, and what it started. Return what it said until then."""
        if self._finished is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait()
            stdout, stderr = (_read(file) for file in (self._stdout, self._stderr))
            self._finished = Finished(stdout, stderr, code, self._timed_out)
        return self._finished

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()


def ask(argv: Sequence[str], seconds: float = FIND_SECONDS) -> str | None:
    """Return the standard output of a program that is only asked something; None if it fails."""
    with tempfile.TemporaryDirectory(prefix="aurora-wire-") as folder:
        try:
            with Program(Command(argv), Path(folder)) as program:
                program.wait(seconds)
                finished = program.finish()
        except OSError:
            return None
    return finished.stdout if finished.code == 0 else None


def clean_environment() -> dict[str, str]:
    """Return the user's environment without what would change a client's behaviour; messages are in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_SETTINGS)}
    return without_foreign_code(kept) | {"LC_ALL": "C.UTF-8"}


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    text = file.read(MAX_OUTPUT).decode(errors="replace")
    file.close()
    return text
