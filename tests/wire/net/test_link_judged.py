"""tshark as the judge: every frame of every capture in ../shared, and frames in tunnels of every kind.

Addresses, ports and payload length must agree, and so must the answer whether there is TCP at all.
"""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dpkt
import pytest
from scapy.layers.inet import IP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6

from aurora_wire.wire.net import skip_reasons as skipped
from aurora_wire.wire.net.checksum import BAD, tcp_checksum_state
from tests.tshark import printed
from tests.wire.net.stacks import (
    CLIENT_V4,
    CLIENT_V6,
    SERVER_V4,
    SERVER_V6,
    Found,
    found,
    new_locator,
    segment,
)
from tests.wire.net.test_link import CASES as LINK_CASES
from tests.wire.net.test_tunnels import CASES as TUNNEL_CASES

Row = tuple[str, ...]

FIELDS = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.len"]


@pytest.fixture(scope="module", autouse=True)
def tshark() -> None:
    if shutil.which("tshark") is None or shutil.which("mergecap") is None:
        if os.environ.get("CI"):
            pytest.fail("tshark and mergecap are not installed, and in CI they have to be")
        pytest.skip("tshark and mergecap are not installed")


def judged(path: Path, *options: str) -> dict[int, Row]:
    """Frame number to source, destination, ports and length, as tshark sees the innermost TCP segment."""
    asked = [part for field in ("frame.number", *FIELDS) for part in ("-e", field)]
    told = printed(path, "-n", "-Y", "tcp", "-T", "fields", "-E", "occurrence=l", *options, *asked)
    answers = {}
    for row in told.decode().splitlines():
        number, *values = row.split("\t")
        answers[int(number)] = tuple(values)
    return answers


def as_row(seen: Found) -> Row:
    ports = (str(seen.source_port), str(seen.destination_port), str(seen.payload_len))
    if ":" in seen.source:
        return ("", "", seen.source, seen.destination, *ports)
    return (seen.source, seen.destination, "", "", *ports)


def same(theirs: Row, ours: Row) -> bool:
    """Of the addresses only those of our version count: tshark names outer ones of the other version too."""
    version = slice(2, 4) if ours[2] else slice(0, 2)
    return theirs[version] == ours[version] and theirs[4:] == ours[4:]


def write_pcap(path: Path, frames: list[bytes], link_type: int, snaplen: int = 262144) -> None:
    records = []
    for frame in frames:
        kept = frame[:snaplen]
        records.append(struct.pack("<IIII", 0, 0, len(kept), len(frame)) + kept)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type) + b"".join(records))


