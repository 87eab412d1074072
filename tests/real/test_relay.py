"""A real client and a real server with a relay between them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.prove.drivers.driver import Mode
from aurora_wire.prove.drivers.registry import load
from tests.capture.relay_ends import Carried
from tests.real.servers import Server
from tests.real.tasks import task_for


@pytest.mark.parametrize(
    ("mode", "verdict"), [(Mode.OFF, "plaintext"), (Mode.VERIFY_IDENTITY, "encrypted")]
)
def test_the_recording_proves_what_the_server_says(
    mariadb: Server, mode: Mode, verdict: str, tmp_path: Path
) -> None:
    with Carried(("localhost", mariadb.port)) as carried:
        task = task_for(mariadb, mode, connect_to=tuple(carried.relay.address))
        outcome = load("pymysql").run(task)
        carried.settle()
    assert outcome.error is None
    assert outcome.rows == (task.text_canary, task.prepared_canary)
    path = carried.save(tmp_path / "a.pcapng")
    scan = aurora_wire.scan([str(path)], aurora_wire.ScanOptions([mariadb.port]))
    assert (scan.verdict, scan.confidence) == (verdict, "proven")
    connection = scan.connections[0]
    assert connection.thread_id == outcome.connection_id, "it is this very session that was recorded"
    assert (connection.tls.version if connection.tls else None) == (outcome.tls_version or None)
    leaked = any(task.canary.encode() in statement.sql for statement in connection.statements)
    assert leaked == (mode is Mode.OFF)
    assert (task.canary.encode() in path.read_bytes()) == (mode is Mode.OFF)
    if shutil.which("tshark") is None:
        if os.environ.get("CI"):
            pytest.fail("no tshark on PATH, and in CI it has to be")
        return
    remarks = ["tshark", "-r", str(path), "-Y", "tcp.analysis.flags || _ws.malformed"]
    assert subprocess.run(remarks, capture_output=True, timeout=60, check=True).stdout == b""
