"""What is judged does not depend on which side's bytes came first, nor on how they were cut."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from aurora_wire.verdict.result import Scan
from tests.conversations import Conversation, mysql, play, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import Step, changed, inserted, opening, plaintext, tls12, tls13
from tests.conversations.tcp import Sender

V2 = b"\r\n\r\n\x00\r\nQUIT\n"
ADDRESSES = bytes([10, 0, 0, 7, 10, 0, 0, 9]) + struct.pack("!HH", 40000, 3306)


def v2(command: int, family: int, body: bytes) -> bytes:
    return V2 + bytes([command, family]) + struct.pack("!H", len(body)) + body


PROXIES = {
    "v1": b"PROXY TCP4 10.0.0.7 10.0.0.9 40000 3306\r\n",
    "v1 IPv6": b"PROXY TCP6 2001:db8::7 2001:db8::9 40000 3306\r\n",
    "v1 UNKNOWN": b"PROXY UNKNOWN\r\n",
    "v2": v2(0x21, 0x11, ADDRESSES),
    "v2 with fields": v2(0x21, 0x11, ADDRESSES + b"\x05\x00\x04uniq" + b"\xea\x00\x06vpce-1"),
    "v2 IPv6": v2(0x21, 0x21, bytes(15) + b"\x07" + bytes(15) + b"\x09" + struct.pack("!HH", 40000, 3306)),
    "v2 LOCAL": v2(0x20, 0x00, b""),
    "two, of two proxies": b"PROXY TCP4 10.0.0.6 10.0.0.8 50000 3306\r\n" + v2(0x21, 0x11, ADDRESSES),
}
SESSIONS = {
    "TLS 1.3": (tls13(), "encrypted"), "TLS 1.2": (tls12(), "encrypted"), "plaintext": (plaintext(), "plaintext"),
}
QUIT = mysql.leave()
LOGIN_CHECK = mysql.login(b"haproxy", b"", caps=mysql.PROTOCOL_41 | mysql.SECURE_CONNECTION)
PRE_41 = mysql.packet(1, b"\x00\x80\x00\x00\x01haproxy\x00\x00")
REFUSED = mysql.err(1045, b"Access denied for user 'haproxy'", seq=2, state=b"28000")


def behind(steps: Sequence[Step], header: bytes, *, after_greeting: bool, joined: bool) -> list[Step]:
    """The steps with a PROXY header before the client's first bytes."""
    at = next(number for number, step in enumerate(steps) if step.sender == "client")
    if joined:
        return [*steps[:at], steps[at]._replace(payload=header + steps[at].payload), *steps[at + 1 :]]
    step = Step("proxy", "client", header)
    return [*steps[:at], step, *steps[at:]] if after_greeting else [step, *steps]


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("header", PROXIES)
@pytest.mark.parametrize(("after", "joined"), [(True, False), (True, True), (False, False)])
@pytest.mark.parametrize("port", [3306, 3399])
@pytest.mark.parametrize("sizes", [None, 5])
def test_a_session_behind_a_proxy_header_is_judged_as_without_it(
    session: str, header: str, after: bool, joined: bool, port: int, sizes: int | None, tmp_path: Path
) -> None:
    steps, verdict = SESSIONS[session]
    steps = behind(steps, PROXIES[header], after_greeting=after, joined=joined)
    result = scan_of(tmp_path, play(steps, Conversation(server=("10.0.0.9", port)), sizes=sizes))
    assert (result.verdict, result.confidence) == (verdict, "proven"), explain(result)
    assert result.connections[0].client_coverage.unknown == 0, explain(result)
    if verdict == "plaintext":
        assert result.connections[0].user == "app", explain(result)


def only(result: Scan) -> str:
    assert len(result.connections) == 1, explain(result)
    return result.connections[0].verdict


@pytest.mark.parametrize("login", [LOGIN_CHECK, PRE_41], ids=["4.1", "before 4.1"])
@pytest.mark.parametrize("answer", [REFUSED, mysql.ok(2)], ids=["refused", "accepted"])
@pytest.mark.parametrize("first", ["client", "server"])
@pytest.mark.parametrize("port", [3306, 3399])
def test_a_health_check_that_does_not_wait_for_the_greeting_is_a_login(
    login: bytes, answer: bytes, first: Sender, port: int, tmp_path: Path
) -> None:
    steps = [Step("login", "client", login + QUIT), Step("greeting", "server", mysql.greeting())]
    if first == "server":
        steps.reverse()
    result = scan_of(
        tmp_path, play([*steps, Step("answer", "server", answer)], Conversation(server=("10.0.0.9", port)))
    )
    assert (result.verdict, result.confidence) == ("plaintext", "proven"), explain(result)
    assert result.connections[0].user == "haproxy", explain(result)
    assert "AW102" in {finding.rule for finding in result.findings}, explain(result)


@pytest.mark.parametrize("cut", range(1, len(mysql.login())))
def test_a_login_that_is_cut_anywhere_by_the_greeting_is_found(cut: int, tmp_path: Path) -> None:
    login = mysql.login()
    steps = [
        Step("one", "client", login[:cut]),
        Step("greeting", "server", mysql.greeting()),
        Step("two", "client", login[cut:]),
        Step("refused", "server", REFUSED),
    ]
    result = scan_of(tmp_path, play(steps))
    assert (result.verdict, result.confidence) == ("plaintext", "proven"), explain(result)
    assert result.connections[0].user == "app", explain(result)


