"""The rarer encapsulations: found, judged by tshark, cut at each byte, and changed at random."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.net import skip_reasons as skipped
from aurora_wire.wire.net.skip_reasons import find_remedy, skipped_name
from tests.wire.net.encapsulations import FRAMES, NOT_JUDGED, Frame
from tests.wire.net.stacks import EXPECTED_V4, EXPECTED_V6, Changes, Found, found, locate, new_locator
from tests.wire.net.test_link_judged import as_row, judged, same, write_pcap

IDS = [frame.id for frame in FRAMES]
CHANGES = st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=4)
JUDGED = sorted({(frame.link, frame.judge) for frame in FRAMES if frame.judge != NOT_JUDGED})


def expected(frame: Frame) -> Found:
    return replace(EXPECTED_V4 if frame.kind == "ipv4" else EXPECTED_V6, depth=frame.depth)


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_the_segment_is_found(frame: Frame) -> None:
    answer, locator = locate(frame.bytes, frame.link)
    assert skipped_name(answer, locator.reason_detail) == "TCP"
    assert found(locator) == expected(frame)


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_a_cut_frame_gives_a_prefix_or_may_carry_tcp(frame: Frame) -> None:
    whole = expected(frame)
    for kept in range(len(frame.bytes)):
        answer, locator = locate(frame.bytes, frame.link, kept)
        if answer == skipped.TCP:
            seen = found(locator)
            assert replace(seen, payload=whole.payload) == whole
            assert whole.payload.startswith(seen.payload)
        else:
            name = skipped_name(answer, locator.reason_detail)
            assert find_remedy(answer, locator.reason_detail), f"{kept} bytes: {name}"


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_the_place_in_a_bigger_buffer_does_not_matter(frame: Frame) -> None:
    buffer = b"\x45\x00" * 9 + frame.bytes + b"\x81\x00" * 20
    locator = new_locator()
    length = len(frame.bytes)
    assert locator.locate(buffer, 18, length, length, frame.link) == skipped.TCP
    assert found(locator) == expected(frame)
    assert locator.captured_end <= 18 + length


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(FRAMES), CHANGES, st.data())
def test_no_changed_byte_raises_or_leads_out_of_the_buffer(frame: Frame, changes: Changes, data: st.DataObject) -> None:
    changed = bytearray(frame.bytes)
    for at, value in changes:
        changed[at % len(changed)] = value
    kept = data.draw(st.integers(0, len(changed)))
    answer, locator = locate(bytes(changed), frame.link, kept)
    assert skipped_name(answer, locator.reason_detail)
    if answer == skipped.TCP:
        found(locator)
        assert locator.captured_end <= kept


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize(("link", "options"), JUDGED, ids=[f"{link} {' '.join(options)}" for link, options in JUDGED])
def test_tshark_agrees(link: int, options: tuple[str, ...], tmp_path: Path) -> None:
    frames = [frame for frame in FRAMES if (frame.link, frame.judge) == (link, options)]
    path = tmp_path / "frames.pcap"
    write_pcap(path, [frame.bytes for frame in frames], link)
    theirs = judged(path, *options)
    disagreed = []
    for number, frame in enumerate(frames, 1):
        locator = locate(frame.bytes, link)[1]
        if not same(theirs.get(number, ("",) * 7), as_row(found(locator))):
            disagreed.append(frame.id)
    assert disagreed == []


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 310), st.binary(max_size=160), st.integers(0, 200), st.integers(0, 9))
def test_no_bytes_raise_on_any_link_type(link: int, data: bytes, original: int, at: int) -> None:
    locator = new_locator()
    answer = locator.locate(bytes(at) + data, at, len(data), original, link)
    assert skipped_name(answer, locator.reason_detail)
    if answer == skipped.TCP:
        found(locator)


@pytest.mark.parametrize("number", [0x88E5, 0x88B5, 0x7777, 0x8864])
def test_an_ethernet_type_that_may_carry_ip_has_a_remedy(number: int) -> None:
    answer, locator = locate(bytes(12) + number.to_bytes(2, "big") + b"\x2c" + bytes(60))
    assert find_remedy(answer, locator.reason_detail) == skipped.BEHIND_TUNNEL


@pytest.mark.parametrize(
    ("frame", "remedy"),
    [
        (b"\xaa\xaa\x03\x12\x34\x56\x20\0" + bytes(60), skipped.BEHIND_TUNNEL),  # SNAP of an unknown organisation
        (b"\xaa\xaa\x03\0\0\x0c\x20\0" + bytes(60), ""),                          # CDP
        (b"\xaa\xaa\x03\0\x80\xc2\0\x0a" + bytes(60), skipped.BEHIND_TUNNEL),    # bridged FDDI
        (b"\xfe\xfe\x03\x83" + bytes(60), ""),                                    # IS-IS
        (b"\xfe\xfe\x03\xb1" + bytes(60), skipped.BEHIND_TUNNEL),                 # fragments of frame relay
        (b"\x42\x42\x03" + bytes(60), ""),                                        # spanning tree
    ],
)
def test_llc_says_whether_it_may_carry_tcp(frame: bytes, remedy: str) -> None:
    answer, locator = locate(bytes(12) + len(frame).to_bytes(2, "big") + frame)
    assert find_remedy(answer, locator.reason_detail) == remedy
