"""Runs `aurora-wire` as a process of its own, as users do."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import aurora_wire
from tests.loopback import until

PACKAGE_ROOT = Path(aurora_wire.__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
COMMAND = [sys.executable, "-m", "aurora_wire"]


def run(*arguments: str, stdout: int | IO[bytes] = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )


def hears_ctrl_c() -> None:
    """For `preexec_fn`: a shell's background jobs, and what they start, ignore SIGINT otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def ended_within(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Kill `process` if it is still there then, so that a test which waits for it fails and does not hang."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def until_it_waits_for_input(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has read all that its standard input holds, and sleeps. Linux tells both."""
    if process.stdin is None:
        raise ValueError("it has no pipe for its standard input")
    pipe = process.stdin.fileno()

    def waits() -> bool:
        left = int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
        return left == 0 and sleeps(process)

    until(waits, "it waits for more input")


def sleeps(process: subprocess.Popen[bytes]) -> bool:
    """Say whether a process waits for something at this moment."""
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "S"


def python(code: str) -> str:
    """Standard output of a program that may import the package."""
    return subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=True
    ).stdout.decode()
