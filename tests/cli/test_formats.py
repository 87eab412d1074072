"""`scan --format`: one report or several, each in its own file, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from aurora_wire.cli import main
from aurora_wire.report.formats import FORMATS
from tests.cli.running import COMMAND, ENVIRONMENT, python, run
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap

TEXTS = [name for name, row in FORMATS.items() if not row.is_binary]
PLAIN = pcap(sessions.play(sessions.plaintext()).packets)
ENCRYPTED = pcap(sessions.play(sessions.tls13(), Conversation(client=("10.0.0.6", 41_000))).packets)

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, data in (("plain", PLAIN), ("tls", ENCRYPTED)):
        (tmp_path / f"{name}.pcap").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_several_reports_are_written_at_once_and_the_text_goes_to_standard_output(
    captures: Path, capsys: Capsys
) -> None:
    options = [f"--format={name}=out.{number}" for number, name in enumerate(TEXTS)]
    assert main(["scan", "plain.pcap", "tls.pcap", *options]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("MIXED (proven): ")
    files = {name: Path(f"out.{number}").read_bytes().decode() for number, name in enumerate(TEXTS)}
    assert files["text"].splitlines()[-1].startswith("MIXED (proven): ")
    assert json.loads(files["json"])["verdict"] == "mixed"
    assert json.loads(files["jsonl"].splitlines()[-1])["type"] == "summary"
    assert '"type": "statement"' in files["jsonl"]
    assert files["markdown"].startswith("## \u274c MIXED")
    assert json.loads(files["sarif"])["runs"][0]["properties"]["verdict"] == "mixed"
    assert int(ET.fromstring(files["junit"]).attrib["failures"]) == 2
    assert [row["verdict"] for row in csv.DictReader(io.StringIO(files["csv"]))] == ["plaintext", "encrypted"]
    masked = next(csv.DictReader(io.StringIO(files["csv:statements"])))["sql"]
    assert (len(masked), masked == sessions.SECRET.decode()) == (len(sessions.SECRET), False)
    assert json.loads(files["ocsf"].splitlines()[0])["class_uid"] == 2004
    assert all(Path(f"out.{number}").stat().st_mode & 0o777 == 0o600 for number in range(len(TEXTS)))


def test_a_report_in_a_file_is_the_one_on_standard_output(captures: Path, capsys: Capsys) -> None:
    for name in TEXTS:
        main(["scan", "plain.pcap", "--format", name])
        shown = capsys.readouterr().out
        main(["scan", "plain.pcap", "--format", f"{name}=file", "--quiet", "--force"])
        capsys.readouterr()
        if name == "text":
            continue  # a file has no --quiet of its own
        assert Path("file").read_bytes().decode().replace("\r\n", "\n") == shown.replace("\r\n", "\n")


POSTED = ["markdown", "sarif", "junit", "csv", "csv:findings", "csv:statements", "csv:captures", "html"]


@pytest.mark.parametrize("name", POSTED)
@pytest.mark.parametrize("source", ["secret.pcap", "-"])
def test_what_is_made_to_be_posted_is_masked_unless_reveal_is_given(
    captures: Path, name: str, source: str, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user, a literal and what a server's refusal quotes; from standard output no key can be made."""
    steps = sessions.changed(
        sessions.plaintext(sql=b"INSERT INTO t VALUES ('Canary-4711')"), login=mysql.login(user=b"herbert")
    )
    data = pcap(sessions.play(steps).packets)
    Path("secret.pcap").write_bytes(data)

    def shown(*options: str) -> str:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        with Path("secret.pcap").open("rb") as file, standard_input(file.fileno()):
            assert main(["scan", source, "--format", name, *options]) == 1
        return capsys.readouterr().out

    masked = shown()
    assert "Canary-4711" not in masked
    assert "herbert" not in masked
    revealed = shown("--reveal")
    if name in ("markdown", "junit", "csv:statements"):
        assert "Canary-4711" in revealed
    if name not in ("csv:captures", "sarif"):
        assert "herbert" in revealed