def frames_of(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Frames, their lengths on the wire, link types."""
    data = path.read_bytes()
    if path.suffix == ".pcapng":  # dpkt does not tell the length; none of these is cut
        reader = dpkt.pcapng.Reader(io.BytesIO(data))
        for _, frame in reader:
            yield frame, len(frame), reader.datalink()
        return
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    link_type = struct.unpack_from(order + "I", data, 20)[0]
    at = 24
    while at + 16 <= len(data):
        captured, original = struct.unpack_from(order + "II", data, at + 8)
        yield data[at + 16 : at + 16 + captured], original, link_type
        at += 16 + captured


def test_tshark_agrees_on_every_frame_of_every_shared_capture(shared_captures: list[Path], tmp_path: Path) -> None:
    paths = shared_captures
    merged = tmp_path / "all.pcapng"
    subprocess.run(["mergecap", "-a", "-w", str(merged), *map(str, paths)], check=True, capture_output=True)
    theirs = judged(merged)
    number = 0
    tcp_count = 0
    for path in paths:
        locator = new_locator()
        for index, (frame, original_len, link_type) in enumerate(frames_of(path), 1):
            number += 1
            answer = locator.locate(frame, 0, len(frame), original_len, link_type)
            place = f"{path.name} frame {index}"
            if answer != skipped.TCP:
                assert number not in theirs, f"{place}: {skipped.skipped_name(answer, locator.reason_detail)}"
                continue
            tcp_count += 1
            assert number in theirs, place
            assert same(theirs[number], as_row(found(locator))), place
    assert tcp_count == len(theirs) > 5000


def is_ethernet_under_mpls(name: str) -> bool:
    return name.startswith("MPLS") and "Ethernet" in name


@pytest.mark.parametrize("under_mpls", [False, True], ids=["tunnels", "Ethernet under MPLS"])
def test_tshark_agrees_on_every_tunnel(under_mpls: bool, tmp_path: Path) -> None:
    path = tmp_path / "tunnels.pcap"
    cases = [case for case in TUNNEL_CASES if is_ethernet_under_mpls(case[0]) == under_mpls]
    assert cases
    write_pcap(path, [case[2] for case in cases], 1)
    options = ["-d", "udp.port==8472,vxlan"]
    if under_mpls:  # tshark has to be told by label; its own guess takes our MAC addresses for control words
        for label, what in ((5, "pwethnocw"), (101, "pwethnocw"), (100, "pwethcw")):
            options += ["-d", f"mpls.label=={label},{what}"]
    theirs = judged(path, *options)
    disagreed = []
    for number, (name, _, frame, _) in enumerate(cases, 1):
        locator = new_locator()
        assert locator.locate(frame, 0, len(frame), len(frame), 1) == skipped.TCP
        if not same(theirs.get(number, ("",) * 7), as_row(found(locator))):
            disagreed.append(name)
    assert disagreed == []


@pytest.mark.parametrize("link_type", sorted({link for _, _, link, _ in LINK_CASES} - {12, 14}))
def test_tshark_agrees_on_every_link_type(link_type: int, tmp_path: Path) -> None:
    path = tmp_path / "links.pcap"
    # Family 10 is Linux's number for IPv6; this tshark knows those of the BSDs only.
    cases = [case for case in LINK_CASES if case[2] == link_type and not case[0].endswith(" 10")]
    write_pcap(path, [case[3] for case in cases], link_type)
    theirs = judged(path)
    for number, (name, _, _, frame) in enumerate(cases, 1):
        locator = new_locator()
        assert locator.locate(frame, 0, len(frame), len(frame), link_type) == skipped.TCP
        assert same(theirs.get(number, ("",) * 7), as_row(found(locator))), name


@pytest.mark.parametrize("snaplen", [54, 60, 68, 96, 128])
def test_tshark_agrees_on_frames_that_a_snaplen_cut(snaplen: int, shared: Path, tmp_path: Path) -> None:
    folder = shared / "corpus" / "zeek"
    paths = [folder / "mysql.pcap", folder / "encrypted.pcap"]
    frames = [frame for path in paths for frame, _, _ in frames_of(path)]
    path = tmp_path / "cut.pcap"
    write_pcap(path, frames, 1, snaplen)
    theirs = judged(path)
    seen_count = 0
    for number, frame in enumerate(frames, 1):
        locator = new_locator()
        kept = min(len(frame), snaplen)
        if locator.locate(frame[:kept], 0, kept, len(frame), 1) == skipped.TCP:
            seen_count += 1
            assert same(theirs[number], as_row(found(locator))), number
    assert seen_count > 50


def test_tshark_agrees_on_fragments(tmp_path: Path) -> None:
    payload = bytes(range(256)) * 20
    four = IP(src=CLIENT_V4, dst=SERVER_V4, id=7) / segment(payload)
    six = IPv6(src=CLIENT_V6, dst=SERVER_V6) / IPv6ExtHdrFragment(id=7) / segment(payload)
    frames = [bytes(piece) for piece in [*fragment(four, fragsize=1000), *fragment6(six, 1280)]]
    path = tmp_path / "fragments.pcap"
    write_pcap(path, frames, 101)
    theirs = judged(path)
    locator = new_locator()
    ours = {}
    for number, frame in enumerate(frames, 1):
        if locator.locate(frame, 0, len(frame), len(frame), 101) == skipped.TCP:
            ours[number] = as_row(found(locator))
    assert ours.keys() == theirs.keys()
    assert all(same(theirs[number], row) for number, row in ours.items())


def test_no_segment_of_the_lab_has_a_bad_checksum(shared_captures: list[Path]) -> None:
    for path in [one for one in shared_captures if "lab" in one.parts]:
        for index, (frame, _, link_type) in enumerate(frames_of(path), 1):
            locator = new_locator()
            if locator.locate(frame, 0, len(frame), len(frame), link_type) != skipped.TCP:
                continue
            end = locator.tcp_at + locator.segment_len
            if end > locator.captured_end:
                continue
            state = tcp_checksum_state(
                locator.buffer, locator.addresses_at, locator.ip_version, locator.tcp_at, end
            )
            assert state != BAD, f"{path.name} frame {index}"
