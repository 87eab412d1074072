"""`watch` as a sensor: one alert a leak, over restarts, whatever becomes of the command; metrics; flat memory.

Time is an argument here, and load is counted in sessions.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aurora_wire.analysis.watch import ConnectionStatus, Watch
from aurora_wire.capture.live.ring import LiveCapture
from aurora_wire.cli import alert_state
from aurora_wire.cli.alert_state import AlertState, Leak
from aurora_wire.cli.alert_ways import Way, way_to
from aurora_wire.cli.alerts import BURST, INTERVAL, MOST_WAITING, RETRY, Alerts
from aurora_wire.cli.sensor import Sensor, sensor_for
from aurora_wire.errors import OutputError, UsageError
from aurora_wire.verdict.exceptions import parse_baseline
from aurora_wire.verdict.result import Endpoint
from tests.analysis.test_watching import SOURCE_PORT, START, moved
from tests.capture import ring
from tests.capture.ring import Replay, ring_block
from tests.cli.running import run
from tests.cli.watching import Watching
from tests.conversations import sessions
from tests.conversations.tcp import STEP_NS, Conversation
from tests.loopback import Server, needs_root, until
from tests.report.schemas import valid

LEAK = ConnectionStatus(
    1, Endpoint("10.0.0.5", 50_152), Endpoint("10.0.0.9", 3306), "app", "plaintext", "proven", None, 10, 0, 0, 1, 7,
    1_700_000_000_000_000_000, closed=False,
)  # fmt: skip


def client(number: int) -> ConnectionStatus:
    return replace(LEAK, client=Endpoint(f"10.0.{number >> 8}.{number & 255}", 1024 + number))


class Post:
    """A way that keeps what it is handed; `answer` is what it says."""

    def __init__(self, answer: str | None = None) -> None:
        self.taken: list[dict[str, Any]] = []
        self.answer = answer

    def __call__(self, body: bytes) -> str | None:
        self.taken.append(valid("alert", body))
        return self.answer


def alerts(way: Way, said: list[str] | None = None, state: AlertState | None = None) -> Alerts:
    return Alerts(way, state or AlertState(None), (said if said is not None else []).append, interface="lo")


def test_each_client_user_and_server_is_told_once() -> None:
    post = Post()
    sensor = alerts(post)
    other_port = replace(LEAK, id=2, client=Endpoint("10.0.0.5", 9))
    other_user = replace(LEAK, id=3, user=None, verdict="mixed")
    other_server = replace(LEAK, server=Endpoint("fd00::9", 3306))
    encrypted = replace(LEAK, id=4, client=Endpoint("10.0.0.7", 1), verdict="encrypted")
    for standing in (LEAK, LEAK, other_port, other_user, encrypted, other_server):
        sensor.seen(standing, 0)
        sensor.tick(0)
    sensor.finish(0)
    assert [(one["user"], one["server"]["address"]) for one in post.taken] == [
        ("app", "10.0.0.9"), (None, "10.0.0.9"), ("app", "fd00::9"),
    ]  # fmt: skip
    assert post.taken[0]["text"] == "MySQL in the clear: app@10.0.0.5 to 10.0.0.9:3306, PLAINTEXT (proven)"
    assert post.taken[0]["interface"] == "lo"
    assert (sensor.sent, sensor.failed) == (3, 0)


def test_of_a_client_that_is_known_nothing_is_told_until_its_day() -> None:
    known = parse_baseline(b"# ours\nAW101:10.0.0.0/30 2026-05-31 the old batch hosts\nAW102 2026-05-31 logins\n", "x")
    for day, told in ((date(2026, 5, 31), ["10.0.0.5"]), (date(2026, 6, 1), ["10.0.0.1", "10.0.0.5"])):
        post = Post()
        sensor = Alerts(post, AlertState(None), [].append, known=known, today=lambda day=day: day)
        for standing in (replace(LEAK, client=Endpoint("10.0.0.1", 5)), LEAK):
            sensor.seen(standing, 0)
            sensor.tick(0)
        sensor.finish(0)
        assert [one["client"]["address"] for one in post.taken] == told


def test_names_of_the_wire_are_escaped_and_cut() -> None:
    post = Post()
    sensor = alerts(post)
    sensor.seen(replace(LEAK, user="\x1b[2J\u202e" + "x" * 5000), 0)
    sensor.tick(0)
    sensor.finish(0)
    assert "\x1b" not in post.taken[0]["text"]
    assert len(post.taken[0]["text"]) < 400
    assert len(post.taken[0]["user"]) == 200


def test_a_flood_is_told_at_a_bounded_rate_and_what_waits_is_bounded() -> None:
    post = Post()
    said: list[str] = []
    sensor = alerts(post, said)
    for number in range(MOST_WAITING + 50):
        sensor.seen(client(number), 0)
    assert sensor.held_back == 50
    sensor.tick(0)
    assert len(sensor._waiting) == MOST_WAITING - BURST
    while sensor._under_way:
        sensor.tick(0)
    sensor.tick(INTERVAL * 3)
    sensor.finish(INTERVAL * 3)
    assert len(post.taken) == BURST + 3
    assert said == [
        f"{MOST_WAITING - BURST - 3} alerts could not be sent any more; what they are about is told next time."
    ]


def test_what_failed_is_told_and_tried_again_when_it_is_seen_later() -> None:
    post = Post("mail: ended with 75")
    said: list[str] = []
    sensor = alerts(post, said)
    for now in (0.0, 1.0, RETRY - 1, RETRY + 1):
        sensor.seen(LEAK, now)
        sensor.tick(now)
        while sensor._under_way and sensor._answers.empty():
            pass
        sensor.tick(now)
        post.answer = None if now >= 1 else post.answer
    sensor.finish(RETRY + 1)
    assert said == ["alert about app@10.0.0.5 was not delivered: mail: ended with 75."]
    assert (len(post.taken), sensor.sent, sensor.failed) == (2, 1, 1)


def test_what_was_told_is_not_told_again_after_a_restart_and_what_failed_is(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for expected in (2, 1, 1):
        post = Post()
        sensor = alerts(lambda body, post=post: post(body) or (None if b"10.0.0.5" in body else "no"),  # type: ignore
                        state=AlertState(str(path)))
        sensor.begin()
        for standing in (LEAK, client(7)):
            sensor.seen(standing, 0)
        sensor.tick(0)
        sensor.finish(0)
        assert len(post.taken) == expected
        assert (path.stat().st_mode & 0o777) == 0o600
        told = valid("watch-state", path.read_bytes())
        assert [(one["client"], one["user"]) for one in told["leaks"]] == [("10.0.0.5", "app")]
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": "aurora-wire/watch-state/2", "leaks": []}', "it is of another version, aurora-wire/watch-state/2"),
        ('{"schema": "aurora-wire/scan/1"}', "no state of `aurora-wire watch`"),
        ("", "no state of"), ("[]", "no state of"), ("[" * 100_000, "no state of"), ("\xff", "no state of"),
        ('{"schema": "aurora-wire/watch-state/1", "leaks": [{"client": 1}]}', "no state of"),
        ('{"schema": "aurora-wire/watch-state/1", "leaks": 7}', "no state of"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_state_is_one_line_and_stays_as_it_is(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError, match=r"state\.json: ") as raised:
        AlertState(str(path))
    assert said in str(raised.value)
    assert path.read_bytes() == content.encode("latin-1")


def test_a_state_that_cannot_be_written_is_told_before_anything_is_captured(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        AlertState(str(tmp_path / "missing" / "state.json"))
    state = AlertState("/proc/sys/kernel/state.json")
    with pytest.raises(OutputError, match="What was alerted is not kept"):
        state.save()
    said: list[str] = []
    sensor = alerts(Post(), said, state)
    for now in range(3):
        sensor.seen(client(now), now)
        sensor.tick(now)
    sensor.finish(3)
    assert len(said) == 1


def test_the_oldest_is_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_state, "MOST", 3)
    state = AlertState(None)
    for number in range(5):
        state.add(Leak(str(number), "", "s", 1), "")
    assert [leak.client for leak in state.told] == ["2", "3", "4"]


BODY = b'{"schema": "aurora-wire/alert/1"}'


def test_a_command_reads_the_alert_and_its_end_is_told(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "OUT": str(tmp_path / "out")}
    assert way_to("sh -c 'cat > \"$OUT\"'", environment)(BODY) is None
    assert (tmp_path / "out").read_bytes() == BODY
    assert way_to("sh -c 'exit 3'", environment)(BODY) == "sh: ended with 3"
    assert way_to("sh -c 'kill -9 $$'", environment)(BODY) == "sh: ended by SIGKILL"
    assert way_to("/no/such/program x", environment)(BODY) == "/no/such/program: no such file or folder"
    assert way_to(str(tmp_path), environment)(BODY) == f"{tmp_path}: permission denied"


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! > {pids}; wait"
    way = way_to(f"sh -c '{script}'", {"PATH": os.environ["PATH"]}, seconds=0.3)
    assert way(BODY * 100_000) == "sh: took more than 0.3 s, and was ended"
    pid = int(pids.read_text())
    until(lambda: not runs(pid), "what the command started has ended")


def runs(pid: int) -> bool:
    """Say whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("target", ["", "  ", "'unclosed", "http://", "https:///path", "http://a b/", "http://[::1/"])
