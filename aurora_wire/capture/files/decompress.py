"""Compressed captures as a stream of blocks: gzip, zstd, lz4, xz, bzip2, told by content and not by name.

Source: RFC 1952 (gzip), RFC 8878 (zstd, also its skippable frames), the LZ4 frame format, the .xz file
format, bzip2's own header. Streams that follow each other in one file are read as one, as their tools do.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from aurora_wire.errors import CaptureError

if TYPE_CHECKING:
    from typing import Any

OUT: Final = 1 << 20       # bytes handed out at once, at most
PIECE: Final = 1 << 15     # bytes fed at once: what follows a stream is copied, and there may be many streams
REPLAY: Final = 1 << 18    # bytes of a stream kept, to get everything out of it where it turns out damaged
XZ_MEMORY: Final = 80 << 20   # xz -9 takes 65 MiB
ZSTD_WINDOW_LOG: Final = 27   # zstd --ultra -22 and --long take 128 MiB
# Inside another compression: what is known to be written so is gzip.
INNER_XZ_MEMORY: Final = 24 << 20
INNER_ZSTD_WINDOW_LOG: Final = 24
MAGIC_LEN: Final = 10      # the longest magic

SKIPPABLE: Final = b"\x2a\x4d\x18"  # from its second byte on; the first is 50 to 5f
LZ4_LEGACY: Final = b"\x02\x21\x4c\x18"

_MAGICS: Final = (
    ("gzip", b"\x1f\x8b\x08"),
    ("zstd", b"\x28\xb5\x2f\xfd"),
    ("lz4", b"\x04\x22\x4d\x18"),
    ("lz4", LZ4_LEGACY),
    ("xz", b"\xfd7zXZ\x00"),
    *(("bzip2", b"BZh%d1AY&SY" % level) for level in range(1, 10)),
    *(("bzip2", b"BZh%d\x17\x72\x45\x38\x50\x90" % level) for level in range(1, 10)),  # of nothing
)


class Decompressor(Protocol):
    """One compressed stream, as bz2 and lzma have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def find_compression(start: bytes) -> str | None:
    """Return the name of the compression that a file beginning with `start` has, or None."""
    for name, magic in _MAGICS:
        if start.startswith(magic):
            return name
    return "zstd" if is_skippable(start) else None  # pzstd begins so


def is_skippable(start: bytes) -> bool:
    return start[1:4] == SKIPPABLE and 0x50 <= start[0] <= 0x5F


class Decompressed:
    """Reads as `read` does, with the compression taken off.

    read: returns the next block, b"" at the end. `read` here does the same, a block of at most 1 MiB as soon
    as there is one. What was readable comes first (but for at most the last MiB before damage that lies late
    in a stream); then a stream that is cut or damaged raises CaptureError, its offset in decompressed bytes.
    """

    def __init__(self, path: str, read: Callable[[], bytes], name: str, *, inner: bool = False) -> None:
        """inner: below another compression. Memory of both counts: less is left for this one."""
        self.path = path
        self.name = name
        self.window = 0            # bytes of the largest window of a zstd frame so far
        self._inner = inner
        self._read = read
        self._taken = 0            # compressed bytes read
        self._given = 0            # decompressed bytes returned
        self._held = b""           # compressed bytes not yet fed
        self._at = 0               # where in `_held` they begin
        self._stream: Decompressor | None = None
        self._errors: tuple[type[Exception], ...] = ()
        self._streams = 0
        self._stream_given = 0     # of the current stream
        self._fed: list[bytes] = []  # the current stream from its start, if it is short
        self._fed_len = 0
        self._error: CaptureError | None = None

    def read(self) -> bytes:
        while self._error is None:
            if self._stream is None and not self._next_stream():
                return b""
            stream = self._stream
            if stream is None:
                continue
            if stream.needs_input:
                piece = self._piece()
                if not piece:
                    raise self._failed("ends too early")
            else:
                piece = b""
            block = self._decompress(stream, piece)
            if stream.eof:
                self._at -= len(stream.unused_data)  # it is the end of the last piece
                self._stream = None
            if block:
                self._given += len(block)
                self._stream_given += len(block)
                return block
        raise self._error

    def _decompress(self, stream: Decompressor, piece: bytes) -> bytes:
        """Return the next output, possibly empty. A damaged stream yields what was decoded; the next call raises."""
        if piece and self._fed_len <= REPLAY:
            self._fed.append(piece)
            self._fed_len += len(piece)
        try:
            return stream.decompress(piece, OUT)
        except self._errors as error:
            rest = self._replay() if self._fed_len <= REPLAY else b""
            self._error = self._failed(f"is damaged ({error})", len(rest))
            return rest

    def _replay(self) -> bytes:
        """Feed the damaged stream again byte by byte: what it gave beyond the bytes that were handed out."""
        stream, errors = _new(self.name, inner=self._inner)
        fed = b"".join(self._fed)
        skip = self._stream_given
        out = bytearray()
        at = 0
        with suppress(*errors):  # the same damage again
            while len(out) < OUT and at <= len(fed):
                piece = b""
                if stream.needs_input:
                    piece = fed[at:at + 1]
                    at += 1
                got = stream.decompress(piece, OUT)
                out += got[skip:]
                skip -= min(skip, len(got))
        return bytes(out)

    def _next_stream(self) -> bool:
        """Begin the stream that follows; False at the end of the file."""
        self._fill(MAGIC_LEN)
        while self._streams and self._held.startswith(b"\0", self._at):  # padding, as tapes and xz have it
            zeros = self._held[self._at:self._at + PIECE]
            self._at += len(zeros) - len(zeros.lstrip(b"\0"))
            self._fill(MAGIC_LEN)
        start = self._held[self._at:self._at + MAGIC_LEN]
        if not start:
            return False
        if is_skippable(start):
            self._skip_frame()
            return True
        name = find_compression(start)
        if name is None:
            what = "is followed by bytes that are not compressed"
            raise self._failed(what if self._streams else "has no stream in it")
        if start.startswith(LZ4_LEGACY):
            raise CaptureError(self.path, self._given, "lz4 in its legacy format. Decompress it first: lz4 -d.")
        self.name = name
        self._stream, self._errors = _new(name, inner=self._inner)
        if name == "zstd":
            self.window = max(self.window, zstd_window(start))
        self._streams += 1
        self._stream_given = 0
        self._fed = []
        self._fed_len = 0
        return True

    def _skip_frame(self) -> None:
        """Skip a skippable frame: 4 bytes magic, 4 bytes length (little-endian), and its content."""
        self._fill(8)
        if len(self._held) - self._at < 8:
            raise self._failed("ends too early")
        left = 8 + int.from_bytes(self._held[self._at + 4:self._at + 8], "little")
        self._streams += 1
        while left:
            if self._at == len(self._held):
                self._fill(1)
                if self._at == len(self._held):
                    raise self._failed("ends too early")
            step = min(left, len(self._held) - self._at)
            self._at += step
            left -= step

    def _fill(self, length: int) -> None:
        """Read until `length` compressed bytes are at hand, or all that is left."""
        while len(self._held) - self._at < length:
            block = self._read()
            if not block:
                return
            self._taken += len(block)
            self._held = self._held[self._at:] + block
            self._at = 0

    def _piece(self) -> bytes:
        if self._at == len(self._held):
            self._held = self._read()
            self._taken += len(self._held)
            self._at = 0
        piece = self._held[self._at:self._at + PIECE]
        self._at += len(piece)
        return piece

    def _failed(self, what: str, to_give: int = 0) -> CaptureError:
        where = self._taken - (len(self._held) - self._at)
        return CaptureError(
            self.path,
            self._given + to_give,
            f"the {self.name} stream {what} near byte {where} of the compressed file; "
            "what follows counts as missing. Was the copy complete?",
        )


