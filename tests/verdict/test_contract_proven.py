"""What is `encrypted` and `proven`: clean and whole TLS sessions, and those with only findings."""

from __future__ import annotations

import random
import ssl
import struct
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from tests.conversations import Conversation, Packet, in_turn, mysql, play, tls
from tests.conversations.judge import Row, check, explain, scan_of
from tests.conversations.real_tls import Session
from tests.conversations.sessions import (
    Step,
    changed,
    inserted,
    joined,
    payload_of,
    since,
    tls12,
    tls13,
    until,
)
from tests.conversations.tcp import other


def duplicated() -> list[Packet]:
    """Each packet twice, as the interface `any` or two taps show it."""
    return [packet for packet in play(tls13()).packets for _ in range(2)]


def shuffled(*, across: bool) -> Conversation:
    """Segments of 300 bytes, by up to three places from where they were.

    across: also before what they answer, as a tap shows that merges two wires.
    """
    talk = play(tls13(), sizes=300, acks=False)
    order = random.Random(7)
    at = 3
    while at < len(talk.packets) - 3:
        end = at + 1
        while end < min(at + 4, len(talk.packets) - 3) and (
            across or talk.packets[end].sender == talk.packets[at].sender
        ):
            end += 1
        group = talk.packets[at:end]
        order.shuffle(group)
        talk.packets[at:end] = group
        at = end
    return talk


def without_syn() -> Conversation:
    """Opened after the three-way handshake: the numbers show that nothing came before."""
    talk = play(tls13())
    talk.drop(0, 1)
    return talk


def greeting_in_syn() -> Conversation:
    talk = Conversation()
    talk.syn(server_data=mysql.greeting())
    return play(since(tls13(), "ssl-request"), talk, syn=False)


def cut_by_the_end() -> Conversation:
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False)
    talk.server(payload_of(steps, "server-data-3")[:2000])
    return talk


def closed_by_rst() -> Conversation:
    talk = play(tls13(), close=False)
    talk.rst()
    return talk


def ended(finding: str) -> Conversation:
    """A whole session in the middle of which something odd, and harmless, happens."""
    steps = tls13()
    talk = play(until(steps, "server-data-2"), close=False)
    if finding == "keep-alive":
        talk.keep_alive("client")
        talk.keep_alive("server", b"\xaa")
        talk.keep_alive("client", b"")
    elif finding == "window probe":
        first = payload_of(steps, "client-data-3")[:1]
        talk.segment("server", window=0)
        talk.segment("client", first)
        talk.segment("server", window=0)
        talk.segment("client", b"", offset=talk.offset["client"] - 1)
        talk.ack("server")
    elif finding == "other bytes after the ACK":
        at = talk.offset["server"]
        talk.again("server", at - 30, bytes(30))
    elif finding == "same bytes again":
        at = talk.offset["server"]
        talk.again("server", at - len(payload_of(steps, "server-data-2")), payload_of(steps, "server-data-2"))
    return play(since(steps, "client-data-3"), talk, syn=False)


def keep_alive_twice() -> Conversation:
    """Two taps: the second copy of a keep-alive comes behind what was sent next. Its answers were not captured."""
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False, acks=False)
    rows = payload_of(steps, "server-data-3")
    talk.server(rows[:1460])
    talk.keep_alive("server", b"\xaa")
    talk.drop(-1)
    probe = talk.packets[-1]
    talk.server(rows[1460:])
    talk.packets.insert(-1, probe)
    talk.packets.append(probe)
    return play(since(steps, "client-data-4"), talk, syn=False)


def offloaded_with_a_likely_one() -> Conversation:
    """No checksum of the server is right; one happens to be the sum that a network card would complete."""
    talk = Conversation(all_bad_checksums=("server",))
    steps = tls13()
    talk = play(until(steps, "server-hello"), talk, close=False, acks=False)
    frame = talk.packets[-1].data
    total = 6 + len(frame) - 34 + sum(struct.unpack("!4H", frame[26:34]))
    field = struct.pack("!H", (total & 0xFFFF) + (total >> 16))
    talk.packets[-1] = replace(talk.packets[-1], data=frame[:50] + field + frame[52:])
    return play(since(steps, "server-flight"), talk, syn=False)


def ack_before_data() -> Conversation:
    """The tap shows the ACK before what it acknowledges."""
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False)
    talk.server(payload_of(steps, "server-data-3"))
    talk.ack("client")
    talk.swap(-1, -2)
    talk.swap(-2, -3)
    return play(since(steps, "client-data-4"), talk, syn=False)


