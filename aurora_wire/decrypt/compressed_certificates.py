"""Opens certificates that a server sent compressed: brotli, zstd, zlib, to the size that it states and not a byte more.

Source: RFC 8879 section 4. Only TLS 1.3 has them, so that they are seen where a key log decrypts the handshake.
brotli is a package of its own, loaded when the first one comes; before 1.2 it cannot be held to a size.
"""

from __future__ import annotations

import zlib
from importlib import import_module

from aurora_wire.wire.mysql.compressed import MAX_WINDOW, zstd_window
from aurora_wire.zstd import zstd_decompressor

ZLIB, BROTLI, ZSTD = 1, 2, 3
MAX_SIZE = 1 << 20       # bytes of a certificate message: chains in use have 2,000 to 10,000


def open_certificates(algorithm: int, data: bytes, size: int) -> bytes | None:
    """Return what `data` holds, b"" if that has not `size` bytes, or is damaged; None where nothing here opens it."""
    if not 0 < size <= MAX_SIZE:
        return b""
    try:
        found = _opened(algorithm, data, size + 1)
    except ImportError:
        return None
    except Exception:  # zlib.error, ZstdError, brotli.error: whatever the bytes do to a library
        return b""
    return found if found is None or len(found) == size else b""


def _opened(algorithm: int, data: bytes, most: int) -> bytes | None:
    if algorithm == ZLIB:
        return zlib.decompressobj().decompress(data, most)
    if algorithm == ZSTD:
        return zstd_decompressor().decompress(data, most) if zstd_window(data) <= MAX_WINDOW else b""
    if algorithm != BROTLI:
        return None
    decoder = import_module("brotli").Decompressor()
    try:
        found: bytes = decoder.process(data, output_buffer_limit=most)
        # The limit is one of whole buffers: at most one more comes than was asked for.
        while len(found) < most and not decoder.is_finished() and not decoder.can_accept_more_data():
            found += decoder.process(b"", output_buffer_limit=most - len(found))
    except TypeError:
        return None  # an old one, without a limit
    return found if decoder.is_finished() or len(found) >= most else b""
