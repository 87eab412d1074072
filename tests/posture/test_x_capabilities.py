"""What an X Protocol server says of itself, read from bytes that may be anything."""

from __future__ import annotations

import random

import pytest

from aurora_wire.posture.x_capabilities import MAX_DEPTH, read_capabilities

# As MySQL 9.7.4 sends it, with TLS set up.
CAPABILITIES = bytes.fromhex(
    "0a0f0a03746c73120808011204080740000a3a0a1961757468656e7469636174696f6e2e6d656368616e69736d73121d080322190a17080112"
    "1308084a0f0a0d5348413235365f4d454d4f52590a1d0a0b646f632e666f726d617473120e0801120a08084a060a04746578740a1e0a12636c"
    "69656e742e696e746572616374697665120808011204080740000a6e0a0b636f6d7072657373696f6e125f08021a5b0a590a09616c676f7269"
    "74686d124c080322480a180801121408084a100a0e6465666c6174655f73747265616d0a150801121108084a0d0a0b6c7a345f6d6573736167"
    "650a150801121108084a0d0a0b7a7374645f73747265616d0a1c0a096e6f64655f74797065120f0801120b08084a070a056d7973716c0a200a"
    "14636c69656e742e7077645f6578706972655f6f6b12080801120408074000"
)


def test_a_servers_own_words_are_read() -> None:
    found = read_capabilities(CAPABILITIES)
    assert found is not None
    assert found.tls
    assert found.node == "mysql"
    assert found.mechanisms == ["SHA256_MEMORY"]
    assert found.compression == ["deflate_stream", "lz4_message", "zstd_stream"]


def test_without_the_capability_there_is_no_tls() -> None:
    found = read_capabilities(CAPABILITIES[17:])
    assert found is not None
    assert not found.tls
    assert found.node == "mysql"


@pytest.mark.parametrize("cut", range(len(CAPABILITIES)))
def test_cut_anywhere_it_is_less_or_none_and_never_more(cut: int) -> None:
    found = read_capabilities(CAPABILITIES[:cut])
    whole = read_capabilities(CAPABILITIES)
    assert whole is not None
    if found is not None:
        assert set(found.mechanisms) <= set(whole.mechanisms)
        assert set(found.compression) <= set(whole.compression)


def test_no_bytes_raise() -> None:
    dice = random.Random(7)
    for _ in range(3_000):
        changed = bytearray(CAPABILITIES)
        for _ in range(dice.randrange(1, 8)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        read_capabilities(bytes(changed))
        read_capabilities(dice.randbytes(dice.randrange(64)))


def test_values_within_values_end_at_a_bound() -> None:
    value = b"\x12\x00"
    for _ in range(MAX_DEPTH + 40):
        inner = b"\x0a" + _size(value) + value
        value = b"\x22" + _size(inner) + inner
    capability = b"\x0a\x0bcompression\x12" + _size(value) + value
    assert read_capabilities(b"\x0a" + _size(capability) + capability) is None


def _size(value: bytes) -> bytes:
    size, found = len(value), b""
    while size > 0x7F:
        found += bytes([size & 0x7F | 0x80])
        size >>= 7
    return found + bytes([size])
