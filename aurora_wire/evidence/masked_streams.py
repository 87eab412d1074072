"""The two directions of a connection, put together from labelled frames, and what of them is to be masked.

Everything is told by stream offset, so that a byte which crossed twice is masked alike. MySQL packets are found from
the labels' edges; where framing is lost (a gap, a cut, the middle of a stream) bytes are masked whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from aurora_wire.evidence import masked_compressed, patches
from aurora_wire.evidence.masked_client import ClientMask
from aurora_wire.evidence.masked_server import ServerMask
from aurora_wire.evidence.masking import Masker
from aurora_wire.evidence.patches import Patch
from aurora_wire.wire import labels
from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.commands import COM_STMT_FETCH

MOD: Final = 1 << 32
HEADER: Final = 4
MAX_TRIES: Final = 50        # labels at whose edge a compressed packet is looked for
LONGEST: Final = 0xFFFFFF   # a payload of this length goes on in the next packet

# Copies of bytes that crossed before, or that a receiver would have dropped: no part of the stream by themselves.
COPIES: Final = frozenset((labels.RETRANSMISSION, labels.KEEP_ALIVE, labels.DISREGARDED))
FRAGMENTS: Final = frozenset((labels.COMMAND_DATA, labels.RESPONSE, labels.UNKNOWN))
X_HEADER: Final = 5
X_KEPT_CLIENT: Final = frozenset((1, 2, 3, 6, 7, 15, 24, 25))  # capabilities, close, reset, expectations
X_KEPT_SERVER: Final = frozenset((0, 2, 11, 14, 15, 16, 17, 18))
TLS: Final = range(labels.TLS_HANDSHAKE, labels.TLS_HEARTBEAT + 1)


@dataclass(slots=True)
class Piece:
    """Bytes of one frame: `at` is where they are in its data."""

    offset: int
    data: bytes
    label: int
    frame: int
    at: int


@dataclass(slots=True)
class Direction:
    pieces: list[Piece] = field(default_factory=list)
    copies: list[Piece] = field(default_factory=list)
    base: int | None = None
    last: int = 0

    def offset_of(self, sequence: int) -> int:
        """The stream offset of a sequence number: the one nearest to the last."""
        if self.base is None:
            self.base = sequence
        delta = (sequence - self.base - self.last + (MOD >> 1)) % MOD - (MOD >> 1)
        self.last += delta
        return self.last

    def add(self, piece: Piece) -> None:
        (self.copies if piece.label in COPIES else self.pieces).append(piece)


@dataclass(slots=True)
class Chain:
    """Bytes without a gap; marks: where labels begin, ascending."""

    offset: int
    data: bytearray
    starts: list[int]
    labels: list[int]

    @property
    def end(self) -> int:
        return self.offset + len(self.data)

    def label_at(self, at: int) -> int:
        return self.labels[bisect_right(self.starts, at) - 1]

    def next_other(self, at: int, label: int) -> int:
        """Where behind `at` a label begins that is another one, or the end."""
        number = bisect_right(self.starts, at)
        while number < len(self.starts) and self.labels[number] == label:
            number += 1
        return self.starts[number] if number < len(self.starts) else len(self.data)


@dataclass(slots=True)
class Conversation:
    """A connection, as far as its frames were labelled."""

    client: Direction = field(default_factory=Direction)
    server: Direction = field(default_factory=Direction)
    agreed: int | None = None
    readable: bool = False  # something of it crossed that needed protection
    _has_logged_in: bool = False

    def masks(self, masker: Masker, *, hosts: bool = False) -> tuple[list[Patch], list[Patch]]:
        """What to replace of client and server, by stream offset. hosts: also where a client names hosts."""
        if not self.readable:
            return _unknown(self.client), _unknown(self.server)
        fetches = any(piece.label == labels.COMMAND + COM_STMT_FETCH for piece in self.client.pieces)
        server = ServerMask(masker, self.agreed)
        of_server = list(self._of_stream(self.server, server, fetches=fetches))
        client = ClientMask(masker, self.agreed, server.parameter_counts, hosts=hosts)
        return list(self._of_stream(self.client, client, fetches=fetches)), of_server

    def _of_stream(
        self, direction: Direction, mask: ClientMask | ServerMask, *, fetches: bool
    ) -> Iterator[Patch]:
        due = -1  # stream offset up to which the packet goes that the last chain broke off in
        is_open = not self.is_compressed  # packets are not compressed
        is_lost = False                   # compressed packets were seen, and then a gap
        for chain in chains(direction):
            at = 0
            if is_lost or (self.agreed is None and self._looks_compressed(chain)):
                yield from _moved(_found_compressed(chain, mask, fetches=fetches), chain.offset)
                is_lost = True
                continue
            if due > chain.offset:
                at = min(due - chain.offset, len(chain.data))
                yield from _moved(patches.fill(0, at), chain.offset)
            while at < len(chain.data):
                label = chain.label_at(at)
                if not is_open and (label >= labels.COMMAND or self._has_logged_in):
                    inside = masked_compressed.masked(bytes(chain.data[at:]), mask, fetches=fetches, is_start=True)
                    yield from _moved(inside, chain.offset + at)
                    is_lost = True
                    break
                if label == labels.OK and isinstance(mask, ServerMask):
                    self._has_logged_in = True
                at, due, found = _unit(chain, at, mask)
                yield from _moved(found, chain.offset)
        self._has_logged_in = False

    @staticmethod
    def _looks_compressed(chain: Chain) -> bool:
        """Of a connection whose login was not captured: is a compressed packet where one of its labels begins?"""
        return any(masked_compressed.looks_compressed(bytes(chain.data[at:])) for at in chain.starts[:MAX_TRIES])

    @property
    def is_compressed(self) -> bool:
        return bool((self.agreed or 0) & (caps.COMPRESS | caps.ZSTD_COMPRESSION_ALGORITHM))


def chains(direction: Direction) -> Iterator[Chain]:
    """What is there of a direction, in order; what comes twice counts as a copy."""
    chain: Chain | None = None
    for piece in sorted(direction.pieces, key=lambda one: one.offset):
        if chain is not None and piece.offset < chain.end:
            direction.copies.append(piece)
            continue
        if chain is None or piece.offset > chain.end:
            if chain is not None:
                yield chain
            chain = Chain(piece.offset, bytearray(), [], [])
        chain.starts.append(len(chain.data))
        chain.labels.append(piece.label)
        chain.data += piece.data
    if chain is not None:
        yield chain


def _found_compressed(chain: Chain, mask: ClientMask | ServerMask, *, fetches: bool) -> list[Patch]:
    """Compressed packets that begin somewhere in a chain, at the edge of a label."""
    for at in chain.starts[:MAX_TRIES]:
        data = bytes(chain.data[at:])
        if masked_compressed.looks_compressed(data):
            inside = masked_compressed.masked(data, mask, fetches=fetches, is_start=False)
            return patches.fill(0, at) + list(_moved(inside, at))
    return patches.fill(0, len(chain.data))


def _unknown(direction: Direction) -> list[Patch]:
    """All that nobody recognised: it may be what nobody should read."""
    return [
        one for piece in direction.pieces if piece.label == labels.UNKNOWN
        for one in patches.shape(piece.offset, piece.data)
    ]  # fmt: skip


def _moved(found: Iterable[Patch], by: int) -> Iterator[Patch]:
    for one in found:
        yield Patch(one.start + by, one.end + by, one.new)


def _unit(chain: Chain, at: int, mask: ClientMask | ServerMask) -> tuple[int, int, list[Patch]]:
    """The packet (or what else) at `at`: where the next one is, up to which offset this one goes, its patches."""
    label = chain.label_at(at)
    region = chain.next_other(at, label)
    if label in (labels.NOT_MYSQL, labels.PROXY_HEADER) or label in TLS:
        return region, -1, []
    if label == labels.X_PROTOCOL:
        return _x_message(chain, at, region, isinstance(mask, ClientMask))
    parts, end = _parts(chain.data, at)
    if label in FRAGMENTS and not _fits(chain, at, end, region):
        if label == labels.UNKNOWN:
            return region, -1, patches.shape(at, bytes(chain.data[at:region]))
        return region, -1, patches.fill(at, region)
    if end > region and region < len(chain.data):
        return region, -1, patches.fill(at, region)  # no packet: another begins inside it
    data = b"".join(bytes(chain.data[start:stop]) for start, stop in parts)
    if label >= labels.COMMAND and data[:1] != bytes([label - labels.COMMAND]):
        return region, -1, patches.fill(at, region)
    found = patches.placed(mask.packet(label, data), parts)
    if end > len(chain.data):
        return len(chain.data), chain.offset + end, found
    return end, -1, found


def _fits(chain: Chain, at: int, end: int, region: int) -> bool:
    """May a fragment be read as packets: does one end where its region does?"""
    while end < region:
        _, end = _parts(chain.data, end)
    return end == region and at + HEADER <= region


def _parts(data: bytearray, at: int) -> tuple[list[tuple[int, int]], int]:
    """Where the payload at `at` is, packet by packet, as far as it is there; and where it ends, there or not."""
    parts: list[tuple[int, int]] = []
    while True:
        length = int.from_bytes(data[at : at + 3], "little")
        end = at + HEADER + length
        parts.append((min(at + HEADER, len(data)), min(end, len(data))))
        at = end
        if length < LONGEST or end + HEADER > len(data):
            return parts, end


def _x_message(chain: Chain, at: int, region: int, from_client: bool) -> tuple[int, int, list[Patch]]:
    """A message of the X Protocol: its fields are not known here, so one with data is masked whole."""
    length = int.from_bytes(chain.data[at : at + 4], "little")
    end = at + 4 + length
    if at + X_HEADER > region or not length >= 1:
        return region, -1, patches.fill(at, region)
    kept = X_KEPT_CLIENT if from_client else X_KEPT_SERVER
    body = min(end, len(chain.data))
    found = [] if chain.data[at + 4] in kept else patches.fill(at + X_HEADER, body)
    return body, chain.offset + end if end > len(chain.data) else -1, found
