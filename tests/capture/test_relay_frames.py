"""The frames that a relay makes, read by scapy and dpkt and checked against the RFCs' sums."""

from __future__ import annotations

import ipaddress

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from aurora_wire.capture.checksum import checksum
from aurora_wire.capture.relay.synthetic_frames import MAX_PAYLOAD, Conversation, Place
from aurora_wire.link_types import RAW
from aurora_wire.wire.flows.engine import Engine

CLIENT, SERVER = Place("192.0.2.7", 50_000), Place("198.51.100.3", 3306)
CLIENT6, SERVER6 = Place("2001:db8::7", 50_000), Place("2001:db8::3", 3306)
PLACES = [(CLIENT, SERVER), (CLIENT6, SERVER6), (CLIENT, SERVER6), (CLIENT6, SERVER)]
NEAR_THE_WRAP = 0xFFFFFFFF - 3


def read(frame: bytes) -> tuple[IP | IPv6, TCP]:
    """As scapy reads it; what scapy would have written for the same fields is the same frame."""
    kind = IP if frame[0] >> 4 == 4 else IPv6
    packet = kind(frame)
    again = packet.copy()
    del again[TCP].chksum
    if kind is IP:
        del again.chksum, again.len
    else:
        del again.plen
    assert bytes(again) == frame
    return packet, packet[TCP]


@pytest.mark.parametrize(("client", "server"), PLACES)
def test_scapy_computes_the_same_lengths_and_checksums(client: Place, server: Place) -> None:
    talk = Conversation(client, server, (1, 2))
    frames = [
        talk.syn(), talk.syn_ack(), talk.acknowledged(by_client=True), talk.data(b"odd", from_client=True),
        talk.acknowledged(by_client=False), talk.data(b"even", from_client=False), talk.fin(from_client=True),
        talk.reset(from_client=False), talk.data(bytes(MAX_PAYLOAD), from_client=True),
        talk.data(b"\xff" * MAX_PAYLOAD, from_client=False),
    ]  # fmt: skip
    for frame in frames:
        assert frame is not None
        assert len(frame) < 1 << 16
        read(frame)
        assert dpkt.ip.IP(frame) if frame[0] >> 4 == 4 else dpkt.ip6.IP6(frame)


def test_sequence_numbers_run_through_the_wrap() -> None:
    talk = Conversation(CLIENT, SERVER, (NEAR_THE_WRAP, 100))
    told: list[tuple[str, int, int]] = []
    for frame in (
        talk.syn(), talk.syn_ack(), talk.acknowledged(by_client=True), talk.data(b"12345", from_client=True),
        talk.acknowledged(by_client=False), talk.data(b"123", from_client=False), talk.acknowledged(by_client=True),
        talk.fin(from_client=False), talk.acknowledged(by_client=True), talk.fin(from_client=True),
        talk.acknowledged(by_client=False),
    ):  # fmt: skip
        assert frame is not None
        _, tcp = read(frame)
        told.append((str(tcp.flags), tcp.seq, tcp.ack))
    assert told == [
        ("S", 0xFFFFFFFC, 0), ("SA", 100, 0xFFFFFFFD), ("A", 0xFFFFFFFD, 101), ("PA", 0xFFFFFFFD, 101),
        ("A", 101, 2), ("PA", 101, 2), ("A", 2, 104), ("FA", 104, 2), ("A", 2, 105), ("FA", 2, 105), ("A", 105, 3),
    ]  # fmt: skip


def test_nothing_is_acknowledged_twice() -> None:
    talk = Conversation(CLIENT, SERVER, (5, 6))
    talk.syn(), talk.syn_ack()
    assert talk.acknowledged(by_client=True) is not None
    assert talk.acknowledged(by_client=True) is None
    talk.data(b"x", from_client=True)
    assert talk.acknowledged(by_client=True) is None
    assert talk.acknowledged(by_client=False) is not None
    assert talk.acknowledged(by_client=False) is None


def test_a_refused_connection_is_answered_as_by_the_target() -> None:
    talk = Conversation(CLIENT, SERVER, (7, 8))
    talk.syn()
    packet, tcp = read(talk.refused())
    assert (packet.src, str(tcp.flags), tcp.seq, tcp.ack) == (SERVER.address, "RA", 0, 8)


def test_ipv4_beside_ipv6_is_an_ipv4_mapped_address() -> None:
    packet, _ = read(Conversation(CLIENT, SERVER6, (1, 2)).syn())
    assert ipaddress.ip_address(packet.src) == ipaddress.ip_address("::ffff:192.0.2.7")
    assert packet.dst == SERVER6.address


@given(st.binary(min_size=1, max_size=70))
def test_the_checksum_makes_all_words_sum_to_nothing(data: bytes) -> None:
    """RFC 1071: with the checksum in place the sum is 0xFFFF, negative zero."""
    words = data + bytes(len(data) & 1) + checksum(data)
    total = sum(int.from_bytes(words[at : at + 2]) for at in range(0, len(words), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF or not any(data)


@given(
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=40)), max_size=12),
    st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF)),
    st.sampled_from(PLACES),
)
def test_the_engine_misses_nothing_whatever_was_said(
    said: list[tuple[bool, bytes]], numbers: tuple[int, int], places: tuple[Place, Place]
) -> None:
    talk = Conversation(*places, numbers)
    frames = [talk.syn(), talk.syn_ack(), talk.acknowledged(by_client=True)]
    for from_client, payload in said:
        frames += [talk.data(payload, from_client=from_client), talk.acknowledged(by_client=not from_client)]
    for from_client in (True, False):
        frames += [talk.fin(from_client=from_client), talk.acknowledged(by_client=not from_client)]
    engine = Engine([3306])
    for number, frame in enumerate(frames):
        if frame is not None:
            engine.feed(frame, 0, len(frame), len(frame), number, RAW)
    engine.finish()
    assert len(engine.ended) == 1
    assert not engine.skipped
    facts = engine.ended[0].facts
    for side, is_client in ((facts.client, True), (facts.server, False)):
        assert side.seen == sum(len(payload) for from_client, payload in said if from_client == is_client)
        assert side.missing == 0
