"""What headers of links and tunnels hold beside their fields goes: names of processes, prefixes, options, metadata."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.conversations import play
from tests.conversations.judge import explain, scan_of
from tests.conversations.sessions import plaintext, tls13
from tests.wire.net.test_link_judged import write_pcap

NAME = b"s3cretname!!"  # 12 bytes: a multiple of 4
ETHERNET, IP = 0, 14


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def outer_ip(packet: bytes, protocol: int, options: bytes = b"") -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(packet), 1, 0, 64, protocol, 0)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + head + bytes([192, 0, 2, 1, 192, 0, 2, 2]) + options + packet


def outer_udp(payload: bytes, port: int) -> bytes:
    return outer_ip(struct.pack("!HHHH", 50000, port, 8 + len(payload), 0) + payload, 17)


def typed(frame: bytes, kind: int, header: bytes) -> bytes:
    """An Ethernet frame with a header between its addresses and what it carries."""
    return frame[:12] + struct.pack("!H", kind) + header + frame[12:]


def pktap(frame: bytes) -> bytes:
    fields = struct.pack("<III24sIIIIi20sIHHi20s", 108, 1, 1, NAME, 0, 2, 14, 0, 77, NAME, 0, 6, 0, 77, NAME)
    return fields.ljust(108, b"\0") + frame


def nflog(frame: bytes) -> bytes:
    before = attribute(1, b"\x08\0\0\0") + attribute(10, NAME + b"\0") + attribute(11, b"\0\0\3\xe8")
    return b"\2\0\0\0" + before + attribute(9, frame[IP:])


def pflog(frame: bytes) -> bytes:
    return bytes([61, 2, 0, 0]) + b"em0".ljust(16, b"\0") + NAME.ljust(16, b"\0") + bytes(28) + frame[IP:]


def ppi(frame: bytes) -> bytes:
    return struct.pack("<BBHIHH", 0, 0, 12 + len(NAME), 1, 30002, len(NAME)) + NAME + frame


def geneve(frame: bytes) -> bytes:
    option = struct.pack("!HBB", 0x0102, 3, len(NAME) // 4) + NAME
    return outer_udp(struct.pack("!BBHI", len(option) // 4, 0, 0x6558, 7 << 8) + option + frame, 6081)


def nsh(frame: bytes) -> bytes:
    service = struct.pack("!HBBI", 8 // 4 + 1 + len(NAME) // 4, 2, 3, 0x0102) + struct.pack("!HBB", 1, 1, 12) + NAME
    return frame[:12] + b"\x89\x4f" + service + frame


def gue(frame: bytes) -> bytes:
    return outer_udp(bytes([len(NAME) // 4, 4, 0, 0]) + NAME + frame[IP:], 6080)


def tzsp(frame: bytes) -> bytes:
    return outer_udp(b"\1\0\0\1" + bytes([30, len(NAME)]) + NAME + b"\1" + frame, 37008)


def gtp(frame: bytes) -> bytes:
    extension = bytes([4]) + NAME + bytes(2) + b"\0"
    inner = b"\0\0\0\x85" + extension + frame[IP:]
    return outer_udp(struct.pack("!BBHI", 0x34, 0xFF, len(inner), 77) + inner, 2152)


def ipip(frame: bytes) -> bytes:
    return outer_ip(frame[IP:], 4, bytes([0x9E, 2 + len(NAME)]) + NAME + bytes(2))


def ipv6_options(frame: bytes) -> bytes:
    """IPv4 in IPv6 with options that nobody knows, for each hop and for the other end."""
    options = b"".join(
        bytes([following, 1]) + bytes([0x1E, len(NAME)]) + NAME for following in (60, 4)
    )  # fmt: skip
    packet = options + frame[IP:]
    head = struct.pack("!IHBB", 0x60000000, len(packet), 0, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
    return frame[:12] + b"\x86\xdd" + head + packet


def radiotap(frame: bytes) -> bytes:
    """A header with its time, flags, and a vendor's fields behind them."""
    wifi = bytes([8, 1]) + bytes(22) + b"\xaa\xaa\3\0\0\0" + frame[12:]
    fields = NAME[:8] + b"\0" + NAME
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), 0x40000003) + fields + wifi


def sll(frame: bytes) -> bytes:
    """Linux cooked, of a device whose addresses have no bytes: the field for them holds something else."""
    return struct.pack("!HHH", 0, 65534, 0) + NAME[:8] + frame[12:]


