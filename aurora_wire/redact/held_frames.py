"""Frames that wait until all of their payload is decided, and how each is then written.

Bytes of which nothing was decided are blanked: what is copied out is only what somebody said may be.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from aurora_wire.redact.replacements import FILL
from aurora_wire.wire.decoding.tracker import Tracker
from aurora_wire.wire.net.checksum import PARTIAL, ZERO, fold, swapped, tcp_checksum_state, word_sum

MAX_HELD: Final[i64] = 10_000         # frames
MAX_HELD_BYTES: Final[i64] = 32 << 20 # of the file, from the oldest of them on


class Resolver(Tracker):
    """A direction that can say what to write."""

    def __init__(self) -> None:
        super().__init__()
        self.done: i64 = 0       # stream offset up to which everything is decided
        self.kept_from: i64 = 0  # all from here to `done` stays as it is

    def wait(self, part: "Part") -> None:
        raise NotImplementedError

    def output(self, offset: i64, data: bytes, at: i64, end: i64, bare: i64) -> list[bytes]:
        raise NotImplementedError

    def close(self) -> None:
        """End what is being written on the board's paper: it was decided together."""
        raise NotImplementedError


class Part:
    """Bytes of a frame's payload, from payload_at on, that are [start, end) of a stream. covers: for the first time."""

    __slots__ = ("covers", "direction", "end", "frame", "payload_at", "start")

    def __init__(self, frame: i64, payload_at: i64, start: i64, end: i64, covers: bool) -> None:
        self.frame: Final[i64] = frame
        self.payload_at: Final[i64] = payload_at
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.covers: bool = covers
        self.direction: Resolver | None = None


@mypyc_attr(acyclic=True)
class Line:
    """Something of the file that waits for its turn to be written: `data` in place of `length` bytes at `position`."""

    def __init__(self, position: i64, length: i64, data: bytes) -> None:
        self.position: i64 = position     # in the file
        self.length: i64 = length
        self.data = data
        self.settled = True


@mypyc_attr(acyclic=True)
class Held(Line):
    """A frame. data: its captured bytes; payload data[payload_at:payload_end], `left` bytes of it to be decided."""

    def __init__(self, number: i64, position: i64, data: bytes) -> None:
        super().__init__(position, len(data), data)
        self.number: i64 = number
        self.original = b""               # the frame as it was, where `data` is not
        self.payload_at: i64 = len(data)
        self.payload_end: i64 = len(data)
        self.left: i64 = 0
        self.tcp_at: i64 = -1             # -1: its checksum is not to be touched
        self.addresses_at: i64 = 0
        self.ip_version: i64 = 4
        self.is_whole = False             # its segment is there to its end
        self.settled = False
        self.pieces: list[bytes] = []     # of the payload, in order
        self.places: list[int] = []       # where each begins

    def put(self, at: i64, pieces: list[bytes]) -> None:
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        place: i64 = len(self.places)
        while place > 0 and self.places[place - 1] > at:
            place -= 1
        self.places.insert(place, int(at))
        self.pieces.insert(place, piece)

    def written(self) -> bytes:
        """Return the frame as it is to be written."""
        data = self.data
        size = self.payload_end - self.payload_at
        parts: list[bytes] = []
        at: i64 = 0
        i: i64 = 0
        for piece in self.pieces:
            begin: i64 = self.places[i]
            i += 1
            if begin > at:
                parts.append(FILL * int(begin - at))
                at = begin
            if begin < at:
                piece = piece[at - begin :]
            if at + len(piece) > size:
                piece = piece[: size - at]
            parts.append(piece)
            at += len(piece)
        if at < size:
            parts.append(FILL * int(size - at))
        payload = b"".join(parts)
        head = data[: self.payload_at]
        if self.tcp_at >= 0:
            head = self._checked(head, payload)
        return head + payload + trailer(data[self.payload_end :])

    def _checked(self, head: bytes, payload: bytes) -> bytes:
        at = self.tcp_at + 16
        if at + 2 > self.payload_at:
            return head
        field = new_checksum(
            self.data, self.addresses_at, self.ip_version, self.tcp_at, self.payload_at, self.payload_end, payload,
            self.is_whole,
        )  # fmt: skip
        if field < 0:
            return head
        return head[:at] + bytes([int(field & 0xFF), int(field >> 8)]) + head[at + 2 :]


