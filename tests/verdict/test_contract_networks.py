"""The same addresses and ports in two networks are two connections; one that is mirrored twice is one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conversations import Conversation, Packet, interleave, play
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import Step, plaintext, since, tls12, tls13
from tests.conversations.tcp import internet_checksum

Tag = Callable[[Packet, int], Packet]
OUTER = bytes.fromhex("0200000000aa0200000000bb")


def vlan(packet: Packet, number: int) -> Packet:
    data = packet.data[:12] + struct.pack("!HH", 0x8100, number) + packet.data[12:]
    return replace(packet, data=data, original_len=packet.original_len + 4)


def inside(packet: Packet, protocol: int, head: bytes) -> Packet:
    """In an IPv4 datagram of two tunnel ends."""
    body = head + packet.data
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + b"\xac\x10\0\x01\xac\x10\0\x02"
    ip = ip[:10] + struct.pack("!H", internet_checksum(ip)) + ip[12:]
    data = OUTER + b"\x08\0" + ip + body
    return replace(packet, data=data, original_len=len(data))


def vni(packet: Packet, number: int) -> Packet:
    vxlan = struct.pack("!II", 0x08000000, number << 8)
    return inside(packet, 17, struct.pack("!HHHH", 49152, 4789, 16 + len(packet.data), 0) + vxlan)


def gre_key(packet: Packet, number: int) -> Packet:
    return inside(packet, 47, struct.pack("!HHI", 0x2000, 0x6558, number << 8))


TAGS: dict[str, Tag] = {"VLAN": vlan, "VNI": vni, "GRE key": gre_key}


def tagged(packets: Sequence[Packet], tag: Tag, number: int) -> list[Packet]:
    return [tag(packet, number) for packet in packets]


def turns(one: Sequence[Packet], two: Sequence[Packet]) -> list[Packet]:
    first, second = Conversation(), Conversation()
    first.packets, second.packets = list(one), list(two)
    return interleave(first, second)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("near", [(1, 1), (40, -60), (0, 900), (900, 0), (-3000, 5000), (100_000, 100_000)])
@pytest.mark.parametrize("syn", [True, False])
@pytest.mark.parametrize("order", [1, -1])
def test_two_networks_with_nearly_the_same_numbers(
    order: int, syn: bool, near: tuple[int, int], tag: str, tmp_path: Path
) -> None:
    one = play(tls13()).packets
    two = play(plaintext(), Conversation(client_isn=1000 + near[0], server_isn=900_000 + near[1])).packets
    if not syn:
        one, two = one[3:], two[3:]
    if not syn and near == (0, 900):
        pytest.skip("the client's numbers are the same, and the server's go on: nothing but the bytes can tell")
    both = [tagged(one, TAGS[tag], 7), tagged(two, TAGS[tag], 8)][::order]
    result = scan_of(tmp_path, turns(*both))
    said = explain(result)
    assert sorted(one.verdict for one in result.connections) == ["encrypted", "plaintext"], said
    for judged in result.connections:
        assert "conflict" not in {reason.id for reason in judged.reasons}, said
        assert judged.client_coverage.missing + judged.server_coverage.missing == 0, said
        assert judged.confidence == "proven" or not syn, said


@pytest.mark.parametrize("syn", [True, False])
@pytest.mark.parametrize("make", [tls13, tls12, plaintext])
@pytest.mark.parametrize("which", ["client", "server"])
@pytest.mark.parametrize("tag", TAGS)
def test_one_direction_mirrored_with_its_tag(
    tag: str, which: str, make: Callable[[], list[Step]], syn: bool, tmp_path: Path
) -> None:  # fmt: skip
    packets = play(make()).packets[0 if syn else 3 :]
    (usual,) = scan_of(tmp_path, packets).connections
    changed = [TAGS[tag](packet, 7) if packet.sender == which else packet for packet in packets]
    result = scan_of(tmp_path, changed)
    (one,) = result.connections
    assert (one.verdict, one.confidence) == (usual.verdict, usual.confidence), explain(result)
    assert one.reasons == usual.reasons, explain(result)
    assert one.client_coverage == usual.client_coverage, explain(result)
    assert one.server_coverage == usual.server_coverage, explain(result)


@pytest.mark.parametrize("late", [1, 2, 5])
@pytest.mark.parametrize("make", [tls13, tls12, plaintext])
@pytest.mark.parametrize("first", ["with", "without"])
@pytest.mark.parametrize("syn", [True, False])
@pytest.mark.parametrize("tag", TAGS)
def test_mirrored_twice_with_its_tag_and_without(
    tag: str, syn: bool, first: str, make: Callable[[], list[Step]], late: int, tmp_path: Path
) -> None:  # fmt: skip
    packets = play(make()).packets[0 if syn else 3 :]
    (usual,) = scan_of(tmp_path, packets).connections
    copies = [tagged(packets, TAGS[tag], 7), list(packets)][:: 1 if first == "with" else -1]
    mirrored: list[Packet] = []
    for at in range(len(packets) + late):
        mirrored += copies[0][at : at + 1]
        if at >= late:
            mirrored.append(copies[1][at - late])
    result = scan_of(tmp_path, mirrored)
    (one,) = result.connections
    assert (one.verdict, one.confidence) == (usual.verdict, usual.confidence), explain(result)
    assert len(one.statements) == len(usual.statements), explain(result)
    assert one.client_coverage.seen == usual.client_coverage.seen, explain(result)
    assert one.server_coverage.seen == usual.server_coverage.seen, explain(result)


def test_a_tag_that_changes_within_a_connection(tmp_path: Path) -> None:
    packets = play(tls13()).packets
    changed = [vlan(packet, 7 if at < 9 else 9) for at, packet in enumerate(packets)]
    result = scan_of(tmp_path, changed)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "proven")], explain(result)


def fragments(packet: Packet) -> list[Packet]:
    """Its datagram in two; the identification is the same for all of them."""
    ip = packet.data[14:34]
    body = packet.data[34:]
    if len(body) <= 40:
        return [packet]
    made = []
    for low, high in ((0, 32), (32, len(body))):
        field = (0x2000 if high < len(body) else 0) | low // 8
        head = ip[:2] + struct.pack("!HHH", 20 + high - low, 77, field) + ip[8:10] + b"\0\0" + ip[12:]
        head = head[:10] + struct.pack("!H", internet_checksum(head)) + head[12:]
        data = packet.data[:14] + head + body[low:high]
        made.append(replace(packet, data=data, original_len=len(data)))
    return made


def test_fragments_of_two_networks_are_not_mixed(tmp_path: Path) -> None:
    one = play(tls13(), sizes=500).packets
    two = play(tls12(), Conversation(client_isn=70, server_isn=5), sizes=500).packets
    mixed: list[Packet] = []
    for at in range(max(len(one), len(two))):
        first = tagged([piece for packet in one[at : at + 1] for piece in fragments(packet)], vlan, 7)
        second = tagged([piece for packet in two[at : at + 1] for piece in fragments(packet)], vlan, 8)
        mixed += turns(first, second)
    result = scan_of(tmp_path, mixed)
    found = [(one.verdict, one.confidence) for one in result.connections]
    assert found == [("encrypted", "proven"), ("encrypted", "proven")], explain(result)


def test_a_priority_tag_names_no_network(tmp_path: Path) -> None:
    packets = play(since(tls13(), "greeting")).packets
    changed = [vlan(packet, 0) if at % 3 else packet for at, packet in enumerate(packets)]
    result = scan_of(tmp_path, changed)
    assert [(one.verdict, one.confidence) for one in result.connections] == [("encrypted", "proven")], explain(result)
