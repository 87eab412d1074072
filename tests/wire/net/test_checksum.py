"""The TCP checksum tells a right segment from offload and from damage; scapy's sums are the judge."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, in4_chksum
from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.packet import Raw
from scapy.utils import checksum as scapy_checksum

from aurora_wire.wire.net.checksum import (
    BAD,
    GOOD,
    PARTIAL,
    UNCHECKED,
    ZERO,
    internet_checksum,
    ipv4_checksum_is_right,
    tcp_checksum_state,
)
from tests.wire.net.stacks import CLIENT_V4, CLIENT_V6, SERVER_V4, SERVER_V6, locate

HEADER_LEN = {4: 20, 6: 40}


def packet(version: int, payload: bytes) -> bytes:
    tcp = TCP(sport=50000, dport=3306, seq=5, ack=6, flags="PA") / Raw(payload)
    if version == 4:
        return bytes(IP(src=CLIENT_V4, dst=SERVER_V4) / tcp)
    return bytes(IPv6(src=CLIENT_V6, dst=SERVER_V6) / tcp)


def state(frame: bytes, version: int, before: int = 0) -> int:
    at = before + HEADER_LEN[version]
    addresses_at = before + (12 if version == 4 else 8)
    return int(tcp_checksum_state(frame, addresses_at, version, at, len(frame)))


def with_field(frame: bytes, version: int, value: int) -> bytes:
    at = HEADER_LEN[version] + 16
    return frame[:at] + struct.pack(">H", value) + frame[at + 2 :]


def partial_sum(frame: bytes, version: int, length: int) -> int:
    """What Linux leaves in the field for the network card: the folded pseudo-header sum, not complemented."""
    start, size = (12, 8) if version == 4 else (8, 32)
    pseudo = frame[start : start + size] + struct.pack(">II", length, 6)
    return ~scapy_checksum(pseudo) & 0xFFFF


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([4, 6]), st.binary(max_size=300), st.integers(0, 9))
def test_what_scapy_sums_up_is_good_at_any_place(version: int, payload: bytes, before: int) -> None:
    assert state(bytes(before) + packet(version, payload), version, before) == GOOD


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([4, 6]), st.binary(min_size=1, max_size=60), st.data())
def test_any_changed_byte_is_noticed(version: int, payload: bytes, data: st.DataObject) -> None:
    frame = packet(version, payload)
    at = data.draw(st.integers(HEADER_LEN[version], len(frame) - 1))
    value = data.draw(st.integers(0, 255))
    changed = frame[:at] + bytes([value]) + frame[at + 1 :]
    # 0x0000 and 0xFFFF are the same number here: a change of one byte can't turn one into the other.
    assert (state(changed, version) == GOOD) == (value == frame[at])


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("size", [0, 1, 7, 40, 1460, 3001, 64000])
def test_offload_leaves_a_partial_sum_with_the_length_or_without(version: int, size: int) -> None:
    frame = packet(version, b"q" * size)
    for length in (len(frame) - HEADER_LEN[version], 0):
        assert state(with_field(frame, version, partial_sum(frame, version, length)), version) == PARTIAL


@pytest.mark.parametrize("version", [4, 6])
def test_an_empty_field_is_no_damage(version: int) -> None:
    assert state(with_field(packet(version, b"abc"), version, 0), version) == ZERO


@pytest.mark.parametrize("version", [4, 6])
def test_a_right_sum_that_happens_to_be_zero_is_good(version: int) -> None:
    frame = with_field(packet(version, b"\0\0"), version, 0)
    judge = (in4_chksum if version == 4 else in6_chksum)(
        6, (IP if version == 4 else IPv6)(frame), frame[HEADER_LEN[version] :]
    )
    frame = frame[:-2] + struct.pack(">H", judge)
    assert frame[HEADER_LEN[version] + 16 :][:2] == b"\0\0"
    assert state(frame, version) == GOOD


@pytest.mark.parametrize("version", [4, 6])
def test_another_value_is_bad(version: int) -> None:
    frame = packet(version, b"abc")
    right = struct.unpack_from(">H", frame, HEADER_LEN[version] + 16)[0]
    assert state(with_field(frame, version, right ^ 0x0101), version) == BAD


def test_each_value_of_the_field_has_one_meaning() -> None:
    frame = packet(4, b"abc")
    right = struct.unpack_from(">H", frame, 36)[0]
    partial = {partial_sum(frame, 4, len(frame) - 20), partial_sum(frame, 4, 0)}
    for value in range(0x10000):
        expected = GOOD if value == right else ZERO if value == 0 else PARTIAL if value in partial else BAD
        assert state(with_field(frame, 4, value), 4) == expected


def test_a_jumbo_length_is_in_the_sum_with_its_upper_half() -> None:
    tcp = bytes(TCP(sport=1, dport=2) / Raw(b"\x07" * 70_001))
    addresses = bytes(range(32))
    pseudo = addresses + struct.pack(">II", len(tcp), 6)
    tcp = tcp[:16] + b"\0\0" + tcp[18:]
    right = scapy_checksum(pseudo + tcp)
    frame = addresses + tcp[:16] + struct.pack(">H", right) + tcp[18:]
    assert tcp_checksum_state(frame, 0, 6, 32, len(frame)) == GOOD


@pytest.mark.parametrize(
    ("addresses_at", "tcp_at", "end"),
    [(12, 20, 39), (12, 20, 10_000), (-1, 20, 43), (13, 20, 43), (12, 50, 40)],
)
def test_offsets_that_make_no_whole_segment_are_not_checked(addresses_at: int, tcp_at: int, end: int) -> None:
    assert tcp_checksum_state(packet(4, b"abc"), addresses_at, 4, tcp_at, end) == UNCHECKED


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 8))
def test_scapy_agrees_on_the_sum_of_any_bytes(data: bytes, before: int) -> None:
    theirs = scapy_checksum(data)
    ours = internet_checksum(bytes(before) + data, before, before + len(data))
    assert ours == theirs


def test_the_offsets_of_the_locator_are_the_arguments() -> None:
    answer, locator = locate(packet(6, b"abcde"), 101)
    assert answer == 0
    assert (
        tcp_checksum_state(
            locator.buffer, locator.addresses_at, locator.ip_version, locator.tcp_at, locator.captured_end
        )
        == GOOD
    )


@given(st.binary(min_size=20, max_size=60), st.integers(0, 3), st.integers(5, 15))
def test_an_ipv4_header_is_right_where_its_sum_is(data: bytes, before: int, words: int) -> None:
    header = bytes([0x40 | words]) + (data * 3)[1 : words * 4]
    right = internet_checksum(header[:10] + b"\0\0" + header[12:], 0, len(header))
    whole = header[:10] + right.to_bytes(2, "big") + header[12:]
    assert ipv4_checksum_is_right(bytes(before) + whole + b"x", before)
    wrong = whole[:12] + bytes([whole[12] ^ 1]) + whole[13:]
    assert not ipv4_checksum_is_right(bytes(before) + wrong, before)
