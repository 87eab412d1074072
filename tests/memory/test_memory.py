"""Less than 300 MB resident, whatever a capture of up to 100 MB holds.

A few MB of each kind are read. With AURORA_WIRE_FULL_MEMORY=1 it is 20 MB (compiled), and where five times the growth
would be too much, as memory fills up to its bounds, 100 MB. `python -m tests.memory 100` measures all kinds in full;
docs/security.md has the figures.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aurora_wire import compiled
from tests.memory.captures import CAPTURES
from tests.memory.kinds import KINDS, write
from tests.memory.measuring import Run, run

MOST = 300                                  # MB
FULL = 100_000_000
IN_FULL = os.environ.get("AURORA_WIRE_FULL_MEMORY") == "1"
SIZE = 20_000_000 if IN_FULL else 4_000_000 if compiled() else 1_000_000
# Every byte of it is thirty of packets, which took a minute to read.
LESS = {} if IN_FULL else {"bzip2": SIZE // 8}


@pytest.fixture(scope="module")
def least(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return what a capture of nothing takes."""
    path = tmp_path_factory.mktemp("least") / "least.pcap"
    write(path, KINDS["logins"](), 10_000)
    return run("scan", path).megabytes


def checked(measured: Run) -> int:
    assert measured.megabytes < MOST, f"{measured.megabytes} MB"
    assert measured.exit_code in (0, 1, 3)
    assert b"Traceback" not in measured.output
    return measured.megabytes


@pytest.mark.parametrize("kind", list(CAPTURES))
def test_resident_memory_stays_within_the_bound(kind: str, tmp_path: Path, least: int) -> None:
    path = tmp_path / "hostile.pcap"
    CAPTURES[kind](path, LESS.get(kind, SIZE))
    measured = checked(run("scan", path))
    # A kind that squeezes more than that into its bytes is whole by now.
    if IN_FULL and least + (measured - least) * FULL // SIZE >= MOST and path.stat().st_size >= SIZE:
        CAPTURES[kind](path, FULL)
        checked(run("scan", path))


def test_values_of_an_execution_are_not_kept_beside_its_statement(tmp_path: Path, least: int) -> None:
    """Of each open connection those of the last one were: 5 MB of 140 kB."""
    path = tmp_path / "hostile.pcap"
    CAPTURES["types of parameters"](path, 1_500_000)
    measured = run("scan", path).megabytes
    assert measured - least < 55


def test_statements_that_are_told_are_not_held(tmp_path: Path) -> None:
    """As JSON lines: those of 20,000 frames were, with all of their values: 12 MB took 546 MB."""
    path = tmp_path / "hostile.pcap"
    CAPTURES["types of parameters"](path, 12_000_000 if compiled() else 3_000_000)
    checked(run("scan", path, "--format", "jsonl"))