def lost_and_sent_again() -> Conversation:
    """A segment that the network lost is captured when it is sent again."""
    steps = tls13()
    talk = play(until(steps, "client-data-3"), close=False)
    at, payload = talk.offset["server"], payload_of(steps, "server-data-3")
    talk.server(payload, lost=(0,))
    talk.ack("client", at)
    talk.again("server", at, payload[:1460])
    talk.ack("client")
    return play(since(steps, "client-data-4"), talk, syn=False)


def reused_port() -> list[Packet]:
    first = play(tls13())
    second = play(tls12(), Conversation(client_isn=70_000_000, server_isn=80_000_000))
    return in_turn(first, second)


def split_records(first: int) -> list[Step]:
    """TLS 1.0 with CBC: each write is a record of 0 bytes (0/n) or 1 byte (1/n-1), and one of the rest."""
    steps = tls12(version=tls.TLS10, suite=tls.ECDHE_RSA_AES_256_CBC)
    small = tls.record(tls.DATA, tls.noise(first, 32), tls.TLS10)
    return [step._replace(payload=small + step.payload) if "-data-" in step.name else step for step in steps]


def records_of_no_bytes() -> list[Step]:
    """Application data records of length 0 are allowed before TLS 1.3."""
    steps = tls12()
    return changed(steps, client_data_2=tls.record(tls.DATA, b"") + payload_of(steps, "client-data-2"))


def renegotiated() -> list[Step]:
    return inserted(
        tls12(),
        "server-data-2",
        Step("hello-request", "server", tls.record(tls.HANDSHAKE, tls.noise("hello request", 28))),
        Step("client-hello-2", "client", tls.record(tls.HANDSHAKE, tls.noise("hello", 230))),
    )


def real(version: ssl.TLSVersion, **how: object) -> Conversation:
    return play(Session(version, **how).mysql().steps)  # type: ignore[arg-type]


