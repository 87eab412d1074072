"""MariaDB's command line."""

from __future__ import annotations

from typing import ClassVar

from aurora_wire.prove.drivers.command_line import CommandLine
from aurora_wire.prove.drivers.driver import Mode


class MariaDBCommandLine(CommandLine):
    name = "mariadb"
    about = "MariaDB's command line"
    how_to_get = "apt-get install mariadb-client"
    program = "mariadb"
    asks: ClassVar[dict[Mode, str]] = {
        Mode.OFF: "--skip-ssl",
        Mode.DEFAULT: "(nothing)",
        Mode.REQUIRED: "--ssl --skip-ssl-verify-server-cert",
        Mode.VERIFY_CA: "--ssl-ca=CA --skip-ssl-verify-server-cert",
        Mode.VERIFY_IDENTITY: "--ssl-ca=CA --ssl-verify-server-cert",
    }

    def is_mine(self, version: str) -> bool:
        return "MariaDB" in version
