"""A client of your own for `aurora-wire prove`: its driver, which starts a_driver_program.py.

In a package of yours, this in its pyproject.toml makes it `aurora-wire prove --client batch`:

    [project.entry-points."aurora_wire.clients"]
    batch = "a_driver:Batch"

The driver says where the program is and how it is started. The program does what it always does, and tells what
happens. Whether that crossed in the clear, the capture decides and not the program.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aurora_wire import Command, Found, Mode, ProgramClient, Task, task_json

PROGRAM = Path(__file__).with_name("a_driver_program.py")


class Batch(ProgramClient):
    """The nightly batch: PyMySQL, with TLS only where DB_CA is set."""

    name = "batch"
    about = "the nightly batch"
    how_to_get = "pip install batch"

    def find(self) -> Found | None:
        if not PROGRAM.is_file():
            return None
        asks = {Mode.DEFAULT: "(nothing)", Mode.VERIFY_IDENTITY: "DB_CA=CA"}
        others = dict.fromkeys(set(Mode) - set(asks), "the batch has no such setting")
        return Found("batch 1.0", str(PROGRAM), asks, others)

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:  # noqa: ARG002
        return Command([sys.executable, found.where], task_json(task, cleanup=cleanup))
