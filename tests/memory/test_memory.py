"""Less than 300 MB resident, whatever a capture of up to 100 MB holds.

Interpreted the files are smaller, as they take their time; `python -m tests.memory 100` measures all kinds in full.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora_wire import compiled
from tests.memory.kinds import KINDS, write
from tests.memory.measuring import run

MOST = 300                                  # MB
SIZE = 20_000_000 if compiled() else 2_000_000


@pytest.mark.parametrize("kind", list(KINDS))
def test_resident_memory_stays_within_the_bound(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.pcap"
    write(path, KINDS[kind](), SIZE)
    measured = run("scan", path)
    assert measured.megabytes < MOST, f"{measured.megabytes} MB"
    assert measured.exit_code in (0, 1, 3)
    assert b"Traceback" not in measured.output
