from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysqlx.shape import (
    CLIENT_MESSAGES,
    CLIENT_TAGS,
    MIN_LINKS,
    MORE,
    NO,
    SERVER_MESSAGES,
    SERVER_TAGS,
    YES,
    fields_fit,
    frame_chain,
    looks_like_x,
    message_name,
)
from tests.wire.flows.whole_streams import streams

SERVER, CLIENT = 0, 1


def frame(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<IB", len(body) + 1, kind) + body


def field(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def varint(number: int, value: int) -> bytes:
    out = bytearray([number << 3])
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


TLS_ON = field(1, field(1, field(1, b"tls") + field(2, b"\x08\x01\x12\x04\x08\x07\x40\x01")))
HELLO = bytes.fromhex("050000000b08051a00")
GET = frame(1)
SET = frame(2, TLS_ON)
START = frame(4, field(1, b"MYSQL41"))
ERROR = frame(1, varint(1, 1) + varint(2, 1045) + field(4, b"28000") + field(3, b"Access denied"))
CAPABILITIES = frame(2, field(1, field(1, b"tls") + field(2, b"\x08\x01\x12\x04\x08\x07\x40\x00")))
STATEMENT = frame(12, field(1, b"INSERT INTO notes VALUES (1)") + field(3, b"sql"))


def test_every_message_has_a_name_and_its_fields() -> None:
    assert set(CLIENT_MESSAGES) == set(CLIENT_TAGS)
    assert set(SERVER_MESSAGES) == set(SERVER_TAGS)
    assert message_name(12, CLIENT) == "StmtExecute"
    assert message_name(12, SERVER) == "ColumnMetaData"
    assert message_name(0, CLIENT) == "X message 0"
    assert message_name(99, SERVER) == "X message 99"


@pytest.mark.parametrize(("data", "side"), [
    (HELLO, SERVER), (CAPABILITIES, SERVER), (ERROR, SERVER), (SET, CLIENT), (GET + SET, CLIENT),
    (START, CLIENT), (GET + GET + START, CLIENT),
])
def test_a_stream_of_x_is_known_by_its_first_message(data: bytes, side: int) -> None:
    for cut in range(len(data)):
        assert looks_like_x(data, 0, cut, side) == MORE
    assert looks_like_x(data, 0, len(data), side) == YES
    assert looks_like_x(data + b"\xff", 0, len(data) + 1, side) == YES
    assert looks_like_x(data, 0, len(data), 1 - side) != YES or side == CLIENT


def test_capabilities_get_alone_may_be_com_quit() -> None:
    assert looks_like_x(GET, 0, len(GET), CLIENT) == MORE


GREETING = (
    b"\x4a\x00\x00\x00\x0a8.0.36\x00\x0b\x00\x00\x00abcdefgh\x00\xff\xff\xff\x02\x00\xff\xdf\x15"
    + bytes(10) + b"ijklmnopqrst\x00mysql_native_password\x00"
)


def packet(payload: bytes, sequence: int = 0) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([sequence]) + payload


@pytest.mark.parametrize("data", [
    GREETING, packet(b"\xff\x10\x04Too many connections"), packet(b"\x00\x00\x00\x02\x00\x00\x00", 1),
    b"\x16\x03\x03\x00\x5a\x02\x00\x00\x56", b"HTTP/1.1 200 OK\r\n",
])
def test_other_servers_are_no_x(data: bytes) -> None:
    assert looks_like_x(data, 0, len(data), SERVER) == NO
    assert frame_chain(data, 0, len(data), SERVER) == 0


@pytest.mark.parametrize("payload", [
    b"\x03SELECT 1", b"\x03\x00\x01SELECT 1", b"\x0e", b"\x02labdb", b"\x04notes\x00", b"\x16SELECT ?",
    b"\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00", b"\x19\x01\x00\x00\x00",
    b"\x18\x01\x00\x00\x00\x00\x00\x0a\x00", b"\x1a\x0a\x00\x00\x00",
    b"\x12\x0a\x02\x00\x00\x00\x00\x01\x00\x00\x00binlog.1", b"\x1b\x00\x00", b"\x1f",
    b"\x11lab\x00\x00labdb\x00", b"\x11app\x00\x00labdb\x00", b"\x02\n", b"\x04\n\x02ab",
])
def test_commands_are_no_x(payload: bytes) -> None:
    one = packet(payload)
    assert looks_like_x(one, 0, len(one), CLIENT) == NO
    for following in (b"\x03SELECT 2", b"\x0e", b"\x01", b"\x19\x02\x00\x00\x00"):
        two = one + packet(following)
        assert frame_chain(two, 0, len(two), CLIENT) < MIN_LINKS


def test_ssl_request_is_no_x() -> None:
    data = packet(b"\x85\xa6\xff\x01\x00\x00\x00\x01\x2d" + bytes(23), 1)
    assert looks_like_x(data, 0, len(data), CLIENT) == NO


@pytest.mark.parametrize("data", [
    frame(11, b"\x08\x03\x10\x02\x1a\x00"), frame(11, b"\x08"), frame(11, b"\x08\x05\x1a\x09"), frame(0),
    frame(2, field(1, field(1, b"TLS!") + b"\x12\x00")), frame(2, field(1, field(1, b"tls"))),
    frame(1, varint(2, 1045)), frame(13), struct.pack("<IB", 65537, 11), b"\x05\x00\x01\x00",
])
def test_other_openings_of_a_server_are_no_x(data: bytes) -> None:
    assert looks_like_x(data, 0, len(data), SERVER) == NO


def test_frames_of_a_session_make_a_chain() -> None:
    data = STATEMENT + STATEMENT
    for cut in range(len(data) + 1):
        assert frame_chain(data, 0, cut, CLIENT) == (cut >= len(STATEMENT)) + (cut == len(data))
    replies = frame(11, b"\x08\x03\x10\x02\x1a\x04\x08\x04\x12\x00") + frame(17)
    assert frame_chain(replies, 0, len(replies), SERVER) == 2


def test_a_broken_link_breaks_the_chain() -> None:
    nothing = struct.pack("<I", 0)
    for broken in (frame(99), nothing, frame(12), frame(3, b"x"), frame(12, b"\x00"), frame(12, b"\x0a\x09")):
        data = STATEMENT + broken + bytes(5)
        assert frame_chain(data, 0, len(data), CLIENT) == 0


def test_empty_frames_alone_are_no_chain() -> None:
    data = frame(17) + frame(14) + frame(17)
    assert frame_chain(data, 0, len(data), SERVER) == 0
    data = GET + STATEMENT + frame(3)
    assert frame_chain(data, 0, len(data), CLIENT) == 1


def test_fields_are_bounded_by_the_body_and_by_ten_bytes_of_varint() -> None:
    assert fields_fit(b"", 0, 0, b"\x0a")
    assert fields_fit(b"\x08" + b"\xff" * 9 + b"\x01", 0, 11, b"\x08")
    assert not fields_fit(b"\x08" + b"\xff" * 10 + b"\x01", 0, 12, b"\x08")
    assert not fields_fit(b"\x0a\x05abcd", 0, 6, b"\x0a")
    assert not fields_fit(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 0, 10, b"\x0a")


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([HELLO, SET, ERROR, START, CAPABILITIES, STATEMENT, GREETING]),
    ),
    st.integers(0, 60), st.integers(0, 255), st.integers(0, 80), st.sampled_from([SERVER, CLIENT]),
)
def test_no_bytes_raise_and_nothing_is_read_outside(
    body: bytes, where: int, value: int, cut: int, side: int
) -> None:
    changed = bytearray(body)
    if where < len(changed):
        changed[where] = value
    data = bytes(changed[:cut])
    around = HELLO[:3] + data + b"\x0a" * 200
    assert looks_like_x(data, 0, len(data), side) == looks_like_x(around, 3, 3 + len(data), side)
    assert frame_chain(data, 0, len(data), side) == frame_chain(around, 3, 3 + len(data), side)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 33), st.binary(max_size=40)), min_size=1, max_size=4),
)
def test_random_commands_and_replies_are_never_x(payloads: list[tuple[int, bytes]]) -> None:
    commands = b"".join(packet(bytes([command]) + rest) for command, rest in payloads)
    only_quit = all(payload == (1, b"") for payload in payloads)
    assert looks_like_x(commands, 0, len(commands), CLIENT) == (MORE if only_quit else NO)
    assert frame_chain(commands, 0, len(commands), CLIENT) == 0
    replies = b"".join(
        packet(bytes([kind]) + rest, (1 + number) % 256) for number, (kind, rest) in enumerate(payloads)
    )
    assert looks_like_x(replies, 0, len(replies), SERVER) == NO
    assert frame_chain(replies, 0, len(replies), SERVER) == 0


