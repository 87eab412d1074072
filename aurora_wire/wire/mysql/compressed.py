"""The compressed protocol: packets of deflated (or plain) bytes that hold a stream of ordinary packets.

Source: MySQL Server docs, "Compression". Compressed is readable: what is inside is decoded like any other.
Bounds: a packet inflates to the size that it states and not a byte more; over a connection, inflated bytes beyond
`FREE` may be at most `RATIO` times the compressed ones; over all connections, those beyond `FREE_IN_ALL`.
"""

import zlib
from collections.abc import Callable
from typing import Final, Protocol

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.connection_log import Budget, DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_SEARCH, Decoder
from aurora_wire.wire.decoding.tracker import Tracker
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.framing import Packets
from aurora_wire.wire.mysql.plausibility import NOTHING, command_tells, is_event, reply_tells
from aurora_wire.wire.mysql.sql_text import begins_statement

HEADER: Final[i64] = 7
CHUNK: Final[i64] = 65536        # bytes inflated at a time
SMALL: Final[i64] = 4096         # bytes that deflate makes of 4 MiB at best
LONGEST_MATCH: Final[i64] = 258  # bytes of room that zlib needs behind what it writes, or it goes slowly
WINDOW_BITS: Final[i64] = 15
INFLATE: Final = zlib.decompress
FREE: Final[i64] = 64 << 20
RATIO: Final[i64] = 100
FREE_IN_ALL: Final[i64] = 256 << 20   # of all connections together, to which RATIO applies too
KEPT: Final[i64] = 1 << 20        # bytes that a packet holds, kept for a tracker

PEEK: Final[i64] = 64             # bytes inflated to see what begins there

ZLIB: Final[i64] = 1
ZSTD: Final[i64] = 2