class _Gzip:
    """zlib's decompressor in the shape of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._output_full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail and not self._output_full

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._output_full = len(out) == max_length
        return out


class _Lz4:
    """lz4's decompressor, which may hold output back without saying so when `max_length` was reached."""

    def __init__(self) -> None:
        from lz4.frame import LZ4FrameDecompressor  # noqa: PLC0415

        self._lz4: Any = LZ4FrameDecompressor()
        self._output_full = False

    @property
    def eof(self) -> bool:
        return bool(self._lz4.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self._lz4.needs_input) and not self._output_full

    @property
    def unused_data(self) -> bytes:
        return self._lz4.unused_data or b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out: bytes = self._lz4.decompress(data, max_length)
        self._output_full = len(out) == max_length
        return out


def zstd_window(start: bytes) -> int:
    """Return how many bytes the window of the zstd frame that begins so takes, at most what is allowed.

    Source: RFC 8878, sections 3.1.1.1.1 to 3.1.1.1.4.
    """
    most = 1 << ZSTD_WINDOW_LOG
    if len(start) < 9:
        return 0
    if not start[4] & 0x20:
        base = 1 << 10 + (start[5] >> 3)
        return min(base + base // 8 * (start[5] & 7), most)
    # One segment: as large as its content, whose size has 1, 2, 4 or 8 bytes; behind the number of a dictionary.
    size = 1 << (start[4] >> 6)
    return min(int.from_bytes(start[5 : 5 + size], "little"), most) if size < 8 and not start[4] & 3 else most


def _new(name: str, *, inner: bool = False) -> tuple[Decompressor, tuple[type[Exception], ...]]:
    """Return a decompressor for one stream, and what it raises on bytes that make no sense."""
    if name == "gzip":
        return _Gzip(), (zlib.error,)
    if name == "bzip2":
        import bz2  # noqa: PLC0415

        return bz2.BZ2Decompressor(), (OSError, ValueError)
    if name == "xz":
        import lzma  # noqa: PLC0415

        return lzma.LZMADecompressor(lzma.FORMAT_XZ, INNER_XZ_MEMORY if inner else XZ_MEMORY), (lzma.LZMAError,)
    if name == "lz4":
        return _Lz4(), (RuntimeError, ValueError)
    if sys.version_info >= (3, 14):
        from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError  # noqa: PLC0415
    else:
        from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError  # noqa: PLC0415
    most = INNER_ZSTD_WINDOW_LOG if inner else ZSTD_WINDOW_LOG
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: most}), (ZstdError,)
