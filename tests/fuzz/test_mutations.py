"""Recordings of real conversations, with frames lost, doubled, swapped, cut and changed: nothing raises, all adds up.

The same of their files: changed bytes, parts left out, the end cut off.

`python -m tests.fuzz.test_mutations SEED SECONDS` goes on for longer.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import pytest

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.capture.files.open import open_capture
from aurora_wire.errors import CaptureError
from aurora_wire.verdict.describe import describe
from aurora_wire.verdict.rules.checks import list_findings
from aurora_wire.wire.flows.engine import Engine
from aurora_wire.zstd import zstd_decompressor

Frame = tuple[bytes, int, int]   # the bytes kept, how many there were, the link type
LIKELY = (0x00, 0x01, 0x03, 0x0A, 0x15, 0x16, 0x17, 0xFB, 0xFE, 0xFF)   # bytes that decoders look for
CASES = 1500
FILES = 300
MOST_FRAMES = 400
DEPTH = Path(__file__).resolve().parents[2] / "captures" / "depth"
ROWS = 3            # of each result whose values are read
MOST_BYTES = 1 << 20


def files(shared: Path) -> list[Path]:
    """Captures of whatever kind."""
    found = [
        path
        for folder in ("lab", "corpus", "field")
        for path in sorted((shared / folder).rglob("*"))
        if path.suffix in (".pcap", ".pcapng", ".tgz") and path.stat().st_size <= MOST_BYTES
    ]
    assert {"lab", "corpus", "field"} == {path.relative_to(shared).parts[0] for path in found}
    return found


def recordings(paths: list[Path]) -> list[list[Frame]]:
    found = []
    for path in paths:
        frames: list[Frame] = []
        try:
            with open_capture(str(path)) as capture:
                source = capture.source
                while source.advance() and len(frames) <= MOST_FRAMES:
                    at = source.at
                    data = source.buffer[at : at + source.captured_len]
                    frames.append((data, int(source.original_len), int(source.link_type)))
        except CaptureError:
            pass  # some are damaged on purpose: what was before that is here
        if 0 < len(frames) <= MOST_FRAMES:
            found.append(frames)
    return found


def changed(frames: list[Frame], others: list[Frame], rng: random.Random) -> list[Frame]:
    """One to five mutations."""
    out = list(frames)
    for _ in range(rng.randrange(1, 6)):
        if not out:
            break
        at = rng.randrange(len(out))
        data, original, link_type = out[at]
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
            out[at] = bytes(edited), original, link_type
        elif kind == 5:
            out[at] = data[: rng.randrange(len(data) + 1)], original, link_type
        elif kind == 6 and len(data) > 70:
            start = rng.randrange(54, len(data))
            out[at] = data[:start] + data[rng.randrange(start, len(data)) :], original, link_type
        elif kind == 7 and others:
            out.insert(at, rng.choice(others))
    return out


def judge(frames: list[Frame], *, labels: bool) -> None:
    engine = Engine([3306, 33060, 3316], False, zstd_decompressor, True, labels)
    engine.budget.rows = ROWS
    for number, (data, original, link_type) in enumerate(frames, 1):
        engine.feed(data, 0, len(data), max(original, len(data)), number * 1_000_000, link_type)
    engine.finish()
    for connection in engine.ended:
        result = describe(connection)
        for side in (result.client_coverage, result.server_coverage):
            assert side.tls + side.plaintext + side.unprotected_by_design + side.unknown == side.seen
            assert min(side.missing, side.truncated) >= 0
        assert list(list_findings(connection.facts, result)) is not None
        assert len(list(result.statements)) <= result.statements_total
        for one in result.statements:
            for part in one.result.parts if one.result is not None else []:
                assert all(len(row) <= len(part.columns) for row in part.values)


def run(found: list[list[Frame]], seed: int, cases: int) -> None:
    rng = random.Random(seed)
    for _ in range(cases):
        frames = changed(rng.choice(found), rng.choice(found), rng)
        judge(frames, labels=rng.random() < 0.5)


def damaged(content: bytes, rng: random.Random) -> bytes:
    out = bytearray(content)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            del out[at:]
        elif kind == 1:
            del out[at : at + rng.randrange(1, 200)]
        elif kind == 2:
            out[at:at] = rng.randbytes(rng.randrange(1, 50))
        else:
            # Most of what counts for a file's structure is in its first bytes, and in lengths of four.
            at = rng.randrange(min(len(out), 400)) if kind == 3 and out else at
            out[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\x80", rng.randbytes(4)))
    return bytes(out)


def run_files(found: list[Path], seed: int, cases: int) -> None:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(cases):
            path = Path(folder) / f"{number}.pcap"
            path.write_bytes(damaged(rng.choice(found).read_bytes(), rng))
            analysis = Analysis()
            try:
                analysis.read(str(path))
            except CaptureError as error:
                assert "\n" not in str(error)  # noqa: PT017 - the one line that it has to be
            result = analysis.finish()
            assert len(result.connections) <= result.connections_total
            assert sum(result.by_verdict.values()) == result.connections_total
            path.unlink()


@pytest.mark.parametrize("seed", [1, 2])
def test_changed_recordings_never_raise_and_their_bytes_add_up(seed: int, shared: Path) -> None:
    run(recordings(files(shared)), seed, CASES // 2)


def test_changed_recordings_of_what_the_protocol_carries_never_raise() -> None:
    paths = sorted(DEPTH.glob("*.pcapng"))
    assert len(paths) > 10
    run(recordings(paths), 4, CASES // 2)


def test_damaged_files_never_raise_but_in_one_line(shared: Path) -> None:
    run_files(files(shared), 3, FILES)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[3] / "shared"
    captures, paths = recordings([*files(root), *DEPTH.glob("*.pcapng")]), files(root)
    first, seconds = int(sys.argv[1]), float(sys.argv[2])
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        run(captures, first * 1_000_000 + rounds, 1000)
        run_files(paths, first * 1_000_000 + rounds, 100)
        rounds += 1
    sys.stdout.write(f"{rounds},000 cases, {rounds}00 of them files\n")
