"""IPv4 and IPv6: lengths that lie, options, extension headers, headers that are cut or wrong."""

from __future__ import annotations

import struct
from dataclasses import replace

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    Jumbo,
    PadN,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from aurora_wire.wire.net import skip_reasons as skipped
from aurora_wire.wire.net.skip_reasons import skipped_name
from tests.wire.net.stacks import (
    CLIENT_PORT,
    CLIENT_V4,
    CLIENT_V6,
    EXPECTED_V4,
    EXPECTED_V6,
    PAYLOAD,
    SERVER_PORT,
    SERVER_V4,
    SERVER_V6,
    Found,
    ethernet,
    found,
    ipv4,
    ipv6,
    locate,
    new_locator,
    segment,
)

RAW = 101


def v4(*layers: object, **fields: object) -> bytes:
    packet = IP(src=CLIENT_V4, dst=SERVER_V4, **fields)
    for layer in layers:
        packet = packet / layer
    return bytes(packet)


def v6(*layers: object, **fields: object) -> bytes:
    packet = IPv6(src=CLIENT_V6, dst=SERVER_V6, **fields)
    for layer in layers:
        packet = packet / layer
    return bytes(packet)


def name_of(frame: bytes, link_type: int = RAW, captured_len: int | None = None) -> str:
    answer, locator = locate(frame, link_type, captured_len)
    return skipped_name(answer, locator.reason_detail)


def located(frame: bytes, original_len: int | None = None) -> Found:
    locator = new_locator()
    answer = locator.locate(frame, 0, len(frame), len(frame) if original_len is None else original_len, RAW)
    assert skipped_name(answer, locator.reason_detail) == "TCP"
    return found(locator)


def with_length(frame: bytes, length: int) -> bytes:
    at = 2 if frame[0] >> 4 == 4 else 4
    return frame[:at] + struct.pack(">H", length) + frame[at + 2 :]


EXTENDED_V6 = {
    "hop-by-hop": v6(IPv6ExtHdrHopByHop(), segment()),
    "routing": v6(IPv6ExtHdrRouting(addresses=["2001:db8::77"], segleft=0), segment()),
    "destination": v6(IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(20))]), segment()),
    "AH": v6(AH(nh=6, payloadlen=4, spi=3, seq=1, icv=bytes(12)), segment()),
    "many": v6(
        IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrRouting(addresses=["2001:db8::77"], segleft=0),
        AH(nh=60, payloadlen=6, spi=3, seq=1, icv=bytes(20)), IPv6ExtHdrDestOpt(), segment(),
    ),
    "atomic fragment": v6(Raw(bytes([6, 0, 0, 0, 1, 2, 3, 4])), segment(), nh=44),
}


@pytest.mark.parametrize("frame", EXTENDED_V6.values(), ids=EXTENDED_V6)
def test_ipv6_extension_headers_are_walked_over(frame: bytes) -> None:
    assert located(frame) == EXPECTED_V6


@pytest.mark.parametrize("frame", EXTENDED_V6.values(), ids=EXTENDED_V6)
def test_a_cut_extension_header_is_a_cut_ip_header(frame: bytes) -> None:
    for kept in range(len(frame)):
        answer, locator = locate(frame, RAW, kept)
        if answer == skipped.TCP:
            assert found(locator) == replace(EXPECTED_V6, payload=locator.buffer[locator.payload_at :])
        else:
            assert answer in (skipped.IP_CUT, skipped.TCP_CUT)


def test_ipv4_options_are_walked_over() -> None:
    assert located(v4(segment(), options=[IPOption_RR()])) == EXPECTED_V4
    assert located(v4(segment(), options=[IPOption_RR(routers=["1.2.3.4"] * 9)])) == EXPECTED_V4


def test_ah_is_walked_over_in_ipv4_too() -> None:
    header = AH(nh=6, payloadlen=4, spi=3, seq=1, icv=bytes(12))
    assert located(v4(header, segment(), proto=51)) == EXPECTED_V4


@pytest.mark.parametrize(("stack", "expected"), [(ipv4(), EXPECTED_V4), (ipv6(), EXPECTED_V6)])
def test_length_zero_means_as_long_as_the_frame(stack: tuple[str, bytes], expected: Found) -> None:
    frame = with_length(stack[1], 0)
    assert located(frame) == expected
    longer = replace(expected, payload_len=len(PAYLOAD) + 3000)
    assert located(frame, len(frame) + 3000) == longer


