"""The command line itself: help, versions, mistakes, pipes that close and disks that are full."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from aurora_wire import __version__, compiled
from aurora_wire.cli import main
from aurora_wire.cli.commands import COMMANDS
from tests.cli.running import COMMAND, ENVIRONMENT, python, run

MISSING = "the following arguments are required:"
NO_OPTION = "aurora-wire: there is no option"
ACTIONS = ("create", "verify", "keygen")
OPTIONS = "--help` shows the options.\n"
NO_COMMAND = "aurora-wire: there is no command"
COMMAND_LIST = "`aurora-wire --help` shows the commands.\n"
NO_ACTION = "aurora-wire: argument ACTION: verfy is none of create, verify, keygen."
DASH = "aurora-wire: -night.pcap begins with a dash, as options do: if it is a file, give it as"
NO_RULE = "no rule has this id. `aurora-wire rules` lists them."


def test_help_names_every_command_and_ends_with_two_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {name}" in shown for name in COMMANDS)
    examples = shown.rpartition("examples:\n")[2].splitlines()
    assert len(examples) == 2
    assert all("aurora-wire " in example for example in examples)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_says_what_it_does_and_ends_with_two_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: aurora-wire {command}")
    examples = shown.rpartition("examples:\n")[2].splitlines()
    assert len(examples) == 2
    assert all(example.startswith(f"  aurora-wire {command}") for example in examples)


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_without_a_command_there_is_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("usage: aurora-wire [-h] [-V] COMMAND")


def test_help_of_a_command_is_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "scan"]) == 0
    asked = capsys.readouterr().out
    assert main(["scan", "--help"]) == 0
    assert capsys.readouterr().out == asked


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), *(["evidence", name] for name in ACTIONS)])
@pytest.mark.parametrize("columns", [80, 132])
def test_help_fits_the_terminal(
    command: list[str], columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*command, "--help"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > columns] == []


def test_version_says_whether_the_core_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["-V"]) == 0
    mode = "compiled" if compiled() else "interpreted"
    assert capsys.readouterr().out == f"aurora-wire {__version__} ({mode} core)\n" * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--"], f"aurora-wire: {MISSING} COMMAND. `aurora-wire --help` shows the options.\n"),
        (["rules", "AW999"], f"aurora-wire: AW999: {NO_RULE}\n"),
        (["rules", "\x1b[2J"], f"aurora-wire: \\x1b[2J: {NO_RULE}\n"),
        (["scan"], f"aurora-wire: {MISSING} CAPTURE. `aurora-wire scan --help` shows the options.\n"),
        (["scan", "--format", "xml", "a"], None),
        (["scan", "--port", "0", "a"], None),
        (["scna", "a"], f"{NO_COMMAND} scna. Did you mean scan? {COMMAND_LIST}"),
        (["help", "x\x1b"], f"{NO_COMMAND} x\\x1b. {COMMAND_LIST}"),
        (["evidence", "verfy", "a"], f"{NO_ACTION} Did you mean verify? `aurora-wire evidence {OPTIONS}"),
        (["scan", "--form", "json", "a"], f"{NO_OPTION} --form. Did you mean --format? `aurora-wire scan {OPTIONS}"),
        (["scan", "--zz=1", "a"], f"{NO_OPTION} --zz. `aurora-wire scan {OPTIONS}"),
        (["rules", "aw1100"], f"aurora-wire: aw1100: {NO_RULE} Did you mean AW110?\n"),
        (["-x"], f"{NO_OPTION} -x. `aurora-wire {OPTIONS}"),
        (["scan", "-night.pcap"], f"{DASH} ./-night.pcap. `aurora-wire scan {OPTIONS}"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("aurora-wire: ")
    assert captured.err.count("\n") == 1
    assert said is None or captured.err == said


@pytest.mark.parametrize(("arguments", "said"), [
    (["scan", "--format", "htlm", "a"], "Did you mean html? `aurora-wire scan --help`"),
    (["probe", "--format", "csv:finding", "a"], "Did you mean csv:findings? `aurora-wire probe --help`"),
    (["prove", "--format", "markdwon"], "is none of text, json, html, markdown. Did you mean markdown?"),
    (["scan", "--verdict", "plantext", "a"], "Did you mean plaintext?"),
    (["scan", "--fail-on", "hgih", "a"], "nor a rule. Did you mean high?\n"),
    (["scan", "--fail-on", "AW10", "a"], "nor a rule. Did you mean AW101?\n"),
    (["scan", "--ignore", "AW1011 2099-01-01 old", "a"], "lists them. Did you mean AW101?\n"),
    (["fix", "--server", "mysq"], "Did you mean mysql?\n"),
    (["fix", "--server", "mysql", "--setting", "requre_tls"], "Did you mean require_tls?\n"),
    (["fix", "--client", "pymsql"], "Did you mean pymysql?\n"),
    (["prove", "-H", "h", "-u", "u", "--client", "pymsql"], "Did you mean pymysql?\n"),
    (["doctor", "--need", "keylogs"], "Did you mean keylog? `aurora-wire doctor --help`"),
    (["completion", "bsh"], "Did you mean bash?"),
])  # fmt: skip
def test_what_may_have_been_meant_is_said_of_values_too(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", "x")
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_reader_that_closes_the_pipe_ends_the_command_in_silence() -> None:
    with subprocess.Popen(
        [*COMMAND, "rules"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line_and_exit_code_4() -> None:
    with Path("/dev/full").open("wb") as full:
        for arguments in (["rules"], ["--help"], ["--version"]):
            done = run(*arguments, stdout=full)
            assert done.returncode == 4
            assert done.stderr == b"aurora-wire: standard output: no space left on device.\n"


def test_a_closed_standard_output_is_one_line_and_exit_code_4() -> None:
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "rules"]
    done = subprocess.run(shell, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=False)
    assert done.returncode == 4
    assert done.stderr == b"aurora-wire: standard output is closed.\n"


def test_what_a_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "rules", "caf\u00e9"],
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
    )
    assert done.stderr == b"aurora-wire: caf\\xe9: no rule has this id. `aurora-wire rules` lists them.\n"


def test_the_module_of_a_command_is_loaded_when_it_is_called_and_no_sooner() -> None:
    loaded = python(
        "import sys; from aurora_wire.cli import main; main(['--version']); print(*sys.modules)"
    ).split()
    assert "aurora_wire.cli.main" in loaded
    assert not {module for module, _ in COMMANDS.values()}.intersection(loaded)


def test_an_empty_capture_says_no_packets_and_what_to_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.pcap"
    path.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000000004000100000000000000"[:48]))
    assert main(["scan", "--quiet", str(path)]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("NO PACKETS: There are no packets to judge. Was it the right interface")
    assert main(["packets", str(path)]) == 3
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "aurora-wire: there are no packets: the captures are empty.\n")


@pytest.mark.parametrize("command", ["scan", "packets", "impact"])
def test_on_a_terminal_it_says_what_it_waits_for(command: str) -> None:
    shown = subprocess.run(
        ["script", "-qec", shlex.join([*COMMAND, command, "-"]), "/dev/null"], input=b"\x04", capture_output=True,
        env=ENVIRONMENT, timeout=60, check=False,
    )  # fmt: skip
    assert b"reading from this terminal" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "MISSING"], ["packets", "MISSING"], ["impact", "MISSING"], ["compare", "MISSING", "MISSING"],
        ["report", "MISSING", "-o", "r.html"], ["scan", "-o", "MISSING/x", "CAPTURE"],
        ["redact", "CAPTURE", "MISSING/x"], ["evidence", "create", "CAPTURE", "-o", "MISSING/x.zip"],
        ["evidence", "verify", "MISSING"], ["scan", "--keylog", "MISSING", "CAPTURE"],
        ["audit", "--host", "127.0.0.1:1", "--user", "u", "--password-file", "MISSING"],
    ],
)  # fmt: skip
def test_one_error_of_the_system_has_one_spelling(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = str(Path(__file__).resolve().parents[2] / "captures" / "article-1-mysql-client-plaintext.pcap")
    places = {"MISSING": str(tmp_path / "missing"), "CAPTURE": capture}
    given = [places.get(word, word.replace("MISSING", places["MISSING"])) for word in arguments]
    assert main(given) in (2, 4)
    said = capsys.readouterr().err.splitlines()[-1]
    assert "missing" in said
    assert "no such file or folder" in said