def test_a_target_that_can_be_none_is_one_line(target: str) -> None:
    with pytest.raises(UsageError, match="--alert"):
        way_to(target, {})


@contextmanager
def receiver(status: int) -> Iterator[tuple[str, list[tuple[str, bytes, dict[str, str]]]]]:
    taken: list[tuple[str, bytes, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, body, dict(self.headers)))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://u:p%40@127.0.0.1:{server.server_port}/hook/SECRET?x=1", taken
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "said"), [(204, None), (500, "answered 500"), (302, "answered 302")])
def test_an_alert_is_posted_and_the_answer_told_without_the_address(status: int, said: str | None) -> None:
    with receiver(status) as (url, taken):
        failure = way_to(url, {})(BODY)
    assert failure == (None if said is None else f"127.0.0.1: {said}")
    [(path, body, headers)] = taken
    assert (path, body) == ("/hook/SECRET?x=1", BODY)
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Basic dTpwQA=="


@pytest.mark.parametrize("answer", [b"", b"H", b"SSH-2.0-OpenSSH\r\n", b"x" * 10_000])
def test_what_answers_no_http_or_not_at_all_is_told_within_its_time(answer: bytes) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        channel, _ = listening.accept()
        held.append(channel)
        channel.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    failure = way_to(f"http://127.0.0.1:{listening.getsockname()[1]}", {}, seconds=0.3)(BODY)
    silent = len(answer) < 2
    assert failure == ("127.0.0.1: did not answer within 0.3 s" if silent else "127.0.0.1: answered what is no HTTP")
    for channel in (listening, *held):
        channel.close()


