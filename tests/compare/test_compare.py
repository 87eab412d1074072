"""Two runs compared: what became encrypted, still leaks, lost it; and what the exit code says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ctypes.util import find_library
from pathlib import Path

import pytest

from aurora_wire.cli import main
from aurora_wire.compare.compare import FIXED, LOST, NEW, NEW_LEAK, SAME, STILL, UNKNOWN, WEAKER, Run, compare
from aurora_wire.compare.runs import Connection
from tests.conversations import sessions
from tests.conversations.tcp import pcap
from tests.evidence.bundles import PLAIN, write_captures
from tests.report.schemas import valid

A, B = "10.0.0.5", "10.0.0.6"


def plain(client: str = A, user: str | None = "app", program: str | None = None) -> Connection:
    return Connection(client, "10.0.0.9:3306", user, program, "plaintext", None)


def tls(client: str = A, version: str | None = "TLSv1.3", verdict: str = "encrypted") -> Connection:
    return Connection(client, "10.0.0.9:3306", None, None, verdict, version)


def run(connections: Sequence[Connection], *, complete: bool = True) -> Run:
    one = Run(complete=complete)
    for connection in connections:
        one.add(connection)
    return one


@pytest.mark.parametrize(
    ("before", "after", "changes", "code"),
    [
        ([plain()], [tls()], [FIXED], 0),
        ([plain()], [plain()], [STILL], 1),
        ([tls()], [plain()], [LOST], 1),
        ([tls()], [tls()], [SAME], 0),
        ([], [tls()], [NEW], 0),
        ([], [plain()], [NEW_LEAK], 1),
        ([plain()], [], [UNKNOWN], 3),
        ([tls()], [], [UNKNOWN], 3),
        ([], [], [], 3),
        ([plain()], [tls(B)], [UNKNOWN, NEW], 3),
        ([plain()], [tls(verdict="inconclusive")], [UNKNOWN], 3),
        ([plain(user="a"), plain(user="b")], [plain(user="a"), tls()], [STILL, FIXED], 1),
        ([plain(user="a")], [plain(user="b")], [NEW_LEAK, UNKNOWN], 1),
        ([plain(program="x")], [plain(program="y"), tls()], [NEW_LEAK, FIXED], 1),
        ([tls(version="TLSv1.3")], [tls(version="TLSv1.3"), tls(version="TLSv1.1")], [WEAKER], 1),
        ([tls(version="TLSv1.2")], [tls(version="TLSv1.3")], [SAME], 0),
        ([plain(), tls(verdict="mixed")], [tls()], [FIXED, FIXED], 0),
        ([tls()], [tls(verdict="no-session")], [UNKNOWN], 3),
    ],
)
def test_what_changed(
    before: list[Connection], after: list[Connection], changes: list[str], code: int
) -> None:
    found = compare(run(before), run(after))
    assert [one.change for one in found.changes] == changes
    assert found.exit_code == code


def test_a_second_run_that_was_cut_is_no_success() -> None:
    assert compare(run([plain()]), run([tls()], complete=False)).exit_code == 3


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ([plain()], [plain()], 0),
        ([plain()], [plain(), plain()], 0),
        ([tls()], [tls(), tls(verdict="no-session")], 0),
        ([tls(verdict="inconclusive")], [tls(verdict="inconclusive")], 0),
        ([], [], 0),
        ([plain()], [tls()], 1),
        ([tls()], [plain()], 1),
        ([plain()], [plain(), tls()], 1),
        ([plain()], [plain(user="b")], 1),
        ([tls()], [tls(), tls(B)], 1),
        ([tls(), tls(B)], [tls()], 1),
        ([tls(version="TLSv1.2")], [tls(version="TLSv1.3")], 1),
        ([tls(version="TLSv1.3")], [tls(version="TLSv1.2")], 1),
        ([tls()], [tls(verdict="inconclusive")], 1),
    ],
)
def test_the_exit_code_is_0_for_the_same_and_1_for_anything_else(
    before: list[Connection], after: list[Connection], code: int
) -> None:
    assert compare(run(before), run(after)).same_code == code


def test_what_was_not_all_seen_is_not_the_same() -> None:
    assert compare(run([plain()]), run([plain()], complete=False)).same_code == 3
    assert compare(run([plain()], complete=False), run([plain()])).same_code == 3
    assert compare(run([plain()], complete=False), run([tls()])).same_code == 1


def test_masked_users_are_not_compared_with_others() -> None:
    found = compare(run([plain(user="*abc")]), run([plain(user="app"), plain(user="app")]))
    assert found.users_ignored
    assert [(one.change, one.user, one.before, one.after) for one in found.changes] == [(STILL, "", 1, 2)]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A host in the clear and the same host in TLS, each as capture, JSON and bundle, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("plain.pcap").write_bytes(PLAIN)
    Path("fixed.pcap").write_bytes(pcap(sessions.play(sessions.tls13()).packets))
    for name in ("plain", "fixed"):
        main(["scan", f"{name}.pcap", "--format", "json", "-o", f"{name}.json"])
        assert main(["evidence", "create", f"{name}.pcap", "-o", f"{name}.zip"]) == 0
    capsys.readouterr()
    return tmp_path


@pytest.mark.parametrize("after", ["pcap", "json", "zip"])
@pytest.mark.parametrize("before", ["pcap", "json", "zip"])
def test_captures_results_and_bundles_compare_alike(
    runs: Path, before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fixed = [f"plain.{before}", f"fixed.{after}"]
    assert main(["compare", *fixed]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "NOTHING LEAKS NOW: 1 became encrypted."
    assert main(["compare", "--require", "same", *fixed]) == 1
    assert main(["compare", "--require", "same", f"fixed.{before}", f"plain.{after}", "--format", "json"]) == 1
    capsys.readouterr()
    assert main(["compare", f"fixed.{before}", f"plain.{after}", "--format", "json"]) == 1
    answer = valid("comparison", capsys.readouterr().out)
    assert (answer["schema"], answer["answer"]) == ("aurora-wire/comparison/1", "not fixed")
    assert (answer["same"], answer["exit_code"]) == (False, 1)
    (change,) = answer["changes"]
    assert (change["change"], change["client"], change["server"]) == (LOST, "10.0.0.5", "10.0.0.9:3306")
    assert main(["compare", "--require", "same", f"plain.{before}", f"plain.{after}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "NOT FIXED: 1 still leaks; the same as before."
    assert main(["compare", f"plain.{before}", f"plain.{after}"]) == 1
    assert main(["compare", f"fixed.{before}", f"fixed.{after}"]) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is no JSON"), (b'{"a": 1}', "is no result of"), (b"[" + b"{" * 10, "plain.pcap"),
        (b'{"schema": "aurora-wire/scan/1"}', "something missing"),
        (b'{"schema": "aurora-wire/scan/1", "connections": [{"client": 5}]}', "something missing"),
        (b"PK\x03\x04", "evidence verify"), (b"", "empty"), (b"\0" * 100, "not a capture"),
    ],
)  # fmt: skip
def test_what_is_no_run_is_one_line(
    runs: Path, content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("odd").write_bytes(content)
    assert main(["compare", "odd", "fixed.pcap"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said or "odd: " in said


def test_the_report_replaces_no_run_and_is_there_whole(runs: Path) -> None:
    assert main(["compare", "plain.json", "fixed.json", "-o", "plain.json"]) == 2
    assert json.loads(Path("plain.json").read_text())["schema"] == "aurora-wire/scan/1"
    assert main(["compare", "plain.json", "fixed.json", "-o", "answer.txt"]) == 0
    assert Path("answer.txt").read_text().endswith("1 became encrypted.\n")
    assert main(["compare", "missing", "fixed.json"]) == 2


def test_a_filter_lets_a_part_of_both_runs_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_captures(tmp_path)
    assert main(["evidence", "create", "plain.pcap", "tls.pcap", "-o", "case.zip"]) == 0
    assert main(["scan", "--format", "json", "-o", "both.json", "plain.pcap", "tls.pcap"]) == 1
    assert main(["compare", "both.json", "case.zip"]) == 1
    capsys.readouterr()
    for before, after in (("both.json", "case.zip"), ("tls.pcap", "both.json"), ("case.zip", "tls.pcap")):
        assert main(["compare", before, after, "--host", "10.0.0.6"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "Compared is what --host 10.0.0.6 lets through:" in said
    assert main(["compare", "both.json", "tls.pcap", "--host", "10.0.0.6", "--format", "json"]) == 0
    found = valid("comparison", capsys.readouterr().out)
    assert found["filters"] == {"host": "10.0.0.6"}
    assert (found["before"]["left_out"], found["after"]["left_out"]) == (1, 0)
    assert main(["compare", "both.json", "tls.pcap", "--filter", "host 10.0.0.6"]) == 2
    assert "both.json: --filter is about packets" in capsys.readouterr().err


def test_a_filter_of_packets_holds_for_captures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if find_library("pcap") is None:
        pytest.skip("no libpcap")
    monkeypatch.chdir(tmp_path)
    write_captures(tmp_path)
    assert main(["compare", "plain.pcap", "plain.pcap", "--filter", "host 192.0.2.77"]) == 3
    assert main(["compare", "plain.pcap", "plain.pcap"]) == 1
