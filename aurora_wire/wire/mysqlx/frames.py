"""Frames of one direction: `u32 length, u8 type, message`, put together, and taken up again behind a gap.

What a message says is for `XClient` and `XServer`. Compressed messages hold frames, which go to a decoder of their own.
Bounds: a message is looked at up to MAX_BODY bytes; inflated bytes are held to a ratio, as in the classic protocol.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u32
from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_TLS, Decoder
from aurora_wire.wire.decoding.tracker import Held
from aurora_wire.wire.mysql.compressed import CHUNK, ZLIB, ZLIB_COST, Inflater, is_bomb
from aurora_wire.wire.mysql.compressed import MAX_WINDOW as ZSTD_COST
from aurora_wire.wire.mysql.compressed import ZSTD as ZSTD_INFLATER
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.turn import Turn
from aurora_wire.wire.mysqlx.facts import DEFLATE, LZ4, ZSTD, XSession
from aurora_wire.wire.mysqlx.fields import BYTES, Fields
from aurora_wire.wire.mysqlx.lz4 import open_frame
from aurora_wire.wire.mysqlx.shape import (
    CLIENT_TAGS,
    HEADER_LEN,
    MAX_FRAME,
    SERVER_TAGS,
    fields_fit,
    frame_chain,
    frame_start,
)

MAX_BODY: Final[i64] = 1 << 20       # bytes of a message that are looked at
MAX_INSIDE: Final[i64] = 64 << 20    # bytes in one compressed message
HANDSHAKE: Final[i64] = 0x16         # what a TLS connection begins with


class XFrames(Decoder):
    """Fed one direction from a frame's header on, or from anywhere: then it begins at a chain of frames."""

    def __init__(
        self, facts: MySQLFacts, session: XSession, side: DirectionAccount,
        inflaters: dict[int, Callable[[], Inflater]], aligned: bool,
    ) -> None:  # fmt: skip
        super().__init__(facts, side)
        self.facts = facts
        self.session = session
        self.inflaters = inflaters
        self.aligned = aligned           # a frame begins at the next byte
        self.turn: Turn | None = None    # joins the pieces of a frame while none is found
        self.pieces = b""                # that wait for it, not accounted for
        self.head = b""
        self.left: i64 = 0               # bytes of the current message still to come
        self.total: i64 = 0
        self.kind: i64 = 0
        self.kept: list[bytes] = []
        self.kept_size: i64 = 0
        self.whole = True
        self.unlabelled: i64 = 0         # bytes of the current frame that are not accounted for yet
        self.begun: i64 = 0              # place of the current frame
        self.begun_frame: i64 = 0
        self.begun_time: i64 = 0
        self.inner: XFrames | None = None
        self.inner_side: DirectionAccount | None = None
        self.inflater: Inflater | None = None
        self.cost: i64 = 0
        self.opened: i64 = 0
        self.closed: i64 = 0
        self.is_inner = False
        self.held: Held | None = None    # only for a tracker: labels of what compressed messages hold

    # What a direction has to say.

    def message(self, kind: i64, data: bytes, at: i64, end: i64, whole: bool) -> i64:
        """Take the message of this type; returns its label. Not `whole`: some of it is missing or was not kept."""
        raise NotImplementedError

    def expected(self, kind: i64) -> i64:
        """Return the label of a message of which nothing but the type is known."""
        raise NotImplementedError

    def awaits_tls(self) -> bool:
        """Return whether a TLS record may begin here: it was asked for, or agreed."""
        raise NotImplementedError

    def make_inner(self, side: DirectionAccount) -> "XFrames":
        """Make the decoder of what compressed messages hold."""
        raise NotImplementedError

    def missed(self) -> None:
        """Note that messages of this direction were missed: nobody knows which answers belong to what."""
        raise NotImplementedError

    def is_session(self) -> bool:
        """Return whether a login was seen, or a statement without one."""
        return self.facts.login_frame >= 0 or self.facts.commands > 0

    # Framing.

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        side = self.side
        while at < end:
            if self.left > 0:
                at = self._body(data, at, end)
                continue
            if len(self.head) == 0:
                if not self.aligned:
                    at = self._find(data, at, end, cut)
                    continue
                if self.awaits_tls() and data[at] == HANDSHAKE and (end - at < 2 or data[at + 1] == 3):
                    if end - at >= 2:
                        self.next = TO_TLS
                        return at
                self.begun = side.anchor if side.anchored else side.position
                self.begun_frame = side.frame
                self.begun_time = side.time_ns
                if end - at >= HEADER_LEN:
                    length = u32(data, at)
                    stop = at + 4 + length
                    if 0 < length <= MAX_BODY and stop <= end:
                        kind: i64 = data[at + 4]
                        if not self._fits(kind, data, at + HEADER_LEN, stop):
                            at = self._lose(data, at, end)
                            continue
                        self._show(data, at, stop)
                        label = self.message(kind, data, at + HEADER_LEN, stop, True)
                        side.account(stop - at, label)
                        at = stop
                        continue
            elif len(self.head) == 1 and self.awaits_tls() and self.head[0] == HANDSHAKE and data[at] == 3:
                self.carry = self.head
                self.head = b""
                self.unlabelled = 0
                self.next = TO_TLS
                return at
            at = self._header(data, at, end)
        return at

    def _tags(self, kind: i64) -> bytes | None:
        return CLIENT_TAGS.get(kind) if self.side.from_client else SERVER_TAGS.get(kind)

    def _fits(self, kind: i64, data: bytes, at: i64, end: i64) -> bool:
        tags = self._tags(kind)
        return tags is not None and fields_fit(data, at, end, tags)

    def _show(self, data: bytes, at: i64, end: i64) -> None:
        """Tell who masks the stream of the next bytes."""
        tracker = self.side.tracker
        if tracker is not None and not self.is_inner:
            tracker.content(self.side.position + self.unlabelled, data, at, end)

    def _header(self, data: bytes, at: i64, end: i64) -> i64:
        take = HEADER_LEN - len(self.head)
        if take > end - at:
            take = end - at
        self._show(data, at, at + take)
        self.head += data[at : at + take]
        self.unlabelled += take
        at += take
        if len(self.head) < HEADER_LEN:
            return at
        head = self.head
        self.head = b""
        length = u32(head, 0)
        self.kind = head[4]
        if length < 1 or length > MAX_FRAME or self._tags(self.kind) is None:
            self._account(labels.X_PROTOCOL)
            return self._lose(data, at, end)
        self.total = length - 1
        self.left = self.total
        self.whole = True
        if self.left == 0:
            self._end()
        return at

    def _body(self, data: bytes, at: i64, end: i64) -> i64:
        take = self.left if self.left < end - at else end - at
        self._show(data, at, at + take)
        budget = self.facts.budget
        if self.whole and self.kept_size + take <= MAX_BODY and budget.held >= 0:
            self.kept.append(data[at : at + take])
            self.kept_size += take
            budget.held -= take
        else:
            if self.whole and budget.held < 0:
                budget.refused = True
            self.whole = False
        self.left -= take
        self.unlabelled += take
        if not self.whole:
            # Of a message that is not kept the label is known as well as it will be.
            self._account(self.expected(self.kind))
        if self.left == 0:
            self._end()
        return at + take

    def _account(self, label: i64) -> None:
        """Account for the bytes of the current frame that are not accounted for yet."""
        if self.unlabelled > 0:
            self.side.account(self.unlabelled, label)
            self.unlabelled = 0

    def _end(self) -> None:
        """End a message that came in pieces."""
        data = b"".join(self.kept)
        self._let_go()
        size: i64 = len(data)
        whole = self.whole and size == self.total
        if whole and not self._fits(self.kind, data, 0, size):
            self._account(labels.X_PROTOCOL)
            self._lose(data, 0, 0)
            return
        self._account(self.message(self.kind, data, 0, size, whole))

    def _let_go(self) -> None:
        self.facts.budget.held += self.kept_size
        self.kept_size = 0
        self.kept = []

    def _lose(self, data: bytes, at: i64, end: i64) -> i64:
        """Give up the framing: what is left of the segment is unknown. Return where consumption ended."""
        self.note(anomalies.LOST_FRAMING, end - at)
        self.aligned = False
        self.missed()
        self._told_lost()
        if at < end:
            self._show(data, at, end)
            self.side.account(end - at, labels.X_PROTOCOL)
        return end

    def _told_lost(self) -> None:
        tracker = self.side.tracker
        if tracker is not None:
            tracker.lost()

    def _find(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        """Pass bytes up to where frames begin: at a segment's first byte, or three behind each other."""
        found: i64 = -1
        if not self.is_inner:  # what compressed messages hold begins with a frame, or is none
            if self._is_joined(data, at, end, cut):
                return end
            found = frame_start(data, at, end, 1 if self.side.from_client else 0)
            if found < 0 and self.turn is not None and self.turn.is_open():
                self.pieces += data[at:end]
                return end
            self._end_turn()
        self.aligned = found >= 0
        stop = found if found >= 0 else end
        if stop > at:
            self._pass(data, at, stop)
        return stop

    def _is_joined(self, data: bytes, at: i64, end: i64, cut: i64) -> bool:
        """Join a segment with the pieces before it. Return whether they are frames together, which are decoded then."""
        turn = self.turn
        if turn is None:
            turn = Turn(self.facts)
            self.turn = turn
        from_client = self.side.from_client
        ends = turn.add(data, at, end, cut, from_client, self.facts.side(not from_client).frame)
        if self.pieces and len(turn.data) != len(self.pieces) + end - at:
            self._pass_pieces()  # they were of something else
        if not ends or frame_chain(turn.data, 0, len(turn.data), 1 if from_client else 0) == 0:
            return False
        joined = turn.data
        turn.clear()
        self.pieces = b""
        self.aligned = True
        stop = self.feed(joined, 0, len(joined), cut)
        if self.next != STAY:
            self.carry += joined[stop:]  # TLS begins in the last piece
        return True

    def _end_turn(self) -> None:
        """Join no more: a frame was found, nothing goes on, or bytes are missing."""
        if self.turn is not None:
            self.turn.clear()
        self._pass_pieces()

    def _pass_pieces(self) -> None:
        """Account for pieces that were no frame."""
        pieces = self.pieces
        self.pieces = b""
        if pieces:
            self._pass(pieces, 0, len(pieces))

    def _pass(self, data: bytes, at: i64, end: i64) -> None:
        self._told_lost()
        self._show(data, at, end)
        self.side.account(end - at, labels.X_PROTOCOL)

    def gap(self, count: i64) -> None:
        self._end_turn()
        self._told_lost()
        began = self.left > 0
        self._account(self.expected(self.kind) if began else labels.X_PROTOCOL)
        self.side.gap(count)
        self.head = b""
        if began and count <= self.left:
            self.whole = False
            self.left -= count
            if self.left == 0:
                self._end()
            return
        if began:
            self.whole = False
            self._end()
        self.missed()
        self.left = 0
        self.aligned = False
        self._drop()

    def finish(self) -> None:
        self._end_turn()
        if self.left > 0:
            self.whole = False
            self._account(self.expected(self.kind))
            self._end()
        self._account(labels.X_PROTOCOL)
        self.left = 0
        self.head = b""
        self._let_go()
        self._drop()
        if self.inner is not None:
            self.inner.finish()

    # Compressed messages.

    def compressed(self, data: bytes, at: i64, end: i64) -> None:
        """Open a Compression message and decode the frames in it."""
        if not self._opens(data, at, end):
            self.missed()
        tracker = self.side.tracker
        if tracker is not None and self.held is not None:
            begin = self.side.position
            size = self.unlabelled if self.unlabelled > 0 else HEADER_LEN + end - at
            tracker.holds(begin, begin + size, self.held.take_labels())

    def _opens(self, data: bytes, at: i64, end: i64) -> bool:
        size: i64 = -1
        begin: i64 = -1
        stop: i64 = 0
        fields = Fields(data, at, end)
        while fields.next():
            if fields.number == 1:
                size = fields.value
            elif fields.number == 4 and fields.wire == BYTES:
                begin = fields.start
                stop = fields.stop
        if begin < 0 or size <= 0 or size > MAX_INSIDE:
            self.note(anomalies.BAD_COMPRESSION if size <= MAX_INSIDE else anomalies.BOUND, end - at)
            return False
        budget = self.facts.budget
        self.closed += stop - begin
        budget.deflated += stop - begin
        if self.session.compression == LZ4:
            made = open_frame(data, begin, stop, size)
            if made is None:
                self.note(anomalies.BAD_COMPRESSION, end - at)
                return False
            self._inside(made)
            return True
        return self._stream(data[begin:stop], size)

    def _stream(self, piece: bytes, size: i64) -> bool:
        """Inflate a message of `deflate_stream` or `zstd_stream`, whose compressor goes on from one to the next.

        Return whether all of it came out.
        """
        while size > 0:
            inflater = self.inflater
            if inflater is None or inflater.eof:
                inflater = self._make()
                if inflater is None:
                    return False
            try:
                some = inflater.decompress(piece, CHUNK if size > CHUNK else size)
            except Exception:  # zlib.error, ZstdError: whatever the bytes do to a library
                self._drop()
                self.note(anomalies.BAD_COMPRESSION, size)
                return False
            piece = b""
            if not some:
                self.note(anomalies.BAD_COMPRESSION, size)
                return False
            size -= len(some)
            self._inside(some)
            if is_bomb(self.facts.budget, self.opened, self.closed):
                self._drop()
                self.note(anomalies.BOUND, size)
                return False
        if self.inflater is not None and self.inflater.eof:
            self._drop()
        return True

    def _make(self) -> Inflater | None:
        self._drop()
        algorithm = self.session.compression
        kind = ZLIB if algorithm == DEFLATE else ZSTD_INFLATER
        make = self.inflaters.get(kind) if algorithm in (DEFLATE, ZSTD) else None
        if make is None:
            self.note(anomalies.BAD_COMPRESSION, 0)
            return None
        cost = ZLIB_COST if kind == ZLIB else ZSTD_COST
        if not self.facts.budget.take_inflating(cost):
            self.note(anomalies.BOUND, 0)
            return None
        self.cost = cost
        self.inflater = make()
        return self.inflater

    def _drop(self) -> None:
        self.inflater = None
        self.facts.budget.inflating += self.cost
        self.cost = 0

    def _inside(self, piece: bytes) -> None:
        self.opened += len(piece)
        self.facts.budget.inflated += len(piece)
        inner = self.inner
        side = self.inner_side
        if inner is None or side is None:
            side = DirectionAccount(self.side.from_client)
            side.anchored = True
            if self.side.tracker is not None:
                self.held = self.side.tracker.made_held()
                side.tracker = self.held
            inner = self.make_inner(side)
            inner.is_inner = True
            self.inner = inner
            self.inner_side = side
        side.frame = self.side.frame
        side.time_ns = self.side.time_ns
        side.anchor = self.begun
        side.seen += len(piece)
        inner.feed(piece, 0, len(piece), 0)
        inner.next = STAY