def test_an_address_where_nobody_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert way_to(f"http://127.0.0.1:{port}/", {})(BODY) == "127.0.0.1: connection refused"


def options(**others: object) -> argparse.Namespace:
    return argparse.Namespace(**{"metrics": None, "alert": None, "state": None, "baseline": [], "ignore": [], **others})


def load(connections: int, clients: int) -> Iterator[bytes]:
    """Sessions in the clear, of so many clients in turn, each with a connection of its own that ends."""
    packets = sessions.play(sessions.plaintext(), Conversation(("10.0.200.5", 20_000)), acks=False).packets
    for number in range(connections):
        start = START + number * 1_000_000_000
        yield ring_block(
            ring.Packet(
                with_port(moved(p.data, p.sender == "client", number % clients), p.sender == "client", number),
                start + n * STEP_NS, p.original_len,
            )
            for n, p in enumerate(packets)
        )  # fmt: skip


def with_port(data: bytes, from_client: bool, more: int) -> bytes:
    """The frame with another port of the client's; the urgent pointer, unused, keeps the checksum right."""
    frame = bytearray(data)
    at = SOURCE_PORT if from_client else SOURCE_PORT + 2
    frame[at : at + 2] = (int.from_bytes(frame[at : at + 2], "big") + more).to_bytes(2, "big")
    frame[SOURCE_PORT + 18 : SOURCE_PORT + 20] = (0xFFFF - more).to_bytes(2, "big")
    return bytes(frame)


