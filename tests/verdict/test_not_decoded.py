"""Frames that could not be decoded: one account behind sentence, table, confidence and exit code."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.verdict.result import Scan
from aurora_wire.wire.net import skip_reasons as skipped
from tests.conversations.sessions import plaintext, play, tls13
from tests.conversations.tcp import Packet, pcap


def ethernet(kind: int, payload: bytes = bytes(60)) -> bytes:
    return bytes(12) + struct.pack("!H", kind) + payload


def ipv4(protocol: int, payload: bytes, more: int = 0) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, more, 64, protocol, 0)
    return head + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + payload


CUT_TO_MYSQL = ethernet(0x0800, ipv4(6, struct.pack("!HH", 50_000, 3306) + bytes(60)))[: 14 + 20 + 8]
CUT_TO_OTHERS = ethernet(0x0800, ipv4(6, struct.pack("!HH", 50_000, 443) + bytes(60)))[: 14 + 20 + 8]
CUT_IN_IP = ethernet(0x0800, ipv4(6, bytes(60)))[: 14 + 12]
HIDING = {
    "MACsec": ethernet(0x88E5, b"\x2c" + bytes(59)),
    "an Ethernet type that nobody knows": ethernet(0x7777),
    "GRE of an unknown kind": ethernet(0x0800, ipv4(47, b"\x0f\xff\x08\x00" + bytes(40))),
    "WireGuard": ethernet(0x0800, ipv4(17, struct.pack("!4H", 50_000, 51820, 40, 0) + b"\x04" + bytes(31))),
    "OpenVPN": ethernet(0x0800, ipv4(17, struct.pack("!4H", 1194, 50_000, 40, 0) + b"\x48" + bytes(31))),
    "ESP": ethernet(0x0800, ipv4(50, bytes(60))),
    "an IP fragment without the rest": ethernet(0x0800, ipv4(6, struct.pack("!HH", 3306, 50_000) + bytes(60), 0x2000)),
    "a TCP header to 3306 that is cut": CUT_TO_MYSQL,
    "an IP header that is cut": CUT_IN_IP,
}
HARMLESS = {
    "ARP": ethernet(0x0806),
    "a keep-alive of GRE": ethernet(0x0800, ipv4(47, bytes(4)))[: 14 + 24],
    "Realtek's loop detection": ethernet(0x8899, b"\x23" + bytes(59)),
    "LLDP": ethernet(0x88CC),
    "OSPF": ethernet(0x0800, ipv4(89, bytes(60))),
    "VRRP": ethernet(0x0800, ipv4(112, bytes(60))),
    "a handshake of WireGuard": ethernet(0x0800, ipv4(17, struct.pack("!4H", 5, 51820, 40, 0) + b"\x01" + bytes(31))),
    "UDP": ethernet(0x0800, ipv4(17, bytes(60))),
    "a TCP header to 443 that is cut": CUT_TO_OTHERS,
}


FIRST_TO_OTHERS = ethernet(0x0800, ipv4(6, struct.pack("!HH", 50_000, 443) + bytes(60), 0x2000))
FIRST_TO_MYSQL = ethernet(0x0800, ipv4(6, struct.pack("!HH", 50_000, 3306) + bytes(60), 0x2000))
LATER = ethernet(0x0800, ipv4(6, b" VALUES ('canary')".ljust(64, b"x"), 16))


def scan_of(folder: Path, frame: bytes, *, beside: list[Packet]) -> Scan:
    long = 200 if len(frame) < 60 else len(frame)
    path = folder / "one.pcap"
    path.write_bytes(pcap([*beside, Packet("client", frame, long)]))
    return aurora_wire.scan([path])


@pytest.mark.parametrize("name", HIDING)
def test_a_frame_that_may_hold_mysql_weakens_the_whole(name: str, tmp_path: Path) -> None:
    result = scan_of(tmp_path, HIDING[name], beside=play(tls13()).packets)
    assert (result.verdict, result.confidence, result.exit_code) == ("encrypted", "likely", 3)
    assert result.connections[0].confidence == "proven"
    assert "1 packet that may hold MySQL was not decoded" in result.closing
    assert "no byte known to be missing" not in result.closing
    assert [row.count for row in result.undecoded if row.unit == "frames"] == [1]
    assert scan_of(tmp_path, HIDING[name], beside=play(plaintext()).packets).exit_code == 1


@pytest.mark.parametrize("name", HARMLESS)
def test_a_frame_that_carries_no_mysql_does_not(name: str, tmp_path: Path) -> None:
    result = scan_of(tmp_path, HARMLESS[name], beside=play(tls13()).packets)
    assert (result.verdict, result.confidence, result.exit_code) == ("encrypted", "proven", 0)
    assert result.undecoded == []


@pytest.mark.parametrize("name", HIDING)
def test_where_nothing_was_decoded_nothing_is_known(name: str, tmp_path: Path) -> None:
    result = scan_of(tmp_path, HIDING[name], beside=[])
    assert (result.verdict, result.confidence, result.exit_code) == ("inconclusive", None, 3)
    assert result.closing == "Nothing could be decoded: 1 packet that may hold MySQL was not decoded."


@pytest.mark.parametrize("name", HARMLESS)
def test_where_there_was_nothing_to_decode_it_is_no_mysql(name: str, tmp_path: Path) -> None:
    assert scan_of(tmp_path, HARMLESS[name], beside=[]).verdict == "not-mysql"


@pytest.mark.parametrize("link_type", [228, 229])
def test_where_not_one_header_is_right_the_link_type_is_rather_wrong(link_type: int, tmp_path: Path) -> None:
    path = tmp_path / "wrong.pcap"
    frames = [struct.pack("!BBH", 0x0F, 0, 1) + packet.data for packet in play(plaintext()).packets]
    made = pcap([Packet("client", frame, len(frame)) for frame in frames])
    path.write_bytes(made[:20] + struct.pack("<I", link_type) + made[24:])
    result = aurora_wire.scan([path])
    assert (result.verdict, result.confidence, result.exit_code) == ("inconclusive", None, 3)
    assert "that may hold MySQL" in result.closing
    assert all("editcap -T" in row.remedy for row in result.undecoded)


def test_a_malformed_header_beside_right_ones_hides_nothing(tmp_path: Path) -> None:
    packet = play(tls13()).packets[0].data
    frame = packet[:14] + b"\x41" + packet[15:]
    result = scan_of(tmp_path, frame, beside=play(tls13()).packets)
    assert (result.verdict, result.confidence, result.exit_code) == ("encrypted", "proven", 0)


def test_every_reason_has_a_remedy_or_is_known_to_be_harmless() -> None:
    kinds = {"", skipped.BEHIND_TUNNEL, skipped.WHOLE_FRAGMENTS, skipped.WHOLE_HEADERS, skipped.OTHER_LINK}
    assert {skipped.find_remedy(reason, 0) for reason in skipped.SKIPPED} == kinds


def many_kinds(count: int) -> list[Packet]:
    """Frames of SNAP organisations that nobody knows, each another one, and one kind that comes twice."""
    organisations = [b"\x11\0" + bytes([1])] + [struct.pack("!I", 0x200000 + n)[1:] for n in range(count)]
    frames = [bytes(12) + b"\0\x44\xaa\xaa\x03" + one + bytes(62) for one in organisations]
    return [Packet("client", frame, len(frame)) for frame in [*frames, frames[0]]]


def test_any_number_of_kinds_of_frames_is_told_in_a_few_rows(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(pcap([*play(tls13()).packets, *many_kinds(6000)]))
    result = aurora_wire.scan([path])
    rows = [row for row in result.undecoded if row.unit == "frames"]
    assert len(rows) == len(result.captures[0].hiding) <= 22
    assert sum(row.count for row in rows) == sum(result.captures[0].skipped.values()) == 6002
    assert rows[-1].reason.startswith("and 4,0")
    assert ("encapsulation: SNAP of organisation 0x110001 not known", 2) in [(row.reason, row.count) for row in rows]
    assert (result.confidence, result.exit_code) == ("likely", 3)
    assert "6,002 packets that may hold MySQL were not decoded" in result.closing


def test_link_types_that_are_not_known_have_number_and_name(tmp_path: Path) -> None:
    path = tmp_path / "links.pcapng"
    for number, name in ((196, "link type 196 (SITA) not known"), (9999, "link type 9999 not known")):
        path.write_bytes(pcapng_of_links([number]))
        result = aurora_wire.scan([path])
        assert [row.reason for row in result.undecoded] == [name]
        assert result.verdict == "inconclusive"


def test_the_link_types_of_a_capture_are_named_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "links.pcapng"
    path.write_bytes(pcapng_of_links(list(range(400, 460))))
    result = aurora_wire.scan([path])
    assert result.captures[0].link_types[-1] == "and 40 more"
    assert len(result.captures[0].link_types) == 21
    assert len([row for row in result.undecoded if row.unit == "frames"]) == 21


def pcapng_of_links(numbers: list[int]) -> bytes:
    """A section with an interface of each link type, and a frame of zeros from each."""

    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + size + body + size

    made = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    made += [block(1, struct.pack("<HHI", number, 0, 0)) for number in numbers]
    made += [block(6, struct.pack("<5I", index, 0, 0, 60, 60) + bytes(60)) for index in range(len(numbers))]
    return b"".join(made)


def test_a_hex_dump_that_lies_in_a_folder_is_no_evidence_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "tls.pcap").write_bytes(pcap(play(tls13()).packets))
    assert aurora_wire.scan([tmp_path]).exit_code == 0
    (tmp_path / "notes.txt").write_text("as found\n")
    assert aurora_wire.scan([tmp_path]).exit_code == 0
    (tmp_path / "dump.txt").write_text("0x0000:  4500 0034 0682 4000 4006 91e2 ac1f 0f5e\n")
    result = aurora_wire.scan([tmp_path])
    assert (result.verdict, result.exit_code) == ("encrypted", 0)
    assert result.ignored == [str(tmp_path / "dump.txt"), str(tmp_path / "notes.txt")]
    assert [one.format for one in result.captures] == ["pcap"]


@pytest.mark.parametrize(
    ("frames", "hiding"),
    [
        ([FIRST_TO_OTHERS], 0),
        ([FIRST_TO_MYSQL], 1), ([LATER], 1), ([LATER, FIRST_TO_MYSQL], 2), ([LATER, FIRST_TO_OTHERS], 0),
        # Two first fragments that say different ports: a receiver may believe either.
        ([FIRST_TO_OTHERS, FIRST_TO_MYSQL], 2), ([FIRST_TO_MYSQL, FIRST_TO_OTHERS], 2),
    ],
)
def test_fragments_between_other_ports_do_not_count(frames: list[bytes], hiding: int, tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap([*play(tls13()).packets, *[Packet("client", frame, len(frame)) for frame in frames]]))
    result = aurora_wire.scan([path])
    assert sum(row.count for row in result.undecoded) == hiding
    assert result.exit_code == (3 if hiding else 0)


def test_a_fragmented_answer_of_dns_that_lost_its_end_does_not_count(tmp_path: Path) -> None:
    for port, code in ((53, 0), (4789, 3)):
        datagram = struct.pack("!HHHH", 5353, port, 1000, 0) + bytes(56)
        frame = ethernet(0x0800, ipv4(17, datagram, 0x2000))
        assert scan_of(tmp_path, frame, beside=play(tls13()).packets).exit_code == code


def test_an_interface_with_a_link_type_that_is_not_known_beside_others(tmp_path: Path) -> None:
    (tmp_path / "tls.pcap").write_bytes(pcap(play(tls13()).packets))
    (tmp_path / "other.pcapng").write_bytes(pcapng_of_links([1, 147]))
    result = aurora_wire.scan([tmp_path])
    assert (result.verdict, result.confidence, result.exit_code) == ("encrypted", "likely", 3)
    assert ("link type 147 (USER0) not known", 1) in [(row.reason, row.count) for row in result.undecoded]


def test_frames_in_stt_are_no_connection_of_another_protocol(tmp_path: Path) -> None:
    header = struct.pack("!HHIIHHHH", 50_000, 7471, 94 << 16, 7, 0x5010, 100, 0, 0)
    inside = bytes(18) + ethernet(0x0800, ipv4(6, struct.pack("!HH", 50_000, 3306) + bytes(60)))
    frame = ethernet(0x0800, ipv4(6, header + inside))
    alone = scan_of(tmp_path, frame, beside=[])
    assert (alone.verdict, alone.exit_code) == ("inconclusive", 3)
    assert [row.reason for row in alone.undecoded] == ["encapsulation: STT (Ethernet in what looks like TCP)"]
    beside = scan_of(tmp_path, frame, beside=play(tls13()).packets)
    assert (beside.verdict, beside.confidence, beside.exit_code) == ("encrypted", "likely", 3)
