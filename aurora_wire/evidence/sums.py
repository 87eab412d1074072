"""SHA-256 of files, read in blocks."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO, Final

from aurora_wire.rights.inputs import input_file

BLOCK: Final = 1 << 20


def hash_stream(file: BinaryIO) -> tuple[str, int]:
    """Return SHA-256 in hex, and bytes."""
    digest = hashlib.sha256()
    size = 0
    while block := file.read(BLOCK):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def hash_file(path: Path) -> tuple[str, int]:
    with input_file(path) as file:
        return hash_stream(file)


def sums_line(sha256: str, name: str) -> str:
    """Return a line as sha256sum reads it."""
    return f"{sha256}  {name}\n"
