"""The rarer encapsulations: found, judged by tshark, cut at each byte, and changed at random."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire import skipped
from aurora_wire.wire.skipped import remedy_of, skipped_name
from tests.wire.encapsulations import FRAMES, NOT_JUDGED, Frame
from tests.wire.stacks import EXPECTED_V4, EXPECTED_V6, Changes, Found, found, locate, new_locator
from tests.wire.test_link_judged import as_row, judged, same, write_pcap

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
            assert remedy_of(answer, locator.reason_detail), f"{kept} bytes: {name}"


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
