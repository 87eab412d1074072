"""A canary is found wherever it crossed: in one frame or several, in order or not, encoded or compressed."""

from __future__ import annotations

import base64
import gzip
import os
import struct
import zlib
from collections.abc import Sequence

import pytest
from backports.zstd import compress as zstd_compress
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.prove.canary import (
    ALPHABET,
    LENGTH,
    PREFIX,
    Sighting,
    find_as_it_is,
    fresh,
    inflate_all,
    needles,
    search,
)
from aurora_wire.prove.reassemble import Frame, streams
from tests.conversations.tcp import Conversation

CANARY = "canary-q7m2xk9c4tvz6hpw3ybn"
WORD = CANARY.encode()
SQL = b"INSERT INTO t (body) VALUES ('" + WORD + b"-text')"


def frames_of(talk: Conversation) -> list[Frame]:
    return [Frame(0, packet.data, packet.original_len, 1) for packet in talk.packets]


def sent(payload: bytes, *, sizes: int | Sequence[int] | None = None) -> list[Frame]:
    talk = Conversation()
    talk.syn()
    talk.server(b"J\0\0\0\n5.5.5")
    talk.client(payload, sizes=sizes)
    talk.fin()
    return frames_of(talk)


def forms(found: Sequence[Sighting]) -> set[str]:
    return {sighting.form for sighting in found}


def test_fresh_canaries_differ_and_are_words_that_sql_and_drivers_take_as_they_are() -> None:
    many = {fresh() for _ in range(200)}
    assert len(many) == 200
    assert all(one.startswith(PREFIX) and len(one) == len(PREFIX) + LENGTH for one in many)
    assert all(set(one.removeprefix(PREFIX)) <= set(ALPHABET) for one in many)


def test_a_canary_in_one_frame_is_found_with_frame_and_offset() -> None:
    found = search(CANARY, sent(SQL))
    assert found == [Sighting("as it is", 5, "client", SQL.index(WORD))]


def test_a_canary_that_crossed_nowhere_is_not_found() -> None:
    other = "canary-q7m2xk9c4tvz6hpw3ybm"
    assert search(CANARY, sent(SQL.replace(WORD, other.encode()))) == []
    assert search(CANARY, []) == []
    assert search(CANARY, [Frame(0, b"", 0, 1), Frame(0, b"\0" * 9, 9, 101)]) == []


def test_a_canary_in_a_result_row_is_found_at_the_server() -> None:
    talk = Conversation()
    talk.syn()
    row = bytes([len(WORD)]) + WORD
    talk.server(struct.pack("<I", len(row))[:3] + b"\5" + row)
    found = search(CANARY, frames_of(talk))
    assert [(one.form, one.direction) for one in found] == [("as it is", "server")]


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 60), before=st.binary(max_size=80))
def test_a_canary_split_over_segments_is_found(size: int, before: bytes) -> None:
    found = search(CANARY, sent(before + SQL, sizes=size))
    assert ("as it is", "client", len(before) + SQL.index(WORD)) in [
        (one.form, one.direction, one.offset) for one in found
    ]


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(9)), twice=st.integers(0, 8))
def test_a_canary_in_segments_out_of_order_and_again_is_found(order: list[int], twice: int) -> None:
    frames = sent(SQL.ljust(81, b" "), sizes=9)
    first = next(number for number, frame in enumerate(frames) if frame.data.endswith(SQL[:9]))
    parts = frames[first : first + 9]
    shuffled = [*frames[:first], *(parts[number] for number in order), parts[twice]]
    assert "as it is" in forms(search(CANARY, shuffled))


def test_a_canary_across_the_end_of_the_sequence_numbers_is_found() -> None:
    frames = []
    sequence = (1 << 32) - SQL.index(WORD) - 9
    for at in range(0, len(SQL), 16):
        frames.append(raw_segment((sequence + at) % (1 << 32), SQL[at : at + 16]))
    assert search(CANARY, frames)[0].offset == SQL.index(WORD)


def test_a_canary_that_was_sent_again_in_place_of_something_else_is_found() -> None:
    frames = [
        raw_segment(100, b"x" * len(SQL)),
        raw_segment(100, SQL),
    ]
    assert search(CANARY, frames) == [Sighting("as it is", 2, "client", SQL.index(WORD))]
    half = SQL.index(WORD) + 5  # also where only its end was sent again
    frames = [raw_segment(100, SQL[:half] + b"x" * 60), raw_segment(100 + half, SQL[half:])]
    assert search(CANARY, frames)


