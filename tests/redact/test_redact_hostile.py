"""What a capture may hold besides MySQL packets: nothing of it is handed on, wherever it stands.

Each test puts a secret of its own somewhere and wants to see none of its parts of six bytes again. Exit code 0 says
that nothing is left; so the secret has to be gone whatever the code is.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.conversations import mysql
from tests.conversations.tcp import ACK, PSH, Conversation, frame, pcap, pcapng

SECRET = b"Geheimnis-4711-Kanarienvogel"
SESSION_TRACK = 1 << 23
CLIENT, SERVER = ("10.0.0.5", 50152), ("10.0.0.9", 3306)
ETHERNET = bytes.fromhex("020000000002020000000001")
Redact = Callable[..., bytes]


@pytest.fixture
def redact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Redact:
    """`redact(bytes, options...)`: the masked capture."""

    def run(data: bytes, *options: str) -> bytes:
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_bytes(data)
        assert main(["redact", str(source), str(target), "--force", *options]) in (0, 1), capsys.readouterr().err
        return target.read_bytes()

    return run


def gone(masked: bytes, secret: bytes = SECRET) -> None:
    for at in range(len(secret) - 5):
        assert secret[at : at + 6] not in masked, secret[at : at + 6]


def session(extra: Callable[[Conversation], None] | None = None, caps: int = 0) -> Conversation:
    conversation = Conversation()
    conversation.syn()
    conversation.server(mysql.greeting(caps=caps))
    conversation.client(mysql.login(caps=mysql.BASE | mysql.CONNECT_WITH_DB | caps))
    conversation.server(mysql.ok(2))
    if extra is not None:
        extra(conversation)
    return conversation


def of_frames(*frames: bytes) -> bytes:
    """A pcap of these frames behind a session."""
    records = b"".join(struct.pack("<IIII", 1_700_000_000, 0, len(one), len(one)) + one for one in frames)
    return pcap(session().packets) + records


def ipv4(protocol: int, payload: bytes, options: bytes = b"") -> bytes:
    header = bytearray(struct.pack(
        ">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 1, 0, 64, protocol, 0,
        bytes((10, 0, 0, 5)), bytes((10, 0, 0, 9)),
    ) + options)  # fmt: skip
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    header[10:12] = (~total & 0xFFFF).to_bytes(2, "big")
    return ETHERNET + b"\x08\0" + bytes(header) + payload


def udp(payload: bytes) -> bytes:
    return struct.pack(">HHHH", 40_000, 53, 8 + len(payload), 0) + payload


def tcp_segment(payload: bytes) -> bytes:
    return frame(CLIENT, SERVER, 1, 1, PSH | ACK, payload, sender="client")


OTHER_FRAMES = {
    "DNS": ipv4(17, udp(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + SECRET)),
    "UDP behind VLAN tags": ETHERNET + b"\x88\xa8\0\1\x81\0\0\2\x08\0" + ipv4(17, udp(SECRET))[14:],
    "ICMP that quotes": ipv4(1, b"\3\4\0\0\0\0\5\xdc" + tcp_segment(mysql.query(b"SELECT '" + SECRET + b"'"))[14:]),
    "SCTP": ipv4(132, SECRET),
    "a protocol nobody knows": ipv4(253, SECRET),
    "options of IP without TCP": ipv4(17, udp(b"x"), b"\x9e\x20" + SECRET + b"\0\0"),
    "ARP with a trailer": ETHERNET + b"\x08\x06" + bytes.fromhex("0001080006040001") + bytes(20) + SECRET,
    "LLDP": ETHERNET + b"\x88\xcc" + b"\x0a\x1d" + SECRET + b"\0\0",
    "CDP": ETHERNET + struct.pack(">H", 40) + b"\xaa\xaa\x03\0\0\x0c\x20\0" + SECRET,
    "an Ethernet type nobody knows": ETHERNET + b"\x88\xb5" + SECRET,
    "a loopback test": ETHERNET + b"\x90\0" + SECRET,
    "a TCP header that is cut": ipv4(6, b"\xc3\xe8\x0c\xea" + SECRET[:12]),
    "a TCP header that is malformed": ipv4(6, b"\xc3\xe8\x0c\xea" + bytes(8) + b"\x10" + SECRET),
    "a fragment": ETHERNET + b"\x08\0" + bytes.fromhex("45000030000120001106000a0a0000050a000009")[:20] + SECRET,
    "a short frame": ETHERNET[:6] + SECRET[:8],
    "an IPv6 fragment": ETHERNET + b"\x86\xdd\x60\0\0\0\0\x24\x2c\x40" + bytes(32) + b"\x11\0\0\1\0\0\0\1" + SECRET,
    "ICMPv6": ETHERNET + b"\x86\xdd\x60\0\0\0\0\x1c\x3a\x40" + bytes(32) + SECRET,
}


@pytest.mark.parametrize("name", OTHER_FRAMES)
def test_frames_without_tcp_are_filled(redact: Redact, name: str) -> None:
    data = of_frames(OTHER_FRAMES[name])
    masked = redact(data)
    assert len(masked) == len(data)
    gone(masked)


@pytest.mark.parametrize("payload", [b"", mysql.query(b"SELECT 1")])
@pytest.mark.parametrize("trailer", [SECRET, b"\0" * 6 + SECRET])
def test_trailers_behind_segments_are_filled(redact: Redact, payload: bytes, trailer: bytes) -> None:
    conversation = session()
    data = bytearray(pcap(conversation.packets))
    one = tcp_segment(payload) + trailer
    data += struct.pack("<IIII", 1_700_000_000, 0, len(one), len(one)) + one
    gone(redact(bytes(data)))


@pytest.mark.parametrize("length", [0, 40, 41, 60, 5_000])
def test_wrong_lengths_of_ip_leave_nothing(redact: Redact, length: int) -> None:
    one = bytearray(tcp_segment(mysql.query(b"SELECT '" + SECRET + b"'")))
    one[16:18] = length.to_bytes(2, "big")
    gone(redact(of_frames(bytes(one))))


def with_options(ip_options: bytes, tcp_options: bytes, payload: bytes = b"") -> bytes:
    header = struct.pack(">HHIIBBHHH", 50152, 3306, 77, 88, 0x50 + len(tcp_options) * 4, 0x18, 500, 0, 0)
    return ipv4(6, header + tcp_options + payload, ip_options)


@pytest.mark.parametrize("payload", [b"", mysql.query(b"SELECT 1")])
def test_options_that_nobody_knows_are_zeroed(redact: Redact, payload: bytes) -> None:
    ip_options = b"\x9e\x20" + SECRET + b"\0\0"
    tcp_options = b"\xfd\x1e" + SECRET + b"\1\1"
    for one in (with_options(ip_options, b"", payload), with_options(b"", tcp_options, payload),
                with_options(b"\0" + SECRET[:23], b"\0" + SECRET[:23], payload)):  # fmt: skip
        gone(redact(of_frames(one)))


def test_options_that_everybody_knows_stay(redact: Redact) -> None:
    known = bytes.fromhex("020405b4 0402 080a 00000001 00000002 01 030307")
    one = with_options(b"\x94\4\0\0", known)
    assert one in redact(of_frames(one))


def test_extension_headers_of_ipv6_are_cleaned(redact: Redact) -> None:
    hop = b"\x06\x03\x1e\x1c" + SECRET
    header = struct.pack(">HHIIBBHHH", 50152, 3306, 77, 88, 0x50, 0x18, 500, 0, 0)
    body = hop + header
    one = ETHERNET + b"\x86\xdd\x60\0\0\0" + struct.pack(">H", len(body)) + b"\0\x40" + bytes(32) + body
    gone(redact(of_frames(one)))


def option(code: int, value: bytes, order: str) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind: int, body: bytes, order: str) -> bytes:
    size = len(body) + 12
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


@pytest.mark.parametrize("order", ["<", ">"])
def test_everything_around_the_frames_of_a_pcapng_is_left_out_or_filled(redact: Redact, order: str) -> None:
    texts = option(1, SECRET, order) + option(2988, b"\0\0\0\1" + SECRET, order) + bytes(4)
    section = block(
        0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + option(2, SECRET, order) +
        option(3, SECRET, order) + option(4, SECRET, order) + texts, order,
    )  # fmt: skip
    interface = block(
        1, struct.pack(order + "HHI", 1, 0, 0) + option(2, SECRET, order) + option(3, SECRET, order) +
        option(11, b"\0host " + SECRET, order) + option(12, SECRET, order) + option(9, b"\6", order) + texts, order,
    )  # fmt: skip
    named = block(1, struct.pack(order + "HHI", 1, 0, 0) + option(2, b"eth0", order) + bytes(4), order)
    one = tcp_segment(mysql.query(b"SELECT '" + SECRET + b"'"))
    padded = one + bytes(-len(one) % 4)
    enhanced = block(
        6, struct.pack(order + "IIIII", 0, 0x60A00, 1, len(one), len(one)) + padded + option(2, b"\0\0\0\1", order) +
        option(3, b"\2" + SECRET[:20], order) + texts, order,
    )  # fmt: skip
    simple = block(3, struct.pack(order + "I", len(one)) + padded + SECRET, order)
    old = block(2, struct.pack(order + "HHIIII", 0, 0, 0x60A00, 2, len(one), len(one)) + padded + texts, order)
    statistics = block(5, struct.pack(order + "III", 0, 0, 0) + option(5, b"\0" * 8, order) + texts, order)
    others = b"".join(
        block(kind, SECRET, order) for kind in (4, 9, 10, 0x0BAD, 0x40000BAD, 0x80000001, 0x201, 11, 0x7FFFFFF0)
    )
    after = option(1, b"x", order) + bytes(4) + SECRET + bytes(-len(SECRET) % 4)  # behind the end of options
    late = block(6, struct.pack(order + "IIIII", 1, 0x60A00, 3, len(one), len(one)) + padded + after, order)
    packets = enhanced + simple + old + others + late
    masked = redact(section + interface + named + others + packets + statistics + others)
    gone(masked)
    assert b"eth0" in masked


def test_a_pcapng_without_texts_stays_as_it_is(redact: Redact) -> None:
    conversation = Conversation()
    conversation.syn()
    data = pcapng(conversation.packets)
    assert redact(data) == data


def lost(conversation: Conversation) -> None:
    """Repeated, conflicting, dropped."""
    at = conversation.offset["client"]
    query = mysql.query(b"INSERT INTO t VALUES ('" + SECRET + b"')")
    conversation.client(query, sizes=11)
    conversation.again("client", at, query)
    conversation.again("client", at, SECRET * 2)
    conversation.again("client", at + 7, SECRET)
    conversation.server(mysql.err(1062, b"Duplicate entry '" + SECRET + b"' for key 'a' near ''" + SECRET + b"'' at"))
    conversation.client(SECRET * 3)
    conversation.server(mysql.ok(1))


def infile(conversation: Conversation) -> None:
    conversation.client(mysql.query(b"LOAD DATA LOCAL INFILE '/etc/x' INTO TABLE t"))
    conversation.server(mysql.packet(1, b"\xfb/etc/" + SECRET))
    conversation.client(mysql.packet(2, SECRET * 5) + mysql.packet(3, b""))
    conversation.server(mysql.packet(4, b"\0\1\0\2\0\0\0" + b"Records: 1  Deleted: 0 " + SECRET))


def long_data(conversation: Conversation) -> None:
    conversation.client(mysql.command(22, b"INSERT INTO t VALUES (?)"))
    conversation.server(mysql.prepare_ok(1, 1))
    conversation.client(mysql.command(24, b"\1\0\0\0\0\0" + SECRET))
    conversation.client(mysql.command(24, b"\1\0\0\0\0\0" + SECRET), lost=[0])
    conversation.client(mysql.execute(1, [SECRET]))
    conversation.server(mysql.ok(1))


def switch(conversation: Conversation) -> None:
    conversation.client(mysql.command(17, b"app\0\x14" + bytes(range(20)) + b"shop\0\x21\0mysql_native_password\0"))
    conversation.server(mysql.packet(1, b"\xfemysql_clear_password\0" + SECRET))
    conversation.client(mysql.packet(2, SECRET + b"\0"))
    conversation.server(mysql.packet(3, b"\1" + SECRET))
    conversation.client(mysql.packet(4, SECRET))
    conversation.server(mysql.ok(5))


def binlog(conversation: Conversation) -> None:
    conversation.client(mysql.command(18, b"\4\0\0\0\0\0\1\0\0\0" + SECRET))
    event = struct.pack("<IBIIIH", 1, 2, 1, 19 + len(SECRET), 500, 0) + SECRET
    conversation.server(mysql.packet(1, b"\0" + event) + mysql.packet(2, b"\0\xef\0" + event))


def tracked(conversation: Conversation) -> None:
    change = b"\0" + mysql.lestr(mysql.lestr(b"time_zone") + mysql.lestr(SECRET))
    change += b"\0" + mysql.lestr(mysql.lestr(b"sql_mode") + mysql.lestr(SECRET + b" x"))
    change += b"".join(bytes([kind]) + mysql.lestr(SECRET) for kind in (2, 3, 4, 5, 99))  # 1 is a database's name
    conversation.client(mysql.query(b"SET @a = '" + SECRET + b"'"))
    conversation.server(mysql.packet(1, b"\0\0\0\2\x40\0\0" + mysql.lestr(SECRET) + mysql.lestr(change)))


def derived(conversation: Conversation) -> None:
    """A literal that is a column's name, also through a derived table, and as an alias."""
    conversation.client(mysql.query(b"SELECT * FROM (SELECT '" + SECRET + b"') t"))
    definition = b"".join(map(mysql.lestr, (b"def", b"", b"t", b"", SECRET, SECRET)))
    alias = b"".join(map(mysql.lestr, (b"def", b"shop", b"t", b"t", SECRET, b"a")))
    tail = b"\x0c\x21\0\0\1\0\0\xfd\0\0\0\0\0"
    conversation.server(
        mysql.packet(1, b"\2") + mysql.packet(2, definition + tail) + mysql.packet(3, alias + tail) + mysql.eof(4) +
        mysql.packet(5, mysql.lestr(SECRET) + mysql.lestr(SECRET)) + mysql.eof(6)
    )  # fmt: skip


