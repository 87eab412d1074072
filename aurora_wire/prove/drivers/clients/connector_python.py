"""MySQL Connector/Python: over MySQL's C library as it comes, or in pure Python."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from aurora_wire.prove.drivers import keylog_shim as keylog
from aurora_wire.prove.drivers.driver import Ability, Mode, Task
from aurora_wire.prove.drivers.python_package import PythonClient


class ConnectorPython(PythonClient):
    name = "connector-python"
    about = "MySQL Connector/Python with its C extension, its default"
    how_to_get = "pip install mysql-connector-python, or `aurora-wire clients --install connector-python`"
    packages = ("mysql-connector-python",)
    environment_name = "connector-python"  # of both drivers
    runner = "connector_python_runner.py"
    pure: ClassVar[bool] = False
    asks: ClassVar[dict[Mode, str]] = {
        Mode.OFF: "ssl_disabled=True",
        Mode.DEFAULT: "(nothing)",
        # It has no option to insist on TLS without verifying.
        Mode.REQUIRED: "ssl_disabled=False",
        Mode.VERIFY_CA: "ssl_ca=CA, ssl_verify_cert=True",
        Mode.VERIFY_IDENTITY: "ssl_ca=CA, ssl_verify_cert=True, ssl_verify_identity=True",
    }
    abilities = frozenset((Ability.PREPARED, Ability.KEY_LOG))

    def environment(self, task: Task, folder: Path) -> dict[str, str]:  # noqa: ARG002
        # Python's ssl module is told in the runner; the C extension has an OpenSSL of its own.
        keys = {} if self.pure else keylog.environment(task.key_log)
        return keys | {"AURORA_WIRE_PURE_CONNECTOR": "1" if self.pure else ""}


class ConnectorPythonPure(ConnectorPython):
    name = "connector-python-pure"
    about = "MySQL Connector/Python in pure Python (use_pure=True)"
    pure = True
