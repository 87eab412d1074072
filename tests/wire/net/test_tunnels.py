"""Tunnels of every kind, in any order, up to the bound; look-alikes are left alone."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, GRE, Ether
from scapy.packet import Raw

from aurora_wire.wire.net import skip_reasons as skipped
from aurora_wire.wire.net.cursor import MAX_DEPTH
from aurora_wire.wire.net.skip_reasons import skipped_name
from tests.wire.net.stacks import (
    EXPECTED_V4,
    EXPECTED_V6,
    LINKS,
    MAC_A,
    MAC_B,
    TAGS,
    TUNNELS,
    Changes,
    Stack,
    Wrapper,
    ethernet,
    found,
    gre,
    ip_in_ip,
    ipv4,
    ipv6,
    locate,
    mpls,
    new_locator,
    outer_v4,
    over_udp,
    segment,
    vxlan,
)

EXPECTED = {"ipv4": EXPECTED_V4, "ipv6": EXPECTED_V6}


def cases() -> list[tuple[str, str, bytes, int]]:
    """Every link and tunnel around everything that it carries: name, kind inside, frame, depth."""
    made = []
    for inner in (ipv4(), ipv6()):
        stacks: list[tuple[str, Stack]] = [(inner[0], inner), (f"Ethernet, {inner[0]}", ethernet(inner))]
        for label, stack in stacks:
            for tunnel in TUNNELS:
                if stack[0] in tunnel.carries:
                    frame = ethernet(tunnel.wrap(stack))[1]
                    made.append((f"{tunnel.name}, {label}", inner[0], frame, tunnel.depth))
            for link in LINKS:
                if stack[0] in link.carries:
                    made.append((f"{link.name}, {label}", inner[0], link.wrap(stack)[1], link.depth))
    return made


CASES = cases()
CHANGES = st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=4)
IDS = [case[0] for case in CASES]


@pytest.mark.parametrize(("name", "kind", "frame", "depth"), CASES, ids=IDS)
def test_the_segment_is_found_inside_every_tunnel(name: str, kind: str, frame: bytes, depth: int) -> None:
    answer, locator = locate(frame)
    assert skipped_name(answer, locator.reason_detail) == "TCP"
    assert found(locator) == replace(EXPECTED[kind], depth=depth)


@pytest.mark.parametrize(("name", "kind", "frame", "depth"), CASES, ids=IDS)
def test_a_mirrored_frame_that_was_cut_gives_a_prefix_or_a_reason(
    name: str, kind: str, frame: bytes, depth: int
) -> None:
    expected = replace(EXPECTED[kind], depth=depth)
    for kept in range(len(frame)):
        answer, locator = locate(frame, captured_len=kept)
        if answer == skipped.TCP:
            seen = found(locator)
            assert replace(seen, payload=expected.payload) == expected
            assert seen.payload == expected.payload[: max(0, len(expected.payload) - (len(frame) - kept))]
        else:
            # A cut UDP header is UDP; what is too short to show IP or Ethernet under MPLS has no name.
            assert skipped.is_malformed(answer) or answer in (skipped.UDP, skipped.OTHER_TUNNELLED)


@pytest.mark.parametrize(("name", "kind", "frame", "depth"), CASES, ids=IDS)
def test_the_place_in_a_bigger_buffer_does_not_matter(name: str, kind: str, frame: bytes, depth: int) -> None:
    buffer = b"\x45\x00" * 9 + frame + b"\x81\x00" * 20
    locator = new_locator()
    assert locator.locate(buffer, 18, len(frame), len(frame), 1) == skipped.TCP
    assert found(locator) == replace(EXPECTED[kind], depth=depth)
    assert locator.captured_end <= 18 + len(frame)


@st.composite
def nested(draw: st.DrawFn) -> tuple[bytes, str, int, list[str]]:
    """Up to MAX_DEPTH tunnels in any order, with tags between them."""
    stack = draw(st.sampled_from([ipv4(), ipv6()]))
    kind, depth = stack[0], 0
    names: list[str] = []
    everything: list[Wrapper] = TUNNELS + LINKS + TAGS
    for _ in range(draw(st.integers(0, 10))):
        wrapper = draw(st.sampled_from([w for w in everything if stack[0] in w.carries]))
        if depth + wrapper.depth > MAX_DEPTH:
            break
        stack = wrapper.wrap(stack)
        depth += wrapper.depth
        names.append(wrapper.name)
    frame = stack[1] if stack[0] == "ethernet" else ethernet(stack)[1]
    return frame, kind, depth, names


@settings(max_examples=150, deadline=None)
@given(nested())
def test_any_nesting_within_the_bound_is_followed(made: tuple[bytes, str, int, list[str]]) -> None:
    frame, kind, depth, _ = made
    answer, locator = locate(frame)
    assert skipped_name(answer, locator.reason_detail) == "TCP"
    assert found(locator) == replace(EXPECTED[kind], depth=depth)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CASES), CHANGES, st.data())
def test_no_changed_byte_raises_or_leads_out_of_the_buffer(case, changes: Changes, data) -> None:
    frame = bytearray(case[2])
    for at, value in changes:
        frame[at % len(frame)] = value
    kept = data.draw(st.integers(0, len(frame)))
    answer, locator = locate(bytes(frame), captured_len=kept)
    if answer == skipped.TCP:
        found(locator)
        assert locator.captured_end <= kept


def test_eight_tunnels_are_followed_and_nine_are_too_many() -> None:
    stack = ipv4()
    for _ in range(MAX_DEPTH):
        stack = ip_in_ip(stack)
    answer, locator = locate(ethernet(stack)[1])
    assert answer == skipped.TCP
    assert locator.encapsulation == MAX_DEPTH
    answer, locator = locate(ethernet(ip_in_ip(stack))[1])
    assert skipped_name(answer, locator.reason_detail) == "tunnels nested too deep"


def test_a_frame_full_of_mpls_labels_ends() -> None:
    frame = bytes(12) + b"\x88\x47" + b"\0\0\x10\x40" * 20_000
    assert locate(frame)[0] == skipped.TUNNEL_CUT


def test_depth_is_counted_anew_for_each_frame() -> None:
    locator = new_locator()
    for _ in range(20):
        assert locate(ethernet(vxlan(ethernet(ipv4())))[1], locator=locator)[0] == skipped.TCP
        assert locator.encapsulation == 1


def test_what_a_tunnel_carries_has_its_own_name() -> None:
    arp = bytes(Ether(src=MAC_A, dst=MAC_B) / ARP(hwsrc=MAC_A, psrc="10.0.0.1", pdst="10.0.0.2"))
    answer, locator = locate(ethernet(vxlan(("ethernet", arp)))[1])
    assert skipped_name(answer, locator.reason_detail) == "ARP"


INNER = ethernet(ipv4())[1]


@pytest.mark.parametrize(
    ("port", "payload"),
    [
        (4789, b"\x00" * 8 + INNER),                     # VXLAN without the I flag
        (4789, b"\x08\x00\x00\x01\0\0\x07\0" + bytes(60)),  # reserved bits set, and no Ethernet behind
        (4789, b"\x88\x01\x00\x00\0\0\x07\0" + bytes(60)),  # group policy, the same
        (4790, b"\x0c\x00\x00\x09\0\0\x07\x00" + INNER),    # GPE with an unknown protocol
        (4790, b"\x1c\x00\x00\x03\0\0\x07\x00" + INNER),    # GPE version 1
        (4790, b"\xcc\x00\x00\x01\0\0\x07\x00" + bytes(60)),
        (6081, b"\x40\x00\x65\x58\0\0\x07\0" + INNER),      # GENEVE version 1
        (6081, b"\x00\x80\x65\x58\0\0\x07\0" + INNER),      # a control message
        (6081, b"\x00\x00\x12\x34\0\0\x07\0" + INNER),
        (6081, b"\x3f\x00\x65\x58\0\0\x07\x00" + b"short"), # options beyond the datagram
        (2152, b"\x32\x01\x00\x04" + bytes(8)),              # GTP-U echo request
        (2152, b"\x30\xff\xff\xff" + bytes(4) + INNER),      # longer than the datagram
        (2152, b"\x34\xff\x00\x30" + bytes(7) + b"\x85\x00" + bytes(60)),  # an extension header of length 0
        (2152, b"\x48\x20\x00\x08" + bytes(40)),             # GTP version 2
        (53, b"\x08\x00\x00\x00\0\0\x07\0" + INNER),        # VXLAN on another port
        (4500, bytes(4) + b"IKE" * 20),
        (4789, b"tiny"),
    ],
)
def test_udp_that_only_looks_like_a_tunnel_is_udp(port: int, payload: bytes) -> None:
    answer, locator = locate(ethernet(over_udp(port, payload))[1])
    assert skipped_name(answer, locator.reason_detail) == "UDP"


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (ethernet(over_udp(4500, b"\x12\x34\x56\x78" + bytes(40)))[1], "ESP (IPsec)"),
        (ethernet(outer_v4(50, bytes(60)))[1], "ESP (IPsec)"),
        (ethernet(outer_v4(47, b"\x30\x81\x88\x0b" + bytes(60)))[1], "control message of a tunnel"),
        (ethernet(outer_v4(47, b"\x40\x00\x08\x00" + bytes(60)))[1], "GRE flags 0x4000 not known"),
        (ethernet(outer_v4(47, b"\x00\x00\x88\xcc" + bytes(60)))[1], "LLDP"),
        (ethernet(outer_v4(47, b"\x10\x00\x88\xbe" + bytes(60)))[1], "Ethernet type 0x88be not known"),
        (ethernet(outer_v4(47, b"\x10\x00\x22\xeb" + bytes(60)))[1], "Ethernet type 0x22eb not known"),
        (ethernet(outer_v4(47, b"\x00\x00"))[1], "tunnel header cut"),
        (mpls(("none", b"\x10" + bytes(40)))[1], "tunnel with neither IP nor Ethernet inside"),
    ],
)
def test_a_tunnel_that_is_not_followed_has_a_name(frame: bytes, name: str) -> None:
    answer, locator = locate(frame)
    assert skipped_name(answer, locator.reason_detail) == name


@pytest.mark.parametrize(
    ("port", "header"),
    [
        (4789, b"\x08\x00\x00\x01\0\0\x07\0"), (4789, b"\xc8\x10\x00\x01\0\0\x07\x01"),
        (4789, b"\x0c\x00\x00\x03\0\0\x07\0"), (6081, b"\x00\x3f\x65\x58\0\0\x07\xff"),
    ],
)
def test_reserved_bits_hide_no_tunnel(port: int, header: bytes) -> None:
    answer, locator = locate(ethernet(over_udp(port, header + INNER))[1])
    assert answer == skipped.TCP
    assert found(locator) == replace(EXPECTED_V4, depth=1)


@pytest.mark.parametrize("first", [0x00, 0x02, 0x4A, 0x66, 0xAA])
def test_ethernet_under_mpls_is_told_from_ip_whatever_its_address_begins_with(first: int) -> None:
    inner = bytes([first]) + INNER[1:]
    for control_word in (b"", b"\x00\x00\x00\x09"):
        answer, locator = locate(mpls(("ethernet", inner), 1, control_word)[1])
        assert answer == skipped.TCP
        assert found(locator) == replace(EXPECTED_V4, depth=1)


@pytest.mark.parametrize("source", ["8.0.0.1", "129.0.0.1", "2001:db8:800::1", "2001:db8:8100::1"])
def test_an_ip_address_under_mpls_that_looks_like_an_ethernet_type_is_none(source: str) -> None:
    if ":" in source:
        stack = ("ipv6", bytes(IPv6(src=source, dst="2001:db8::9") / segment()))
    else:
        stack = ("ipv4", bytes(IP(src=source, dst="10.0.0.9") / segment()))
    answer, locator = locate(mpls(stack)[1])
    assert answer == skipped.TCP
    assert found(locator) == replace(EXPECTED[stack[0]], source=source, depth=1)


def test_bytes_behind_the_udp_length_are_no_part_of_the_tunnel() -> None:
    # The inner total length is 0, so that the layer around it decides.
    inner = bytearray(ipv4()[1])
    inner[2:4] = b"\0\0"
    datagram = UDP(sport=4, dport=4789, len=8 + 8 + 14 + len(inner)) / Raw(
        b"\x08" + bytes(7) + ethernet(("ipv4", bytes(inner)))[1] + b"trailer"
    )
    frame = bytes(Ether(src=MAC_A, dst=MAC_B) / IP(src="192.0.2.1", dst="192.0.2.2") / datagram)
    answer, locator = locate(frame)
    assert answer == skipped.TCP
    assert found(locator) == replace(EXPECTED_V4, depth=1)


def test_erspan_may_carry_ip_without_ethernet() -> None:
    header = struct.pack(">IIHH", 0x20000000, 0, 0, 2 << 10)
    answer, locator = locate(ethernet(outer_v4(47, b"\x10\x00\x22\xeb" + bytes(4) + header + ipv4()[1]))[1])
    assert answer == skipped.TCP
    assert found(locator) == replace(EXPECTED_V4, depth=1)


def test_scapy_builds_the_same_geneve_and_gtp_headers_as_these_tests() -> None:
    geneve = over_udp(6081, bytes(GENEVE(proto=0x6558, vni=7) / Raw(INNER)))
    gtp = over_udp(2152, bytes(GTP_U_Header(teid=3, gtp_type=255) / Raw(ipv4()[1])))
    for stack in (geneve, gtp):
        answer, locator = locate(ethernet(stack)[1])
        assert answer == skipped.TCP
        assert found(locator) == replace(EXPECTED_V4, depth=1)


def test_gre_with_a_key_alone_is_nvgre() -> None:
    answer, locator = locate(ethernet(gre(ethernet(ipv4()), key_present=1, key=5))[1])
    assert answer == skipped.TCP
    assert bytes(GRE(key_present=1, key=5))[:2] == b"\x20\x00"
    assert found(locator).depth == 1
