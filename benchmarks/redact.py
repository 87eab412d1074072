"""Runs `aurora-wire redact` beside `aurora-wire scan` over three captures, in turns, and prints how many times as long.

User time of whole processes: the one of the kernel is the disk's. Of some rounds the shortest counts, as what disturbs
the machine only ever adds. Prints Markdown: `python benchmarks/redact.py`.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from generate import SEED
from run import ENVIRONMENT, MEGABYTE, OUT, machine, ready_capture, say, yes
from traffic.habits import PACKETS

BAR = 4             # times as long as `scan`, at most
KINDS: dict[str, tuple[str, ...]] = {
    "standard": (), "all MySQL in the clear": ("mysql_plaintext",), "all MySQL under TLS": ("mysql_tls",),
}


@dataclass
class Command:
    """One command over one capture, and the user time of its runs."""

    command: list[str]
    exit_codes: tuple[int, ...]
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def shortest(self) -> float:
        return min(self.seconds)

    def run(self) -> None:
        with subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT
        ) as process:
            complaint = process.stderr.read() if process.stderr else b""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds.append(usage.ru_utime)
        self.peak_bytes = max(self.peak_bytes, usage.ru_maxrss * 1024)
        if process.returncode not in self.exit_codes:
            sys.exit(f"{' '.join(self.command)}: exit code {process.returncode}\n{complaint.decode(errors='replace')}")


def both(capture: Path) -> tuple[Command, Command]:
    ours = str(Path(sys.executable).with_name("aurora-wire"))
    masked = str(OUT / "masked.pcap")
    return (
        Command([ours, "scan", str(capture)], (0, 1)),
        Command([ours, "redact", "--force", "--no-progress", str(capture), masked], (0,)),  # 0: judged as before
    )


def measure(rounds: int, packets: int, seed: int) -> Iterator[str]:
    yield "| capture | `scan` | `redact` | times as long | at most 4 | peak memory |"
    yield "|---|--:|--:|--:|---|--:|"
    for name, kinds in KINDS.items():
        capture, _ = ready_capture(packets, seed, kinds)
        scan, redact = both(capture)
        for number in range(rounds):
            scan.run()
            redact.run()
            say(f"{name}, round {number + 1}: {scan.seconds[-1]:.2f} s, {redact.seconds[-1]:.2f} s")
        ratio = redact.shortest / scan.shortest
        cells = (
            name, f"{scan.shortest:.2f} s", f"{redact.shortest:.2f} s", f"{ratio:.2f}", yes(ratio <= BAR),
            f"{redact.peak_bytes / MEGABYTE:,.0f} MB",
        )
        yield f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare redact with scan on generated captures.")
    parser.add_argument("--packets", type=int, default=PACKETS, help="Of each capture (default %(default)s).")
    parser.add_argument("--seed", type=int, default=SEED, help="Of the generator (default %(default)s).")
    parser.add_argument("--rounds", type=int, default=5, help="How often each runs (default %(default)s).")
    options = parser.parse_args()
    if min(options.packets, options.rounds) < 1:
        parser.error("numbers are at least 1")
    print(f"{options.packets:,} packets, the shortest of {options.rounds} rounds; on {machine()}.\n")
    for line in measure(options.rounds, options.packets, options.seed):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
