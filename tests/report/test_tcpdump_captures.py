"""Every line of every shared capture is tcpdump's, dumps included."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.tcpdump_runs import by_packet, our_lines, read_capture, tcpdump_lines


def _captures(shared: Path) -> list[Path]:
    return sorted([*shared.rglob("*.pcap"), *shared.rglob("*.pcapng")])


def test_every_line_with_x_is_tcpdumps(shared_captures: list[Path], tmp_path: Path) -> None:
    for capture in shared_captures:
        if "vxlan" in capture.name:
            continue  # tcpdump prints what is in a tunnel on a line of its own
        expected = by_packet(tcpdump_lines(capture, "-X"))
        assert our_lines(read_capture(capture, tmp_path)) == expected, capture


@pytest.mark.parametrize(("option", "whole_frame", "ascii_column"), [
    ("-x", False, False), ("-xx", True, False), ("-XX", True, True),
])
def test_the_other_dumps_are_tcpdumps(
    shared: Path, tmp_path: Path, option: str, whole_frame: bool, ascii_column: bool
) -> None:
    for capture in _captures(shared / "corpus") + _captures(shared / "lab" / "wire"):
        records = read_capture(capture, tmp_path)
        ours = our_lines(records, whole_frame=whole_frame, ascii_column=ascii_column)
        assert ours == by_packet(tcpdump_lines(capture, option)), capture


def test_nanoseconds_are_cut_to_microseconds_as_tcpdump_cuts_them(shared: Path, tmp_path: Path) -> None:
    records = read_capture(shared / "lab" / "wire" / "nanoseconds.pcap", tmp_path)
    assert any(record.time_ns % 1_000 for record in records)
    first = our_lines(records)[0][0]
    assert first.split()[0] == tcpdump_lines(shared / "lab" / "wire" / "nanoseconds.pcap")[0].split()[0]
