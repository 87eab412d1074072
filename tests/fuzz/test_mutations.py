"""Recordings of real conversations, with frames lost, doubled, swapped, cut and changed: nothing raises, all adds up.

`python -m tests.fuzz.test_mutations SEED SECONDS` goes on for longer.
"""

from __future__ import annotations

import random
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from aurora_wire.inflaters import optional_inflaters
from aurora_wire.verdict.describe import describe
from aurora_wire.verdict.findings import findings_of
from aurora_wire.wire.engine import Engine

Frame = tuple[bytes, int]   # the bytes kept, and how many there were
LIKELY = (0x00, 0x01, 0x03, 0x0A, 0x15, 0x16, 0x17, 0xFB, 0xFE, 0xFF)   # bytes that decoders look for
CASES = 1500
MOST_FRAMES = 400


class Recording(NamedTuple):
    link_type: int
    frames: list[Frame]


def recordings(shared: Path) -> list[Recording]:
    found = []
    for path in sorted(shared.glob("lab/*/*.pcap")) + sorted(shared.glob("corpus/*/*.pcap")):
        data = path.read_bytes()
        order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        frames, at = [], 24
        while at + 16 <= len(data):
            kept, original = struct.unpack_from(order + "II", data, at + 8)
            frames.append((data[at + 16 : at + 16 + kept], original))
            at += 16 + kept
        if len(frames) <= MOST_FRAMES:
            found.append(Recording(struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF, frames))
    return found


def changed(frames: list[Frame], others: list[Frame], rng: random.Random) -> list[Frame]:
    """One to five mutations."""
    out = list(frames)
    for _ in range(rng.randrange(1, 6)):
        if not out:
            break
        at = rng.randrange(len(out))
        data, original = out[at]
        kind = rng.randrange(8)
        if kind == 0:
            out.pop(at)
        elif kind == 1:
            out.insert(rng.randrange(len(out) + 1), out[at])
        elif kind == 2:
            other = rng.randrange(len(out))
            out[at], out[other] = out[other], out[at]
        elif kind in (3, 4) and len(data) > 60:
            edited = bytearray(data)
            for _ in range(1 if kind == 3 else rng.randrange(1, 20)):
                edited[rng.randrange(0 if kind == 3 else 54, len(edited))] = rng.choice(LIKELY)
            out[at] = bytes(edited), original
        elif kind == 5:
            out[at] = data[: rng.randrange(len(data) + 1)], original
        elif kind == 6 and len(data) > 70:
            start = rng.randrange(54, len(data))
            out[at] = data[:start] + data[rng.randrange(start, len(data)) :], original
        elif kind == 7 and others:
            out.insert(at, rng.choice(others))
    return out


def judge(link_type: int, frames: list[Frame], *, labels: bool) -> None:
    engine = Engine([3306, 33060, 3316], False, optional_inflaters(), True, labels)
    for number, (data, original) in enumerate(frames, 1):
        engine.feed(data, 0, len(data), max(original, len(data)), number * 1_000_000, link_type)
    engine.finish()
    for connection in engine.ended:
        result = describe(connection)
        for side in (result.client_coverage, result.server_coverage):
            assert side.tls + side.plaintext + side.unprotected_by_design + side.unknown == side.seen
            assert min(side.missing, side.truncated) >= 0
        assert list(findings_of(connection.facts, result)) is not None
        assert len(list(result.statements)) <= result.statements_total


def run(found: list[Recording], seed: int, cases: int) -> None:
    rng = random.Random(seed)
    for _ in range(cases):
        chosen = rng.choice(found)
        other = rng.choice(found)
        frames = changed(chosen.frames, other.frames if other.link_type == chosen.link_type else [], rng)
        judge(chosen.link_type, frames, labels=rng.random() < 0.5)


@pytest.mark.parametrize("seed", [1, 2])
def test_changed_recordings_never_raise_and_their_bytes_add_up(seed: int, shared: Path) -> None:
    run(recordings(shared), seed, CASES // 2)


if __name__ == "__main__":
    captures = recordings(Path(__file__).resolve().parents[3] / "shared")
    first, seconds = int(sys.argv[1]), float(sys.argv[2])
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        run(captures, first * 1_000_000 + rounds, 1000)
        rounds += 1
    sys.stdout.write(f"{rounds},000 cases\n")
