"""The base of drivers for clients that are Python packages: a runner, and a Python that has them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from aurora_wire.prove.drivers import interpreter
from aurora_wire.prove.drivers.driver import Ability, Found, Mode, Task
from aurora_wire.prove.drivers.environments import Interpreter, find_python, install_python
from aurora_wire.prove.drivers.process import Command
from aurora_wire.prove.drivers.program import ProgramClient, task_json

RUNNERS = Path(__file__).parent / "runners"


class PythonClient(ProgramClient):
    """packages: as pip knows them, the one whose version is the client's first; runner: a file in `runners/`."""

    packages: ClassVar[tuple[str, ...]]
    runner: ClassVar[str]
    environment_name: ClassVar[str] = ""  # where it is not the client's
    asks: ClassVar[dict[Mode, str]]
    abilities: ClassVar[frozenset[Ability]]

    def find(self) -> Found | None:
        python = self.python()
        if python is None:
            return None
        version = ", ".join(f"{name} {version}" for name, version in python.versions.items())
        return Found(version, python.program, self.asks, abilities=self.abilities)

    def python(self) -> Interpreter | None:
        return find_python(self.environment_name or self.name, self.packages, self.version)

    def install(self, say: Callable[[str], None]) -> None:
        install_python(self.environment_name or self.name, self.wanted(), self.version, say, self.how_to_get)

    def wanted(self) -> tuple[str, ...]:
        """Return what is installed: the packages, and what they need for some logins."""
        return self.packages

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:
        # An environment of its own has its packages; this interpreter's are found where this process finds them.
        folders: list[str] | None = None if found.where == sys.executable else []
        argv = interpreter.command(RUNNERS / self.runner, folders, found.where)
        environment = interpreter.environment() | self.environment(task, folder)
        return Command(argv, task_json(task, cleanup=cleanup), environment, interpreter.handles())

    def environment(self, task: Task, folder: Path) -> dict[str, str]:  # noqa: ARG002 - for drivers that need one
        return {}
