"""Other readers, and other writers, agree on every capture of the lab and the corpus."""

from __future__ import annotations

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import dpkt
import pytest

from aurora_wire.capture.files.open import open_capture
from tests.tshark import printed

from .files import Frame, frames


@pytest.fixture(scope="module")
def captures(shared_captures: list[Path]) -> list[Path]:
    return shared_captures


def ours(path: Path) -> list[Frame]:
    with open_capture(str(path), hash_input=False) as capture:
        return frames(capture.source)


def test_dpkt_reads_the_same_bytes_at_the_same_times(captures: list[Path]) -> None:
    for path in captures:
        with path.open("rb") as file:
            theirs = list(dpkt.pcap.UniversalReader(file))
        found = ours(path)
        assert [frame.data for frame in found] == [data for _, data in theirs], path
        for frame, (time, _) in zip(found, theirs, strict=True):
            assert abs(frame.time_ns - int(Decimal(time) * 10**9)) < 1000, path  # its times are floats


def test_scapy_reads_the_same_bytes_times_and_lengths(captures: list[Path]) -> None:
    from scapy.utils import RawPcapNgReader, RawPcapReader

    for path in captures:
        with RawPcapReader(str(path)) as reader:
            nanoseconds = bool(getattr(reader, "nano", False))
            theirs = []
            for data, about in reader:
                if isinstance(reader, RawPcapNgReader):
                    time_ns = ((about.tshigh << 32) + about.tslow) * 10**9 // about.tsresol
                    theirs.append((time_ns, about.linktype, data, about.wirelen))
                else:
                    time_ns = about.sec * 10**9 + about.usec * (1 if nanoseconds else 1000)
                    theirs.append((time_ns, reader.linktype, data, about.wirelen))
        assert ours(path) == theirs, path


def test_capinfos_counts_the_same_packets_bytes_and_times(captures: list[Path]) -> None:
    if shutil.which("capinfos") is None:
        pytest.skip("no capinfos on PATH")
    out = subprocess.run(
        ["capinfos", "-TmrSQ", "-c", "-d", "-a", "-e", *map(str, captures)], capture_output=True, check=True
    ).stdout.decode()
    rows = [row.replace('"', "").split(",") for row in out.splitlines()]
    assert len(rows) == len(captures)
    for path, (name, count, size, first, last) in zip(captures, rows, strict=True):
        found = ours(path)
        assert name == str(path)
        assert len(found) == int(count), path
        assert sum(frame.original_len for frame in found) == int(size), path
        assert [found[0].time_ns, found[-1].time_ns] == [int(Decimal(t) * 10**9) for t in (first, last)], path


FIELDS = ["frame.time_epoch", "frame.cap_len", "frame.len"]


@pytest.mark.parametrize(
    "name", ["lab/wire/pcapng.pcapng", "lab/wire/nanoseconds.pcap", "corpus/ndpi/mysql.pcapng"]
)
def test_tshark_shows_the_same_times_and_lengths(shared: Path, name: str) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("no tshark on PATH")
    options = [part for field in FIELDS for part in ("-e", field)]
    out = printed(shared / name, "-n", "-T", "json", *options)
    theirs = [[entry["_source"]["layers"][field][0] for field in FIELDS] for entry in json.loads(out)]
    assert [
        [frame.time_ns, len(frame.data), frame.original_len] for frame in ours(shared / name)
    ] == [[int(Decimal(time) * 10**9), int(kept), int(length)] for time, kept, length in theirs]


@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "modpcap", "pcapng"])
def test_what_editcap_writes_reads_the_same(shared: Path, tmp_path: Path, kind: str) -> None:
    if shutil.which("editcap") is None:
        pytest.skip("no editcap on PATH")
    path = shared / "corpus/zeek/auth.pcap"
    made = tmp_path / "made"
    subprocess.run(["editcap", "-F", kind, str(path), str(made)], check=True, capture_output=True)
    assert ours(made) == ours(path)
