"""Django: a project with a model, its ORM over mysqlclient and so over a C library."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from aurora_wire.prove.drivers import keylog_shim as keylog
from aurora_wire.prove.drivers.driver import Ability, Mode, Task
from aurora_wire.prove.drivers.python_package import PythonClient


class Django(PythonClient):
    name = "django"
    about = "Django's ORM over mysqlclient"
    how_to_get = (
        "pip install Django mysqlclient, or `aurora-wire clients --install django`; mysqlclient is compiled: "
        "apt-get install gcc pkg-config libmariadb-dev python3-dev"
    )
    packages = ("Django", "mysqlclient")
    runner = "django_runner.py"
    asks: ClassVar[dict[Mode, str]] = {
        Mode.OFF: 'OPTIONS={"ssl_mode": "DISABLED"}',
        Mode.DEFAULT: "(nothing)",
        Mode.REQUIRED: 'OPTIONS={"ssl_mode": "REQUIRED"}',
        Mode.VERIFY_CA: 'OPTIONS={"ssl_mode": "VERIFY_CA", "ssl": {"ca": CA}}',
        Mode.VERIFY_IDENTITY: 'OPTIONS={"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": CA}}',
    }
    abilities = frozenset((Ability.KEY_LOG,))

    def environment(self, task: Task, folder: Path) -> dict[str, str]:  # noqa: ARG002
        return keylog.environment(task.key_log)
