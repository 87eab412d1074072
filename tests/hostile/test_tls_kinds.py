"""TLS that is clean and whole is proven, whatever its kind and however many taps showed it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hostile.judging import scan_of, wrongs
from tests.hostile.tls_kinds import tls_case

# Interpreted the same code runs, thirty times as long: a sample will do there.
COUNT = 400 if os.environ.get("AURORA_WIRE_MODE") == "interpreted" else 8_000
GROUPS = 20


@pytest.mark.parametrize("group", range(GROUPS))
def test_clean_tls_of_any_kind_is_proven(group: int, tmp_path: Path) -> None:
    size = COUNT // GROUPS
    for seed in range(group * size, (group + 1) * size):
        made = tls_case(seed)
        assert wrongs(made, scan_of(made, tmp_path)) == [], f"seed {seed}: {made.name}"
