"""`aurora-wire watch` over PyMySQL and a real MariaDB: what it says is what the session itself says, and tshark."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pymysql
import pytest

from tests.cli.watching import SECONDS, Watching, of_type
from tests.loopback import needs_root
from tests.real.servers import APP, DATABASE, Server

CANARY = "canary-5f2c81"


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def session(server: Server, *, tls: bool) -> str:
    """Runs a few statements; answers the cipher that the server says the session has."""
    context = ssl.create_default_context(cafile=str(server.certificates.ca)) if tls else None
    connection = pymysql.connect(
        host=server.host, port=server.port, user=APP.user, password=APP.password, database=DATABASE, ssl=context,
        ssl_disabled=not tls,
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT %s", (CANARY,))
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
        return str(row[1]) if row else ""


@pytest.mark.parametrize("tls", [False, True])
def test_a_real_session_is_judged_live_as_it_is(mariadb: Server, tmp_path: Path, tls: bool) -> None:
    path = tmp_path / "evidence.pcapng"
    with Watching("-i", "lo", "--port", str(mariadb.port), "-w", str(path), "--format", "jsonl") as watch:
        cipher = session(mariadb, tls=tls)
        watch.until_told(b'"type": "verdict"')
        code, lines = watch.end_with_lines()
    [connection] = of_type(lines, "connection")
    assert bool(cipher) is tls
    assert connection["verdict"] == ("encrypted" if tls else "plaintext")
    assert connection["confidence"] == "proven"
    assert code == (0 if tls else 1)
    leaked = [line["sql"] for line in of_type(lines, "statement")]
    assert any(CANARY in sql for sql in leaked) is not tls
    assert of_type(lines, "capture")[0]["dropped_packets"] == 0
    queries = subprocess.run(
        ["tshark", "-r", str(path), "-d", f"tcp.port=={mariadb.port},mysql", "-T", "fields", "-e", "mysql.query",
         "-Y", "mysql.query"],
        capture_output=True, check=True, timeout=SECONDS,
    ).stdout.decode().splitlines()  # fmt: skip
    assert queries == leaked
    assert (CANARY.encode() in path.read_bytes()) is not tls
