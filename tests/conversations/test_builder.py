"""The builder against scapy and dpkt: a wrong frame here would make all tests on it worthless."""

from __future__ import annotations

import io
import socket
import struct

import dpkt
import pytest

from tests.conversations import Conversation, pcap, pcapng, play
from tests.conversations.sessions import offset_of, payload_of, plaintext, tls13
from tests.conversations.tcp import MAC, STEP_NS


@pytest.mark.parametrize("payload", [b"", b"\x01", b"even", bytes(1460)])
def test_a_frame_over_ipv4_is_scapys(payload: bytes) -> None:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    talk = Conversation(client_isn=2**32 - 2)
    talk.client(b"x" * 9)
    talk.segment("client", payload)
    ours = talk.packets[-1].data
    ether = Ether(src=MAC["client"].hex(":"), dst=MAC["server"].hex(":"), type=0x0800)
    ip = IP(src="10.0.0.5", dst="10.0.0.9", id=2, flags="DF", ttl=64)
    tcp = TCP(sport=50152, dport=3306, seq=8, ack=900_001, flags="A", window=64240)
    assert bytes(ether / ip / tcp / payload) == ours


def test_a_frame_over_ipv6_is_scapys() -> None:
    from scapy.layers.inet import TCP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    talk = Conversation(("2001:db8::5", 50152), ("2001:db8::9", 3306))
    talk.server(b"odd")
    ether = Ether(src=MAC["server"].hex(":"), dst=MAC["client"].hex(":"), type=0x86DD)
    ip = IPv6(src="2001:db8::9", dst="2001:db8::5", hlim=64)
    tcp = TCP(sport=3306, dport=50152, seq=900_001, ack=1001, flags="PA", window=64240)
    assert bytes(ether / ip / tcp / b"odd") == talk.packets[0].data


def streams(data: bytes) -> dict[int, bytes]:
    """Payload by source port, as dpkt reads it, in file order."""
    out: dict[int, bytes] = {}
    for _, frame in dpkt.pcap.Reader(io.BytesIO(data)):
        segment = dpkt.ethernet.Ethernet(frame).data.data
        out[segment.sport] = out.get(segment.sport, b"") + bytes(segment.data)
    return out


@pytest.mark.parametrize("sizes", [None, 1, 7])
def test_a_played_session_holds_its_steps_in_order(sizes: int | None) -> None:
    steps = tls13()
    found = streams(pcap(play(steps, sizes=sizes).packets))
    assert found == {
        port: b"".join(step.payload for step in steps if step.sender == sender)
        for port, sender in ((50152, "client"), (3306, "server"))
    }


def test_a_bad_checksum_is_bad_and_the_others_are_right() -> None:
    def right(data: bytes) -> bool:
        ip = dpkt.ethernet.Ethernet(data).data
        written, ip.data.sum, ip.sum = ip.data.sum, 0, 0
        again = dpkt.ip.IP(bytes(ip))
        return bool(again.data.sum == written)

    talk = play(plaintext(), bad_checksum=["query"])
    wrong = [packet for packet in talk.packets if not right(packet.data)]
    assert [packet.length for packet in wrong] == [len(payload_of(plaintext(), "query"))]


def test_what_is_lost_moves_the_numbers_on() -> None:
    steps = plaintext()
    talk = play(steps, lost=["query"], keep={"select": 5})
    client = [packet for packet in talk.packets if packet.sender == "client" and packet.length]
    assert [packet.offset for packet in client] == [offset_of(steps, name) for name in ("login", "select", "quit")]
    assert [packet.original_len - len(packet.data) for packet in client] == [
        0,
        len(payload_of(steps, "select")) - 5,
        0,
    ]


@pytest.mark.parametrize("big_endian", [False, True])
def test_both_containers_hold_the_same_frames_and_times(big_endian: bool) -> None:
    packets = play(plaintext()).packets
    one = list(dpkt.pcap.Reader(io.BytesIO(pcap(packets, big_endian=big_endian))))
    two = list(dpkt.pcapng.Reader(io.BytesIO(pcapng(packets, big_endian=big_endian))))
    assert [data for _, data in one] == [data for _, data in two] == [packet.data for packet in packets]
    assert [float(time) for time, _ in one] == pytest.approx([float(time) for time, _ in two])
    assert float(one[1][0]) - float(one[0][0]) == pytest.approx(STEP_NS / 1e9, rel=1e-3)


def test_the_syn_takes_one_number_and_its_data_the_next() -> None:
    talk = Conversation(client_isn=99)
    talk.syn(client_data=b"abc")
    talk.client(b"def")
    numbers = [struct.unpack_from("!I", packet.data, 38)[0] for packet in talk.packets if packet.sender == "client"]
    assert numbers == [99, 103, 103]
    assert socket.inet_aton("10.0.0.5") == talk.packets[0].data[26:30]
