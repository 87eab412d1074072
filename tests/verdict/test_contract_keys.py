"""Condition 2 of `proven`: each sentence of it, by a conversation that breaks it and nothing else."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conversations import play, tls
from tests.conversations.judge import Row, check, explain, scan_of
from tests.conversations.sessions import SECRET, Step, after, changed, index, inserted, tls12, tls13

NOT_PROVEN = ("encrypted", "inconclusive", "mixed", "no-session")
LIKELY = {"verdict": "encrypted", "confidence": "likely"}


def before(steps: Sequence[Step], name: str, payload: bytes) -> list[Step]:
    """One more step of the same sender in front of the named one, in a segment of its own."""
    at = index(steps, name)
    return [*steps[:at], Step("odd", steps[at].sender, payload), *steps[at:]]


def handshake(kind: int, body: bytes, version: int = tls.TLS12) -> bytes:
    return tls.record(tls.HANDSHAKE, tls.message(kind, body), version)


def flight_1_2(*parts: bytes) -> bytes:
    """A server's flight of these messages, one a record."""
    return b"".join(tls.record(tls.HANDSHAKE, part) for part in parts)


SUITE = tls.ECDHE_RSA_AES_256_GCM
HELLO = tls.server_hello_message(version=tls.TLS12, suite=SUITE, session_id=b"")
DONE = tls.message(14, b"")
CERTIFICATE, EXCHANGE = tls.certificate_message(), tls.server_key_exchange_message()
FINISHED = tls.finished("client")
SPEC = tls.change_cipher_spec()
KEYS = tls.client_key_exchange()
PLAIN_FINISHED = handshake(20, tls.noise("plain", 12))


def client_ends(*parts: bytes) -> list[Step]:
    """TLS 1.2 with this in place of the client's ClientKeyExchange, ChangeCipherSpec, Finished."""
    return changed(tls12(), client_finished=b"".join(parts))


def server_ends(*parts: bytes) -> list[Step]:
    return changed(tls12(), server_finished=b"".join(parts))


def server_says(*messages: bytes) -> list[Step]:
    return changed(tls12(), server_hello=flight_1_2(*messages))


def hello_without_offer(version: int, versions: Sequence[int], **how: object) -> list[Step]:
    suite = how.get("suite", SUITE)
    assert isinstance(suite, int)
    return changed(
        tls12(version=version, suite=suite),
        client_hello=tls.client_hello(versions=versions, suites=(suite, 0x1301), session_id=b"", **how_of(how)),
    )


def how_of(how: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in how.items() if key != "suite"}


def empty_records(version: int) -> list[Step]:
    """Every application data record is empty: length 0, or what protects nothing."""
    body = b"" if version == 0 else tls.noise("tag", 24)
    return [
        step._replace(payload=tls.record(tls.DATA, body)) if "-data-" in step.name else step for step in tls12()
    ]