class Inflater(Protocol):
    """What zlib.decompressobj, seen through `ZlibInflater`, and the zstd modules' ZstdDecompressor offer."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...

ZLIB_COST: Final[i64] = 48 << 10      # bytes that zlib keeps for a stream
MAX_WINDOW: Final[i64] = 18 << 20     # bytes of a zstd window: a MySQL packet has 16 MiB at most


class CompressedPackets(Decoder):
    """Fed one direction from a compressed packet's header on; `inner` is fed what they hold."""

    def __init__(
        self, facts: MySQLFacts, side: DirectionAccount, inner: Packets, inner_side: DirectionAccount,
        inflaters: dict[int, Callable[[], Inflater]]
    ) -> None:
        super().__init__(facts, side)
        self.facts = facts
        self.inner = inner
        self.inner_side = inner_side
        self.inflaters = inflaters
        self.head = b""
        self.left: i64 = 0             # bytes of the current packet's body still to come
        self.size: i64 = 0             # bytes that it still has to inflate to; 0 with `plain`
        self.plain = False
        self.inflater: Inflater | None = None
        self.unlabelled: i64 = 0
        self.label: i64 = labels.COMPRESSED
        self.opened: i64 = 0           # bytes inflated so far
        self.closed: i64 = 0           # bytes that were inflated from
        self.begun: i64 = 0            # stream offset of the current packet; for a tracker, what it is and holds:
        self.body: list[bytes] = []
        self.inside: list[bytes] = []
        self.inside_size: i64 = 0
        self.cost: i64 = 0             # what the inflater was charged
        self.dead = False              # the inner stream has a gap: packets are counted, not inflated

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        while at < end:
            if self.left > 0:
                take = self.left if self.left < end - at else end - at
                if self.side.tracker is not None and self.inside_size <= KEPT:
                    self.body.append(data[at : at + take])
                self._open(data[at : at + take])
                self.left -= take
                self.unlabelled += take
                at += take
                if self.left == 0:
                    self._packet_end()
                continue
            fits = True
            if len(self.head) == 0:
                self.begun = self.side.position
            if len(self.head) == 0 and end - at >= HEADER:
                self.unlabelled += HEADER
                at += HEADER
                fits = self._header(data, at - HEADER)
            else:
                take = HEADER - len(self.head)
                if take > end - at:
                    take = end - at
                head = self.head + data[at : at + take]
                self.head = head
                self.unlabelled += take
                at += take
                if len(head) == HEADER:
                    self.head = b""
                    fits = self._header(head, 0)
            if not fits:
                self.note(anomalies.BAD_COMPRESSION, 0)
                self.side.account(self.unlabelled, labels.UNKNOWN)
                self.unlabelled = 0
                self.next = TO_SEARCH
                return at
        return at

    def _header(self, data: bytes, at: i64) -> bool:
        self.left = u24(data, at)
        self.size = u24(data, at + 4)
        self.plain = self.size == 0
        self.label = labels.COMPRESSED
        self._drop()
        if self.left == 0:
            self._packet_end()
            return self.plain
        return True

    def _open(self, piece: bytes) -> None:
        if self.dead:
            return
        if self.plain:
            self._inner(piece)
            return
        if self.inflater is None and len(piece) == self.left and len(piece) <= SMALL and piece[0] == 0x78:
            if self._open_small(piece):
                return
        if self.inflater is None:
            kind = ZLIB if piece[0] == 0x78 else ZSTD
            make = self.inflaters.get(kind)
            if make is None:
                self._die(anomalies.BAD_COMPRESSION)
                return
            self.facts.compression = kind
            cost = ZLIB_COST if kind == ZLIB else zstd_window(piece)
            if cost > MAX_WINDOW or not self.facts.budget.take_inflating(cost):
                self._die(anomalies.BOUND)
                return
            self.cost = cost
            self.inflater = make()
        inflater = self.inflater
        self.closed += len(piece)
        self.facts.budget.deflated += len(piece)
        while self.size > 0 and not inflater.eof and not self.is_dead():
            want = CHUNK if self.size > CHUNK else self.size
            try:
                some = inflater.decompress(piece, want)
            except Exception:  # zlib.error, ZstdError: whatever the bytes do to a library
                self._die(anomalies.BAD_COMPRESSION)
                return
            piece = b""
            if not some:
                return
            self.size -= len(some)
            self.opened += len(some)
            self.facts.budget.inflated += len(some)
            if is_bomb(self.facts.budget, self.opened, self.closed):
                self._die(anomalies.BOUND)
                return
            self._inner(some)

    def _open_small(self, piece: bytes) -> bool:
        """Inflate in one call a zlib stream that is whole and too short to exceed 4 MiB, whatever it says.

        False where something is odd about it, which is left to the general way.
        """
        try:
            some = INFLATE(piece, int(WINDOW_BITS), int(self.size + LONGEST_MATCH))
        except zlib.error:
            return False
        budget = self.facts.budget
        if len(some) != self.size or is_bomb(self.facts.budget, self.opened, self.closed) or self.opened > FREE:
            return False
        self.facts.compression = ZLIB
        self.closed += len(piece)
        self.opened += len(some)
        budget.deflated += len(piece)
        budget.inflated += len(some)
        self.size = 0
        self._inner(some)
        return True

    def _inner(self, piece: bytes) -> None:
        inner = self.inner
        side = self.inner_side
        side.frame = self.side.frame
        side.time_ns = self.side.time_ns
        side.seen += len(piece)
        if self.side.tracker is not None:
            self.inside_size += len(piece)
            if self.inside_size <= KEPT:
                self.inside.append(piece)
        side.anchor = self.side.anchor if self.side.anchored else self.side.position
        before = side.position
        at = inner.feed(piece, 0, len(piece), 0)
        if side.position > before and side.last_label >= 0 and self.label == labels.COMPRESSED:
            self.label = side.last_label
        if inner.next != STAY:
            side.account(len(piece) - at, labels.UNKNOWN)
            self._die(anomalies.LOST_FRAMING)

    def _drop(self) -> None:
        """Let go of the inflater, and give back what it was charged."""
        self.inflater = None
        self.facts.budget.inflating += self.cost
        self.cost = 0

    def is_dead(self) -> bool:
        return self.dead

    def _die(self, kind: i64) -> None:
        self.dead = True
        self.facts.doubt = True
        self._drop()
        self.note(kind, self.left)
        if self.inner_side.tracker is not None:
            self.inner_side.tracker.lost()

    def _packet_end(self) -> None:
        if not self.plain and not self.dead and self.size > 0:
            self._die(anomalies.BAD_COMPRESSION)
        self._drop()
        tracker = self.side.tracker
        if tracker is not None:
            self._tell(tracker)
        self.side.account(self.unlabelled, self.label)
        self.unlabelled = 0

    def _tell(self, tracker: Tracker) -> None:
        """Tell the tracker that a compressed packet is over."""
        body = b""
        inside = b""
        if not self.dead and self.inside_size <= KEPT:
            body = b"".join(self.body)
            inside = b"".join(self.inside)
        tracker.compressed(self.begun, self.begun + self.unlabelled, self.inside_size, body, inside)
        self.body = []
        self.inside = []
        self.inside_size = 0

    def gap(self, count: i64) -> None:
        side = self.side
        if self.unlabelled:
            side.account(self.unlabelled, labels.COMPRESSED if self.left > 0 else labels.UNKNOWN)
            self.unlabelled = 0
        if side.tracker is not None:
            side.tracker.lost()
            self.body = []
            self.inside = []
            self.inside_size = 0
        self.inner.finish()
        self.dead = True
        self.facts.doubt = True
        self._drop()
        side.gap(count)
        self.head = b""
        if 0 < count <= self.left:
            self.left -= count
        else:
            self.left = 0
            self.next = TO_SEARCH

    def finish(self) -> None:
        self._drop()
        self.inner.finish()
        if self.unlabelled:
            self.side.account(self.unlabelled, self.label if self.left > 0 else labels.UNKNOWN)
            self.unlabelled = 0
        self.head = b""


