"""Runs aurora-wire and its peers over the same captures, one after another in the same minutes, and compares.

Whole processes are timed, with everything they do at start and end: first by themselves, then with another core loaded.
Prints Markdown, and writes it with `--output`: `make bench`.
"""

import argparse
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from generate import SEED
from traffic.capture_file import Pcap
from traffic.habits import HABITS, PACKETS

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
MEGABYTE = 1e6
SCAN_EXIT_CODES = (0, 1, 3)     # the verdict, not a failure
OURS = "aurora-wire scan"
OURS_JSON = "aurora-wire scan --format json"
OURS_JOBS = "aurora-wire scan --jobs 2"
INTERPRETED = "aurora-wire scan, not compiled"
SQL = "select|insert|update|delete"     # what one would look for with ngrep
# As for a user: Python keeps what it has compiled of the modules.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
TCPDUMP, NGREP, TSHARK, DPKT, HASH, SCAPY, ZEEK = "tcpdump", "ngrep", "tshark", "dpkt", "openssl", "scapy", "zeek"
PLACES = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/opt/zeek/bin:/usr/local/zeek/bin"
MEASURED = ("standard", "open")     # captures, by their habits
FIRST = 20_000                      # packets of a capture, for who is too slow for all of it
# Keeps a core busy until its time is over, or who wanted it is gone.
BUSY = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end and os.getppid() == int(sys.argv[3]):
    pass
