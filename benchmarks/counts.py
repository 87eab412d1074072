"""Counts what a packet costs `aurora-wire scan`, on seven captures of different habits: `make bench-counts`.

Counted, not timed: what else the machine does changes nothing. callgrind runs the whole process on a simulated
processor; what the start costs (a scan of a capture without packets) and the SHA-256 of the file (which takes what the
processor has for it, and callgrind's has little) are left out. Writes COUNTS.md, and says what became worse since the
one that there was.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generate import SEED
from traffic.capture_file import Pcap
from traffic.habits import HABITS

HERE = Path(__file__).resolve().parent
COUNTS = HERE / "COUNTS.md"
PACKETS = 20_000
SCAN_EXIT_CODES = (0, 1, 3)      # the verdict, not a failure
WORSE = 1.05                     # times as much has to be explained in the commit's message
CACHES = ("--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64")
HASH = "EVP_DigestUpdate"        # OpenSSL's, of every hash
# Of Python's allocator, and of the C library's. What free lists give is none.
ALLOCATORS = frozenset((
    "_PyObject_Malloc", "_PyObject_Calloc", "_PyObject_Realloc", "malloc", "calloc", "realloc", "posix_memalign",
))
_NAME = re.compile(r"\((\d+)\)(?: (.+))?")


@dataclass(frozen=True)
class Cost:
    """What a process cost; subtracted and divided, what a packet did."""

    instructions: float
    instruction_misses: float
    data_misses: float
    allocations: float

    def per_packet(self, start: "Cost", packets: int) -> "Cost":
        return Cost(*(
            (mine - first) / packets for mine, first in zip(self.values(), start.values(), strict=True)
        ))

    def values(self) -> tuple[float, ...]:
        return self.instructions, self.instruction_misses, self.data_misses, self.allocations


def read_profile(lines: Iterator[str]) -> Cost:
    """Read what callgrind wrote. Source: Valgrind manual, "Callgrind Format Specification".

    A line of cost has the place and one number an event, those at the end left out where they are 0; after `calls=` it
    is what the call cost with all that it called. Functions are named once, and then by their number.
    """
    events: list[str] = []
    totals: Counter[str] = Counter()
    names: dict[str, str] = {}
    called = ""
    allocations = 0
    after_call = False
    for line in lines:
        if line.startswith("events:"):
            events = line.split()[1:]
        elif line.startswith(("fn=", "cfn=")):
            named = _NAME.match(line.partition("=")[2].rstrip())
            if named is None:
                raise ValueError(f"not a name of callgrind's: {line}")
            if named[2]:
                names[named[1]] = named[2]
            called = names[named[1]]
        elif line.startswith("calls="):
            after_call = True
            if called.partition("'")[0] in ALLOCATORS:
                allocations += int(line[6:].split()[0])
        elif line[:1].isdigit() or line[:1] in "+-*":
            if after_call and called == HASH:
                for event, cost in zip(events, line.split()[1:], strict=False):
                    totals[event] -= int(cost)
            after_call = False
        elif line.startswith("totals:"):
            for event, cost in zip(events, line.split()[1:], strict=False):
                totals[event] += int(cost)
    return Cost(totals["Ir"], totals["I1mr"], totals["D1mr"] + totals["D1mw"], allocations)


def count(capture: Path, scratch: Path) -> Cost:
    """Scan a capture under callgrind."""
    profile = scratch / "profile"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONHASHSEED"] = "0"
    scan = [sys.executable, "-m", "aurora_wire", "scan", str(capture)]
    counted = [
        "valgrind", "--tool=callgrind", "--cache-sim=yes", *CACHES, f"--callgrind-out-file={profile}", *scan,
    ]
    for command in (scan, counted):  # once before, so that Python has all modules compiled
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
            check=False,
        )
        if done.returncode not in SCAN_EXIT_CODES:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")
    with profile.open() as lines:
        return read_profile(lines)


def generate(habits: str, packets: int, scratch: Path) -> Path:
    capture = scratch / f"{habits}.pcap"
    numbers = ["--habits", habits, "--packets", str(packets), "--seed", str(SEED)]
    made = [sys.executable, str(HERE / "generate.py"), str(capture), *numbers]
    subprocess.run(made, check=True, stderr=subprocess.DEVNULL)
    return capture


def table(costs: dict[str, Cost], sizes: dict[str, int]) -> Iterator[str]:
    yield "| capture | bytes | instructions | L1 instruction misses | L1 data misses | allocations |"
    yield "|---|--:|--:|--:|--:|--:|"
    for habits, cost in costs.items():
        instructions, instruction_misses, data_misses, allocations = cost.values()
        cells = (
            f"{habits}: {HABITS[habits].about}", f"{sizes[habits]:,}", f"{instructions:,.0f}",
            f"{instruction_misses:.1f}", f"{data_misses:.1f}", f"{allocations:.2f}",
        )
        yield f"| {' | '.join(cells)} |"


def page(costs: dict[str, Cost], sizes: dict[str, int], start: Cost, packets: int) -> str:
    python = ".".join(map(str, sys.version_info[:2]))
    valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return "\n".join((
        "# What a packet costs",
        "",
        f"`make bench-counts`, of {packets:,} packets each ({valgrind}, Python {python}, core compiled). L1 caches of",
        "32 KB, 8 ways and lines of 64 bytes, for instructions and for data; the last one has 8 MB. Each number is of",
        "a packet: of the whole process, less its start and the SHA-256 of the file.",
        "",
        *table(costs, sizes),
        "",
        f"The start, a scan of no packets: {start.instructions / 1e6:,.0f} million instructions.",
        "A change that makes one of these worse by 5% says why.",
        "",
    ))


def worse(costs: dict[str, Cost], before: str) -> Iterator[str]:
    """Yield what became worse by 5% since the page that there was."""
    for habits, cost in costs.items():
        row = re.search(rf"^\| {habits}: .*$", before, re.MULTILINE)
        if row is None:
            continue
        old = [float(cell.replace(",", "")) for cell in row[0].strip("| ").split(" | ")[2:]]
        named = zip(("instructions", "L1 instruction misses", "L1 data misses", "allocations"), old, strict=True)
        for (name, was), now in zip(named, cost.values(), strict=True):
            if now > was * WORSE:
                yield f"{habits}: {name} a packet: {was:,.2f} before, {now:,.2f} now"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=PACKETS,
                        help="Of each capture (default %(default)s); with others nothing is written.")
    parser.add_argument("--habits", choices=HABITS, action="append", help="This one only; may be given several times.")
    options = parser.parse_args()
    from aurora_wire._build import compiled  # noqa: PLC0415 - not for --help

    if not compiled():
        parser.error("the core is not compiled: `make build`")
    costs: dict[str, Cost] = {}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        empty = scratch / "empty.pcap"
        empty.write_bytes(Pcap.header)
        start = count(empty, scratch)
        for habits in options.habits or HABITS:
            capture = generate(habits, options.packets, scratch)
            sizes[habits] = capture.stat().st_size // options.packets
            costs[habits] = count(capture, scratch).per_packet(start, options.packets)
            sys.stderr.write(f"{habits}: {costs[habits].instructions:,.0f} instructions a packet\n")
            capture.unlink()
    before = COUNTS.read_text() if COUNTS.exists() else ""
    found = page(costs, sizes, start, options.packets)
    sys.stdout.write(found)
    if options.packets == PACKETS and options.habits is None:
        COUNTS.write_text(found)
    for line in worse(costs, before):
        sys.stderr.write(f"worse by more than 5%: {line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