@pytest.mark.parametrize("sizes", [1, 2, 3, 4, 5, 7, 13, 36, 37, 60])
@pytest.mark.parametrize("port", [3306, 3399])
@pytest.mark.parametrize("kind", ["plain", "after an SSLRequest", "ERR in place of a greeting"])
def test_small_segments_do_not_change_what_is_said(kind: str, sizes: int, port: int, tmp_path: Path) -> None:
    refused = Step("refused", "server", mysql.err(1045, b"Access denied for user", seq=3, state=b"28000"))
    steps = plaintext()
    if kind == "after an SSLRequest":
        steps = [*opening(), Step("login", "client", mysql.login(seq=2)), refused]
    elif kind == "ERR in place of a greeting":
        steps = [Step("error", "server", mysql.err(1040, b"Too many connections", seq=0))]
    result = scan_of(tmp_path, play(steps, Conversation(server=("10.0.0.9", port)), sizes=sizes))
    assert only(result) == ("no-session" if kind.startswith("ERR") else "plaintext"), explain(result)
    assert result.confidence == "proven", explain(result)
    if kind == "after an SSLRequest":
        assert result.connections[0].user == "app", explain(result)


# -- who knocks

HELLO = tls.client_hello()
KNOCKS = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: db:3306\r\nAuthorization: Basic YXBwOnNlY3JldC1zZWNyZXQtc2VjcmV0\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "RDP": b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
    "PostgreSQL": bytes.fromhex("0000000804d2162f"),
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "SMTP": b"EHLO scanner.example\r\n",
    "telnet": bytes.fromhex("fffb1ffffb20fffb18"),
    "memcached": b"stats\r\n",
    "TLS": HELLO,
    "text": b"hello, is this the right machine for the nightly report?\r\n",
}
OUT_OF_ORDER = mysql.err(1156, b"Got packets out of order", seq=1, state=b"08S01")


@pytest.mark.parametrize("name", KNOCKS)
@pytest.mark.parametrize("first", ["client", "server"])
@pytest.mark.parametrize("port", [3306, 3399])
@pytest.mark.parametrize("sizes", [None, 1])
@pytest.mark.parametrize("answered", [True, False])
def test_another_protocol_that_knocks_is_no_session_and_named(
    name: str, first: Sender, port: int, sizes: int | None, answered: bool, tmp_path: Path
) -> None:
    steps = [Step("knock", "client", KNOCKS[name]), Step("greeting", "server", mysql.greeting())]
    if first == "server":
        steps.reverse()
    if answered:
        steps.append(Step("refused", "server", OUT_OF_ORDER))
    result = scan_of(tmp_path, play(steps, Conversation(server=("10.0.0.9", port)), sizes=sizes))
    assert only(result) == "no-session", explain(result)
    (connection,) = result.connections
    assert connection.protocol == name, explain(result)
    assert any(r.id == "other-protocol" and name in r.text for r in connection.reasons), explain(result)
    assert not result.undecoded, result.undecoded


def test_a_proxy_header_to_a_server_that_expects_none_is_named(tmp_path: Path) -> None:
    refused = mysql.err(1130, b"Proxy header is not accepted from 10.0.0.7", seq=1)
    for steps in (
        [opening()[0], Step("proxy", "client", PROXIES["v1"]), Step("refused", "server", refused)],
        [Step("proxy", "client", PROXIES["v2"]), opening()[0], Step("refused", "server", refused)],
    ):
        result = scan_of(tmp_path, play(steps))
        assert only(result) == "no-session", explain(result)
        assert result.connections[0].protocol == "PROXY", explain(result)


def test_a_stranger_that_turns_into_mysql_is_read(tmp_path: Path) -> None:
    steps = changed(plaintext(), login=KNOCKS["HTTP"])
    result = scan_of(tmp_path, play(inserted(steps, "login", Step("real", "client", mysql.login()))))
    assert result.verdict == "plaintext", explain(result)
    assert result.connections[0].statements, explain(result)


@pytest.mark.parametrize("keep", range(1, 8))
@pytest.mark.parametrize("payload", [mysql.login(), KNOCKS["HTTP"], PROXIES["v1"] + mysql.login()])
def test_first_bytes_cut_by_the_snaplen_are_read_as_far_as_they_are_there(
    keep: int, payload: bytes, tmp_path: Path
) -> None:
    steps = [opening()[0], Step("first", "client", payload)]
    result = scan_of(tmp_path, play(steps, keep={"first": keep}))
    (connection,) = result.connections
    assert connection.client_coverage.truncated == len(payload) - keep, explain(result)
    assert connection.verdict in ("plaintext", "inconclusive"), explain(result)


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("version", [b"8.0.36", b"5.5.5-10.11.19-MariaDB-0+deb12u1-log"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_greeting_may_come_byte_by_byte(name: str, version: bytes, size: int, tmp_path: Path) -> None:
    steps, verdict = SESSIONS[name]
    talk = Conversation()
    talk.syn()
    for step in changed(steps, greeting=mysql.greeting(version=version)):
        talk.say(step.sender, step.payload, sizes=size)
    result = scan_of(tmp_path, talk)
    assert (result.verdict, result.confidence) == (verdict, "proven"), explain(result)


def test_what_cannot_begin_a_login_is_none_however_long_it_says_to_be(tmp_path: Path) -> None:
    """The first packet of AJP, which Apache sends to its workers, has a header that a long login could have."""
    talk = Conversation()
    talk.syn()
    talk.server(mysql.greeting())
    talk.client(b"\x12\x34\x00\x02\x00\x01")
    talk.server(mysql.err(1156, b"Got packets out of order", seq=1, state=b"08S01"))
    result = scan_of(tmp_path, talk)
    assert result.verdict == "no-session", explain(result)
