"""The kernel runs our filters on packets that scapy builds, and decides as libpcap's filters do, or better."""

from __future__ import annotations

import socket

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from aurora_wire.capture.live.bpf import (
    MAX_INSTRUCTIONS,
    Filter,
    Program,
    attach,
    build_program,
    expression_filter,
    port_filter,
)
from aurora_wire.errors import UsageError

V4 = {"src": "10.0.0.5", "dst": "10.0.0.9"}
V6 = {"src": "2001:db8::5", "dst": "2001:db8::9"}
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
ETHER = Ether(**MACS)


def takes(program: Program, frame: bytes) -> bool:
    """The kernel runs the filter of a socket on what is sent to it: here a whole frame as one datagram."""
    sending, receiving = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sending, receiving:
        attach(receiving, program)
        receiving.setblocking(False)
        sending.send(frame)
        try:
            return receiving.recv(65536) == frame
        except BlockingIOError:
            return False


def tcp(source: int = 40000, destination: int = 3306) -> Packet:
    return TCP(sport=source, dport=destination, seq=1) / Raw(b"x" * 40)


NETWORK = {
    "to the port": (IP(**V4) / tcp(), True),
    "from the port": (IP(**V4) / tcp(3306, 40000), True),
    "another port": (IP(**V4) / tcp(40000, 3307), False),
    "options in the header": (IP(**V4, options=[b"\x01\x01\x01\x00"]) / tcp(), True),
    "UDP": (IP(**V4) / UDP(sport=1, dport=3306), False),
    "ICMP": (IP(**V4) / ICMP(), False),
    "IPv6": (IPv6(**V6) / tcp(), True),
    "IPv6, another port": (IPv6(**V6) / tcp(1, 2), False),
    "IPv6, UDP": (IPv6(**V6) / UDP(sport=1, dport=3306), False),
}
# What libpcap's `tcp port N` leaves out, though it may be MySQL.
MORE = {
    "a later fragment": (fragment(IP(**V4) / TCP(sport=1, dport=3306) / Raw(bytes(100)), 40)[1], True),
    "a later fragment of UDP": (fragment(IP(**V4) / UDP(sport=1, dport=3306) / Raw(bytes(100)), 40)[1], False),
    "IPv6, first fragment": (IPv6(**V6) / IPv6ExtHdrFragment(m=1) / tcp(), True),
    "IPv6, first fragment of another port": (IPv6(**V6) / IPv6ExtHdrFragment(m=1) / tcp(1, 2), False),
    "IPv6, later fragment": (IPv6(**V6) / IPv6ExtHdrFragment(offset=9, nh=6) / Raw(bytes(40)), True),
    "IPv6, later fragment of UDP": (IPv6(**V6) / IPv6ExtHdrFragment(offset=9, nh=17) / Raw(bytes(40)), False),
    "IPv6, hop by hop": (IPv6(**V6) / IPv6ExtHdrHopByHop() / tcp(), True),
    "IPv6, three headers": (
        IPv6(**V6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(addresses=["::1"]) / IPv6ExtHdrDestOpt() / tcp(), True,
    ),
    "IPv6, headers before another port": (IPv6(**V6) / IPv6ExtHdrDestOpt() / tcp(1, 2), False),
    "IPv6, a header and a fragment": (IPv6(**V6) / IPv6ExtHdrDestOpt() / IPv6ExtHdrFragment(m=1) / tcp(), True),
}  # fmt: skip
LINK = {
    "a VLAN tag": (Ether(**MACS) / Dot1Q(vlan=5) / IP(**V4) / tcp(), True),
    "two VLAN tags": (Ether(**MACS) / Dot1AD(vlan=5) / Dot1Q(vlan=6) / IPv6(**V6) / tcp(), True),
    "a VLAN tag, another port": (Ether(**MACS) / Dot1Q(vlan=5) / IP(**V4) / tcp(1, 2), False),
    "three VLAN tags": (Ether(**MACS) / Dot1Q() / Dot1Q() / Dot1Q() / IP(**V4) / tcp(), False),
    "ARP": (Ether(**MACS) / ARP(hwsrc=MACS["src"], psrc="10.0.0.1", pdst="10.0.0.2"), False),
}


@pytest.mark.parametrize("name", [*NETWORK, *MORE])
def test_the_port_filter_finds_tcp_of_the_port(name: str) -> None:
    packet, expected = {**NETWORK, **MORE}[name]
    chosen = port_filter([33060, 3306])
    assert takes(chosen.network, bytes(packet)) is expected
    assert takes(chosen.ethernet, bytes(ETHER / packet)) is expected


@pytest.mark.parametrize("name", LINK)
def test_the_port_filter_looks_behind_vlan_tags(name: str) -> None:
    packet, expected = LINK[name]
    assert takes(port_filter([3306]).ethernet, bytes(packet)) is expected


@pytest.mark.parametrize("name", NETWORK)
def test_libpcap_decides_the_same(name: str) -> None:
    packet, expected = NETWORK[name]
    chosen = expression_filter("tcp port 3306 or tcp port 33060")
    assert takes(chosen.network, bytes(packet)) is expected
    assert takes(chosen.ethernet, bytes(ETHER / packet)) is expected


@pytest.mark.parametrize("cut", [0, 1, 13, 14, 30, 33, 34, 36, 37])
def test_a_frame_too_short_to_tell_is_left_out(cut: int) -> None:
    frame = bytes(ETHER / IP(**V4) / tcp())[:cut]
    assert not takes(port_filter([3306]).ethernet, frame or b"\0")


def test_without_ports_all_of_tcp_comes() -> None:
    chosen = port_filter([]).network
    assert takes(chosen, bytes(IP(**V4) / tcp(1, 2)))
    assert not takes(chosen, bytes(IP(**V4) / UDP()))


@pytest.mark.parametrize(
    ("hosts", "v4", "v6"),
    [
        (["10.0.0.9"], True, False),
        (["10.0.0.5"], True, False),
        (["10.0.0.1", "10.0.0.9"], True, False),
        (["10.0.0.1"], False, False),
        (["2001:db8::9"], False, True),
        (["2001:db8::5", "10.0.0.5"], True, True),
        (["2001:db8::1"], False, False),
    ],
)
def test_hosts_narrow_it_down(hosts: list[str], v4: bool, v6: bool) -> None:
    chosen = port_filter([3306], hosts).network
    assert takes(chosen, bytes(IP(**V4) / tcp())) is v4
    assert takes(chosen, bytes(IPv6(**V6) / tcp())) is v6
    assert not takes(chosen, bytes(IP(**V4) / tcp(1, 2)))


def test_the_text_of_a_filter_is_what_tcpdump_would_be_given() -> None:
    chosen = port_filter([3306, 3307], ["10.0.0.9"])
    assert chosen.text == "tcp and (port 3306 or port 3307) and (host 10.0.0.9)"
    expression_filter(chosen.text)


def test_a_hundred_ports_are_reached_by_far_jumps() -> None:
    chosen = port_filter(range(3000, 3100))
    assert takes(chosen.network, bytes(IP(**V4) / tcp(40000, 3099)))
    assert not takes(chosen.network, bytes(IP(**V4) / tcp(40000, 3100)))
    assert len(build_program(chosen, [1, 2, 3])) < MAX_INSTRUCTIONS


def test_a_filter_longer_than_the_kernel_takes_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="longer than the kernel allows"):
        build_program(port_filter(range(1, 3000)))


def test_a_wrong_expression_is_told_in_libpcaps_words() -> None:
    with pytest.raises(UsageError, match=r"--filter: .*syntax error"):
        expression_filter("tcp prt 3306")


def test_an_expression_about_ethernet_takes_nothing_without_it() -> None:
    chosen = expression_filter("ether host 02:00:00:00:00:01 and tcp")
    frame = ETHER / IP(**V4) / tcp()
    assert takes(chosen.ethernet, bytes(frame))
    assert not takes(chosen.network, bytes(frame[IP]))


def test_the_whole_program_is_taken_by_the_kernel() -> None:
    chosen = Filter("tcp", port_filter([3306]).ethernet, expression_filter("tcp port 3306").network)
    assert not takes(build_program(chosen, [1, 2]), b"a datagram has no interface")
