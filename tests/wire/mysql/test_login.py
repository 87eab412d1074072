from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.login import Login, parse_change_user, parse_login, parse_ssl_request
from tests.wire.mysql import built

FULL = (
    caps.LONG_PASSWORD | caps.CONNECT_WITH_DB | caps.PROTOCOL_41 | caps.SECURE_CONNECTION | caps.PLUGIN_AUTH
    | caps.CONNECT_ATTRS | caps.PLUGIN_AUTH_LENENC_CLIENT_DATA | caps.ZSTD_COMPRESSION_ALGORITHM
)  # fmt: skip

LOGIN_5_0 = bytes.fromhex(
    "85 a6 03 00 00 00 00 01 21"  # flags, 16 MiB, utf8_general_ci
    "0000000000000000000000000000000000000000000000"
    "74 66 6f 65 72 73 74 65 00"  # "tfoerste"
    "14 ee fd 6d 55 62 85 1b c5 96 6a 0b 41 23 6a e3 f2 31 5e fc c4"
)


def login_of(payload: bytes, server: int = caps.UNKNOWN) -> Login:
    found = parse_login(payload, 0, len(payload), server)
    assert found is not None
    return found


def test_login_of_a_5_0_client_without_database() -> None:
    found = login_of(LOGIN_5_0)
    assert (found.user, found.database, found.auth_plugin) == (b"tfoerste", b"", b"")
    assert found.auth_response == LOGIN_5_0[-20:]
    assert (found.max_packet, found.charset, found.zstd_level) == (1 << 24, 33, -1)
    assert found.attributes == []
    assert found.complete
    assert not found.protocol_320


def test_all_fields_of_a_modern_login() -> None:
    found = login_of(built.login(FULL))
    assert (found.user, found.auth_response, found.database) == (b"app", b"h" * 32, b"shop")
    assert found.auth_plugin == b"caching_sha2_password"
    assert found.attributes == [(b"_os", b"Linux"), (b"program_name", b"mysql")]
    assert (found.charset, found.zstd_level, found.complete) == (45, 3, True)


@pytest.mark.parametrize("cut", range(33, len(built.login(FULL)) + 1))
def test_missing_trailing_fields_are_empty_and_a_cut_field_makes_it_incomplete(cut: int) -> None:
    payload = built.login(FULL)
    found = parse_login(payload, 0, cut)
    assert found is not None
    assert b"app".startswith(found.user)
    assert b"shop".startswith(found.database)
    if cut == len(payload):
        assert found.complete
    if cut < len(payload) - 1:
        assert found.zstd_level == -1


def test_an_auth_response_that_runs_past_the_end_is_not_invented() -> None:
    payload = built.login(FULL)
    found = login_of(payload[: payload.index(b"hhhh") + 5])
    assert (found.user, found.auth_response, found.database, found.complete) == (b"app", b"", b"", False)


def test_fields_go_by_what_both_sides_know() -> None:
    without = FULL & ~(caps.CONNECT_ATTRS | caps.PLUGIN_AUTH)
    flags_of_client = built.login(without)
    payload = struct.pack("<I", FULL) + flags_of_client[4:]
    found = login_of(payload, without)
    assert (found.database, found.auth_plugin, found.attributes, found.zstd_level) == (b"shop", b"", [], 3)
    assert found.capabilities == FULL


def test_extended_flags_of_a_mariadb_client_only_with_bit_0_clear() -> None:
    assert login_of(built.login(FULL, extended=0x1D)).capabilities == FULL
    mariadb = FULL & ~caps.LONG_PASSWORD
    assert login_of(built.login(mariadb, extended=0x1D)).capabilities == mariadb | 0x1D << 32


def test_a_password_before_secure_connection_ends_with_nul() -> None:
    flags = FULL & ~(caps.PLUGIN_AUTH_LENENC_CLIENT_DATA | caps.SECURE_CONNECTION)
    assert login_of(built.login(flags, auth=b"8scr")).auth_response == b"8scr"