@pytest.mark.parametrize(("stack", "expected"), [(ipv4(), EXPECTED_V4), (ipv6(), EXPECTED_V6)])
def test_a_length_beyond_the_frame_stands_and_the_rest_counts_as_cut(
    stack: tuple[str, bytes], expected: Found
) -> None:
    whole = struct.unpack_from(">H", stack[1], 2 if stack[0] == "ipv4" else 4)[0]
    frame = with_length(stack[1], whole + 500)
    assert located(frame) == replace(expected, payload_len=len(PAYLOAD) + 500)
    assert located(frame, len(frame) + 100) == replace(expected, payload_len=len(PAYLOAD) + 500)


@pytest.mark.parametrize(("stack", "expected"), [(ipv4(), EXPECTED_V4), (ipv6(), EXPECTED_V6)])
def test_a_length_short_of_the_frame_cuts_padding_off(stack: tuple[str, bytes], expected: Found) -> None:
    assert located(stack[1] + b"padding") == expected
    whole = struct.unpack_from(">H", stack[1], 2 if stack[0] == "ipv4" else 4)[0]
    shorter = replace(expected, payload=PAYLOAD[:-10], payload_len=len(PAYLOAD) - 10)
    assert located(with_length(stack[1], whole - 10)) == shorter


def jumbo(payload: bytes, length: int | None = None) -> bytes:
    tcp = bytes(segment(payload))
    size = 8 + len(tcp) if length is None else length
    return v6(IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=size)], nh=6), Raw(tcp), plen=0)


def test_a_jumbogram_is_as_long_as_its_option_says() -> None:
    payload = bytes(range(256)) * 400
    expected = replace(EXPECTED_V6, payload=payload, payload_len=len(payload))
    assert located(jumbo(payload)) == expected
    assert located(jumbo(payload) + b"trailer") == expected
    # Cut by the snaplen: the claim stands.
    assert located(jumbo(payload)[:200], 200).payload_len == len(payload)


@pytest.mark.parametrize("length", [0, 1, 40, 65535, 1 << 24, 0xFFFFFFFF])
def test_a_jumbo_length_that_no_sender_makes_is_malformed(length: int) -> None:
    assert name_of(jumbo(PAYLOAD, length)) == "malformed IP header"


def test_the_length_of_a_cut_frame_comes_from_the_ip_header() -> None:
    frame = ipv4(bytes(1400))[1]
    answer, locator = locate(frame, RAW, 96)
    assert answer == skipped.TCP
    assert (locator.payload_len, locator.captured_end) == (1400, 96)


def test_tcp_options_that_the_snaplen_cut_leave_ports_and_lengths() -> None:
    frame = ipv4()[1]
    answer, locator = locate(frame, RAW, 45)  # 20 + 20 + 5 of 12 bytes of options
    assert answer == skipped.TCP
    assert found(locator) == replace(EXPECTED_V4, payload=b"")
    assert locator.payload_at == locator.captured_end == 45


def test_a_cut_tcp_header_is_named() -> None:
    frame = ipv4()[1]
    for kept in range(20, 40):
        assert name_of(frame, RAW, kept) == "TCP header cut"
    for kept in range(1, 20):
        assert name_of(frame, RAW, kept) == "IP header cut"
        assert name_of(frame[:20], RAW, kept) == "IP header cut"
    for kept in range(1, 40):
        assert name_of(ipv6()[1][:40], RAW, kept) == "IP header cut"


def with_byte(frame: bytes, at: int, value: int) -> bytes:
    return frame[:at] + bytes([value]) + frame[at + 1 :]


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (with_byte(ipv4()[1], 0, 0x44), "malformed IP header"),                 # header of 16 bytes
        (with_length(ipv4()[1], 19), "malformed IP header"),
        (with_length(ipv4()[1], 39), "malformed TCP header"),                   # 19 bytes of TCP
        (with_byte(ipv4()[1], 32, 0x40), "malformed TCP header"),               # data offset 4
        (with_byte(v4(segment(b"", [])), 32, 0xF0), "malformed TCP header"),    # header beyond the segment
        (with_length(ipv6()[1], 12), "malformed TCP header"),
        (with_byte(EXTENDED_V6["hop-by-hop"], 41, 200), "malformed IP header"), # extension header beyond it
        (ipv4()[1][:19], "IP header cut"),
        (ipv6()[1][:39], "IP header cut"),
        (v4(ICMP()), "ICMP"),
        (v4(UDP(sport=53, dport=53)), "UDP"),
        (v4(Raw(bytes(40)), proto=132), "SCTP"),
        (v4(Raw(bytes(40)), proto=2), "IGMP"),
        (v4(Raw(bytes(40)), proto=89), "OSPF"),
        (v4(Raw(bytes(40)), proto=253), "IP protocol 253 not known"),
        (v6(ICMPv6EchoRequest()), "IPv6 ICMP"),
        (v6(IPv6ExtHdrHopByHop(), ICMPv6EchoRequest()), "IPv6 ICMP"),
        (v6(Raw(bytes(40)), nh=50), "ESP (IPsec)"),
        (v6(nh=59), "IPv6 without a payload"),
        (v6(IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop(), segment()), "IPv6 hop-by-hop options out of place"),
        (v4(Raw(bytes(40)), proto=0), "IPv6 hop-by-hop options out of place"),
    ],
)
def test_what_is_wrong_or_is_not_tcp_has_a_name(frame: bytes, name: str) -> None:
    assert name_of(frame) == name


