"""Opening a capture of any kind: told by content, hashed beside, streamed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import lz4.frame
import pytest

import aurora_wire.capture
from aurora_wire.capture.files.open import Capture, NotACapture, open_capture
from aurora_wire.errors import CaptureError

from .files import block, enhanced, frames, interface, option, pcap, pcap_header, pcap_record, section
from .test_text import ARTICLE, ARTICLE_BYTES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKAGE_PARENT = str(Path(aurora_wire.capture.__file__).parents[2])
PAYLOADS = [b"abc", b"", b"defgh" * 20]
PCAPNG = section() + interface(options=option(2, b"lo")) + b"".join(map(enhanced, PAYLOADS))
COMPRESSIONS = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if "sha256" in thread.name] == []


def write(tmp_path: Path, content: bytes, name: str = "some.file") -> str:
    path = tmp_path / name
    path.write_bytes(content)
    return str(path)


def payloads(capture: Capture) -> list[bytes]:
    return [frame.data for frame in frames(capture.source)]


@pytest.mark.parametrize("compression", [None, *COMPRESSIONS])
@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("pcap", pcap(PAYLOADS), PAYLOADS),
        ("pcapng", PCAPNG, PAYLOADS),
        ("text", ARTICLE.encode(), [ARTICLE_BYTES]),
    ],
)
def test_every_kind_is_told_by_content_in_every_compression(
    tmp_path: Path, kind: str, content: bytes, expected: list[bytes], compression: str | None
) -> None:
    stored = COMPRESSIONS[compression](content) if compression else content
    with open_capture(write(tmp_path, stored)) as capture:
        assert (capture.format, capture.compression, capture.size) == (kind, compression, len(stored))
        assert payloads(capture) == expected
        assert capture.position() == len(stored)
        assert capture.sha256() == hashlib.sha256(stored).hexdigest()


def test_one_compression_inside_another_is_read_and_a_third_is_refused(tmp_path: Path) -> None:
    twice = zstd.compress(gzip.compress(pcap(PAYLOADS)))
    with open_capture(write(tmp_path, twice)) as capture:
        assert capture.compression == "zstd+gzip"
        assert payloads(capture) == PAYLOADS
    with pytest.raises(NotACapture, match=r"compressed too often \(xz\+zstd\+gzip\)\. Decompress it first"):
        open_capture(write(tmp_path, lzma.compress(twice)))


def test_what_the_file_says_about_itself_is_passed_on(tmp_path: Path) -> None:
    log = b"CLIENT_RANDOM 1 2\n"
    content = PCAPNG + block(10, b"KSLT" + len(log).to_bytes(4, "little") + log)
    content += block(5, bytes(12) + option(5, (3).to_bytes(8, "little")))
    with open_capture(write(tmp_path, content)) as capture:
        assert capture.dropped_packets is None
        payloads(capture)
        assert (capture.dropped_packets, capture.secrets, capture.interfaces) == (3, [log], ["lo"])
        assert (capture.undated, capture.damage) == (False, None)
    with open_capture(write(tmp_path, pcap(PAYLOADS))) as capture:
        payloads(capture)
        assert (capture.dropped_packets, capture.secrets, capture.interfaces) == (None, [], [])
    with open_capture(write(tmp_path, ARTICLE.encode())) as capture:
        payloads(capture)
        assert (capture.undated, capture.damage) == (True, None)


def test_text_of_windows_shells_is_read(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-16-be", "utf-8-sig"):
        content = ("\ufeff" if encoding == "utf-16-be" else "") + ARTICLE.replace("\n", "\r\n")
        with open_capture(write(tmp_path, content.encode(encoding))) as capture:
            assert payloads(capture) == [ARTICLE_BYTES]


def test_a_long_introduction_does_not_hide_the_dump(tmp_path: Path) -> None:
    with open_capture(write(tmp_path, b"Dear support,\n" * 60_000 + ARTICLE.encode())) as capture:
        assert payloads(capture) == [ARTICLE_BYTES]


def test_blank_text_is_no_capture_and_the_error_says_what_to_ask(tmp_path: Path) -> None:
    with pytest.raises(NotACapture, match=r"is blank\. Was anything captured"):
        open_capture(write(tmp_path, b"\n \n"))


# The hash


def big_pcap() -> bytes:
    return pcap_header() + pcap_record(bytes(200_000)) * 50


def test_the_hash_is_made_in_a_thread_and_is_that_of_the_file(tmp_path: Path) -> None:
    content = big_pcap()
    with open_capture(write(tmp_path, content)) as capture:
        count = 0
        while capture.source.advance():
            count += 1
            if count == 25:
                assert capture.sha256() == hashlib.sha256(content[:capture.position()]).hexdigest()
        assert count == 50
        assert capture.sha256() == hashlib.sha256(content).hexdigest()


def test_after_damage_the_hash_is_still_that_of_the_file(tmp_path: Path) -> None:
    content = pcap([b"abc"]) + b"\xff" * 16 + bytes(3_000_000)
    with open_capture(write(tmp_path, content)) as capture:
        with pytest.raises(CaptureError, match="record claims 4294967295 bytes"):
            payloads(capture)
        assert capture.sha256() == hashlib.sha256(content).hexdigest()
        assert capture.position() == len(content)


def test_without_hashing_there_is_no_hash(tmp_path: Path) -> None:
    with open_capture(write(tmp_path, big_pcap()), hash_input=False) as capture:
        assert len(payloads(capture)) == 50
        assert capture.sha256() is None


def test_leaving_early_ends_the_thread(tmp_path: Path) -> None:
    capture = open_capture(write(tmp_path, big_pcap()))

    def interrupted() -> None:
        with capture:
            for _ in range(20):
                capture.source.advance()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    capture.close()


# Streams


@pytest.mark.parametrize("compression", [None, "gzip", "zstd", "lz4"])
@pytest.mark.parametrize("kind", ["pcap", "pcapng", "text"])
def test_a_frame_is_handed_out_as_soon_as_it_has_arrived(kind: str, compression: str | None) -> None:
    """The writer waits for each frame to be read before it sends the next."""
    starts = {"pcap": pcap_header(), "pcapng": section() + interface(), "text": b"hello\n"}
    record = {"pcap": pcap_record(b"abc"), "pcapng": enhanced(b"abc"), "text": ARTICLE.encode()}[kind]
    pack = COMPRESSIONS[compression] if compression else bytes
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, pack(starts[kind] + record))
        with open_capture(f"/dev/fd/{read_end}") as capture:
            assert capture.size is None
            for number in range(5):
                assert capture.source.advance()
                if number < 4:
                    os.write(write_end, pack(record))
            os.close(write_end)
            write_end = -1
            assert not capture.source.advance()
    finally:
        os.close(read_end)
        if write_end >= 0:
            os.close(write_end)


READER = """
import sys
from aurora_wire.capture.files.open import open_capture
with open_capture("-") as capture:
    count = 0
    while capture.source.advance():
        count += 1
    print(capture.format, capture.compression, capture.size, count, capture.position(), capture.sha256())
"""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_is_read(pack) -> None:  # type: ignore[no-untyped-def]
    content = pack(big_pcap())
    out = subprocess.run(
        [sys.executable, "-c", READER], input=content, capture_output=True, check=True, cwd="/",
        env={"PYTHONPATH": PACKAGE_PARENT},
    ).stdout.decode().split()
    name = "None" if pack is bytes else "gzip"
    assert out == ["pcap", name, "None", "50", str(len(content)), hashlib.sha256(content).hexdigest()]


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    writer = threading.Timer(0.05, lambda: (os.write(write_end, pcap(PAYLOADS)), os.close(write_end)))
    writer.start()
    out = subprocess.run(
        [sys.executable, "-c", READER], stdin=read_end, capture_output=True, check=True, cwd="/",
        env={"PYTHONPATH": PACKAGE_PARENT},
    ).stdout.decode().split()
    writer.join()
    os.close(read_end)
    assert out[3] == "3"
