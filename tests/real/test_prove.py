"""`aurora-wire prove` against real servers, captured on the loopback; tshark confirms each verdict by itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.cli.running import COMMAND, ENVIRONMENT, ended_within, hears_ctrl_c
from tests.real.servers import APP, DATABASE, SYSTEM_PATH, TLS_ONLY, Account, Server, find
from tests.report.schemas import valid

SECONDS = 60

live = pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="only root may capture")


def prove_command(server: Server, *arguments: str, account: Account = APP, host: str = "localhost") -> list[str]:
    return [
        *COMMAND, "prove", "--host", host, "--port", str(server.port), "--user", account.user,
        "--database", DATABASE, "--ca", str(server.certificates.ca), "--format", "json", *arguments,
    ]  # fmt: skip


def environment(account: Account = APP) -> dict[str, str]:
    return {**ENVIRONMENT, "AURORA_WIRE_PASSWORD": account.password, "PATH": SYSTEM_PATH}


def prove(server: Server, *arguments: str, account: Account = APP, host: str = "localhost") -> dict[str, Any]:
    done = subprocess.run(
        prove_command(server, *arguments, account=account, host=host), capture_output=True, timeout=SECONDS,
        env=environment(account), check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    assert account.password not in done.stdout.decode() + done.stderr.decode()
    result: dict[str, Any] = valid("prove", done.stdout)
    assert result["exit_code"] == done.returncode
    assert server.tables() == []
    return result


def cells(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["mode"]: cell for cell in result["cells"]}


def tshark(capture: str, port: int, field: str, condition: str) -> list[str]:
    """Values of a field in the frames that fulfil a condition."""
    done = subprocess.run(
        [find("tshark"), "-r", capture, "-d", f"tcp.port=={port},mysql", "-Y", condition, "-T", "fields", "-e", field],
        capture_output=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    return done.stdout.decode().split("\n")[:-1]


def check_with_tshark(cell: dict[str, Any], port: int) -> None:
    """Plaintext: it decodes the same statement in the same frame. TLS: records in both directions, no statement."""
    capture, canary = cell["capture"], cell["canary"]
    raw = Path(capture).read_bytes()
    queries = tshark(capture, port, "mysql.query", f'mysql.query contains "{canary}"')
    if cell["result"] == "plaintext":
        statement = cell["canary_in_clear"][0]
        assert statement["sql"] in queries
        frames = tshark(capture, port, "frame.number", f'mysql.query contains "{canary}"')
        assert str(statement["frame"]) in frames
        assert not tshark(capture, port, "frame.number", "tls.record.content_type == 23")
        assert canary.encode() in raw
    else:
        assert queries == []
        records = tshark(capture, port, "tcp.srcport", "tls.record.opaque_type == 23 or tls.record.content_type == 23")
        sent_by = {int(one) for one in records}
        assert port in sent_by
        # A relay may read SSLRequest and ClientHello at once: tshark does not find the client's TLS then.
        assert len(sent_by) == 2 or b"Recorded by a relay" in raw
        assert canary.encode() not in raw
    assert not tshark(capture, port, "frame.number", "tcp.analysis.lost_segment")


@live
def test_pymysql_in_every_mode_on_mariadb(mariadb: Server, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    result = prove(mariadb, "--keep", str(folder))
    assert result["captured"]["how"] == "live on lo"
    assert result["server"]["versions"] == [mariadb.version]
    by_mode = cells(result)
    assert list(by_mode) == ["off", "default", "required", "verify-ca", "verify-identity"]
    for mode, cell in by_mode.items():
        assert cell["as_promised"], cell
        assert cell["confidence"] == "proven"
        assert cell["result"] == ("plaintext" if mode == "off" else "TLS")
        assert cell["session"]["agreement"] == "same session"
        assert cell["session"]["connection_id"] == cell["session"]["thread_id_captured"]
        assert cell["positive_control"]
        check_with_tshark(cell, mariadb.port)
    for mode in ("default", "required", "verify-ca", "verify-identity"):
        cell = by_mode[mode]
        assert cell["canary_sightings"] == 0
        assert cell["key_log_written"]
        assert "INSERT" in cell["canary_inside_tls"][0]["sql"]
        assert cell["tls"]["version"] == cell["session"]["tls_version"]
    truth = json.loads((folder / "pymysql-off.json").read_text())
    assert truth["canary"] == by_mode["off"]["canary"]
    assert any(truth["canary"] in sql for sql in truth["sql"])
    kept = sorted(folder.iterdir())
    assert len(kept) == 10
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)
    for path in kept:  # neither passwords nor keys stay behind
        assert APP.password.encode() not in path.read_bytes()
        assert b"CLIENT_TRAFFIC_SECRET" not in path.read_bytes()
    scanned = subprocess.run(
        [*COMMAND, "scan", "--quiet", str(folder / "pymysql-verify-identity.pcapng")], env=ENVIRONMENT, check=False
    )
    assert scanned.returncode == 0


@live
def test_the_command_line_of_mariadb_by_default(mariadb: Server, tmp_path: Path) -> None:
    (cell,) = prove(mariadb, "--client", "mariadb", "--mode", "default", "--keep", str(tmp_path / "k"))["cells"]
    assert cell["confidence"] == "proven"
    assert cell["as_promised"]
    check_with_tshark(cell, mariadb.port)


@live
def test_through_a_relay_the_same_is_proven(mariadb: Server, tmp_path: Path) -> None:
    result = prove(
        mariadb, "--via-relay", "--mode", "off", "--mode", "verify-identity", "--keep", str(tmp_path / "k")
    )
    assert result["captured"] == {
        "how": "through a relay", "not_live_because": "asked for", "folder": str(tmp_path / "k"),
    }  # fmt: skip
    for cell in result["cells"]:
        assert cell["as_promised"], cell
        check_with_tshark(cell, mariadb.port)


def test_without_the_right_to_capture_a_relay_is_taken(mariadb: Server) -> None:
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root, to be without")
    again = "import subprocess, sys, aurora_wire; subprocess.run([sys.executable, '-c', ''], check=True)"
    probe = subprocess.run(
        ["setpriv", "--reuid=nobody", "--clear-groups", sys.executable, "-c", again], env=ENVIRONMENT, check=False,
        capture_output=True,
    )  # fmt: skip
    if probe.returncode:
        pytest.skip("nobody may not read this interpreter")
    done = subprocess.run(
        ["setpriv", "--reuid=nobody", "--clear-groups", *prove_command(mariadb, "--mode", "off")],
        capture_output=True, timeout=SECONDS, env=environment() | {"HOME": "/nonexistent"}, check=False,
    )  # fmt: skip
    result = json.loads(done.stdout)
    assert result["captured"]["how"] == "through a relay"
    assert "permission" in result["captured"]["not_live_because"]
    assert result["cells"][0]["as_promised"]


@live
def test_wrong_authority_and_wrong_password_each_have_their_cell(mariadb: Server) -> None:
    wrong_ca = ["--ca", str(mariadb.certificates.other_ca)]
    by_mode = cells(prove(mariadb, "--mode", "verify-ca", "--mode", "required", *wrong_ca))
    assert by_mode["verify-ca"]["result"] == "certificate error"
    assert by_mode["verify-ca"]["verdict"] == "no-session"
    assert by_mode["required"]["as_promised"]  # the rest of the matrix still runs
    (cell,) = prove(mariadb, "--mode", "off", account=Account(APP.user, "no-such-password"))["cells"]
    assert (cell["result"], cell["error"]["kind"]) == ("refused", "access denied")


@live
def test_a_wrong_password_is_tried_once(mariadb: Server) -> None:
    modes = [part for mode in ("off", "default", "required") for part in ("--mode", mode)]
    clients = ["--client", "pymysql", "--client", "mariadb"]
    before = int(mariadb.sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'").split()[-1])
    found = prove(mariadb, *modes, *clients, account=Account(APP.user, "no-such-password"))
    after = int(mariadb.sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'").split()[-1])
    assert after - before == 1
    results = {(cell["client"], cell["mode"]): cell["result"] for cell in found["cells"]}
    assert results.pop(("pymysql", "required")) == "refused"
    assert set(results.values()) == {"not tried"}
    assert found["exit_code"] == 3


@live
def test_a_database_that_is_not_there_is_named(mariadb: Server) -> None:
    everywhere = Account("everywhere", "all-Secret-9")
    mariadb.sql(f"CREATE USER everywhere IDENTIFIED BY '{everywhere.password}'; GRANT ALL ON *.* TO everywhere")
    try:
        (cell,) = prove(mariadb, "--mode", "required", "--database", "nowhere", account=everywhere)["cells"]
    finally:
        mariadb.sql("DROP USER everywhere")
    assert (cell["result"], cell["error"]["kind"]) == ("no such database", "no such database")


@live
def test_server_without_tls(mariadb_bare: Server) -> None:
    by_mode = cells(prove(mariadb_bare, "--mode", "default", "--mode", "required"))
    assert by_mode["required"]["result"] == "declined"
    assert by_mode["required"]["error"]["kind"] == "server without TLS"
    assert by_mode["required"]["as_promised"]
    assert by_mode["default"]["result"] == "plaintext"


@live
def test_the_command_line_of_mariadb_falls_back_to_the_clear(mariadb_bare: Server) -> None:
    (cell,) = prove(mariadb_bare, "--client", "mariadb", "--mode", "required")["cells"]
    assert (cell["result"], cell["confidence"], cell["as_promised"]) == ("plaintext", "proven", False)


@live
def test_an_account_that_requires_tls_tried_without(mariadb: Server) -> None:
    (cell,) = prove(mariadb, "--mode", "off", account=TLS_ONLY)["cells"]
    assert (cell["result"], cell["verdict"]) == ("refused", "plaintext")  # the login itself crossed


@live
def test_nobody_listens_and_a_client_that_is_not_installed(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "prove", "--host", "localhost", "--port", "1", "--user", "u", "--mode", "off", "--client",
         "pymysql", "--client", "mysql2", "--format", "json"],
        capture_output=True, timeout=SECONDS, check=False, cwd=tmp_path,
        env={**ENVIRONMENT, "AURORA_WIRE_PASSWORD": "x", "NODE_PATH": "", "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 3
    assert [cell["result"] for cell in json.loads(done.stdout)["cells"]] == ["not reached", "not installed"]


@live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_it_leaves_no_table_no_process_and_no_keys(
    number: signal.Signals, mariadb: Server, tmp_path: Path
) -> None:
    arguments = ["--client", "mariadb", "--client", "pymysql"] if number != signal.SIGKILL else []
    with LockedTables(mariadb) as tables:
        process = subprocess.Popen(
            prove_command(mariadb, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment() | {"TMPDIR": str(tmp_path)}, preexec_fn=hears_ctrl_c,
        )  # fmt: skip
        with ended_within(process, SECONDS):
            tables.until_a_client_waits()
            process.send_signal(number)
            tables.unlock()
            _, said = process.communicate()
    if number == signal.SIGKILL:  # what nobody can clean up after: but the process that captures ends
        wait_until(lambda: not children_named(mariadb.port))
        mariadb.sql(f"DROP DATABASE {DATABASE}; CREATE DATABASE {DATABASE}")
        return
    assert process.returncode == 130, said
    assert mariadb.tables() == []
    assert not children_named(mariadb.port)
    assert list(tmp_path.iterdir()) == []


class LockedTables:
    """In a `with` statement: a server on which no client makes its table before `unlock`."""

    def __init__(self, server: Server) -> None:
        self.connection = pymysql.connect(unix_socket=str(server.socket), user="root", database=DATABASE)
        self.cursor = self.connection.cursor()

    def __enter__(self) -> LockedTables:
        self.cursor.execute("FLUSH TABLES WITH READ LOCK")
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def until_a_client_waits(self) -> None:
        waiting = "info LIKE 'CREATE TABLE%' AND state LIKE 'Waiting%'"
        wait_until(lambda: self.cursor.execute(f"SELECT * FROM information_schema.processlist WHERE {waiting}"))

    def unlock(self) -> None:
        self.cursor.execute("UNLOCK TABLES")


def wait_until(condition: Callable[[], object], pause: float = 0.05) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(pause)


def children_named(port: int) -> list[str]:
    """Command lines of processes that prove against this port."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"prove" in words and str(port).encode() in words:
            found.append(b" ".join(words).decode())
    return found