def metrics_of(port: int) -> dict[str, float]:
    asking = HTTPConnection("127.0.0.1", port, timeout=20)
    asking.request("GET", "/metrics")
    text = asking.getresponse().read().decode()
    asking.close()
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }


def test_a_run_has_one_alert_a_client_and_metrics_that_add_up(tmp_path: Path) -> None:
    """Five minutes, a session a second, of 40 clients."""
    out = tmp_path / "alerts"
    command = f"sh -c 'cat >> {out}; echo >> {out}'"
    arguments = options(metrics=("127.0.0.1", 0), alert=command, state=str(tmp_path / "state.json"))
    sensor = sensor_for(arguments, None, "replay")
    assert sensor is not None
    assert sensor.metrics is not None
    watch = Watch(cast(LiveCapture, Replay(load(300, 40))), on_connection=sensor.connection)
    sensor.start()
    now = 0.0
    while watch.step(0, watch.frames + 500):
        now += INTERVAL
        for standing, _ in watch.changes():
            sensor.standing(standing, now)
        sensor.tick(watch, now)
    watch.finish()
    for standing, _ in watch.changes():
        sensor.standing(standing, now)
    sensor.tick(watch, now)
    assert sensor._alerts is not None
    while sensor._alerts._under_way or sensor._alerts._waiting:
        now += INTERVAL
        sensor.tick(watch, now)
    told = metrics_of(sensor.metrics.port)
    sensor.finish(now)
    assert len(out.read_text().splitlines()) == 40
    assert told["aurora_wire_alerts_sent_total"] == 40
    assert told["aurora_wire_alerts_failed_total"] == 0
    assert told["aurora_wire_packets_total"] == watch.frames
    assert told["aurora_wire_connections_total{plaintext}"] == 300
    assert told["aurora_wire_clear_bytes_total"] > 0
    assert told["aurora_wire_open_connections_in_clear"] == 0
    again = alerts(Post(), state=AlertState(str(tmp_path / "state.json")))
    assert len(again._state.told) == 40


def test_what_is_kept_is_bounded_whatever_is_seen_and_however_slow_alerts_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """6,000 connections, half of clients that come once; nothing is delivered during the first third."""
    monkeypatch.setattr(alert_state, "MOST", 100)
    monkeypatch.setattr("aurora_wire.cli.alerts.MOST_WAITING", 100)
    delivers = threading.Event()
    sensor = alerts(lambda body: None if delivers.wait(60) and b".7" in body else "no")
    kept: list[int] = []
    for number in range(6_000):
        sensor.seen(client(number if number % 2 else number % 40), number)
        sensor.tick(number)
        if number == 2_000:
            assert (len(sensor._under_way), len(sensor._waiting)) == (BURST, 100)
            delivers.set()
        kept.append(len(sensor._state.told) + sum(map(len, (sensor._waiting, sensor._under_way, sensor._not_before))))
    sensor.finish(6_000)
    assert max(kept) <= 3 * 100 + BURST
    assert sensor.sent > 0
    assert sensor.failed > 0
    assert sensor.held_back > 0


