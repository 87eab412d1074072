"""Thousands of conversations through ordinary networks and adversaries, and what is said of them.

`python -m tests.hostile FIRST COUNT` goes on for longer.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hostile.judging import scan_of, wrongs
from tests.hostile.kinds import KINDS, case

# Interpreted the same code runs, thirty times as long: a sample will do there.
COUNT = 1_000 if os.environ.get("AURORA_WIRE_MODE") == "interpreted" else 20_000
GROUPS = 20


@pytest.mark.parametrize("group", range(GROUPS))
def test_nothing_wrong_is_said_of_hostile_conversations(group: int, tmp_path: Path) -> None:
    size = COUNT // GROUPS
    found = []
    for seed in range(group * size, (group + 1) * size):
        made = case(seed)
        wrong = wrongs(made, scan_of(made, tmp_path))
        if wrong:
            found.append(f"seed {seed}: {made.name}: {wrong[0]}")
    assert found == []


def test_the_seeds_cover_every_kind() -> None:
    made = {case(seed).name for seed in range(600)}
    assert len(made) >= len(KINDS)


def test_a_case_is_a_function_of_its_seed() -> None:
    assert [frame.build() for frames in case(7).captures for frame in frames] == [
        frame.build() for frames in case(7).captures for frame in frames
    ]


def test_a_wrong_answer_is_found(tmp_path: Path) -> None:
    """The judge itself: a clean TLS session whose truth is turned round."""
    made = next(one for one in map(case, range(100)) if one.name == "clean TLS")
    result = scan_of(made, tmp_path)
    assert wrongs(made, result) == []
    made.verdicts = frozenset({"plaintext"})
    assert wrongs(made, result)[0].startswith("wrong encrypted")