"""


@dataclass
class Peer:
    """One program, and what its runs took."""

    name: str
    shown: str                  # the command for people; FILE is the capture
    command: list[str]
    rounds: int
    exit_codes: tuple[int, ...] = (0,)
    packets: int = 0            # fewer than those of the capture, where it is too slow for all
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def run(self) -> None:
        began = time.perf_counter()
        with subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT,
            cwd=OUT,            # Zeek writes its logs where it is
        ) as process:
            complaint = process.stderr.read() if process.stderr else b""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds.append(time.perf_counter() - began)
        self.peak_bytes = max(self.peak_bytes, usage.ru_maxrss * 1024)
        if process.returncode not in self.exit_codes:
            sys.exit(f"{self.shown}: exit code {process.returncode}\n{complaint.decode(errors='replace')}")


def ready_capture(
    packets: int, seed: int, kinds: tuple[str, ...] = (), habits: str = "standard"
) -> tuple[Path, dict[str, object]]:
    """The generated capture and its truth; made again where the generator has changed since.

    kinds: only these kinds of conversations; habits: of the network (see generate.py).
    """
    named = [str(packets), str(seed), *kinds] + [habits] * (habits != "standard")
    capture = OUT / f"{'-'.join(named)}.pcap"
    truth = capture.with_suffix(".json")
    sources = [HERE / "generate.py", *(HERE / "traffic").glob("*.py")]
    newest = max(source.stat().st_mtime for source in sources)
    if not (capture.exists() and truth.exists() and truth.stat().st_mtime > newest):
        OUT.mkdir(exist_ok=True)
        say(f"writing {capture.name}")
        unfinished = capture.with_suffix(".unfinished")
        numbers = ["--packets", str(packets), "--seed", str(seed), "--truth", str(truth), "--habits", habits]
        numbers += [word for kind in kinds for word in ("--kind", kind)]
        # In a process of its own: this one has to stay small, see `peak`.
        subprocess.run([sys.executable, str(HERE / "generate.py"), str(unfinished), *numbers], check=True)
        unfinished.rename(capture)
    with capture.open("rb") as file:  # into the page cache, for all alike
        while file.read(1 << 22):
            pass
    return capture, json.loads(truth.read_text())


def first_packets(capture: Path, count: int) -> Path:
    """Return a capture of the first packets of another one."""
    path = capture.with_suffix(f".first-{count}.pcap")
    with capture.open("rb") as file, path.open("wb") as out:
        out.write(file.read(len(Pcap.header)))
        for _ in range(count):
            header = file.read(16)
            out.write(header + file.read(int.from_bytes(header[8:12], "little")))
    return path


def peers(capture: Path, packets: int, rounds: int, slow_rounds: int) -> Iterator[Peer]:
    """Those that are installed, ours first. The slow ones have fewer rounds."""
    file = str(capture)
    ours = Path(sys.executable).with_name("aurora-wire")
    report = str(OUT / "scan.json")
    yield Peer(OURS, "`aurora-wire scan FILE`", [str(ours), "scan", file], rounds, SCAN_EXIT_CODES)
    as_json = [str(ours), "scan", "--format", "json", "--force", "-o", report, file]
    yield Peer(OURS_JSON, "`aurora-wire scan --format json -o OUT FILE`", as_json, rounds, SCAN_EXIT_CODES)
    both = [str(ours), "scan", "--jobs", "2", file]
    yield Peer(OURS_JOBS, "`aurora-wire scan --jobs 2 FILE`", both, rounds, SCAN_EXIT_CODES)
    for name, arguments, count in (
        (TCPDUMP, ["-w", "/dev/null", "-r", "FILE", "tcp port 3306"], rounds),
        (NGREP, ["-q", "-i", "-W", "none", "-I", "FILE", SQL, "tcp port 3306"], rounds),
        (TSHARK, ["-r", "FILE", "-Y", "mysql.query", "-T", "fields", "-e", "mysql.query"], slow_rounds),
        (ZEEK, ["-C", "-r", "FILE"], slow_rounds),
        (HASH, ["dgst", "-sha256", "FILE"], rounds),
    ):
        program = shutil.which(name, path=PLACES)
        if program is None:
            say(f"{name} is not installed: left out")
            continue
        shown = " ".join(f"'{word}'" if set(word) & set(" |") else word for word in [name, *arguments])
        command = [program, *[file if word == "FILE" else word for word in arguments]]
        yield Peer(name, f"`{shown}`", command, count)
    loop = [sys.executable, str(HERE / "dpkt_loop.py"), file]
    yield Peer(DPKT, "a loop with dpkt (`benchmarks/dpkt_loop.py FILE`)", loop, slow_rounds)
    few = min(FIRST, packets)
    loop = [sys.executable, str(HERE / "scapy_loop.py"), str(first_packets(capture, few))]
    shown = f"a loop with scapy (`benchmarks/scapy_loop.py FILE`), on {few:,} packets"
    yield Peer(SCAPY, shown, loop, slow_rounds, packets=few)
    pure = HERE.parent / ".venv-pure" / "bin" / "aurora-wire"
    if pure.exists():
        shown = "`aurora-wire scan FILE`, core not compiled"
        yield Peer(INTERPRETED, shown, [str(pure), "scan", file], slow_rounds, SCAN_EXIT_CODES)


def measure(contestants: list[Peer], deadline: float) -> None:
    """Round by round, each once: what disturbs the machine for a while disturbs all of them.

    deadline: of the monotonic clock, after which no round begins but the first.
    """
    for number in range(max(peer.rounds for peer in contestants)):
        if number and time.monotonic() > deadline:
            say(f"no time is left for rounds after {number}")
            return
        for peer in contestants:
            if number < peer.rounds:
                peer.run()
                say(f"round {number + 1}: {peer.seconds[-1]:8.2f} s  {peer.name}")


@contextmanager
def load(core: int, seconds: float) -> Iterator[None]:
    """Keep a core busy meanwhile, at most for so long."""
    command = [sys.executable, "-c", BUSY, str(core), str(seconds), str(os.getpid())]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.kill()


def table(contestants: list[Peer], packets: int, alone: dict[str, Peer] | None = None) -> Iterator[str]:
    """Yield the times. Of who read fewer packets, they are compared by the packet.

    alone: what the same took by themselves, where a core was loaded now.
    """
    ours = contestants[0].median / packets
    beside = "" if alone is None else " times without load |"
    yield f"| command | times ours |{beside} median | rounds | packets a second | peak memory |"
    yield f"|---|--:|{'--:|' if beside else ''}--:|--:|--:|--:|"
    for peer in contestants:
        each = peer.median / (peer.packets or packets)
        slower = [] if alone is None else [f"{peer.median / alone[peer.name].median:.2f}"]
        cells = (
            peer.shown.replace("|", "\\|"), f"{each / ours:.2f}", *slower, f"{peer.median:.2f} s",
            f"{len(peer.seconds)}", f"{1 / each:,.0f}", peak(peer),
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def peak(peer: Peer) -> str:
    """Linux counts what the parent held when it started the child, so there is no telling below that."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    small = "at most " if peer.peak_bytes <= own else ""
    return f"{small}{peer.peak_bytes / MEGABYTE:,.0f} MB"


def bars(contestants: list[Peer]) -> Iterator[str]:
    """What the project asks of itself, and how it came out."""
    by_name = {peer.name: peer for peer in contestants}
    ours = by_name[OURS]
    wanted: list[tuple[str, str, Callable[[float], bool]]] = [
        (NGREP, "at least as fast as ngrep", lambda ratio: ratio >= 1),
        (TSHARK, "100 times as fast as tshark", lambda ratio: ratio >= 100),
        (TCPDUMP, "within 3 times of tcpdump's filter", lambda ratio: ratio >= 1 / 3),
    ]
    yield "| bar | met | measured |"
    yield "|---|---|---|"
    for name, text, is_met in wanted:
        if name in by_name:
            ratio = by_name[name].median / ours.median
            measured = f"{name} takes {ratio:.2f} times our time"
            if name == TSHARK and HASH in by_name:
                measured += f", and {by_name[name].median / by_name[HASH].median:.0f} times what the hash alone takes"
            yield f"| {text} | {yes(is_met(ratio))} | {measured} |"
    peak = ours.peak_bytes / MEGABYTE
    yield f"| below 150 MB of memory | {yes(peak < 150)} | {peak:.0f} MB |"


