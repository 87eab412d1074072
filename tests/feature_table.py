"""Writes the table of features in docs/protocol.md: `python -m tests.feature_table`, where tshark is installed.

Of each recording in captures/depth: how many of the things that its client sent or was given are in our JSON, and how
many in all that tshark says of the same file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aurora_wire
from aurora_wire.report.formats import ReportOptions, render

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "captures" / "depth"
PAGE = ROOT / "docs" / "protocol.md"
BEGIN, END = "<!-- made by tests/feature_table.py -->\n", "<!-- end -->\n"
NAMES = sorted(path.stem for path in FOLDER.glob("*.pcapng"))
TEST = "tests/test_depth_recordings.py"
FEATURES = {
    "x-results": "statements, values and errors of X Protocol", "results": "statements, text and binary rows, errors",
    "replication": "a replica, what it is sent", "infile": "a file of the client",
    "credentials": "passwords in statements", "character-sets": "text in other character sets",
    "refused": "an error in place of a greeting", "zlib": "statements in packets compressed by zlib",
    "zstd": "statements in packets compressed by zstd", "clone": "the beginning of a CLONE: plugins of the donor",
}  # fmt: skip


def facts(name: str) -> list[str]:
    """Return what is to be read out of a recording, as its client told it."""
    truth: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    found: list[str] = []
    for one in truth.get("statements", []):
        found += [one["sql"], *one.get("columns", [])]
        found += [value for row in one.get("values", []) for value in row if value and len(value) > 2]
        found += [str(one["error"])] if "error" in one else []
    replica = truth.get("replica", {})
    found += [replica[key] for key in ("host", "user", "password") if key in replica]
    for table, rows in truth.get("tables", {}).items():
        found += [f"{table}: {count} {kind}" for kind, count in rows.items()]
    found += [truth["file"]["name"]] if "file" in truth else []
    found += truth.get("secrets", [])
    found += truth.get("clone", {}).get("plugins", [])
    found += [str(truth["refusal"])] if "refusal" in truth else []
    return list(dict.fromkeys(found))


def port(name: str) -> int:
    return int(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["port"])


def ours(name: str) -> str:
    scan = aurora_wire.scan([FOLDER / f"{name}.pcapng"], ports=[port(name)], keep_rows=10)
    document = json.loads("".join(render(scan, "json", ReportOptions(reveal=True))))
    tables = "".join(
        f"\n{one['schema']}.{one['table']}: {one[kind]} {kind}"
        for connection in document["connections"] for one in (connection.get("replication") or {}).get("tables", [])
        for kind in ("inserted", "updated", "deleted")
    )  # fmt: skip
    return "\n".join(strings(document)) + tables


def strings(value: Any) -> Iterator[str]:
    """Yield every text and number of a document."""
    if isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    else:
        yield str(value)


def tshark(name: str) -> str:
    """Return all that tshark says of a recording, its port being named as MySQL's."""
    done = subprocess.run(
        ["tshark", "-n", "-r", str(FOLDER / f"{name}.pcapng"), "-d", f"tcp.port=={port(name)},mysql", "-T", "json"],
        capture_output=True, env=os.environ | {"LC_ALL": "C.UTF-8"}, check=True,
    )  # fmt: skip
    found: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        found.extend(strings([value for _, value in pairs]))  # a key may come often

    json.loads(done.stdout.decode("utf-8", "replace"), object_pairs_hook=keep)
    return "\n".join(found)


def tshark_version() -> str:
    """Return its version, empty where it is not installed."""
    if shutil.which("tshark") is None:
        return ""
    said = subprocess.run(["tshark", "--version"], capture_output=True, check=True).stdout.decode()
    found = re.search(r"\d+\.\d+\.\d+", said)
    return found[0] if found is not None else ""


def count(said: str, wanted: list[str]) -> int:
    return sum(one in said for one in wanted)


def table() -> str:
    rows = [
        "What is read of each recording, of all that its client sent or was given; beside it what tshark",
        f"{tshark_version()} reads, which was told the port. Zeek was not run: neither Debian nor PyPI has it.", "",
        "| feature | capture | to be read | read here | by tshark | test |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in NAMES:
        wanted = facts(name)
        feature = FEATURES[name.rsplit("-", 1)[0]]
        rows.append(
            f"| {feature} | `depth/{name}` | {len(wanted)} | {count(ours(name), wanted)} | "
            f"{count(tshark(name), wanted)} | `{TEST}` |"
        )
    return "\n".join(rows) + "\n"


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
