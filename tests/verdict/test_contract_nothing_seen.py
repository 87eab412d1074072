"""Cells `no-session`, `inconclusive` and `not-mysql` of "Of a connection" in the contract."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.conversations import Conversation, mysql, play, tls
from tests.conversations.judge import Row, check
from tests.conversations.real_tls import Session
from tests.conversations.sessions import (
    Step,
    changed,
    opening,
    plaintext,
    since,
    tls12,
    tls13,
    until,
)

SELECT = b"SELECT id, body FROM notes"
ANY = ("proven", "likely")
ON_9999 = ("10.0.0.9", 9999)


# -- no-session


def certificate_refused_12() -> list[Step]:
    return [*until(tls12(), "server-hello"), Step("alert", "client", tls.alert(2, 48))]


def certificate_refused_13(*, ccs: bool) -> list[Step]:
    alert = tls.data("alert", 19)
    return [
        *until(tls13(), "server-flight"),
        Step("alert", "client", tls.change_cipher_spec() + alert if ccs else tls.alert(2, 48)),
    ]


def refused_as_mariadb_does() -> list[Step]:
    """After a fatal alert MariaDB sends ERR 1043 in the clear: `16 00 00 02`, like a handshake record."""
    error = mysql.err(1043, b"Bad handshake", state=b"08S01")
    assert error[:4] == b"\x16\x00\x00\x02"
    return [*certificate_refused_12(), Step("error", "server", error)]


def unanswered() -> Conversation:
    talk = Conversation()
    talk.syn(answer=False)
    talk.offset["client"] = 0
    talk.syn(answer=False)
    return talk


def refused_port() -> Conversation:
    talk = unanswered()
    talk.rst("server")
    return talk


def connected_and_left() -> Conversation:
    talk = Conversation()
    talk.syn()
    talk.fin()
    return talk


def real_refusal(version: ssl.TLSVersion) -> Conversation:
    session = Session(version, verify=True)
    assert not session.handshake()
    return play(session.steps)


NO_SESSION = [
    Row("the client left after the greeting", lambda: play(opening()[:1]), "no-session"),
    Row("the greeting, and the capture ends", lambda: play(opening()[:1], close=False), "no-session"),
    Row(
        "an ERR instead of the greeting",
        lambda: play([Step("error", "server", mysql.err(1130, b"Host '10.0.0.5' is not allowed", seq=0, state=b""))]),
        "no-session",
    ),
    Row(
        "an ERR instead of the greeting on a port that nobody named",
        lambda: play(
            [Step("error", "server", mysql.err(1040, b"Too many connections", seq=0))],
            Conversation(server=ON_9999),
        ),
        ("no-session", "not-mysql"),
    ),
    Row("the client left after its SSLRequest", lambda: play(opening()), "no-session"),
    Row("a ClientHello that was not answered", lambda: play(until(tls13(), "client-hello")), "no-session"),
    Row(
        "a ServerHello, and the capture ends",
        lambda: play(until(tls13(), "server-hello"), close=False),
        "no-session",
    ),
    Row(
        "a TLS 1.3 handshake that the client did not finish",
        lambda: play(until(tls13(), "server-flight")),
        "no-session",
    ),
    Row(
        "a TLS 1.2 handshake that the client did not finish",
        lambda: play(until(tls12(), "server-hello")),
        "no-session",
    ),
    Row(
        "a TLS 1.2 handshake that was finished, and nothing behind it",
        lambda: play(until(tls12(), "server-finished")),
        "no-session",
    ),
    Row(
        "a TLS 1.3 handshake that was finished, and nothing behind it",
        lambda: play(until(tls13(), "client-finished")),
        "no-session",
    ),
    Row(
        "a TLS 1.3 handshake that was finished, tickets, and the client says goodbye",
        lambda: play([*until(tls13(), "tickets"), tls13()[-1]]),
        "no-session",
    ),
    Row(
        "the certificate refused with an alert in the clear, TLS 1.2",
        lambda: play(certificate_refused_12()),
        "no-session",
    ),
    Row(
        "the certificate refused with an alert in the clear, TLS 1.3",
        lambda: play(certificate_refused_13(ccs=False)),
        "no-session",
    ),
    Row(
        "the certificate refused with an encrypted alert, TLS 1.3",
        lambda: play(certificate_refused_13(ccs=True)),
        "no-session",
    ),
    Row(
        "the certificate refused, and ERR 1043 in the clear",
        lambda: play(refused_as_mariadb_does()),
        "no-session",
    ),
    Row(
        "the server refuses the ClientHello",
        lambda: play([*until(tls13(), "client-hello"), Step("alert", "server", tls.alert(2, 40))]),
        "no-session",
    ),
    Row("OpenSSL refuses the certificate, TLS 1.3", lambda: real_refusal(ssl.TLSVersion.TLSv1_3), "no-session"),
    Row("OpenSSL refuses the certificate, TLS 1.2", lambda: real_refusal(ssl.TLSVersion.TLSv1_2), "no-session"),
    Row("a SYN without answer, sent again", unanswered, "no-session"),
    Row("a SYN answered by RST", refused_port, "no-session"),
    Row("connected, and nothing said", connected_and_left, "no-session"),
]


# -- inconclusive


def noise_both_ways(server: tuple[str, int] = ("10.0.0.9", 3306)) -> Conversation:
    talk = Conversation(server=server)
    for number in range(8):
        talk.client(tls.noise(number, 300))
        talk.server(tls.noise((number, "answer"), 900))
    return talk


def headers_only() -> Conversation:
    talk = play(tls13())
    talk.snaplen(54)
    return talk


def x_protocol() -> list[Step]:
    """The hello notice, CapabilitiesGet and its answer, and a statement."""

    def frame(kind: int, body: bytes) -> bytes:
        return (len(body) + 1).to_bytes(4, "little") + bytes([kind]) + body

    return [
        Step("hello", "server", frame(11, bytes.fromhex("08051a00"))),
        Step("get", "client", frame(1, b"")),
        Step("capabilities", "server", frame(2, b"\x0a\x0f\x0a\x03tls\x12\x08\x08\x01\x12\x04\x08\x07\x40\x00")),
        Step("start", "client", frame(4, b"\x0a\x07MYSQL41")),
        Step("continue", "server", frame(3, b"\x0a\x14" + mysql.NONCE)),
        Step("statement", "client", frame(12, b"\x0a" + bytes([len(SELECT)]) + SELECT)),
    ]


INCONCLUSIVE = [
    Row(
        "bytes of no protocol on MySQL's port",
        noise_both_ways,
        "inconclusive",
        None,
        reasons=("unknown-bytes",),
    ),
    Row(
        "a greeting, and bytes of no protocol",
        lambda: play(
            [
                opening()[0],
                Step("junk", "client", tls.noise(1, 700)),
                Step("more", "server", tls.noise(2, 700)),
            ]
        ),
        "inconclusive",
        None,
        reasons=("unknown-bytes",),
    ),
    Row("headers alone: all payload cut off", headers_only, "inconclusive", None, reasons=("truncated",)),
    Row(
        "X Protocol, the login and a statement lost",
        lambda: play(x_protocol(), Conversation(server=("10.0.0.9", 33060)), lost=["start", "continue", "statement"]),
        ("inconclusive", "no-session"),
        (None, "proven"),
        protocol="X Protocol",
    ),
    Row(
        "a greeting, and all else lost",
        lambda: play(plaintext(), lost=[step.name for step in plaintext()[1:]]),
        ("inconclusive", "no-session"),
        (None, "proven"),
        reasons=("gap",),
    ),
    Row(
        "an anonymous suite is never encrypted",
        lambda: play(tls12(suite=tls.ECDH_ANON_AES_256)),
        "inconclusive",
        None,
        reasons=("suite-anonymous",),
        findings=("AW303",),
    ),
    Row(
        "an anonymous suite is never encrypted, OpenSSL's",
        lambda: play(Session(ssl.TLSVersion.TLSv1_2, ciphers="AECDH-AES256-SHA:@SECLEVEL=0").mysql().steps),
        "inconclusive",
        None,
        reasons=("suite-anonymous",),
        findings=("AW303",),
    ),
    Row(
        "a suite without encryption is never encrypted, OpenSSL's, with the statements to read",
        lambda: play(Session(ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0").mysql().steps),
        ("plaintext", "inconclusive", "mixed"),
        (*ANY, None),
        reasons=("suite-null",),
        findings=("AW303",),
    ),
    Row(
        "a suite without encryption is never encrypted, TLS 1.2",
        lambda: play(tls12(suite=tls.RSA_NULL_SHA256)),
        ("plaintext", "inconclusive", "mixed"),
        (*ANY, None),
        reasons=("suite-null",),
        findings=("AW303",),
    ),
    Row(
        "a suite without encryption is never encrypted, TLS 1.3",
        lambda: play(
            changed(
                tls13(suite=tls.SHA256_SHA256_1_3),
                client_hello=tls.client_hello(suites=(tls.SHA256_SHA256_1_3, tls.AES_256_GCM_1_3)),
            )
        ),
        ("plaintext", "inconclusive", "mixed"),
        (*ANY, None),
        reasons=("suite-null",),
        findings=("AW303",),
    ),
]


# -- not-mysql


def spoken(port: int, *said: tuple[str, bytes]) -> Conversation:
    steps = [Step(str(number), sender, payload) for number, (sender, payload) in enumerate(said)]  # type: ignore[arg-type]
    return play(steps, Conversation(server=("10.0.0.9", port)))


HTTP = (
    ("client", b"GET / HTTP/1.1\r\nHost: example\r\n\r\n"),
    ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
)
NOT_MYSQL = [
    Row("HTTP", lambda: spoken(8080, *HTTP), "not-mysql", protocol="HTTP"),
    Row("HTTP on MySQL's port", lambda: spoken(3306, *HTTP), "not-mysql", protocol="HTTP"),
    Row(
        "SSH",
        lambda: spoken(22, ("server", b"SSH-2.0-OpenSSH_9.2\r\n"), ("client", b"SSH-2.0-OpenSSH_9.7\r\n")),
        "not-mysql",
        protocol="SSH",
    ),
    Row(
        "Redis",
        lambda: spoken(6379, ("client", b"*1\r\n$4\r\nPING\r\n"), ("server", b"+PONG\r\n")),
        "not-mysql",
    ),
    Row(
        "SMTP, whose server speaks first",
        lambda: spoken(25, ("server", b"220 mx.example ESMTP ready\r\n"), ("client", b"EHLO there\r\n")),
        "not-mysql",
    ),
    Row(
        "PostgreSQL",
        lambda: spoken(
            5432,
            ("client", bytes.fromhex("0000000804d2162f")),
            ("server", b"N"),
            ("client", b"\0\0\0\x17\0\x03\0\0user\0app\0\0\0\0"),
        ),
        "not-mysql",
    ),
    Row(
        "TLS without a greeting on a port that nobody named",
        lambda: play(since(tls13(), "client-hello"), Conversation(server=("10.0.0.9", 443))),
        "not-mysql",
        protocol="TLS",
    ),
    Row("bytes of no protocol on a port that nobody named", lambda: noise_both_ways(ON_9999), "not-mysql"),
    Row(
        "TLS in mid-stream on a port that nobody named",
        lambda: play(since(tls13(), "client-data-2"), Conversation(server=("10.0.0.9", 443)), syn=False),
        "not-mysql",
    ),
]


@pytest.mark.parametrize("row", NO_SESSION, ids=lambda row: row.name)
def test_no_session(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)


@pytest.mark.parametrize("row", INCONCLUSIVE, ids=lambda row: row.name)
def test_inconclusive(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)


@pytest.mark.parametrize("row", NOT_MYSQL, ids=lambda row: row.name)
def test_not_mysql(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)
