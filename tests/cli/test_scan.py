"""`aurora-wire scan` from the file to the exit code, as a user runs it."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire import scan
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.cli import main
from aurora_wire.cli import scan as scan_command
from aurora_wire.cli.output import Output
from aurora_wire.report.text import report as text
from aurora_wire.verdict.result import StatementResult
from tests.cli.running import (
    COMMAND,
    ENVIRONMENT,
    ended_within,
    hears_ctrl_c,
    python,
    run,
    until_it_waits_for_input,
)
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap
from tests.report import scans

PLAIN = pcap(sessions.play(sessions.plaintext()).packets)
ENCRYPTED = pcap(sessions.play(sessions.tls13(), Conversation(client=("10.0.0.6", 41_000))).packets)
GREETING_ONLY = pcap(sessions.play(sessions.until(sessions.plaintext(), "greeting")).packets)
EMPTY = pcap([])
HEAVY = ("scapy", "rich", "lz4", "backports", "cryptography", "jsonschema", "pymysql", "dpkt", "hypothesis")
# Modules of the library that take a while to load, for what most scans do not do.
LATE = frozenset((
    "base64", "bz2", "ctypes", "dataclasses", "email", "importlib.metadata", "inspect", "json", "logging", "lzma",
    "multiprocessing", "pathlib", "queue", "random", "shutil", "socket", "ssl", "subprocess", "tempfile", "tomllib",
    "traceback", "urllib.parse",
))  # fmt: skip


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one capture of each sort. It is the current one, so that reports have short paths."""
    for name, data in (("plain", PLAIN), ("tls", ENCRYPTED), ("early", GREETING_ONLY), ("empty", EMPTY)):
        (tmp_path / f"{name}.pcap").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def many_statements(count: int) -> bytes:
    talk = Conversation()
    talk.syn()
    talk.server(mysql.greeting())
    talk.client(mysql.login())
    talk.server(mysql.ok(2))
    for number in range(count):
        talk.client(mysql.query(b"INSERT INTO t VALUES (%d, 'Canary')" % number))
        talk.server(mysql.ok(1))
    return pcap(talk.packets)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["tls.pcap"], 0),
        (["tls.pcap", "--require", "proven"], 0),
        (["plain.pcap"], 1),
        (["plain.pcap", "tls.pcap"], 1),
        (["early.pcap"], 3),
        (["empty.pcap"], 3),
        (["missing.pcap"], 2),
        (["--format", "yaml", "tls.pcap"], 2),
        (["tls.pcap", "-o", "missing/report.txt"], 4),
    ],
)
def test_the_exit_code_is_that_of_the_contract(captures: Path, arguments: list[str], code: int) -> None:
    assert main(["scan", *arguments]) == code


def test_a_capture_that_was_cut_is_judged_up_to_there_and_is_no_success(
    captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cut.pcap").write_bytes(pcap(sessions.play(sessions.tls13(), close=False).packets)[:-10])
    assert main(["scan", "cut.pcap"]) == 3
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].startswith("ENCRYPTED (likely): ")
    assert "this is no success (exit code 3)" in captured.out.splitlines()[-1]
    assert captured.err.startswith("aurora-wire: cut.pcap: offset ")
    assert captured.err.count("\n") == 1
    Path("cut.pcap").write_bytes(PLAIN[:-10])
    assert main(["scan", "cut.pcap"]) == 1


