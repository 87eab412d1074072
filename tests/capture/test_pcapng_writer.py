"""The pcapng writer: what it writes is read again, by us, dpkt and Wireshark, also where the disk was full."""

from __future__ import annotations

import io
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.capture.files.pcapng import PcapngSource
from aurora_wire.capture.files.pcapng_writer import INBOUND, OUTBOUND, PcapngWriter
from aurora_wire.errors import OutputError
from tests.capture.files import Frame, frames, in_blocks

TIME = 1_700_000_000_123_456_789
ETHERNET = bytes(12) + b"\x08\x00" + bytes(50)


class Kept(io.BytesIO):
    """Still there after `close`."""

    def close(self) -> None:
        pass


def judge(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: make judges")
    return found


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()


packets = st.tuples(
    st.integers(0, 1), st.integers(0, 4 * 10**18), st.binary(max_size=70), st.integers(0, 5), st.text(max_size=5),
    st.sampled_from((0, INBOUND, OUTBOUND)),
)  # fmt: skip


@given(st.lists(packets, max_size=20))
@settings(max_examples=100)
def test_what_was_written_is_read_again(given_packets: list[tuple[int, int, bytes, int, str, int]]) -> None:
    file = Kept()
    with PcapngWriter(file, application="tests") as writer:
        ids = [writer.interface("lo", 1), writer.interface("tun0", 101)]
        for which, time_ns, data, cut, comment, flags in given_packets:
            writer.packet(ids[which], time_ns, data, len(data) + cut, comment=comment, flags=flags)
    source = PcapngSource("file", in_blocks(file.getvalue()))
    assert frames(source) == [
        Frame(time_ns, (1, 101)[which], data, len(data) + cut) for which, time_ns, data, cut, _, _ in given_packets
    ]
    assert writer.size == len(file.getvalue())


def test_dpkt_reads_it() -> None:
    file = Kept()
    with PcapngWriter(file, application="tests") as writer:
        writer.packet(writer.interface("lo", 1), TIME, ETHERNET, comment="one")
    file.seek(0)
    [(time, data)] = dpkt.pcapng.Reader(file)
    assert data == ETHERNET
    assert time == pytest.approx(TIME / 1e9)


def test_wireshark_shows_who_recorded_what_was_lost_and_the_comments(tmp_path: Path) -> None:
    path = tmp_path / "file.pcapng"
    with PcapngWriter(path.open("wb", buffering=0), application="aurora_wire 0", comment="caf\u00e9") as writer:
        lo = writer.interface("lo", 1, snaplen=262144, filter_text="tcp port 3306", description="loopback")
        writer.packet(lo, TIME, ETHERNET, 100, comment="the first", flags=OUTBOUND)
        writer.statistics(lo, TIME + 5, received=12, dropped=7, start_ns=TIME)
    shown = run(judge("capinfos"), str(path))
    for expected in (
        "Capture application: aurora_wire 0", "Capture comment:     caf\u00e9", "Name = lo",
        "Filter string = tcp port 3306", "Number of packets:   1", "Capture length = 262144",
        "Time precision = nanoseconds (9)", "Number of stat entries = 1", "Description = loopback",
    ):  # fmt: skip
        assert expected in shown
    fields = ("frame.comment", "frame.packet_flags_direction", "frame.len", "frame.time_epoch", "frame.interface_name")
    options = [option for name in fields for option in ("-e", name)]
    told = run(judge("tshark"), "-r", str(path), "-T", "fields", *options).rstrip("\n").split("\t")
    assert told == ["the first", "0x00000002", "100", "1700000000.123456789", "lo"]


def test_our_reader_counts_what_was_lost() -> None:
    file = Kept()
    with PcapngWriter(file, application="tests") as writer:
        lo = writer.interface("lo", 1)
        writer.statistics(lo, TIME, received=12, dropped=7)
    source = PcapngSource("file", in_blocks(file.getvalue()))
    assert frames(source) == []
    assert source.drops == 7


def test_secrets_are_read_again() -> None:
    file = Kept()
    with PcapngWriter(file, application="tests") as writer:
        writer.secrets(b"CLIENT_RANDOM 00 11\n")
        writer.packet(writer.interface("lo", 1), TIME, ETHERNET)
    source = PcapngSource("file", in_blocks(file.getvalue()))
    assert len(frames(source)) == 1
    assert source.secrets == [b"CLIENT_RANDOM 00 11\n"]


def test_a_comment_longer_than_an_option_is_cut_between_characters() -> None:
    file = Kept()
    PcapngWriter(file, application="tests", comment="\u00e9" * 50_000).close()
    section = file.getvalue()
    size = int.from_bytes(section[26:28], "little")
    assert len(section[28 : 28 + size].decode()) == size // 2 > 32_000


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("limit", [4000, 4001, 4050, 4099])
def test_where_the_disk_is_full_the_file_ends_with_its_last_whole_packet(limit: int, tmp_path: Path) -> None:
    path = tmp_path / "file.pcapng"
    writer = PcapngWriter(path.open("wb", buffering=0), application="tests")
    lo = writer.interface("lo", 1)
    for number in range(100):
        writer.packet(lo, TIME + number, ETHERNET)
    with file_size_limit(limit), pytest.raises(OutputError, match=r"file\.pcapng: .*last whole packet"):
        writer.flush()
    assert writer.failed
    writer.packet(lo, TIME, ETHERNET)
    writer.close()
    assert limit - 100 < path.stat().st_size == writer.size <= limit
    found = frames(PcapngSource("file", in_blocks(path.read_bytes())))
    assert [frame.time_ns - TIME for frame in found] == list(range(len(found)))
    assert len(found) > 30


def test_every_packet_is_in_the_file_when_it_is_flushed(tmp_path: Path) -> None:
    path = tmp_path / "file.pcapng"
    writer = PcapngWriter(path.open("wb", buffering=0), application="tests")
    writer.packet(writer.interface("lo", 1), TIME, ETHERNET)
    writer.flush()
    assert len(frames(PcapngSource("file", in_blocks(path.read_bytes())))) == 1
    writer.close()
