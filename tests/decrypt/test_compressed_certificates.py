"""Certificates that a server sends compressed (RFC 8879): opened within their size, or told why not."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.decrypt import compressed_certificates
from aurora_wire.decrypt.compressed_certificates import BROTLI, MAX_SIZE, ZLIB, ZSTD, open_certificates
from aurora_wire.decrypt.decryptor import KeyLogDecryptors
from aurora_wire.decrypt.key_log import KeyLog
from aurora_wire.verdict.result import TLSResult
from aurora_wire.verdict.tls_details import add_details
from aurora_wire.wire.decoding.connection_log import Budget, DirectionAccount
from aurora_wire.wire.tls.facts import TLSFacts
from aurora_wire.wire.tls.hello import ServerHello
from aurora_wire.wire.tls.hidden_messages import HiddenMessages

brotli = pytest.importorskip("brotli")
zstd = pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")

DER = b"0\x82" + bytes(range(256)) * 8
MAKE: dict[int, Callable[[bytes], bytes]] = {ZLIB: zlib.compress, BROTLI: brotli.compress, ZSTD: zstd.compress}
ALGORITHMS = sorted(MAKE)


def u24(number: int) -> bytes:
    return struct.pack(">I", number)[1:]


def message(*chain: bytes) -> bytes:
    """The body of a Certificate message of TLS 1.3."""
    listed = b"".join(u24(len(der)) + der + b"\0\0" for der in chain)
    return b"\0" + u24(len(listed)) + listed


def handshake(algorithm: int, packed: bytes, size: int) -> bytes:
    body = struct.pack(">H", algorithm) + u24(size) + u24(len(packed)) + packed
    return b"\x19" + u24(len(body)) + body


def fed(data: bytes) -> TLSFacts:
    tls = TLSFacts()
    log = KeyLogDecryptors(KeyLog())
    hidden = HiddenMessages(DirectionAccount(False), tls, tls.server, Budget(), log)
    hidden.feed(data, 7, 0)
    return tls


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_compressed_chain_is_that_of_the_same_message_as_it_is(algorithm: int) -> None:
    body = message(DER, DER[::-1])
    tls = fed(handshake(algorithm, MAKE[algorithm](body), len(body)))
    assert tls.server.certificates == [DER, DER[::-1]]
    assert (tls.server.certificate_count, tls.server.certificates_frame) == (2, 7)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("wrong", [-1, 1, 1000])
def test_a_size_that_is_not_that_of_what_comes_out_is_none(algorithm: int, wrong: int) -> None:
    body = message(DER)
    packed = MAKE[algorithm](body)
    assert open_certificates(algorithm, packed, len(body)) == body
    assert open_certificates(algorithm, packed, len(body) + wrong) == b""
    assert fed(handshake(algorithm, packed, len(body) + wrong)).server.certificate_count == -1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_bomb_gives_no_more_than_it_may(algorithm: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    opened = compressed_certificates._opened

    def watched(kind: int, data: bytes, most: int) -> bytes | None:
        found = opened(kind, data, most)
        sizes.append(len(found or b""))
        return found

    monkeypatch.setattr(compressed_certificates, "_opened", watched)
    bomb = MAKE[algorithm](bytes(64 << 20))
    assert open_certificates(algorithm, bomb, 5000) == b""
    assert sizes[0] <= 128 << 10
    assert open_certificates(algorithm, bomb, MAX_SIZE + 1) == b""
    assert len(sizes) == 1


@given(st.sampled_from([*ALGORITHMS, 0, 4, 99]), st.binary(max_size=300), st.integers(-1, 1 << 24))
@settings(deadline=None)
def test_any_bytes_are_opened_or_not(algorithm: int, data: bytes, size: int) -> None:
    assert open_certificates(algorithm, data, size) in (b"", None) or size >= 0


@given(st.sampled_from(ALGORITHMS), st.integers(0, 5000), st.integers(0, 255), st.integers(0, 5000))
@settings(deadline=None, max_examples=200)
def test_damaged_bytes_give_the_chain_or_nothing(algorithm: int, place: int, byte: int, keep: int) -> None:
    body = message(DER)
    packed = bytearray(MAKE[algorithm](body))
    packed[place % len(packed)] = byte
    found = open_certificates(algorithm, bytes(packed[: max(1, keep)]), len(body))
    assert found == b"" or len(found or b"") == len(body)


def test_who_cannot_open_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(compressed_certificates, "import_module", missing)
    body = message(DER)
    tls = fed(handshake(BROTLI, MAKE[BROTLI](body), len(body)))
    assert tls.server.compressed_with == BROTLI
    tls.server_hello = ServerHello(0x0303, bytes(32), b"", 0x1302, 0)
    tls.server_hello.version = 0x0304
    result = TLSResult()
    add_details(result, tls)
    assert result.certificates is None
    assert result.no_certificates is not None
    assert result.no_certificates.startswith("compressed with brotli: ")
    assert open_certificates(99, b"x", 10) is None