def count_verdicts(report: Path) -> Counter[tuple[str, str]]:
    result = json.loads(report.read_text())
    return Counter((connection["verdict"], connection["confidence"]) for connection in result["connections"])


def agreement(truth: dict[str, object], report: Path) -> Iterator[str]:
    """Fast and wrong is no use: the verdicts of the JSON report against what was generated."""
    # In a process of its own: this one has to stay small, see `peak`.
    with ProcessPoolExecutor(1) as reader:
        found = reader.submit(count_verdicts, report).result()
    expected = truth["verdicts"]
    if not isinstance(expected, dict):
        raise TypeError("the truth has no verdicts")
    for verdict in ("plaintext", "encrypted"):
        proven, likely = found.pop((verdict, "proven"), 0), found.pop((verdict, "likely"), 0)
        yield f"- {verdict}: {expected[verdict]:,} generated, {proven:,} found and proven, {likely:,} likely"
    for (verdict, _), count in found.items():
        yield f"- {verdict}: none generated, {count:,} found"


def versions() -> str:
    found = [f"Python {platform.python_version()}"]
    found += [f"{name} {version(name)}" for name in ("aurora_wire", DPKT, SCAPY)]
    for name, option in ((TCPDUMP, "--version"), (NGREP, "-V"), (TSHARK, "--version"), (ZEEK, "--version")):
        program = shutil.which(name, path=PLACES)
        if program is not None:
            said = subprocess.run([program, option], capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.[\d.]*\d", said.stdout + said.stderr)
            found.append(f"{name} {number[0] if number else 'of unknown version'}")
    return ", ".join(found)


def machine() -> str:
    cpu = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores of {cpu}, {memory:.0f} GiB, Linux"


def yes(met: bool) -> str:
    return "yes" if met else "**no**"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def compared(habits: str, options: argparse.Namespace, deadline: float) -> Iterator[str]:
    """Yield a chapter: everybody over the capture of these habits."""
    packets = options.packets
    capture, truth = ready_capture(packets, options.seed, habits=habits)
    contestants = list(peers(capture, packets, options.rounds, options.slow_rounds))
    measure(contestants, deadline)
    yield f"## {habits}: {HABITS[habits].about}"
    yield f"{packets:,} packets, {capture.stat().st_size / MEGABYTE:,.0f} MB.\n"
    yield from table(contestants, packets)
    yield ""
    yield from bars(contestants)
    yield "\nWhat the scan found, held against what was generated:\n"
    yield from agreement(truth, OUT / "scan.json")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        say("one core alone: none is left to be loaded")
        return
    again = [
        replace(peer, rounds=min(peer.rounds, options.loaded_rounds), seconds=[], peak_bytes=0)
        for peer in contestants if peer.name != INTERPRETED
    ]
    with load(cores[-1], options.minutes * 60):
        measure(again, deadline)
    yield f"\n### With a core loaded\nAn endless loop has core {len(cores)} of {len(cores)}; nobody is kept from it.\n"
    yield from table(again, packets, {peer.name: peer for peer in contestants})
    yield ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare aurora-wire with its peers on generated captures.")
    parser.add_argument("--packets", type=int, default=PACKETS, help="Of a capture (default %(default)s).")
    parser.add_argument("--seed", type=int, default=SEED, help="Of the generator (default %(default)s).")
    parser.add_argument("--habits", choices=MEASURED, action="append", help="Of this capture only (default: all).")
    parser.add_argument("--rounds", type=int, default=5, help="Of the fast ones (default %(default)s).")
    parser.add_argument("--slow-rounds", type=int, default=1, help="Of the others (default %(default)s).")
    parser.add_argument("--loaded-rounds", type=int, default=3, help="With a core loaded (default %(default)s).")
    parser.add_argument("--minutes", type=float, default=8,
                        help="After which no round begins but the first of each (default %(default)s).")
    parser.add_argument("--output", type=Path, metavar="FILE", help="Write the page here, too.")
    options = parser.parse_args()
    if min(options.packets, options.rounds, options.slow_rounds, options.loaded_rounds) < 1:
        parser.error("numbers are at least 1")

    began = time.monotonic()
    lines = [
        "# Beside the peers", f"`make bench`, on {machine()}. {versions()}.\n",
        "Read the ratios; the times belong to the machine. What is measured, and how: `docs/benchmarks.md`.\n",
    ]
    for habits in options.habits or MEASURED:
        lines += compared(habits, options, began + options.minutes * 60)
    page = "\n".join(lines).rstrip() + "\n"
    print(page, end="")
    if options.output:
        options.output.write_text(page)
    say(f"took {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