ODD = {
    "ChangeCipherSpec of the client before its ClientKeyExchange": client_ends(SPEC, KEYS, FINISHED),
    "no ClientKeyExchange, and no session resumed": client_ends(SPEC, FINISHED),
    "no Finished of the client": client_ends(KEYS, SPEC),
    "two handshake records where Finished has to be": client_ends(KEYS, SPEC, FINISHED, tls.finished("again")),
    "a Finished of the client in the clear": client_ends(KEYS, SPEC, PLAIN_FINISHED),
    "ClientKeyExchange in the place of Finished": client_ends(SPEC, KEYS),
    "both early ChangeCipherSpec, one record after it": changed(
        tls12(), client_finished=SPEC + KEYS, server_finished=SPEC + handshake(4, b"\0\0\1\0\0\x20" + b"t" * 32)
    ),
    "ChangeCipherSpec of the server before its ServerHello": changed(
        tls12(), server_hello=SPEC + flight_1_2(HELLO, CERTIFICATE, EXCHANGE, DONE), server_finished=tls.finished("s")
    ),
    "no ChangeCipherSpec of the server": server_ends(tls.finished("server")),
    "no Finished of the server": server_ends(SPEC),
    "a Finished of the server in the clear": server_ends(SPEC, handshake(20, tls.noise("p", 12))),
    "application data of the client before its ChangeCipherSpec": before(tls12(), "client-finished", tls.data(1, 90)),
    "application data of the server before its ServerHello": before(tls12(), "server-hello", tls.data(1, 90)),
    "application data of the client before its ClientHello": before(tls12(), "client-hello", tls.data(1, 90)),
    "application data of the server before its ServerHello, 1.3": before(tls13(), "server-hello", tls.data(1, 90)),
    "application data of the client before the ServerHello, 1.3": after(tls13(), "client-hello", tls.data(1, 90)),
    "a message of a type that the client does not send": after(tls12(), "client-hello", handshake(99, SECRET)),
    "a message of a type that the server does not send": server_says(HELLO, tls.message(1, SECRET), CERTIFICATE, DONE),
    "statement in a message before the ServerHello, 1.3": after(tls13(), "client-hello", handshake(24, SECRET)),
    "a key exchange that reads": client_ends(handshake(16, SECRET), SPEC, FINISHED),
    "a signature that reads": server_says(HELLO, CERTIFICATE, tls.message(12, SECRET), DONE),
    "a ticket that reads": changed(
        tls12(), server_finished=handshake(4, b"\0\0\1\0" + struct.pack("!H", len(SECRET)) + SECRET) + SPEC + FINISHED
    ),
    "a ServerHelloDone with something inside": server_says(HELLO, CERTIFICATE, EXCHANGE, tls.message(14, SECRET)),
    "a Certificate that is none": server_says(HELLO, tls.message(11, SECRET), EXCHANGE, DONE),
    "a message whose rest never comes": after(
        tls12(), "client-hello", tls.record(tls.HANDSHAKE, b"\x10\x00\x90\x00" + SECRET)
    ),
    "EncryptedExtensions in the clear, 1.3": changed(
        tls13(), server_hello=tls.server_hello() + handshake(8, b"\0\0")
    ),
    "a Certificate in the clear, 1.3": changed(
        tls13(), server_hello=tls.record(tls.HANDSHAKE, tls.server_hello_message() + CERTIFICATE)
    ),
    "two ClientHellos": after(tls13(), "client-hello", tls.client_hello(seed="again")),
    "two ClientHellos, 1.2": after(
        tls12(), "client-hello", tls.client_hello(versions=(), session_id=b"", suites=(SUITE, 0x2F))
    ),
    "two ServerHellos in two records": changed(tls13(), server_hello=tls.server_hello() * 2),
    "two ServerHellos in one record": changed(
        tls13(), server_hello=tls.record(tls.HANDSHAKE, tls.server_hello_message() * 2)
    ),
    "two ServerHellos, 1.2": server_says(HELLO, HELLO, CERTIFICATE, EXCHANGE, DONE),
    "a ServerHello that does not parse, and one that does": server_says(
        tls.message(2, b"\x03\x03"), HELLO, CERTIFICATE, EXCHANGE, DONE
    ),
    "three ClientHellos around a HelloRetryRequest": after(tls13(retry=True), "client-hello", tls.client_hello()),
    "two HelloRetryRequests": after(tls13(retry=True), "retry", tls.hello_retry_request()),
    "TLS 1.3 that was not offered": changed(
        tls13(), client_hello=tls.client_hello(versions=(tls.TLS12,), suites=(0x1302, SUITE))
    ),
    "TLS 1.3 to a client without supported_versions": changed(
        tls13(), client_hello=tls.client_hello(versions=(), suites=(0x1302, SUITE))
    ),
    "TLS 1.2 to a client that only knows 1.3": hello_without_offer(tls.TLS12, (tls.TLS13,)),
    "TLS 1.2 to a client that only knows 1.0": hello_without_offer(tls.TLS12, (), legacy_version=tls.TLS10),
    "a suite of TLS 1.3 in TLS 1.2": tls12(suite=0x1302),
    "a suite of TLS 1.2 in TLS 1.3": changed(
        tls13(suite=SUITE), client_hello=tls.client_hello(suites=(SUITE, 0x1302))
    ),
    "authenticated encryption in TLS 1.0": tls12(version=tls.TLS10, suite=SUITE),
    "a suite that was not offered": tls12(offered=(0x009C, 0x002F)),
    "another session id than the client's, 1.3": changed(
        tls13(), server_hello=tls.server_hello(session_id=tls.noise("other", 32))
    ),
    "a session resumed that the client did not show": changed(
        tls12(resumed=True), client_hello=tls.client_hello(versions=(), session_id=b"", suites=(SUITE, 0x2F))
    ),
    "a heartbeat that was not negotiated": after(tls12(), "server-data-2", tls.record(24, tls.noise("beat", 61))),
    "a heartbeat, 1.3": after(tls13(), "server-data-2", tls.record(24, tls.noise("beat", 61))),
    "an alert of more than two bytes before the keys": after(
        tls12(), "client-hello", tls.record(tls.ALERT, b"\1\0" + SECRET[:20])
    ),
    "an alert of a level that there is not": after(tls12(), "client-hello", tls.record(tls.ALERT, b"S\0")),
    "a protected alert that is too long": after(tls12(), "client-data-2", tls.record(tls.ALERT, tls.noise("l", 60))),
    "a long alert, 1.3": after(tls13(), "client-data-2", tls.record(tls.ALERT, tls.noise("l", 19))),
    "nothing but empty records": empty_records(0),
    "nothing but records without a byte inside": empty_records(tls.TLS12),
}


