"""Colours and width: what the terminal, the environment and `--color` say."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from aurora_wire.cli import main, terminal
from aurora_wire.cli.output import Output
from tests.conversations import sessions
from tests.conversations.tcp import pcap

VARIABLES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS")


@pytest.fixture(autouse=True)
def _auto(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(terminal, "_chosen", terminal.AUTO)


@pytest.mark.parametrize(
    ("said", "on_terminal", "on_pipe"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_the_environment_says_where_colours_are(
    said: dict[str, str], on_terminal: bool, on_pipe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert terminal.use_color(terminal=True) is on_terminal
    assert terminal.use_color(terminal=False) is on_pipe
    terminal.choose_color("always")
    assert terminal.use_color(terminal=False)
    terminal.choose_color("never")
    assert not terminal.use_color(terminal=True)


@pytest.mark.parametrize("columns", ["", "0", "-3", "forty", "9" * 30, "120"])
def test_what_is_no_width_is_none(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    style = terminal.style_for(Output())
    assert (style.width, style.whole) == (120 if columns == "120" else 100, True)


def test_a_scan_is_coloured_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plain.pcap"
    path.write_bytes(pcap(sessions.play(sessions.plaintext()).packets))
    for choice, coloured in (("always", True), ("never", False), ("auto", False)):
        assert main(["scan", str(path), "--color", choice]) == 1
        assert ("\x1b[31;1mPLAINTEXT (proven)\x1b[0m" in capsys.readouterr().out) is coloured
    assert main(["scan", str(path), "--color", "red"]) == 2
