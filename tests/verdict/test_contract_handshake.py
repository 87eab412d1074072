"""Handshakes that are odd, old or out of order: what each is worth as evidence."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.conversations import mysql, play, tls
from tests.conversations.judge import Row, check
from tests.conversations.sessions import (
    SECRET,
    Step,
    after,
    changed,
    index,
    inserted,
    opening,
    plaintext,
    since,
    tls12,
    tls13,
    until,
    without,
)

ANY = ("proven", "likely")
TLS10 = {"version": tls.TLS10, "suite": tls.ECDHE_RSA_AES_256_CBC}


def before(steps: list[Step], name: str, new: Step) -> list[Step]:
    at = index(steps, name)
    return [*steps[:at], new, *steps[at:]]


def odd(sender: str, payload: bytes) -> Step:
    return Step("odd", sender, payload)  # type: ignore[arg-type]


def roles_reversed() -> list[Step]:
    """The server sends the ClientHello, the client the ServerHello."""
    return [
        *opening(),
        odd("server", tls.client_hello()),
        odd("client", tls.server_hello()),
        *since(tls13(), "server-flight"),
    ]


def old_ssl_request() -> list[Step]:
    """Before 4.1: two bytes of capabilities, three of the maximal packet."""
    request = mysql.packet(1, struct.pack("<H", mysql.SSL | mysql.LONG_PASSWORD) + b"\0\0\x10")
    return changed(tls12(**TLS10), ssl_request=request)  # type: ignore[arg-type]


def ssl2_hello() -> list[Step]:
    """OpenSSL 0.9.8 opened with a ClientHello in SSLv2's framing: length with the top bit set, 01, the version."""
    body = b"\x01\x03\x01" + struct.pack("!HHH", 6, 0, 16) + b"\0\xc0\x14\0\0\x2f" + tls.noise("challenge", 16)
    hello = struct.pack("!H", 0x8000 | len(body)) + body
    return changed(tls12(**TLS10), client_hello=hello)  # type: ignore[arg-type]


def tiny_records(steps: list[Step]) -> list[Step]:
    """A statement in the clear, cut into records shorter than any cipher's: too short to be seen to read."""
    pieces = [SECRET[at : at + 10] for at in range(0, len(SECRET), 10)]
    return after(steps, "client-data-2", b"".join(tls.record(tls.DATA, piece) for piece in pieces))


def deaf_server() -> list[Step]:
    """The client speaks TLS, the server answers each step in the clear."""
    return [
        *opening(),
        *(
            step if step.sender == "client" else step._replace(payload=mysql.ok(1))
            for step in since(tls13(), "client-hello")
        ),
    ]


def inside_records(kind: int, steps: list[Step]) -> list[Step]:
    """A handshake, and then commands and rows in the clear, each with a record's header of `kind`."""
    session = without(until(steps, "client-data-1"), "client-data-1")
    for step in since(plaintext(), "query"):
        session.append(step._replace(payload=tls.record(kind, step.payload)))
    return session


def saying(kind: int) -> list[Step]:
    """A ClientHello with an extension of text."""
    sni = tls.extension(0, tls.vector(b"\0" + tls.vector(b"db.example", 2), 2))
    hello = tls.client_hello(sni=None)
    added = sni + tls.extension(kind, SECRET)
    at = 5 + 4 + 2 + 32 + 33 + 2 + 8 + 2  # where the length of the extensions is
    size = len(hello) - at - 2 + len(added)
    body = hello[9:at] + struct.pack("!H", size) + hello[at + 2 :] + added
    return changed(tls13(), client_hello=tls.record(tls.HANDSHAKE, tls.message(1, body), tls.TLS10))


ROWS = [
    *(
        Row(f"commands in records of type {kind}", lambda kind=kind, steps=steps: play(inside_records(kind, steps)),
            "inconclusive", None, any_of=("bad-record", "readable-record"))  # type: ignore[misc]
        for kind, steps in ((tls.CCS, tls13()), (tls.ALERT, tls13()), (tls.HANDSHAKE, tls13()),
                            (tls.HEARTBEAT, tls13()), (tls.HANDSHAKE, tls12()), (tls.ALERT, tls12()))
    ),
    Row("a hello of padding that reads", lambda: play(saying(21)), "encrypted", "likely", reasons=("bad-handshake",)),
    Row("a hello with text nobody knows", lambda: play(saying(0x4A4B)), "encrypted", "likely",
        reasons=("bad-handshake",)),
    Row("a hello with a cookie that reads", lambda: play(saying(44)), "encrypted"),
    Row("the SSLRequest of before 4.1", lambda: play(old_ssl_request()), "encrypted", findings=("AW301",)),
    Row("a ClientHello in SSLv2's framing", lambda: play(ssl2_hello()), "encrypted", ANY),
    Row(
        "ChangeCipherSpec more than once, TLS 1.3",
        lambda: play(changed(tls13(), client_finished=tls.change_cipher_spec() * 2 + tls.data("finished", 69))),
        "encrypted",
    ),
    Row("the hellos from the wrong sides", lambda: play(roles_reversed()), "encrypted", "likely"),
    Row(
        "a second ServerHello without HelloRetryRequest",
        lambda: play(inserted(tls13(), "server-hello", odd("server", tls.server_hello()))),
        "encrypted",
        "likely",
    ),
    *(
        Row(
            f"application data of the {sender} before its ChangeCipherSpec",
            lambda sender=sender: play(  # type: ignore[misc]
                before(tls12(), f"{sender}-finished", odd(sender, tls.data("early", 80)))
            ),
            "encrypted",
            "likely",
            any_of=("bad-record", "handshake-incomplete"),
        )
        for sender in ("client", "server")
    ),
    *(
        Row(
            f"records shorter than any ciphertext, {name}",
            lambda steps=steps: play(tiny_records(steps)),  # type: ignore[misc]
            ("encrypted", "mixed", "inconclusive"),
            ("likely", None),
        )
        for name, steps in (("TLS 1.3", tls13()), ("TLS 1.2", tls12()))
    ),
    Row(
        "no ClientHello was sent",
        lambda: play(without(tls13(), "client-hello")),
        "encrypted",
        "likely",
        reasons=("handshake-incomplete",),
    ),
    Row("no ServerHello was sent", lambda: play(without(tls13(), "server-hello")), ("encrypted", "mixed"), "likely"),
    Row(
        "a suite that nobody here knows",
        lambda: play(tls12(suite=0xEAFE)),
        "encrypted",
        "likely",
        reasons=("suite-unknown",),
    ),
    Row(
        "bytes before the greeting",
        lambda: play([odd("server", b"\1\2\3\4\5"), *tls13()]),
        ("encrypted", "mixed", "inconclusive"),
        ("likely", None),
    ),
    Row(
        "bytes before the SSLRequest",
        lambda: play(inserted(tls13(), "greeting", odd("client", b"\1\2\3\4\5"))),
        ("encrypted", "mixed", "inconclusive"),
        ("likely", None),
    ),
    Row(
        "application data of the server before its ServerHello",
        lambda: play(before(tls13(), "server-hello", odd("server", tls.data("early", 80)))),
        ("encrypted", "mixed"),
        "likely",
    ),
    Row(
        "a login in the clear that sets the flag for TLS",
        lambda: play(changed(plaintext(), login=mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | mysql.SSL))),
        "plaintext",
        findings=("AW102",),
    ),
    Row("a server that answers TLS in the clear", lambda: play(deaf_server()), ("mixed", "plaintext"), ANY),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_odd_handshakes(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)
