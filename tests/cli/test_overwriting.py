"""Captures and bundles that are there already are replaced only where that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.conversations import sessions

COMMANDS = {
    "redact": ["redact", "in.pcap", "out"],
    "evidence create": ["evidence", "create", "in.pcap", "-o", "out"],
    "scan": ["scan", "in.pcap", "-o", "out"],
    "scan with reports": ["scan", "in.pcap", "--format", "json=out"],
    "packets": ["packets", "in.pcap", "-o", "out"],
    "report": ["report", "in.pcap", "-o", "out"],
    "impact": ["impact", "in.pcap", "-o", "out"],
    "compare": ["compare", "in.pcap", "in.pcap", "-o", "out"],
    "fleet": ["fleet", "--mirror", "cli", "-o", "out"],
}


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
    assert main([*COMMANDS[command], "--force"]) in (0, 1)
    assert Path("out").read_bytes() != b"evidence of another night"


def test_minus_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Captures and bundles come whole, and what is said of them goes to standard error."""
    assert main(["redact", "in.pcap", "out"]) == 0
    assert main(["evidence", "create", "in.pcap", "-o", "bundle"]) == 0
    capfdbinary.readouterr()
    assert main(["redact", "in.pcap", "-"]) == 0
    out, said = capfdbinary.readouterr()
    assert out == Path("out").read_bytes()
    assert b"packets, " in said
    assert main(["evidence", "create", "in.pcap", "-o", "-"]) == 0
    out, said = capfdbinary.readouterr()
    assert out[:4] == Path("bundle").read_bytes()[:4] == b"PK\3\4"
    assert b"not signed" in said
    assert sorted(path.name for path in Path().iterdir()) == ["bundle", "in.pcap", "out"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_to_a_file_is_that_file(command: str) -> None:
    Path("there").write_bytes(b"evidence of another night")
    Path("out").symlink_to("there")
    assert main(COMMANDS[command]) == 2
    assert Path("there").read_bytes() == b"evidence of another night"
