"""Filters: what they leave out is counted, said, and takes no part in the verdict."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.cli import main
from tests.cli.running import COMMAND, ENVIRONMENT
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap

Capsys = pytest.CaptureFixture[str]

LOGIN = sessions.changed(sessions.plaintext(), login=mysql.login(user=b"herbert"))
LEAK = sessions.play(LOGIN, Conversation(client=("10.0.0.5", 50_001)))
SAFE = sessions.play(sessions.tls13(), Conversation(client=("10.0.0.6", 41_000)))
OTHER = sessions.play(sessions.plaintext(), Conversation(client=("2001:db8::7", 41_000), server=("2001:db8::9", 3306)))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("all.pcap").write_bytes(pcap(LEAK.packets + SAFE.packets + OTHER.packets))


def scanned(capsys: Capsys, *options: str, code: int) -> dict[str, object]:
    assert main(["scan", "all.pcap", "--format", "json", *options]) == code
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("options", "ids", "code"),
    [
        (["--host", "10.0.0.6"], [2], 0),
        (["--host", "10.0.0.0/8"], [1, 2], 1),
        (["--host", "2001:db8::/32"], [3], 1),
        (["--host", "10.0.0.6", "--host", "2001:db8::7"], [2, 3], 1),
        (["--user", "herbert"], [1], 1),
        (["--user", "nobody"], [], 3),
        (["--verdict", "encrypted"], [2], 0),
        (["--leaks"], [1, 3], 1),
        (["--leaks", "--host", "10.0.0.6"], [], 3),
        (["--since", "2000-01-01", "--until", "2100-01-01"], [1, 2, 3], 1),
        (["--until", "2000-01-01"], [], 3),
        (["--since", "2100-01-01T00:00+02:00"], [], 3),
        (["--filter", "host 10.0.0.6"], [1], 0),
        (["--filter", "ip6"], [1], 1),
        (["--filter", "udp"], [], 3),
    ],
)
def test_the_verdict_speaks_of_what_was_let_through(
    options: list[str], ids: list[int], code: int, capsys: Capsys
) -> None:
    found = scanned(capsys, *options, code=code)
    assert [one["id"] for one in found["connections"]] == ids  # type: ignore[index, attr-defined]
    assert found["connections_total"] == len(ids)
    of_connections = "--filter" not in options
    assert found["filters"]["connections_left_out"] == (3 - len(ids) if of_connections else 0)  # type: ignore[index]
    assert f"Of what {' '.join(options[:2])}" in str(found["closing"]).replace(", 2001:db8::7", "") or len(options) > 2
    assert found["exit_code"] == code


def test_without_a_filter_there_is_no_word_of_one(capsys: Capsys) -> None:
    found = scanned(capsys, code=1)
    assert "filters" not in found
    assert "Of what" not in str(found["closing"])


def test_frames_keep_their_numbers_behind_a_filter(capsys: Capsys) -> None:
    whole = scanned(capsys, code=1)
    part = scanned(capsys, "--filter", "ip6", code=1)
    for name in ("first_frame", "last_frame"):
        assert part["connections"][0][name] == whole["connections"][2][name]  # type: ignore[index]


def test_every_format_says_what_was_left_out(capsys: Capsys) -> None:
    for name in ("text", "markdown", "junit", "sarif", "html", "jsonl"):
        assert main(["scan", "all.pcap", "--user", "herbert", "--format", name]) == 1
        shown = " ".join(capsys.readouterr().out.split())
        assert "lets through (2 MySQL connections left out)" in shown, name
        assert ("herbert" in shown) is (name in ("text", "jsonl")), name  # the others are masked


def test_a_page_does_not_name_the_user_that_it_was_filtered_by() -> None:
    assert main(["report", "all.pcap", "-o", "part.html", "--user", "herbert", "--no-progress"]) == 1
    assert "herbert" not in Path("part.html").read_text()
    assert main(["report", "all.pcap", "-o", "open.html", "--user", "herbert", "--no-progress", "--reveal"]) == 1
    assert "--user=herbert" in Path("open.html").read_text()


def test_statements_of_others_are_not_told(capsys: Capsys) -> None:
    assert main(["scan", "all.pcap", "--host", "10.0.0.5", "--format", "jsonl"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["connection"] for line in lines if line["type"] == "statement"} == {1}


def test_require_proven_says_that_it_holds_for_a_part_only(capsys: Capsys) -> None:
    assert main(["scan", "all.pcap", "--host", "10.0.0.6", "--require", "proven", "--quiet"]) == 0
    assert "says nothing of the rest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "example.com"], "--host: 'example.com' does not appear to be an IPv4 or IPv6 network"),
        (["--since", "yesterday"], "--since yesterday: is no time"),
        (["--since", "1969-12-31"], "--since 1969-12-31: is no time"),
        (["--until", "99999999-01-01"], "is no time"),
        (["--since", "2021-01-02", "--until", "2021-01-01"], "nothing is between them"),
        (["--leaks", "--verdict", "encrypted"], "no connection is both"),
        (["--filter", "tcp prt 3306"], "--filter: "),
    ],
)
def test_what_is_no_filter_is_one_line(options: list[str], said: str, capsys: Capsys) -> None:
    assert main(["scan", "all.pcap", *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_packets_are_filtered_by_connection_time_and_what_leaked(capsys: Capsys) -> None:
    def listed(*options: str, code: int = 0) -> tuple[int, str]:
        assert main(["packets", "all.pcap", *options]) == code
        shown = capsys.readouterr()
        return len(shown.out.splitlines()), shown.err

    total = len(LEAK.packets) + len(SAFE.packets) + len(OTHER.packets)
    assert listed() == (total, "")
    assert listed("--user", "herbert")[0] == len(LEAK.packets)
    assert listed("--host", "10.0.0.6")[0] == len(SAFE.packets)
    count, said = listed("--filter", "ip6")
    assert count == len(OTHER.packets)
    assert said == f"aurora-wire: --filter ip6 lets {count} of {total} packets through.\n"
    assert 0 < listed("--leaks")[0] < len(LEAK.packets) + len(OTHER.packets)
    assert listed("--until", "2000-01-01", code=3)[0] == 0
    with Path("all.pcap").open("rb") as file:
        done = subprocess.run(
            [*COMMAND, "packets", "-", "--user", "x"], stdin=file, env=ENVIRONMENT, capture_output=True, check=False,
            timeout=60,
        )  # fmt: skip
    assert (done.returncode, b"twice" in done.stderr) == (2, True)


def test_a_redacted_capture_has_the_connections_that_were_let_through(capsys: Capsys) -> None:
    assert main(["redact", "all.pcap", "part.pcapng", "--user", "herbert"]) == 0
    said = capsys.readouterr().err
    assert f"--user herbert lets {len(LEAK.packets)} of " in said
    found = aurora_wire.scan(["part.pcapng"])
    assert [one.client.address for one in found.connections] == ["10.0.0.5"]
    assert found.verdict == "plaintext"
    assert b"herbert" not in Path("part.pcapng").read_bytes()
    assert main(["redact", "all.pcap", "none.pcapng", "--user", "nobody"]) == 2
    assert not Path("none.pcapng").exists()


def test_a_report_of_a_part_says_so_and_how_to_repeat_it() -> None:
    assert main(["report", "all.pcap", "-o", "part.html", "--host", "10.0.0.6", "--no-progress"]) == 0
    page = Path("part.html").read_text()
    assert "--host 10.0.0.6 lets through" in page
    assert "--host=10.0.0.6" in page
    assert "10.0.0.5" not in page
