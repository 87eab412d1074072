"""Every link type leads to the same segment, and what leads nowhere has a name."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dot11 import Dot11, RadioTap
from scapy.layers.l2 import ARP, LLC, SNAP, STP, CookedLinux, CookedLinuxV2, Dot3, Ether
from scapy.packet import Raw

from aurora_wire.wire.net import skip_reasons as skipped
from aurora_wire.wire.net.skip_reasons import skipped_name
from tests.wire.net.stacks import (
    EXPECTED_V4,
    EXPECTED_V6,
    MAC_A,
    MAC_B,
    TAGS,
    Changes,
    Stack,
    ethernet,
    ethertype_of,
    found,
    ipv4,
    ipv6,
    locate,
    new_locator,
    ppp_number,
    vlan,
)

EXPECTED = {"ipv4": EXPECTED_V4, "ipv6": EXPECTED_V6}
INNER = [ipv4(), ipv6()]


def snap(stack: Stack) -> bytes:
    header = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=ethertype_of(stack))
    return bytes(header / Raw(stack[1]))


def wifi(stack: Stack, **fields: object) -> bytes:
    header = Dot11(type=2, subtype=0, addr1=MAC_A, addr2=MAC_B, addr3=MAC_A, **fields)
    return bytes(header) + snap(stack)


def wifi_qos(stack: Stack, quality: bytes = b"\0\0") -> bytes:
    header = Dot11(type=2, subtype=8, addr1=MAC_A, addr2=MAC_B, addr3=MAC_A)
    return bytes(header) + quality + snap(stack)


def padded_radiotap(stack: Stack) -> bytes:
    # TSFT and flags present: the flags (0x20, header padded) follow 8 aligned bytes of time.
    header = struct.pack("<BBHIQB", 0, 0, 17, 0x3, 1, 0x20)
    frame = wifi_qos(stack)
    return header + frame[:26] + b"\0\0" + frame[26:]


def radiotap_with_two_maps(stack: Stack) -> bytes:
    header = struct.pack("<BBHIIB", 0, 0, 13, 0x80000002, 0, 0x20)
    frame = wifi_qos(stack)
    return header + frame[:26] + b"\0\0" + frame[26:]


def families(stack: Stack) -> list[int]:
    return [2] if stack[0] == "ipv4" else [10, 24, 28, 30]


def link_frames(stack: Stack) -> list[tuple[str, int, bytes]]:
    kind = ethertype_of(stack)
    body = stack[1]
    ppp = ppp_number(stack) + body
    frames = [
        ("Ethernet", 1, ethernet(stack)[1]),
        ("SLL", 113, bytes(CookedLinux(pkttype=4, lladdrlen=6, src=bytes(8), proto=kind)) + body),
        ("SLL2", 276, bytes(CookedLinuxV2(proto=kind, ifindex=3, lladdrlen=6, src=bytes(8))) + body),
        ("SLL with a VLAN tag", 113, bytes(14) + struct.pack(">HHH", 0x8100, 7, kind) + body),
        ("raw", 101, body), ("raw 12", 12, body), ("raw 14", 14, body),
        ("IPv4 or IPv6 link", 228 if stack[0] == "ipv4" else 229, body),
        ("PPP", 9, b"\xff\x03" + ppp), ("PPP without address", 9, ppp),
        ("PPP with a short protocol field", 9, b"\xff\x03" + ppp[1:]),
        ("PPP in HDLC framing", 50, b"\xff\x03" + ppp),
        ("Cisco HDLC on a PPP line", 50, struct.pack(">HH", 0x0F00, kind) + body),
        ("PPP with direction", 204, b"\x01\xff\x03" + ppp),
        ("PPP of PPPoE", 51, struct.pack(">BBHH", 0x11, 0, 7, len(ppp)) + ppp),
        ("Cisco HDLC", 104, struct.pack(">HH", 0x0F00, kind) + body),
        ("802.11", 105, wifi(stack)),
        ("802.11 with four addresses", 105, wifi(stack, FCfield=3, addr4=MAC_B)),
        ("802.11 QoS", 105, wifi_qos(stack)),
        ("radiotap", 127, bytes(RadioTap()) + wifi(stack)),
        ("radiotap with padding", 127, padded_radiotap(stack)),
        ("radiotap without flags", 127, struct.pack("<BBHIB", 0, 0, 9, 4, 0x22) + wifi_qos(stack)),
        ("radiotap with two bit maps", 127, radiotap_with_two_maps(stack)),
    ]
    for family in families(stack):
        frames += [
            (f"NULL little-endian {family}", 0, struct.pack("<I", family) + body),
            (f"NULL big-endian {family}", 0, struct.pack(">I", family) + body),
            (f"LOOP {family}", 108, struct.pack(">I", family) + body),
        ]
    return frames


CASES = [(name, stack[0], link, frame) for stack in INNER for name, link, frame in link_frames(stack)]
IDS = [f"{name} {kind}" for name, kind, _, _ in CASES]


@pytest.mark.parametrize(("name", "kind", "link_type", "frame"), CASES, ids=IDS)
def test_the_segment_is_found_on_every_link_type(name: str, kind: str, link_type: int, frame: bytes) -> None:
    answer, locator = locate(frame, link_type)
    assert skipped_name(answer, locator.reason_detail) == "TCP"
    assert found(locator) == EXPECTED[kind]


@pytest.mark.parametrize(("name", "kind", "link_type", "frame"), CASES, ids=IDS)
def test_a_cut_frame_gives_a_prefix_of_the_segment_or_a_reason(
    name: str, kind: str, link_type: int, frame: bytes
) -> None:
    for kept in range(len(frame)):
        answer, locator = locate(frame, link_type, kept)
        if answer == skipped.TCP:
            seen = found(locator)
            assert replace(seen, payload=EXPECTED[kind].payload) == EXPECTED[kind]
            assert EXPECTED[kind].payload.startswith(seen.payload)
            assert len(seen.payload) == max(0, len(EXPECTED[kind].payload) - (len(frame) - kept))
        else:
            assert skipped.is_malformed(answer), skipped_name(answer, locator.reason_detail)


@pytest.mark.parametrize(("name", "kind", "link_type", "frame"), CASES, ids=IDS)
def test_the_place_of_a_frame_in_a_bigger_buffer_does_not_matter(
    name: str, kind: str, link_type: int, frame: bytes
) -> None:
    for before in (0, 1, 7, 64):
        buffer = b"\x45" * before + frame + b"\xff" * 40
        locator = new_locator()
        assert locator.locate(buffer, before, len(frame), len(frame), link_type) == skipped.TCP
        assert found(locator) == EXPECTED[kind]
        assert before <= locator.ip_at
        assert locator.captured_end <= before + len(frame)


@pytest.mark.parametrize("tag", TAGS, ids=lambda tag: tag.name)
@pytest.mark.parametrize("stack", INNER, ids=lambda stack: stack[0])
def test_vlan_tags_are_skipped(tag, stack: Stack) -> None:
    answer, locator = locate(tag.wrap(ethernet(stack))[1])
    assert answer == skipped.TCP
    assert found(locator) == EXPECTED[stack[0]]


def test_a_frame_full_of_vlan_tags_ends() -> None:
    frame = bytes(12) + b"\x81\x00\x00\x01" * 20_000
    answer, _ = locate(frame)
    assert answer == skipped.LINK_CUT


def test_a_vlan_tag_may_be_followed_by_802_3() -> None:
    stack = INNER[0]
    inner = snap(stack)
    frame = bytes(12) + struct.pack(">HHH", 0x8100, 5, len(inner)) + inner
    answer, locator = locate(frame)
    assert answer == skipped.TCP
    assert found(locator) == EXPECTED_V4


def test_ethernet_padding_is_no_payload() -> None:
    stack = ipv4(b"")
    frame = ethernet(stack)[1] + bytes(6)
    answer, locator = locate(frame)
    assert answer == skipped.TCP
    assert found(locator) == replace(EXPECTED_V4, payload=b"", payload_len=0)


def test_padding_that_was_not_captured_is_no_payload_either() -> None:
    frame = ethernet(ipv4(b""))[1]
    locator = new_locator()
    assert locator.locate(frame, 0, len(frame), len(frame) + 6, 1) == skipped.TCP
    assert found(locator).payload_len == 0


@pytest.mark.parametrize(
    ("link_type", "frame", "name"),
    [
        (1, bytes(Ether(src=MAC_A, dst=MAC_B) / ARP(hwsrc=MAC_A, psrc="10.0.0.1", pdst="10.0.0.2")), "ARP"),
        (1, bytes(Dot3(src=MAC_A, dst=MAC_B) / LLC() / STP()), "802.3 LLC"),
        (1, bytes(12) + b"\x88\xcc" + bytes(50), "LLDP"),
        (1, bytes(12) + b"\x88\x63" + bytes(50), "PPPoE discovery"),
        (1, bytes(12) + b"\x88\x64" + bytes(50), "PPPoE without a session"),
        (1, bytes(12) + b"\x88\xe5\x2c" + bytes(50), "MACsec (encrypted Ethernet)"),
        (1, bytes(12) + b"\xab\xcd" + bytes(50), "Ethernet type 0xabcd not known"),
        (1, vlan(("ethernet", bytes(12) + b"\xab\xcd" + bytes(50)))[1], "Ethernet type 0xabcd not known"),
        (1, bytes(13), "link header cut"),
        (1, b"", "link header cut"),
        (113, bytes(15), "link header cut"),
        (0, b"\x07\0\0\0" + bytes(40), "loopback address family 7 not known"),
        (9, b"\xff\x03\xc0\x21" + bytes(40), "PPP LCP"),
        (9, b"\xff\x03\x00\xfd" + bytes(40), "PPP compressed or encrypted"),
        (9, b"\xff\x03\x12\x34" + bytes(40), "PPP protocol 0x1234 not known"),
        (101, b"\x50" + bytes(40), "tunnel with neither IP nor Ethernet inside"),
        (105, wifi(INNER[0], FCfield=0x40), "802.11 protected"),
        (105, bytes(Dot11(type=0, subtype=8, addr1=MAC_A, addr2=MAC_B, addr3=MAC_A)), "802.11 without data"),
        (105, wifi_qos(INNER[0], b"\x80\0"), "802.11 A-MSDU"),
        (105, wifi(INNER[0], FCfield=4), "802.11 fragment"),
        (147, bytes(60), "link type 147 not known"),
        (9999, bytes(60), "link type 9999 not known"),
    ],
)
def test_what_is_no_tcp_has_a_name(link_type: int, frame: bytes, name: str) -> None:
    answer, locator = locate(frame, link_type)
    assert skipped_name(answer, locator.reason_detail) == name


def test_the_detail_of_one_frame_is_not_kept_for_the_next() -> None:
    locator = new_locator()
    locate(bytes(60), 9999, locator=locator)
    locate(b"", 1, locator=locator)
    assert locator.reason_detail == 0


def test_every_reason_has_a_name_of_its_own() -> None:
    reasons = [v for k, v in vars(skipped).items() if k.isupper() and isinstance(v, int)]
    assert sorted(reasons) == sorted(skipped.SKIPPED)
    assert len(set(skipped.SKIPPED.values())) == len(reasons)


CHANGES = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=4)
LINK_TYPES = sorted({link for _, _, link, _ in CASES} | {77})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(LINK_TYPES), st.binary(max_size=120), st.integers(0, 200), st.integers(0, 9))
def test_no_bytes_raise_or_lead_out_of_the_buffer(link: int, data: bytes, original: int, at: int) -> None:
    locator = new_locator()
    answer = locator.locate(bytes(at) + data, at, len(data), original, link)
    if answer == skipped.TCP:
        found(locator)
    assert skipped_name(answer, locator.reason_detail)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CASES), CHANGES, st.data())
def test_no_changed_byte_raises_or_leads_out_of_the_buffer(case, changes: Changes, data) -> None:
    frame = bytearray(case[3])
    for at, value in changes:
        frame[at % len(frame)] = value
    kept = data.draw(st.integers(0, len(frame)))
    locator = new_locator()
    answer = locator.locate(bytes(frame), 0, kept, len(frame), case[2])
    if answer == skipped.TCP:
        found(locator)
        assert locator.captured_end <= kept


@pytest.mark.parametrize("captured_len", [0, 10, 50, 1000, 1 << 40])
def test_a_claim_of_more_bytes_than_the_buffer_holds_is_not_believed(captured_len: int) -> None:
    frame = ethernet(INNER[0])[1]
    locator = new_locator()
    is_segment = locator.locate(frame, 0, captured_len, captured_len, 1) == skipped.TCP
    assert is_segment is (captured_len >= 54)
    if is_segment:
        assert found(locator) == EXPECTED_V4
