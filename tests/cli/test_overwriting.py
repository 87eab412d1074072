"""Captures and bundles that are there already are replaced only where that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.conversations import sessions

COMMANDS = {"redact": ["redact", "in.pcap", "out"], "evidence create": ["evidence", "create", "in.pcap", "-o", "out"]}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sessions.play(sessions.plaintext()).write(Path("in.pcap"))


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_there_stays_but_for_force(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").write_bytes(b"evidence of another night")
    assert main(COMMANDS[command]) == 2
    said = "aurora-wire: out: is there already. Give another name, or --force to replace it.\n"
    assert capsys.readouterr().err == said
    assert Path("out").read_bytes() == b"evidence of another night"
    assert main([*COMMANDS[command], "--force"]) == 0
    assert Path("out").read_bytes() != b"evidence of another night"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_to_a_file_is_that_file(command: str) -> None:
    Path("there").write_bytes(b"evidence of another night")
    Path("out").symlink_to("there")
    assert main(COMMANDS[command]) == 2
    assert Path("there").read_bytes() == b"evidence of another night"
