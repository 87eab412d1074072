"""Behind a gap nothing is invented: TLS of which something was lost is `likely`, never `mixed` or `plaintext`."""

from __future__ import annotations

import itertools
import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conversations import Conversation, Packet, mysql, play, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import (
    SECRET,
    Step,
    after,
    changed,
    conversation_inside,
    inserted,
    opening,
    plaintext,
    since,
    tls12,
    tls13,
)

# What certificates hold: names and sentences, longer than any readable run of random bytes.
NAMES = (
    b"MySQL_Server_8.0.36_Auto_Generated_CA_Certificate",
    b"(c) 2006 Example Trust Network, Inc. - For authorized use only; select your certificate update set at",
    b"http://crl.example.com/some/long/path/to/a/list/of/revoked/certificates/2026.crl",
)


def post_quantum(seed: object = "pq") -> list[Step]:
    """TLS 1.3 whose hellos carry key shares of 1,216 and 1,120 bytes: a ClientHello of two segments."""
    share = struct.pack("!H", 0x11EC) + tls.vector(tls.noise((seed, "share"), 1216), 2)
    out = tls.extension(0, tls.vector(b"\0" + tls.vector(b"db-primary.internal.example.com", 2), 2))
    out += tls.extension(10, tls.vector(struct.pack("!HH", 0x11EC, 0x001D), 2))
    out += tls.extension(51, tls.vector(share, 2)) + tls.extension(43, tls.vector(struct.pack("!HH", 0x304, 0x303), 1))
    out += tls.extension(21, b"\0" * 260)
    body = b"\x03\x03" + tls.noise((seed, "random"), 32) + tls.vector(tls.noise("sid", 32), 1)
    body += tls.vector(struct.pack("!HHH", 0x1302, 0x1301, 0x1303), 2) + tls.vector(b"\0", 1) + tls.vector(out, 2)
    return changed(tls13(), client_hello=tls.record(tls.HANDSHAKE, tls.message(1, body), tls.TLS10))


def with_names() -> list[Step]:
    """TLS 1.2 whose certificates are readable, and of three segments."""
    der = b"".join(tls.noise(("der", name), 400) + name + tls.noise(("more", name), 800) for name in NAMES)
    chain = tls.message(11, tls.vector(tls.vector(b"\x30\x82" + struct.pack("!H", len(der)) + der, 3), 3))
    parts = [tls.server_hello_message(version=tls.TLS12, suite=tls.ECDHE_RSA_AES_256_GCM, session_id=b""), chain]
    parts += [tls.server_key_exchange_message(), tls.message(14, b"")]
    flight = b"".join(tls.record(tls.HANDSHAKE, part) for part in parts)
    return changed(tls12(), server_hello=flight)


SESSIONS = {
    "TLS 1.3": tls13(),
    "TLS 1.3 after a retry": tls13(retry=True),
    "TLS 1.3 resumed": tls13(resumed=True),
    "post-quantum": post_quantum(),
    "TLS 1.2": tls12(),
    "TLS 1.2 resumed": tls12(resumed=True),
    "readable certificates": with_names(),
    "TLS 1.0": tls12(version=tls.TLS10, suite=tls.ECDHE_RSA_AES_256_CBC),
}
INNOCENT = {"encrypted", "inconclusive", "no-session"}
each_session = pytest.mark.parametrize("name", SESSIONS)


def judged(folder: Path, packets: Sequence[Packet], what: object) -> None:
    result = scan_of(folder, packets)
    said = f"{what}\n{explain(result)}"
    assert {connection.verdict for connection in result.connections} <= INNOCENT, said
    assert all(reason.frame != -1 for connection in result.connections for reason in connection.reasons), said


def frames_of(name: str) -> list[Packet]:
    return play(SESSIONS[name], acks=False).packets


@each_session
def test_whole_it_is_proven(name: str, tmp_path: Path) -> None:
    result = scan_of(tmp_path, frames_of(name))
    assert (result.verdict, result.confidence) == ("encrypted", "proven"), explain(result)


@each_session
def test_any_one_or_two_frames_lost(name: str, tmp_path: Path) -> None:
    packets = frames_of(name)
    for gone in itertools.combinations_with_replacement(range(len(packets)), 2):
        judged(tmp_path, [packet for at, packet in enumerate(packets) if at not in gone], f"lost {gone}")


@each_session
def test_begun_at_any_frame_and_one_more_lost(name: str, tmp_path: Path) -> None:
    packets = frames_of(name)
    for first in range(1, len(packets) - 1):
        judged(tmp_path, packets[first:], f"from {first}")
        judged(tmp_path, [packets[first - 1], *packets[first + 1 :]], f"from {first - 1} without {first}")


@each_session
@pytest.mark.parametrize("sender", ["client", "server"])
def test_one_direction_and_any_frame_lost(name: str, sender: str, tmp_path: Path) -> None:
    packets = [packet for packet in frames_of(name) if packet.sender == sender]
    for gone in range(-1, len(packets)):
        judged(tmp_path, [packet for at, packet in enumerate(packets) if at != gone], f"{sender} without {gone}")
        judged(tmp_path, packets[max(gone, 0) :], f"{sender} from {gone}")