def test_a_client_that_is_slow_or_goes_keeps_no_other_from_the_metrics() -> None:
    sensor = sensor_for(options(metrics=("127.0.0.1", 0)), None, "lo")
    assert sensor is not None
    assert sensor.metrics is not None
    sensor.start()
    held = [socket.create_connection(("127.0.0.1", sensor.metrics.port)) for _ in range(3)]
    held[0].sendall(b"GET /met")
    held[1].close()
    assert metrics_of(sensor.metrics.port)["aurora_wire_packets_total"] == 0
    for channel in held:
        channel.close()
    sensor.finish(0)


@pytest.mark.parametrize("started", [True, False])
def test_nothing_of_the_metrics_runs_on_when_they_are_closed(started: bool) -> None:
    """Their thread went round and round on the closed socket, and took a core while the report was written."""
    sensor = sensor_for(options(metrics=("127.0.0.1", 0)), None, "lo")
    assert sensor is not None
    if started:
        sensor.start()
    assert [each.name for each in threading.enumerate()].count("metrics") == started
    sensor.finish(0)
    assert "metrics" not in [each.name for each in threading.enumerate()]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_in_use_is_one_line(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^--metrics .*:{port}: address already in use\. Name another"):
            sensor_for(options(metrics=(host, port)), None, "lo")


def test_what_is_not_asked_for_is_not_there_and_a_state_needs_alerts() -> None:
    assert sensor_for(options(), None, "lo") is None
    with pytest.raises(UsageError, match="--state keeps what --alert told: give both"):
        sensor_for(options(state="x"), None, "lo")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.setattr("aurora_wire.cli.metrics.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'aurora_wire\[sensor\]'"):
        Sensor(options(metrics=("127.0.0.1", 0)), None, "lo")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    needs_root()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("caller", [None, (1234, 2345)])
def test_live_the_command_runs_as_the_caller_or_nobody_and_the_state_is_kept(
    caller: tuple[int, int] | None, open_folder: Path
) -> None:
    state = open_folder / "private" / "state.json"
    state.parent.mkdir()
    seen = open_folder / "seen"
    seen.mkdir()
    seen.chmod(0o777)
    environment = {"PYTHONSTARTUP": "/nowhere"}
    if caller is not None:
        os.chown(state.parent, *caller)
        environment |= {"SUDO_UID": str(caller[0]), "SUDO_GID": str(caller[1]), "SUDO_USER": "somebody"}
    script = f"id -u > {seen}/uid; env > {seen}/env; grep CapEff /proc/self/status > {seen}/caps; cat > {seen}/alert"
    with Server() as server:
        more = ["-i", "lo", "--port", str(server.port), "--alert", f"sh -c '{script}'"]
        more += ["--state", str(state), "--metrics", "127.0.0.1:0"]
        with Watching(*more, environment=environment) as watch:
            server.query(b"INSERT INTO cards VALUES ('4111 1111')")
            until(lambda: (seen / "alert").exists() and (seen / "alert").stat().st_size, "an alert")
            code, _, error = watch.end()
    assert (code, error) == (1, "")
    alert = valid("alert", (seen / "alert").read_bytes())
    assert alert["client"]["address"] == "127.0.0.1"
    assert "4111" not in (seen / "alert").read_text()
    assert int((seen / "uid").read_text()) == (65534 if caller is None else caller[0])
    assert (seen / "caps").read_text().split() == ["CapEff:", "0" * 16]
    assert "PYTHON" not in (seen / "env").read_text()
    assert len(json.loads(state.read_text())["leaks"]) == 1


def test_live_a_port_in_use_ends_it_before_anything_is_captured() -> None:
    needs_root()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("watch", "-i", "lo", "--metrics", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"address already in use" in done.stderr