def opens_packet(data: bytes, at: i64, end: i64) -> bool:
    """Return whether the compressed packet at `at` holds a packet's beginning, as far as it is here.

    Asked where nothing says that compression was agreed: the header alone may be of ciphertext.
    """
    begin = at + HEADER
    if u24(data, at + 4) == 0:
        stop = begin + 4 + u24(data, begin)
        if data[begin + 3] == 0 and begins_statement(data, begin, end):
            return True
        if is_event(data, begin, end):
            return True
        if stop > end or stop < begin + 5:
            return False
        if data[begin + 3] == 0:
            return command_tells(data, begin + 4, stop) != NOTHING
        return reply_tells(data, begin + 4, stop, data[begin + 3]) != NOTHING
    if data[begin] != 0x78:
        return True  # zstd: four fixed bytes
    try:
        some = zlib.decompressobj().decompress(data[begin:end], PEEK)
    except zlib.error:
        return False
    return len(some) >= 4 and 0 < u24(some, 0) <= u24(data, at + 4) - 4


class ZlibInflater:
    """zlib.decompressobj with the interface of ZstdDecompressor: input that was not used is kept inside."""

    __slots__ = ("_inner", "_rest")

    def __init__(self) -> None:
        self._inner = zlib.decompressobj()
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        piece = self._rest + data if self._rest else data
        some: bytes = self._inner.decompress(piece, max(max_length, 0))
        self._rest = self._inner.unconsumed_tail
        return some


def zstd_window(data: bytes) -> i64:
    """Return how many bytes of output a decompressor keeps for a zstd frame that begins with `data`, at least.

    More than MAX_WINDOW where the frame asks for more than any MySQL packet needs, or is not there yet.
    Source: RFC 8878, section 3.1.1.1.
    """
    if len(data) < 18:
        return MAX_WINDOW if len(data) < 6 or data[4] & 0x20 else _compute_window(data[5])
    if not data[4] & 0x20:
        return _compute_window(data[5])
    # A single segment: the window is as large as the content, whose size follows the dictionary's number.
    at: i64 = 5
    dictionary: i64 = data[4] & 3
    at += 4 if dictionary == 3 else dictionary
    width: i64 = data[4] >> 6
    if width == 0:
        return i64(data[at])
    if width == 1:
        return i64(data[at]) | i64(data[at + 1]) << 8
    size: i64 = u24(data, at) | i64(data[at + 3]) << 24
    if width == 3 and data[at + 4 : at + 8] != b"\0\0\0\0":
        return MAX_WINDOW + 1
    return size


def _compute_window(descriptor: i64) -> i64:
    base: i64 = 1024
    exponent = descriptor >> 3
    while exponent > 0 and base <= MAX_WINDOW:
        base *= 2
        exponent -= 1
    return base + (base >> 3) * (descriptor & 7)


def is_bomb(budget: Budget, opened: i64, closed: i64) -> bool:
    """Return whether a direction, or all connections together, inflated to far more than what crossed.

    opened, closed: bytes of the direction's compressed packets inflated, and as they crossed.
    """
    if opened > FREE and opened > closed * RATIO:
        return True
    if budget.inflated <= FREE_IN_ALL:
        return False
    budget.refused = True
    return budget.inflated > budget.deflated * RATIO
