"""What befalls the capture while a client runs, and what stands between: each is said, and nothing is proven by it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aurora_wire.capture.live.bpf import port_filter
from aurora_wire.capture.live.ring import LiveCapture
from aurora_wire.prove.observers import LiveObserver, RelayObserver
from tests.cli.running import ended_within
from tests.loopback import ip, pair_of_interfaces
from tests.real.servers import APP, Server
from tests.real.test_prove import SECONDS, LockedTables, cells, environment, live, prove, prove_command
from tests.real.tls_proxy import TLSProxy


@live
def test_a_proxy_that_ends_tls_is_found_by_the_sessions_own_words(
    mariadb: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TLSProxy(mariadb) as proxy:
        monkeypatch.setattr(mariadb, "port", proxy.port)
        (cell,) = prove(mariadb, "--mode", "verify-identity")["cells"]
    assert cell["session"]["agreement"] == "another session"
    assert cell["session"]["tls_cipher"] == ""
    assert cell["tls"]["version"] == "TLSv1.3"
    assert any("a proxy ends TLS in between" in reason for reason in cell["reasons"])
    assert not cell["as_promised"]


@live
def test_a_capture_that_dies_proves_nothing_and_the_clients_go_on(mariadb: Server) -> None:
    with LockedTables(mariadb) as tables:
        process = subprocess.Popen(
            prove_command(mariadb, "--mode", "required", "--mode", "verify-ca"), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(),
        )  # fmt: skip
        with ended_within(process, SECONDS):
            tables.until_a_client_waits()
            os.kill(watcher_of(process.pid), signal.SIGKILL)
            tables.unlock()
            said, _ = process.communicate()
    assert process.returncode == 3
    by_mode = cells(json.loads(said))
    for cell in by_mode.values():
        assert cell["result"] == "not seen"
        assert cell["verdict"] is None
        assert any("ended by itself" in reason or "not answer" in reason for reason in cell["reasons"])
        assert cell["rows"]
    assert mariadb.tables() == []


def watcher_of(pid: int) -> int:
    """The child in a session of its own that runs the same program."""
    own = Path(f"/proc/{pid}/cmdline").read_bytes()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next(int(child) for child in children if Path(f"/proc/{child}/cmdline").read_bytes() == own)


@live
def test_an_interface_that_goes_away_is_named_and_the_rest_still_runs(mariadb: Server) -> None:
    with pair_of_interfaces() as (ours, theirs), LockedTables(mariadb) as tables:
        process = subprocess.Popen(
            prove_command(mariadb, "-i", "lo", "-i", ours, "--mode", "required", "--mode", "verify-ca"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        )  # fmt: skip
        with ended_within(process, SECONDS):
            tables.until_a_client_waits()
            ip("link", "del", theirs)
            tables.unlock()
            said, _ = process.communicate()
    assert process.returncode == 3
    for cell in json.loads(said)["cells"]:
        assert (cell["result"], cell["confidence"]) == ("TLS", "likely")
        assert any(f"{ours}: the interface is gone" in reason for reason in cell["reasons"])
        assert cell["rows"]


@live
def test_frames_of_the_time_before_belong_to_no_cell() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        observer = LiveObserver(LiveCapture(["lo"], port_filter([port])), port)
        for number in range(3):
            observer.begin()
            with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as other:
                client.sendall(b"number %d" % number)
                assert other.recv(100)
            observer.end()
            payloads = b"".join(frame.data for frame in observer.frames)
            assert [b"number %d" % other in payloads for other in range(3)] == [other == number for other in range(3)]
        observer.close()


def test_a_relay_gives_only_the_frames_of_its_cell() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        observer = RelayObserver("127.0.0.1", "127.0.0.1", server.getsockname()[1])
        for number in range(3):
            observer.begin()
            with socket.create_connection(("127.0.0.1", observer.connect_port)) as client, server.accept()[0] as other:
                client.sendall(b"number %d" % number)
                assert other.recv(100)
            observer.end()
            payloads = b"".join(frame.data for frame in observer.frames)
            assert [b"number %d" % other in payloads for other in range(3)] == [other == number for other in range(3)]
        observer.close()


def test_captures_that_cannot_be_kept_cost_no_cell(mariadb: Server, tmp_path: Path) -> None:
    (tmp_path / "pymysql-off.pcapng").write_bytes(b"evidence of another day")
    done = subprocess.run(
        prove_command(mariadb, "--mode", "off", "--mode", "required", "--keep", str(tmp_path)), capture_output=True,
        timeout=SECONDS, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert b"pymysql-off.pcapng: is there already" in done.stderr
    assert [cell["as_promised"] for cell in json.loads(done.stdout)["cells"]] == [True, True]
    assert (tmp_path / "pymysql-off.pcapng").read_bytes() == b"evidence of another day"
    assert (tmp_path / "pymysql-required.pcapng").exists()


@live
def test_a_full_disk_leaves_no_half_capture(mariadb: Server, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        done = subprocess.run(
            prove_command(mariadb, "--mode", "off", "--mode", "required", "--keep", str(small)), capture_output=True,
            timeout=SECONDS, env=environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 4
        assert b"no space left on device" in done.stderr
        assert len(json.loads(done.stdout)["cells"]) == 2
        assert [path.name for path in small.iterdir() if path.stat().st_size == 0] == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


@live
def test_under_sudo_clients_and_files_are_the_users(mariadb: Server) -> None:
    """As sudo sets it up: root, and who called it in SUDO_UID."""
    if not shutil.which("sudo") and os.geteuid() != 0:
        pytest.skip("needs root")
    import pwd
    import tempfile

    user = pwd.getpwnam("daemon")
    probe = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", sys.executable, "-c",
             "import subprocess, sys, aurora_wire; subprocess.run([sys.executable, '-c', ''], check=True)"]  # fmt: skip
    if subprocess.run(probe, env=environment(), check=False, capture_output=True).returncode:
        pytest.skip("another user may not read this interpreter")
    with tempfile.TemporaryDirectory(prefix="aw-sudo-") as folder:
        os.chown(folder, user.pw_uid, user.pw_gid)
        done = subprocess.run(
            prove_command(mariadb, "--mode", "off", "--keep", f"{folder}/k", "-o", f"{folder}/report.json"),
            capture_output=True, timeout=SECONDS, check=False,
            env=environment(APP) | {"SUDO_UID": str(user.pw_uid), "SUDO_GID": str(user.pw_gid)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        left = [path for path in Path(folder).rglob("*") if path.is_file()]
        assert len(left) == 3
        assert {path.stat().st_uid for path in left} == {user.pw_uid}
        assert {path.stat().st_mode & 0o777 for path in left} == {0o600}