@pytest.mark.parametrize("name", ODD)
def test_what_no_peer_accepts_is_never_proven(name: str, tmp_path: Path) -> None:
    result = scan_of(tmp_path, play(ODD[name]))
    (connection,) = result.connections
    said = explain(result)
    assert connection.verdict in NOT_PROVEN, said
    assert (connection.verdict, connection.confidence) != ("encrypted", "proven"), said
    assert connection.reasons or connection.verdict == "no-session", said
    assert all(reason.frame is None or reason.frame > 0 for reason in connection.reasons), said


def early_data() -> list[Step]:
    """TLS 1.3 resumed, with early data behind the ClientHello that offered it."""
    hello = tls.client_hello(resume_13=True)
    at = hello.index(tls.extension(41, b"")[:2], 80)
    body = hello[9:at] + tls.extension(42, b"") + hello[at:]
    extensions = body.index(tls.extension(0, b"")[:2], 80)
    body = body[: extensions - 2] + struct.pack("!H", len(body) - extensions) + body[extensions:]
    steps = changed(tls13(resumed=True), client_hello=tls.record(tls.HANDSHAKE, tls.message(1, body), tls.TLS10))
    return inserted(steps, "client-hello", Step("early", "client", tls.data("early", 300)))


FINE = {
    "early data that was offered": early_data(),
    "each of the client's last three records in a segment of its own": inserted(
        client_ends(KEYS), "client-finished", Step("spec", "client", SPEC), Step("finished", "client", FINISHED)
    ),
    "the flight of the server in one record": changed(
        tls12(), server_hello=tls.record(tls.HANDSHAKE, HELLO + CERTIFICATE + EXCHANGE + DONE)
    ),
    "a message over two records": changed(
        tls12(), server_hello=tls.records(tls.HANDSHAKE, HELLO + CERTIFICATE + EXCHANGE + DONE, size=300)
    ),
    "a ticket before ChangeCipherSpec": changed(
        tls12(),
        server_finished=handshake(4, b"\0\0\1\0\0\xc0" + tls.noise("ticket", 192)) + SPEC + tls.finished("server"),
    ),
    "a client certificate": client_ends(
        flight_1_2(CERTIFICATE), KEYS, handshake(15, b"\x04\x01" + tls.vector(tls.noise("sig", 256), 2)), SPEC, FINISHED
    ),
    "empty records among others": after(tls12(), "client-data-2", tls.record(tls.DATA, tls.noise("empty", 24))),
}


@pytest.mark.parametrize("name", FINE)
def test_what_peers_accept_is_proven(name: str, tmp_path: Path) -> None:
    check(Row(name, lambda: play(FINE[name]), "encrypted"), tmp_path)


def test_hellos_that_a_tap_shows_late_are_no_doubt(tmp_path: Path) -> None:
    """The client's Finished and first data come before the ServerHello that they acknowledge: two taps."""
    packets = play(tls13(), acks=False).packets
    hello = next(at for at, packet in enumerate(packets) if packet.sender == "server" and packet.offset > 0)
    flight = [packet for packet in packets[hello:] if packet.sender == "server"][:2]
    others = [packet for packet in packets if packet not in flight]
    where = others.index(next(p for p in others[hello:] if p.sender == "client")) + 2
    result = scan_of(tmp_path, [*others[:where], *flight, *others[where:]])
    assert (result.verdict, result.confidence) == ("encrypted", "proven"), explain(result)
