"""Runs `aurora-wire watch` as a process of its own, from its first line to its last."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.cli.running import COMMAND, ENVIRONMENT, ended_within

SECONDS = 90
CAP_NET_RAW, PR_CAPBSET_DROP = 13, 24
NOT_SUDO = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("SUDO_")}


class Watching:
    """In a `with` statement: it captures from then on. `end` gives the exit code, standard output and error."""

    def __init__(
        self, *arguments: str, command: Sequence[str] = COMMAND, environment: dict[str, str] | None = None,
        prepare: Callable[[], None] | None = None, cwd: Path | None = None,
    ) -> None:  # fmt: skip
        self.arguments = arguments
        self.process = subprocess.Popen(
            [*command, "watch", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
            env={**NOT_SUDO, **(environment or {})}, preexec_fn=prepare, bufsize=0,
        )  # fmt: skip
        self.first = b""

    def __enter__(self) -> Watching:
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=SECONDS)

    def until_told(self, what: bytes, times: int = 1) -> None:
        """Wait for so many lines with `what` in them; `end` gives them with the others."""
        assert self.process.stdout is not None
        with ended_within(self.process, SECONDS):
            while times:
                line = self.process.stdout.readline()
                assert line, f"it ended without {what!r}: {self.first!r}"
                self.first += line
                times -= what in line

    def until_all_told(self, *what: bytes) -> None:
        """Wait until each of these was told, in any order."""
        while not all(one in self.first for one in what):
            self.until_told(b"")

    def end(self, with_signal: int | None = signal.SIGINT) -> tuple[int, str, str]:
        if with_signal is not None:
            self.process.send_signal(with_signal)
        out, error = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, (self.first + out).decode(), error.decode()

    def end_with_lines(self, with_signal: int | None = signal.SIGINT) -> tuple[int, list[dict[str, Any]]]:
        """Of --format jsonl."""
        code, out, error = self.end(with_signal)
        assert error == ""
        return code, [json.loads(line) for line in out.splitlines()]

    def status(self) -> dict[str, str]:
        """What the kernel says of the process."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def read_until(terminal: int, what: bytes) -> bytes:
    """Read what is shown on a terminal until `what` is in it."""
    shown = b""
    end = time.monotonic() + SECONDS
    while what not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 1 << 16)
    assert what in shown
    return shown


def of_type(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def without_the_right_to_capture() -> None:
    """In the child: still root, but not for this."""
    assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0) == 0


def with_full_disk() -> None:
    """In the child: no file gets longer than this."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def owner_and_mode(path: Path) -> tuple[int, int, str]:
    status = path.stat()
    return status.st_uid, status.st_gid, oct(status.st_mode & 0o7777)


NOBODY = (65534, 65534)
