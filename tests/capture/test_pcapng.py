"""pcapng files, made byte by byte."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.capture.files.pcapng import PcapngSource
from aurora_wire.errors import CaptureError

from .files import Frame, block, enhanced, frames, in_blocks, interface, option, section


def open_bytes(data: bytes, size: int = 1 << 20) -> PcapngSource:
    return PcapngSource("x.pcapng", in_blocks(data, size))


def read(data: bytes, size: int = 1 << 20) -> list[Frame]:
    return frames(open_bytes(data, size))


def counters(order: str = "<", number: int = 0, **counts: int) -> bytes:
    codes = {"received": 4, "if_drop": 5, "os_drop": 7}
    values = {codes[name]: struct.pack(order + "Q", count) for name, count in counts.items()}
    options = b"".join(option(code, value, order) for code, value in values.items())
    return block(5, struct.pack(order + "III", number, 0, 0) + options, order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    data = section(order) + interface(order, 113)
    data += enhanced(b"abcde", order, ticks=1_700_000_000_000_001, original=9)
    assert read(data) == [Frame(1_700_000_000_000_001_000, 113, b"abcde", 9)]


def test_each_section_has_its_own_order_and_interfaces() -> None:
    data = (
        section("<") + interface("<", 1) + interface("<", 276) + enhanced(b"a", "<", 1)
        + section(">") + interface(">", 101) + enhanced(b"b", ">", 0)
    )
    assert [(frame.link_type, frame.data) for frame in read(data)] == [(276, b"a"), (101, b"b")]


def test_an_interface_of_an_earlier_section_is_not_known_any_more() -> None:
    data = section() + interface() + interface() + section() + interface() + enhanced(b"a", number=1)
    with pytest.raises(CaptureError, match="packet of interface 1, and only 1 were described"):
        read(data)


@pytest.mark.parametrize(
    ("resolution", "ticks", "time_ns"),
    [
        (6, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
        (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
        (0, 1_700_000_000, 1_700_000_000_000_000_000),
        (12, 1_700_000_000_123_456, 1_700_000_000_123),
        (0x80 | 10, (1_700_000_000 << 10) + 512, 1_700_000_000_500_000_000),
        (0x80 | 32, (5 << 32) + (1 << 31), 5_500_000_000),
        (0, 0xFFFFFFFFFFFFFFFF, (1 << 62) - 1),
        (6, 0xFFFFFFFFFFFFFFFF, (1 << 62) - 1),
        (9, 0xFFFFFFFFFFFFFFFF, (1 << 62) - 1),
        (0x7F, 0xFFFFFFFFFFFFFFFF, 0),
        (0xFF, 0xFFFFFFFFFFFFFFFF, 0),
    ],
)
def test_timestamps_follow_the_resolution_of_the_interface(resolution: int, ticks: int, time_ns: int) -> None:
    data = section() + interface(options=option(9, bytes([resolution]))) + enhanced(b"a", ticks=ticks)
    assert read(data)[0].time_ns == time_ns


@pytest.mark.parametrize(("offset", "seconds"), [(1_000, 1_005), (-3, 2), (-1_000, 0), (1 << 62, None)])
def test_the_time_offset_of_the_interface_is_added(offset: int, seconds: int | None) -> None:
    clock = option(14, struct.pack("<q", offset))
    data = section() + interface(options=clock) + enhanced(b"a", ticks=5_000_000)
    assert read(data)[0].time_ns == ((1 << 62) - 1 if seconds is None else seconds * 1_000_000_000)


def test_simple_packets_have_no_time_and_obey_the_snaplen_of_interface_0() -> None:
    data = section() + interface(snaplen=4) + interface(link_type=101)
    data += block(3, struct.pack("<I", 9) + b"abcd") + block(3, struct.pack("<I", 3) + b"xyz")
    assert read(data) == [Frame(-1, 1, b"abcd", 9), Frame(-1, 1, b"xyz", 3)]


def test_a_simple_packet_of_a_section_without_interfaces_is_refused() -> None:
    with pytest.raises(CaptureError, match="only 0 were described"):
        read(section() + block(3, struct.pack("<I", 3) + b"xyz"))


def test_old_packet_blocks_are_read_with_their_drops() -> None:
    def old(drops: int) -> bytes:
        return block(2, struct.pack("<HHIIII", 0, drops, 0, 5, 3, 60) + b"abc")

    source = open_bytes(section() + interface() + old(0xFFFF) + old(3) + old(4))
    assert frames(source) == [Frame(5_000, 1, b"abc", 60)] * 3
    assert source.drops == 7


def test_the_last_statistics_of_each_interface_are_added_up() -> None:
    data = section() + interface() + interface()
    data += counters(if_drop=5) + counters(number=1, received=50, os_drop=1) + counters(if_drop=7, os_drop=2)
    data += section(">") + interface(">") + counters(">", if_drop=100)
    source = open_bytes(data)
    assert frames(source) == []
    assert source.drops == 7 + 2 + 1 + 100


def test_a_file_that_counts_no_drops_does_not_say_zero() -> None:
    source = open_bytes(section() + interface() + counters(received=9) + enhanced(b"a"))
    frames(source)
    assert source.drops == -1


def test_drops_noted_at_packets_count_where_there_are_no_statistics() -> None:
    drop = option(1, b"comment") + option(4, struct.pack("<Q", 9))
    data = section() + interface() + enhanced(b"abc", options=drop) + enhanced(b"x", options=drop)
    source = open_bytes(data)
    frames(source)
    assert source.drops == 18


def test_a_drop_counter_of_2_to_64_is_bounded() -> None:
    source = open_bytes(section() + interface() + counters(if_drop=(1 << 64) - 1, os_drop=(1 << 64) - 1))
    frames(source)
    assert source.drops == (1 << 48) - 1


def test_tls_key_logs_are_kept_and_other_secrets_are_not() -> None:
    log = b"CLIENT_RANDOM 00 11\n"
    data = section() + block(10, struct.pack("<II", 0x544C534B, len(log)) + log)
    data += block(10, struct.pack("<II", 0x57474B4C, 3) + b"wg!") + interface() + enhanced(b"a")
    data += block(10, struct.pack("<II", 0x544C534B, 0xFFFFFFFF) + b"late")
    source = open_bytes(data, 13)
    frames(source)
    assert source.secrets == [log, b"late"]


def test_secrets_are_bounded_and_counted_beyond() -> None:
    log = struct.pack("<II", 0x544C534B, 6 << 20) + bytes(6 << 20)
    source = open_bytes(section() + block(10, log) * 4)
    frames(source)
    assert sum(map(len, source.secrets)) == 12 << 20
    assert source.secrets_left_out == 2


def test_names_of_interfaces_are_kept_in_file_order() -> None:
    data = section() + interface(options=option(2, b"eth0") + option(0, b"")) + interface()
    data += section(">") + interface(">", options=option(1, b"hello", ">") + option(2, b"any\0", ">"))
    source = open_bytes(data)
    frames(source)
    assert source.interfaces == ["eth0", "", "any"]


def test_unknown_blocks_are_left_out_by_their_length() -> None:
    unknown = block(0x0BAD, bytes(100)) + block(0x40000BAD, b"") + block(4, bytes(16))
    unknown += block(0x7777, bytes(3 << 20))
    data = section() + unknown + interface() + unknown + enhanced(b"a") + unknown
    for size in (50, 1 << 20):
        assert [frame.data for frame in read(data, size)] == [b"a"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (section() + struct.pack("<II", 6, 4) + bytes(40), "block claims 4 bytes"),
        (section() + struct.pack("<II", 6, 30) + bytes(40), "block claims 30 bytes"),
        (section() + struct.pack("<II", 6, 0xFFFFFFFC) + bytes(40), "block claims 4294967292 bytes"),
        (section() + struct.pack("<II", 0x99, 0xFFFFFFFC) + bytes(40), "ends inside a block of 4294967292"),
        (section() + struct.pack("<II", 1, 0xFFFFFFFC) + bytes(40), "interface description claims"),
        (section() + interface()[:-4] + bytes(4), "20 bytes at its start and 0 at its end"),
        (section() + interface() + block(6, bytes(8)), "packet block of 20 bytes is too short"),
        (section() + interface() + block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99)), "packet of 99 bytes in"),
        (section() + interface() + section()[:10], "ends inside a section header"),
        (section() + struct.pack("<III", 0x0A0D0D0A, 28, 1), "without the byte-order magic"),
        (section()[:5], "ends inside the pcapng section header"),
        (section()[:8] + b"junk" + section()[12:], "without the byte-order magic"),
        (section()[:12] + b"\2\0" + section()[14:], "version 2"),
    ],
)
def test_damage_is_told_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(CaptureError, match=reason):
        read(data)


def sample() -> tuple[bytes, list[int]]:
    """A file with several kinds of blocks, and where its packets end."""
    parts = [section(), interface(), enhanced(b"abc"), block(0x99, b"unknown"), enhanced(b"defgh")]
    parts.append(counters(if_drop=1))
    ends = [sum(map(len, parts[:count])) for count in (3, 5)]
    return b"".join(parts), ends


def test_a_file_cut_at_any_byte_gives_the_frames_before() -> None:
    whole, ends = sample()
    for cut in range(len(whole) + 1):
        seen: list[Frame] = []
        with contextlib.suppress(CaptureError):
            frames(open_bytes(whole[:cut], 11), seen)
        assert [frame.data for frame in seen] == [b"abc", b"defgh"][:sum(end <= cut for end in ends)]


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(1, 150), st.sampled_from(["<", ">"]))
@settings(max_examples=60, deadline=None)
def test_frames_are_the_same_however_the_file_is_cut_into_blocks(
    payloads: list[bytes], size: int, order: str
) -> None:
    data = section(order) + interface(order) + b"".join(enhanced(payload, order) for payload in payloads)
    assert [frame.data for frame in read(data, size)] == payloads


@given(st.integers(0, 200), st.binary(min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_changed_bytes_raise_nothing_but_capture_errors(at: int, change: bytes) -> None:
    whole, _ = sample()
    data = whole[:at] + change + whole[at + len(change):]
    seen: list[Frame] = []
    with contextlib.suppress(CaptureError):
        frames(open_bytes(data, 33), seen)
    assert len(seen) <= 2 + data.count(struct.pack("<I", 6))
