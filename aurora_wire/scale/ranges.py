"""Cuts a large capture that is not compressed in ranges, which can be read side by side.

A range is read as if the file began with its head: the file header of a pcap; of a pcapng the section header and the
interfaces that are described before the first packet. Whether that holds for a range, the one before it finds out,
which knows where its own last record ends and what was described in it (`segments.py`).

IP fragments of one datagram may lie on both sides of a border. So it is planned where to begin reading before one
(`lead_in.py`).
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from typing import Final, Protocol

from aurora_wire.capture.files.addresses import is_remote
from aurora_wire.capture.files.open import BLOCK
from aurora_wire.capture.files.pcap import PcapSource
from aurora_wire.capture.files.pcapng import PcapngSource
from aurora_wire.capture.files.remote import RemoteFile
from aurora_wire.capture.frame_source import BlockSource, FrameSource
from aurora_wire.errors import AuroraWireError, CaptureError, describe_error
from aurora_wire.immutable import immutable
from aurora_wire.rights.inputs import input_file
from aurora_wire.scale import chains
from aurora_wire.scale.chains import (
    INTERFACE,
    PACKETS,
    RECORD_HEADER,
    SECTION_HEADER,
    PcapngBlocks,
    PcapRecords,
    Records,
    find_border,
)

FILE_HEADER: Final = 24
ORDERS: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000), b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000), b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}  # fmt: skip
SECTION_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
SECTION_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
MAX_HEAD: Final = 1 << 18      # bytes of a pcapng's head that each task is given
MAX_HEAD_BLOCKS: Final = 4096
# Bytes before a range that are read for fragments. A sender sends those of a datagram one after the other, and what
# comes between them in a capture is what the link carries meanwhile: 4 MiB are 3 ms at 10 Gbit/s, 2,800 frames of 1,500
# bytes, or about as many of the smallest frames as a datagram waits for at all (MAX_WAIT in wire/net/ip_fragments.py).
# They are dissected and make no rows: well below a hundredth of what a range of 256 MiB takes.
LEAD_IN: Final = 4 << 20


@immutable
class Range:
    """A part of a capture: stored bytes from `begin` up to `end`, of records that begin there; -1: to the end.

    head: what it is read behind, if it is not the first one; interfaces: how many a pcapng's head describes; lead_in:
    where a record begins from which on fragments are looked for that wait at `begin`, -1: nowhere.
    """

    begin: int
    end: int
    format: str = ""
    head: bytes = b""
    interfaces: int = 0
    lead_in: int = -1


WHOLE: Final = (Range(0, -1),)


class _Seekable(Protocol):
    def seek(self, place: int, /) -> object: ...

    def read(self, size: int, /) -> bytes: ...


class _Layout(Protocol):
    """What a file says at its beginning of all that follows."""

    format: str
    head: bytes
    interfaces: int

    def records(self, data: bytes) -> Records:
        """Return bytes from a place that is a multiple of four, to look for records in."""


def cut(path: str, size: int) -> list[Range]:
    """Return the ranges of a capture, of about `size` bytes each; one where it cannot be cut, or is small.

    What is wrong with a file is told by who reads it.
    """
    try:
        if is_remote(path):
            with RemoteFile(path, seekable=True) as file:
                return _cut(file, file.size or 0, size) if file.seekable else list(WHOLE)
        with input_file(path) as stored:
            return _cut(stored, os.fstat(stored.fileno()).st_size, size)
    except (OSError, AuroraWireError):
        return list(WHOLE)


def _cut(file: _Seekable, total: int, size: int) -> list[Range]:
    if total < 2 * size:
        return list(WHOLE)
    layout = _layout(file)
    if layout is None:
        return list(WHOLE)
    borders = [0]
    for place in range(size + (-size & 3), total - chains.CHAIN - chains.WINDOW, size + (-size & 3)):
        found = _find_border_behind(file, layout, place)
        if found > borders[-1]:
            borders.append(found)
    if len(borders) == 1:
        return list(WHOLE)
    return [
        Range(
            begin, end, layout.format, layout.head if begin else b"", layout.interfaces,
            _plan_lead_in(file, layout, borders, begin) if begin else -1,
        )
        for begin, end in zip(borders, [*borders[1:], -1], strict=True)
    ]  # fmt: skip


def _find_border_behind(file: _Seekable, layout: _Layout, place: int) -> int:
    """Return where the first border is from a place on, which is a multiple of four; -1 where none is found."""
    file.seek(place)
    found = find_border(layout.records(file.read(chains.WINDOW + chains.CHAIN)))
    return place + found if found >= 0 else -1


def _plan_lead_in(file: _Seekable, layout: _Layout, borders: list[int], begin: int) -> int:
    """Return where to begin reading before a border; -1 where that is not found.

    At another border, or the beginning of the file, if that is no more than as far again: they need not be looked for.
    """
    place = max(begin - LEAD_IN, 0) & ~3
    known = borders[bisect_right(borders, place) - 1]
    if place - known <= LEAD_IN:
        return known
    found = _find_border_behind(file, layout, place)
    return found if found < begin else -1


def _layout(file: _Seekable) -> _Layout | None:
    """Return what is said at the beginning of a capture; None for one that cannot be cut."""
    head = file.read(FILE_HEADER + RECORD_HEADER)
    if len(head) < FILE_HEADER + RECORD_HEADER:
        return None
    if head[:4] in ORDERS:
        return _Pcap(head)
    order = SECTION_ORDERS.get(head[8:12])
    if head[:4] != SECTION_MAGIC or order is None:
        return None
    described = _described(file, struct.Struct(f"{order}II"))
    return None if described is None else _Pcapng(order, *described)


class _Pcap:
    format = "pcap"
    interfaces = 0

    def __init__(self, start: bytes) -> None:
        self.head = start[:FILE_HEADER]
        self.order, self.fractions = ORDERS[start[:4]]
        self.first = struct.unpack_from(f"{self.order}I", start, FILE_HEADER)[0]

    def records(self, data: bytes) -> Records:
        return PcapRecords(data, self.order, self.fractions, self.first)


class _Pcapng:
    format = "pcapng"

    def __init__(self, order: str, head: bytes, interfaces: int) -> None:
        self.order = order
        self.head = head
        self.interfaces = interfaces

    def records(self, data: bytes) -> Records:
        return PcapngBlocks(data, self.order, self.interfaces)


def _described(file: _Seekable, words: struct.Struct) -> tuple[bytes, int] | None:
    """Return the section header with the interfaces that are described before the first packet, and how many these are.

    None where that is too long, or no head. Blocks in between that are long (key logs) are passed over.
    """
    kept: list[bytes] = []
    left = MAX_HEAD
    held = _Held(file)
    at = 0
    for _ in range(MAX_HEAD_BLOCKS):
        start = held.bytes(at, 8)
        if len(start) < 8:
            return None
        kind, size = words.unpack(start)
        if kind in PACKETS:
            return b"".join(kept), len(kept) - 1
        if size < 12 or size & 3 or (kept and kind == SECTION_HEADER):
            return None
        if not kept or kind == INTERFACE:
            left -= size
            if left < 0:
                return None
            kept.append(held.bytes(at, size))
        at += size
    return None


class _Held:
    """A file of which a few bytes are asked for at a time."""

    def __init__(self, file: _Seekable) -> None:
        self._file = file
        self._data = b""
        self._at = 0

    def bytes(self, at: int, size: int) -> bytes:
        """Return the bytes at a place, fewer at the end. Places only go forward, sizes are at most MAX_HEAD."""
        if at + size > self._at + len(self._data):
            self._file.seek(at)
            self._data, self._at = self._file.read(MAX_HEAD), at
        return self._data[at - self._at : at - self._at + size]


class PartFile:
    """A capture's head, and behind it the bytes of a range: what a reader takes for a file of its own.

    It goes on behind the range, where its last record may end; closed: it does not.
    """

    def __init__(self, path: str, part: Range, *, closed: bool = False) -> None:
        """Open it. Raises CaptureError."""
        self.path = path
        self.format = part.format
        self._left = part.end - part.begin if closed else -1
        self._ahead = part.begin - len(part.head)   # how far a byte's place is ahead of the one that was read
        self._head = part.head
        try:
            self._file = RemoteFile(path, seekable=True) if is_remote(path) else input_file(path)
            self._file.seek(part.begin)
        except OSError as error:
            raise CaptureError(path, -1, f"cannot be read ({describe_error(error)}).") from error

    def place(self, offset: int) -> int:
        """Return where in the file a byte is that `read` gave."""
        return offset + self._ahead

    def read(self, size: int) -> bytes:
        """Return the next bytes; b"" at the end. Raises CaptureError."""
        head, self._head = self._head, b""
        if head:
            return head
        if self._left == 0:
            return b""
        try:
            data = self._file.read(size if self._left < 0 else min(size, self._left))
        except OSError as error:
            raise CaptureError(self.path, -1, f"cannot be read ({describe_error(error)}).") from error
        if self._left > 0:
            self._left -= len(data)
        return data

    def open_frames(self, name: str) -> BlockSource:
        """Return a reader of its frames. name: what errors call the capture. Raises CaptureError."""
        kind = PcapngSource if self.format == "pcapng" else PcapSource
        return kind(name, lambda: self.read(BLOCK))

    def close(self) -> None:
        self._file.close()


def is_changed(source: FrameSource, part: Range) -> bool:
    """Return whether a section began since the head of a range, or an interface was described."""
    return isinstance(source, PcapngSource) and (source.sections > 1 or len(source.interfaces) > part.interfaces)