@pytest.mark.parametrize(
    "name", ["crud-tls", "tls", "verify", "default", "plain", "crud", "compress", "fail-wrongpw"]
)
def test_lab_streams_are_x_and_chains_to_their_end(shared: Path, name: str) -> None:
    found = streams(shared / "lab" / "mysql-9.7" / f"mysqlx-{name}.pcap")
    for number, data in enumerate(found):
        side = CLIENT if number % 2 == 0 else SERVER
        assert looks_like_x(data, 0, len(data), side) == YES
        if name in ("plain", "crud", "compress", "fail-wrongpw"):
            end, links = 0, 0
            while end < len(data):
                length = int.from_bytes(data[end : end + 4], "little")
                end += 4 + length
                links += side == SERVER or length > 1
            assert frame_chain(data, 0, len(data), side) == links > 2


def test_lab_streams_of_the_classic_protocol_are_no_x(shared: Path) -> None:
    tried = 0
    for folder in ("mysql-9.7", "mariadb-10.11"):
        for path in sorted((shared / "lab" / folder).glob("*.pcap"))[::6]:
            if "mysqlx" in path.name or "proxy" in path.name:
                continue
            for data in filter(None, streams(path)):
                for side in (CLIENT, SERVER):
                    assert looks_like_x(data, 0, len(data), side) == NO, path
                    assert frame_chain(data, 0, len(data), side) == 0, path
                    tried += 1
    assert tried > 40