@contextmanager
def standard_input(handle: int) -> Iterator[None]:
    """Have the process read another file as its standard input."""
    before = os.dup(0)
    os.dup2(handle, 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


@pytest.mark.parametrize("name", ["markdown", "sarif", "junit", "csv", "csv:statements", "ocsf"])
def test_redacted_reports_hold_no_literal(captures: Path, name: str, capsys: Capsys) -> None:
    main(["scan", "plain.pcap", "--format", name, "--redact"])
    assert "Canary" not in capsys.readouterr().out


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_sql_and_user_names_act_on_no_terminal(captures: Path, name: str, capsys: Capsys) -> None:
    sql = "SELECT '\x1b]0;owned\x07\u202e'".encode()
    steps = sessions.changed(sessions.plaintext(sql=sql), login=mysql.login(user=b"\x1b[31mroot\n"))
    Path("hostile.pcap").write_bytes(pcap(sessions.play(steps).packets))
    main(["scan", "hostile.pcap", "--format", name])
    shown = capsys.readouterr().out
    assert not set(map(chr, [*range(10), 11, 12, *range(14, 32), *range(127, 160)])) & set(shown)
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "yaml"], "'yaml' is none of text, json, jsonl, "),
        (["--format", "sarif="], "sarif= needs the name of a file"),
        (["--format", "json", "--format", "junit"], "only one format can go to standard output or -o"),
        (["--format", "json=a", "--format", "junit=a"], "a: two reports cannot go to one file"),
        (["--format", "json=a", "-o", "./a"], "./a: two reports cannot go to one file"),
        (["--format", "json=plain.pcap"], "plain.pcap: this is one of the inputs"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_written(
    captures: Path, options: list[str], said: str, capsys: Capsys
) -> None:
    assert main(["scan", "plain.pcap", *options]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert Path("plain.pcap").read_bytes() == PLAIN
    assert sorted(path.name for path in captures.iterdir()) == ["plain.pcap", "tls.pcap"]


def test_where_one_report_cannot_be_written_none_is(captures: Path, capsys: Capsys) -> None:
    assert main(["scan", "plain.pcap", "--format", "json=a", "--format", "sarif=missing/b"]) == 4
    assert capsys.readouterr().err.startswith("aurora-wire: missing/b: ")
    assert sorted(path.name for path in captures.iterdir()) == ["plain.pcap", "tls.pcap"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("name", TEXTS)
def test_a_full_disk_is_one_line_and_exit_code_4(captures: Path, name: str) -> None:
    done = run("scan", "plain.pcap", "--quiet", "--format", f"{name}=/dev/full")
    assert done.returncode == 4
    assert done.stderr == b"aurora-wire: /dev/full: no space left on device.\n"


def test_the_files_are_whole_where_the_reader_of_standard_output_has_gone(captures: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "scan", "plain.pcap", "--format", "sarif=wire.sarif"],
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 1
    assert json.loads(Path("wire.sarif").read_bytes())["version"] == "2.1.0"


def test_the_exit_code_that_require_makes_is_in_each_report(captures: Path, capsys: Capsys) -> None:
    late = sessions.play(sessions.since(sessions.tls13(), "client-hello"))   # no greeting: likely, not proven
    Path("late.pcap").write_bytes(pcap(late.packets))
    options = ["--require", "proven", "--format", "sarif=a.sarif", "--format", "junit=a.xml"]
    assert main(["scan", "late.pcap", *options]) == 3
    assert json.loads(Path("a.sarif").read_bytes())["runs"][0]["invocations"][0]["exitCode"] == 3
    assert ET.parse("a.xml").getroot().find(".//testsuite[@name='scan']//error") is not None


@pytest.mark.parametrize("name", ["markdown", "sarif", "junit", "csv", "ocsf"])
def test_a_format_needs_no_heavy_library(captures: Path, name: str) -> None:
    code = f"""if True:
        import sys
        from aurora_wire.cli import main
        main(["scan", "plain.pcap", "--format", "{name}={os.devnull}", "--quiet"])
        print(*sys.modules)
    """
    loaded = {name.partition(".")[0].lower() for name in python(code).split()}
    assert not loaded & {"scapy", "rich", "jinja2", "jsonschema", "cmarkgfm", "junitparser", "pydantic"}


def test_packets_are_a_table_too(captures: Path, capsys: Capsys) -> None:
    assert main(["packets", "plain.pcap", "--only", "COM_QUERY", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert {(row["capture"], row["connection"], row["sender"], row["labels"]) for row in rows} == {
        ("plain.pcap", "1", "client", "COM_QUERY"),
    }  # fmt: skip
    assert str(len(sessions.SECRET) + 5) in [row["leaked_bytes"] for row in rows]
    assert all(" IP 10.0.0.5." in row["tcpdump"] for row in rows)


@pytest.mark.parametrize("option", ["-X", "-XX", "--explain", "--tcpdump"])
def test_a_table_of_packets_has_no_place_for_dumps(captures: Path, option: str, capsys: Capsys) -> None:
    assert main(["packets", "plain.pcap", "--format", "csv", option]) == 2
    assert capsys.readouterr().err.startswith("aurora-wire: --format csv is a table")
