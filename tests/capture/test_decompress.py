"""Compressed captures: whole, in several streams, cut and damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import sys
from collections.abc import Callable
from functools import cache, partial

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.capture.files.decompress import Decompressed, find_compression
from aurora_wire.errors import CaptureError

from .files import in_blocks

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": partial(gzip.compress, mtime=0),
    "zstd": zstd.compress,
    "lz4": partial(lz4.frame.compress, content_checksum=True, block_checksum=True),
    "xz": partial(lzma.compress, preset=0),
    "bzip2": bz2.compress,
}
NAMES = sorted(COMPRESS)
SKIPPABLE = bytes.fromhex("5e2a4d18") + (300_000).to_bytes(4, "little") + bytes(300_000)

MIXED = random.Random(7).randbytes(70_000) + b"SELECT 1 " * 20_000 + random.Random(8).randbytes(1_500_000)


@cache
def mixed(name: str) -> bytes:
    return COMPRESS[name](MIXED)


def read_all(data: bytes, size: int = 1 << 20, into: bytearray | None = None) -> bytes:
    name = find_compression(data)
    assert name is not None
    stream = Decompressed("x.gz", in_blocks(data, size), name)
    out = bytearray() if into is None else into
    while block := stream.read():
        assert len(block) <= 1 << 20
        out += block
    assert stream.read() == b""
    return bytes(out)


@pytest.mark.parametrize("name", NAMES)
def test_each_compression_is_told_by_its_content_and_read(name: str) -> None:
    packed = mixed(name)
    assert find_compression(packed[:16]) == name
    assert read_all(packed) == MIXED
    assert read_all(packed, 65_536) == MIXED


@pytest.mark.parametrize("name", NAMES)
def test_nothing_compressed_is_nothing(name: str) -> None:
    assert read_all(COMPRESS[name](b"")) == b""


@pytest.mark.parametrize("name", NAMES)
def test_streams_that_follow_each_other_are_one(name: str) -> None:
    pack = COMPRESS[name]
    packed = pack(b"one") + pack(b"") + mixed(name) + pack(b"three") * 3
    for size in (1, 4096, 1 << 20) if name in {"gzip", "lz4"} else (4096, 1 << 20):
        if size == 1:
            assert read_all(pack(b"one") + pack(b"") + pack(b"three"), size) == b"onethree"
        else:
            assert read_all(packed, size) == b"one" + MIXED + b"three" * 3


@pytest.mark.parametrize("name", NAMES)
def test_zero_padding_behind_a_stream_is_passed_over(name: str) -> None:
    pack = COMPRESS[name]
    assert read_all(pack(b"one") + bytes(100_000) + pack(b"two") + bytes(4), 30_000) == b"onetwo"


@pytest.mark.parametrize("name", ["zstd", "lz4"])
def test_skippable_frames_are_passed_over(name: str) -> None:
    pack = COMPRESS[name]
    packed = SKIPPABLE + pack(b"one") + SKIPPABLE + SKIPPABLE[:4] + bytes(4) + pack(b"two") + SKIPPABLE
    assert read_all(packed, 1000) == b"onetwo"


def test_a_bomb_comes_in_bounded_blocks() -> None:
    for name in NAMES:
        assert read_all(COMPRESS[name](bytes(5 << 20))) == bytes(5 << 20)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95, 0.9999])
def test_a_cut_stream_gives_what_is_there_and_then_an_error(name: str, keep: float) -> None:
    cut = mixed(name)[:int(len(mixed(name)) * keep)]
    out = bytearray()
    with pytest.raises(CaptureError, match=f"stream ends too early near byte {len(cut)}") as caught:
        read_all(cut, 1 << 16, out)
    assert caught.value.offset == len(out)
    assert MIXED.startswith(bytes(out))
    assert len(out) > len(MIXED) * keep - 1_100_000  # a block of bzip2 is 900 kB


@pytest.mark.parametrize("name", NAMES)
def test_damage_in_a_short_stream_costs_no_more_than_its_block(name: str) -> None:
    data = b"".join(b"%07d\n" % number for number in range(9_000))
    packed = bytearray(COMPRESS[name](data))
    packed[-12] ^= 0x55
    out = bytearray()
    with pytest.raises(CaptureError, match=f"the {name} stream is damaged"):
        read_all(bytes(packed), into=out)
    if name == "gzip":  # nothing tells that a block is wrong before the checksum of all
        assert len(out) == len(data)
        assert out[:-100] == data[:-100]
    else:
        assert data.startswith(bytes(out))


@pytest.mark.parametrize("name", NAMES)
def test_trailing_bytes_that_are_not_compressed_are_an_error_after_the_content(name: str) -> None:
    out = bytearray()
    with pytest.raises(CaptureError, match="followed by bytes that are not compressed"):
        read_all(COMPRESS[name](b"content") + b"trailing garbage", into=out)
    assert out == b"content"


def test_legacy_lz4_is_told_with_what_to_do() -> None:
    with pytest.raises(CaptureError, match="lz4 -d"):
        read_all(bytes.fromhex("02214c18") + bytes(20))


@pytest.mark.parametrize("name", NAMES)
def test_an_error_is_told_again_when_read_again(name: str) -> None:
    stream = Decompressed("x", in_blocks(mixed(name)[:100]), name)

    def read_on() -> None:
        while stream.read():
            pass

    for _ in range(2):
        with pytest.raises(CaptureError):
            read_on()


@given(st.sampled_from(NAMES), st.integers(0, 400), st.binary(min_size=1, max_size=6), st.integers(1, 500))
@settings(max_examples=200, deadline=None)
def test_changed_bytes_raise_nothing_but_capture_errors(name: str, at: int, change: bytes, size: int) -> None:
    packed = COMPRESS[name](bytes(range(256)) + b"SELECT 1 " * 50)
    at = min(at, len(packed))
    data = packed[:at] + change + packed[at + len(change):]
    kind = find_compression(data)
    if kind is None:
        return
    stream = Decompressed("x", in_blocks(data, size), kind)
    given_bytes = 0
    try:
        while block := stream.read():
            given_bytes += len(block)
    except CaptureError as error:
        given_bytes = given_bytes if error.offset == given_bytes else -1
    assert given_bytes >= 0


def test_many_tiny_streams_take_time_in_proportion() -> None:
    assert read_all(gzip.compress(b"", mtime=0) * 60_000 + gzip.compress(b"end")) == b"end"
