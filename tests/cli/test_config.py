"""Settings of a folder: what is read, what goes before it, whose file is taken, and errors with their line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aurora_wire.cli.main import main
from tests.cli.test_exceptions import LATER, rules_of
from tests.conversations import play
from tests.conversations.judge import write
from tests.conversations.sessions import plaintext, tls13


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "leak.pcap", play(plaintext()))
    write(tmp_path / "safe.pcap", play(tls13()))


def listed(key: str, texts: list[str]) -> str:
    return f"{key} = [\n" + "".join(f'  "{text}",\n' for text in texts) + "]\n"


def known() -> list[str]:
    return [f"{rule} {LATER} replaced in January" for rule in rules_of("leak.pcap")]


def scanned(*options: str) -> int:
    return main(["scan", "--quiet", *options])


def test_what_a_folder_ignores_is_ignored_unless_something_is_said_instead() -> None:
    assert scanned("leak.pcap") == 1
    Path("aurora-wire.toml").write_text(listed("ignore", known()))
    assert scanned("leak.pcap") == 0
    assert scanned("leak.pcap", "--ignore", f"AW101 {LATER} this one alone") == 1
    assert scanned("leak.pcap", "--no-config") == 1
    assert main(["report", "leak.pcap", "-o", "report.html"]) == 0
    Path("aurora-wire.toml").rename("other.toml")
    assert scanned("leak.pcap") == 1
    assert scanned("leak.pcap", "--config", "other.toml") == 0


def test_the_table_of_a_project_and_a_baseline_beside_it() -> None:
    Path("known.txt").write_text("".join(f"{text}\n" for text in known()))
    Path("pyproject.toml").write_text('[project]\nname = "shop"\n\n[tool.aurora-wire]\nbaseline = "known.txt"\n')
    assert scanned("leak.pcap") == 0
    folder = Path("ci")
    folder.mkdir()
    Path("known.txt").rename(folder / "known.txt")
    Path("pyproject.toml").rename(folder / "pyproject.toml")
    assert scanned("leak.pcap", "--config", "ci/pyproject.toml") == 0  # the baseline lies beside the file
    (folder / "known.txt").unlink()
    assert scanned("leak.pcap", "--config", "ci/pyproject.toml") == 2
    Path("aurora-wire.toml").write_text("")
    Path("pyproject.toml").write_text('[tool.aurora-wire]\nfail-on = "AW101"\n')
    assert scanned("safe.pcap") == 0  # a file of its own goes first, though it says nothing


def test_a_severity_to_fail_on() -> None:
    Path("aurora-wire.toml").write_text('fail-on = "info"\n')
    expected = 1 if rules_of("safe.pcap") else 0
    assert scanned("safe.pcap") == expected
    Path("aurora-wire.toml").write_text('fail-on = "critical"\n')
    assert scanned("safe.pcap") == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ignore = [", "aurora-wire.toml: is no TOML: "),
        ("\nignores = []", "aurora-wire.toml: line 2: there is no setting 'ignores'"),
        ("# one\nignore = 3", "aurora-wire.toml: line 2: ignore is a text or a list of texts"),
        ('fail-on = [\n"low",\n"worst"]', "aurora-wire.toml: line 3: 'worst' is neither a severity"),
        (f'ignore = [\n"AW101 {LATER} x",\n"AW9 {LATER} x"]', "aurora-wire.toml: line 3: there is no rule AW9"),
        ('baseline = "nowhere.txt"', "nowhere.txt: no such file"),
        ("\udcff", "aurora-wire.toml: is no UTF-8 text"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("aurora-wire.toml").write_text(text, errors="surrogateescape")
    assert scanned("safe.pcap") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"aurora-wire: {said}")
    assert error.count("\n") == 1
    assert scanned("safe.pcap", "--no-config") == 0


def test_a_file_that_is_not_ours_is_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("aurora-wire.toml")
    path.write_text(listed("ignore", known()))
    path.chmod(0o666)
    assert scanned("leak.pcap") == 1
    assert "everybody may change it, and is not read" in capsys.readouterr().err
    assert scanned("leak.pcap", "--config", str(path)) == 2
    assert "Take a copy of your own" in capsys.readouterr().err
    path.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(path, 12_345, 12_345)
        assert scanned("leak.pcap") == 1
        assert "belongs to another account" in capsys.readouterr().err


def test_a_file_that_is_named_has_to_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert scanned("safe.pcap", "--config", "nowhere.toml") == 2
    assert "nowhere.toml: no such file" in capsys.readouterr().err
    assert scanned("safe.pcap", "--config", "x.toml", "--no-config") == 2
