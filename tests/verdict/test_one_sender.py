"""Copies that differ are never put together into one statement; copies that are the same take no proof."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conversations import Conversation, mysql, play, tls
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import since, tls13, until
from tests.hostile.cases import Case
from tests.hostile.conversations import encrypted
from tests.hostile.judging import scan_of as scan_case
from tests.hostile.wire import ACK, PSH, Wire, copy, random_ends

TEXT = b"INSERT INTO cards (owner, pan) VALUES ('alice', '4111222233334444'), ('bob', '4999888877776666')"
FAKE = b"', 'nobody-sent-this-at-all'), ('"


def opened() -> Conversation:
    talk = Conversation()
    talk.syn()
    talk.server(mysql.greeting(ssl=False))
    talk.client(mysql.login())
    talk.server(mysql.ok(2))
    return talk


@pytest.mark.parametrize("size", [1, 2, 5, 12, 13, 36])
def test_what_a_direction_opens_with_may_come_again_at_any_time(size: int, tmp_path: Path) -> None:
    """Slices of an SSLRequest and of a hello, long acknowledged, that read as packets: they are compared."""
    steps = tls13()
    talk = play(until(steps, "client-data-1"), close=False)
    sent = mysql.ssl_request() + tls.client_hello()
    for at in range(len(sent) - size):
        talk.again("client", at, sent[at : at + size])
    play(since(steps, "client-data-1"), talk, syn=False)
    result = scan_of(tmp_path, talk.packets)
    assert (result.verdict, result.confidence) == ("encrypted", "proven"), explain(result)


def test_other_bytes_in_the_place_of_an_opening_are_a_conflict(tmp_path: Path) -> None:
    steps = tls13()
    talk = play(until(steps, "client-data-1"), close=False)
    talk.again("client", 4, mysql.query(b"SELECT 1"))
    play(since(steps, "client-data-1"), talk, syn=False)
    result = scan_of(tmp_path, talk.packets)
    assert result.confidence != "proven" or result.verdict != "encrypted", explain(result)


ORDERS = ["real, fake", "fake, real", "fake waits", "real waits, fake in order"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("at", [40, 55, 70])
def test_a_decoy_inside_a_statement_is_never_part_of_it(order: str, at: int, tmp_path: Path) -> None:
    talk = opened()
    packet = mysql.query(TEXT)
    start = talk.offset["client"]
    edges = [0, 40, 70, len(packet)]
    real = [(low, packet[low:high]) for low, high in pairwise(edges)]
    fake = (at, FAKE)
    sent = {
        "real, fake": [real[0], real[1], fake, real[2]],
        "fake, real": [real[0], fake, real[1], real[2]],
        "fake waits": [fake, *real],
        "real waits, fake in order": [real[0], real[2], fake, real[1]],
    }[order]
    for low, data in sent:
        talk.again("client", start + low, data)
    talk.offset["client"] = start + len(packet)
    talk.server(mysql.ok(1))
    talk.fin()
    result = scan_of(tmp_path, talk.packets)
    said = explain(result)
    assert result.verdict == "plaintext", said
    for one in result.connections:
        for statement in one.statements:
            assert TEXT.startswith(statement.sql) or not statement.complete, said
            assert b"nobody" not in statement.sql or b"alice" not in statement.sql, said


def test_a_statement_in_one_segment_is_told_though_other_bytes_wait_behind_it(tmp_path: Path) -> None:
    """The receiver takes what fits at once: nothing of a segment that differs is put behind it."""
    talk = opened()
    packet = mysql.query(TEXT)
    start = talk.offset["client"]
    talk.again("client", start + 30, tls.record(tls.DATA, tls.noise("decoy", 200)))
    talk.client(packet)
    talk.server(mysql.ok(1))
    talk.client(mysql.query(b"DELETE FROM notes WHERE id = 7"))
    talk.server(mysql.ok(1))
    talk.fin()
    result = scan_of(tmp_path, talk.packets)
    [one] = result.connections
    assert [statement.sql for statement in one.statements] == [TEXT, b"DELETE FROM notes WHERE id = 7"], explain(result)
    assert "conflict" in {reason.id for reason in one.reasons}


def test_more_seams_than_are_kept_leave_no_statement_whole_that_spans_segments(tmp_path: Path) -> None:
    talk = opened()
    start = talk.offset["client"]
    for number in range(300):
        talk.again("client", start + 5000 + 40 * number, b"a" * 20)
        talk.again("client", start + 5000 + 40 * number, b"b" * 20)
    packet = mysql.query(TEXT)
    talk.again("client", start, packet[:40])
    talk.again("client", start + 40, packet[40:])
    talk.offset["client"] = start + len(packet)
    talk.server(mysql.ok(1))
    result = scan_of(tmp_path, talk.packets)
    [one] = result.connections
    assert all(not statement.complete for statement in one.statements), explain(result)


@pytest.mark.parametrize("order", ["fake first", "fake later"])
def test_an_execution_has_no_text_of_two_senders(order: str, tmp_path: Path) -> None:
    talk = opened()
    text = b"INSERT INTO notes (body, kind) VALUES (?, 'private')"
    packet = mysql.prepare(text)
    start = talk.offset["client"]
    pieces = [(0, packet[:40]), (40, packet[40:])]
    pieces.insert(1 if order == "fake first" else 2, (40, b"(?, 'forged!!')"[: len(packet) - 40]))
    for low, data in pieces:
        talk.again("client", start + low, data)
    talk.offset["client"] = start + len(packet)
    talk.server(mysql.prepare_ok(1, 1))
    long = mysql.command(24, b"\1\0\0\0\0\0" + b"first half, second half")
    start = talk.offset["client"]
    for low, data in ((0, long[:20]), (20, b"X" * (len(long) - 20)), (20, long[20:])):
        talk.again("client", start + low, data)
    talk.offset["client"] = start + len(long)
    talk.client(mysql.execute(1, [b""]))
    talk.server(mysql.ok(1))
    result = scan_of(tmp_path, talk.packets)
    said = explain(result)
    for one in result.connections:
        for statement in one.statements:
            assert b"forged" not in statement.sql, said
            assert b"VALUES" not in statement.sql or not statement.complete, said
            assert b"half" not in statement.sql, said
            assert b"XXX" not in statement.sql, said


@pytest.mark.parametrize("seed", range(6))
def test_fragments_of_two_senders_are_no_statement(seed: int, tmp_path: Path) -> None:
    """One has the beginning of a statement, the other its end. Nothing but the TCP checksum tells, which is wrong."""
    rng = random.Random(seed)
    session = encrypted(rng)
    wire = Wire(rng, random_ends(rng), mss=1460)
    wire.play(session, close=False)
    packet = mysql.query(TEXT)
    other = mysql.query(b"x" * (len(packet) - len(FAKE) - 5) + FAKE)
    assert len(other) == len(packet)
    real = copy(wire.send("client", packet, PSH | ACK), parts=[64])
    wire.frames.pop()
    made = [copy(real, only=(0, 1)), copy(real, payload=other, only=(1, 2))]
    wire.frames += made if seed % 2 else made[::-1]
    result = scan_case(Case("fragments", [wire.frames], [session]), tmp_path)
    said = explain(result)
    assert result.exit_code != 0, said
    for one in result.connections:
        assert not any(b"nobody" in statement.sql and b"INSERT" in statement.sql for statement in one.statements), said
        assert all(TEXT.startswith(statement.sql) for statement in one.statements), said
