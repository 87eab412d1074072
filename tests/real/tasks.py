"""Tasks for the clients under test."""

from __future__ import annotations

import secrets
from pathlib import Path

from aurora_wire.prove.drivers.driver import Mode, Task
from tests.real.servers import APP, DATABASE, Account, Server

TIMEOUT = 30.0  # seconds; half a second is usual


def task_for(
    server: Server,
    mode: Mode,
    *,
    account: Account = APP,
    host: str = "localhost",
    port: int = 0,
    ca: Path | None = None,
    key_log: Path | None = None,
    connect_to: tuple[str, int] | None = None,
    timeout: float = TIMEOUT,
) -> Task:
    number = secrets.token_hex(6)
    return Task(
        host=host, port=port or server.port, user=account.user, password=account.password, database=DATABASE,
        mode=mode, canary=f"canary-{number}", table=f"aurora_wire_{number}", timeout=timeout,
        ca=str(ca or server.certificates.ca), key_log=str(key_log or ""), connect_to=connect_to,
    )  # fmt: skip
