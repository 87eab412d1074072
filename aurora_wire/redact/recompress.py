"""The content of a compressed packet packed again into exactly as many bytes.

A masked text is shorter when it is compressed, mostly: what is left over is padding behind the compressed data, which
readers leave alone.
"""

from __future__ import annotations

import sys
import zlib
from importlib import import_module
from typing import Final

ZLIB_START: Final = 0x78
ZSTD_LEVELS: Final = (3, 9, 19)
# For contents of up to so many bytes: a window and a memory level with which zlib makes of them what it makes with its
# usual ones, which it has to clear for each packet: that takes ten times as long as packing a short one.
SMALL_MEMORY: Final = ((1000, 11, 4), (4000, 13, 6))
ZLIB_HEADER: Final = b"\x78\xda"          # of the usual window, and the most thorough level
SKIPPABLE: Final = b"\x50\x2a\x4d\x18"  # a frame that readers of zstd skip: magic and length (4)


def packed(body: bytes, content: bytes) -> bytes:
    """Return the content packed as long as `body`, and compressed as it is; empty if that cannot be."""
    room = len(body)
    return _zlib(content, room) if body[:1] == bytes([ZLIB_START]) else _zstd(content, room)


def _zlib(content: bytes, room: int) -> bytes:
    body = _deflated(content)
    return body + bytes(room - len(body)) if len(body) <= room else b""


def _deflated(content: bytes) -> bytes:
    """Return what zlib.compress(content, 9) returns."""
    for size, window, memory in SMALL_MEMORY:
        if len(content) <= size:
            packer = zlib.compressobj(9, zlib.DEFLATED, -window, memory)
            body = packer.compress(content) + packer.flush()
            return ZLIB_HEADER + body + zlib.adler32(content).to_bytes(4, "big")
    return zlib.compress(content, 9)


def _zstd(content: bytes, room: int) -> bytes:
    try:
        compress = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd").compress
    except ImportError:
        return b""
    bodies: list[bytes] = [compress(content, level) for level in ZSTD_LEVELS]
    for body in sorted(bodies, key=len):
        left = room - len(body)
        if left >= 8:
            return body + SKIPPABLE + (left - 8).to_bytes(4, "little") + bytes(left - 8)
        if left >= 0:
            return body + bytes(left)
    return b""