def new_checksum(
    data: bytes, addresses_at: i64, ip_version: i64, tcp_at: i64, at: i64, end: i64, payload: bytes, is_whole: bool
) -> i64:
    """Return the checksum of a segment with `payload` in place of data[at:end], as right or wrong as it was.

    As two bytes read in little-endian order; -1 where it stays. Source: RFC 1624.
    """
    if is_whole:
        state = tcp_checksum_state(data, addresses_at, ip_version, tcp_at, end)
        if state in (PARTIAL, ZERO):
            return -1
    before = fold(word_sum(data, at, end))
    after = fold(word_sum(payload, 0, len(payload)))
    if (at - tcp_at) & 1:
        before = swapped(before)
        after = swapped(after)
    if before == after:
        return -1
    place = tcp_at + 16
    field: i64 = data[place] | data[place + 1] << 8
    return ~fold((~field & 0xFFFF) + (~before & 0xFFFF) + after) & 0xFFFF


def trailer(data: bytes) -> bytes:
    """Mask the bytes behind what the headers account for; padding stays."""
    return data if len(data.strip(b"\0")) == 0 else FILL * len(data)


class Packed:
    """A compressed packet: stream offsets, and of what it holds."""

    __slots__ = ("body", "end", "inner_end", "inner_start", "inside", "start")

    def __init__(self, start: i64, end: i64, inner_start: i64, inner_end: i64, body: bytes, inside: bytes) -> None:
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.inner_start: Final[i64] = inner_start
        self.inner_end: Final[i64] = inner_end
        self.body: Final = body
        self.inside: Final = inside


class Board:
    """The board on which directions note what they know of the frame being fed, and of earlier ones that wait."""

    def __init__(self) -> None:
        self.current: i64 = 0                 # the frame being fed
        self.direction: Resolver | None = None  # which it brought [start, end) of first
        self.start: i64 = 0
        self.end: i64 = 0
        self.payload_at: i64 = 0
        self.parts: list[Part] = []           # and all else that is known of it
        self.covered: i64 = 0
        self.is_alone = False                 # nothing more will be said of it
        self.keeps = False                    # all of it is of another protocol
        self.not_mysql: i64 = 0
        self.proxy_frame: i64 = 0             # the first with a PROXY header
        self.frames: dict[int, Held] = {}     # those that wait, by number
        self.paper = BytesWriter()            # what stands in place of bytes that one direction decides one by one
        self.writing: Resolver | None = None  # that direction

    def begin(self, frame: i64) -> None:
        self.current = frame
        self.direction = None
        self.is_alone = False
        self.keeps = False
        if self.covered:
            self.covered = 0
        if self.parts:
            self.parts = []

    def cover(self, frame: i64, count: i64) -> None:
        if frame == self.current:
            self.covered += count
            return
        held = self.frames.get(int(frame))
        if held is not None:
            held.left -= count
            if held.left <= 0:
                held.settled = True

    def resolve(self, part: Part, direction: Resolver) -> None:
        """Fill in a part of a waiting frame: all of the part is decided."""
        held = self.frames.get(int(part.frame))
        if held is None or held.settled:
            return
        self.fill_in(held, part, direction)
        if part.covers:
            held.left -= part.end - part.start
            if held.left <= 0:
                held.settled = True

    def fill_in(self, held: Held, part: Part, direction: Resolver) -> None:
        at = held.payload_at + part.payload_at
        end = at + part.end - part.start
        end = min(end, held.payload_end)
        if at < end:
            held.put(part.payload_at, direction.output(part.start, held.data, at, end, 0))