@each_session
@pytest.mark.parametrize("snaplen", [60, 64, 68, 96, 128, 200, 256, 512, 1000])
def test_every_frame_cut(name: str, snaplen: int, tmp_path: Path) -> None:
    packets = [packet.cut(snaplen) if len(packet.data) > snaplen else packet for packet in frames_of(name)]
    judged(tmp_path, packets, snaplen)
    for gone in range(len(packets)):
        judged(tmp_path, packets[:gone] + packets[gone + 1 :], f"cut to {snaplen}, without {gone}")


def lookalikes(seed: int, size: int) -> list[bytes]:
    """Ciphertext that begins as a packet would, its length that of the segment, or that of several."""
    rng = random.Random(seed)
    found = []
    for length in (size - 4, 3 * size, 0x4000, 2141):
        for command in (3, 22, 23, 25, 26, 27, 14, 1, 2, 17):
            found.append(length.to_bytes(3, "little") + bytes([0, command]) + rng.randbytes(size - 5))
        for first in (0, 0xFE, 0xFF, 0xFB, 1, 5):
            found.append(length.to_bytes(3, "little") + bytes([1, first]) + rng.randbytes(size - 5))
        found.append((size - 7).to_bytes(3, "little") + b"\0\0\x20\0\x78\x9c" + rng.randbytes(size - 9))
        found.append((size - 7).to_bytes(3, "little") + b"\0\0\0\0" + rng.randbytes(size - 7))
    return found


@pytest.mark.parametrize("sender", ["client", "server"])
@pytest.mark.parametrize("protected", [True, False])
def test_ciphertext_that_begins_like_a_packet(sender: str, protected: bool, tmp_path: Path) -> None:
    """Behind a lost segment of a record's, in application data or in the handshake."""
    for number, body in enumerate(lookalikes(7, 1460)):
        steps = tls13() if protected else opening()
        where = "client-data-2" if protected else "ssl-request"
        talk = play(steps[: [step.name for step in steps].index(where) + 1], close=False)
        kind, size = (tls.DATA, 5000) if protected else (tls.HANDSHAKE, 4000)
        record = tls.record(kind, tls.noise(("long", number), size))
        talk.say(sender, record[:1460], lost=True)
        talk.say(sender, body)
        talk.say(sender, tls.noise(("rest", number), 900))
        for step in conversation_inside() if protected or sender == "server" else since(tls13(), "server-hello"):
            talk.say(step.sender, step.payload)
        judged(tmp_path, talk.packets, (number, body[:8]))


def behind(payload: bytes, sender: str = "client") -> list[Packet]:
    """A TLS session, a lost segment, and this in the clear."""
    talk = play(tls13()[:-1], close=False)
    talk.say(sender, tls.data("lost", 700), lost=True)
    return play([Step("clear", sender, payload)], talk, syn=False).packets  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sender", "payload"),
    [
        ("client", mysql.query(SECRET)),
        ("client", mysql.query(b"set names utf8mb4")),
        ("client", mysql.query(b"/* ApplicationName=console */ SELECT 1 FROM dual")),
        ("client", mysql.login()),
        ("server", plaintext()[6].payload),
    ],
    ids=["statement", "short statement", "comment", "login", "rows"],
)
def test_what_reads_behind_a_gap_is_still_plaintext(sender: str, payload: bytes, tmp_path: Path) -> None:
    result = scan_of(tmp_path, behind(payload, sender))
    assert result.verdict == "mixed", explain(result)


@pytest.mark.parametrize("name", SESSIONS)
def test_plaintext_before_and_after_tls_without_a_gap_is_mixed(name: str, tmp_path: Path) -> None:
    steps = SESSIONS[name]
    query = Step("odd", "client", mysql.query(SECRET))
    before = scan_of(tmp_path, play(inserted(steps, "ssl-request", query)))
    assert (before.verdict, before.confidence) == ("mixed", "proven"), explain(before)
    late = scan_of(tmp_path, play(after(steps, "client-close", mysql.query(SECRET))))
    assert (late.verdict, late.confidence) == ("mixed", "proven"), explain(late)


def test_bytes_between_ssl_request_and_client_hello_are_injected_only_without_a_gap(tmp_path: Path) -> None:
    odd = Step("odd", "client", tls.noise("odd", 90))
    injected = scan_of(tmp_path, play(inserted(tls13(), "ssl-request", odd)))
    assert injected.verdict == "mixed", explain(injected)
    talk = Conversation()
    talk.syn()
    for step in opening():
        talk.say(step.sender, step.payload)
    talk.client(tls.client_hello()[:60], lost=True)
    talk.client(odd.payload)
    lost = scan_of(tmp_path, play(tls13()[3:], talk, syn=False))
    assert lost.verdict in INNOCENT, explain(lost)
