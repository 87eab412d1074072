"""The zstd library, which the wire room may not import itself: loaded when the first packet needs it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Protocol, cast


class Decompressor(Protocol):
    """What the zstd modules' ZstdDecompressor offers."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def zstd_decompressor() -> Decompressor:
    """Return a new decompressor of one frame: the standard library's from CPython 3.14 on, else the backport's."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return cast(Decompressor, import_module(name).ZstdDecompressor())
