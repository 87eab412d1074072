"""Cuts a large capture in ranges that can be read side by side: pcap that is not compressed.

A pcap has no marks between its records. A border is taken where headers of records follow each other for longer than
any record is, and only where nothing else near it could be one as well; who reads the range before it checks that its
last record ends exactly there. A pcapng is not cut: an interface may be described anywhere, and what follows is read by
that.

Source: draft-ietf-opsawg-pcap, "Packet Record".
"""

from __future__ import annotations

import os
import struct
from typing import Final, Protocol

from aurora_wire.capture.files.addresses import is_remote
from aurora_wire.capture.files.remote import RemoteFile
from aurora_wire.errors import AuroraWireError, CaptureError, reason_of
from aurora_wire.immutable import immutable
from aurora_wire.rights.inputs import input_file

FILE_HEADER: Final = 24
RECORD_HEADER: Final = 16
LONGEST: Final = 262_144                 # bytes of a record that is believed here
WINDOW: Final = LONGEST + RECORD_HEADER  # in which the first record behind any place begins
CHAIN: Final = 2 * WINDOW                # bytes for which records have to follow each other
SPAN: Final = 400 * 86_400               # seconds from the first record to any other
ORDERS: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000), b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000), b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}  # fmt: skip


@immutable
class Range:
    """A part of a capture: stored bytes from `begin` up to `end`, of records that begin there; -1: to the end."""

    begin: int
    end: int


WHOLE: Final = (Range(0, -1),)


class _Seekable(Protocol):
    def seek(self, place: int, /) -> object: ...

    def read(self, size: int, /) -> bytes: ...


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
    head = file.read(FILE_HEADER + RECORD_HEADER)
    order = ORDERS.get(head[:4])
    if order is None or len(head) < FILE_HEADER + RECORD_HEADER or total < 2 * size:
        return list(WHOLE)
    first = struct.unpack_from(f"{order[0]}I", head, FILE_HEADER)[0]
    borders = [0]
    for place in range(size, total - CHAIN - WINDOW, size):
        file.seek(place)
        found = find_border(file.read(WINDOW + CHAIN), *order, first)
        if found >= 0:
            borders.append(place + found)
    return [Range(begin, end) for begin, end in zip(borders, [*borders[1:], -1], strict=True)]


def find_border(data: bytes, order: str, fractions: int, first: int) -> int:
    """Return where the one record begins that can begin within WINDOW; -1 where there is none, or doubt.

    order: `<` or `>`; fractions: of a second; first: the second of the first record of the file.
    """
    records = _Records(data, order, fractions, first)
    known: set[int] = set()     # records of the chain that was found
    found = -1
    for at in records.candidates():
        if at in known:
            continue
        chain = records.follow(at, known)
        if chain and found >= 0:
            return -1           # two chains: one of them lies inside a record
        if chain:
            found = at
            known.update(chain)
    return found


class _Records:
    """Bytes of a pcap, in which records are looked for."""

    def __init__(self, data: bytes, order: str, fractions: int, first: int) -> None:
        self.data = data
        self.little = order == "<"
        self.header = struct.Struct(f"{order}IIII")
        self.fractions = fractions
        self.first = first

    def length(self, at: int) -> int:
        """Return the bytes of the record at a place; 0 where none can be."""
        seconds, fraction, captured, original = self.header.unpack_from(self.data, at)
        if fraction >= self.fractions or not 0 < captured <= LONGEST or not captured <= original < 1 << 30:
            return 0
        return RECORD_HEADER + captured if abs(seconds - self.first) <= SPAN else 0

    def candidates(self) -> list[int]:
        """Return places within WINDOW whose seconds have the upper byte of such a time."""
        back = 3 if self.little else 0
        found: list[int] = []
        for top in {max(self.first - SPAN, 0) >> 24, self.first >> 24, min(self.first + SPAN, 0xFFFFFFFF) >> 24}:
            sign = bytes([top])
            at = self.data.find(sign, back, WINDOW + back)
            while at >= 0:
                found.append(at - back)
                at = self.data.find(sign, at + 1, WINDOW + back)
        return sorted(found)

    def follow(self, at: int, known: set[int]) -> list[int]:
        """Return the records from a place on; none where they do not follow each other for CHAIN bytes, or to a
        known one.
        """
        begun = at
        chain: list[int] = []
        while at + RECORD_HEADER <= len(self.data) and at not in known:
            size = self.length(at)
            if not size:
                return []
            chain.append(at)
            at += size
        return chain if at in known or at - begun >= CHAIN else []


class PartFile:
    """A pcap's header, and behind it the bytes of a range: what a reader of pcap takes for a file of its own."""

    def __init__(self, path: str, begin: int) -> None:
        """Open it. Raises CaptureError."""
        self.path = path
        self._begin = begin
        try:
            self._file = RemoteFile(path, seekable=True) if is_remote(path) else input_file(path)
            self._head = self._file.read(FILE_HEADER)
            self._file.seek(max(begin, FILE_HEADER))
        except OSError as error:
            raise CaptureError(path, -1, f"cannot be read ({reason_of(error)}).") from error

    def place(self, offset: int) -> int:
        """Return where in the file a byte is that `read` gave."""
        return offset + max(self._begin - FILE_HEADER, 0)

    def read(self, size: int) -> bytes:
        """Return the next bytes; b"" at the end. Raises CaptureError."""
        head, self._head = self._head, b""
        if head:
            return head
        try:
            return self._file.read(size)
        except OSError as error:
            raise CaptureError(self.path, -1, f"cannot be read ({reason_of(error)}).") from error

    def close(self) -> None:
        self._file.close()
