"""Run a command as a process, and measure its resident memory.

    python -m tests.memory 100 "one byte" syn\\ flood      # megabytes, kinds (none: all of them)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.memory.captures import CAPTURES

ROOT = Path(__file__).parents[2]
# The parent of what is measured has to be small: a child's peak counts from what its parent had.
MEASURE = """
import os, resource, sys
child = os.posix_spawn(sys.executable, [sys.executable, "-m", "aurora_wire", *sys.argv[1:]], os.environ)
_, status, used = os.wait4(child, 0)
print(used.ru_maxrss // 1024, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


class Run(NamedTuple):
    megabytes: int      # the most that were resident
    exit_code: int
    output: bytes


def run(*arguments: str | Path) -> Run:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, *map(str, arguments)], cwd=ROOT, capture_output=True, check=True,
        timeout=900,
    )  # fmt: skip
    peak, code = done.stderr.split()[-2:]
    return Run(int(peak), int(code), done.stdout)


def main(megabytes: float, names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.pcap"
        for name in names or list(CAPTURES):
            CAPTURES[name](path, int(megabytes * 1e6))
            begun = time.monotonic()
            measured = run("scan", "--no-progress", path)
            line = f"{name:32}{measured.megabytes:5} MB {time.monotonic() - begun:6.1f} s"
            sys.stdout.write(f"{line}  exit code {measured.exit_code}\n")
            sys.stdout.flush()
