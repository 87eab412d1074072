"""What a relay carries over, and what it tells: on loopback, with real sockets on both ends."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import socket
import ssl
import stat
import struct
import subprocess
import threading
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.capture.relay.resolve import Found
from aurora_wire.capture.relay.server import Relay
from aurora_wire.capture.relay.synthetic_frames import Place
from aurora_wire.errors import OutputError, UsageError
from tests.capture.relay_ends import Carried, Server, cut, echo, is_reset, read_all, until
from tests.conversations import mysql
from tests.conversations.real_tls import contexts
from tests.conversations.sessions import SECRET
from tests.free_ports import pick_port, refusing_port

OPENING = ["> S", "< SA", "> A"]
IP_LOCAL_PORT_RANGE = 51  # linux/in.h, since Linux 6.3
IDLE = 0.05  # seconds in which nothing is to happen


def tshark(path: Path, shown: str, *options: str) -> list[str]:
    """The packets that a display filter takes, all checksums verified."""
    if shutil.which("tshark") is None:
        if os.environ.get("CI"):
            pytest.fail("no tshark on PATH, and in CI it has to be")
        pytest.skip("no tshark on PATH")
    checks = [word for name in ("tcp", "ip") for word in ("-o", f"{name}.check_checksum:TRUE")]
    command = ["tshark", "-r", str(path), *checks, *options, "-Y", shown]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()


def looks_captured(path: Path) -> None:
    """Nothing that Wireshark remarks on: no gap, no retransmission, no wrong checksum, nothing malformed."""
    shown = "tcp.analysis.flags || _ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0"
    assert tshark(path, shown) == []


def test_both_streams_are_carried_and_told_byte_for_byte(tmp_path: Path) -> None:
    rng = random.Random(7)
    text = rng.randbytes(300_001)
    with Server(echo) as server, Carried(server.place) as carried:
        with carried.connect() as client:
            port = client.getsockname()[1]
            sender = threading.Thread(target=lambda: (client.sendall(text), client.shutdown(socket.SHUT_WR)))
            sender.start()
            assert read_all(client) == text
            sender.join()
        carried.settle()
        assert carried.streams() == {port: (text, text)}
        assert carried.story()[:3] == OPENING
        assert {segment.source for segment in carried.segments} == {("127.0.0.1", port), server.place}
        times = [time_ns for time_ns, _, _ in carried.frames]
        assert times == sorted(times)
        assert max(len(frame) for _, frame, _ in carried.frames) < 1 << 16
        looks_captured(carried.save(tmp_path / "a.pcapng"))


@pytest.mark.parametrize("rest", [b"", b"after the end"])
@pytest.mark.parametrize("first", ["client", "server"])
def test_a_half_close_is_carried_and_the_other_direction_goes_on(first: str, rest: bytes, tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        if first == "server":
            connection.sendall(b"hello")
            connection.shutdown(socket.SHUT_WR)
            assert read_all(connection) == rest
        else:
            assert read_all(connection) == b"hello"
            connection.sendall(rest)

    with Server(serve) as server, Carried(server.place) as carried:
        with carried.connect() as client:
            if first == "client":
                client.sendall(b"hello")
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == rest
            else:
                assert read_all(client) == b"hello"
                client.sendall(rest)
        carried.settle()
        one, two = (">", "<") if first == "client" else ("<", ">")
        later = [f"{two} A+{len(rest)}", f"{one} A"] if rest else []
        expected = [*OPENING, f"{one} A+5", f"{two} A", f"{one} FA", f"{two} A", *later, f"{two} FA", f"{one} A"]
        assert carried.story() == expected
        looks_captured(carried.save(tmp_path / "a.pcapng"))


@pytest.mark.parametrize("after_half_close", [False, True])
@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_is_carried_as_a_reset(who: str, after_half_close: bool, tmp_path: Path) -> None:
    ready, seen = threading.Event(), []

    def serve(connection: socket.socket) -> None:
        assert connection.recv(5) == b"hello"
        ready.set()
        if who == "client":
            if after_half_close:
                assert connection.recv(1) == b""
                until(lambda: "> RA" in carried.story())
                until(lambda: not takes(connection))
            else:
                seen.append(is_reset(connection))
        else:
            if after_half_close:
                connection.shutdown(socket.SHUT_WR)
                assert half_closed.wait(60)
            cut(connection)

    half_closed = threading.Event()
    with Server(serve) as server, Carried(server.place) as carried:
        client = carried.connect()
        client.sendall(b"hello")
        assert ready.wait(60)
        if who == "client":
            if after_half_close:
                client.shutdown(socket.SHUT_WR)
                until(lambda: "> FA" in carried.story())
            cut(client)
        elif after_half_close:
            assert client.recv(1) == b""
            half_closed.set()
        else:
            seen.append(is_reset(client))
        carried.settle()
        client.close()
        story = carried.story()
        assert story[-1] == ("> RA" if who == "client" else "< RA")
        assert sum("R" in line for line in story) == 1
        assert ("> FA" in story or "< FA" in story) == after_half_close
        looks_captured(carried.save(tmp_path / "a.pcapng"))
    assert seen == ([] if after_half_close else [True])


def takes(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x")
    except ConnectionError:
        return False
    return True


def test_a_reset_is_noticed_while_nobody_reads() -> None:
    """The target takes nothing, so the relay does not read from the client either."""
    go_on, seen = threading.Event(), []

    def serve(connection: socket.socket) -> None:
        assert go_on.wait(60)
        seen.append(is_reset(connection))

    with Server(serve) as server, Carried(server.place) as carried:
        client = carried.connect()
        client.settimeout(0)
        fill(client)
        cut(client)
        carried.settle()
        go_on.set()
    assert seen == [True]
    assert carried.story()[-1] == "> RA"


def test_what_was_said_before_a_reset_arrives() -> None:
    """A server that answers and closes without having read all: its answer comes, then the reset."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"too many connections")

    with Server(serve) as server, Carried(server.place) as carried, carried.connect() as client:
        client.sendall(b"login" * 100)
        said = client.recv(20, socket.MSG_WAITALL)
        assert said == b"too many connections"
        assert is_reset(client)
        carried.settle()
        assert carried.story()[-1] == "< RA"


