"""Hellos by example, from the lab's captures, and by property: no bytes raise, every cut is refused."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.verdict.hello_fingerprints import ja3, ja4
from aurora_wire.wire.tls.hello import (
    RETRY_RANDOM,
    ClientHello,
    ServerHello,
    certificate_slices,
    looks_like_v2_hello,
    parse_client_hello,
    parse_server_hello,
    parse_v2_client_hello,
)
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import authenticates, encrypts, suite_name
from tests.tshark import printed
from tests.wire.flows.whole_streams import streams

RANDOM = bytes(range(32))


def u16(n: int) -> bytes:
    return struct.pack(">H", n)


def u24(n: int) -> bytes:
    return struct.pack(">I", n)[1:]


def extension(kind: int, content: bytes = b"") -> bytes:
    return u16(kind) + u16(len(content)) + content


def client_hello(
    extensions: bytes | None = b"", version: int = 0x0303, session_id: bytes = b"",
    suites: tuple[int, ...] = (0x1302, 0xC02F),
) -> bytes:
    body = u16(version) + RANDOM + bytes([len(session_id)]) + session_id
    body += u16(2 * len(suites)) + b"".join(map(u16, suites)) + b"\x01\x00"
    return body if extensions is None else body + u16(len(extensions)) + extensions


def server_hello(
    extensions: bytes | None = b"", version: int = 0x0303, suite: int = 0xC02F, random: bytes = RANDOM,
    session_id: bytes = b"",
) -> bytes:
    body = u16(version) + random + bytes([len(session_id)]) + session_id + u16(suite) + b"\x00"
    return body if extensions is None else body + u16(len(extensions)) + extensions


def read_client(body: bytes) -> ClientHello:
    hello = parse_client_hello(body, 0, len(body))
    assert hello is not None
    return hello


def read_server(body: bytes) -> ServerHello:
    hello = parse_server_hello(body, 0, len(body))
    assert hello is not None
    return hello


SERVER_NAME = extension(0, b"\x00\x0d\x00\x00\x0adb.example")
ALL_OF_IT = (
    extension(0x2A2A)
    + SERVER_NAME
    + extension(10, u16(6) + u16(0x3A3A) + u16(29) + u16(23))
    + extension(11, b"\x01\x00")
    + extension(13, u16(4) + u16(0x0403) + u16(0x0804))
    + extension(16, b"\x00\x0b\x05mysql\x04h2c2")
    + extension(35, b"ticket")
    + extension(42)
    + extension(43, b"\x06" + u16(0x4A4A) + u16(0x0304) + u16(0x0303))
    + extension(41, b"psk")
)


def test_client_hello_with_everything() -> None:
    hello = read_client(client_hello(ALL_OF_IT, session_id=b"s" * 32, suites=(0x0A0A, 0x1302, 0xC02F)))
    assert (hello.version, hello.random, hello.session_id) == (0x0303, RANDOM, b"s" * 32)
    assert hello.suites == [0x0A0A, 0x1302, 0xC02F]
    assert hello.versions == [0x0304, 0x0303]
    assert hello.sni == b"db.example"
    assert hello.alpn == [b"mysql", b"h2c2"]
    assert hello.groups == [0x3A3A, 29, 23]
    assert hello.point_formats == [0]
    assert hello.signature_algorithms == [0x0403, 0x0804]
    assert hello.extensions == [0x2A2A, 0, 10, 11, 13, 16, 35, 42, 43, 41]
    assert hello.compressions == b"\x00"
    assert hello.has_early_data
    assert hello.has_psk
    assert hello.session_ticket
    assert not hello.is_v2_framed


def test_client_hello_without_extensions_offers_its_own_version() -> None:
    hello = read_client(client_hello(None, version=0x0301))
    assert hello.versions == [0x0301]
    assert hello.sni is None
    assert not hello.has_psk
    assert not hello.session_ticket


def test_an_empty_session_ticket_asks_for_one_and_shows_none() -> None:
    assert not read_client(client_hello(extension(35))).session_ticket


def test_a_hello_offers_what_is_in_its_list_and_never_grease() -> None:
    hello = read_client(client_hello(suites=(0x1A1A, 0x1302)))
    assert hello.offers(0x1302)
    assert not hello.offers(0x1301)
    assert not hello.offers(0x1A1A)


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\x03\x03\x04", b"\x01\x03", b"\x02\x3a\x3a", b"\x03\x03\x04\x03"]
)
def test_client_hello_with_broken_supported_versions_is_refused(content: bytes) -> None:
    body = client_hello(extension(43, content))
    assert parse_client_hello(body, 0, len(body)) is None


@pytest.mark.parametrize("kind", [0, 10, 11, 13, 16])
@pytest.mark.parametrize("content", [b"", b"\x00", b"\x00\x09a", b"\xff" * 4, b"\x00\x03\x00\x00\x09"])
def test_other_broken_extensions_are_kept_as_numbers(kind: int, content: bytes) -> None:
    hello = read_client(client_hello(extension(kind, content)))
    assert hello.extensions == [kind]
    assert (hello.sni, hello.alpn, hello.groups, hello.signature_algorithms) == (None, [], [], [])


def test_an_extension_sent_twice_is_refused() -> None:
    body = client_hello(extension(23) + extension(23))
    assert parse_client_hello(body, 0, len(body)) is None
    body = server_hello(extension(23) + extension(23))
    assert parse_server_hello(body, 0, len(body)) is None


@pytest.mark.parametrize("body", [
    client_hello(version=0x0305), client_hello(version=0x0203), client_hello(session_id=b"x" * 33),
    client_hello(suites=()), client_hello() + b"\x00",
])
def test_impossible_client_hellos_are_refused(body: bytes) -> None:
    assert parse_client_hello(body, 0, len(body)) is None


def test_cipher_list_of_odd_length_is_refused() -> None:
    body = u16(0x0303) + RANDOM + b"\x00" + u16(3) + b"\x13\x02\x00" + b"\x01\x00"
    assert parse_client_hello(body, 0, len(body)) is None


def test_server_hello_of_tls_12() -> None:
    extensions = extension(22) + extension(23) + extension(16, b"\x00\x06\x05mysql") + extension(0)
    hello = read_server(server_hello(extensions, session_id=b"id"))
    assert (hello.version, hello.legacy_version, hello.suite) == (0x0303, 0x0303, 0xC02F)
    assert (hello.random, hello.session_id, hello.compression) == (RANDOM, b"id", 0)
    assert hello.encrypt_then_mac
    assert hello.extended_master_secret
    assert hello.alpn == b"mysql"
    assert hello.extensions == [22, 23, 16, 0]
    assert not hello.resumed_by_psk
    assert not hello.is_retry_request
    assert not hello.downgrade_marker


def test_server_hello_of_tls_13_says_its_version_in_an_extension() -> None:
    hello = read_server(server_hello(extension(43, b"\x03\x04") + extension(41, b"\x00\x00"), suite=0x1301))
    assert (hello.version, hello.legacy_version) == (0x0304, 0x0303)
    assert hello.resumed_by_psk


def test_hello_retry_request_is_told_by_its_random() -> None:
    hello = read_server(server_hello(extension(43, b"\x03\x04"), random=RETRY_RANDOM))
    assert hello.is_retry_request


@pytest.mark.parametrize(("last", "expected"), [(0, True), (1, True), (2, False)])
def test_downgrade_marker(last: int, expected: bool) -> None:
    random = bytes(24) + b"DOWNGRD" + bytes([last])
    assert read_server(server_hello(random=random)).downgrade_marker == expected


@pytest.mark.parametrize(
    "extensions", [extension(43, b"\x03"), extension(43, b"\x02\x03\x04"), extension(41)]
)
def test_server_hello_whose_deciding_extension_is_broken_is_refused(extensions: bytes) -> None:
    body = server_hello(extensions)
    assert parse_server_hello(body, 0, len(body)) is None


def v2_hello(specs: bytes = b"\x00\x00\x35\x07\x00\xc0\x00\x00\xff", challenge: bytes = b"c" * 16) -> bytes:
    body = b"\x01\x03\x01" + u16(len(specs)) + u16(0) + u16(len(challenge)) + specs + challenge
    return bytes([0x80, len(body)]) + body


def test_v2_framed_hello_lists_the_suites_that_tls_knows() -> None:
    body = v2_hello()
    assert looks_like_v2_hello(body, 0, len(body)) == 1
    hello = parse_v2_client_hello(body + b"more", 0, len(body) + 4)
    assert hello is not None
    assert hello.is_v2_framed
    assert hello.version == 0x0301
    assert hello.versions == [0x0301]
    assert hello.suites == [0x0035, 0x00FF]
    assert hello.random == bytes(16) + b"c" * 16


@pytest.mark.parametrize("cut", range(11))
def test_v2_framed_hello_asks_for_more_bytes_until_it_is_certain(cut: int) -> None:
    assert looks_like_v2_hello(v2_hello(), 0, cut) == -1


@pytest.mark.parametrize("body", [
    b"\x80\x2e\x02", b"\x80\x2e\x01\x04", b"\x80\x2e\x01\x03\x05", b"\x16\x03\x01", v2_hello(specs=b"ab"),
    v2_hello(challenge=b"short"), b"\x80\x00" + v2_hello()[2:], b"\x80\x2e\x01\x00\x02" + bytes(20),
])
def test_other_bytes_are_no_v2_framed_hello(body: bytes) -> None:
    assert looks_like_v2_hello(body, 0, len(body)) == 0
    assert parse_v2_client_hello(body, 0, len(body)) is None


def test_v2_framed_hello_cut_short_is_not_parsed() -> None:
    body = v2_hello()
    for cut in range(len(body)):
        assert parse_v2_client_hello(body, 0, cut) is None


def test_certificates_are_found_leaf_first() -> None:
    message = u24(11) + u24(3) + b"abc" + u24(2) + b"de"
    assert certificate_slices(b"xx" + message + b"yy", 2, 2 + len(message)) == [(8, 11), (14, 16)]
    assert certificate_slices(u24(0), 0, 3) == []


@pytest.mark.parametrize("message", [
    b"", b"\x00\x00", u24(1), u24(3) + u24(0), u24(4) + u24(2) + b"a", u24(5) + u24(1) + b"a" + b"z",
    u24(4 * 101) + (u24(1) + b"a") * 101,
])
def test_malformed_certificate_lists_are_refused(message: bytes) -> None:
    assert certificate_slices(message, 0, len(message)) is None


@pytest.mark.parametrize("cut", range(len(client_hello(ALL_OF_IT))))
def test_client_hello_cut_short_is_refused_but_for_one_without_extensions(cut: int) -> None:
    body = client_hello(ALL_OF_IT)
    hello = parse_client_hello(body, 0, cut)
    assert (hello is not None) == (cut == len(client_hello(None)))


def fields(of: object) -> dict[str, object]:
    """All that it says; compiled classes have no `__slots__` or `__dict__` to ask."""
    return {name: value for name in dir(of) if name[0] != "_" and not callable(value := getattr(of, name))}


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.just(client_hello(ALL_OF_IT)),
        st.just(server_hello(extension(43, b"\x03\x04"))),
    ),
    st.integers(0, 200), st.integers(0, 255), st.integers(0, 240),
)
def test_no_bytes_raise_and_nothing_is_read_outside(body: bytes, where: int, value: int, cut: int) -> None:
    changed = bytearray(body)
    if where < len(changed):
        changed[where] = value
    data = bytes(changed[:cut])
    around = b"\xff" * 7 + data + b"\xff" * 300
    for parse in (parse_client_hello, parse_server_hello, parse_v2_client_hello):
        alone = parse(data, 0, len(data))
        inside = parse(around, 7, 7 + len(data))
        assert (alone is None) == (inside is None)
        if alone is not None and inside is not None:
            assert fields(alone) == fields(inside)
    assert looks_like_v2_hello(data, 0, len(data)) == looks_like_v2_hello(around, 7, 7 + len(data))
    found = certificate_slices(around, 7, 7 + len(data))
    assert (found is None) == (certificate_slices(data, 0, len(data)) is None)
    assert all(7 < start < end <= 7 + len(data) for start, end in found or [])


def test_ten_thousand_extensions_take_no_time() -> None:
    body = client_hello(b"".join(extension(kind) for kind in range(100, 16000)))
    assert len(read_client(body).extensions) == 15900


# --- the lab: real clients and servers ---

def hellos(path: Path, message: int) -> list[bytes]:
    """The bodies of all hellos of this type (1, 2), each stream read as records from its first hello on."""
    found = []
    for stream in streams(path):
        opening = re.search(rb"\x16\x03[\x01\x03]..[\x01\x02]\x00", stream, re.DOTALL)
        at = opening.start() if opening else len(stream)
        while at + 5 < len(stream) and stream[at] in range(20, 24):
            length = int.from_bytes(stream[at + 3 : at + 5], "big")
            body = stream[at + 5 : at + 5 + length]
            size = int.from_bytes(body[1:4], "big")
            if stream[at] == 22 and body[0] == message and size + 4 <= length:
                found.append(body[4 : 4 + size])
            at += 5 + length
    return found


def handshakes(path: Path) -> list[bytes]:
    """Whole handshake messages with their headers, from the records before the first ChangeCipherSpec."""
    found = []
    for stream in streams(path):
        opening = re.search(rb"\x16\x03[\x01\x03]..[\x01\x02]\x00", stream, re.DOTALL)
        at = opening.start() if opening else len(stream)
        joined = b""
        while at + 5 < len(stream) and stream[at] == 22:
            length = int.from_bytes(stream[at + 3 : at + 5], "big")
            joined += stream[at + 5 : at + 5 + length]
            at += 5 + length
        while len(joined) >= 4:
            size = 4 + int.from_bytes(joined[1:4], "big")
            found.append(joined[:size])
            joined = joined[size:]
    return found


def lab_with_tls(shared: Path) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in (shared / "lab" / "TRUTH.jsonl").read_text().splitlines()]
    return [row for row in rows if row["tls"] and "midstream" not in row["file"]]


def iana(name: str) -> str:
    """`ECDHE-RSA-AES128-GCM-SHA256` as the registry has it."""
    if name.startswith("TLS_"):
        return name
    exchange, proof, cipher, mode, mac = name.split("-")
    return f"TLS_{exchange}_{proof}_WITH_{cipher[:3]}_{cipher[3:]}_{mode}_{mac}"


def test_lab_hellos_agree_on_version_and_cipher_with_the_servers_log(shared: Path) -> None:
    rows = lab_with_tls(shared)
    assert len(rows) > 50
    for row in rows:
        path = shared / "lab" / str(row["file"])
        answers = [read_server(body) for body in hellos(path, 2)]
        offers = [read_client(body) for body in hellos(path, 1)]
        assert answers, path
        assert offers, path
        agreed = {(version_name(a.version), suite_name(a.suite)) for a in answers}
        tls = row["tls"]
        assert isinstance(tls, dict)
        assert (tls["version"], iana(tls["cipher"])) in agreed, path
        for answer in answers:
            assert encrypts(answer.suite)
            assert authenticates(answer.suite)
            assert any(offer.offers(answer.suite) and answer.version in offer.versions for offer in offers)


def tshark_version() -> tuple[int, ...]:
    said = subprocess.run(["tshark", "--version"], capture_output=True, check=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else ()


@pytest.mark.parametrize("name", [
    "mysql-9.7/pymysql-tls12.pcap", "mysql-9.7/connj-trust.pcap", "mysql-9.7/mysql-cli-verify-identity.pcap",
    "mysql-9.7/mysqlx-tls.pcap", "wire/not-mysql-https.pcap", "mariadb-11.8/mariadb-cli-default.pcap",
])
def test_hellos_agree_field_by_field_with_tshark(shared: Path, name: str) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("no tshark command")
    path = shared / "lab" / name
    field = "tls.handshake."
    wanted = [
        "type", "version", "random", "ciphersuite", "extension.type", "extensions_server_name",
        "extensions_supported_group", "sig_hash_alg", "extensions.supported_version", "session_id", "ja3",
    ]
    if tshark_version() >= (4, 4):
        wanted.append("ja4")
    asked = [part for one in wanted for part in ("-e", field + one)]
    told = printed(path, "-Y", f"{field}type in {{1,2}}", "-T", "fields", *asked).decode()
    rows = [dict(zip(wanted, line.split("\t"), strict=True)) for line in told.splitlines()]
    clients = [row for row in rows if row["type"].split(",")[0] == "1"]
    servers = [row for row in rows if row["type"].split(",")[0] == "2"]
    ours = [read_client(body) for body in hellos(path, 1)]
    assert len(ours) == len(clients) > 0

    def numbers(text: str) -> list[int]:
        return [int(part, 0) for part in text.split(",") if part]

    for hello, row in zip(ours, clients, strict=True):
        assert hello.suites == numbers(row["ciphersuite"])
        assert hello.extensions == numbers(row["extension.type"])
        assert (hello.sni or b"").decode() == row["extensions_server_name"]
        assert hello.groups == numbers(row["extensions_supported_group"])
        assert ja3(hello) == row["ja3"]
        assert ja4(hello) == row.get("ja4", ja4(hello))
        assert hello.signature_algorithms == numbers(row["sig_hash_alg"])[: len(hello.signature_algorithms)]
        assert hello.versions == (numbers(row["extensions.supported_version"]) or [hello.version])
        assert hello.random.hex() == row["random"]
        assert hello.session_id.hex() == row["session_id"]
    answers = [read_server(body) for body in hellos(path, 2)]
    assert len(answers) == len(servers) > 0
    for answer, row in zip(answers, servers, strict=True):
        assert [answer.suite] == numbers(row["ciphersuite"])
        assert answer.random.hex() == row["random"]
        assert [answer.version] == (numbers(row["extensions.supported_version"]) or [answer.legacy_version])


def test_lab_has_a_server_that_asks_for_another_hello_first(shared: Path) -> None:
    path = shared / "lab" / "mysql-9.7" / "pymysql-tls13.pcap"
    first, second = (read_server(body) for body in hellos(path, 2))
    assert first.is_retry_request
    assert not second.is_retry_request
    assert first.suite == second.suite
    assert first.version == second.version == 0x0304


def test_lab_certificates_are_der_and_a_client_without_one_sends_none(shared: Path) -> None:
    path = shared / "lab" / "mysql-9.7" / "pymysql-tls12.pcap"
    from_client, from_server = (body for body in handshakes(path) if body[0] == 11)
    assert certificate_slices(from_client, 4, len(from_client)) == []
    found = certificate_slices(from_server, 4, len(from_server))
    assert found
    for start, end in found:
        assert from_server[start : start + 2] == b"\x30\x82"
        assert int.from_bytes(from_server[start + 2 : start + 4], "big") == end - start - 4
