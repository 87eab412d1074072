"""Openings of other protocols by example, and by property: MySQL and TLS are never one of them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from aurora_wire.wire.identify.foreign import CLIENT, EITHER, SERVER, foreign_protocol
from tests.wire.flows.whole_streams import streams


def be32(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def le32(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def counted(message: bytes) -> bytes:
    return struct.pack(">H", len(message)) + message


def with_length(fields: bytes, rest: bytes, extra: int = 0) -> bytes:
    """fields, then the u16 length of the whole, then rest."""
    return fields + struct.pack(">H", len(fields) + 2 + len(rest) + extra) + rest


BSON = b"\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
MSG = le32(0) + b"\x00" + le32(len(BSON) + 4) + BSON
DNS_QUERY = counted(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02db\x07example\x00\x00\x01\x00\x01")
DNS_REPLY = counted(
    b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x02db\x07example\x00\x00\x01\x00\x01"
    b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07"
)
PRELOGIN = with_length(
    b"\x12\x01", b"\x00\x00\x01\x00\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff" + bytes(6) + b"\x02"
)
CONNECT_DATA = b"(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=orcl)))"
TNS_REST = (
    b"\x00\x00\x01\x00\x00\x00\x01\x3e\x01\x2c\x0c\x41\x20\x00\xff\xff\x7f\x08\x00\x00\x01\x00"
    + struct.pack(">HH", len(CONNECT_DATA), 34) + bytes(6) + CONNECT_DATA
)
TNS = with_length(b"", TNS_REST)
STARTUP_BODY = be32(0x30000) + b"user\x00app\x00database\x00shop\x00\x00"
MQTT = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x04dev1"
CQL_MAP = b"\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0"
SMB2 = b"\xfeSMB\x40\x00" + bytes(58)
BIND = b"\x02\x01\x01\x60\x10\x02\x01\x03\x04\x06cn=app\x80\x03pwd"

OPENINGS = [
    ("HTTP", CLIENT, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("HTTP", CLIENT, b"GET /" + b"a" * 600),
    ("HTTP", CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04"),
    ("HTTP", SERVER, b"HTTP/1.1 200 OK\r\n"),
    ("SSH", CLIENT, b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("SSH", SERVER, b"SSH-1.99-OpenSSH_3.4\n"),
    ("PostgreSQL", CLIENT, be32(8, 80877103)),
    ("PostgreSQL", CLIENT, be32(8, 80877104)),
    ("PostgreSQL", CLIENT, be32(16, 80877102, 77, 88)),
    ("PostgreSQL", CLIENT, be32(len(STARTUP_BODY) + 4) + STARTUP_BODY),
    ("PostgreSQL", SERVER, b"R" + be32(8, 3)),
    ("PostgreSQL", SERVER, b"R" + be32(12, 5) + b"salt"),
    ("PostgreSQL", SERVER, b"R" + be32(23, 10) + b"SCRAM-SHA-256\x00\x00"),
    ("PostgreSQL", SERVER, b"R" + be32(8, 0) + b"S" + be32(22) + b"in_hot_standby\x00off\x00"),
    ("PostgreSQL", SERVER, b"E" + be32(40) + b"SFATAL\x00VFATAL\x00C28000\x00Mno\x00\x00"),
    ("Redis", CLIENT, b"*1\r\n$4\r\nPING\r\n"),
    ("Redis", SERVER, b"+PONG\r\n"),
    ("Redis", SERVER, b"-NOAUTH Authentication required.\r\n"),
    ("SMTP", SERVER, b"220 mail.example ESMTP Postfix\r\n"),
    ("SMTP", CLIENT, b"EHLO client.example\r\n"),
    ("FTP", SERVER, b"220 ProFTPD Server ready.\r\n"),
    ("FTP", SERVER, b"220-FileZilla Server 1.7\r\n220 hello\r\n"),
    ("FTP", CLIENT, b"AUTH TLS\r\n"),
    ("IMAP", SERVER, b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
    ("POP3", SERVER, b"+OK Dovecot ready.\r\n"),
    ("POP3", CLIENT, b"CAPA\r\n"),
    ("MongoDB", CLIENT, le32(16 + len(MSG), 1, 0, 2013) + MSG),
    ("MongoDB", CLIENT, le32(58, 1, 0, 2004, 0) + b"admin.$cmd\x00" + bytes(27)),
    ("AMQP", CLIENT, b"AMQP\x00\x00\x09\x01"),
    ("memcached", CLIENT, b"get key1 key2\r\n"),
    ("memcached", CLIENT, b"set key 0 60 5\r\nhello\r\n"),
    ("memcached", CLIENT, b"version\r\n"),
    ("LDAP", CLIENT, bytes([0x30, len(BIND)]) + BIND),
    ("LDAP", CLIENT, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
    ("RDP", CLIENT, b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"),
    ("RDP", SERVER, b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x00\x00\x00\x00"),
    ("SMB", CLIENT, be32(len(SMB2)) + SMB2),
    ("SMB", CLIENT, be32(35) + b"\xffSMB\x72" + bytes(30)),
    ("DNS", CLIENT, DNS_QUERY),
    ("DNS", SERVER, DNS_REPLY),
    ("TDS", CLIENT, PRELOGIN),
    ("Oracle TNS", CLIENT, TNS),
    ("VNC", SERVER, b"RFB 003.008\n"),
    ("BitTorrent", CLIENT, b"\x13BitTorrent protocol" + bytes(48)),
    ("STUN", CLIENT, b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(range(12))),
    ("MQTT", CLIENT, bytes([0x10, len(MQTT)]) + MQTT),
    ("Cassandra", CLIENT, b"\x04\x00\x00\x00\x01" + be32(len(CQL_MAP)) + CQL_MAP),
    ("Cassandra", SERVER, b"\x84\x00\x00\x00\x06" + be32(len(CQL_MAP)) + CQL_MAP),
]


@pytest.mark.parametrize(("name", "side", "data"), OPENINGS, ids=[f"{n}-{d[:12]!r}" for n, _, d in OPENINGS])
def test_openings_are_recognised_from_their_side_and_from_either(name: str, side: int, data: bytes) -> None:
    assert foreign_protocol(data, 0, len(data), side) == name
    assert foreign_protocol(data, 0, len(data), EITHER) == name
    for cut in range(len(data)):
        assert foreign_protocol(data, 0, cut, side) in ("", name)


@pytest.mark.parametrize("data", [
    b"GET a", b"GET /a\r\nb", b"delete from notes\r\n", b"set names utf8 0 0\r\n", b"set a 1 0 x\r\n",
    b"get a\r\nget b\r\n", b"versions\r\n", b"*a\r\n$1\r\n", b"EHLO a b\r\n", b"USER app\r\n",
    b"S", b"N", b"220 ready\r\n",
    be32(9, 80877103), DNS_QUERY + b"\x00", DNS_QUERY[:-1] + b"\x07", PRELOGIN + b"\x00", TNS + b"\x00",
    b"\x04\x00\x00\x00\x05" + be32(0), b"\x05\x00\x00\x00\x05" + be32(0), b"+OK", b"* OK ready\r\n",
    b"RFB 003.0a8\n",
    b"\x13BitTorrent", b"HTTP/1.x 200", b"SSH-3.0-x", b"AMQP\x09\x09\x09\x09",
])
def test_what_is_not_certain_has_no_name(data: bytes) -> None:
    assert foreign_protocol(data, 0, len(data), EITHER) == ""


@pytest.mark.parametrize("name", ["LDAP", "RDP", "STUN", "MQTT", "TDS", "Oracle TNS", "DNS", "Cassandra"])
def test_a_message_whose_length_is_not_that_of_the_data_has_no_name(name: str) -> None:
    for data in (data for known, side, data in OPENINGS if known == name and side == CLIENT):
        assert foreign_protocol(data + b"\x00", 0, len(data) + 1, EITHER) == ""
        assert foreign_protocol(data, 0, len(data) - 1, EITHER) == ""


def test_a_mysql_packet_that_holds_what_mongodb_sends_is_mysql() -> None:
    message = le32(16 + len(MSG), 1, 0, 2013) + MSG
    data = message + bytes(4)  # u24 length, sequence id 0, and a payload of that length
    assert foreign_protocol(data, 0, len(data), CLIENT) == ""


def packet(payload: bytes, sequence: int) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([sequence]) + payload


@st.composite
def mysql_packets(draw: DrawFn) -> bytes:
    """A greeting, commands, or replies that count up: what could begin a direction or a segment."""
    kind = draw(st.sampled_from(["greeting", "commands", "replies"]))
    if kind == "greeting":
        rest = draw(st.binary(min_size=20, max_size=120))
        version = draw(st.from_regex(rb"[0-9]\.[0-9]\.[0-9]{1,2}", fullmatch=True))
        return packet(b"\x0a" + version + b"\x00" + rest, 0)
    payloads = draw(st.lists(st.one_of(st.binary(min_size=1, max_size=300), TEXTS), min_size=1, max_size=4))
    if kind == "commands":
        number = draw(st.integers(1, 33))
        return b"".join(packet(bytes([number]) + payload, 0) for payload in payloads)
    first = draw(st.integers(1, 255))
    return b"".join(packet(payload, (first + n) % 256) for n, payload in enumerate(payloads))


TEXTS = st.sampled_from([data for _, _, data in OPENINGS])  # other protocols' bytes inside MySQL packets


@settings(max_examples=400, deadline=None)
@given(mysql_packets(), st.sampled_from([CLIENT, SERVER, EITHER]), st.integers(0, 2000))
def test_mysql_is_never_another_protocol(data: bytes, side: int, cut: int) -> None:
    assert foreign_protocol(data, 0, len(data), side) == ""
    assert foreign_protocol(data, 0, min(cut, len(data)), side) == ""


@settings(max_examples=200, deadline=None)
@given(
    st.integers(20, 24), st.integers(0, 4), st.one_of(st.binary(max_size=400), TEXTS),
    st.sampled_from([CLIENT, SERVER, EITHER]),
)
def test_a_tls_record_is_never_another_protocol(kind: int, minor: int, body: bytes, side: int) -> None:
    record = bytes([kind, 3, minor]) + struct.pack(">H", len(body)) + body
    for cut in (len(record), len(record) // 2, 5):
        assert foreign_protocol(record, 0, cut, side) == ""


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=100), TEXTS), st.integers(0, 60), st.integers(0, 255), st.integers(0, 120),
    st.sampled_from([CLIENT, SERVER, EITHER]),
)
def test_no_bytes_raise_and_nothing_is_read_outside(
    body: bytes, where: int, value: int, cut: int, side: int
) -> None:
    changed = bytearray(body)
    if where < len(changed):
        changed[where] = value
    data = bytes(changed[:cut])
    around = b"GET" + data + b"\r\n\x00FTP SMTP" * 100
    assert foreign_protocol(data, 0, len(data), side) == foreign_protocol(around, 3, 3 + len(data), side)


@pytest.mark.parametrize(("name", "expected"), [
    ("not-mysql-http", {"HTTP"}), ("not-mysql-smtp", {"SMTP"}), ("not-mysql-https", {""}),
])
def test_lab_captures_of_other_protocols(shared: Path, name: str, expected: set[str]) -> None:
    found = streams(shared / "lab" / "wire" / f"{name}.pcap")
    sides = enumerate(found)  # client and server in turn
    assert {foreign_protocol(data, 0, len(data), number % 2) for number, data in sides if data} == expected


def test_lab_captures_of_mysql_are_never_another_protocol(shared: Path) -> None:
    tried = 0
    for folder in ("mysql-9.7", "mariadb-10.11", "mariadb-11.8"):
        for path in sorted((shared / "lab" / folder).glob("*.pcap"))[::4]:
            for data in filter(None, streams(path)):
                for size in (1, 5, 16, 40, 100, len(data)):
                    assert foreign_protocol(data, 0, min(size, len(data)), EITHER) == "", path
                tried += 1
    assert tried > 60
