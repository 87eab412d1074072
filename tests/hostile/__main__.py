"""Run many cases by hand: python -m tests.hostile FIRST COUNT [--keep FOLDER]. Prints what was wrong, and figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.hostile.judging import scan_of, wrongs
from tests.hostile.kinds import case
from tests.hostile.tls_kinds import lossy_case, tls_case
from tests.hostile.wire import pcap

KINDS = {"any": case, "tls": tls_case, "lossy-tls": lossy_case}  # TLS: all of it, in every shape


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("first", type=int, help="the first seed")
    parser.add_argument("count", type=int, help="how many")
    parser.add_argument("--keep", type=Path, help="a folder for the captures of what went wrong")
    parser.add_argument("--show", type=int, default=5, help="how many of each class are shown (default 5)")
    parser.add_argument("--of", choices=KINDS, default="any", help="which cases (default any)")
    asked = parser.parse_args()
    make = KINDS[asked.of]
    cases: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        for seed in range(asked.first, asked.first + asked.count):
            made = make(seed)
            cases[made.name] += 1
            found = wrongs(made, scan_of(made, Path(scratch)))
            for line in found:
                kind = f"{made.name}: {line.split(':')[0]}"
                seen[kind] += 1
                if seen[kind] <= asked.show:
                    print(f"seed {seed}: {made.name}: {line}", flush=True)
            if found:
                wrong[made.name] += 1
                if asked.keep is not None and wrong[made.name] <= asked.show:
                    for number, frames in enumerate(made.captures, 1):
                        (asked.keep / f"{seed}-{number}.pcap").write_bytes(pcap(frames))
    for name, count in sorted(cases.items()):
        print(f"{count:8,} {name}: {wrong[name]:,} wrong")
    print(f"{sum(cases.values()):8,} conversations: {sum(wrong.values()):,} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