def test_a_reset_that_a_write_meets_first_is_still_no_end_of_the_stream() -> None:
    """The client is slow, so the relay does not read from the server when that resets; then the client speaks."""
    is_cut, sizes = threading.Event(), []

    def serve(connection: socket.socket) -> None:
        connection.settimeout(0)
        sizes.append(fill(connection))
        cut(connection)
        is_cut.set()

    with Server(serve) as server, Carried(server.place) as carried, carried.connect() as client:
        assert is_cut.wait(60)
        client.sendall(b"x")
        until(lambda: "> A+1" in carried.story())
        assert is_reset(client)
        carried.settle()
    assert carried.story()[-1] == "< RA"
    assert "< FA" not in carried.story()


def test_times_do_not_go_backwards_when_the_clock_does() -> None:
    clock = iter([1000, 2000, 500, 1500, 3000])
    frames: list[int] = []
    with (
        Server(echo) as server,
        Relay(("127.0.0.1", 0), server.place, lambda *f: frames.append(f[0]), clock=lambda: next(clock, 9)) as relay,
    ):
        with socket.create_connection(relay.address, timeout=60) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        assert relay.wait_idle(60)
    assert frames[:6] == [1000, 2000, 2000, 2000, 3000, 3000]
    assert set(frames[6:]) == {3000}


def fill(connection: socket.socket) -> int:
    """Send until nothing more is taken for a while."""
    sent = 0
    pause = threading.Event()
    chunk = bytes(1 << 16)
    for _ in range(10):
        try:
            while True:
                sent += connection.send(chunk)
        except BlockingIOError:
            pause.wait(IDLE)
    return sent


