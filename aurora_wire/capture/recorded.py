"""A file that a live capture or a relay has written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class RecordedFile:
    """A recording that is closed: its name, its size and its SHA-256."""

    name: str
    bytes: int
    sha256: str