def second_session(conversation: Conversation) -> None:
    """A login in frames outside of the window."""
    conversation.client(mysql.query(b"SELECT 1"))
    one = frame(CLIENT, SERVER, 3_000_000_000, 9, PSH | ACK, mysql.query(b"SELECT '" + SECRET + b"'"), sender="client")
    conversation.packets.append(type(conversation.packets[0])("client", one, len(one)))


KINDS = (lost, infile, long_data, switch, binlog, tracked, derived, second_session)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("first", [0, 3, 6, 8])
def test_what_a_session_may_carry_goes_also_where_its_beginning_is_missing(
    redact: Redact, kind: Callable[[Conversation], None], first: int
) -> None:
    caps = SESSION_TRACK if kind is tracked else 0
    data = pcap(session(kind, caps).packets[first:])
    assert SECRET[:6] in data or first == 8
    gone(redact(data))


@pytest.mark.parametrize("first", [0, 4, 7])
def test_compressed_streams_hold_nothing_either(redact: Redact, first: int) -> None:
    def extra(conversation: Conversation) -> None:
        query = mysql.query(b"SELECT '" + SECRET + b"' -- " + b"again " * 40)
        conversation.client(mysql.compressed(0, query))
        conversation.server(mysql.compressed(1, mysql.err(1064, b"near '" + SECRET * 4 + b"'")))
        conversation.client(mysql.compressed(0, query)[:60])

    masked = redact(pcap(session(extra, mysql.COMPRESS).packets[first:]))
    gone(masked)
    at = masked.find(b"\x78")
    while at >= 0:
        with contextlib.suppress(zlib.error):
            gone(zlib.decompressobj().decompress(masked[at:], 1 << 16))
        at = masked.find(b"\x78", at + 1)


