"""A watch over blocks of a ring that were made before: what is told, what is counted, and bounded memory."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from aurora_wire.analysis.watch import Watch
from aurora_wire.capture.live.ring import LiveCapture
from aurora_wire.verdict.result import StatementResult
from tests.capture import ring
from tests.capture.ring import Replay, ring_block
from tests.conversations import mysql, sessions
from tests.conversations.tcp import STEP_NS, Conversation

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SOURCE_ADDRESS, TARGET_ADDRESS, SOURCE_PORT = 28, 32, 34  # low halves of the addresses, and the port


def blocks_of(conversation: Conversation, *, each: int = 4, start_ns: int = START) -> list[bytes]:
    packets = [ring.Packet(p.data, start_ns + n * STEP_NS, p.original_len) for n, p in enumerate(conversation.packets)]
    return [ring_block(packets[at : at + each]) for at in range(0, len(packets), each)]


def watch_over(blocks: Iterable[bytes], **others: object) -> Watch:
    return Watch(cast(LiveCapture, Replay(blocks, **others)))  # type: ignore[arg-type]


def test_the_result_is_that_of_a_scan() -> None:
    conversation = sessions.play(sessions.plaintext())
    watch = watch_over(blocks_of(conversation))
    while watch.step(0):
        pass
    scan = watch.finish()
    assert (scan.verdict, scan.confidence, scan.exit_code) == ("plaintext", "proven", 1)
    [capture] = scan.captures
    assert (capture.format, capture.packets, capture.complete) == ("live", len(conversation.packets), True)
    assert capture.bytes == sum(packet.original_len for packet in conversation.packets)
    assert capture.first_time_ns == START


def test_a_verdict_is_a_change_only_where_it_is_another_one() -> None:
    watch = watch_over(blocks_of(sessions.play(sessions.tls13()), each=1))
    told = []
    while watch.step(0, watch.frames + 1):
        told += list(watch.changes())
    changed = [(standing.verdict, standing.confidence) for standing, new in told if new]
    assert changed[-1] == ("encrypted", "proven")
    assert all(first != second for first, second in pairwise(changed))
    assert {"plaintext", "no-session"}.isdisjoint(dict(changed))
    assert len(told) > len(changed)
    assert told[-1][0].tls == "TLSv1.3"
    assert told[-1][0].closed
    watch.finish()
    [(last, new)] = watch.changes()
    assert (last.verdict, last.confidence, new) == ("encrypted", "proven", False)
    assert watch.standings == {}


def other_conversation(port: int) -> Conversation:
    talk = Conversation(server=("10.0.0.9", port))
    talk.syn()
    talk.client(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
    talk.server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    talk.fin()
    return talk


@pytest.mark.parametrize(("port", "verdicts"), [(80, []), (3306, ["not-mysql"])])
def test_what_is_not_mysql_is_told_of_on_its_ports_only_and_forgotten(port: int, verdicts: list[str]) -> None:
    watch = watch_over(blocks_of(other_conversation(port), each=1))
    told: list[str] = []
    while watch.step(0, watch.frames + 1):
        told += [standing.verdict for standing, new in watch.changes() if new]
    assert told == verdicts
    assert watch.standings == {}


def test_a_session_that_has_only_begun_is_no_news_until_it_ends_so() -> None:
    talk = Conversation()
    talk.syn()
    talk.server(mysql.greeting())
    begun = len(talk.packets)
    talk.fin()
    watch = watch_over(blocks_of(talk, each=1))
    told: list[tuple[int, str]] = []
    while watch.step(0, watch.frames + 1):
        told += [(watch.frames, standing.verdict) for standing, new in watch.changes() if new]
    watch.finish()
    told += [(watch.frames, standing.verdict) for standing, new in watch.changes() if new]
    assert [verdict for _, verdict in told] == ["no-session"]
    assert told[0][0] > begun


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        (sessions.plaintext(), "plaintext"), (sessions.compressed(), "plaintext"), (sessions.tls12(), "encrypted"),
        (sessions.tls13(), "encrypted"), (sessions.tls13(retry=True), "encrypted"),
    ],
)  # fmt: skip
def test_a_verdict_is_told_once_and_does_not_flicker(steps: list[sessions.Step], verdict: str) -> None:
    """However often one looks: here after every frame."""
    watch = watch_over(blocks_of(sessions.play(steps), each=1))
    told: list[tuple[str, str | None]] = []
    while watch.step(0, watch.frames + 1):
        told += [(standing.verdict, standing.confidence) for standing, new in watch.changes() if new]
    watch.finish()
    told += [(standing.verdict, standing.confidence) for standing, new in watch.changes() if new]
    assert told == [(verdict, "proven")]


def test_mysql_on_another_port_is_told_of_as_soon_as_it_is_known() -> None:
    watch = watch_over(blocks_of(sessions.play(sessions.plaintext(), Conversation(server=("10.0.0.9", 4000)))))
    while watch.step(0):
        pass
    assert [standing.verdict for standing, _ in watch.changes()] == ["plaintext"]


def test_statements_are_told_as_they_pass() -> None:
    told: list[tuple[int, StatementResult]] = []
    replay = cast(LiveCapture, Replay(blocks_of(sessions.play(sessions.plaintext()), each=2)))
    watch = Watch(replay, on_statement=lambda connection, one: told.append((connection, one)))
    while watch.step(0, watch.frames + 2) and not told:
        pass
    assert told[0][1].sql == sessions.SECRET
    assert watch.frames < 20


def test_frames_beyond_the_limit_are_not_looked_at() -> None:
    watch = watch_over(blocks_of(sessions.play(sessions.plaintext())))
    while watch.step(0, 9):
        pass
    assert watch.finish(9).captures[0].packets == 9


def test_what_the_kernel_lost_is_in_the_result_and_weakens_the_whole() -> None:
    scan = watch_over(blocks_of(sessions.play(sessions.tls13())), dropped=7).finish()
    assert scan.captures[0].dropped_packets == 7
    assert "the interface dropped 7 packets" in scan.closing
    assert scan.findings_total


def test_a_gap_takes_the_proof() -> None:
    conversation = sessions.play(sessions.tls13(), lost=["server-data-3"])
    scan = watch_over(blocks_of(conversation)).finish()
    assert (scan.verdict, scan.confidence) == ("encrypted", "likely")
    assert "gap" in {reason.id for reason in scan.connections[0].reasons}


def test_rates_are_those_since_the_status_before() -> None:
    watch = watch_over(blocks_of(sessions.play(sessions.plaintext()), each=10))
    watch.status(100.0)
    watch.step(0, 10)
    first = watch.status(102.0)
    assert (first.seconds, first.packets, first.packet_rate) == (2.0, 10, 5.0)
    second = watch.status(103.0)
    assert (second.packets, second.packet_rate, second.byte_rate) == (10, 0.0, 0.0)


def moved(data: bytes, from_client: bool, by: int) -> bytes:
    """The frame of another connection: another port, and an address that keeps the checksums right."""
    address, port = (SOURCE_ADDRESS, SOURCE_PORT) if from_client else (TARGET_ADDRESS, SOURCE_PORT + 2)
    frame = bytearray(data)
    for at, change in ((address, -by), (port, by)):
        frame[at : at + 2] = (int.from_bytes(frame[at : at + 2], "big") + change & 0xFFFF).to_bytes(2, "big")
    return bytes(frame)


def busy(connections: int) -> Iterator[bytes]:
    """Sessions one after another, each of a connection of its own, five a second."""
    steps = sessions.until(sessions.plaintext(), "query-ok")
    packets = sessions.play(steps, Conversation(("10.0.200.5", 20_000)), acks=False).packets
    for number in range(connections):
        start = START + number * SECOND // 5
        yield ring_block(
            ring.Packet(moved(p.data, p.sender == "client", number % 30_000), start + n * STEP_NS, p.original_len)
            for n, p in enumerate(packets)
        )


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_memory_is_bounded_over_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some ten minutes. What is kept of each connection for the result has a bound of its own, lowered here."""
    monkeypatch.setattr("aurora_wire.analysis.analysis.MAX_CONNECTIONS", 100)
    watch = watch_over(busy(3300))
    sizes = []
    while watch.step(0, watch.frames + 500):
        for _ in watch.changes():
            pass
        sizes.append(resident_bytes())
    third = len(sizes) // 3  # each is a little longer than what is kept of connections that are closed
    assert max(sizes[2 * third :]) < max(sizes[third : 2 * third]) + 3_000_000
    assert len(watch.standings) < 1500
    scan = watch.finish()
    assert scan.by_verdict == {"plaintext": 3300}