def test_the_ethernet_type_and_the_ip_version_must_agree() -> None:
    assert name_of(ethernet(("ipv6", ipv4()[1]))[1], 1) == "malformed IP header"
    assert name_of(ethernet(("ipv4", ipv6()[1]))[1], 1) == "malformed IP header"


def test_a_chain_of_extension_headers_that_fills_the_frame_ends() -> None:
    frame = v6(Raw(bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 8000), nh=60)
    assert name_of(frame) == "malformed IP header"


@settings(max_examples=200, deadline=None)
@given(
    source=st.ip_addresses(v=4).map(str), sport=st.integers(0, 65535), payload=st.binary(max_size=64),
    option_words=st.integers(0, 10), tcp_words=st.integers(0, 10), padding=st.integers(0, 20),
)
def test_dpkt_agrees_on_addresses_ports_and_payload(
    source: str, sport: int, payload: bytes, option_words: int, tcp_words: int, padding: int
) -> None:
    header = TCP(sport=sport, dport=SERVER_PORT, options=[("NOP", None)] * (4 * tcp_words))
    packet = IP(src=source, dst=SERVER_V4, options=Raw(b"\x01" * (4 * option_words))) / header / Raw(payload)
    frame = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet) + bytes(padding)
    answer, locator = locate(frame)
    assert answer == skipped.TCP
    seen = found(locator)
    judged = dpkt.ethernet.Ethernet(frame).data
    assert (seen.source_port, seen.destination_port) == (judged.data.sport, judged.data.dport)
    assert locator.buffer[locator.addresses_at :][:8] == judged.src + judged.dst
    assert seen.payload == judged.data.data == payload


def test_source_and_destination_of_the_reply_are_the_other_way_round() -> None:
    reply = IP(src=SERVER_V4, dst=CLIENT_V4) / TCP(sport=SERVER_PORT, dport=CLIENT_PORT)
    seen = located(bytes(reply))
    assert (seen.source, seen.source_port) == (SERVER_V4, SERVER_PORT)
    assert (seen.destination, seen.destination_port) == (CLIENT_V4, CLIENT_PORT)


PLACES = ("ip_version", "tcp_at", "captured_end", "segment_len", "payload_at", "payload_len", "in_dispute")


@settings(max_examples=600, deadline=None)
@given(
    stack=st.sampled_from([ipv4(), ipv4(b""), ipv6(), ipv6(b""), ipv4(b"x" * 300), ipv6(b"x" * 300)]),
    changes=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=3),
    kept=st.integers(0, 400),
    lost=st.sampled_from([0, 0, 1, 40, 2000]),
    padding=st.sampled_from([0, 0, 6]),
)
def test_what_is_found_at_fixed_offsets_is_what_the_layers_find(
    stack: tuple[str, bytes], changes: list[tuple[int, int]], kept: int, lost: int, padding: int
) -> None:
    kind, packet = stack
    edited = bytearray(packet + bytes(padding))
    for at, value in changes:
        edited[at % len(edited)] = value
    datagram = bytes(edited)[: max(kept, 1)]
    length = max(len(datagram), len(packet) + lost) if lost or len(datagram) < len(packet) else len(datagram)
    quick, layered = new_locator(), new_locator()
    frame = bytes(12) + (b"\x08\0" if kind == "ipv4" else b"\x86\xdd") + datagram
    found_quick = quick.locate(frame, 0, len(frame), length + 14, 1)
    found_layered = layered.locate(bytes(14) + datagram, 14, len(datagram), length, 228 if kind == "ipv4" else 229)
    assert skipped_name(found_quick, quick.reason_detail) == skipped_name(found_layered, layered.reason_detail)
    if found_quick == skipped.TCP:
        assert [getattr(quick, name) for name in PLACES] == [getattr(layered, name) for name in PLACES]
        assert quick.buffer[quick.addresses_at : quick.tcp_at] == layered.buffer[layered.addresses_at : layered.tcp_at]
