"""Odd packets, one by one and at random, against the real tcpdump."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from aurora_wire.report.packets.tcpdump.line import TcpdumpLines, time_text
from aurora_wire.report.packets.tcpdump.tcp import MAX_CONNECTIONS
from tests.report import random_packets
from tests.report.tcpdump_runs import Record, by_packet, our_lines, tcpdump_lines, write_pcap

LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
IP4 = IP(src="10.0.0.5", dst="10.0.0.9", id=1)
IP6 = IPv6(src="2001:db8::5", dst="2001:db8::9")
NOON = 43_200 * 10**9


def segment(flags: str = "A", payload: bytes = b"", reply: bool = False, **fields: object) -> Packet:
    ports = {"sport": 3306, "dport": 40_000} if reply else {"sport": 40_000, "dport": 3306}
    packet = TCP(**ports, flags=flags, seq=fields.pop("seq", 1_000), ack=fields.pop("ack", 2_000), **fields)
    return packet / Raw(payload) if payload else packet


def check(tmp_path: Path, frames: list[bytes], link_type: int = 1, extra_len: int = 0) -> list[str]:
    """Compare all lines with tcpdump's; returns the header lines without their time."""
    records = [Record(link_type, NOON + number * 1_000, frame, len(frame) + extra_len)
               for number, frame in enumerate(frames)]
    capture = tmp_path / "odd.pcap"
    write_pcap(capture, records)
    ours = our_lines(records)
    assert ours == by_packet(tcpdump_lines(capture, "-X"))
    return [packet[0].partition(" ")[2] for packet in ours]


def test_numbers_are_relative_after_the_first_segment_with_ack(tmp_path: Path) -> None:
    lines = check(tmp_path, [bytes(LINK / IP4 / packet) for packet in (
        segment("S", seq=999, ack=0),
        segment("A", seq=1_000, ack=2_000),
        segment("PA", b"hello", seq=1_000, ack=2_000),
        segment("A", seq=990, ack=1_990),
        segment("SA", seq=5_000, ack=6_000),
        segment("FA", seq=5_001, ack=6_000),
    )])
    assert lines[0].startswith("IP 10.0.0.5.40000 > 10.0.0.9.3306: Flags [S], seq 999, win")
    assert "seq 1000" not in lines[2]
    assert "seq 0:5, ack 1," in lines[2]


@pytest.mark.parametrize("flags", ["", "S", "SEC", "SAE", "A", "PA", "FA", "R", "RA", "UA", "FSRPAUEC"])
def test_flags(tmp_path: Path, flags: str) -> None:
    urgent = segment(flags, urgptr=7)
    lines = check(tmp_path, [bytes(LINK / IP4 / urgent), bytes(LINK / IP6 / urgent)])
    assert ("Flags [none]" in lines[0]) == (flags == "")


@pytest.mark.parametrize("options", [
    [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 7)],
    [("SAck", (500, 600, 700, 800))],
    [("EOL", None)],
    [(19, bytes(range(16)))],
    [(34, b"12345678")],
    [(34, b"")],
    [(30, b"\x00\x81" + bytes(8))],
    [(30, b"\x20\x07" + bytes(18))],
    [(254, b"\xf9\x89abcd")],
    [(254, b"\x12\x34")],
    [(28, b"\x80\x03")],
    [(29, b"\x01\x02mac!")],
    [(200, b"what")],
])
@pytest.mark.parametrize("flags", ["S", "A"])
def test_options(tmp_path: Path, options: list[tuple[str | int, object]], flags: str) -> None:
    check(tmp_path, [bytes(LINK / IP4 / segment(flags, options=options)),
                     bytes(LINK / IP4 / segment("PA", b"reply", reply=True, options=options))])


def test_a_frame_cut_at_every_byte(tmp_path: Path) -> None:
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 7)]
    for packet in (LINK / IP4, LINK / Dot1Q(vlan=7) / IP6):
        whole = bytes(packet / segment("PA", b"payload", options=options))
        check(tmp_path, [whole[:end] for end in range(1, len(whole))], extra_len=100)


def test_vlan_tags_do_not_show(tmp_path: Path) -> None:
    lines = check(tmp_path, [bytes(LINK / Dot1Q(vlan=7) / Dot1Q(vlan=8) / IP4 / segment())])
    assert lines[0].startswith("IP 10.0.0.5.40000 > ")


def test_fragments(tmp_path: Path) -> None:
    frames = [bytes(LINK / part) for part in fragment(IP4 / segment("PA", b"x" * 100), 64)]
    frames += [bytes(LINK / IP6 / IPv6ExtHdrFragment(offset=offset, m=1, nh=6) / segment("PA", b"y" * 40))
               for offset in (0, 5)]
    lines = check(tmp_path, frames)
    assert lines[1].endswith("10.0.0.5 > 10.0.0.9: ip-proto-6")
    assert "frag (40|" in lines[-1]


def test_ipv6_extension_headers(tmp_path: Path) -> None:
    padded = IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0\0\0\0")])
    lines = check(tmp_path, [bytes(LINK / IP6 / padded / segment("PA", b"payload"))])
    assert lines[0].startswith("IP6 2001:db8::5 > 2001:db8::9: HBH 40000 > 3306: Flags [P.]")


