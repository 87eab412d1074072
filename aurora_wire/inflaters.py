"""Decompressors that the wire room may not import itself, loaded when the first packet needs one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import cast

from aurora_wire.wire.mysql.compressed import ZSTD, Inflater


def optional_inflaters() -> dict[int, Callable[[], Inflater]]:
    """By the numbers of wire/mysql/compressed.py."""
    return {ZSTD: _zstd}


def _zstd() -> Inflater:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return cast(Inflater, import_module(name).ZstdDecompressor())
