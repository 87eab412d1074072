"""`aurora-wire packets` from the file to the exit code, as a user runs it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.cli.running import (
    COMMAND,
    ENVIRONMENT,
    ended_within,
    hears_ctrl_c,
    python,
    run,
    until_it_waits_for_input,
)
from tests.conftest import ROOT
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap
from tests.report.tcpdump_runs import tcpdump_lines

ARTICLE = ROOT / "captures" / "article-1-mysql-client-plaintext.pcap"
PLAIN = pcap(sessions.play(sessions.plaintext()).packets)
# Later than the other: captures whose times overlap are read interleaved.
ENCRYPTED = pcap(sessions.play(sessions.tls13(), Conversation(client=("10.0.0.6", 41_000))).packets, first=100)
ASCII_AT = len("\t0x0000:  4500 0034 0000 4000 4006 0000 0a00 0005  ")
HEAVY = ("scapy", "rich", "lz4", "backports", "cryptography", "jsonschema", "sqlglot", "dpkt", "hypothesis")

Capsys = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with one capture of each sort."""
    for name, data in (("plain", PLAIN), ("tls", ENCRYPTED), ("empty", pcap([]))):
        (tmp_path / f"{name}.pcap").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(capsys: Capsys, *arguments: str, code: int = 0) -> list[str]:
    assert main(["packets", *arguments]) == code
    return capsys.readouterr().out.splitlines()


def numbers(listed: list[str]) -> list[int]:
    return [int(line.rpartition("[frame ")[2].split(",")[0].split(":")[0]) for line in listed]


def test_the_articles_frame_is_shown_as_the_golden_files_have_it(capsys: Capsys, golden: Golden) -> None:
    for name, options in (("dump", ["-X"]), ("explain", ["--explain"])):
        assert main(["packets", *options, str(ARTICLE)]) == 0
        golden(f"packets-{name}.txt", capsys.readouterr().out)


def test_each_line_ends_with_the_frame_its_connection_its_labels_and_what_leaked(
    captures: Path, capsys: Capsys
) -> None:
    listed = lines(capsys, "plain.pcap")
    assert numbers(listed) == list(range(1, len(listed) + 1))
    assert listed[0].endswith(", length 0  [frame 1, connection 1: TCP control]")
    assert listed[3].endswith("  [frame 4, connection 1: greeting]")
    size = len(mysql.query(sessions.SECRET))
    assert f"  [frame 10, connection 1: COM_QUERY; {size} bytes in the clear]" in listed[9]


@pytest.mark.parametrize("options", [[], ["-X"], ["-XX"]])
def test_with_tcpdump_the_output_is_tcpdumps_byte_for_byte(
    captures: Path, capsys: Capsys, options: list[str]
) -> None:
    for name in ("plain.pcap", "tls.pcap"):
        assert lines(capsys, "--tcpdump", *options, name) == tcpdump_lines(Path(name), *options)


def test_a_listed_packet_has_the_line_that_it_has_in_the_whole_list(captures: Path, capsys: Capsys) -> None:
    whole = lines(capsys, "plain.pcap")
    assert lines(capsys, "--frame", "10", "plain.pcap") == [whole[9]]
    assert lines(capsys, "--frame", "3-5", "--frame", "8", "plain.pcap") == [*whole[2:5], whole[7]]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (["COM_QUERY"], 2),
        (["com_query"], 2),
        (["COM_QUERY", "greeting"], 3),
        (["Result Set"], 1),
        (["tls application data"], 0),
        (["com_0x7f"], 0),
    ],
)
def test_only_lists_packets_with_such_a_label(
    captures: Path, capsys: Capsys, wanted: list[str], count: int
) -> None:
    options = [word for one in wanted for word in ("--only", one)]
    assert len(lines(capsys, *options, "plain.pcap", code=0 if count else 3)) == count


