"""Runs `aurora-wire` as a process of its own, as users do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import aurora_wire

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


def python(code: str) -> str:
    """Standard output of a program that may import the package."""
    return subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=True
    ).stdout.decode()
