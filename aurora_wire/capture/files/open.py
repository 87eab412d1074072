"""Opens a capture, whatever it is: told by its content, compressed or not, a file or standard input."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, Self, cast

from aurora_wire.capture.files.addresses import is_remote, shown
from aurora_wire.capture.files.background_hash import Hasher
from aurora_wire.capture.files.decompress import MAGIC_LEN, Decompressed, find_compression
from aurora_wire.capture.files.pcap import (
    FILE_HEADER,
    MAX_SNAPLEN,
    MODIFIED_RECORD_HEADER,
    RECORD_HEADER,
    PcapSource,
)
from aurora_wire.capture.files.pcapng import PcapngSource
from aurora_wire.capture.frame_source import CaptureError, FrameSource
from aurora_wire.errors import describe_error
from aurora_wire.rights.inputs import how_to_read, open_input

if TYPE_CHECKING:
    from aurora_wire.capture.text_dump.source import TextSource

BLOCK: Final = 1 << 20        # bytes of a file read at once: each block costs the threads two turns
STREAM_BLOCK: Final = 1 << 20   # of a pipe, which has less
TEXT_SEARCHED: Final = 1 << 20  # bytes of text in which a hex dump has to begin
TEXT_SAMPLE: Final = 4096
MAX_COMPRESSIONS: Final = 2

STANDARD_INPUT: Final = "-"

_PCAP_MAGICS: Final = (
    b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\xcd\x34", b"\x34\xcd\xb2\xa1",
)
_PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
_OTHERS: Final = (
    (b"PK\x03\x04", "a zip archive. Unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive. Unpack it first"),
    (b"Rar!", "a rar archive. Unpack it first"),
    (b"snoop\0\0\0", "a snoop capture. Convert it first: editcap IN OUT.pcapng"),
    (b"GMBU", "a Network Monitor capture. Convert it first: editcap IN OUT.pcapng"),
    (b"RTSS", "a Network Monitor capture. Convert it first: editcap IN OUT.pcapng"),
)
# A pcapng begins 0A 0D 0D 0A: to find out what happened to line ends is what these bytes are for.
_ASCII_TRANSFERRED: Final = (
    b"\x0d\x0a\x0d\x0d\x0d\x0a", b"\x0d\x0a\x0d\x0d\x0a", b"\x0a\x0d\x0a", b"\x0a\x0a\x0a", b"\x0d\x0d\x0d\x0d",
    b"\x0a\x0a\x0d", b"\x0d\x0a\x0d\x0a\x0d\x0a",
)  # fmt: skip
_TRANSFERRED: Final = (
    "whose line ends were changed on the way, as an ASCII transfer does: bytes are lost or added. Copy it again as "
    "binary."
)
LINE_ENDS_SAMPLE: Final = 1 << 16
A_YEAR: Final = 366 * 86_400  # between packets of one capture: none comes so late
TAR_HEADER: Final = 512
_CONTROLS: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\b\x1b") + b"\x7f"


class NotACapture(CaptureError):  # noqa: N818  # what it is called where it is caught
    """The content is something else, or nothing."""


class NotAText(NotACapture):
    """The content is no capture, and no text either: it may be a capture that something happened to."""


class Capture:
    """An open capture: its frames, and what is known about its file. Closed by `with` or `close`.

    format: "pcap", "pcapng" or "text"; compression: such as "gzip" or, outermost first, "zstd+gzip", or None;
    size: bytes of the file, None for a stream.
    """

    def __init__(self, stored: _Stored) -> None:
        self._stored = stored
        self.path = stored.path
        self.size = stored.size
        start, compressions, self._decompressed = _uncompressed(stored)
        self.compression = "+".join(compressions) or None
        self.format, self.source = _reader(self.path, start)
        self._text = cast("TextSource", self.source) if self.format == "text" else None

    def position(self) -> int:
        """Return how many stored bytes were read so far."""
        return self._stored.position

    def sha256(self) -> str | None:
        """Return the SHA-256 of the stored bytes read so far, in hex; None if opened without `hash_input`.

        Call it before `close`, after the end or an error. After an error the rest of a regular file is read, so that
        the digest is that of the whole file.
        """
        if self._stored.hasher is None:
            return None
        if self.source.damaged and self.size is not None:
            with contextlib.suppress(CaptureError):
                while self._stored.read():
                    pass
        return self._stored.hasher.hexdigest()

    def secret(self) -> bytes:
        """Return 32 bytes that only who has the capture can make; none if opened without `hash_input`. Called behind
        `sha256`.
        """
        return b"" if self._stored.hasher is None else self._stored.hasher.secret()

    @property
    def undated(self) -> bool:
        """Return whether frames had no date: times are of day, relative, or not there at all."""
        return self._text.undated if self._text is not None else False

    @property
    def damage(self) -> str | None:
        """Return what is missing though the capture could be read to its end, in one sentence."""
        return self._text.damage() if self._text is not None else None

    @property
    def dropped_packets(self) -> int | None:
        """Return how many packets the capturing machine lost, by the file; None if it does not say."""
        if isinstance(self.source, PcapngSource) and self.source.drops >= 0:
            return int(self.source.drops)
        return None

    @property
    def window(self) -> int:
        """Return how many bytes decompression holds of what it gave, as far as the file was read: zstd's alone."""
        return sum(one.window for one in self._decompressed)

    @property
    def secrets(self) -> list[bytes]:
        """Return the TLS key logs that the file carries, as far as it was read."""
        return self.source.secrets if isinstance(self.source, PcapngSource) else []

    @property
    def interfaces(self) -> list[str]:
        """Return the names of the interfaces, as far as the file was read; "" for one without a name."""
        return self.source.interfaces if isinstance(self.source, PcapngSource) else []

    def close(self) -> None:
        self._stored.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_capture(path: str, *, hash_input: bool = True, limit: int | None = None) -> Capture:
    """Open the capture at `path`: a file, an address such as s3://bucket/key, or `-`, standard input, as it comes.

    limit: bytes of the file that are read, where it may be growing; None: all.
    Raises CaptureError where it cannot be opened or is no capture (NotACapture).
    """
    stored = _Stored(path, hash_input=hash_input, limit=limit)
    try:
        return Capture(stored)
    except BaseException:
        stored.close()
        raise