def test_an_unknown_label_is_answered_with_all_there_are(captures: Path, capsys: Capsys) -> None:
    assert main(["packets", "--only", "SELECT\x1b", "plain.pcap"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("aurora-wire: --only: there is no label ")
    assert told.err.count("\n") == 1
    assert "\x1b" not in told.err
    for name in ("COM_QUERY", "login", "TLS application data", "COM_STMT_BULK_EXECUTE"):
        assert name in told.err


def test_connection_and_limit_narrow_the_list(captures: Path, capsys: Capsys) -> None:
    whole = lines(capsys, "plain.pcap", "tls.pcap")
    second = [line for line in whole if ", connection 2: " in line]
    assert lines(capsys, "--connection", "2", "plain.pcap", "tls.pcap")[1:] == second
    assert len(second) > 10
    assert lines(capsys, "--limit", "2", "--only", "COM_QUERY", "plain.pcap") == [
        line.replace("plain.pcap:", "") for line in whole if "COM_QUERY" in line
    ]
    assert len(lines(capsys, "--limit", "1", "plain.pcap")) == 1


def test_of_several_captures_each_is_named_before_its_packets(captures: Path, capsys: Capsys) -> None:
    listed = lines(capsys, "plain.pcap", "tls.pcap")
    assert [line for line in listed if line.startswith("--")] == ["-- plain.pcap", "-- tls.pcap"]
    assert not any(line.startswith("--") for line in lines(capsys, "plain.pcap"))
    plain = lines(capsys, "--tcpdump", "plain.pcap", "tls.pcap")
    assert not any(line.startswith("--") for line in plain)


def test_leaked_bytes_are_marked_in_both_dumps_and_nothing_else_is(captures: Path, capsys: Capsys) -> None:
    for option in ("-X", "-XX"):
        listed = lines(capsys, option, "--only", "COM_QUERY", "--limit", "1", "plain.pcap")
        marked = ""
        for line, below in zip(listed, [*listed[1:], ""], strict=True):
            if below.startswith("\t "):
                text = zip(line[ASCII_AT:], below[ASCII_AT:], strict=False)
                marked += "".join(character for character, mark in text if mark == "^")
        assert marked.endswith(sessions.SECRET.decode().replace(" ", "."))
    assert not any(line.startswith("\t ") for line in lines(capsys, "-X", "tls.pcap"))


def test_explain_walks_through_each_listed_packet(captures: Path, capsys: Capsys) -> None:
    listed = lines(capsys, "--explain", "plain.pcap")
    text = "\n".join(listed)
    begins = [at for at, line in enumerate(listed) if "[frame " in line]
    assert [listed[at - 1] for at in begins[1:]] == [""] * (len(begins) - 1)
    assert text.count("A frame of ") == text.count("[frame ")
    assert f"statement: {sessions.SECRET.decode()}" in text
    assert "MySQL greeting (server to client)" in text


def test_port_without_plus_looks_at_no_other(captures: Path, capsys: Capsys) -> None:
    assert not lines(capsys, "--port", "3307", "--only", "COM_QUERY", "plain.pcap", code=3)
    assert lines(capsys, "--port", "+3307", "--only", "COM_QUERY", "plain.pcap")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plain.pcap"], 0),
        (["empty.pcap"], 3),
        (["--connection", "9", "plain.pcap"], 3),
        (["missing.pcap"], 2),
        (["--frame", "0", "plain.pcap"], 2),
        (["--frame", "5-3", "plain.pcap"], 2),
        (["--frame", "x", "plain.pcap"], 2),
        (["--limit", "0", "plain.pcap"], 2),
        (["-X", "-XX", "plain.pcap"], 2),
        (["plain.pcap", "-o", "missing/list.txt"], 4),
        (["plain.pcap", "-o", "plain.pcap"], 2),
        (["plain.pcap", "-o", "empty.pcap", "empty.pcap"], 2),
    ],
)
def test_the_exit_code_is_as_the_help_says(
    captures: Path, capsys: Capsys, arguments: list[str], code: int
) -> None:
    assert main(["packets", *arguments]) == code
    assert capsys.readouterr().err.count("\n") == (1 if code in (2, 4) or "empty.pcap" in arguments else 0)
    assert Path("plain.pcap").read_bytes() == PLAIN


def test_what_was_before_the_damage_is_listed_and_the_exit_code_is_3(captures: Path, capsys: Capsys) -> None:
    Path("cut.pcap").write_bytes(PLAIN[:-10])
    whole = lines(capsys, "plain.pcap")
    assert main(["packets", "cut.pcap"]) == 3
    told = capsys.readouterr()
    assert told.out.splitlines() == whole[:-1]
    assert told.err.startswith("aurora-wire: cut.pcap: offset ")
    assert told.err.count("\n") == 1


