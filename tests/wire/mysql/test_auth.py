from __future__ import annotations

import pytest

from aurora_wire.wire.mysql.auth import (
    CACHING_SHA2,
    CLEAR_PASSWORD,
    DIALOG,
    NATIVE_PASSWORD,
    OLD_PASSWORD,
    SHA256,
    is_cleartext_password,
    parse_auth_more_data,
    parse_auth_next_factor,
    parse_auth_switch,
)

SWITCH = bytes.fromhex(
    "fe 63 61 63 68 69 6e 67 5f 73 68 61 32 5f 70 61 73 73 77 6f 72 64 00"
    "13 3a 5a 27 2c 0f 11 36 43 56 4e 1f 25 2d 78 11 5b 14 48 0c 00"
)
PASSWORD = bytes.fromhex(
    "6c 61 62 2d 53 65 63 72 65 74 2d 31 00"
)  # the lab's mysql-9.7/fail-connpy-plain-full-auth
SCRAMBLE = bytes.fromhex("55a32e33342420de410a4e693b548ab4fb240ecde3949f5cdeeca81b393fee00")
RSA_BLOCK = bytes(range(1, 256)) + b"\0"


def test_auth_switch_names_plugin_and_nonce_without_its_nul() -> None:
    found = parse_auth_switch(b"--" + SWITCH + b"--", 2, 2 + len(SWITCH))
    assert found is not None
    assert found.auth_plugin == CACHING_SHA2
    assert found.scramble == SWITCH[-21:-1]


def test_a_lone_fe_is_the_switch_to_old_passwords() -> None:
    found = parse_auth_switch(b"\xfe\xff", 0, 1)
    assert found is not None
    assert (found.auth_plugin, found.scramble) == (OLD_PASSWORD, b"")


def test_an_ok_is_no_switch() -> None:
    assert parse_auth_switch(b"\x00\x00\x00\x02\x00\x00\x00", 0, 7) is None
    assert parse_auth_switch(b"", 0, 0) is None


def test_more_data_says_when_a_full_authentication_is_asked() -> None:
    fast = parse_auth_more_data(b"\x01\x03", 0, 2)
    full = parse_auth_more_data(b"\x01\x04", 0, 2)
    key = parse_auth_more_data(b"\x01-----BEGIN", 0, 11)
    assert fast is not None
    assert full is not None
    assert key is not None
    assert (fast.asks_full, full.asks_full, key.asks_full) == (False, True, False)
    assert key.data == b"-----BEGIN"


def test_next_factor() -> None:
    found = parse_auth_next_factor(b"\x02authentication_webauthn_client\0rest", 0, 36)
    assert found is not None
    assert (found.auth_plugin, found.data) == (b"authentication_webauthn_client", b"rest")
    assert parse_auth_next_factor(b"\x02", 0, 1) is None


@pytest.mark.parametrize(
    ("plugin", "full", "data", "clear"),
    [
        (CACHING_SHA2, True, PASSWORD, True),
        (CACHING_SHA2, False, SCRAMBLE, False),
        (CACHING_SHA2, False, PASSWORD, False),
        (CACHING_SHA2, True, SCRAMBLE, False),
        (CACHING_SHA2, True, b"\x02", False),
        (CACHING_SHA2, True, RSA_BLOCK, False),
        (CACHING_SHA2, True, b"\0", False),
        (CACHING_SHA2, True, "pässwort".encode() + b"\0", True),
        (SHA256, False, PASSWORD, True),
        (SHA256, False, b"\x01", False),
        (CLEAR_PASSWORD, False, PASSWORD, True),
        (CLEAR_PASSWORD, False, b"token", True),
        (CLEAR_PASSWORD, False, b"\0", False),
        (CLEAR_PASSWORD, False, b"", False),
        (DIALOG, False, b"123456\0", True),
        (NATIVE_PASSWORD, False, SCRAMBLE[:20], False),
        (NATIVE_PASSWORD, True, PASSWORD, False),
        (b"", True, PASSWORD, False),
    ],
)
def test_which_replies_are_the_password_itself(plugin: bytes, full: bool, data: bytes, clear: bool) -> None:
    assert is_cleartext_password(plugin, full, b"\0a" + data + b"b\0", 2, 2 + len(data)) is clear
