"""One more input never makes a verdict better: what leaked in one capture leaks in both."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.verdict.result import Scan
from tests.conversations.judge import explain
from tests.hostile.cases import Case
from tests.hostile.kinds import case
from tests.hostile.wire import Frame, pcap

# Of each the first seeds that make captures in which something can leak, or a proof can be lost.
SEEDS = range(90)
LEAKS = ("plaintext", "mixed")


def scan(captures: list[list[Frame]]) -> Scan:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, frames in enumerate(captures, 1):
            path = Path(folder, f"{number}.pcap")
            path.write_bytes(pcap(frames))
            paths.append(path)
        return aurora_wire.scan(paths)


def with_other(made: Case, other: Case, how: str) -> list[list[Frame]]:
    """The captures and one more: another conversation on the same ports, or the same one again in part."""
    if how == "the same ports":
        ends = made.captures[0][0].ends
        frames = [frame for frames in other.captures for frame in frames]
        for frame in frames:
            frame.ends = ends
        return [*made.captures, frames]
    frames = [frame for frames in made.captures for frame in frames]
    if how == "a part again":
        return [*made.captures, frames[len(frames) // 2 :]]
    return [frames[: len(frames) // 2], *made.captures]


@pytest.mark.parametrize("how", ["the same ports", "a part again", "a part before"])
@pytest.mark.parametrize("seed", SEEDS)
def test_one_more_input_never_makes_a_leak_vanish(seed: int, how: str) -> None:
    made = case(seed)
    before = scan(made.captures)
    after = scan(with_other(case(seed), case(seed + 5000), how))
    said = f"before:\n{explain(before)}\nafter:\n{explain(after)}"
    if before.verdict in LEAKS:
        assert after.verdict in LEAKS, said
        told = {text.sql for one in after.connections for text in one.statements if text.command == "COM_QUERY"}
        sent = {text.sql for one in before.connections for text in one.statements if text.command == "COM_QUERY"}
        assert sent <= told or after.verdict == "mixed" or before.confidence != "proven", said
    proven = {one.client.port for one in before.connections if one.verdict in LEAKS}
    for one in after.connections:
        if one.verdict == "encrypted" and one.client.port in proven:
            assert any(
                other.verdict in LEAKS for other in after.connections if other.client.port == one.client.port
            ), said