def test_the_list_goes_to_a_file_that_only_its_owner_can_read(captures: Path, capsys: Capsys) -> None:
    whole = lines(capsys, "-X", "plain.pcap")
    assert main(["packets", "-X", "plain.pcap", "-o", "list.txt"]) == 0
    assert capsys.readouterr().out == ""
    assert Path("list.txt").read_text(encoding="utf-8").splitlines() == whole
    assert stat.S_IMODE(Path("list.txt").stat().st_mode) == 0o600


def test_a_hex_dump_without_dates_is_listed_with_its_times_of_day(capsys: Capsys) -> None:
    (line,) = lines(capsys, str(ARTICLE.with_suffix(".txt")))
    assert line.startswith("13:20:45.512153 IP 172.31.15.94.50152 > 172.31.58.135.3306: Flags [P.], ")
    assert line.endswith("[frame 1, connection 1: COM_QUERY; 52 bytes in the clear]")


def test_hostile_names_and_statements_act_on_no_terminal(captures: Path, capsys: Capsys) -> None:
    name = "a\x1b[2J\n.pcap"
    sql = "SELECT '\x1b]0;owned\x07\u202e'".encode()
    Path(name).write_bytes(pcap(sessions.play(sessions.plaintext(sql=sql)).packets))
    assert main(["packets", "-X", "--explain", name, "tls.pcap"]) == 0
    shown = capsys.readouterr().out
    assert not set(map(chr, [*range(9), *range(11, 32), *range(127, 160)])) & set(shown)
    assert "\u202e" not in shown
    assert "-- a\\x1b[2J\\n.pcap\n" in shown


def test_a_reader_that_closes_the_pipe_ends_the_list_in_silence(captures: Path) -> None:
    talk = Conversation()
    for _ in range(3000):
        talk.client(mysql.ping())
    Path("long.pcap").write_bytes(pcap(talk.packets))
    with subprocess.Popen(
        [*COMMAND, "packets", "long.pcap"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_packets_are_listed_while_standard_input_streams_and_ctrl_c_is_quiet(captures: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "packets", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        preexec_fn=hears_ctrl_c,
    ) as process, ended_within(process, 60):
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        cut = PLAIN[:-1_000]  # in the middle of a record: it waits for the rest
        process.stdin.write(cut)
        process.stdin.flush()
        assert process.stdout.readline().endswith(b"[frame 1, connection 1: TCP control]\n")
        until_it_waits_for_input(process)
        process.send_signal(signal.SIGINT)
        assert b"[frame 10, connection 1: COM_QUERY; " in process.stdout.read()
        assert process.stderr.read() == b""
        assert process.wait(60) == 130


@pytest.mark.skipif(shutil.which("script") is None, reason="no `script` to make a terminal")
def test_on_a_terminal_leaked_bytes_are_red_unless_no_color_is_set(captures: Path) -> None:
    def on_a_terminal(*options: str, **environment: str) -> bytes:
        shell = " ".join([*COMMAND, "packets", "-X", "--frame", "10", *options, "plain.pcap"])
        return subprocess.run(
            ["script", "-qec", shell, os.devnull],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**ENVIRONMENT, "TERM": "xterm", **environment},
            timeout=60,
            check=True,
        ).stdout

    shown = on_a_terminal()
    assert b"\x1b[1;31mCOM_QUERY; " in shown
    assert b"^" not in shown
    assert b"\x1b" not in on_a_terminal(NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal("--tcpdump")


def test_a_plain_capture_is_listed_without_any_heavy_library(captures: Path) -> None:
    code = f"""if True:
        import sys
        from aurora_wire.cli import main
        main(["packets", "plain.pcap", "-X", "--explain", "-o", "{os.devnull}"])
        print(*sys.modules)
    """
    loaded = {name.partition(".")[0].lower() for name in python(code).split()}
    assert "aurora_wire" in loaded
    assert not loaded.intersection(HEAVY)


def test_the_help_says_what_the_exit_codes_mean() -> None:
    shown = run("packets", "--help").stdout.decode()
    assert "exit codes:" in shown
    assert "aurora-wire packets --only COM_QUERY -X" in shown
