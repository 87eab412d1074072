"""Canaries: fresh words that nobody can have sent before, and the search for one in every captured byte.

Looked at are the frames as they are and each direction put together (`streams`), there also what zlib, gzip and zstd
compressed; in each the word itself, in UTF-16, in base64 at its three alignments, and in hex.
"""

from __future__ import annotations

import base64
import secrets
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aurora_wire.prove.reassemble import Frame, Stream, streams
from aurora_wire.zstd import zstd_decompressor

ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that is read for something else
LENGTH: Final = 20             # random characters: 100 bits
PREFIX: Final = "canary-"

MAX_INFLATED: Final = 1 << 20  # bytes looked at of one compressed piece
MAX_INFLATED_IN_ALL: Final = 64 << 20
MAX_SIGHTINGS: Final = 100     # kept; the first one is enough to know

ZLIB_OR_GZIP: Final = 32 + zlib.MAX_WBITS
GZIP_MAGIC: Final = b"\x1f\x8b\x08"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place at which a canary was seen, and its form there (`as it is`, `in UTF-16`, `compressed` ...).

    frame: in which it begins, or ends where it lies in compressed bytes; from 1. direction: of a stream that was put
    together, else None; offset: in the stream, else in the frame.
    """

    form: str
    frame: int
    direction: str | None
    offset: int


class Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def fresh() -> str:
    """Return a new canary."""
    return PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def needles(canary: str) -> list[tuple[str, bytes]]:
    """Return what is searched for: form and bytes."""
    word = canary.encode()
    found = [
        ("as it is", word),
        ("in UTF-16", canary.encode("utf-16-le")),
        ("in UTF-16", canary.encode("utf-16-be")),
        ("in hex", word.hex().encode()),
        ("in hex", word.hex().upper().encode()),
    ]
    for alignment in range(3):
        encoded = base64.b64encode(bytes(alignment) + word)
        # The characters at both ends also hold bits of what stands before and behind.
        first = -(-alignment * 4 // 3) if alignment else 0
        last = (alignment + len(word)) * 4 // 3
        text = encoded[first:last]
        found.append(("in base64", text))
        url_safe = text.replace(b"+", b"-").replace(b"/", b"_")
        if url_safe != text:
            found.append(("in base64", url_safe))
    return found


def search(canary: str, frames: Sequence[Frame]) -> list[Sighting]:
    """Find every place where the canary crossed, one sighting for a form and place; at most MAX_SIGHTINGS."""
    wanted = needles(canary)
    found: dict[Sighting, None] = {}
    for sighting in _sightings(wanted, frames):
        found[sighting] = None
        if len(found) >= MAX_SIGHTINGS:
            break
    return list(found)


def find_as_it_is(word: bytes, frames: Sequence[Frame]) -> int:
    """Return the first frame with these bytes, also where they are split over several; 0 for none."""
    for stream in streams(frames):
        at = stream.data.find(word)
        if at >= 0:
            return stream.frame_at(at)
    return 0


def _sightings(wanted: Sequence[tuple[str, bytes]], frames: Sequence[Frame]) -> Iterator[Sighting]:
    in_streams: set[tuple[str, int]] = set()  # form, frame: not told again for the frame
    budget = [MAX_INFLATED_IN_ALL]
    for stream in streams(frames):
        for form, at in _in(wanted, stream.data):
            in_streams.add((form, stream.frame_at(at)))
            yield Sighting(form, stream.frame_at(at), stream.direction, stream.offset + at)
        for form, end in _compressed(wanted, stream, budget):
            yield Sighting(form, stream.frame_at(end), stream.direction, stream.offset + end)
    for number, frame in enumerate(frames, 1):
        for form, at in _in(wanted, frame.data):
            if (form, number) not in in_streams:
                yield Sighting(form, number, None, at)


def _in(wanted: Sequence[tuple[str, bytes]], data: bytes) -> Iterator[tuple[str, int]]:
    for form, needle in wanted:
        for at in find_all(data, needle, len(needle)):
            yield form, at


def _compressed(
    wanted: Sequence[tuple[str, bytes]], stream: Stream, budget: list[int]
) -> Iterator[tuple[str, int]]:
    """Yield the form, and where the compressed piece begins in which it ends. What begins in one may end in the next.
    """
    longest = max(len(needle) for _, needle in wanted)
    tail = b""
    for at, inflated in inflate_all(stream.data, budget):
        text = tail + inflated
        for form, _ in _in(wanted, text):
            yield f"compressed, {form}", at
        tail = text[-(longest - 1):]


def inflate_all(data: bytes, budget: list[int] | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield where something compressed begins and what it holds, up to MAX_INFLATED and the budget (bytes)."""
    left = budget if budget is not None else [MAX_INFLATED_IN_ALL]
    for at, make in _starts(data):
        if left[0] <= 0:
            return
        inflated = _inflate(make(), data, at, min(MAX_INFLATED, left[0]))
        left[0] -= len(inflated) + 64  # a try costs something as well
        if inflated:
            yield at, inflated


def _starts(data: bytes) -> Iterator[tuple[int, Callable[[], Decompressor]]]:
    """Yield every place that could be the beginning of zlib, gzip or zstd, in order."""
    places: list[tuple[int, Callable[[], Decompressor]]] = [
        *((at, _zlib) for at in find_all(data, b"\x78") if at + 1 < len(data) and (0x7800 | data[at + 1]) % 31 == 0),
        *((at, _zlib) for at in find_all(data, GZIP_MAGIC)),
        *((at, zstd_decompressor) for at in find_all(data, ZSTD_MAGIC)),
    ]
    return iter(sorted(places, key=lambda place: place[0]))


def find_all(data: bytes, needle: bytes, step: int = 1) -> Iterator[int]:
    """Yield where the needle is. step: bytes from one place to where the next may begin."""
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + step)


def _zlib() -> Decompressor:
    return zlib.decompressobj(ZLIB_OR_GZIP)


def _inflate(decompressor: Decompressor, data: bytes, at: int, limit: int) -> bytes:
    """Return what comes out before it ends or turns out to be something else."""
    pieces = []
    size = 0
    step = 4096
    for start in range(at, len(data), step):
        try:
            piece = decompressor.decompress(data[start : start + step], max(limit - size, 1))
        except Exception:  # each module has an error of its own: it is no such stream, from here on
            break
        pieces.append(piece)
        size += len(piece)
        if decompressor.eof or size >= limit:
            break
    return b"".join(pieces)