def test_wrong_header_lengths(tmp_path: Path) -> None:
    lines = check(tmp_path, [
        bytes(LINK / IP4 / segment(dataofs=4)),
        bytes(LINK / IP4 / segment(dataofs=15)),
        bytes(LINK / IP(src="10.0.0.5", dst="10.0.0.9", ihl=3) / segment()),
        bytes(LINK / IP(src="10.0.0.5", dst="10.0.0.9", len=10) / segment()),
        bytes(LINK / IP(src="10.0.0.5", dst="10.0.0.9", len=500) / segment("PA", b"short")),
    ])
    assert "[bad hdr length 16 - too short, < 20]" in lines[0]
    assert lines[4].startswith("IP truncated-ip - 455 bytes missing! ")


def test_minimum_frame_padding_is_not_payload(tmp_path: Path) -> None:
    lines = check(tmp_path, [bytes(LINK / IP4 / segment()) + bytes(6)])
    assert lines[0].endswith("length 0")


def test_text_protocols_show_their_first_line(tmp_path: Path) -> None:
    request = TCP(sport=40_000, dport=8080, flags="PA") / Raw(b"GET /secret HTTP/1.1\r\nHost: a\r\n\r\n")
    lines = check(tmp_path, [bytes(LINK / IP4 / request)])
    assert lines[0].endswith(": HTTP: GET /secret HTTP/1.1")


@pytest.mark.parametrize("link_type", sorted(set(random_packets.LINK_TYPES)))
def test_random_packets(tmp_path: Path, link_type: int) -> None:
    records = random_packets.records(link_type, 60, link_type)
    capture = tmp_path / "random.pcap"
    write_pcap(capture, records)
    ours, theirs = our_lines(records), by_packet(tcpdump_lines(capture, "-X"))
    for record, our, their in zip(records, ours, theirs, strict=True):
        if not any(name in our[0] for name in ("EtherType", "ip-proto", "802.2 LLC")):
            assert our == their, record.frame.hex()


@pytest.mark.parametrize(("kind", "payload", "line"), [
    (0x0806, bytes(28), "ARP, length 28"),
    (0x88CC, bytes(10), "LLDP, length 10"),
    (0x1234, bytes(10), "EtherType 0x1234, length 24"),
])
def test_what_is_not_ip_has_one_plain_line(kind: int, payload: bytes, line: str) -> None:
    frame = bytes(12) + kind.to_bytes(2, "big") + payload
    assert TcpdumpLines().header_line(frame, 1, None, len(frame)) == line


def test_udp_and_icmp_have_one_plain_line() -> None:
    udp = bytes.fromhex("4500001e0001000040110000 0a000001 0a000002 0035c350000a0000 6162".replace(" ", ""))
    icmp = bytes.fromhex("450000180001000040010000 0a000001 0a000002 08000000".replace(" ", ""))
    lines = TcpdumpLines()
    assert lines.header_line(udp, 101, None, len(udp)) == "IP 10.0.0.1.53 > 10.0.0.2.50000: UDP, length 2"
    assert lines.header_line(icmp, 101, None, len(icmp)) == "IP 10.0.0.1 > 10.0.0.2: ICMP, length 4"
    assert lines.header_line(b"abc", 189, None, 3) == "link type 189, length 3"


def test_what_a_tunnel_carries_follows_the_plain_line() -> None:
    inner = LINK / IP4 / segment("PA", b"payload")
    outer = IP(src="192.0.2.1", dst="192.0.2.2", id=1) / UDP(sport=50_000, dport=4789)
    frame = bytes(LINK / outer / Raw(bytes.fromhex("0800000000000100")) / inner)
    line = TcpdumpLines().header_line(frame, 1, None, len(frame))
    assert line == (
        "IP 192.0.2.1.50000 > 192.0.2.2.4789: UDP, length 69: IP 10.0.0.5.40000 > 10.0.0.9.3306: "
        "Flags [P.], seq 1000:1007, ack 2000, win 8192, length 7"
    )


def test_tunnels_inside_tunnels_end() -> None:
    packet = b""
    for _ in range(400):
        length = (len(packet) + 20).to_bytes(2, "big")
        packet = b"\x45\x00" + length + bytes.fromhex("0001000040040000") + bytes(8) + packet
    assert "ip-proto-4" in TcpdumpLines().header_line(packet, 101, None, len(packet))


def test_the_interface_name_of_a_cooked_capture_is_the_callers(tmp_path: Path) -> None:
    frame = bytes.fromhex("0800000000000003030404060000000000000000") + bytes(IP4 / segment("S"))
    line = TcpdumpLines({3: "eth1"}).header_line(frame, 276, None, len(frame))
    assert line.startswith("eth1  Out IP 10.0.0.5.40000 > ")


def test_times_of_an_undated_dump_and_the_end_of_the_clock() -> None:
    assert time_text(1_700_000_000_123_456_789) == "22:13:20.123456"
    assert time_text(86_399_999_999_999, undated=True) == "23:59:59.999999"
    assert time_text(2**31 * 10**9) == "[Error converting time]"


def test_the_oldest_connection_is_forgotten_beyond_the_bound() -> None:
    lines = TcpdumpLines()
    head = bytes.fromhex("450000280001000040060000")
    tail = bytes.fromhex("0a000009 9c400cea 00000001 00000001 50110000 00000000")

    def line(client: int) -> str:
        return lines.header_line(head + client.to_bytes(4, "big") + tail, 101, None, 40)

    for client in range(MAX_CONNECTIONS):
        line(client)
    assert ", seq 0, ack 1," in line(0)
    line(MAX_CONNECTIONS)
    assert ", seq 0, ack 1," in line(1)
    assert ", seq 1, ack 1," in line(0)