@pytest.mark.parametrize("slow", ["client", "server"])
def test_who_reads_slowly_slows_down_who_sends(slow: str) -> None:
    go_on, sizes = threading.Event(), []

    def serve(connection: socket.socket) -> None:
        if slow == "server":
            assert go_on.wait(60)
            sizes.append(len(read_all(connection)))
        else:
            connection.settimeout(0)
            sizes.append(fill(connection))
            connection.settimeout(60)
            go_on.set()

    with Server(serve) as server, Carried(server.place) as carried:
        client = carried.connect()
        if slow == "server":
            client.settimeout(0)
            sent = fill(client)
            told = sum(len(segment.payload) for segment in carried.segments)
            go_on.set()
            client.close()
            carried.settle()
        else:
            assert go_on.wait(60)
            told = sum(len(segment.payload) for segment in carried.segments)
            sent = len(read_all(client))
            client.close()
    assert sizes == [sent]
    # What lies between the ends is in the buffers of four sockets; the relay itself holds one chunk.
    assert told < sent < 40 << 20
    assert sum(len(segment.payload) for segment in carried.segments) == sent


def test_a_hundred_connections_at_once(tmp_path: Path) -> None:
    with Server(echo) as server, Carried(server.place) as carried:
        clients = [carried.connect() for _ in range(100)]
        said = {client.getsockname()[1]: b"%d" % number * (number * 7) for number, client in enumerate(clients, 1)}
        for client in clients:
            client.sendall(said[client.getsockname()[1]])
        for client in reversed(clients):
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            assert read_all(client) == said[client.getsockname()[1]]
            client.close()
        carried.settle()
        assert carried.streams() == {port: (text, text) for port, text in said.items()}
        for port in list(said)[::33]:
            story = carried.story(port)
            assert (story[:3], story[-2:]) == (OPENING, ["< FA", "> A"])
            assert "> FA" in story
        looks_captured(carried.save(tmp_path / "a.pcapng"))
    assert (carried.relay.accepted, carried.relay.ended, carried.relay.failed) == (100, 100, 0)


def test_more_connections_than_wanted_wait_until_one_ends() -> None:
    with Server(echo) as server, Carried(server.place, most=2) as carried:
        clients = [carried.connect() for _ in range(3)]
        for client in clients[:2]:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        clients[2].sendall(b"y")
        clients[2].settimeout(IDLE)
        with pytest.raises(TimeoutError):
            clients[2].recv(1)
        clients[0].close()
        clients[2].settimeout(60)
        assert clients[2].recv(1) == b"y"
        for client in clients[1:]:
            client.close()
        carried.settle()


def test_a_refused_connection_is_reset_and_told() -> None:
    with refusing_port() as nobody, Carried(("127.0.0.1", nobody)) as carried:
        assert is_turned_away(carried)
        carried.settle()
    assert carried.story() == ["> S", "< RA"]
    assert carried.problems == [
        f"127.0.0.1:{client_port(carried)} to 127.0.0.1:{nobody}: connection refused."
    ]
    assert carried.relay.failed == 1


def test_a_target_that_does_not_answer_is_a_syn_alone() -> None:
    with socket.socket() as deaf, contextlib.ExitStack() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # its queue is full: the system drops every further SYN
            one = waiting.enter_context(socket.socket())
            one.settimeout(0)
            assert one.connect_ex(deaf.getsockname()) in (0, errno.EINPROGRESS)
        with Carried(deaf.getsockname(), connect_timeout=0.2) as carried:
            assert is_turned_away(carried)
            carried.settle()
    assert carried.story() == ["> S"]
    assert [problem.rpartition(": ")[2] for problem in carried.problems] == ["no answer in 0.2 s."]


def is_turned_away(carried: Carried) -> bool:
    """A client comes; the reset may be faster than its `connect`."""
    try:
        with carried.connect() as client:
            return is_reset(client)
    except ConnectionResetError:
        return True


def client_port(carried: Carried) -> int:
    return carried.segments[0].source[1]


