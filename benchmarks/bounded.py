"""Feed a long stream through `scan`, and measure its memory: by hand, as it takes long.

    python benchmarks/bounded.py --connections 1000000 --packets 100000000

Connections open, talk and end on standard input; nothing is stored. Half of them are in the clear, half under TLS.
Told: verdicts beside those of what was made, statements counted beside those sent, what was left out of the result, and
resident memory beside 500 MB. The exit code is 1 where something of that is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import IO

from generate import Traffic
from traffic.capture_file import Pcap
from traffic.habits import HABITS

START_US = 1_700_000_000_000_000
STEP_US = 20              # between two packets
OPEN = 400                # connections at a time
TEMPLATES = 24            # of each kind: what a connection is made of
LIMIT = 500_000           # KB of resident memory
SPREAD = 30_000           # addresses that each template is moved to
WRITE = 4096              # packets at once
KINDS = {"mysql_plaintext": "plaintext", "mysql_tls": "encrypted"}

Template = tuple[str, list[tuple[bytes, bool]], int]


def templates(wanted: int, seed: int) -> list[Template]:
    """Return connections of about `wanted` packets: kind, frames with who sent each, statements."""
    habits = HABITS["standard"]
    found: list[Template] = []
    for kind in KINDS:
        traffic = Traffic(seed, 1_000_001, habits, (kind,))
        made: list[Template] = []
        for _ in range(40 * TEMPLATES):
            frames, tally = traffic._frames(kind, 0)
            if frames[0][1][12:14] == b"\x08\x00":
                client = frames[0][1][26:30]
                sent = tally["com_query"] + tally["stmt_prepare"] + tally["stmt_execute"]
                made.append((kind, [(frame, frame[26:30] == client) for _, frame in frames], sent))
        made.sort(key=lambda one: abs(len(one[1]) - wanted))
        found += made[:TEMPLATES]
    return found


def moved(frame: bytes, by: int, from_client: bool) -> bytes:
    """Return a frame of another client and server. One address grows as the other shrinks: checksums stay right."""
    step = by if from_client else -by
    source = int.from_bytes(frame[28:30], "big") + step
    target = int.from_bytes(frame[32:34], "big") - step
    ends = (source & 0xFFFF).to_bytes(2, "big"), (target & 0xFFFF).to_bytes(2, "big")
    return b"".join((frame[:28], ends[0], frame[30:32], ends[1], frame[34:]))


def feed(out: IO[bytes], connections: int, wanted: int, seed: int) -> tuple[Counter[str], int, int]:
    """Write the stream; return connections by verdict, packets and statements in the clear."""
    rng = Random(seed)
    made = templates(wanted, seed)
    form = Pcap()
    out.write(form.header)
    verdicts: Counter[str] = Counter()
    packets = statements = begun = 0
    running: list[tuple[list[tuple[bytes, bool]], int, int]] = []
    held: list[bytes] = []
    while begun < connections or running:
        while begun < connections and len(running) < OPEN:
            kind, frames, sent = made[begun % len(made)]
            running.append((frames, 1 + begun // len(made) % SPREAD, 0))
            verdicts[KINDS[kind]] += 1
            statements += sent
            begun += 1
        at = rng.randrange(len(running))
        frames, by, place = running[at]
        for frame, from_client in frames[place : place + 4]:
            held.append(form.record(START_US + packets * STEP_US, moved(frame, by, from_client)))
            packets += 1
        if place + 4 < len(frames):
            running[at] = frames, by, place + 4
        else:
            running[at] = running[-1]
            running.pop()
        if len(held) >= WRITE:
            out.write(b"".join(held))
            held.clear()
    out.write(b"".join(held))
    return verdicts, packets, statements


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=1_000_000, help="How many (default %(default)s).")
    parser.add_argument("--packets", type=int, default=100_000_000, help="About how many (default %(default)s).")
    parser.add_argument("--seed", type=int, default=20150923, help="Of the generator (default %(default)s).")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        command = [sys.executable, "-m", "aurora_wire", "scan", "-", "--quiet", "--no-progress", f"--format=json={out}"]
        begun = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stdin is not None
        verdicts, packets, statements = feed(
            process.stdin, asked.connections, max(10, asked.packets // asked.connections), asked.seed
        )
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        told = json.loads(out.read_text())
    right = told["by_verdict"] == dict(verdicts)
    kept = len(told["connections"])
    print(f"{packets:,} packets, {asked.connections:,} connections in {seconds:.0f} s")
    print(f"{usage.ru_utime:.0f} s of processor time in scan, {usage.ru_utime * 1e6 / packets:.1f} us a packet")
    print(f"exit code {os.waitstatus_to_exitcode(status)}; verdicts {told['by_verdict']}, made {dict(verdicts)}")
    print(f"{kept:,} connections in the result, {told['connections_total']:,} counted; closing: {told['closing']}")
    print(f"{statements:,} statements sent in the clear; packets read {told['captures'][0]['packets']:,}")
    print(f"resident memory {usage.ru_maxrss / 1000:.0f} MB, bound {LIMIT / 1000:.0f} MB")
    return 0 if right and usage.ru_maxrss <= LIMIT and told["captures"][0]["packets"] == packets else 1


if __name__ == "__main__":
    sys.exit(main())
