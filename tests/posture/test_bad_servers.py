"""What else may stand behind a port: each is one clear line, in bounded time and memory."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aurora_wire.cli.main import main
from aurora_wire.posture.assess import assess
from aurora_wire.posture.probe import NOT_MYSQL, PROBED, REFUSED, UNREACHABLE, probe
from aurora_wire.posture.result import Posture
from aurora_wire.posture.survey import NO_ANSWER, NOT_ASKED, OFFERED
from aurora_wire.posture.target import Target
from aurora_wire.report.posture.text import render as render_text

HOST = "127.0.0.1"
Handler = Callable[[socket.socket], None]

FLAGS = 0xFFFF_FFFF & ~(1 << 11)  # all but TLS, bit 30 too


def greeting(flags: int, version: bytes = b"8.0.36") -> bytes:
    payload = b"\x0a" + version + b"\0" + struct.pack("<I", 7) + b"abcdefgh\0" + struct.pack("<H", flags & 0xFFFF)
    payload += b"\x2d\x02\x00" + struct.pack("<H", flags >> 16) + b"\x15" + bytes(10) + b"ijklmnopqrst\0"
    payload += b"caching_sha2_password\0"
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def error(code: int, text: bytes) -> bytes:
    payload = b"\xff" + struct.pack("<H", code) + text
    return len(payload).to_bytes(3, "little") + b"\0" + payload


@contextmanager
def serving(handle: Handler) -> Iterator[Target]:
    """A server on the loopback that gives each connection to `handle`, one after the other."""
    with socket.create_server((HOST, 0)) as listener:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        handle(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield Target(HOST, listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def says(data: bytes) -> Handler:
    def handle(connection: socket.socket) -> None:
        connection.sendall(data)

    return handle


def drains(data: bytes) -> Handler:
    """Says `data` first, then nothing more until the client goes."""
    def handle(connection: socket.socket) -> None:
        connection.sendall(data)
        while connection.recv(65_536):
            pass

    return handle


@pytest.mark.parametrize("code", [1040, 1129, 1130])
def test_an_error_instead_of_a_greeting_is_told_with_its_number(code: int) -> None:
    with serving(says(error(code, b"#08004Too many \x1b[2Jconnections"))) as target:
        found = probe(target, seconds=5).addresses[0]
    assert (found.status, found.error_code, found.connections) == (REFUSED, code, 1)
    assert "Too many" in found.reason
    assert "#08004" not in found.reason


@pytest.mark.parametrize("first", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(64), b"\n"])
def test_what_is_no_mysql_is_said_to_be_none(first: bytes) -> None:
    with serving(says(first)) as target:
        found = probe(target, seconds=5).addresses[0]
    assert found.status == NOT_MYSQL
    assert found.tls is None


def test_a_server_that_closes_without_a_word_is_not_mysql() -> None:
    with serving(says(b"")) as target:
        found = probe(target, seconds=5).addresses[0]
    assert found.status == NOT_MYSQL
    assert "without a word" in found.reason


def test_a_greeting_byte_by_byte_is_read_like_any_other() -> None:
    def handle(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in greeting(FLAGS & ~(1 << 30)):
            connection.sendall(bytes([byte]))

    with serving(handle) as target:
        found = probe(target, seconds=10).addresses[0]
    assert (found.status, found.version, found.offers_tls, found.stripped) == (PROBED, "8.0.36", False, False)


def test_an_offer_that_was_taken_out_of_the_greeting_is_seen() -> None:
    with serving(says(greeting(FLAGS))) as target:
        found = probe(target, seconds=5).addresses[0]
    assert found.stripped


def test_a_mariadb_that_sets_bit_30_was_not_robbed() -> None:
    with serving(says(greeting(FLAGS, b"5.5.5-10.11.2-MariaDB"))) as target:
        found = probe(target, seconds=5).addresses[0]
    assert not found.stripped


def test_a_proxy_that_greets_differently_each_time_is_said_to_be_no_one_server() -> None:
    greetings = itertools.cycle((b"8.0.36", b"5.7.44\x1b[2J", b"8.0.36", b"8.0.30"))

    def handle(connection: socket.socket) -> None:
        connection.sendall(greeting(0xFFFF_FFFF, next(greetings)))  # TLS is offered, and no hello is answered

    with serving(handle) as target:
        result = probe(target, seconds=5)
    found = result.addresses[0]
    assert found.version == "8.0.36"
    assert found.product is not None
    assert found.product.why.endswith(
        "connections were greeted otherwise: 5.7.44\x1b[2J, 8.0.30: what is found is not of one server"
    )
    posture = Posture("probe", probes=[(result, [assess(found, result.time)])])
    shown = "".join(render_text(posture))
    assert "\x1b" not in shown
    assert "not of one server" in " ".join(shown.split())


def test_a_greeting_without_end_is_given_up_after_some_kilobytes() -> None:
    sent = []

    def handle(connection: socket.socket) -> None:
        connection.sendall(b"\xff\xff\xff\0\x0a")
        for _ in range(1600):  # 100 MB
            sent.append(connection.send(b"8" * 65_536))

    with serving(handle) as target:
        found = probe(target, seconds=5).addresses[0]
    assert found.status == NOT_MYSQL
    assert sum(sent) < 50 << 20


def test_a_server_that_says_nothing_costs_its_time_and_no_more() -> None:
    with serving(drains(b"")) as target:
        found = probe(target, seconds=0.2).addresses[0]
    assert found.status == NOT_MYSQL
    assert "says nothing" in found.reason


def test_a_server_that_offers_tls_and_does_not_answer_is_not_called_bad() -> None:
    with serving(drains(greeting(FLAGS | 1 << 11))) as target:
        found = probe(target, seconds=0.2, limit=5).addresses[0]
    assert found.tls is not None
    assert {each.status for each in found.tls.versions} <= {NO_ANSWER, NOT_ASKED}
    assert found.offers_tls is None


def test_a_certificate_of_a_megabyte_is_refused_and_the_suite_counted() -> None:
    def handle(connection: socket.socket) -> None:
        connection.sendall(greeting(FLAGS | 1 << 11))
        if not connection.recv(65_536):
            return
        connection.recv(65_536)
        hello = bytes.fromhex("0303") + bytes(32) + b"\0" + bytes.fromhex("c02f") + b"\0"
        message = b"\x02" + len(hello).to_bytes(3, "big") + hello
        connection.sendall(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
        connection.sendall(b"\x16\x03\x03\x40\x00" + b"\x0b\x0f\xff\xff" + bytes(16_380))
        for _ in range(80):
            connection.sendall(b"\x16\x03\x03\x40\x00" + bytes(16_384))

    with serving(handle) as target:
        found = probe(target, seconds=5, limit=4).addresses[0]
    assert found.tls is not None
    assert not found.chain
    assert found.connections <= 5


def test_the_bound_on_connections_is_kept_and_said() -> None:
    count = []

    def handle(connection: socket.socket) -> None:
        count.append(1)
        connection.sendall(greeting(FLAGS | 1 << 11))
        connection.recv(100)
        connection.recv(65_536)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x28")

    with serving(handle) as target:
        found = probe(target, seconds=5, limit=3).addresses[0]
    assert sum(count) == found.connections == 3
    assert found.tls is not None
    assert NOT_ASKED in {each.status for each in found.tls.versions}
    assert OFFERED not in {each.status for each in found.tls.versions}
    assert found.offers_tls is None, "not all was asked: that it offers none cannot be said"


def test_what_cannot_be_reached_is_told_in_words() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    assert probe(Target(HOST, port)).addresses[0].status == UNREACHABLE
    assert "refused" in probe(Target(HOST, port)).addresses[0].reason
    assert probe(Target("no-such-host.invalid")).reason == "this name has no address"


def test_the_command_says_what_it_found_in_each_format(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(says(greeting(FLAGS & ~(1 << 30)))) as target:
        assert main(["probe", str(target)]) == 1
        text = capsys.readouterr().out
        assert main(["probe", "--format", "json", str(target)]) == 1
        whole = json.loads(capsys.readouterr().out)
        assert main(["probe", "--format", "jsonl", str(target), "no-such-host.invalid"]) == 1
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "grade F" in text
    assert "AW601" in text
    assert whole["schema"] == "aurora-wire/probe/1"
    assert whole["targets"][0]["addresses"][0]["findings"][0]["rule"] == "AW601"
    reasons = {line["host"]: line["reason"] for line in lines}  # as they come
    assert reasons == {HOST: None, "no-such-host.invalid": "this name has no address"}


def test_servers_are_taken_from_a_list_and_from_the_result_of_fleet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "servers.txt"
    saved = tmp_path / "clusters.json"
    fleet = tmp_path / "fleet.json"
    with serving(says(greeting(FLAGS & ~(1 << 30)))) as target:
        saved.write_text(json.dumps({"DBClusters": [
            {"DBClusterIdentifier": "shop", "Engine": "aurora-mysql", "Endpoint": target.host, "Port": target.port}
        ]}))  # fmt: skip
        main(["fleet", "--json", str(saved), "--format", "json", "-o", str(fleet)])
        listed.write_text(f"# ours\n{target}  # the first\n\nno-such-host.invalid\n")
        capsys.readouterr()
        for path in (listed, fleet):
            assert main(["probe", "--hosts", str(path), "--format", "json"]) == 1
            first = json.loads(capsys.readouterr().out)["targets"][0]
            assert (first["host"], first["port"], first["reason"]) == (target.host, target.port, None)
    listed.write_text("db:1\ndb:x\n")
    assert main(["probe", "--hosts", str(listed)]) == 2
    assert "servers.txt, line 2: " in capsys.readouterr().err


def test_a_call_that_makes_no_sense_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["db:x"], ["--hosts", "/no/such/file"], ["--ca", "/none", "db"]):
        assert main(["probe", *arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1
