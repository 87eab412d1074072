"""Both directions of every TCP connection put together, as bytes: for a search, not for a verdict.

What the engine's own reassembly leaves out (bytes that came again with other content) stays in: a search must not
miss it. A gap ends a piece, and the next one begins behind it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import TCP

SYN: Final = 0x02
HALF: Final = 1 << 31
WRAP: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Frame:
    """As captured. time_ns: since 1970; length: on the wire; link_type: LINKTYPE_*."""

    time_ns: int
    data: bytes
    length: int
    link_type: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A piece of one direction without gaps. `starts` and `frames`: which frame brought the bytes from where on."""

    direction: str          # "client" or "server": who sends; the server is who was sent the first SYN, or frame
    offset: int             # of its first byte: 0 is the first after SYN, or the first seen
    data: bytes
    starts: Sequence[int]
    frames: Sequence[int]

    def frame_at(self, at: int) -> int:
        """Return the number of the frame, from 1, that brought the byte at `at`."""
        return self.frames[max(0, bisect_right(self.starts, at) - 1)]


@dataclass(frozen=True, slots=True)
class _Segment:
    sequence: int
    payload: bytes
    frame: int


class _Direction:
    def __init__(self, *, is_client: bool) -> None:
        self.name = "client" if is_client else "server"
        self.first: int | None = None     # sequence number of the first byte
        self.highest = 0                  # relative, of the last byte so far, to tell where numbers wrapped
        self.segments: list[_Segment] = []

    def add(self, sequence: int, payload: bytes, frame: int, *, syn: bool) -> None:
        if self.first is None or (syn and not self.segments):
            self.first = sequence + 1 if syn else sequence
        if not payload:
            return
        relative = (sequence + (1 if syn else 0) - self.first - self.highest + HALF) % WRAP - HALF + self.highest
        self.segments.append(_Segment(relative, payload, frame))
        self.highest = max(self.highest, relative + len(payload))


def streams(frames: Sequence[Frame]) -> Iterator[Stream]:
    """Yield every piece of every direction, connections in the order of their first frames."""
    directions: dict[bytes, _Direction] = {}
    locator = Locator(Fragments())
    for number, frame in enumerate(frames, 1):
        data = frame.data
        if locator.locate(data, 0, len(data), frame.length, frame.link_type) != TCP:
            continue
        buffer = locator.buffer
        size = 4 if locator.ip_version == 4 else 16
        at, tcp_at = locator.addresses_at, locator.tcp_at
        source = buffer[at : at + size] + buffer[tcp_at : tcp_at + 2]
        target = buffer[at + size : at + 2 * size] + buffer[tcp_at + 2 : tcp_at + 4]
        flags = buffer[tcp_at + 13]
        key = source + target
        direction = directions.get(key)
        if direction is None:
            there = directions.get(target + source)
            is_client = there.name == "server" if there is not None else flags & 0x12 != 0x12
            direction = directions[key] = _Direction(is_client=is_client)
        payload = buffer[locator.payload_at : locator.captured_end]
        sequence = int.from_bytes(buffer[tcp_at + 4 : tcp_at + 8], "big")
        direction.add(sequence, payload, number, syn=bool(flags & SYN))
    for direction in directions.values():
        yield from _pieces(direction)


def _pieces(direction: _Direction) -> Iterator[Stream]:
    data = bytearray()
    starts: list[int] = []
    frames: list[int] = []
    begin = end = 0
    others: list[Stream] = []
    for segment in sorted(direction.segments, key=lambda one: (one.sequence, one.frame)):
        if not starts or segment.sequence > end:
            if starts:
                yield Stream(direction.name, begin, bytes(data), starts, frames)
            data, starts, frames = bytearray(), [], []
            begin = end = segment.sequence
        known = end - segment.sequence
        if known > 0 and segment.payload[:known] != bytes(data[segment.sequence - begin :])[: len(segment.payload)]:
            # Sent again with other bytes: searched with what came before it.
            before = bytes(data[: segment.sequence - begin])[-256:]
            joined = before + segment.payload
            others.append(Stream(
                direction.name, segment.sequence - len(before), joined, [0], [segment.frame]
            ))  # fmt: skip
        if len(segment.payload) > known:
            starts.append(end - begin)
            frames.append(segment.frame)
            data += segment.payload[known:]
            end = segment.sequence + len(segment.payload)
    if starts:
        yield Stream(direction.name, begin, bytes(data), starts, frames)
    yield from others
