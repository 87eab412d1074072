"""The live screen as terminals of several sizes show it: drawn in process, and in tmux."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from aurora_wire.analysis.watch import ConnectionStatus, Status
from aurora_wire.report.live.screen import LiveScreen
from aurora_wire.verdict.parties import Parties
from aurora_wire.verdict.result import Confidence, Endpoint, StatementResult, Verdict
from tests.cli.running import COMMAND, ENVIRONMENT
from tests.cli.watching import SECONDS, read_until
from tests.loopback import Server, needs_root, until

INSERT = b"INSERT INTO cards (name, number) VALUES ('Alice Example', '4111 1111 1111 1111')"
NOW = 1_615_971_600_000_000_000


def standing(number: int, verdict: Verdict = "plaintext", **changed: object) -> ConnectionStatus:
    confidence: Confidence = "proven"
    fields: dict[str, object] = {
        "id": number, "client": Endpoint("10.20.30.40", 50_000 + number), "server": Endpoint("10.20.30.9", 3306),
        "user": "reporting", "verdict": verdict, "confidence": confidence, "tls": None, "in_clear": 1_204, "in_tls": 0,
        "missing": 0, "statements": 2, "last_frame": number, "last_time_ns": NOW + number, "closed": False, **changed,
    }  # fmt: skip
    return ConnectionStatus(**fields)  # type: ignore[arg-type]


def screen_of(width: int, height: int = 30) -> LiveScreen:
    """A screen with a pool of twelve, two others, and a leak."""
    screen = LiveScreen(Console(width=width, height=height), color=False)
    screen.who = lambda _: Parties(Endpoint("10.20.30.40", 50_001), Endpoint("10.20.30.9", 3306), "reporting")
    screen.started("eth0", "tcp and (port 3306 or port 33060)")
    for number in range(1, 13):
        screen.standing(standing(number), changed=True)
    screen.standing(standing(13, "encrypted", user=None, tls="TLSv1.3", in_clear=0, in_tls=5_986), changed=True)
    screen.standing(standing(14, "mixed", user="app", client=Endpoint("2001:db8::17", 41_000)), changed=True)
    screen.statement(1, StatementResult("COM_QUERY", INSERT, 9, NOW))
    screen.status(Status(64, 1_204, 998_244, 88, 12_000, 0, 14))
    return screen


def shown(screen: LiveScreen) -> str:
    with screen.console.capture() as capture:
        screen.console.print(screen.render())
    return capture.get()


@pytest.mark.parametrize("width", [40, 80, 132])
def test_nothing_that_matters_is_cut_at_any_width(width: int) -> None:
    text = shown(screen_of(width))
    assert all(len(line) <= width for line in text.splitlines())
    words = "".join(text.split())
    for word in ("10.20.30.40", "(12x)", "PLAINTEXT", "(proven)", "MIXED", "encrypted", "reporting", "2001:", "41000"):
        assert word in words
    leak = "09:00:00.000000Z#1reporting@10.20.30.40:50001to10.20.30.9:3306,frame9:" + "".join(INSERT.decode().split())
    assert leak in words
    assert ("statements" in words.partition("1statement")[0]) is (width == 132)


def test_keys_sort_filter_expand_and_pause() -> None:
    screen = screen_of(132)

    def first_rows() -> list[str]:
        lines = shown(screen).splitlines()
        begin = next(n for n, line in enumerate(lines) if "client" in line and "verdict" in line) + 1
        return [line.split()[0] for line in lines[begin : lines.index("", begin)]]

    assert first_rows() == ["14", "12+", "13"]  # leaks first
    screen.key("s")
    assert first_rows() == ["14", "13", "12+"]  # the latest
    screen.key("e")
    assert first_rows()[:4] == ["14", "13", "12", "11"]
    for key in ("f", *"APP@", "\x7f", "\r"):
        screen.key(key)
    assert first_rows() == ["14"]
    for key in ("f", "\x1b", "p"):
        screen.key(key)
    frozen = shown(screen)
    assert "paused" in frozen
    screen.standing(standing(15), changed=True)
    assert shown(screen) == frozen
    screen.key("p")
    assert first_rows()[0] == "15"
    screen.key("q")
    assert screen.ended


def test_what_is_typed_acts_on_no_terminal_and_has_an_end() -> None:
    screen = screen_of(80)
    for key in ("f", *("\u202e\x07[red]" * 40)):
        screen.key(key)
    text = shown(screen)
    assert "\x07" not in text
    assert "\u202e" not in text
    assert text.count("[red]") <= 12


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 50), (300, 1), (20, 5)])
def test_a_terminal_of_any_size_is_drawn(width: int, height: int) -> None:
    screen = screen_of(width, height)
    assert len(screen.render().renderables) <= height
    shown(screen)


@contextmanager
def terminal(name: str, width: int, command: str) -> Iterator[str]:
    """A tmux of its own, by its socket's name."""
    place = f"aurora-wire-test-{os.getpid()}-{name}"
    tmux(place, "-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", "32", command)
    try:
        yield place
    finally:
        tmux(place, "kill-server")


def tmux(place: str, *arguments: str) -> str:
    done = subprocess.run(
        ["tmux", "-L", place, *arguments], capture_output=True, env=ENVIRONMENT, timeout=SECONDS, check=True
    )
    return done.stdout.decode()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_in_tmux_at_40_80_and_132_columns(tmp_path: Path) -> None:
    needs_root()
    with Server() as server:
        python = f"{sys.executable} -m aurora_wire"
        command = (
            f"unset COLUMNS; PYTHONPATH={ENVIRONMENT['PYTHONPATH']} {python} watch -i lo --port {server.port}; "
            f"echo ended $?; sleep {SECONDS}"
        )
        with (
            terminal("40", 40, command) as narrow,
            terminal("80", 80, command) as usual,
            terminal("132", 132, command) as wide,
        ):
            places = (narrow, usual, wide)
            for place in places:
                until(lambda place=place: "no MySQL connection yet" in screen(place), "the screen")
            server.query(INSERT)
            for place in places:
                until(lambda place=place: "(proven)" in screen(place) and "4111" in screen(place), "the leak")
                seen = "".join(screen(place).split())
                assert "PLAINTEXT" in seen
                assert "app@127.0.0.1:" in seen
                tmux(place, "send-keys", "q")
            for place in places:
                until(lambda place=place: "ended 1" in screen(place), "the end")
                assert "crossed" in screen(place) or "in the clear" in " ".join(screen(place).split())


def screen(place: str) -> str:
    return tmux(place, "capture-pane", "-p", "-S", "-200")


def test_a_terminal_that_goes_away_ends_it_and_the_recording_is_whole(tmp_path: Path) -> None:
    needs_root()
    path = tmp_path / "evidence.pcapng"
    with Server() as server:
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            [*COMMAND, "watch", "-i", "lo", "--port", str(server.port), "-w", str(path)],
            stdin=theirs, stdout=theirs, stderr=theirs, env={**ENVIRONMENT, "TERM": "xterm"}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        try:
            read_until(ours, b"no MySQL connection yet")
            server.query(INSERT)
            os.close(ours)
            process.send_signal(signal.SIGHUP)
            assert process.wait(SECONDS) in (1, 4)
        finally:
            process.kill()
    done = subprocess.run([*COMMAND, "scan", "--quiet", str(path)], env=ENVIRONMENT, capture_output=True, check=False,
                          timeout=SECONDS)  # fmt: skip
    assert done.stdout.startswith(b"PLAINTEXT (proven)")
