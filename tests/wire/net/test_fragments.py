"""Datagrams from fragments: any order, duplicates, disagreement, cuts and bounds."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.packet import Raw

from aurora_wire.wire.net import skip_reasons as skipped
from aurora_wire.wire.net.checksum import GOOD, internet_checksum, tcp_checksum_state
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import COMPLETE, MAX_PIECES, REFUSED, WAITING, Fragments
from aurora_wire.wire.net.skip_reasons import skipped_name
from tests.wire.net.stacks import (
    CLIENT_V4,
    CLIENT_V6,
    EXPECTED_V4,
    EXPECTED_V6,
    SERVER_V4,
    SERVER_V6,
    Found,
    ethernet,
    found,
    ipv4,
    locate,
    new_locator,
    segment,
    vxlan,
)

RAW = 101
PAYLOAD = bytes(range(256)) * 12
WHOLE_V4 = replace(EXPECTED_V4, payload=PAYLOAD, payload_len=len(PAYLOAD))
WHOLE_V6 = replace(EXPECTED_V6, payload=PAYLOAD, payload_len=len(PAYLOAD))


def fragments_v4(payload: bytes = PAYLOAD, size: int = 800, number: int = 77) -> list[bytes]:
    packet = IP(src=CLIENT_V4, dst=SERVER_V4, id=number) / segment(payload)
    return [bytes(piece) for piece in fragment(packet, fragsize=size)]


def fragments_v6(payload: bytes = PAYLOAD, number: int = 77) -> list[bytes]:
    packet = IPv6(src=CLIENT_V6, dst=SERVER_V6) / IPv6ExtHdrFragment(id=number) / segment(payload)
    return [bytes(piece) for piece in fragment6(packet, 900)]


BOTH = [
    pytest.param(fragments_v4(), WHOLE_V4, id="IPv4"),
    pytest.param(fragments_v6(), WHOLE_V6, id="IPv6"),
]


def name_of(answer: int, locator: Locator) -> str:
    return skipped_name(answer, locator.reason_detail)


def feed(locator: Locator, frames: list[bytes]) -> list[str]:
    return [name_of(locate(frame, RAW, locator=locator)[0], locator) for frame in frames]


WAIT = "IP fragment, waiting"


@pytest.mark.parametrize(("frames", "expected"), BOTH)
def test_fragments_make_the_datagram_in_any_order(frames: list[bytes], expected: Found) -> None:
    assert len(frames) == 4
    for order in itertools.permutations(frames):
        locator = new_locator()
        assert feed(locator, list(order)) == [WAIT] * 3 + ["TCP"]
        assert found(locator) == expected
        assert not locator.in_dispute
        assert not locator.fragments.datagrams
        assert locator.fragments.held == 0
        assert (locator.fragments.frame_count, locator.fragments.lost_count()) == (4, 0)


@pytest.mark.parametrize(("frames", "expected"), BOTH)
def test_the_datagram_has_right_checksums(frames: list[bytes], expected: Found) -> None:
    locator = new_locator()
    feed(locator, frames)
    buffer = locator.buffer
    state = tcp_checksum_state(
        buffer, locator.addresses_at, locator.ip_version, locator.tcp_at, locator.captured_end
    )
    assert state == GOOD
    if locator.ip_version == 4:
        assert internet_checksum(buffer, 0, locator.tcp_at) == 0
        assert IP(buffer).len == len(buffer)
        assert IP(buffer).flags == 0
    else:
        assert IPv6(buffer).plen == len(buffer) - 40
        assert IPv6(buffer).nh == 6


@pytest.mark.parametrize(("frames", "expected"), BOTH)
def test_repeated_fragments_are_no_dispute(frames: list[bytes], expected: Found) -> None:
    locator = new_locator()
    doubled = [frame for frame in frames[:-1] for _ in range(2)] + frames[-1:]
    assert feed(locator, doubled)[-1] == "TCP"
    assert found(locator) == expected
    assert locator.fragments.conflicts == 0
    assert not locator.in_dispute


def test_datagrams_are_told_apart_by_identification() -> None:
    one, two = fragments_v4(number=1), fragments_v4(PAYLOAD[::-1], number=2)
    locator = new_locator()
    mixed = [frame for pair in zip(one, two, strict=True) for frame in pair]
    answers = feed(locator, mixed[:-1])
    assert answers == [WAIT] * 6 + ["TCP"]
    assert found(locator) == WHOLE_V4
    assert feed(locator, mixed[-1:]) == ["TCP"]
    assert found(locator) == replace(WHOLE_V4, payload=PAYLOAD[::-1])


def test_where_fragments_disagree_the_first_counts_and_the_datagram_says_so() -> None:
    frames = fragments_v4()
    other = frames[1][:-5] + b"EVIL!"
    locator = new_locator()
    assert feed(locator, [frames[0], frames[1], other, *frames[2:]])[-1] == "TCP"
    assert found(locator) == WHOLE_V4
    assert locator.in_dispute
    assert locator.fragments.conflicts == 1
    # and the next frame is not tainted
    assert feed(locator, [ipv4()[1]]) == ["TCP"]
    assert not locator.in_dispute


def test_fragments_that_disagree_about_the_end_are_refused() -> None:
    pieces = Fragments()
    assert pieces.add(b"k", 1, 0, 16, False, bytes(16), b"H", 6) == WAITING
    assert pieces.add(b"k", 2, 32, 40, True, bytes(8), b"", 6) == WAITING
    assert pieces.add(b"k", 3, 40, 48, True, bytes(8), b"", 6) == REFUSED    # another end
    assert pieces.add(b"k", 4, 40, 48, False, bytes(8), b"", 6) == REFUSED   # beyond the end
    assert pieces.conflicts == 2
    assert pieces.add(b"k", 5, 16, 32, False, bytes(16), b"", 6) == COMPLETE
    assert pieces.in_dispute
    assert pieces.payload_len == 40


def test_an_end_before_what_was_seen_is_refused() -> None:
    pieces = Fragments()
    pieces.add(b"k", 1, 64, 72, False, bytes(8), b"", 6)
    assert pieces.add(b"k", 2, 0, 16, True, bytes(16), b"H", 6) == REFUSED


@pytest.mark.parametrize(("frames", "expected"), BOTH)
def test_a_cut_fragment_makes_a_cut_segment(frames: list[bytes], expected: Found) -> None:
    locator = new_locator()
    for index, frame in enumerate(frames):
        kept = len(frame) - 100 if index == 1 else len(frame)
        answer, _ = locate(frame, RAW, kept, locator)
    assert answer == skipped.TCP
    seen = found(locator)
    assert seen.payload_len == len(PAYLOAD)
    assert 0 < len(seen.payload) < len(PAYLOAD)
    assert PAYLOAD.startswith(seen.payload)


def test_the_last_fragment_may_be_one_byte() -> None:
    payload = PAYLOAD[: 800 - 32 + 1]  # the first fragment holds 32 bytes of TCP header and all but one byte
    locator = new_locator()
    assert feed(locator, fragments_v4(payload)) == [WAIT, "TCP"]
    assert found(locator).payload == payload


def test_a_datagram_inside_a_tunnel_that_was_fragmented_is_found() -> None:
    packet = IP(vxlan(ethernet(ipv4(PAYLOAD)))[1])
    packet.id = 5
    frames = [bytes(piece) for piece in fragment(packet, fragsize=1000)]
    locator = new_locator()
    assert feed(locator, frames)[-1] == "TCP"
    assert found(locator) == replace(WHOLE_V4, depth=1)


def test_fragments_inside_a_tunnel_are_put_together() -> None:
    frames = [vxlan(ethernet(("ipv4", piece)))[1] for piece in fragments_v4()]
    locator = new_locator()
    assert feed(locator, frames) == [WAIT] * 3 + ["TCP"]
    assert found(locator) == replace(WHOLE_V4, depth=1)


def test_ethernet_padding_is_no_part_of_a_fragment() -> None:
    frames = [ethernet(("ipv4", piece))[1] + b"padding" for piece in fragments_v4()]
    locator = new_locator()
    for frame in frames:
        answer, _ = locate(frame, 1, locator=locator)
    assert answer == skipped.TCP
    assert found(locator) == WHOLE_V4


def test_fragments_of_what_is_never_tcp_are_not_kept() -> None:
    packet = IP(src=CLIENT_V4, dst=SERVER_V4, id=3) / ICMP() / Raw(bytes(2000))
    locator = new_locator()
    assert set(feed(locator, [bytes(piece) for piece in fragment(packet, fragsize=800)])) == {"ICMP"}
    assert locator.fragments.frame_count == 0


@pytest.mark.parametrize(
    "frame",
    [
        bytes(IP(src=CLIENT_V4, dst=SERVER_V4, flags="MF", proto=6) / Raw(bytes(13))),  # no multiple of 8
        bytes(IP(src=CLIENT_V4, dst=SERVER_V4, flags="MF", proto=6)),                   # empty
        bytes(IP(src=CLIENT_V4, dst=SERVER_V4, frag=8191, proto=6) / Raw(bytes(64))),   # beyond 64 KiB
        bytes(IPv6(src=CLIENT_V6, dst=SERVER_V6) / IPv6ExtHdrFragment(nh=6, m=1) / Raw(bytes(9))),
    ],
)
def test_a_fragment_that_no_sender_makes_is_malformed(frame: bytes) -> None:
    assert feed(new_locator(), [frame]) == ["malformed IP header"]


def test_a_datagram_is_given_up_after_so_many_frames() -> None:
    locator = Locator(Fragments(max_wait=10))
    frames = fragments_v4()
    feed(locator, frames[:-1])
    feed(locator, [ipv4()[1]] * 7)
    assert feed(locator, frames[-1:]) == ["TCP"]  # 10 frames after the first
    feed(locator, frames[:-1])
    feed(locator, [ipv4()[1]] * 8)
    assert feed(locator, frames[-1:]) == [WAIT]   # 11 frames after it
    assert locator.fragments.expired == 1
    assert locator.fragments.lost_count() == 4


def test_memory_is_bounded_by_datagrams_and_by_bytes() -> None:
    few = Fragments(max_datagrams=5)
    for number in range(100):
        few.add(b"%d" % number, number, 0, 8, False, bytes(8), b"H", 6)
        assert len(few.datagrams) <= 5
    assert few.expired == 95
    small = Fragments(max_held=10_000)
    for number in range(100):
        small.add(b"%d" % number, number, 0, 1000, False, bytes(1000), b"H", 6)
        assert small.held <= 10_000
    assert small.held == sum(datagram.held for datagram in small.datagrams.values())


def test_too_many_pieces_of_one_datagram_are_refused() -> None:
    pieces = Fragments()
    starts = range(0, 16 * (MAX_PIECES + 1), 16)
    answers = [pieces.add(b"k", 1, start, start + 8, False, bytes(8), b"H", 6) for start in starts]
    assert answers == [WAITING] * MAX_PIECES + [REFUSED]


def test_a_refused_fragment_is_named() -> None:
    frames = fragments_v4()
    last = bytes(IP(src=CLIENT_V4, dst=SERVER_V4, id=77, frag=1, proto=6) / Raw(bytes(8)))
    locator = new_locator()
    assert feed(locator, [*frames[:3], last])[-1] == "IP fragment without the rest"
    assert feed(locator, frames[3:]) == ["TCP"]
    assert locator.fragments.lost_count() == 1


PIECES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(0, 255), st.integers(0, 40)),
    min_size=1, max_size=14,
)


@settings(max_examples=300, deadline=None)
@given(PIECES, st.integers(1, 12))
def test_overlaps_are_settled_as_a_byte_by_byte_model_does(
    made: list[tuple[int, int, int, int]], total_units: int
) -> None:
    total = total_units * 8
    pieces = Fragments()
    model: dict[int, int | None] = {}  # first to say counts; None where it was not captured
    answer = WAITING
    for start_unit, units, filler, cut in [*made, (0, total_units, 1, 0)]:
        start, end = start_unit * 8, min((start_unit + units) * 8, total)
        if start >= end:
            continue
        data = bytes([filler]) * max(0, end - start - cut)
        answer = pieces.add(b"k", 1, start, end, end == total, data, b"H", 6)
        for at in range(start, end):
            model.setdefault(at, filler if at - start < len(data) else None)
        complete = set(model) == set(range(total))
        assert answer == (COMPLETE if complete else WAITING)
        if complete:
            break
    assert answer == COMPLETE
    assert pieces.payload_len == total
    until = next((at for at in range(total) if model[at] is None), total)
    assert pieces.payload == bytes(model[at] or 0 for at in range(until))
    assert pieces.held == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_no_bytes_in_fragments_raise_or_lead_out_of_the_buffer(seed: int, is_v6: bool) -> None:
    chance = random.Random(seed)
    locator = Locator(Fragments(max_datagrams=3, max_held=6000, max_wait=20))
    frames = (fragments_v6() if is_v6 else fragments_v4()) * 3
    chance.shuffle(frames)
    for frame in frames:
        changed = bytearray(frame)
        for _ in range(chance.choice([0, 0, 1, 3])):
            changed[chance.randrange(60)] = chance.randrange(256)
        kept = chance.choice([len(frame), chance.randrange(len(frame) + 1)])
        answer, _ = locate(bytes(changed), RAW, kept, locator)
        if answer == skipped.TCP:
            found(locator)
        assert locator.fragments.held <= 6000
        assert len(locator.fragments.datagrams) <= 3
