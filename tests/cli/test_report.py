"""`aurora-wire report`: the command, its exit codes, and what it leaves behind."""

from __future__ import annotations

import os
import re
from pathlib import Path
from threading import Thread

import pytest

from aurora_wire.cli import main
from tests.cli.running import run
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap

PLAIN = pcap(sessions.play(sessions.plaintext()).packets)
ENCRYPTED = pcap(sessions.play(sessions.tls13(), Conversation(client=("10.0.0.6", 41_000))).packets)

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plain.pcap").write_bytes(PLAIN)
    (tmp_path / "tls.pcap").write_bytes(ENCRYPTED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("captures", "code", "words"),
    [
        (["plain.pcap"], 1, "MySQL crossed this network in the clear"),
        (["tls.pcap"], 0, "The MySQL traffic that was captured was encrypted"),
        (["plain.pcap", "tls.pcap"], 1, "Some of the MySQL traffic"),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(captures: list[str], code: int, words: str, capsys: Capsys) -> None:
    assert main(["report", *captures, "-o", "r.html"]) == code
    page = Path("r.html").read_text(encoding="utf-8")
    assert f"<title>aurora-wire: {words}" in page
    assert Path("r.html").stat().st_mode & 0o777 == 0o600
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("aurora-wire: ")
    assert errors.endswith(" See r.html\n")
    assert len(errors.splitlines()) == 1


def test_by_default_values_and_users_are_masked_and_equal_ones_alike() -> None:
    again = sessions.changed(sessions.plaintext(), login=mysql.login(b"nightly_job"))
    first = sessions.play(again, Conversation(client=("10.0.0.5", 41_000)))
    second = sessions.play(again, Conversation(client=("10.0.0.6", 41_000)))
    Path("two.pcap").write_bytes(pcap([*first.packets, *second.packets]))
    main(["report", "two.pcap", "-o", "r.html"])
    page = Path("r.html").read_text(encoding="utf-8")
    assert "Canary" not in page
    assert "nightly_job" not in page
    masks = re.findall(r'<code class="sql wire">INSERT INTO notes \(body\) VALUES \(&#39;(.*)&#39;\)</code>', page)
    assert len(masks) == 2
    assert masks[0] == masks[1]
    assert re.fullmatch(r"\*[a-z2-7]{8}\*{7}", masks[0])
    assert "Letters and digits in a mask tell equal values" in page


def test_reveal_warns_and_shows(capsys: Capsys) -> None:
    assert main(["report", "plain.pcap", "--reveal", "-o", "r.html"]) == 1
    assert "the report will hold what leaked" in capsys.readouterr().err.splitlines()[0]
    page = Path("r.html").read_text(encoding="utf-8")
    assert "Canary-0001-7f3a" in page
    assert "Nothing is masked here." in page


def test_the_page_says_how_to_make_it_again() -> None:
    main(["report", "--framework", "pci", "--port", "+3307", "./plain.pcap", "-o", "my report.html"])
    page = Path("my report.html").read_text(encoding="utf-8")
    command = "aurora-wire report --port=+3307 --framework=pci ./plain.pcap -o &#39;my report.html&#39;"
    assert f"<code>{command}</code>" in page
    first = page
    main([*command.replace("&#39;my report.html&#39;", "").split()[1:], "my report.html"])
    assert Path("my report.html").read_text(encoding="utf-8") == first


def test_the_report_goes_to_standard_output_where_no_file_is_named() -> None:
    done = run("report", "plain.pcap")
    assert done.returncode == 1
    assert done.stdout.startswith(b"<!DOCTYPE html>\n")
    assert done.stdout.endswith(b"</html>\n")
    assert done.stderr == b""


def test_a_capture_through_a_pipe_makes_a_report_without_bytes() -> None:
    os.mkfifo("pipe")
    steps = sessions.changed(sessions.plaintext(), login=mysql.login(b"nightly_job"))
    data = pcap(sessions.play(steps).packets)
    writer = Thread(target=Path("pipe").write_bytes, args=(data,), daemon=True)
    writer.start()
    done = run("report", "pipe", "-o", "r.html")
    writer.join(60)
    assert done.returncode == 1
    page = Path("r.html").read_text(encoding="utf-8")
    assert "The input was no file, so its bytes could not be looked at again." in page
    assert "Canary" not in page
    assert "nightly_job" not in page
    assert "<td class=\"wire\">***********</td>" in page


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.pcap", "-o", "r.html"], 2, "nowhere.pcap"),
        (["plain.pcap", "-o", "plain.pcap"], 2, "this is one of the inputs"),
        (["plain.pcap", "-o", "no/folder/r.html"], 4, "no such file or folder"),
        (["plain.pcap", "-o", "."], 4, "folder"),
        (["plain.pcap", "--framework", "xyz", "-o", "r.html"], 2, "is none of"),
        (["--keylog", "plain.pcap", "tls.pcap", "-o", "r.html"], 2, "plain.pcap"),
    ],
)
def test_what_makes_no_sense_says_so_and_leaves_nothing(
    arguments: list[str], code: int, words: str, folder: Path
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run("report", *arguments)
    assert done.returncode == code
    assert words in done.stderr.decode()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_damaged_capture_is_reported_and_takes_the_success_away() -> None:
    Path("cut.pcap").write_bytes(ENCRYPTED[:-7])
    done = run("report", "cut.pcap", "-o", "r.html")
    assert done.returncode == 3
    assert b"cut.pcap: " in done.stderr
    assert "Not all of the input could be read (cut.pcap)" in Path("r.html").read_text(encoding="utf-8")


def test_without_chromium_there_is_one_line_and_nothing_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("aurora_wire.cli.pdf.PROGRAMS", ("no-such-browser",))
    assert main(["report", "plain.pcap", "--format", "pdf", "-o", "r.pdf"]) == 2
    assert "--format pdf needs Chromium" in capsys.readouterr().err
    assert not Path("r.pdf").exists()


def test_a_browser_that_prints_nothing_is_told_with_what_it_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Path("broken").absolute()
    broken.write_text("#!/bin/sh\necho 'cannot open\x1b display' >&2\nexit 1\n")
    broken.chmod(0o755)
    folder.chmod(0o755)
    monkeypatch.setattr("aurora_wire.cli.report.find_chromium", lambda: str(broken))
    assert main(["report", "plain.pcap", "--format", "pdf", "-o", "r.pdf", "--no-progress"]) == 2
    assert "printed no PDF: " in capsys.readouterr().err
    assert not Path("r.pdf").exists()


def test_page_one_says_what_was_given_and_the_command_repeats_it(folder: Path) -> None:
    said = ["--title", "<b>Shop</b>", "--case", "17", "--examiner", "\u202eE", "--organisation", "O"]
    said += ["--note", "N" * 9_000]
    assert main(["report", "plain.pcap", "-o", "r.html", "--no-progress", *said]) == 1
    page = Path("r.html").read_text()
    assert "&lt;b&gt;Shop&lt;/b&gt;" in page
    assert "<b>Shop" not in page
    assert "\\u202eE" in page
    assert "--case=17" in page
    assert "class=\"appendix\"" not in page
    assert main(["report", "plain.pcap", "-o", "a.html", "--no-progress", "--appendix"]) == 1
    assert "<body class=\"appendix\">" in Path("a.html").read_text()
