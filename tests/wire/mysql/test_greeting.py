from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql.capabilities import (
    DEPRECATE_EOF,
    MARIADB_CACHE_METADATA,
    MARIADB_STMT_BULK_OPERATIONS,
    PLUGIN_AUTH,
    SSL,
)
from aurora_wire.wire.mysql.greeting import Greeting, looks_like_greeting, parse_greeting
from tests.wire.mysql import built

MYSQL_9 = bytes.fromhex(
    "0a 39 2e 37 2e 34 2d 32 00"  # V10, "9.7.4-2"
    "42 00 00 00"  # connection 66
    "10 68 38 5a 71 5b 17 08 00"  # nonce 1-8, filler
    "ff ff ff 02 00 ff df 15"  # flags low, utf8mb4_0900_ai_ci, autocommit, flags high, 21
    "00 00 00 00 00 00 00 00 00 00"  # reserved
    "59 37 08 2e 48 30 58 3a 39 31 4c 68 00"  # nonce 9-20, NUL
    "63 61 63 68 69 6e 67 5f 73 68 61 32 5f 70 61 73 73 77 6f 72 64 00"
)
MARIADB_10 = bytes.fromhex(
    "0a 35 2e 35 2e 35 2d 31 30 2e 31 31 2e 31 39 2d"  # "5.5.5-10.11.19-..."
    "4d 61 72 69 61 44 42 2d 30 2b 64 65 62 31 32 75 31 2d 6c 6f 67 00"
    "54 00 00 00 51 6d 51 31 3c 79 70 46 00"
    "fe ff 08 02 00 ff 81 15"  # bit 0 clear: extended flags follow
    "00 00 00 00 00 00 1d 00 00 00"  # reserved, extended flags
    "4c 2b 2e 48 5f 27 42 54 62 6d 7d 4c 00"
    "6d 79 73 71 6c 5f 6e 61 74 69 76 65 5f 70 61 73 73 77 6f 72 64 00"
)
MYSQL_5_0 = bytes.fromhex(
    "0a 35 2e 30 2e 35 34 00 5e 00 00 00 3e 7e 24 34 75 74 68 2c 00"
    "2c a2 21 02 00 00 00 00"  # bit 0 clear, but nothing is extended: not MariaDB
    "00 00 00 00 00 00 00 00 00 00"
    "3e 36 31 32 49 57 5a 3e 66 68 57 58 00"
)
V9 = b"\x093.20.32a\0" + bytes.fromhex("07 00 00 00") + b"abcdefgh\0"


def greeting_of(payload: bytes) -> Greeting:
    found = parse_greeting(payload, 0, len(payload))
    assert found is not None
    return found


def test_greeting_of_mysql_9() -> None:
    found = greeting_of(MYSQL_9)
    assert (found.protocol_version, found.server_version, found.thread_id) == (10, b"9.7.4-2", 66)
    assert (found.charset, found.status, found.auth_plugin) == (255, 2, b"caching_sha2_password")
    assert found.scramble == bytes.fromhex("10 68 38 5a 71 5b 17 08 59 37 08 2e 48 30 58 3a 39 31 4c 68")
    assert found.capabilities == 0xDFFFFFFF
    assert not found.is_mariadb


def test_greeting_of_mariadb_loses_its_prefix_and_has_extended_flags() -> None:
    found = greeting_of(MARIADB_10)
    assert found.server_version == b"10.11.19-MariaDB-0+deb12u1-log"
    assert found.is_mariadb
    assert found.capabilities & MARIADB_CACHE_METADATA
    assert found.capabilities & MARIADB_STMT_BULK_OPERATIONS
    assert found.capabilities & 0xFFFFFFFF == 0x81FFFFFE
    assert found.scramble == b"QmQ1<ypFL+.H_'BTbm}L"


def test_greeting_of_mysql_5_0_with_bit_0_clear_is_not_mariadbs() -> None:
    found = greeting_of(MYSQL_5_0)
    assert (found.server_version, found.auth_plugin, found.is_mariadb) == (b"5.0.54", b"", False)
    assert not found.capabilities & (SSL | PLUGIN_AUTH)
    assert found.scramble == b">~$4uth,>612IWZ>fhWX"


def test_a_real_5_5_5_keeps_its_version() -> None:
    assert greeting_of(built.greeting(b"5.5.5-m3-log")).server_version == b"5.5.5-m3-log"
    assert not greeting_of(built.greeting(b"5.5.5-m3-log")).is_mariadb


def test_greeting_v9() -> None:
    found = greeting_of(V9)
    assert (found.protocol_version, found.server_version, found.thread_id) == (9, b"3.20.32a", 7)
    assert (found.scramble, found.capabilities) == (b"abcdefgh", 0)


def test_a_greeting_that_ends_after_the_low_flags_has_those() -> None:
    found = greeting_of(MYSQL_9[: MYSQL_9.index(b"\xff\xff\xff") + 2])
    assert (found.capabilities, found.scramble) == (0xFFFF, bytes.fromhex("10 68 38 5a 71 5b 17 08"))


