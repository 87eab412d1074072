"""mysql2, the usual driver of Node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from aurora_wire.prove.drivers.driver import Ability, Found, Mode, Task
from aurora_wire.prove.drivers.environments import find_node, install_node
from aurora_wire.prove.drivers.interpreter import handles, reached
from aurora_wire.prove.drivers.process import Command
from aurora_wire.prove.drivers.program import ProgramClient, task_json
from aurora_wire.prove.drivers.programs import find_program
from aurora_wire.prove.drivers.python_package import RUNNERS


class MySQL2(ProgramClient):
    name = "mysql2"
    about = "mysql2 on Node"
    how_to_get = (
        "npm install mysql2 in the current folder, or `aurora-wire clients --install mysql2`; it runs on Node: "
        "apt-get install nodejs npm"
    )
    asks: ClassVar[dict[Mode, str]] = {
        Mode.OFF: "(nothing: it has no other way to say so)",
        Mode.DEFAULT: "(nothing)",
        Mode.REQUIRED: "ssl: {rejectUnauthorized: false}",
        Mode.VERIFY_CA: "ssl: {ca}",
        Mode.VERIFY_IDENTITY: "ssl: {ca, verifyIdentity: true}",
    }

    def find(self) -> Found | None:
        package = find_node(self.name, "mysql2", self.version)
        if package is None or node() is None:
            return None
        modules, version = package
        abilities = frozenset(Ability)
        return Found(f"mysql2 {version}", str(modules), self.asks, abilities=abilities)

    def install(self, say: Callable[[str], None]) -> None:
        install_node(self.name, "mysql2", self.version, say, self.how_to_get)

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:  # noqa: ARG002
        keys = [f"--tls-keylog={task.key_log}"] if task.key_log else []
        argv = [node() or "node", *keys, reached(str(RUNNERS / "mysql2_runner.js"))]
        return Command(argv, task_json(task, cleanup=cleanup), {"NODE_PATH": found.where}, handles())


def node() -> str | None:
    return find_program("node") or find_program("nodejs")
