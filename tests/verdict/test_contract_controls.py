"""A control frame counts only where a receiver would obey it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conversations import Conversation, mysql, play
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import SECRET, Step, plaintext, since, tls13, until
from tests.conversations.tcp import ACK, FIN, RST, SYN, Sender

Forge = Callable[[Conversation, Sender], object]

FORGED: dict[str, Forge] = {
    "RST, wrong checksum": lambda talk, who: talk.segment(who, flags=RST | ACK, bad_checksum=True),
    "RST before what was taken": lambda talk, who: talk.segment(who, offset=talk.offset[who] - 30, flags=RST),
    "RST in the window": lambda talk, who: talk.segment(who, offset=talk.offset[who] + 7777, flags=RST | ACK),
    "RST far ahead": lambda talk, who: talk.segment(who, offset=talk.offset[who] + 90_000_000, flags=RST),
    "FIN, wrong checksum": lambda talk, who: talk.segment(who, flags=FIN | ACK, bad_checksum=True),
    "FIN before what was taken": lambda talk, who: talk.segment(who, offset=talk.offset[who] - 9, flags=FIN | ACK),
    "SYN": lambda talk, who: talk.segment(who, offset=123_456_789, flags=SYN),
    "SYN, wrong checksum": lambda talk, who: talk.segment(who, offset=123_456_789, flags=SYN, bad_checksum=True),
    "SYN-ACK": lambda talk, who: talk.segment(who, offset=987_654_321, flags=SYN | ACK, ack=123_456_790),
    "ACK of what was not sent, wrong checksum": lambda talk, who: talk.segment(
        who, ack=talk.offset["client" if who == "server" else "server"] + 5000, bad_checksum=True
    ),
}


def with_forged(steps: list[Step], at: str, forge: Forge, who: Sender, *, sizes: int | None = None) -> Conversation:
    talk = play(until(steps, at), sizes=sizes, close=False)
    forge(talk, who)
    talk.acked = dict(talk.offset)
    return play(since(steps, at)[1:], talk, sizes=sizes, syn=False)


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("retry", [False, True])
@pytest.mark.parametrize("at", ["ssl-request", "client-hello", "server-data-2"])
@pytest.mark.parametrize("name", FORGED)
def test_a_control_that_no_receiver_obeys_takes_no_proof_from_tls(
    name: str, at: str, retry: bool, who: Sender, tmp_path: Path
) -> None:
    result = scan_of(tmp_path, with_forged(tls13(retry=retry), at, FORGED[name], who))
    judged = [one for one in result.connections if one.verdict != "no-session"]
    assert [(one.verdict, one.confidence) for one in judged] == [("encrypted", "proven")], explain(result)


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("name", FORGED)
def test_a_control_that_no_receiver_obeys_hides_no_statement(name: str, who: Sender, tmp_path: Path) -> None:
    usual = scan_of(tmp_path, play(plaintext())).connections[0]
    result = scan_of(tmp_path, with_forged(plaintext(), "query", FORGED[name], who))
    judged = [one for one in result.connections if one.verdict != "no-session"]
    assert [one.verdict for one in judged] == ["plaintext"], explain(result)
    assert [text.sql for text in judged[0].statements] == [text.sql for text in usual.statements], explain(result)
    assert judged[0].client_coverage == usual.client_coverage, explain(result)
    assert judged[0].server_coverage == usual.server_coverage, explain(result)


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("sizes", [None, 50])
@pytest.mark.parametrize("name", FORGED)
def test_a_login_behind_it_is_told(name: str, sizes: int | None, who: Sender, tmp_path: Path) -> None:
    """The session goes on in the clear: a login in one piece or in several, that is refused."""
    steps = [*until(tls13(), "server-data-2"), *since(plaintext(), "login")[:1]]
    talk = play(until(steps, "login"), close=False)
    FORGED[name](talk, who)
    talk.client(steps[-1].payload, sizes=sizes)
    talk.ack("server")
    talk.server(mysql.err(1045, b"Access denied"))
    result = scan_of(tmp_path, talk)
    assert result.verdict in ("mixed", "plaintext"), explain(result)
    assert "encrypted" not in {one.verdict for one in result.connections[:1]}, explain(result)


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("sizes", [None, 50, 20])
@pytest.mark.parametrize("rest", ["login", "query", "all"])
@pytest.mark.parametrize("after", ["client-hello", "server-flight", "server-data-2"])
def test_plaintext_behind_an_rst_that_looks_right_is_told(
    after: str, rest: str, sizes: int | None, who: Sender, tmp_path: Path
) -> None:  # fmt: skip
    """Its number and checksum are right, and it never arrives: its time to live is too short."""
    talk = play(until(tls13(), after), close=False)
    talk.rst(who)
    clear = since(plaintext(), "login")
    for step in {"login": clear[:1], "query": since(clear, "query")[:2], "all": clear}[rest]:
        talk.say(step.sender, step.payload, sizes=sizes)
    result = scan_of(tmp_path, talk)
    assert result.exit_code == 1, explain(result)


def test_bytes_before_an_rst_that_were_not_captured_are_missing(tmp_path: Path) -> None:
    """The last segment is not in the capture: the RST's number tells so."""
    steps = tls13()
    talk = play(steps[:-1], close=False)
    talk.say(steps[-1].sender, steps[-1].payload, lost=True)
    talk.rst(steps[-1].sender)
    result = scan_of(tmp_path, talk)
    (one,) = result.connections
    assert (one.verdict, one.confidence) == ("encrypted", "likely"), explain(result)
    assert "gap" in {reason.id for reason in one.reasons}, explain(result)