def real_resumed(version: ssl.TLSVersion) -> Conversation:
    return play(Session(contexts_of=Session(version).mysql()).mysql().steps)


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ROWS = [
    Row("TLS 1.3", lambda: play(tls13()), "encrypted"),
    Row("TLS 1.3 after HelloRetryRequest", lambda: play(tls13(retry=True)), "encrypted"),
    Row("TLS 1.3 resumed", lambda: play(tls13(resumed=True)), "encrypted"),
    Row("TLS 1.2", lambda: play(tls12()), "encrypted"),
    Row("TLS 1.2 resumed: no certificate to see", lambda: play(tls12(resumed=True)), "encrypted"),
    Row("TLS 1.2 renegotiated inside", lambda: play(renegotiated()), "encrypted"),
    Row("TLS 1.1 CBC", lambda: play(tls12(version=tls.TLS11, suite=tls.ECDHE_RSA_AES_256_CBC)), "encrypted"),
    Row(
        "TLS 1.0 with an empty record before each (0/n)",
        lambda: play(split_records(0)),
        "encrypted",
        findings=("AW301",),
    ),
    Row("TLS 1.0 with a record of one byte before each (1/n-1)", lambda: play(split_records(1)), "encrypted"),
    Row("TLS 1.2 with records of length 0", lambda: play(records_of_no_bytes()), "encrypted"),
    Row(
        "RC4 is encrypted, with a finding",
        lambda: play(tls12(suite=tls.RSA_RC4_SHA)),
        "encrypted",
        findings=("AW302",),
    ),
    Row("OpenSSL's TLS 1.3", lambda: real(V13), "encrypted"),
    Row("OpenSSL's TLS 1.2", lambda: real(V12), "encrypted"),
    Row("OpenSSL's TLS 1.2 CBC", lambda: real(V12, ciphers="ECDHE-ECDSA-AES256-SHA"), "encrypted"),
    Row("OpenSSL's TLS 1.0", lambda: real(ssl.TLSVersion.TLSv1, ciphers="ALL:@SECLEVEL=0"), "encrypted"),
    Row("OpenSSL's TLS 1.3 resumed", lambda: real_resumed(V13), "encrypted"),
    Row("OpenSSL's TLS 1.2 resumed", lambda: real_resumed(V12), "encrypted"),
    Row(
        "SSLRequest and ClientHello in one segment",
        lambda: play(joined(tls13(), "ssl-request", "client-hello")),
        "encrypted",
    ),
    Row(
        "ServerHello and its flight in one segment",
        lambda: play(joined(tls13(), "server-hello", "server-flight")),
        "encrypted",
    ),
    Row("segments of one byte", lambda: play(tls12(), sizes=1, acks=False), "encrypted"),
    Row("segments of seven bytes", lambda: play(tls13(), sizes=7, acks=False), "encrypted"),
    Row("no packet that only acknowledges", lambda: play(tls13(), acks=False), "encrypted"),
    Row(
        "IPv6",
        lambda: play(tls13(), Conversation(("2001:db8::5", 50152), ("2001:db8::9", 3306))),
        "encrypted",
    ),
    Row(
        "a server on another port",
        lambda: play(tls13(), Conversation(server=("10.0.0.9", 13306))),
        "encrypted",
    ),
    Row(
        "sequence numbers that wrap",
        lambda: play(tls13(), Conversation(client_isn=2**32 - 300, server_isn=2**32 - 700)),
        "encrypted",
    ),
    Row(
        "sequence numbers that wrap inside a segment",
        lambda: play(tls13(), Conversation(client_isn=2**32 - 20, server_isn=2**32 - 40)),
        "encrypted",
    ),
    Row(
        "sequence numbers that wrap at the first byte",
        lambda: play(tls13(), Conversation(client_isn=2**32 - 1, server_isn=2**32 - 1)),
        "encrypted",
    ),
    Row("all of it captured twice", duplicated, "encrypted"),
    Row("segments out of order by up to three places", lambda: shuffled(across=False), "encrypted"),
    Row("answers captured before what they answer", lambda: shuffled(across=True), "encrypted"),
    Row("an ACK captured before its data", ack_before_data, "encrypted"),
    Row("lost on the way, captured when sent again", lost_and_sent_again, "encrypted"),
    Row("no SYN, but the numbers show that nothing came before", without_syn, "encrypted"),
    Row("captured from the greeting on", lambda: play(tls13(), syn=False), "encrypted"),
    Row("the greeting in the SYN ACK", greeting_in_syn, "encrypted"),
    Row("closed by RST", closed_by_rst, "encrypted"),
    Row("still open when the capture ends", lambda: play(tls13(), close=False), "encrypted"),
    Row("a last record that the end of the capture cuts", cut_by_the_end, "encrypted"),
    Row("keep-alive probes", lambda: ended("keep-alive"), "encrypted", findings=("AW406",)),
    Row(
        "a keep-alive captured twice, in a burst too", keep_alive_twice, "encrypted", findings=("AW406",)
    ),
    Row("no checksum is right, one is by chance that of a card", offloaded_with_a_likely_one, "encrypted"),
    Row("window probes", lambda: ended("window probe"), "encrypted"),
    Row("retransmission", lambda: ended("same bytes again"), "encrypted"),
    Row(
        "checksums of the capturing host's own packets, not filled in yet",
        lambda: play(tls13(), Conversation(all_bad_checksums=("server",))),
        "encrypted",
    ),
    Row(
        "both ends on the capturing host: no checksum is right",
        lambda: play(tls13(), Conversation(all_bad_checksums=("client", "server"))),
        "encrypted",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_encrypted_is_proven(row: Row, tmp_path: Path) -> None:
    check(row, tmp_path)


def test_two_sessions_on_one_port_are_two_connections_each_proven(tmp_path: Path) -> None:
    result = scan_of(tmp_path, reused_port())
    said = explain(result)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "proven")] * 2, said
    assert [one.tls.version for one in result.connections if one.tls] == ["TLSv1.3", "TLSv1.2"], said


@pytest.mark.parametrize("steps", [tls13(), tls12()], ids=["TLS 1.3", "TLS 1.2"])
@pytest.mark.parametrize("name", ["server-data-1", "server-data-3", "client-data-4"])
def test_a_session_still_open_is_proven_wherever_the_capture_ends(steps: list[Step], name: str, tmp_path: Path) -> None:
    check(Row(name, lambda: play(until(steps, name), close=False), "encrypted"), tmp_path)


@pytest.mark.parametrize("sender", ["client", "server"])
def test_segments_sent_again_in_one_are_the_same_though_the_first_is_acknowledged(
    sender: Literal["client", "server"], tmp_path: Path
) -> None:
    """Of acknowledged bytes none are kept. What is not acknowledged yet is, and has to be compared only."""
    talk = play(tls13(), close=False)
    first, second = tls.data(1, 700, tls.TLS12), tls.data(2, 300, tls.TLS12)
    begin = talk.offset[sender]
    talk.say(sender, first)
    talk.ack(other(sender))
    talk.say(sender, second)
    talk.again(sender, begin, first + second)
    talk.ack(other(sender))
    talk.fin()
    check(Row("again", lambda: talk, "encrypted", "proven"), tmp_path)
    talk = play(tls13(), close=False)
    talk.say(sender, first)
    talk.ack(other(sender))
    talk.say(sender, second)
    talk.again(sender, begin, first + second[:-1] + bytes([second[-1] ^ 1]))
    talk.ack(other(sender))
    talk.fin()
    check(Row("other bytes", lambda: talk, "encrypted", "likely"), tmp_path)
