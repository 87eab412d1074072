"""MySQL's command line."""

from __future__ import annotations

from typing import ClassVar

from aurora_wire.prove.drivers.command_line import CommandLine
from aurora_wire.prove.drivers.driver import Mode


class MySQLCommandLine(CommandLine):
    name = "mysql"
    about = "MySQL's command line"
    how_to_get = "install MySQL's client (mysql-client); Debian's `mysql` is MariaDB's, which is named mariadb here"
    program = "mysql"
    asks: ClassVar[dict[Mode, str]] = {
        # The key is for logins without TLS: the password goes encrypted with it, or not at all.
        Mode.OFF: "--ssl-mode=DISABLED --get-server-public-key",
        Mode.DEFAULT: "(nothing)",
        Mode.REQUIRED: "--ssl-mode=REQUIRED",
        Mode.VERIFY_CA: "--ssl-mode=VERIFY_CA --ssl-ca=CA",
        Mode.VERIFY_IDENTITY: "--ssl-mode=VERIFY_IDENTITY --ssl-ca=CA",
    }

    def is_mine(self, version: str) -> bool:
        return "MariaDB" not in version
