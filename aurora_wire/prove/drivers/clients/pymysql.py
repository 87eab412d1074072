"""PyMySQL: written in Python, comes with aurora_wire."""

from __future__ import annotations

from typing import ClassVar

from aurora_wire.prove.drivers.driver import Ability, Mode
from aurora_wire.prove.drivers.python_package import PythonClient


class PyMySQL(PythonClient):
    name = "pymysql"
    about = "PyMySQL, the driver in pure Python"
    how_to_get = "pip install PyMySQL"
    packages = ("PyMySQL",)
    runner = "pymysql_runner.py"
    asks: ClassVar[dict[Mode, str]] = {
        Mode.OFF: "ssl_disabled=True",
        Mode.DEFAULT: "(nothing)",
        Mode.REQUIRED: "ssl=SSLContext with CERT_NONE",
        Mode.VERIFY_CA: "ssl=SSLContext(cafile), check_hostname=False",
        Mode.VERIFY_IDENTITY: "ssl=SSLContext(cafile)",
    }
    abilities = frozenset((Ability.KEY_LOG, Ability.SERVER_NAME))

    def wanted(self) -> tuple[str, ...]:
        return (*self.packages, "cryptography")  # for logins with MySQL's RSA key