def test_a_nonce_longer_than_usual_is_read_whole() -> None:
    at = MYSQL_9.index(b"\x15")  # its length, 21 with the NUL
    payload = MYSQL_9[:at] + b"\x21" + MYSQL_9[at + 1 : at + 23] + b"twelve more!" + MYSQL_9[at + 23 :]
    assert greeting_of(payload).scramble == greeting_of(MYSQL_9).scramble + b"twelve more!"
    assert greeting_of(payload).auth_plugin == b"caching_sha2_password"


def test_a_plugin_name_without_nul_is_read() -> None:
    assert greeting_of(MYSQL_9[:-1]).auth_plugin == b"caching_sha2_password"


@pytest.mark.parametrize("payload", [MYSQL_9, MARIADB_10, MYSQL_5_0, V9])
def test_a_cut_greeting_never_raises_and_shows_no_more_than_is_there(payload: bytes) -> None:
    for cut in range(len(payload)):
        found = parse_greeting(payload, 0, cut)
        alone = parse_greeting(payload[:cut], 0, cut)
        assert (found is None) == (alone is None)
        if found is not None and alone is not None:
            assert (found.scramble, found.auth_plugin) == (alone.scramble, alone.auth_plugin)


@pytest.mark.parametrize("payload", [MYSQL_9, MARIADB_10, MYSQL_5_0, built.greeting(b"8.0.0-Teleport")])
def test_a_greeting_is_recognised_by_content_wherever_it_is_cut(payload: bytes) -> None:
    stream = b"junk" + built.packet(payload) + b"\x05\x00\x00\x02next"
    answers = [looks_like_greeting(stream, 4, 4 + cut) for cut in range(len(payload) + 5)]
    first_yes = answers.index(1)
    assert set(answers[:first_yes]) == {-1}
    assert set(answers[first_yes:]) == {1}


def test_a_greeting_that_ends_after_the_low_flags_is_recognised() -> None:
    stream = built.packet(b"\x0a4.0.1\0" + bytes.fromhex("01 00 00 00") + b"abcdefgh\0" + b"\x2c\x20")
    assert looks_like_greeting(stream, 0, len(stream)) == 1
    assert looks_like_greeting(stream, 0, len(stream) - 1) == -1


@pytest.mark.parametrize(
    ("at", "wrong"),
    [
        pytest.param(3, b"\x01", id="sequence id 1"),
        pytest.param(4, b"\x09", id="version 9"),
        pytest.param(5, b"x", id="version without a digit in front"),
        pytest.param(6, b"9999", id="no dot"),
        pytest.param(8, b"\x01", id="control character in the version"),
        pytest.param(25, b"\x01", id="filler"),
        pytest.param(35, b"\x01", id="reserved"),
        pytest.param(0, b"\x05", id="too short for its fields"),
        pytest.param(2, b"\x01", id="64 KiB long"),
    ],
)
def test_a_packet_with_one_wrong_byte_is_no_greeting(at: int, wrong: bytes) -> None:
    stream = built.packet(MYSQL_9)
    assert looks_like_greeting(stream, 0, len(stream)) == 1
    stream = stream[:at] + wrong + stream[at + len(wrong) :]
    assert looks_like_greeting(stream, 0, len(stream)) == 0


@pytest.mark.parametrize(
    "stream",
    [
        b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail ESMTP\r\n", b"+OK\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        bytes.fromhex("05 00 00 00 0b 08 05 1a 00"), built.packet(b"\x0a1234567890.\0" + b"\0" * 60),
        built.packet(b"\xff\x10\x04Too many connections"), b"\0" * 200, b"\n" * 200,
    ],
)  # fmt: skip
def test_other_protocols_are_told_apart_within_a_few_bytes(stream: bytes) -> None:
    assert looks_like_greeting(stream, 0, len(stream)) == 0
    if stream[0] > 0x20 and stream[1] > 0x20:
        assert looks_like_greeting(stream, 0, 2) == 0


@pytest.mark.parametrize(
    "start", [b"\x4b\x05", b"\x4b\x00\x01", b"\x4b\x00\x00\x01", b"\x4b\x00\x00\x00\x0b"]
)
def test_the_first_byte_that_does_not_fit_decides(start: bytes) -> None:
    assert looks_like_greeting(start, 0, len(start)) == 0
    assert looks_like_greeting(start, 0, len(start) - 1) == -1


@settings(max_examples=200, deadline=None)
@given(
    st.binary(min_size=4, max_size=24).filter(lambda v: b"\0" not in v),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 30) - 1),
)
def test_what_was_built_is_read(version: bytes, capabilities: int, extended: int) -> None:
    capabilities |= PLUGIN_AUTH
    found = greeting_of(built.greeting(version, capabilities, extended))
    assert found.server_version in (version, version[6:])
    assert found.capabilities & 0xFFFFFFFF == capabilities
    assert found.capabilities >> 32 == (0 if capabilities & 1 else extended)
    assert (found.thread_id, found.scramble, found.auth_plugin) == (
        42,
        b"abcdefghijklmnopqrst",
        b"caching_sha2_password",
    )
    assert found.capabilities & DEPRECATE_EOF == capabilities & DEPRECATE_EOF
