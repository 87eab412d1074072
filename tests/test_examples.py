"""The programs in examples/ do what they say, with the captures that come with the project."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import aurora_wire
from tests.cli.running import ENVIRONMENT
from tests.free_ports import refusing_port
from tests.plugins import registered

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
CAPTURES = ROOT / "captures"
PLAIN = str(CAPTURES / "article-1-mysql-client-plaintext.pcap")
ENCRYPTED = str(CAPTURES / "mariadb" / "pymysql-required.pcapng")


# A program that is called by its file finds the modules beside it, unless who runs the tests forbids that.
AS_CALLED = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONSAFEPATH"}


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments], capture_output=True, text=True, env=AS_CALLED, timeout=60,
        check=False,
    )  # fmt: skip


def test_alerts_are_printed_for_what_is_severe_and_for_nothing_else() -> None:
    done = run("scan_to_alerts.py", PLAIN)
    assert (done.returncode, done.stderr) == (1, "")
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    assert {alert["rule"] for alert in alerts} == {"AW101"}
    assert alerts[0]["client"]
    assert alerts[0]["fix"]
    assert run("scan_to_alerts.py", ENCRYPTED).stdout == ""


def test_alerts_of_no_capture_are_one_line_and_the_exit_code() -> None:
    done = run("scan_to_alerts.py", "nothing-here.pcap")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_the_engine_judges_frames_of_ones_own_as_scan_does() -> None:
    done = run("engine_on_frames.py", PLAIN)
    scan = aurora_wire.scan([PLAIN])
    (connection,) = scan.connections
    assert done.stdout.splitlines() == [
        f"{connection.client.address} -> {connection.server.address}: plaintext (proven)",
        f"  frame 1: {connection.statements[0].sql!r}",
    ]


def test_a_report_format_of_ones_own_is_written_by_the_command_line(tmp_path: Path) -> None:
    alone = run("a_report_format.py", PLAIN)
    assert alone.stdout.startswith("PLAINTEXT: ")
    environment = registered(tmp_path, "aurora_wire.formats", "chat = a_report_format:CHAT", EXAMPLES)
    done = subprocess.run(
        [sys.executable, "-m", "aurora_wire", "scan", PLAIN, "--format", "chat", "--redact"], capture_output=True,
        text=True, env=environment, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.endswith(" | a server: 1 in the clear\n")


def test_a_driver_of_ones_own_is_found_started_and_its_words_are_read(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from aurora_wire import Mode, Task
        from aurora_wire.prove.drivers.registry import load, names
        assert "batch" in names()
        client = load("batch")
        outcome = client.run(Task("127.0.0.1", int(sys.argv[1]), "u", "p", "d", Mode.DEFAULT, "canary", "t"))
        print(outcome.asked, "|", outcome.version, "|", outcome.error.kind)
        outcome = client.run(Task("127.0.0.1", int(sys.argv[1]), "u", "p", "d", Mode.REQUIRED, "canary", "t"))
        print(outcome.error.kind, "|", outcome.error.text)
    """
    environment = registered(tmp_path, "aurora_wire.clients", "batch = a_driver:Batch", EXAMPLES)
    with refusing_port() as port:
        done = subprocess.run(
            [sys.executable, "-c", code, str(port)], capture_output=True, text=True, env=environment, timeout=60,
            check=False,
        )  # fmt: skip
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first.startswith("(nothing) | batch 1.0, PyMySQL ")
    assert first.endswith(" | connection refused")
    assert second.startswith("mode not available | ")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_import_what_is_public_and_nothing_else(path: Path) -> None:
    names = {name for node in ast.walk(ast.parse(path.read_text())) for name in imported(node)}
    assert names or path.name == "a_driver_program.py"
    assert all(name in aurora_wire.__all__ or name == "aurora_wire" for name in names)


def imported(node: ast.AST) -> list[str]:
    """Return what a statement imports of this package, and the names that it takes from it."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.startswith("aurora_wire")]
    if isinstance(node, ast.ImportFrom) and str(node.module).startswith("aurora_wire"):
        return [alias.name if node.module == "aurora_wire" else str(node.module) for alias in node.names]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "aurora_wire":
        return [node.attr]
    return []
