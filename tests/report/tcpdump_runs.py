"""Files for the real tcpdump, and what it prints for them."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from aurora_wire.report.packets.hex_dump import hex_dump
from aurora_wire.report.packets.tcpdump.line import TcpdumpLines

MAGIC_MICRO = 0xA1B2C3D4
MAGIC_NANO = 0xA1B23C4D


class Record(NamedTuple):
    link_type: int
    time_ns: int
    frame: bytes
    original_len: int


def tcpdump_path() -> str:
    """The tcpdump to compare with; the test is skipped where there is no 4.99 (in CI it fails)."""
    path = shutil.which("tcpdump")
    reason = "tcpdump 4.99 is not installed"
    if path:
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if "tcpdump version 4.99" in version.stdout + version.stderr:
            return path
        reason = "the installed tcpdump is not 4.99"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def tcpdump_lines(capture: Path, *options: str) -> list[str]:
    run = subprocess.run(
        [tcpdump_path(), "-nn", *options, "-r", str(capture)],
        capture_output=True, check=True, env={**os.environ, "TZ": "UTC"},
    )
    return run.stdout.decode("latin-1").split("\n")[:-1]


def by_packet(lines: list[str]) -> list[list[str]]:
    """The header line of each packet with the dump lines under it."""
    packets: list[list[str]] = []
    for line in lines:
        if line.startswith("\t0x"):
            packets[-1].append(line)
        else:
            packets.append([line])
    return packets


def our_lines(
    records: list[Record], *, whole_frame: bool = False, ascii_column: bool = True
) -> list[list[str]]:
    tcpdump = TcpdumpLines()
    packets = []
    for record in records:
        header = tcpdump.header_line(record.frame, record.link_type, record.time_ns, record.original_len)
        start = 0 if whole_frame and tcpdump.dump_at < len(record.frame) else tcpdump.dump_at
        packets.append([header, *hex_dump(record.frame[start:], ascii_column=ascii_column)])
    return packets


def read_capture(path: Path, scratch: Path) -> list[Record]:
    """The records of a pcap file; a pcapng file is made one by tcpdump first."""
    data = path.read_bytes()
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        copy = scratch / f"{path.stem}.pcap"
        subprocess.run([tcpdump_path(), "-r", str(path), "-w", str(copy)], capture_output=True, check=True)
        data = copy.read_bytes()
    return list(_records(data))


def _records(data: bytes) -> Iterator[Record]:
    order = "<" if int.from_bytes(data[:4], "little") in (MAGIC_MICRO, MAGIC_NANO) else ">"
    magic, link_type = struct.unpack_from(f"{order}I16xI", data)
    unit = 1 if magic == MAGIC_NANO else 1_000
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, original = struct.unpack_from(f"{order}IIII", data, at)
        at += 16
        time_ns = seconds * 10**9 + fraction * unit
        yield Record(link_type & 0xFFFF, time_ns, data[at : at + captured], original)
        at += captured


def write_pcap(path: Path, records: list[Record]) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", MAGIC_MICRO, 2, 4, 0, 0, 262144, records[0].link_type))
        for record in records:
            seconds, fraction = divmod(record.time_ns, 10**9)
            lengths = len(record.frame), record.original_len
            file.write(struct.pack("<IIII", seconds, fraction // 1_000, *lengths) + record.frame)