def test_a_name_that_does_not_resolve_resets_the_client_and_is_said() -> None:
    with Carried(("no-such-host.invalid", 3306)) as carried:
        assert is_turned_away(carried)
        carried.settle()
    assert carried.frames == []
    assert len(carried.problems) == 1
    assert "to no-such-host.invalid:3306: " in carried.problems[0]


def test_a_relay_to_itself_says_so() -> None:
    place = ("127.0.0.1", pick_port())
    with Carried(place, listen=place) as carried:
        for _ in range(3):
            assert is_turned_away(carried)
        carried.settle()
        assert carried.relay.accepted < 10
    assert all(problem.endswith("leads back to this relay.") for problem in carried.problems)
    assert carried.problems


def test_a_client_with_the_port_number_of_our_own_connection_is_no_circle() -> None:
    """The system gives a port out twice where the other ends differ."""
    ports: list[int] = []

    def serve(connection: socket.socket) -> None:
        ports.append(connection.getpeername()[1])
        echo(connection)

    with Server(serve) as server, Carried(server.place) as carried, carried.connect() as first:
        first.sendall(b"x")
        assert first.recv(1) == b"x"
        with socket.socket() as second:
            try:
                only = struct.pack("HH", ports[0], ports[0])
                second.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, only)
            except OSError:
                pytest.skip("this kernel does not let a port be chosen so")
            second.settimeout(60)
            second.connect(carried.relay.address)
            assert second.getsockname()[1] == ports[0]
            second.sendall(b"y")
            assert second.recv(1) == b"y"
    assert carried.problems == []


