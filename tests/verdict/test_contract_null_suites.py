"""Suites that do not encrypt: what is inside crossed in the clear, and is shown like any other plaintext."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conversations import mysql, play, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import SECRET, Step, changed, index, plaintext, since, tls12, tls13, until

# Suite, version, bytes of its MAC.
SUITES = {
    "RSA MD5": (0x0001, tls.TLS12, 16),
    "RSA SHA": (0x0002, tls.TLS12, 20),
    "RSA SHA256": (0x003B, tls.TLS12, 32),
    "RSA SHA, 1.0": (0x0002, tls.TLS10, 20),
    "ECDHE RSA SHA": (0xC010, tls.TLS12, 20),
    "ECDHE ECDSA SHA": (0xC006, tls.TLS12, 20),
    "ECDHE PSK SHA384": (0xC03B, tls.TLS12, 48),
    "1.3 SHA256": (0xC0B4, tls.TLS13, 32),
    "1.3 SHA384": (0xC0B5, tls.TLS13, 48),
}


def dressed(payload: bytes, suite: str, *, kind: int = tls.DATA, size: int = 16000) -> bytes:
    """Records of this suite with `payload` inside."""
    _, version, mac = SUITES[suite]
    found = b""
    for at in range(0, len(payload), size):
        piece = payload[at : at + size]
        content = piece + bytes([kind]) + b"\0" * 3 if version == tls.TLS13 else piece
        outer = tls.DATA if version == tls.TLS13 else kind
        found += tls.record(outer, content + tls.noise((at, payload), mac), min(version, tls.TLS12))
    return found


def handshake(suite: str) -> list[Step]:
    code, version, _ = SUITES[suite]
    if version == tls.TLS13:
        steps = until(tls13(suite=code), "client-finished")
        steps = changed(steps, client_hello=tls.client_hello(suites=(code, tls.AES_256_GCM_1_3)))
        inner = b"".join(dressed(tls.message(kind, tls.noise(kind, 90)), suite, kind=22) for kind in (8, 11, 15, 20))
        return changed(
            steps, server_flight=inner, client_finished=dressed(tls.message(20, tls.noise("f", 32)), suite, kind=22)
        )
    finished = dressed(tls.message(20, tls.noise("finished", 12)), suite, kind=22)
    spec = tls.change_cipher_spec(version)
    return changed(
        until(tls12(version=version, suite=code), "server-finished"),
        client_finished=tls.client_key_exchange(version) + spec + finished,
        server_finished=spec + finished,
    )


def session(suite: str, inside: Sequence[Step], *, size: int = 16000) -> list[Step]:
    return handshake(suite) + [step._replace(payload=dressed(step.payload, suite, size=size)) for step in inside]


def login_after_tls() -> list[Step]:
    """The packets of a session, numbered as behind an SSLRequest."""
    def numbered(payload: bytes, number: int) -> bytes:
        return payload[:3] + bytes([number]) + payload[4:]

    steps = since(plaintext(), "login")
    steps = changed(steps, login=numbered(mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.SSL), 2))
    return changed(steps, login_ok=numbered(mysql.ok(3), 3))


@pytest.mark.parametrize("size", [16000, 7, 60])
@pytest.mark.parametrize("suite", SUITES)
def test_login_and_statements_inside_are_plaintext(suite: str, size: int, tmp_path: Path) -> None:
    result = scan_of(tmp_path, play(session(suite, login_after_tls(), size=size)))
    (connection,) = result.connections
    said = explain(result)
    assert (connection.verdict, connection.confidence) == ("plaintext", "proven"), said
    assert connection.user == "app", said
    assert SECRET in [statement.sql for statement in connection.statements], said
    assert {"AW101", "AW102", "AW303"} <= {finding.rule for finding in result.findings}, said
    assert not {"AW205", "AW304"} & {finding.rule for finding in result.findings}, said
    for side in (connection.client_coverage, connection.server_coverage):
        assert side.tls + side.plaintext + side.unprotected_by_design + side.unknown == side.seen, said
        assert side.plaintext > 0, said


@pytest.mark.parametrize("suite", SUITES)
def test_a_lost_record_leaves_the_rest_readable(suite: str, tmp_path: Path) -> None:
    steps = session(suite, login_after_tls())
    for name in ("login", "login-ok", "select", "rows"):
        result = scan_of(tmp_path, play(steps, lost=(name,)))
        assert result.verdict == "plaintext", f"{name}: {explain(result)}"


def test_the_greeting_inside_too(tmp_path: Path) -> None:
    """TLS from the first byte, on MySQL's port."""
    steps = session("RSA SHA256", plaintext())
    steps = [step for at, step in enumerate(steps) if at >= index(steps, "client-hello")]
    result = scan_of(tmp_path, play(steps))
    assert result.verdict == "plaintext", explain(result)
    assert SECRET in [one.sql for connection in result.connections for one in connection.statements], explain(result)


def test_what_is_no_mysql_inside_is_plaintext_all_the_same(tmp_path: Path) -> None:
    steps = session("RSA SHA256", [Step("noise", "client", tls.noise("x", 300)), Step("more", "server", b"y" * 50)])
    result = scan_of(tmp_path, play(steps))
    assert result.verdict == "plaintext", explain(result)


@pytest.mark.parametrize("where", ["ServerHello lost", "mid-stream"])
@pytest.mark.parametrize("suite", SUITES)
def test_records_that_read_are_plaintext_where_no_server_hello_says_the_suite(
    suite: str, where: str, tmp_path: Path
) -> None:
    steps = session(suite, login_after_tls())
    if where == "mid-stream":
        talk = play(since(steps, "login"), syn=False)
    else:
        talk = play(steps, lost=["server-hello"])
    result = scan_of(tmp_path, talk)
    (connection,) = result.connections
    said = explain(result)
    assert connection.verdict in ("plaintext", "mixed"), said  # mixed: a Finished that nobody can read went before
    assert SECRET in [statement.sql for statement in connection.statements], said


def test_short_records_that_read_are_plaintext_when_several_come(tmp_path: Path) -> None:
    """A packet of a few bytes may come by chance, two in a row do not."""
    steps = session("RSA SHA256", login_after_tls())
    pings = [Step(f"ping-{number}", "client", dressed(mysql.ping(), "RSA SHA256")) for number in range(2)]
    result = scan_of(tmp_path, play([*pings, *since(steps, "query")], syn=False))
    (connection,) = result.connections
    assert connection.verdict in ("plaintext", "mixed"), explain(result)
