"""Record what every command and format prints for many captures, so that a change can be held to what was before.

    python -m tests.recorder outputs TOOL FOLDER CAPTURE_OR_FOLDER ...    # each command's outputs, as files
    python -m tests.recorder mutated FILE COUNT CAPTURE_OR_FOLDER ...     # a digest a line of COUNT mutated captures
    diff -r FOLDER OTHER_FOLDER

TOOL is an `aurora-wire`. Same input, same output: two recordings differ only where the program does. What depends on
where things lie (the folder written to) is left out. The second form runs the package that Python imports.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ENDINGS = (".pcap", ".pcapng", ".cap", ".txt", ".gz", ".tgz")
FORMATS = ("text", "json", "jsonl", "html", "markdown", "sarif", "junit", "csv", "csv:statements", "ocsf")


def captures(places: list[str]) -> Iterator[Path]:
    """Every file that may be a capture, in order."""
    for place in map(Path, places):
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (path for path in found if path.is_file() and path.name.endswith(ENDINGS))


def commands(capture: str, out: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and arguments of each command; those that write files write them below `out`."""
    written = [f"--format={name}={out / name.replace(':', '-')}" for name in FORMATS]
    yield "scan", ["scan", "--no-progress", *written, capture]
    yield "scan-redact", [
        "scan", "--no-progress", "--redact", f"--format=text={out / 'redact.text'}",
        f"--format=json={out / 'redact.json'}", f"--format=csv:statements={out / 'redact.csv'}", capture,
    ]  # fmt: skip
    yield "scan-proven", ["scan", "--quiet", "--require", "proven", capture]
    yield "packets", ["packets", "-X", "--explain", capture]
    yield "packets-csv", ["packets", "--format", "csv", capture]
    yield "redact", ["redact", "--no-progress", capture, str(out / "redacted")]
    yield "impact", ["impact", "--no-progress", "--format", "json", capture]


def record_outputs(tool: str, folder: Path, places: list[str]) -> None:
    for capture in captures(places):
        out = folder / f"{capture.parent.name}-{capture.name}"
        out.mkdir(parents=True)
        for name, arguments in commands(str(capture), out):
            done = subprocess.run([tool, *arguments], capture_output=True, check=False)
            said = done.stdout + b"\n-- " + done.stderr + b"\n-- exit %d\n" % done.returncode
            (out / f"{name}.said").write_bytes(said.replace(str(folder).encode(), b"OUT"))


def record_mutated(target: Path, count: int, places: list[str]) -> None:
    import aurora_wire
    from aurora_wire.report import scan_json as json_report
    from tests.conversations.tcp import Packet, pcap
    from tests.fuzz.test_mutations import changed, files, recordings

    found = [one for one in recordings(files(Path(places[0]))) if {link for _, _, link in one} == {1}]
    with target.open("w") as lines, tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "mutated.pcap"
        for seed in range(count):
            rng = random.Random(seed)
            frames = changed(rng.choice(found), [], rng)
            path.write_bytes(pcap(Packet("client", data, original) for data, original, _ in frames))
            text = "".join(json_report.render(aurora_wire.scan([path]))).replace(str(path), "mutated.pcap")
            lines.write(f"{seed} {hashlib.sha256(text.encode()).hexdigest()}\n")


def main() -> int:
    form, *rest = sys.argv[1:] or [""]
    if form == "outputs" and len(rest) > 2:
        record_outputs(rest[0], Path(rest[1]).absolute(), rest[2:])
    elif form == "mutated" and len(rest) > 2:
        record_mutated(Path(rest[0]), int(rest[1]), rest[2:])
    else:
        sys.stderr.write(__doc__ or "")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
