from __future__ import annotations

import socket
import struct
from pathlib import Path

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.identify.proxy_header import MORE, NO, ProxyHeader, parse_proxy, proxy_length

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.10 192.0.2.20 56324 3306\r\n"


def v2(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(rest)) + rest


def field(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + struct.pack(">H", len(value)) + value


ADDRESSES = socket.inet_aton("192.0.2.11") + socket.inet_aton("192.0.2.20") + struct.pack(">HH", 56325, 3306)
SSL = field(
    0x20, b"\x01\x00\x00\x00\x00" + field(0x21, b"TLSv1.3") + field(0x22, b"app") + field(0x23, b"AES")
)
V2 = v2(0x21, 0x11, ADDRESSES + field(5, b"lab-0007") + SSL)


def whole(data: bytes) -> ProxyHeader:
    header = parse_proxy(data, 0, len(data))
    assert header is not None
    assert header.length == proxy_length(data, 0, len(data))
    return header


def test_version_1_says_both_ends() -> None:
    header = whole(V1 + b"h\x00\x00\x00\x0a")
    assert (header.version, header.length, header.family) == (1, len(V1), "TCP4")
    assert (header.source, header.source_port) == ("192.0.2.10", 56324)
    assert (header.destination, header.destination_port) == ("192.0.2.20", 3306)
    assert not header.is_local
    assert not header.tls


@pytest.mark.parametrize(
    "source", ["::", "::1", "2001:db8::11", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:0:0:4::8"]
)
def test_version_1_takes_every_form_of_ipv6(source: str) -> None:
    header = whole(f"PROXY TCP6 {source} 2001:DB8::20 1 3306\r\n".encode())
    raw = socket.inet_pton(socket.AF_INET6, source)
    assert header.source == socket.inet_ntop(socket.AF_INET6, raw)
    assert header.destination == "2001:db8::20"


@pytest.mark.parametrize("line", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"])
def test_version_1_may_not_know(line: bytes) -> None:
    header = whole(line)
    assert (header.family, header.source, header.source_port) == ("UNKNOWN", "", -1)


@pytest.mark.parametrize("line", [
    b"PROXY TCP4 192.0.2.10 192.0.2.20 56324\r\n", b"PROXY TCP4 192.0.2.10 192.0.2.20 56324 3306 1\r\n",
    b"PROXY TCP4 192.0.2.256 192.0.2.20 1 2\r\n", b"PROXY TCP4 192.0.2.010 192.0.2.20 1 2\r\n",
    b"PROXY TCP4 192.0.2.10 192.0.2.20 65536 2\r\n", b"PROXY TCP4 192.0.2.10 192.0.2.20 -1 2\r\n",
    b"PROXY TCP4 ::1 ::1 1 2\r\n", b"PROXY TCP6 192.0.2.1 ::1 1 2\r\n", b"PROXY TCP6 1::2::3 ::1 1 2\r\n",
    b"PROXY TCP6 :1 ::1 1 2\r\n", b"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", b"PROXY TCP6 12345:: ::1 1 2\r\n",
    b"PROXY UDP4 192.0.2.10 192.0.2.20 1 2\r\n", b"PROXY  TCP4 192.0.2.10 192.0.2.20 1 2\r\n",
    b"PROXY TCP4 192.0.2.10 192.0.2.20 1 2\n", b"PROXY TCP4 192.0.2.10 192.0.2.20 1 2\rx",
    b"PROXY UNKNOWN " + b"x" * 100, b"PROXY \r\n", b"PROXX ", b"POST / HTTP/1.1\r\n",
    b"PROXY UNKNOWN\x00\r\n",
])
def test_other_lines_are_no_header(line: bytes) -> None:
    assert proxy_length(line, 0, len(line)) == NO
    assert parse_proxy(line, 0, len(line)) is None


@pytest.mark.parametrize("header", [V1, V2, b"PROXY UNKNOWN\r\n", v2(0x20, 0x00, b"")])
def test_every_cut_of_a_header_asks_for_more_and_one_byte_more_changes_nothing(header: bytes) -> None:
    for cut in range(len(header)):
        assert proxy_length(header, 0, cut) == MORE
        assert parse_proxy(header, 0, cut) is None
    assert proxy_length(header + b"\x16", 0, len(header) + 1) == len(header)


def test_the_longest_line_of_version_1_is_107_bytes() -> None:
    line = b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n"
    assert len(line) == 107
    assert proxy_length(line, 0, 107) == 107
    longer = b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n"
    assert proxy_length(longer, 0, 108) == NO


def test_version_2_says_both_ends_and_that_the_clients_leg_was_tls() -> None:
    header = whole(V2)
    assert (header.version, header.family, header.is_local) == (2, "TCP4", False)
    assert (header.source, header.source_port) == ("192.0.2.11", 56325)
    assert (header.destination, header.destination_port) == ("192.0.2.20", 3306)
    assert header.tls
    assert (header.tls_version, header.tls_cipher, header.tls_common_name) == ("TLSv1.3", "AES", "app")


def test_version_2_ssl_field_without_the_bit_means_a_clear_leg() -> None:
    assert not whole(v2(0x21, 0x11, ADDRESSES + field(0x20, bytes(5)))).tls
    assert not whole(v2(0x21, 0x11, ADDRESSES + field(0x20, b"\x01"))).tls


def test_version_2_over_unix_sockets() -> None:
    header = whole(v2(0x21, 0x31, b"/run/a".ljust(108, b"\x00") + b"b" * 108))
    assert (header.family, header.source, header.destination) == ("UNIX", "/run/a", "b" * 108)
    assert header.source_port == -1


def test_version_2_local_says_nothing_about_addresses() -> None:
    header = whole(v2(0x20, 0x11, ADDRESSES))
    assert header.is_local
    assert header.source == ""
    assert whole(v2(0x20, 0x11, b"abc")).length == 19


@pytest.mark.parametrize("broken", [b"\x05", b"\x05\x00\x09abc", b"\x05\x00\x02abc"])
def test_version_2_with_broken_fields_is_a_header_all_the_same(broken: bytes) -> None:
    header = whole(v2(0x21, 0x11, ADDRESSES + SSL + broken))
    assert header.source == "192.0.2.11"
    assert header.tls


@pytest.mark.parametrize("data", [
    v2(0x22, 0x11, ADDRESSES), v2(0x11, 0x11, ADDRESSES), v2(0x21, 0x13, ADDRESSES),
    v2(0x21, 0x41, ADDRESSES), v2(0x21, 0x10, ADDRESSES), v2(0x21, 0x21, ADDRESSES),
    b"\r\n\r\n\r\n\r\n\r\n\r\n", b"\r\nQUIT",
])
def test_other_bytes_are_no_version_2(data: bytes) -> None:
    assert proxy_length(data, 0, len(data)) == NO


def fields(of: object) -> dict[str, object]:
    """All that it says; compiled classes have no `__slots__` or `__dict__` to ask."""
    return {name: value for name in dir(of) if name[0] != "_" and not callable(value := getattr(of, name))}


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.just(V1), st.just(V2), st.binary(max_size=120), st.binary(max_size=80).map(lambda b: V1[:11] + b)
    ),
    st.integers(0, 130), st.integers(0, 255), st.integers(0, 130),
)
def test_no_bytes_raise_and_nothing_is_read_outside(body: bytes, where: int, value: int, cut: int) -> None:
    changed = bytearray(body)
    if where < len(changed):
        changed[where] = value
    data = bytes(changed[:cut])
    around = b"PROXY" + data + b" 1 2\r\n" + bytes(300)
    length = proxy_length(data, 0, len(data))
    assert length == proxy_length(around, 5, 5 + len(data))
    assert length <= len(data)
    alone, inside = parse_proxy(data, 0, len(data)), parse_proxy(around, 5, 5 + len(data))
    assert (alone is None) == (inside is None) == (length <= 0)
    if alone is not None and inside is not None:
        assert fields(alone) == fields(inside)


@given(st.binary(min_size=16, max_size=16), st.lists(st.integers(0, 7), max_size=8))
def test_ipv6_addresses_are_written_as_inet_ntop_does(raw: bytes, zeros: list[int]) -> None:
    address = bytearray(raw)
    for group in zeros:
        address[2 * group : 2 * group + 2] = b"\x00\x00"
    if not any(address[:10]) and address[10:12] != b"\xff\xff":
        address[0] = 1  # ::1.2.3.4, which RFC 5952 leaves to the implementation
    header = whole(v2(0x21, 0x21, bytes(address) + bytes(16) + bytes(4)))
    assert header.source == socket.inet_ntop(socket.AF_INET6, bytes(address))


@pytest.mark.parametrize(("name", "source", "port", "version"), [
    ("proxy-v1", "192.0.2.10", 56324, 1),
    ("proxy-v2", "192.0.2.11", 56325, 2),
    ("proxy-v2-tls", "2001:db8::11", 56326, 2),  # the length of its UNIQUE_ID is one short
])
def test_lab_headers(shared: Path, name: str, source: str, port: int, version: int) -> None:
    with (shared / "lab" / "mariadb-10.11" / f"{name}.pcap").open("rb") as file:
        payloads = [dpkt.ethernet.Ethernet(frame).data.data.data for _, frame in dpkt.pcap.Reader(file)]
    header = whole(next(payload for payload in payloads if payload))
    assert (header.version, header.source, header.source_port) == (version, source, port)
    assert not header.tls