class _Stored:
    """The bytes of the file as they are stored, in blocks; hashed beside."""

    def __init__(self, path: str, *, hash_input: bool, limit: int | None = None) -> None:
        self.path = shown(path)
        self._limit = limit
        self.position = 0
        self._fd = -1
        self._remote: RemoteFile | None = None
        if is_remote(path):
            from aurora_wire.capture.files.remote import RemoteFile  # noqa: PLC0415 - for addresses only

            self._remote = RemoteFile(path)
        self.hasher = Hasher() if hash_input else None
        if self._remote is not None:
            self.size = self._remote.size
            self._block = STREAM_BLOCK
            return
        self._fd = _open(path)
        mode = os.fstat(self._fd)
        if stat.S_ISDIR(mode.st_mode):
            self.close()
            raise NotACapture(path, -1, "is a folder. Give the captures in it.")
        self.size = mode.st_size if stat.S_ISREG(mode.st_mode) else None
        self._block = STREAM_BLOCK if self.size is None else BLOCK

    def read(self) -> bytes:
        """Return the next block, as much of it as is there; b"" at the end."""
        while True:
            if self._remote is not None:
                block = self._remote.read(self._wanted())
                break
            try:
                block = os.read(self._fd, self._wanted())
            except BlockingIOError:
                select.select([self._fd], [], [])
                continue
            except OSError as error:
                raise CaptureError(self.path, self.position, f"cannot be read ({describe_error(error)}).") from error
            break
        self.position += len(block)
        if self.hasher is not None and block:
            self.hasher.update(block)
        return block

    def _wanted(self) -> int:
        return self._block if self._limit is None else min(self._block, max(self._limit - self.position, 0))

    def close(self) -> None:
        if self.hasher is not None:
            self.hasher.close()
        if self._remote is not None:
            self._remote.close()
        if self._fd > 0:
            os.close(self._fd)
            self._fd = -1