def test_an_unreadable_input_beside_a_good_one_is_told_and_is_no_success(
    captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("junk.pcap").write_bytes(bytes(range(256)))
    assert main(["scan", "tls.pcap", "junk.pcap"]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("aurora-wire: junk.pcap: ")
    assert captured.err.count("\n") == 1
    assert "ENCRYPTED (" in captured.out


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, bytes(range(256)), PLAIN[:20]])
def test_what_is_no_capture_is_one_line_and_exit_code_2(
    captures: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("odd.pcap").write_bytes(data)
    assert main(["scan", "odd.pcap"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("aurora-wire: odd.pcap: ")
    assert captured.err.count("\n") == 1


def test_where_no_input_could_be_read_each_has_its_line(
    captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one.pcap", "two.pcap"):
        Path(name).write_bytes(b"nothing")
    assert main(["scan", "one.pcap", "two.pcap"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["aurora-wire", "one.pcap"],
        ["aurora-wire", "two.pcap"],
    ]


def test_a_hostile_file_name_acts_on_no_terminal(captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[2J\n.pcap"
    Path(name).write_bytes(PLAIN[:-10])
    assert main(["scan", name]) == 1
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "a\\x1b[2J\\n.pcap: pcap, " in captured.out
    assert captured.err.startswith("aurora-wire: a\\x1b[2J\\n.pcap: ")
    assert captured.err.count("\n") == 1


def test_hostile_sql_and_user_names_act_on_no_terminal(
    captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "SELECT '\x1b]0;owned\x07\u202e'".encode()
    steps = sessions.changed(sessions.plaintext(sql=sql), login=mysql.login(user=b"\x1b[31mroot\n"))
    Path("hostile.pcap").write_bytes(pcap(sessions.play(steps).packets))
    for form in ("text", "json", "jsonl"):
        main(["scan", "hostile.pcap", "--format", form])
        shown = capsys.readouterr().out
        assert not set(map(chr, [*range(10), *range(11, 32), *range(127, 160)])) & set(shown)
        assert "\u202e" not in shown
        assert "owned" in shown


def test_reports_are_as_the_golden_files_show(
    captures: Path, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    main(["scan", "plain.pcap", "tls.pcap"])
    golden("scan.txt", capsys.readouterr().out)
    main(["scan", "plain.pcap", "tls.pcap", "--format", "jsonl"])
    golden("scan.jsonl", capsys.readouterr().out)


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_redacted_reports_hold_no_literal(
    captures: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "plain.pcap", "--format", form]) == 1
    assert "Canary" in capsys.readouterr().out
    assert main(["scan", "plain.pcap", "--format", form, "--redact"]) == 1
    redacted = capsys.readouterr().out
    assert "Canary" not in redacted
    assert "INSERT INTO notes (body) VALUES ('****************')" in redacted


def test_quiet_prints_the_closing_sentence_only(captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "plain.pcap", "--quiet"]) == 1
    assert capsys.readouterr().out.startswith("PLAINTEXT (proven): 1 of 1 ")


def test_json_goes_to_a_file_that_only_its_owner_reads(
    captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "plain.pcap", "--format", "json", "-o", "report.json"]) == 1
    assert capsys.readouterr().out == ""
    assert Path("report.json").stat().st_mode & 0o777 == 0o600
    value = json.loads(Path("report.json").read_bytes())
    assert (value["schema"], value["verdict"], value["exit_code"]) == ("aurora-wire/scan/1", "plaintext", 1)
    assert value["connections"][0]["statements"][0]["sql"] == sessions.SECRET.decode()


def test_a_report_that_fails_leaves_the_old_one_and_nothing_else(captures: Path) -> None:
    Path("report.json").write_text("old")
    assert main(["scan", "missing.pcap", "-o", "report.json"]) == 2
    assert Path("report.json").read_text() == "old"
    assert sorted(path.name for path in captures.iterdir() if path.suffix != ".pcap") == ["report.json"]


def test_a_report_never_replaces_a_capture(captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("link.pcap").symlink_to("plain.pcap")
    for target in ("plain.pcap", "link.pcap", "./tls.pcap"):
        assert main(["scan", ".", "-o", target, "--force"]) == 2
        line = f"aurora-wire: {target}: this is one of the captures. Give the report another name.\n"
        assert capsys.readouterr().err == line
    assert Path("plain.pcap").read_bytes() == PLAIN
    assert all(path.suffix == ".pcap" for path in captures.iterdir())


def test_a_path_that_is_no_text_is_shown_and_read(captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"caf\xe9.pcap")
    Path(name).write_bytes(PLAIN)
    assert main(["scan", name]) == 1
    assert "  caf\\xe9.pcap: pcap, " in capsys.readouterr().out
    assert main(["scan", name, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["captures"][0]["path"] == "caf\ufffd.pcap"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_a_full_disk_is_one_line_and_exit_code_4(captures: Path, form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("scan", "plain.pcap", "--format", form, stdout=full)
    assert done.returncode == 4
    assert done.stderr == b"aurora-wire: standard output: no space left on device.\n"
    done = run("scan", "plain.pcap", "--format", form, "-o", "/dev/full")
    assert done.returncode == 4
    assert done.stderr == b"aurora-wire: /dev/full: no space left on device.\n"


@pytest.mark.parametrize(("form", "code"), [("text", 1), ("json", 1), ("jsonl", 141)])
def test_a_reader_that_closes_the_pipe_ends_the_report_in_silence(
    captures: Path, form: str, code: int
) -> None:
    Path("long.pcap").write_bytes(many_statements(2_000))
    with subprocess.Popen(
        [*COMMAND, "scan", "long.pcap", "--format", form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == code


def test_jsonl_has_every_statement_and_ends_with_the_summary(
    captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("long.pcap").write_bytes(many_statements(300))
    assert main(["scan", "long.pcap", "--format", "jsonl"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    statements = [line for line in lines if line["type"] == "statement"]
    assert [line["sql"] for line in statements] == [
        f"INSERT INTO t VALUES ({n}, 'Canary')" for n in range(300)
    ]
    assert (lines[-1]["type"], lines[-1]["verdict"]) == ("summary", "plaintext")


def test_statements_come_while_standard_input_still_streams(captures: Path) -> None:
    data = many_statements(50)
    with subprocess.Popen(
        [*COMMAND, "scan", "-", "--format", "jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(data)
        process.stdin.close()
        last = json.loads(process.stdout.read().splitlines()[-1])
        assert last["type"] == "summary"
        assert process.wait(60) == 1


def test_ctrl_c_reports_what_was_found_until_then(captures: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "scan", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        preexec_fn=hears_ctrl_c,
    ) as process, ended_within(process, 60):
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(PLAIN)
        process.stdin.flush()
        until_it_waits_for_input(process)
        process.send_signal(signal.SIGINT)
        shown = process.stdout.read().decode()
        assert shown.splitlines()[-1].startswith("PLAINTEXT (proven): ")
        assert process.stderr.read() == b"aurora-wire: -: interrupted\n"
        assert process.wait(60) == 1


def test_a_list_that_ctrl_c_cut_does_not_get_the_name_of_a_whole_one(captures: Path) -> None:
    outputs = ["-o", "list.jsonl", "--format", "jsonl", "--format", "csv=list.csv", "--format", "json=whole.json"]
    with subprocess.Popen(
        [*COMMAND, "scan", "-", *outputs], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
        preexec_fn=hears_ctrl_c,
    ) as process, ended_within(process, 60):  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(PLAIN)
        process.stdin.flush()
        until_it_waits_for_input(process)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    made = {path.name for path in captures.iterdir() if path.suffix != ".pcap"}
    assert made >= {"list.jsonl.partial", "list.csv.partial", "whole.json"}
    assert not made & {"list.jsonl", "list.csv"}
    assert "list.csv: interrupted. What was listed until then is in list.csv.partial.\n" in said
    assert json.loads(Path("whole.json").read_text())["captures"][0]["complete"] is False


def test_a_plain_capture_is_scanned_without_any_heavy_library(captures: Path) -> None:
    for form in ("text", "json", "jsonl"):
        code = f"""if True:
            import sys
            from aurora_wire.cli import main
            main(["scan", "plain.pcap", "--format", "{form}", "-o", "{os.devnull}"])
            print(*sys.modules)
        """
        loaded = {name.partition(".")[0].lower() for name in python(code).split()}
        assert "aurora_wire" in loaded
        assert not loaded.intersection(HEAVY)


def test_a_scan_for_the_text_loads_of_the_library_what_it_uses(captures: Path) -> None:
    code = """if True:
        import sys
        before = set(sys.modules)  # of an editable installation: it finds the package by a program of its own
        from aurora_wire.cli import main
        main(["scan", "plain.pcap"])
        print(*set(sys.modules) - before)
    """
    loaded = python(code).splitlines()[-1].split()
    assert "aurora_wire.report.text.report" in loaded
    assert not set(loaded).intersection(LATE)


def arguments_for(*words: str) -> Namespace:
    parser = ArgumentParser()
    scan_command.add_arguments(parser)
    return parser.parse_args([*words, "x.pcap"])


def test_the_report_in_the_file_has_the_exit_code_that_require_makes(tmp_path: Path) -> None:
    likely = scans.scan(scans.connection(1, "encrypted", "likely"), confidence="likely")
    target = tmp_path / "report.json"
    with Output(str(target)) as output:
        scan_command.deliver(likely, arguments_for("--format", "json", "--require", "proven"), output)
    assert json.loads(target.read_bytes())["exit_code"] == likely.exit_code == 3


def test_an_incomplete_capture_is_named_once_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for error in ("late.pcap: offset 9: cut.", "offset 9: cut."):
        late = scans.capture("late.pcap", complete=False, error=error)
        with Output(os.devnull) as output:
            scan_command.deliver(scans.scan(captures=[scans.capture(), late]), arguments_for(), output)
        assert capsys.readouterr().err == "aurora-wire: late.pcap: offset 9: cut.\n"


@pytest.mark.skipif(shutil.which("script") is None, reason="no `script` to make a terminal")
def test_colours_are_for_terminals_without_no_color(captures: Path) -> None:
    def on_a_terminal(**environment: str) -> bytes:
        shell = " ".join([*COMMAND, "scan", "plain.pcap"])
        return subprocess.run(
            ["script", "-qec", shell, os.devnull],
            stdout=subprocess.PIPE,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
            env={**ENVIRONMENT, "TERM": "xterm", **environment},
        ).stdout

    assert b"\x1b[31;1mPLAINTEXT (proven)\x1b[0m" in on_a_terminal()
    assert b"\x1b" not in on_a_terminal(NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal(TERM="dumb")
    assert b"\x1b" not in run("scan", "plain.pcap").stdout


def test_the_text_report_is_that_of_all_statements_though_few_are_kept_for_it(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(many_statements(60))
    of_all = scan([path])
    assert len(of_all.connections[0].statements) == 60
    assert run("scan", str(path)).stdout.decode() == "".join(text.render(of_all, width=100, whole=True))


def test_statements_beyond_those_kept_are_counted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(many_statements(60))
    told: list[StatementResult] = []
    few = ScanOptions(keep_statements=3)
    connection = scan([path], few, on_statement=lambda _, one: told.append(one)).connections[0]
    assert connection.statements_total == len(told) == 60
    assert list(connection.statements) == told[:3]
    silent = scan([path], few).connections[0]
    assert (silent.statements_total, list(silent.statements)) == (60, told[:3])
    assert silent.commands == connection.commands


def test_a_program_that_calls_main_keeps_its_garbage_collector(tmp_path: Path) -> None:
    path = tmp_path / "plain.pcap"
    path.write_bytes(PLAIN)
    frozen = gc.get_freeze_count()
    main(["scan", str(path)])
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


def test_all_of_a_long_report_reaches_a_pipe_before_the_process_ends(tmp_path: Path) -> None:
    path, report = tmp_path / "many.pcap", tmp_path / "report.json"
    path.write_bytes(many_statements(3_000))
    run("scan", "--format", "json", "-o", str(report), str(path))
    assert report.stat().st_size > 1 << 18
    assert run("scan", "--format", "json", str(path)).stdout == report.read_bytes()