HAS_IPV6 = pytest.mark.skipif(not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")


@HAS_IPV6
def test_ipv6_on_both_sides(tmp_path: Path) -> None:
    with Server(echo, "::1") as server, Carried(server.place, listen=("::1", 0)) as carried:
        with carried.connect() as client:
            client.sendall(b"six")
            assert client.recv(3) == b"six"
        carried.settle()
        assert {segment.source[0] for segment in carried.segments} == {"::1"}
        looks_captured(carried.save(tmp_path / "a.pcapng"))


@HAS_IPV6
@pytest.mark.parametrize(("here", "there"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_ipv4_beside_ipv6_is_shown_as_a_mapped_address(here: str, there: str, tmp_path: Path) -> None:
    with Server(echo, there) as server, Carried(server.place, listen=(here, 0)) as carried:
        with carried.connect() as client:
            client.sendall(b"mapped")
            assert client.recv(6) == b"mapped"
        carried.settle()
        assert {segment.source[0] for segment in carried.segments} == {"::1", "::ffff:127.0.0.1"}
        looks_captured(carried.save(tmp_path / "a.pcapng"))


def test_the_second_address_of_a_name_is_tried_and_both_tries_are_told() -> None:
    asked: list[Place] = []

    async def names(place: Place) -> Found:
        asked.append(place)
        return [(socket.AF_INET, ("127.0.0.2", place.port)), (socket.AF_INET, ("127.0.0.1", place.port))]

    with Server(echo) as server, Carried(("db.example", server.place[1]), names=names) as carried:
        for _ in range(2):
            with carried.connect() as client:
                client.sendall(b"x")
                assert client.recv(1) == b"x"
        carried.settle()
        assert carried.problems == []
    assert carried.story()[:5] == ["> S", "< RA", *OPENING]
    assert [segment.destination[0] for segment in carried.segments if segment.name == "S"] == [
        "127.0.0.2", "127.0.0.1", "127.0.0.2", "127.0.0.1"
    ]  # fmt: skip
    assert asked == [Place("db.example", server.place[1])] * 2, "the name is looked up for each connection"


def test_all_addresses_that_failed_are_named() -> None:
    async def names(place: Place) -> Found:
        return [(socket.AF_INET, ("127.0.0.2", place.port)), (socket.AF_INET, ("127.0.0.1", place.port))]

    with refusing_port() as port, Carried(("db.example", port), names=names) as carried:
        assert is_turned_away(carried)
        carried.settle()
    assert carried.story() == ["> S", "< RA"] * 2
    said = f"127.0.0.2:{port}: connection refused; 127.0.0.1:{port}: connection refused."
    assert carried.problems == [f"127.0.0.1:{client_port(carried)} to db.example:{port}: {said}"]


def test_stop_cuts_what_is_open_and_leaves_nothing_behind() -> None:
    handles, threads = Path("/proc/self/fd"), threading.active_count()
    before = len(list(handles.iterdir()))
    begun, seen = threading.Semaphore(0), []

    def serve(connection: socket.socket) -> None:
        begun.release()
        seen.append(is_reset(connection))

    with Server(serve) as server:
        with Carried(server.place) as carried:
            clients = [carried.connect() for _ in range(5)]
            for client in clients:
                client.sendall(b"x")
            until(lambda: carried.story().count("< A") == 5)
            assert all(begun.acquire(timeout=60) for _ in clients)
        for client in clients:
            assert is_reset(client)
            client.close()
    assert seen == [True] * 5
    assert not any("R" in line or "F" in line for line in carried.story()), "they did not end by themselves"
    assert (len(list(handles.iterdir())), threading.active_count()) == (before, threads)


def test_an_address_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        relay = Relay(("127.0.0.1", port), ("127.0.0.1", 1), lambda *_: None)
        with pytest.raises(UsageError, match=rf"cannot listen on 127.0.0.1:{port}: address already in use\."):
            relay.start()


def test_a_mysql_session_over_tls_is_proven_from_the_recording(tmp_path: Path) -> None:
    client_context, server_context = contexts(ssl.TLSVersion.TLSv1_3)
    names: list[str | None] = []
    server_context.sni_callback = lambda _, name, __: names.append(name)

    def serve(connection: socket.socket) -> None:
        connection.sendall(mysql.greeting())
        request = mysql.ssl_request()
        assert connection.recv(len(request), socket.MSG_WAITALL) == request
        with server_context.wrap_socket(connection, server_side=True) as inside:
            for answer in (mysql.ok(3), mysql.ok(1)):
                assert inside.recv(1 << 14)
                inside.sendall(answer)
            assert inside.recv(1 << 14) == mysql.leave()

    with Server(serve) as server, Carried(server.place) as carried:
        with carried.connect() as client:
            greeting = mysql.greeting()
            assert client.recv(len(greeting), socket.MSG_WAITALL) == greeting
            client.sendall(mysql.ssl_request())
            until(lambda: carried.story()[-1] == "< A")  # not in one segment with ClientHello, for tshark
            with client_context.wrap_socket(client, server_hostname="db.example") as inside:
                for said in (mysql.login(seq=2), mysql.query(SECRET)):
                    inside.sendall(said)
                    assert inside.recv(1 << 14)
                inside.sendall(mysql.leave())
        carried.settle()
        path = carried.save(tmp_path / "a.pcapng")
    scan = aurora_wire.scan([str(path)])
    assert (scan.verdict, scan.confidence, scan.exit_code) == ("encrypted", "proven", 0)
    assert names == ["db.example"]
    tls = scan.connections[0].tls
    assert tls is not None
    assert (tls.sni, tls.version) == ("db.example", "TLSv1.3")
    looks_captured(path)
    name = 'tls.handshake.extensions_server_name == "db.example"'
    assert len(tshark(path, name, "-d", f"tcp.port=={server.place[1]},mysql")) == 1


def test_a_recording_says_that_a_relay_made_it_and_is_private(tmp_path: Path) -> None:
    with Server(echo) as server, Carried(server.place) as carried:
        with carried.connect() as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        carried.settle()
    path = carried.save(tmp_path / "a.pcapng")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    data = path.read_bytes()
    assert b"Recorded by a relay" in data
    assert b"headers around them were made by the relay" in data
    with pytest.raises(OutputError, match="is there already"):
        carried.save(path)
    said = subprocess.run(["capinfos", "-c", "-I", str(path)], capture_output=True, text=True, timeout=60, check=True)
    assert "Number of packets:   " in said.stdout
    assert "relay on here:1 to there:2" in said.stdout
