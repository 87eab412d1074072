"""pcap files, made byte by byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.capture.files.pcap import PcapSource
from aurora_wire.errors import CaptureError

from .files import Frame, frames, in_blocks, pcap, pcap_header, pcap_record


def read(data: bytes, size: int = 1 << 20) -> list[Frame]:
    return frames(PcapSource("x.pcap", in_blocks(data, size)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "time_ns"), [(0xA1B2C3D4, 7_000_005_000), (0xA1B23C4D, 7_000_000_005)])
def test_both_byte_orders_and_both_resolutions_are_read(order: str, magic: int, time_ns: int) -> None:
    data = pcap_header(order, magic)
    data += pcap_record(b"abc", order, (7, 5), 1500) + pcap_record(b"", order, (8, 0))
    assert read(data) == [Frame(time_ns, 1, b"abc", 1500), Frame(8_000_000_000, 1, b"", 0)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_longer_records_of_the_modified_magic_are_read(order: str) -> None:
    record = struct.pack(order + "IIIIIHBB", 1, 2, 3, 3, 9, 0x800, 4, 0) + b"abc"
    data = pcap_header(order, 0xA1B2CD34) + record + record
    assert read(data) == [Frame(1_000_002_000, 1, b"abc", 3)] * 2


def test_the_link_type_is_the_low_half_of_its_field() -> None:
    data = pcap_header(network=0x4400_0071) + pcap_record(b"x")
    assert [frame.link_type for frame in read(data)] == [113]


def test_times_beyond_2038_are_in_the_future() -> None:
    assert read(pcap_header() + pcap_record(b"x", time=(0xFFFFFFFF, 0)))[0].time_ns == 4294967295_000_000_000


def test_a_record_longer_than_the_snaplen_is_read() -> None:
    data = pcap_header(snaplen=96) + pcap_record(bytes(262144), original=99) + pcap_record(b"x")
    assert [len(frame.data) for frame in read(data)] == [262144, 1]


def test_a_snaplen_above_libpcaps_bound_counts() -> None:
    data = pcap_header(snaplen=1 << 20) + pcap_record(bytes(300_000))
    assert [len(frame.data) for frame in read(data)] == [300_000]


def test_a_file_without_packets_has_no_frames() -> None:
    assert read(pcap_header()) == []


@given(st.lists(st.binary(max_size=80), max_size=12), st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_frames_are_the_same_however_the_file_is_cut_into_blocks(payloads: list[bytes], size: int) -> None:
    assert [frame.data for frame in read(pcap(payloads), size)] == payloads


def test_a_record_of_4_gib_ends_the_file_with_its_offset() -> None:
    good = pcap([b"abc"] * 512)
    bad = struct.pack("<IIII", 1, 2, 0xFFFFFFFF, 0xFFFFFFFF) + b"rest"
    source = PcapSource("night.pcap", in_blocks(good + bad))
    seen: list[Frame] = []
    with pytest.raises(CaptureError) as caught:
        frames(source, seen)
    assert str(caught.value) == (
        f"night.pcap: offset {len(good)}: record claims 4294967295 bytes, more than any snaplen. "
        "512 packets before it were read, the rest counts as missing. Was the copy complete?"
    )
    assert len(seen) == 512
    assert source.damaged
    assert not source.advance()


@pytest.mark.parametrize("length", range(24))
def test_a_file_cut_in_its_header_says_so(length: int) -> None:
    with pytest.raises(CaptureError, match=f"ends inside the pcap file header \\({length} of 24 bytes\\)"):
        PcapSource("x.pcap", in_blocks(pcap_header()[:length]))


def test_a_file_cut_at_any_byte_gives_the_frames_before() -> None:
    payloads = [b"one", b"", b"three" * 5]
    whole = pcap(payloads)
    ends = [24 + sum(16 + len(data) for data in payloads[:count]) for count in range(4)]
    for cut in range(24, len(whole)):
        seen: list[Frame] = []
        source = PcapSource("x.pcap", in_blocks(whole[:cut], 7))
        if cut in ends:
            frames(source, seen)
        else:
            with pytest.raises(CaptureError, match="Was the copy complete"):
                frames(source, seen)
        assert [frame.data for frame in seen] == payloads[:sum(end <= cut for end in ends[1:])]


def test_a_version_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CaptureError, match="version 7"):
        PcapSource("x.pcap", in_blocks(struct.pack("<IHHiIII", 0xA1B2C3D4, 7, 4, 0, 0, 0, 1)))


@given(st.binary(max_size=300), st.sampled_from(["<", ">"]))
@settings(max_examples=100, deadline=None)
def test_random_records_raise_nothing_but_capture_errors(noise: bytes, order: str) -> None:
    seen: list[Frame] = []
    end = 24 + len(noise)
    try:
        frames(PcapSource("x.pcap", in_blocks(pcap_header(order) + noise, 64)), seen)
    except CaptureError as error:
        end = error.offset
    assert end == 24 + sum(16 + len(frame.data) for frame in seen)


def test_an_error_while_reading_comes_after_the_frames_before_it() -> None:
    good = pcap([b"abc", b"def"])
    first = in_blocks(good[:-1])

    def read_block() -> bytes:
        if data := first():
            return data
        raise CaptureError("x.pcap", 60, "cannot be read (Input/output error).")

    source = PcapSource("x.pcap", read_block)
    seen: list[Frame] = []
    with pytest.raises(CaptureError, match="Input/output"):
        frames(source, seen)
    assert [frame.data for frame in seen] == [b"abc"]
    assert not source.advance()