def test_a_hole_does_not_join_what_was_not_beside_each_other() -> None:
    frames = [raw_segment(100, SQL[:40]), raw_segment(141, SQL[40:])]
    assert search(CANARY, frames) == []
    assert [piece.offset for piece in streams(frames)] == [0, 41]


def raw_segment(sequence: int, payload: bytes) -> Frame:
    """IPv4 and TCP without more."""
    tcp = struct.pack("!HHIIBBHHH", 40000, 3306, sequence, 1, 0x50, 0x18, 512, 0, 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return Frame(0, head + tcp, len(head + tcp), 101)


@pytest.mark.parametrize("alignment", range(3))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_canary_in_base64_is_found_at_each_alignment(alignment: int, encode: object) -> None:
    assert callable(encode)
    text = encode(os.urandom(alignment) + SQL[: SQL.index(WORD) // 3 * 3] + WORD + b"-text'")
    shifted = encode(os.urandom(alignment) + WORD + os.urandom(7))
    assert forms(search(CANARY, sent(text))) == {"in base64"}
    assert forms(search(CANARY, sent(shifted, sizes=11))) == {"in base64"}


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_canary_in_utf_16_is_found(codec: str) -> None:
    assert forms(search(CANARY, sent(b"\0" + SQL.decode().encode(codec), sizes=13))) == {"in UTF-16"}


def test_a_canary_in_hex_is_found() -> None:
    assert forms(search(CANARY, sent(b"x'" + SQL.hex().encode() + b"'"))) == {"in hex"}
    assert forms(search(CANARY, sent(b"X'" + SQL.hex().upper().encode() + b"'"))) == {"in hex"}


def compressed_packet(data: bytes, number: int, level: int = -1) -> bytes:
    """Of MySQL's compressed protocol."""
    body = zlib.compress(data, level)
    return len(body).to_bytes(3, "little") + bytes([number]) + len(data).to_bytes(3, "little") + body


@pytest.mark.parametrize("level", [1, 6, 9])
@pytest.mark.parametrize("size", [None, 17])
def test_a_canary_in_compressed_packets_is_found(level: int, size: int | None) -> None:
    packet = compressed_packet(b"\x3c\0\0\0\x03" + SQL * 3, 0, level)
    assert forms(search(CANARY, sent(packet, sizes=size))) == {"compressed, as it is"}


def test_a_canary_split_over_two_compressed_packets_is_found() -> None:
    middle = SQL.index(WORD) + 9
    packets = compressed_packet(SQL[:middle], 0) + compressed_packet(SQL[middle:], 1)
    assert forms(search(CANARY, sent(packets))) == {"compressed, as it is"}


@pytest.mark.parametrize("compress", [gzip.compress, zstd_compress, zlib.compress])
def test_a_canary_in_a_compressed_value_is_found(compress: object) -> None:
    assert callable(compress)
    value = compress(b"x" * 500 + SQL.decode().encode("utf-16-le"))
    assert "compressed, in UTF-16" in forms(search(CANARY, sent(b"\x17" + os.urandom(9) + value)))


def test_what_inflates_without_end_is_bounded() -> None:
    bomb = zlib.compress(b"\0" * (64 << 20), 9)
    budget = [3 << 20]
    total = sum(len(data) for _, data in inflate_all(bomb * 8, budget))
    assert total <= 3 << 20


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=120), max_size=8))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    frames = [Frame(0, piece, len(piece), link) for piece in pieces for link in (1, 101)]
    frames += [raw_segment(index * 50, piece) for index, piece in enumerate(pieces)]
    assert search(CANARY, frames) == []


def test_needles_hold_nothing_of_what_stands_beside_the_word() -> None:
    for form, needle in needles(CANARY):
        if form == "in base64":
            decoded = [base64.b64decode(b"A" * pad + needle + b"A" * (-(len(needle) + pad) % 4)) for pad in range(4)]
            assert any(WORD[2:-2] in one for one in decoded)
        assert len(needle) >= len(WORD)


def test_a_password_is_found_as_it_is_and_split_and_is_not_where_it_is_not() -> None:
    assert find_as_it_is(b"s3cret-word", sent(b"\x0bs3cret-word\0")) == 5
    assert find_as_it_is(b"s3cret-word", sent(b"\x0bs3cret-word\0", sizes=4)) == 5
    assert find_as_it_is(b"s3cret-word", sent(SQL)) == 0