def test_login_before_4_1_with_and_without_database() -> None:
    head = struct.pack("<H", caps.CONNECT_WITH_DB) + b"\xff\xff\xff"
    found = login_of(head + b"app\0scramble\0shop\0")
    assert (found.user, found.auth_response, found.database) == (b"app", b"scramble", b"shop")
    assert (found.protocol_320, found.max_packet) == (True, 0xFFFFFF)
    found = login_of(struct.pack("<H", 0) + b"\xff\xff\xffapp\0scramble")
    assert (found.user, found.auth_response, found.database) == (b"app", b"scramble", b"")


def test_ssl_request_has_exactly_32_bytes_and_says_so() -> None:
    flags = caps.SSL | caps.PROTOCOL_41 | caps.LONG_PASSWORD
    request = struct.pack("<IIB", flags, 1 << 24, 255) + bytes(19) + b"\x1d\0\0\0"
    found = parse_ssl_request(b"<" + request + b">", 1, 33)
    assert found is not None
    assert (found.capabilities, found.max_packet, found.charset, found.extended) == (flags, 1 << 24, 255, 0)
    assert parse_ssl_request(request, 0, 31) is None
    assert parse_ssl_request(request + b"\0", 0, 33) is None
    assert parse_ssl_request(b"\0" * 32, 0, 32) is None
    assert parse_login(request, 0, 32) is None


def test_ssl_request_of_a_mariadb_client_has_extended_flags() -> None:
    flags = caps.SSL | caps.PROTOCOL_41
    found = parse_ssl_request(struct.pack("<IIB", flags, 0, 45) + bytes(19) + b"\x1d\0\0\0", 0, 32)
    assert found is not None
    assert (found.capabilities, found.extended) == (flags | 0x1D << 32, 0x1D)


def test_ssl_request_before_4_1_has_five_bytes() -> None:
    found = parse_ssl_request(struct.pack("<H", caps.SSL) + b"\x00\x00\x01", 0, 5)
    assert found is not None
    assert (found.capabilities, found.max_packet) == (caps.SSL, 1 << 16)
    assert parse_ssl_request(struct.pack("<H", 0x24) + b"\x00\x00\x01", 0, 5) is None


CHANGE_USER = (
    b"\x11other\0\x20" + b"h" * 32 + b"labdb\0\xff\x00caching_sha2_password\0"
    + built.lestr(built.lestr(b"_os") + built.lestr(b"Debian-12"))
)  # fmt: skip


def test_change_user_with_all_its_fields() -> None:
    found = parse_change_user(CHANGE_USER, 0, len(CHANGE_USER), FULL)
    assert found is not None
    assert (found.user, found.auth_response, found.database) == (b"other", b"h" * 32, b"labdb")
    assert (found.charset, found.auth_plugin) == (255, b"caching_sha2_password")
    assert found.attributes == [(b"_os", b"Debian-12")]
    assert found.complete


def test_change_user_may_end_after_the_database() -> None:
    found = parse_change_user(b"\x11root\0\0\0", 0, 8)
    assert found is not None
    assert (found.user, found.auth_response, found.database, found.charset) == (b"root", b"", b"", -1)
    assert found.complete
    assert parse_change_user(b"\x03SELECT", 0, 7) is None


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, (1 << 32) - 1),
    st.binary(max_size=40).filter(lambda v: b"\0" not in v),
    st.binary(max_size=250).filter(lambda v: b"\0" not in v),
    st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=300)), max_size=5),
)
def test_what_was_built_is_read(
    flags: int, user: bytes, auth: bytes, attributes: list[tuple[bytes, bytes]]
) -> None:
    flags |= caps.PROTOCOL_41
    found = login_of(built.login(flags, user, auth, attributes=tuple(attributes)))
    assert (found.user, found.auth_response, found.complete) == (user, auth, True)
    assert found.database == (b"shop" if flags & caps.CONNECT_WITH_DB else b"")
    assert found.attributes == (attributes if flags & caps.CONNECT_ATTRS else [])
    assert found.zstd_level == (3 if flags & caps.ZSTD_COMPRESSION_ALGORITHM else -1)
