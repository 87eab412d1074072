"""Dumps with marked bytes: the dump lines stay tcpdump's, whatever is marked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.report.packets.hex_dump import COLOUR_OFF, COLOUR_ON, hex_dump, hex_dump_marked

TEXT = b"0123456789abcdefINSERT INTO t"


def test_dump_lines() -> None:
    assert hex_dump(TEXT) == [
        "\t0x0000:  3031 3233 3435 3637 3839 6162 6364 6566  0123456789abcdef",
        "\t0x0010:  494e 5345 5254 2049 4e54 4f20 74         INSERT.INTO.t",
    ]
    assert hex_dump(TEXT, ascii_column=False)[1] == "\t0x0010:  494e 5345 5254 2049 4e54 4f20 74"
    assert hex_dump(b"") == []
    assert hex_dump(bytes(65_540))[-1] == "\t0x10000:  0000 0000                                ...."


def test_without_colour_the_marks_stand_below_the_bytes() -> None:
    assert hex_dump_marked(TEXT, [(13, 22)], colour=False) == [
        "\t0x0000:  3031 3233 3435 3637 3839 6162 6364 6566  0123456789abcdef",
        "\t                                         ^^^^^^^               ^^^",
        "\t0x0010:  494e 5345 5254 2049 4e54 4f20 74         INSERT.INTO.t",
        "\t         ^^^^^^^^^^^^^^                           ^^^^^^",
    ]


def test_with_colour_both_columns_are_red() -> None:
    assert hex_dump_marked(TEXT, [(16, 22)], colour=True)[1] == (
        f"\t0x0010:  {COLOUR_ON}494e 5345 5254{COLOUR_OFF} 2049 4e54 4f20 74         "
        f"{COLOUR_ON}INSERT{COLOUR_OFF}.INTO.t"
    )


@pytest.mark.parametrize("ranges", [[], [(0, 0)], [(-5, 0)], [(100, 200)], [(9, 3)]])
def test_ranges_that_cover_nothing_mark_nothing(ranges: list[tuple[int, int]]) -> None:
    assert hex_dump_marked(TEXT, ranges, colour=False) == hex_dump(TEXT)
    assert hex_dump_marked(TEXT, ranges, colour=True) == hex_dump(TEXT)


OFFSETS = st.integers(-3, 90)


@settings(max_examples=100)
@given(st.binary(max_size=80), st.lists(st.tuples(OFFSETS, OFFSETS), max_size=4), st.booleans())
def test_the_dump_never_changes(data: bytes, ranges: list[tuple[int, int]], ascii_column: bool) -> None:
    plain = hex_dump(data, ascii_column=ascii_column)
    coloured = hex_dump_marked(data, ranges, colour=True, ascii_column=ascii_column)
    assert [re.sub("\x1b\\[[0-9;]*m", "", line) for line in coloured] == plain
    marked = hex_dump_marked(data, ranges, colour=False, ascii_column=ascii_column)
    assert [line for line in marked if line.startswith("\t0x")] == plain
    covered = sum(any(start <= at < end for start, end in ranges) for at in range(len(data)))
    mark_lines = [line for line in marked if not line.startswith("\t0x")]
    hex_signs = "".join(line[9:49] for line in mark_lines)
    text_signs = "".join(line[49:] for line in mark_lines)
    assert hex_signs.count("^") >= covered * 2
    assert text_signs.count("^") == (covered if ascii_column else 0)
