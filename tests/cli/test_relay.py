"""`aurora-wire relay` as a user runs it: a process between a client and a server on loopback."""

from __future__ import annotations

import json
import resource
import signal
import socket
import stat
import subprocess
import threading
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.cli.relay import place, target_place
from tests.capture.relay_ends import TIMEOUT, Server, echo, is_reset, read_all
from tests.cli.running import COMMAND, ENVIRONMENT, ended_within, hears_ctrl_c, run
from tests.conversations import mysql
from tests.conversations.sessions import SECRET
from tests.free_ports import refusing_port

INSERT = mysql.query(SECRET)


def leaky(connection: socket.socket) -> None:
    """A MySQL server without TLS."""
    connection.sendall(mysql.greeting(ssl=False))
    for answer in (mysql.ok(2), mysql.ok(1, affected=1)):
        assert connection.recv(4096)
        connection.sendall(answer)
    assert connection.recv(4096) == mysql.leave()


def talk(connection: socket.socket) -> None:
    """Its client; the statement leaks."""
    with connection:
        assert connection.recv(4096)
        for said in (mysql.login(), INSERT):
            connection.sendall(said)
            assert connection.recv(4096)
        connection.sendall(mysql.leave())
        assert connection.recv(1) == b""


class Running:
    """A relay process that listens on `port`; `end` gives its exit code and what it wrote."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        assert process.stdout is not None
        self.first = process.stdout.readline().decode()
        assert self.first, process.communicate()[1].decode()
        listen = json.loads(self.first)["listen"] if self.first.startswith("{") else self.first.split()[1]
        self.port = int(listen.rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)

    def end(self, number: int | None = signal.SIGINT) -> tuple[int, str, str]:
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, out.decode(), err.decode()


@contextmanager
def relaying(
    server: tuple[str, int], *arguments: str, before: Callable[[], None] = lambda: None
) -> Iterator[Running]:
    def prepare() -> None:
        hears_ctrl_c()
        before()

    process = subprocess.Popen(
        [*COMMAND, "relay", "--listen", "127.0.0.1:0", "--to", f"{server[0]}:{server[1]}", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, preexec_fn=prepare,
    )  # fmt: skip
    with process, ended_within(process, 40):
        try:
            yield Running(process)
        finally:
            process.kill()


def test_a_connection_is_judged_when_it_ends_and_the_recording_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with Server(leaky) as server, relaying(server.place, "-w", str(path)) as relay:
        assert relay.first == f"relaying 127.0.0.1:{relay.port} to 127.0.0.1:{server.place[1]}, recorded in {path}\n"
        talk(relay.connect())
        assert relay.process.stdout is not None
        leak = relay.process.stdout.readline().decode()  # before the end
        line = relay.process.stdout.readline().decode()
        assert f" to 127.0.0.1:{server.place[1]}: PLAINTEXT (proven)\n" in line
        assert "connection 1, app@127.0.0.1:" in line
        code, out, err = relay.end()
    assert (code, err) == (1, "")
    assert SECRET.decode() in out
    assert f" to 127.0.0.1:{server.place[1]}, frame " in leak
    assert leak.endswith(f": LEAK COM_QUERY  {SECRET.decode()}\n")
    said = f"recorded in {path}: {path.stat().st_size:,} bytes, sha256 {sha256(path.read_bytes()).hexdigest()}"
    assert said in out.splitlines()
    assert "PLAINTEXT (proven)" in out.splitlines()[-1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    scan = aurora_wire.scan([str(path)], aurora_wire.ScanOptions([3306, server.place[1]]))
    assert (scan.verdict, scan.confidence, scan.connections_total) == ("plaintext", "proven", 1)
    assert [statement.sql for statement in scan.connections[0].statements] == [SECRET]
    assert out.splitlines()[-1] == scan.closing or scan.closing in " ".join(out.split())


def test_json_lines_tell_statements_connections_and_the_summary() -> None:
    with Server(leaky) as server, relaying(server.place, "--format", "jsonl", "--redact", "--count", "1") as relay:
        talk(relay.connect())
        code, out, err = relay.end(None)
    assert (code, err) == (1, "")
    lines = [json.loads(line) for line in [relay.first, *out.splitlines()]]
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "started"
    assert lines[0] == {"type": "started", "listen": f"127.0.0.1:{relay.port}", "to": f"127.0.0.1:{server.place[1]}"}
    assert {"statement", "connection", "finding", "capture"} <= set(kinds)
    assert (kinds[-1], lines[-1]["verdict"]) == ("summary", "plaintext")
    assert "Canary" not in out


@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM", "--duration"])
def test_it_ends_cleanly_and_cuts_what_is_open(way: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    arguments = ["--duration", "3"] if way == "--duration" else []
    ready, seen = threading.Event(), []

    def serve(connection: socket.socket) -> None:
        connection.sendall(mysql.greeting())
        ready.set()
        seen.append(is_reset(connection))

    with (
        Server(serve) as server,
        relaying(server.place, "-w", str(path), *arguments) as relay,
        relay.connect() as client,
    ):
        assert client.recv(4096) == mysql.greeting()
        assert ready.wait(60)
        code, out, err = relay.end(None if arguments else getattr(signal, way))
        assert is_reset(client)
    assert seen == [True]
    assert (code, err) == (3, "")
    assert "NO SESSION" in out.splitlines()[-1].upper().replace("-", " ")
    assert aurora_wire.scan([str(path)], aurora_wire.ScanOptions([server.place[1]])).by_verdict == {"no-session": 1}


def test_count_takes_that_many_connections_and_waits_for_their_end() -> None:
    with Server(echo) as server, relaying(server.place, "--count", "2", "--quiet", "--format", "jsonl") as relay:
        clients = [relay.connect(), relay.connect()]
        for client in clients:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        with pytest.raises(ConnectionError):
            relay.connect()  # nobody listens any more
        for client in clients:
            client.close()
        assert relay.end(None)[0] == 3


def test_what_is_not_mysql_is_named_and_no_verdict() -> None:
    def serve(connection: socket.socket) -> None:
        assert connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Server(serve) as server, relaying(server.place, "--count", "1") as relay:
        with relay.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: db.example\r\n\r\n")
            read_all(client)
        code, out, _ = relay.end(None)
    assert code == 3
    assert "connection 1, 127.0.0.1:" in out
    assert "not MySQL (HTTP)\n" in out


def test_a_target_that_refuses_is_one_line_and_no_session() -> None:
    with refusing_port() as nobody, relaying(("127.0.0.1", nobody), "--count", "1") as relay:
        try:
            with relay.connect() as client:
                port = client.getsockname()[1]
                assert is_reset(client)
        except ConnectionResetError:
            port = 0
        code, out, err = relay.end(None)
    assert code == 3
    assert err.startswith("aurora-wire: 127.0.0.1:")
    assert err.endswith(f" to 127.0.0.1:{nobody}: connection refused.\n")
    assert err.count("\n") == 1
    assert not port or f"127.0.0.1:{port} to" in err
    assert "no-session" in out or "NO-SESSION" in out


def test_a_full_disk_is_one_line_connections_go_on_and_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    said = bytes(1_000_000)
    with Server(echo) as server, relaying(server.place, "-w", str(path), before=small_files) as relay:
        with relay.connect() as client:
            sender = threading.Thread(target=lambda: (client.sendall(said), client.shutdown(socket.SHUT_WR)))
            sender.start()
            assert read_all(client) == said
            sender.join()
        with relay.connect() as client:
            client.sendall(b"still there")
            assert client.recv(100) == b"still there"
        code, out, err = relay.end()
    assert code == 4
    assert err.count("\n") == 1
    assert err.startswith(f"aurora-wire: {path}: file too large. It ends with its last whole packet")
    assert err.endswith("Connections are carried on.\n")
    assert "2 MySQL connections" in out
    scan = aurora_wire.scan([str(path)])
    assert scan.captures[0].complete
    assert 0 < scan.captures[0].bytes <= 300_000


def test_a_file_that_is_there_already_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_text("evidence")
    done = run("relay", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "-w", str(path))
    assert done.returncode == 4
    said = f"{path}: is there already. Give another name, or --force to replace it."
    assert done.stderr.decode() == f"aurora-wire: {said}\n"
    assert path.read_text() == "evidence"


def test_minus_is_a_recording_on_standard_output_and_words_on_standard_error() -> None:
    with Server(leaky) as server:
        process = subprocess.Popen(
            [*COMMAND, "relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{server.place[1]}", "-w", "-",
             "--count", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
        )  # fmt: skip
        with process, ended_within(process, 40):
            assert process.stderr is not None
            port = int(process.stderr.readline().decode().split()[1].rpartition(":")[2])
            talk(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT))
            capture, words = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    said = f"recorded in standard output: {len(capture):,} bytes, sha256 {sha256(capture).hexdigest()}"
    assert said in words.decode().splitlines()
    assert capture[:4] == b"\n\r\r\n"


def test_an_address_that_cannot_be_listened_on_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("relay", "--listen", f"127.0.0.1:{port}", "--to", "127.0.0.1:1")
    assert (done.returncode, done.stderr.decode()) == (
        2, f"aurora-wire: cannot listen on 127.0.0.1:{port}: address already in use.\n"
    )  # fmt: skip
    done = run("relay", "--listen", "127.0.0.1:3307", "--to", "127.0.0.1:3307")
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


def test_who_closes_our_standard_output_takes_nothing_from_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with Server(leaky) as server, relaying(server.place, "-w", str(path)) as relay:
        assert relay.process.stdout is not None
        relay.process.stdout.close()
        talk(relay.connect())
        assert relay.process.wait(TIMEOUT) == 1
        assert relay.process.stderr is not None
        assert relay.process.stderr.read() == b""
    assert aurora_wire.scan([str(path)]).verdict == "plaintext"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:3307", ("127.0.0.1", 3307)),
        ("db.example.com:3306", ("db.example.com", 3306)),
        ("db.example.com", ("db.example.com", 3306)),
        ("[::1]:3307", ("::1", 3307)),
        ("[fe80::1%eth0]:3307", ("fe80::1%eth0", 3307)),
        ("[::1]", ("::1", 3306)),
    ],
)
def test_a_target_is_a_host_and_maybe_a_port(text: str, found: tuple[str, int]) -> None:
    assert target_place(text) == found


@pytest.mark.parametrize(
    "text", ["", ":3306", "::1", "::1:3306", "db:", "db:x", "db:65536", "db:-1", "[::1:3306", "a b:1", "db:0", "db:٣"]
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        target_place(text)


def test_where_to_listen_needs_a_port() -> None:
    assert place("127.0.0.1:0") == ("127.0.0.1", 0)
    with pytest.raises(ArgumentTypeError):
        place("127.0.0.1")