def test_x_protocol_holds_nothing(redact: Redact) -> None:
    conversation = Conversation(server=("10.0.0.9", 33060))
    conversation.syn()
    conversation.server(struct.pack("<IB", 5, 11) + b"\x08\5\x1a\0")
    for kind in (4, 5, 12, 17, 18, 20, 24, 30, 40, 41, 99):
        conversation.client(struct.pack("<IB", len(SECRET) + 1, kind) + SECRET)
    for kind in (0, 1, 3, 4, 11, 12, 13, 16, 17, 99):
        conversation.server(struct.pack("<IB", len(SECRET) + 1, kind) + SECRET)
    gone(redact(pcap(conversation.packets)))


def proxy_v2(tlvs: bytes) -> bytes:
    body = bytes((10, 1, 1, 1, 10, 2, 2, 2)) + struct.pack(">HH", 1000, 3306) + tlvs
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", len(body)) + body


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


@pytest.mark.parametrize("sizes", [None, 7])
def test_names_in_a_proxy_header_are_filled(redact: Redact, sizes: int | None) -> None:
    ssl = tlv(0x20, b"\1\0\0\0\0" + tlv(0x21, b"TLSv1.3") + tlv(0x22, SECRET) + tlv(0x23, b"ECDHE-RSA"))
    header = proxy_v2(tlv(1, SECRET) + tlv(2, SECRET) + tlv(5, SECRET) + tlv(0x30, SECRET) + tlv(0xE0, SECRET) + ssl)
    conversation = Conversation()
    conversation.syn()
    conversation.client(header, sizes=sizes)
    conversation.server(mysql.greeting())
    conversation.client(mysql.login())
    conversation.server(mysql.ok(2))
    masked = redact(pcap(conversation.packets))
    gone(masked)
    if sizes is None:
        assert b"TLSv1.3" in masked
