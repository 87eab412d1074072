"""Of the whole: the verdict of many connections, its confidence and the exit code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.errors import AuroraWireError
from tests.conversations import Conversation, interleave, pcap, play, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import Step, opening, plaintext, since, tls12, tls13
from tests.conversations.tcp import Packet

Maker = Callable[[int], list[Packet]]


def talk(port: int, server_port: int = 3306) -> Conversation:
    return Conversation(("10.0.0.5", port), ("10.0.0.9", server_port), client_isn=port * 1000)


def encrypted(port: int) -> list[Packet]:
    return play(tls13(), talk(port)).packets


def encrypted_likely(port: int) -> list[Packet]:
    return play(tls12(), talk(port), lost=["server-data-2"]).packets


def clear(port: int) -> list[Packet]:
    return play(plaintext(), talk(port)).packets


def clear_likely(port: int) -> list[Packet]:
    rows = [step for step in plaintext() if step.name == "rows"]
    return [packet for packet in play(rows, talk(port), syn=False).packets if packet.sender == "server"]


def mixed(port: int) -> list[Packet]:
    return play([*tls12()[:-1], *since(plaintext(), "query")], talk(port)).packets


def inconclusive(port: int) -> list[Packet]:
    noise = [
        Step(str(number), "client" if number % 2 else "server", tls.noise((port, number), 400)) for number in range(10)
    ]
    return play(noise, talk(port), syn=False, close=False).packets


def no_session(port: int) -> list[Packet]:
    return play(opening()[:1], talk(port)).packets


def not_mysql(port: int) -> list[Packet]:
    http = [
        Step("ask", "client", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Step("say", "server", b"HTTP/1.1 200 OK\r\n\r\n"),
    ]
    return play(http, talk(port, 8080)).packets


WHOLE: list[tuple[list[Maker], str, str | None, int]] = [
    ([encrypted], "encrypted", "proven", 0),
    ([encrypted, encrypted], "encrypted", "proven", 0),
    ([encrypted, encrypted_likely], "encrypted", "likely", 0),
    ([encrypted_likely], "encrypted", "likely", 0),
    ([encrypted, no_session], "encrypted", "proven", 0),
    ([encrypted, not_mysql], "encrypted", "proven", 0),
    ([encrypted, not_mysql, no_session], "encrypted", "proven", 0),
    ([encrypted, clear], "mixed", "proven", 1),
    ([encrypted_likely, clear], "mixed", "proven", 1),
    ([encrypted, clear_likely], "mixed", "likely", 1),
    ([encrypted, clear_likely, clear], "mixed", "proven", 1),
    ([clear], "plaintext", "proven", 1),
    ([clear_likely], "plaintext", "likely", 1),
    ([clear_likely, clear], "plaintext", "proven", 1),
    ([clear, no_session, not_mysql], "plaintext", "proven", 1),
    ([clear, inconclusive], "plaintext", "proven", 1),
    ([clear_likely, inconclusive], "plaintext", "likely", 1),
    ([mixed], "mixed", "proven", 1),
    ([mixed, encrypted], "mixed", "proven", 1),
    ([mixed, clear], "mixed", "proven", 1),
    ([mixed, inconclusive, no_session, not_mysql], "mixed", "proven", 1),
    ([inconclusive], "inconclusive", None, 3),
    ([inconclusive, encrypted], "inconclusive", None, 3),
    ([inconclusive, no_session], "inconclusive", None, 3),
    ([encrypted, clear, inconclusive], "mixed", "proven", 1),
    ([no_session], "no-session", "proven", 3),
    ([no_session, not_mysql], "no-session", "proven", 3),
    ([not_mysql], "not-mysql", None, 3),
    ([not_mysql, not_mysql], "not-mysql", None, 3),
]


@pytest.mark.parametrize("apart", [False, True], ids=["one capture", "a capture each"])
@pytest.mark.parametrize(
    ("makers", "verdict", "confidence", "exit_code"),
    WHOLE,
    ids=[" + ".join(maker.__name__ for maker in makers) for makers, *_ in WHOLE],
)
def test_the_whole(
    makers: list[Maker], verdict: str, confidence: str | None, exit_code: int, apart: bool, tmp_path: Path
) -> None:
    made = [maker(50_000 + number) for number, maker in enumerate(makers)]
    if apart:
        result = scan_of(tmp_path, *made)
    else:
        merged = []
        while any(made):
            merged += [packets.pop(0) for packets in made if packets]
        result = scan_of(tmp_path, merged)
    said = explain(result)
    assert (result.verdict, result.confidence, result.exit_code) == (verdict, confidence, exit_code), said
    assert sum(result.by_verdict.values()) + sum(result.not_mysql.values()) == len(makers), said
    assert result.closing, said


def test_a_capture_without_packets_exits_3(tmp_path: Path) -> None:
    result = scan_of(tmp_path, [])
    assert (result.verdict, result.confidence, result.exit_code) == ("not-mysql", None, 3), explain(result)


def test_a_cut_capture_never_exits_0(tmp_path: Path) -> None:
    result = scan_of(tmp_path, pcap(encrypted(50_000))[:-9])
    assert result.verdict == "encrypted", explain(result)
    assert result.exit_code == 3, explain(result)


@pytest.mark.parametrize(("maker", "exit_code"), [(clear, 1), (mixed, 1), (no_session, 3)])
def test_a_cut_capture_with_a_leak_still_says_so(maker: Maker, exit_code: int, tmp_path: Path) -> None:
    result = scan_of(tmp_path, pcap(maker(50_000)) + bytes(5))
    assert result.exit_code == exit_code, explain(result)


def test_an_input_that_is_no_capture_beside_a_good_one_takes_the_0(tmp_path: Path) -> None:
    result = scan_of(tmp_path, encrypted(50_000), b"this is not a capture " * 40)
    assert (result.verdict, result.exit_code) == ("encrypted", 3), explain(result)
    assert [capture.complete for capture in result.captures] == [True, False]


@pytest.mark.parametrize("content", [b"", b"junk " * 100, b"\xd4\xc3\xb2\xa1\x02\0"])
def test_nothing_that_could_be_read_is_2(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(content)
    assert exit_code_of(path) == 2


def exit_code_of(path: Path) -> int:
    try:
        return aurora_wire.scan([str(path)], aurora_wire.ScanOptions((3306, 33060))).exit_code
    except AuroraWireError as error:
        return error.exit_code


def test_a_path_that_is_not_there_is_2(tmp_path: Path) -> None:
    with pytest.raises(AuroraWireError) as raised:
        aurora_wire.scan([str(tmp_path / "none.pcap")], aurora_wire.ScanOptions((3306, 33060)))
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("first", [6, 11, 19])
def test_one_connection_may_run_on_in_the_next_file(first: int, tmp_path: Path) -> None:
    packets = encrypted(50_000)
    result = scan_of(tmp_path, packets[:first], pcap(packets[first:], first=first))
    said = explain(result)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "proven")], said
    assert [capture.first_frame for capture in result.captures] == [1, first + 1], said


def test_connections_at_the_same_time_are_kept_apart(tmp_path: Path) -> None:
    talks = [play(plaintext(sql=b"SELECT %d" % port), talk(port)) for port in range(50_000, 50_020)]
    result = scan_of(tmp_path, interleave(*talks))
    found = {one.client.port: one.statements[0].sql for one in result.connections}
    assert found == {port: b"SELECT %d" % port for port in range(50_000, 50_020)}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aurora_wire", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).resolve().parents[2],
    )


COMMANDS: list[tuple[Maker | bytes, list[str], int]] = [
    (encrypted, [], 0),
    (encrypted, ["--require", "proven"], 0),
    (encrypted_likely, [], 0),
    (encrypted_likely, ["--require", "proven"], 3),
    (clear, [], 1),
    (mixed, ["--require", "proven"], 1),
    (no_session, [], 3),
    (b"junk " * 99, [], 2),
    (encrypted, ["--no-such-option"], 2),
    (encrypted, ["-o", "/nowhere/at/all.json"], 4),
]


@pytest.mark.parametrize(
    ("content", "options", "exit_code"),
    COMMANDS,
    ids=[f"{getattr(content, '__name__', 'junk')} {' '.join(options)}" for content, options, _ in COMMANDS],
)
def test_the_command_exits_as_the_contract_says(
    content: Maker | bytes, options: list[str], exit_code: int, tmp_path: Path
) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(content if isinstance(content, bytes) else pcap(content(50_000)))
    done = run("scan", str(path), *options)
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