@pytest.mark.parametrize("client", [-90_000, 0, 5_000, 3_000_000])
@pytest.mark.parametrize("server", [-90_000, 100_000, 3_000_000])
def test_ports_used_again_without_a_syn_are_another_connection(client: int, server: int, tmp_path: Path) -> None:
    first = play(tls13())
    first_numbers = [first.first[side] + first.offset[side] for side in ("client", "server")]
    second = play(
        plaintext(),
        Conversation(client_isn=first_numbers[0] + client, server_isn=first_numbers[1] + server),
    )
    result = scan_of(tmp_path, [*first.packets, *second.packets[3:]])
    assert result.verdict == "mixed", explain(result)
    assert SECRET in {text.sql for one in result.connections for text in one.statements}, explain(result)


@pytest.mark.parametrize("gap", [40_000, 3_000_000_000])
@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_ports_used_again_with_a_syn_are_another_connection(how: str, gap: int, tmp_path: Path) -> None:
    first = play(tls13(), close=how == "FIN")
    if how == "RST":
        first.rst("client")
    again = [first.first[side] + first.offset[side] + gap for side in ("client", "server")]
    second = play(plaintext(), Conversation(client_isn=again[0], server_isn=again[1]))
    result = scan_of(tmp_path, [*first.packets, *second.packets])
    said = explain(result)
    assert [(one.verdict, one.confidence) for one in result.connections] == [
        ("encrypted", "proven"), ("plaintext", "proven"),
    ], said  # fmt: skip
    assert result.connections[1].client_coverage.missing == 0, said


def test_who_sends_a_syn_from_a_servers_port_is_no_client(tmp_path: Path) -> None:
    """Nobody answers it; the session that was open goes on."""
    talk = Conversation()
    talk.segment("server", offset=400_000_000, flags=SYN)
    play(since(plaintext(), "login"), talk, syn=False)
    result = scan_of(tmp_path, talk)
    (one,) = [one for one in result.connections if one.verdict != "no-session"]
    assert (one.verdict, one.server.port) == ("plaintext", 3306), explain(result)
    assert SECRET in {text.sql for text in one.statements}, explain(result)


def test_decoys_with_wrong_checksums_leave_no_trace_in_the_statements(tmp_path: Path) -> None:
    """The SYN tells that its sender's checksums are right, before the first decoy comes."""
    talk = Conversation()
    talk.syn()
    talk.server(plaintext()[0].payload)
    at = dict(talk.offset)
    for step in since(tls13(), "ssl-request"):
        talk.say(step.sender, step.payload, bad_checksum=True)
    talk.offset = at
    talk.acked = dict(at)
    usual = scan_of(tmp_path, play(plaintext())).connections[0]
    result = scan_of(tmp_path, play(plaintext()[1:], talk, syn=False))
    (one,) = result.connections
    assert one.verdict == "plaintext", explain(result)
    assert [text.sql for text in one.statements] == [text.sql for text in usual.statements], explain(result)
