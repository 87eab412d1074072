"""Every captured payload byte is in somebody's account: delivered, compared and the same, or set aside."""

from __future__ import annotations

import itertools
import random

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.engine import Engine
from tests.conversations import Conversation, Packet, mysql, play
from tests.conversations.sessions import SECRET, plaintext, since, tls12, tls13, until
from tests.conversations.tcp import ACK, FIN, RST, START_NS, STEP_NS, SYN, Sender
from tests.memory import kinds

SESSIONS = {"plaintext": plaintext(), "TLS 1.3": tls13(), "TLS 1.2": tls12(), "tunnel": since(tls13(), "client-hello")}
SIDES: tuple[Sender, Sender] = ("client", "server")
RAW = 101             # LINKTYPE_ of the frames that tests.memory makes
OFTEN = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def connections_of(packets: list[Packet]) -> list[Connection]:
    engine = Engine([3306])
    for number, packet in enumerate(packets):
        engine.feed(packet.data, 0, len(packet.data), packet.original_len, START_NS + number * STEP_NS, 1)
    engine.finish()
    return engine.ended


def captured(packet: Packet) -> int:
    """Bytes of payload that are in the capture."""
    return max(0, packet.length - (packet.original_len - len(packet.data)))


def odd_segment(talk: Conversation, chance: random.Random) -> None:
    """One that networks, hosts and adversaries send: again, other bytes, elsewhere, forged, cut."""
    who = chance.choice(SIDES)
    at = talk.offset[who]
    size = chance.choice((1, 2, 7, 90, 1460))
    body = chance.choice((chance.randbytes(size), mysql.query(SECRET), b"\0" * size))
    keep = chance.choice((None, None, None, 0, 3, 40))
    where = chance.choice((at, at - 1, at - 5, at - len(body), at - 400, at + 3, at + 999, at + 70_000, at + 2**30, -9))
    flags = chance.choice((ACK, ACK, ACK, ACK, ACK, FIN | ACK, RST | ACK, SYN, SYN | ACK))
    talk.segment(
        who, body, offset=where, flags=flags, keep=keep, bad_checksum=chance.random() < 0.1,
        ack=None if chance.random() < 0.8 else chance.randrange(5000),
    )  # fmt: skip
    talk.packets[-1] = Packet(who, talk.packets[-1].data, talk.packets[-1].original_len, where, len(body))


def hostile(name: str, seed: int) -> list[Packet]:
    chance = random.Random(seed)
    talk = Conversation()
    if chance.random() < 0.8:
        talk.syn()
    for step in SESSIONS[name]:
        for _ in range(chance.choice((0, 0, 0, 1, 2))):
            odd_segment(talk, chance)
        lost = chance.random() < 0.1
        talk.say(step.sender, step.payload, sizes=chance.choice((20, 100, 1460)), lost=lost)
        if chance.random() < 0.5:
            talk.ack("client" if step.sender == "server" else "server")
    if chance.random() < 0.5:
        talk.fin()
    packets = talk.packets
    for _ in range(chance.choice((0, 3, 10))):
        at = chance.randrange(len(packets))
        to = min(len(packets), at + chance.randrange(5))
        packets.insert(to, packets[at] if chance.random() < 0.5 else packets.pop(at))
    return packets


@OFTEN
@given(st.sampled_from(sorted(SESSIONS)), st.integers(0, 2**32))
@example("TLS 1.3", 1)
def test_every_captured_byte_is_in_an_account(name: str, seed: int) -> None:
    packets = hostile(name, seed)
    found = connections_of(packets)
    for sender in SIDES:
        total = 0
        for one in found:
            from_client = bytes(one.client.key[8:10]) != b"\x0c\xea"
            facts = one.facts
            side = facts.client if (sender == "client") == from_client else facts.server
            total += side.seen + side.repeated + side.aside
        assert total == sum(captured(packet) for packet in packets if packet.sender == sender), sender


def test_a_connection_of_another_protocol_ends_with_its_fins_whatever_crossed() -> None:
    talk = Conversation(server=("10.0.0.9", 8080))
    talk.syn()
    talk.client(b"GET / HTTP/1.1\r\nHost: db.example\r\n\r\n")
    talk.server(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + bytes(5000), sizes=1460)
    talk.fin("client")
    talk.fin("server")
    engine = Engine([3306])
    for number, packet in enumerate(talk.packets):
        engine.feed(packet.data, 0, len(packet.data), packet.original_len, START_NS + number * STEP_NS, 1)
    engine.finish_closed()
    assert [connection.facts.other for connection in engine.ended] == ["HTTP"], "it would stay until it is evicted"


def test_finished_connections_should_be_taken_once_they_hold_much() -> None:
    """They are charged to no budget any more: 2,000 large ClientHellos that wait are a gigabyte.

    Fourteen fill it, in some 56 frames: this is ten times as much.
    """
    engine = Engine([3306], budget=Budget(open_connections=1 << 20))
    taken: list[int] = []
    for frame in itertools.islice(kinds.extensions(), 600):
        engine.feed(frame, 0, len(frame), len(frame), -1, RAW)
        if engine.waits_to_be_taken():
            taken.append(len(engine.ended))
            engine.ended = []
            assert not engine.waits_to_be_taken()
    assert len(taken) > 5
    assert max(taken) < 100


def test_what_conflicts_in_many_places_is_set_aside_once() -> None:
    """Segments that begin a byte apart and differ, all behind a hole: each is read aside once, not for each byte."""
    talk = play(until(plaintext(), "login-ok"), close=False)
    at = talk.offset["client"]
    for number in range(100):
        talk.segment("client", random.Random(number).randbytes(400), offset=at + 1 + number)
    (connection,) = connections_of(talk.packets)
    assert 0 < connection.aside_doubts <= 100 * 400
