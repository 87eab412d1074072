"""Runs `aurora-wire` as a process of its own, as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import aurora_wire

PACKAGE_ROOT = Path(aurora_wire.__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), "COLUMNS": "80"}
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


def python(code: str) -> str:
    """Standard output of a program that may import the package."""
    return subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=True
    ).stdout.decode()
