"""The same result whatever the container, the segments, and the order inside the bounds of reordering."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.verdict.result import ConnectionResult, Scan
from tests.conversations import Conversation, Packet, interleave, pcap, pcapng, play
from tests.conversations.judge import explain
from tests.conversations.sessions import Step, compressed, plaintext, since, tls12, tls13

SESSIONS: dict[str, list[Step]] = {
    "plaintext": plaintext(),
    "compressed": compressed(),
    "TLS 1.3": tls13(),
    "TLS 1.2": tls12(),
    "mixed": [*tls12()[:-1], *since(plaintext(), "query")],
}
CONTAINERS: dict[str, Callable[[list[Packet]], bytes]] = {
    "pcap": pcap,
    "pcap, big-endian": lambda packets: pcap(packets, big_endian=True),
    "pcap, nanoseconds": lambda packets: pcap(packets, nanoseconds=True),
    "pcapng": pcapng,
    "pcapng, big-endian": lambda packets: pcapng(packets, big_endian=True),
}
QUICK = settings(max_examples=40, deadline=None)


def scan(data: bytes) -> Scan:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "one")
        path.write_bytes(data)
        return aurora_wire.scan([str(path)], aurora_wire.ScanOptions((3306, 33060)))


def without_captures(result: Scan) -> Scan:
    return replace(result, captures=[])


def substance(one: ConnectionResult) -> tuple[object, ...]:
    """What does not depend on how the bytes were cut into frames."""
    return (
        one.verdict,
        one.confidence,
        one.protocol,
        one.user,
        one.database,
        one.server_version,
        one.tls,
        one.client_coverage,
        one.server_coverage,
        one.commands,
        [(text.command, text.sql, text.offset, text.length, text.parameters) for text in one.statements],
        sorted({reason.id for reason in one.reasons}),
    )


@pytest.mark.parametrize("name", SESSIONS)
def test_the_container_does_not_matter(name: str) -> None:
    packets = play(SESSIONS[name]).packets
    results = {kind: without_captures(scan(write(packets))) for kind, write in CONTAINERS.items()}
    first = results["pcap"]
    for kind, result in results.items():
        assert result == first, kind


def test_the_same_input_gives_the_same_output() -> None:
    talks = [play(SESSIONS[name], Conversation(("10.0.0.5", 50_000 + at))) for at, name in enumerate(SESSIONS)]
    data = pcap(interleave(*talks))
    assert without_captures(scan(data)) == without_captures(scan(data))


@QUICK
@given(st.sampled_from(sorted(SESSIONS)), st.lists(st.integers(1, 1460), min_size=1, max_size=40), st.booleans())
def test_segments_do_not_matter(name: str, sizes: list[int], acks: bool) -> None:
    talk = Conversation()
    talk.syn()
    for step in SESSIONS[name]:
        talk.say(step.sender, step.payload, sizes=sizes)
        if acks:
            talk.ack("client" if step.sender == "server" else "server")
    talk.fin()
    result, usual = scan(pcap(talk.packets)), scan(pcap(play(SESSIONS[name]).packets))
    assert [substance(one) for one in result.connections] == [substance(one) for one in usual.connections], explain(
        result
    )


@QUICK
@given(st.sampled_from(sorted(SESSIONS)), st.integers(0, 2**32), st.integers(2, 4))
def test_order_within_a_few_places_does_not_matter(name: str, seed: int, width: int) -> None:
    """Of one direction: what an answer does before its question is another matter."""
    packets = play(SESSIONS[name], sizes=500).packets
    order = random.Random(seed)
    for at in range(3, len(packets) - 3 - width, width):
        group = packets[at : at + width]
        if len({packet.sender for packet in group if packet.length}) <= 1:
            order.shuffle(group)
            packets[at : at + width] = group
    result, usual = scan(pcap(packets)), scan(pcap(play(SESSIONS[name]).packets))
    assert [substance(one) for one in result.connections] == [substance(one) for one in usual.connections], explain(
        result
    )


@QUICK
@given(st.sampled_from(sorted(SESSIONS)), st.lists(st.integers(3, 15), max_size=6), st.integers(0, 5))
def test_packets_that_are_there_twice_do_not_matter(name: str, twice: list[int], later: int) -> None:
    packets = play(SESSIONS[name]).packets
    for at in twice:
        packets.insert(min(at + later, len(packets) - 3), packets[at])
    result, usual = scan(pcap(packets)), scan(pcap(play(SESSIONS[name]).packets))
    assert [substance(one) for one in result.connections] == [substance(one) for one in usual.connections], explain(
        result
    )


@QUICK
@given(st.sampled_from(sorted(SESSIONS)), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_initial_sequence_numbers_do_not_matter(name: str, client: int, server: int) -> None:
    talk = play(SESSIONS[name], Conversation(client_isn=client, server_isn=server))
    result, usual = scan(pcap(talk.packets)), scan(pcap(play(SESSIONS[name]).packets))
    assert [substance(one) for one in result.connections] == [substance(one) for one in usual.connections], explain(
        result
    )


@QUICK
@given(st.permutations(sorted(SESSIONS)))
def test_connections_at_the_same_time_do_not_touch_each_other(names: list[str]) -> None:
    talks = [play(SESSIONS[name], Conversation(("10.0.0.5", 50_000 + at))) for at, name in enumerate(names)]
    result = scan(pcap(interleave(*talks)))
    found = {one.client.port: substance(one) for one in result.connections}
    for at, name in enumerate(names):
        (alone,) = scan(pcap(play(SESSIONS[name]).packets)).connections
        assert found[50_000 + at] == substance(alone), explain(result)