class _Start:
    """A look at the first bytes of a stream of blocks, which are then read as if nobody had looked."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._blocks: list[bytes] = []

    def more(self) -> bytes:
        """Look at another block."""
        block = self._read()
        if block:
            self._blocks.append(block)
        return block

    def at_least(self, length: int) -> bytes:
        """Return the first `length` bytes or more; fewer where the stream is shorter."""
        while sum(map(len, self._blocks)) < length and self.more():
            pass
        if len(self._blocks) > 1:
            self._blocks = [b"".join(self._blocks)]
        return self._blocks[0] if self._blocks else b""

    def read(self) -> bytes:
        return self._blocks.pop(0) if self._blocks else self._read()


def _open(path: str) -> int:
    if path == STANDARD_INPUT:
        return 0
    try:
        return open_input(path)
    except FileNotFoundError as error:
        raise CaptureError(path, -1, "no such file. Is the path right?") from error
    except PermissionError as error:
        raise CaptureError(path, -1, f"no permission to read it. {how_to_read()}") from error
    except (OSError, ValueError) as error:
        reason = describe_error(error)
        raise CaptureError(path, -1, f"cannot be opened ({reason}).") from error


def _uncompressed(stored: _Stored) -> tuple[_Start, list[str], list[Decompressed]]:
    """Return the content with its compressions taken off, their names, and who takes them off."""
    names: list[str] = []
    layers: list[Decompressed] = []
    start = _Start(stored.read)
    while True:
        head = start.at_least(MAGIC_LEN)
        name = find_compression(head)
        if name is None:
            return start, names, layers
        if len(names) == MAX_COMPRESSIONS:
            chain = "+".join([*names, name])
            raise NotACapture(stored.path, -1, f"is compressed too often ({chain}). Decompress it first.")
        names.append(name)
        layers.append(Decompressed(stored.path, start.read, name, inner=bool(layers)))
        start = _Start(layers[-1].read)


def _reader(path: str, start: _Start) -> tuple[str, FrameSource]:
    head = start.at_least(4)
    if not head:
        raise NotACapture(path, -1, "is empty. Was anything captured, and was the copy complete?")
    if head[:4] in _PCAP_MAGICS:
        if _line_ends_changed(head[:LINE_ENDS_SAMPLE]):
            raise NotAText(path, 0, f"is a pcap {_TRANSFERRED}")
        return "pcap", PcapSource(path, start.read)
    if len(head) < 4 and any(magic.startswith(head) for magic in _PCAP_MAGICS):
        cut = f"ends inside the pcap file header ({len(head)} of 24 bytes)"
        raise CaptureError(path, 0, f"{cut}. Was the copy complete?")
    if head[:4] == _PCAPNG_MAGIC:
        return "pcapng", PcapngSource(path, start.read)
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise NotAText(path, -1, f"is {what}.")
    head = start.at_least(TAR_HEADER)
    if head[257:262] == b"ustar":
        raise NotAText(path, -1, "is a tar archive. Unpack it first (tar -xf FILE), and name the captures in it.")
    if head.startswith(_ASCII_TRANSFERRED) and head.strip():
        raise NotAText(path, 0, f"is a pcapng {_TRANSFERRED}")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        start = _Start(_Utf16(start.read, "utf-16-le" if head[0] == 0xFF else "utf-16-be").read)
        head = start.at_least(1)
    if head[:TEXT_SAMPLE].translate(None, _CONTROLS) != head[:TEXT_SAMPLE]:
        raise NotAText(
            path, 0, _capture_behind(head) or f"not a capture: {head[:4].hex(' ')} begins neither pcap, pcapng nor "
            "text. Is it the right file?"
        )
    return "text", _text_reader(path, start, head)


def _line_ends_changed(head: bytes) -> bool:
    """Return whether a pcap has only line ends with a carriage return, and records that do not follow one another.

    Of random bytes one in 256 is a line feed, and one in 65,536 of these stands behind a carriage return.
    """
    ends = head.count(b"\n")
    if ends == 0 or head.count(b"\r\n") != ends:
        return False
    order: Literal["big", "little"] = "big" if head[0] == 0xA1 else "little"
    header = MODIFIED_RECORD_HEADER if 0x34 in (head[0], head[3]) else RECORD_HEADER
    longest = max(MAX_SNAPLEN, int.from_bytes(head[16:20], order))
    at = FILE_HEADER
    first = int.from_bytes(head[at : at + 4], order)
    while at + header <= len(head):
        seconds, fraction, captured = (int.from_bytes(head[at + by : at + by + 4], order) for by in (0, 4, 8))
        if captured > longest or fraction >= 1_000_000_000 or abs(seconds - first) > A_YEAR:
            return True
        at += header + captured
    return False


def _capture_behind(head: bytes) -> str:
    """Return what to do where a capture begins behind lines of text, as `kubectl exec -t` prints them; else empty."""
    for magic in (*_PCAP_MAGICS, _PCAPNG_MAGIC):
        at = head.find(magic)
        if at > 0 and head[:at].translate(None, _CONTROLS) == head[:at]:
            return (
                f"a capture begins at byte {at:,}, behind text. Cut that off first: tail -c +{at + 1} FILE > "
                "capture.pcap (a terminal in between, such as `kubectl exec -t`, may have changed more)."
            )
    return ""


def _text_reader(path: str, start: _Start, head: bytes) -> FrameSource:
    from aurora_wire.capture.text_dump.hex_line import has_hex_line  # noqa: PLC0415 - loaded for text only
    from aurora_wire.capture.text_dump.source import TextSource  # noqa: PLC0415

    searched = 0
    line = head  # what was not searched yet, from the start of a line
    while not has_hex_line(line):
        searched += len(line)
        line = line[line.rfind(b"\n") + 1:]
        searched -= len(line)
        try:
            block = start.more() if searched <= TEXT_SEARCHED and len(line) <= TEXT_SEARCHED else b""
        except CaptureError:
            block = b""
        if not block:
            break
        line += block
    else:
        return TextSource(path, start.read)
    if not start.at_least(1).strip():
        raise NotACapture(path, -1, "is blank. Was anything captured, and was the copy complete?")
    raise NotACapture(
        path, -1, "is text without a hex dump of packets (lines such as `0x0000:  4500 0034`). "
        "Print it with tcpdump -X, or give the capture itself (tcpdump -w FILE)."
    )


class _Utf16:
    """Text as some shells on Windows redirect it, made UTF-8."""

    def __init__(self, read: Callable[[], bytes], encoding: str) -> None:
        self._read = read
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(self) -> bytes:
        while block := self._read():
            text = self._decoder.decode(block)
            if text:
                return text.encode("utf-8", "replace")
        return b""