def sll2(frame: bytes) -> bytes:
    return frame[12:14] + struct.pack("!HIHBB", 0, 3, 65534, 0, 0) + NAME[:8] + frame[14:]


def cisco_metadata(frame: bytes) -> bytes:
    return typed(frame, 0x8909, bytes([1, len(NAME) // 4]) + NAME)


def avs(frame: bytes) -> bytes:
    wifi = bytes([8, 1]) + bytes(22) + b"\xaa\xaa\3\0\0\0" + frame[12:]
    return struct.pack("!II", 0x80211001, 64) + NAME.ljust(56, b"\0") + wifi


def erf(frame: bytes) -> bytes:
    return bytes(8) + struct.pack("!BBHHH", 0x82, 0, 0, 0, len(frame)) + b"\1" + NAME[:7] + bytes(2) + frame


WRAPPED: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "PKTAP": (258, pktap), "PKTAP as USER2": (149, pktap), "NFLOG": (239, nflog), "PFLOG": (117, pflog),
    "PPI": (192, ppi), "GENEVE": (1, geneve), "NSH": (1, nsh), "GUE": (1, gue), "TZSP": (1, tzsp), "GTP-U": (1, gtp),
    "IP in IP": (1, ipip), "CMD": (1, cisco_metadata), "AVS": (163, avs), "ERF": (197, erf),
    "options of IPv6": (1, ipv6_options), "radiotap": (127, radiotap), "SLL": (113, sll), "SLL2": (276, sll2),
}  # fmt: skip


@pytest.mark.parametrize("of", ["plaintext", "TLS"])
@pytest.mark.parametrize("name", WRAPPED)
def test_nothing_beside_the_fields_of_outer_headers_is_left(name: str, of: str, tmp_path: Path) -> None:
    link, wrap = WRAPPED[name]
    talk = play(plaintext() if of == "plaintext" else tls13())
    source, target = tmp_path / "in.pcap", tmp_path / "out.pcap"
    write_pcap(source, [wrap(packet.data) for packet in talk.packets], link)
    before = scan_of(tmp_path, source.read_bytes())
    assert (before.verdict, before.confidence) == ("encrypted" if of == "TLS" else "plaintext", "proven"), name
    assert NAME[:7] in source.read_bytes()
    assert main(["redact", str(source), str(target), "--force"]) == 0
    assert NAME[:4] not in target.read_bytes()
    after = scan_of(tmp_path, target.read_bytes())
    assert (after.verdict, after.confidence) == (before.verdict, before.confidence), explain(after)


MAC = bytes.fromhex("0212345678aa")
COOKED: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "SLL": (113, lambda frame: struct.pack("!HHH", 0, 1, 6) + MAC + b"\0\0" + frame[12:]),
    "SLL2": (276, lambda frame: frame[12:14] + struct.pack("!HIHBB", 0, 3, 1, 0, 6) + MAC + b"\0\0" + frame[14:]),
}


@pytest.mark.parametrize("name", COOKED)
def test_ethernet_addresses_of_cooked_captures_get_pseudonyms(name: str, tmp_path: Path) -> None:
    link, wrap = COOKED[name]
    frames = [wrap(packet.data) for packet in play(plaintext()).packets]
    source, target = tmp_path / "in.pcap", tmp_path / "out.pcap"
    write_pcap(source, frames, link)
    assert main(["redact", str(source), str(target)]) == 0
    assert target.read_bytes().count(MAC) == len(frames)  # an address, as in Ethernet
    assert main(["redact", str(source), str(tmp_path / "p.pcap"), "--pseudonymise"]) == 0
    assert MAC not in (tmp_path / "p.pcap").read_bytes()
    after = scan_of(tmp_path, (tmp_path / "p.pcap").read_bytes())
    assert (after.verdict, after.confidence) == ("plaintext", "proven"), explain(after)


def test_plain_ethernet_keeps_its_addresses_and_tags(tmp_path: Path) -> None:
    frames = [packet.data[:12] + b"\x81\0\0\7" + packet.data[12:] for packet in play(tls13()).packets]
    source, target = tmp_path / "in.pcap", tmp_path / "out.pcap"
    write_pcap(source, frames, 1)
    assert main(["redact", str(source), str(target), "--force"]) == 0
    assert target.read_bytes() == source.read_bytes()