@live
def test_what_comes_from_the_wire_is_decoded_without_rights(mariadb: Server) -> None:
    """While a client runs, one of the two processes is root, and the other, with the capture, is nobody."""
    with LockedTables(mariadb) as tables:
        process = subprocess.Popen(
            prove_command(mariadb), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        )  # fmt: skip
        with ended_within(process, SECONDS):
            tables.until_a_client_waits()
            watchers = children_of(process.pid)
            tables.unlock()
            process.communicate()
    assert watchers
    uids, capabilities = next(
        (uids, capabilities) for uids, capabilities, name in watchers if name.startswith("python") and uids[0] != "0"
    )
    assert len(set(uids)) == 1
    assert int(capabilities, 16) == 0


def children_of(pid: int) -> Sequence[tuple[list[str], str, str]]:
    """User ids, effective capabilities and names."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        status = Path(f"/proc/{child}/status").read_text()
        uids = re.search(r"^Uid:\t(.*)$", status, re.MULTILINE)
        capabilities = re.search(r"^CapEff:\t(\w+)$", status, re.MULTILINE)
        name = re.search(r"^Name:\t(.*)$", status, re.MULTILINE)
        assert uids is not None
        assert capabilities is not None
        assert name is not None
        found.append((uids[1].split("\t"), capabilities[1], name[1]))
    return found


@live
def test_kept_keys_open_the_kept_capture(mariadb: Server, tmp_path: Path) -> None:
    folder = tmp_path / "k"
    (cell,) = prove(mariadb, "--mode", "required", "--keep", str(folder), "--keep-keys")["cells"]
    done = subprocess.run(
        [*COMMAND, "scan", "--format", "json", cell["capture"]], capture_output=True, env=ENVIRONMENT, check=False
    )
    inside = json.loads(done.stdout)["connections"][0]["tls"]["decrypted"]["statements"]
    assert any(cell["canary"] in one["sql"] for one in inside)


def test_wrong_use_is_one_line(tmp_path: Path) -> None:
    here = ["prove", "--host", "localhost", "--user", "u"]
    for arguments, said in (
        ([*here, "--client", "nope"], "no client has this name"),
        ([*here, "--ca", "/no/such.pem"], "no such file"),
        ([*here, "--password-file", "/no/such"], "no such file"),
        ([*here, "--keep-keys"], "--keep DIR"),
    ):
        done = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, env={**ENVIRONMENT, "AURORA_WIRE_PASSWORD": "x"}, timeout=30,
            check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert said in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1
    done = subprocess.run([*COMMAND, *here], capture_output=True, stdin=subprocess.DEVNULL, env={
        name: value for name, value in ENVIRONMENT.items() if name != "AURORA_WIRE_PASSWORD"}, check=False)  # fmt: skip
    assert done.returncode == 2
    assert b"no password" in done.stderr
