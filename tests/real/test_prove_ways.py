"""Ways to a server other than `--host --user`, and to other formats: option files, Unix sockets, pages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from aurora_wire.capture.relay.server import Relay
from tests.cli.running import COMMAND, ENVIRONMENT
from tests.real.servers import APP, DATABASE, SYSTEM_PATH, Server
from tests.report.schemas import valid

SECONDS = 60


def prove(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Without a password from elsewhere, and nobody to ask."""
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "AURORA_WIRE_PASSWORD"}
    done = subprocess.run(
        [*COMMAND, "prove", *arguments], capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
        env={**environment, "PATH": SYSTEM_PATH}, check=False,
    )  # fmt: skip
    assert APP.password.encode() not in done.stdout + done.stderr
    return done


def option_file(folder: Path, server: Server, *lines: str) -> str:
    path = folder / "my.cnf"
    path.touch(mode=0o600)
    path.write_text("\n".join([
        "[client]", f"user={APP.user}", f'password="{APP.password}"', f"database={DATABASE}",
        f"ssl-ca={server.certificates.ca}", *lines, "",
    ]))  # fmt: skip
    return str(path)


def cells(done: subprocess.CompletedProcess[bytes]) -> dict[str, dict[str, Any]]:
    return {cell["mode"]: cell for cell in valid("prove", done.stdout)["cells"]}


def test_an_option_file_has_all_of_the_login(mariadb: Server, tmp_path: Path) -> None:
    path = option_file(tmp_path, mariadb, "host=localhost", f"port={mariadb.port}")
    done = prove("--defaults-file", path, "--format", "json", "--mode", "off", "--mode", "verify-identity")
    assert done.returncode == 0, done.stderr.decode()
    found = cells(done)
    assert (found["off"]["result"], found["verify-identity"]["result"]) == ("plaintext", "TLS")
    assert valid("prove", done.stdout)["server"]["socket"] is None
    assert mariadb.tables() == []


def test_what_is_given_counts_before_the_file(mariadb: Server, tmp_path: Path) -> None:
    path = option_file(tmp_path, mariadb, "host=nowhere.invalid", "port=1", f"socket={mariadb.socket}")
    done = prove(
        "--defaults-file", path, "--host", "localhost", "--port", str(mariadb.port), "--mode", "off", "--format", "json"
    )
    assert done.returncode == 0, done.stderr.decode()
    assert valid("prove", done.stdout)["server"] == {
        "host": "localhost", "port": mariadb.port, "socket": None, "versions": [mariadb.version],
    }


@pytest.mark.parametrize("client", ["pymysql", "mariadb"])
def test_a_server_is_reached_by_its_socket_and_what_crosses_is_recorded(
    client: str, mariadb: Server, tmp_path: Path
) -> None:
    path = option_file(tmp_path, mariadb, "host=localhost", f"socket={mariadb.socket}")
    folder = tmp_path / "kept"
    done = prove("--defaults-file", path, "--format", "json", "--client", client, "--keep", str(folder),
                 "--mode", "off", "--mode", "verify-identity")
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]
    said, found = valid("prove", done.stdout), cells(done)
    assert said["server"]["socket"] == str(mariadb.socket)
    assert said["captured"]["how"] == "through a relay"
    assert "crosses a network" in said["captured"]["not_live_because"]
    assert (found["off"]["result"], found["verify-identity"]["result"]) == ("plaintext", "TLS")
    assert all(cell["confidence"] == "proven" for cell in found.values()), found
    assert str(mariadb.socket).encode() in Path(found["off"]["capture"]).read_bytes()
    assert mariadb.tables() == []


def test_a_socket_where_nobody_listens_is_not_reached(mariadb: Server, tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)  # whoever drives the clients may go there
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(f"{folder}/s")
        (folder / "s").chmod(0o777)
        done = prove("--defaults-file", option_file(tmp_path, mariadb), "--socket", f"{folder}/s", "--mode", "off")
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 3
    told = " ".join(done.stdout.decode().split())
    assert f"{folder}/s: connection refused" in told


def test_a_relay_tells_what_a_socket_carries_as_frames(tmp_path: Path) -> None:
    frames: list[bytes] = []
    place = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen()
        with Relay(("127.0.0.1", 0), ("127.0.0.1", 3306), lambda _, frame, __: frames.append(frame),
                   socket_path=str(place)) as relay:
            with socket.create_connection(relay.address) as client:
                client.sendall(b"question")
                there, _ = server.accept()
                with there:
                    assert there.recv(100) == b"question"
                    there.sendall(b"answer")
                    assert client.recv(100) == b"answer"
            assert relay.wait_idle(10)
    whole = b"".join(frames)
    assert b"question" in whole
    assert b"answer" in whole
    assert all(frame[16:20] == frame[12:16] == bytes((127, 0, 0, 1)) for frame in frames)
    assert frames[0][22:24] == (3306).to_bytes(2), "to the port that stands for the socket"


@pytest.mark.skipif(os.geteuid() != 0, reason="rights are given up by root only")
def test_pages_are_written_after_rights_were_given_up(mariadb: Server, tmp_path: Path) -> None:
    path = option_file(tmp_path, mariadb, "host=localhost", f"port={mariadb.port}")
    page, note = tmp_path / "m.html", tmp_path / "m.md"
    done = prove("--defaults-file", path, "--mode", "off", "--mode", "required", "--format", f"html={page}",
                 "--format", f"markdown={note}")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines()[-1] == "2 of 2 cells came out as their mode promises."
    assert "Every client did as its mode promises" in page.read_text()
    assert note.read_text().startswith("## \u2705")
    assert APP.password not in page.read_text() + note.read_text()
