"""Pieces of a packet are joined: whatever is cut where, they end where the packet does, and little is kept."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aurora_wire.wire.decoding.connection_log import Budget, ConnectionLog
from aurora_wire.wire.mysql.turn import MAX_TURN, Turn
from tests.conversations import mysql, tls

PACKETS = {
    "a command": mysql.execute(7, [1, b"4111111111111111"]),
    "several packets": mysql.result_set([b"id", b"body"], [[b"1", b"secret"]] * 3),
    "a compressed packet": mysql.compressed(0, mysql.query(b"SELECT 1" + b" " * 80)),
    "a TLS record": tls.record(tls.DATA, bytes(range(200))),
}


def new() -> tuple[Turn, ConnectionLog]:
    log = ConnectionLog(1, Budget(), None)
    return Turn(log), log


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % len(data) for cut in cuts} - {0})
    return [data[start:stop] for start, stop in itertools.pairwise([0, *places, len(data)])]


def boundaries(name: str) -> set[int]:
    """Where a packet of these ends."""
    whole = PACKETS[name]
    ends = {len(whole)}
    at = 0
    while name == "several packets" and at < len(whole):
        at += 4 + int.from_bytes(whole[at : at + 3], "little")
        ends.add(at)
    return ends


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(PACKETS)), st.lists(st.integers(1, 4000), min_size=1, max_size=6))
def test_the_last_piece_ends_what_the_first_began(name: str, cuts: list[int]) -> None:
    whole = PACKETS[name]
    turn, _ = new()
    joined = b""
    at = 0
    for piece in pieces_of(whole, cuts):
        around = b"\xff" + piece + b"\xff"
        joined = joined + piece if turn.is_open() else piece
        ends = turn.add(around, 1, 1 + len(piece), 0, True, 0)
        if ends:
            assert turn.data == joined
        # By another framing a boundary may lie elsewhere: three bytes before a compressed packet's end, for one.
        assume(turn.is_open() or at + len(piece) in boundaries(name))
        at += len(piece)
    assert whole.endswith(joined)
    assert not turn.is_open()
    assert ends or joined == piece  # or a boundary lay where the last piece begins


@settings(max_examples=300, deadline=None)
@given(st.lists(
    st.tuples(st.binary(max_size=900), st.sampled_from((0, 0, 0, 7)), st.booleans(), st.integers(0, 2)), max_size=40,
))  # fmt: skip
def test_what_is_kept_is_bounded_and_given_back(segments: list[tuple[bytes, int, bool, int]]) -> None:
    turn, log = new()
    for data, cut, from_client, peer_frame in segments:
        turn.add(data, 0, len(data), cut, from_client, peer_frame)
        assert len(turn.data) <= MAX_TURN
        assert log.charged == len(turn.data)
    turn.clear()
    assert log.charged == 0


@pytest.mark.parametrize(("from_client", "peer_frame"), [(False, 1), (True, 2)])
def test_what_another_says_is_not_joined(from_client: bool, peer_frame: int) -> None:
    whole = mysql.query(b"SELECT 1")
    turn, _ = new()
    turn.add(whole, 0, 6, 0, True, 1)
    assert turn.is_open()
    assert not turn.add(whole, 6, len(whole), 0, from_client, peer_frame)


def test_a_packet_longer_than_the_bound_is_not_waited_for() -> None:
    turn, _ = new()
    turn.add(mysql.packet(0, bytes(MAX_TURN)), 0, 100, 0, True, 0)
    assert not turn.is_open()
