"""The corpus: where it is, other analyzers' logs as rows, and each capture's scan (made once)."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import aurora_wire
from aurora_wire.verdict.result import Scan, StatementResult
from tests.conftest import SHARED

CORPUS = SHARED / "corpus"
TEXTS = ("COM_QUERY", "COM_STMT_PREPARE")


@functools.cache
def scanned(name: str) -> Scan:
    """Ports are found by content: the default ones are all that is given."""
    return aurora_wire.scan([str(CORPUS / name)], aurora_wire.ScanOptions((3306, 33060)))


def files(pattern: str) -> list[str]:
    return sorted(str(path.relative_to(CORPUS)) for path in CORPUS.glob(pattern))


def statements(result: Scan, *commands: str) -> list[StatementResult]:
    found = [
        one
        for connection in result.connections
        for one in connection.statements
        if not commands or one.command in commands
    ]
    return sorted(found, key=lambda one: (one.frame, one.offset))


def zeek_log(path: Path) -> list[dict[str, str]]:
    """Rows of a Zeek log; its `\\x0a` escapes undone."""
    names: list[str] = []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if line.startswith("#fields"):
            names = cells[1:]
        elif not line.startswith("#"):
            plain = [re.sub(r"\\x([0-9a-f]{2})", lambda hit: chr(int(hit[1], 16)), cell) for cell in cells]
            rows.append(dict(zip(names, plain, strict=True)))
    return rows
