"""One direction while it is masked: of each byte of its stream, whether it stays, and what stands in its place.

Nothing stays by itself. TLS records stay as they were delivered; of a MySQL packet what `ClientMask` and `ServerMask`
say; of other protocols what is known to be one. Frames are told what to write as soon as that is decided.
"""

from bisect import bisect_right
from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.redact.conversation import Talk
from aurora_wire.redact.held_frames import Board, Packed, Part, Resolver
from aurora_wire.redact.mysql_client import ClientMask
from aurora_wire.redact.mysql_server import ServerMask
from aurora_wire.redact.packet_mask import PacketMask
from aurora_wire.redact.proxy_header import masked_proxy
from aurora_wire.redact.replacements import FILL, SHAPES, STAR, Words, blanked, most_frequent
from aurora_wire.redact.x_messages import masked_message
from aurora_wire.wire.decoding import labels, roles
from aurora_wire.wire.decoding.tracker import Tracker
from aurora_wire.wire.flows.facts import Facts, TrackerMaker
from aurora_wire.wire.mysql.compressed import HEADER as COMPRESSED_HEADER
from aurora_wire.wire.mysql.framing import HEADER

# What becomes of a run of bytes.
KEEP: Final[i64] = 0
BLANK: Final[i64] = 1
SHAPE: Final[i64] = 2    # readable ones become the filler, all others NUL: nobody knows what they are
NEW: Final[i64] = 3

BIG: Final[i64] = 1 << 18          # bytes of a payload that is looked at; of a longer one the header stays
MAX_REMEMBERED: Final[i64] = 1 << 18  # bytes that stand in place of others and are kept for their retransmission
MAX_RUNS: Final[i64] = 4096
NEAR: Final[i64] = 8               # runs that are looked at one by one
MAX_PACKED: Final[i64] = 4 << 20   # bytes in compressed packets that wait for a packet inside them to end
X_HEADER: Final[i64] = 5
MAX_X: Final[i64] = 1 << 24
X_SMALL: Final[i64] = 5           # bytes of a message that is a number or a flag, and no more: type and four


class Direction(Resolver):
    """is_client: told when it is made, and again by the engine where roles were taken the wrong way round."""

    def __init__(self, board: Board, talk: Talk, from_client: bool) -> None:
        super().__init__()
        self.board = board
        self.talk = talk
        self.from_client = 1 if from_client else 0
        self.keeps = BIG
        self.takes_runs = True
        self.client = ClientMask(talk)
        self.server = ServerMask(talk)
        self.floor: i64 = 0      # what was decided before this offset is forgotten
        self.ends: list[int] = []
        self.kinds: list[int] = []
        self.news: list[bytes] = []
        self.new_bytes: i64 = 0
        self.writes = False      # on the board's paper: up to `done` it is decided, and in no run yet
        self.waiting: list[Part] = []
        self.inner: Direction | None = None
        self.inner_end: i64 = 0
        self.packed: list[Packed] = []
        self.packed_bytes: i64 = 0
        self.x_head = b""
        self.x_left: i64 = 0
        self.x_keeps = False
        self.x_kind: i64 = 0
        self.x_body = b""
        self.x_lost = False

    # What the engine tells.

    def frame(self, frame: i64, start: i64, end: i64, payload_at: i64) -> None:
        board = self.board
        if self.writes:
            self.close()
        if frame == board.current and board.direction is None:
            board.direction = self
            board.start = start
            board.end = end
            board.payload_at = payload_at
            return
        self._part(frame, payload_at, start, end, True)

    def alone(self, frame: i64, label: i64) -> None:
        board = self.board
        board.is_alone = True
        if label == labels.NOT_MYSQL:
            board.not_mysql += 1
            if self.talk.is_other():
                board.keeps = True

    def again(self, frame: i64, start: i64, end: i64) -> None:
        self.board.cover(frame, end - start)

    def same(self, frame: i64, start: i64, end: i64, offset: i64) -> None:
        self._part(frame, start, offset, offset + end - start, False)

    def _part(self, frame: i64, payload_at: i64, start: i64, end: i64, covers: bool) -> None:
        part = Part(frame, payload_at, start, end, covers)
        if frame == self.board.current:
            part.direction = self
            self.board.parts.append(part)
        elif end <= self.done:
            self.board.resolve(part, self)
        else:
            self.waiting.append(part)

    def wait(self, part: Part) -> None:
        self.waiting.append(part)

    def span(self, start: i64, end: i64, label: i64) -> None:
        if labels.TLS_HANDSHAKE <= label <= labels.TLS_HEARTBEAT:
            if self.talk.records_are_closed():
                if start == self.done and self.kept_from < start and not self.waiting:
                    # The usual case, which needs no more than this (`kept_from` says that nothing is being written).
                    self.done = end
                    self.ends[len(self.ends) - 1] = int(end)
                    return
                self.decide(start, end, KEEP, b"")
            else:
                self.decide(start, end, SHAPE, b"")
        elif label == labels.PROXY_HEADER:
            if self.board.proxy_frame == 0:
                self.board.proxy_frame = self.board.current
            self.decide(start, end, BLANK, b"")  # of one that nobody could read
        elif label == labels.NOT_MYSQL:
            self.board.not_mysql += 1
            # Bytes of one kind, readable ones: no packet of MySQL, whoever sent them.
            self.decide(start, end, KEEP if self.talk.is_other() else BLANK, b"")
        elif label == labels.UNKNOWN:
            self.decide(start, end, SHAPE, b"")
        elif labels.is_registered(label):
            self.decide(start, end, KEEP if label < labels.FIRST_PLAINTEXT else BLANK, b"")

    def proxied(self, start: i64, data: bytes) -> None:
        self.decide(start, start + len(data), NEW, masked_proxy(data))

    def gap(self, start: i64, end: i64) -> None:
        self.decide(start, end, BLANK, b"")
        self.x_lost = True

    def lost(self) -> None:
        self.talk.is_lost = True

    def begins(
        self, start: i64, length: i64, role: i64, certain: bool, number: i64, of: i64, first: i64
    ) -> None:
        if length > BIG:
            # Too long to wait for: its header stays, and its command.
            end = start + HEADER
            if role == roles.COMMAND:
                end += 1
            self.decide(start, end, KEEP, b"")
            self.decide(end, start + HEADER + length, BLANK, b"")

    def goes_on(self, start: i64, length: i64) -> None:
        self.decide(start, start + HEADER, KEEP, b"")
        self.decide(start + HEADER, start + HEADER + length, BLANK, b"")

    def packet(self, start: i64, role: i64, certain: bool, data: bytes, at: i64, end: i64, total: i64) -> None:
        body = start + HEADER
        if body + total <= self.done:
            return  # decided when it began
        sure = certain and (self.talk.certain() or role in EARLY)
        if at >= HEADER and start == self.done and not self.waiting:
            # The usual case: it lies whole in a segment, its header before it. With those around it it is one run.
            writes = self.writes
            if not writes:
                self._open()
            cut = self.talk.words.cut
            cut.begin_on(self.board.paper, data, at - HEADER, at, end)
            self._mask().mask(cut, role, sure, total)
            if cut.end_on(writes):
                self.done = body + end - at
                self.kept_from = self.done
            else:
                self.board.writing = None
                self.writes = False
                self.decide(start, body + end - at, KEEP, b"")
            return
        new = self._mask().payload(role, sure, data, at, end, total)
        if len(new) == 0:
            self.decide(start, body + end - at, KEEP, b"")
        elif at >= HEADER and start >= self.done:
            # It lies whole in a segment, its header before it.
            self.decide(start, body + len(new), NEW, data[at - HEADER : at] + new)
        else:
            self.decide(start, body, KEEP, b"")
            self.decide(body, body + len(new), NEW, new)

    def _mask(self) -> PacketMask:
        if self.from_client == 1:
            return self.client
        return self.server

    def definitions(self, start: i64, data: bytes, at: i64, end: i64) -> None:
        if start != self.done or self.waiting or not self.talk.certain():
            self._each_definition(start, data, at, end)
            return
        packets = data[at:end]
        known = self.server.result(packets)
        if known is None:
            self._each_definition(start, data, at, end)
            return
        if len(known.masked) == 0 and not self.writes:
            self.decide(start, start + end - at, KEEP, b"")
            return
        if not self.writes:
            self._open()
        self.board.paper.write(known.masked if len(known.masked) > 0 else packets)
        self.done = start + end - at
        self.kept_from = self.done

    def _each_definition(self, start: i64, data: bytes, at: i64, end: i64) -> None:
        while at < end:
            length = u24(data, at)
            at += HEADER
            self.packet(start, roles.DEFINITION, True, data, at, at + length, length)
            at += length
            start += HEADER + length

    def content(self, start: i64, data: bytes, at: i64, end: i64) -> None:
        """Mask messages of X Protocol: length (4), type (1), fields that are not known here."""
        offset = start
        while at < end:
            if self.x_lost or not self._x_certain():
                self.decide(offset, offset + end - at, BLANK, b"")
                return
            take = end - at
            if self.x_left > 0:
                take = min(take, self.x_left)
                self.x_left -= take
                if self.x_keeps:
                    self._x_body(offset, data[at : at + take])
                else:
                    self.decide(offset, offset + take, BLANK, b"")
            else:
                need: i64 = X_HEADER - len(self.x_head)
                take = min(take, need)
                self.x_head += data[at : at + take]
                if len(self.x_head) == X_HEADER:
                    self._x_header()
                if not self.x_lost:
                    self.decide(offset, offset + take, KEEP, b"")
            at += take
            offset += take

    def _x_certain(self) -> bool:
        if len(self.talk.facts.anomalies) != self.talk.looked:
            self.talk.look()
        return not self.talk.is_lost

    def _x_header(self) -> None:
        head = self.x_head
        self.x_head = b""
        length: i64 = head[0] | head[1] << 8 | head[2] << 16 | head[3] << 24
        if length < 1 or length > MAX_X:
            self.x_lost = True
            return
        self.x_left = length - 1
        self.x_kind = head[4]
        self.x_body = b""
        self.x_keeps = length <= BIG

    def _x_body(self, offset: i64, piece: bytes) -> None:
        """Collect a message that is not too long to wait for, and mask it when it is whole."""
        self.x_body += piece
        if self.x_left > 0:
            return
        body = self.x_body
        self.x_body = b""
        end = offset + len(piece)
        size: i64 = len(body)
        if size < X_SMALL:
            self.decide(end - size, end, KEEP, b"")
            return
        new = masked_message(self.talk.words, self.from_client == 1, self.x_kind, body)
        self.decide(end - size, end, NEW, new)

    # Compressed packets.

    def made_inside(self) -> Tracker | None:
        inner = Direction(self.board, self.talk, self.from_client == 1)
        self.inner = inner
        self.inner_end = 0
        self.packed = []
        return inner

    def compressed(self, start: i64, end: i64, size: i64, body: bytes, inside: bytes) -> None:
        begin = self.inner_end
        self.inner_end = begin + size
        inner = self.inner
        if inner is None:
            return
        self.packed.append(Packed(start, end, begin, self.inner_end, body, inside))
        self.packed_bytes += len(inside)
        if self.packed_bytes > MAX_PACKED:
            inner.decide(inner.done, self.inner_end, BLANK, b"")
        self._pack()

    def _pack(self) -> None:
        inner = self.inner
        if inner is None:
            return
        count: i64 = 0
        for item in self.packed:
            if item.inner_end > inner.done:
                break
            count += 1
            self.packed_bytes -= len(item.inside)
            self._pack_one(item, inner)
        if count > 0:
            del self.packed[:count]

    def _pack_one(self, item: Packed, inner: "Direction") -> None:
        body = item.start + COMPRESSED_HEADER
        self.decide(item.start, body, KEEP, b"")
        size: i64 = len(item.inside)
        if size == 0 or size != item.inner_end - item.inner_start:
            return
        masked = b"".join(inner.output(item.inner_start, item.inside, 0, size, 0))
        if masked == item.inside:
            self.decide(body, item.end, KEEP, b"")
            return
        if item.inside == item.body:
            self.decide(body, item.end, NEW, masked)
            return
        packed = self.talk.words.pack(item.body, masked)
        if len(packed) == 0:
            bare = b"".join(inner.output(item.inner_start, item.inside, 0, size, STAR))
            packed = self.talk.words.pack(item.body, bare)
            if len(packed) == 0:
                # A letter that is there already needs fewer bits than one more.
                bare = b"".join(inner.output(item.inner_start, item.inside, 0, size, most_frequent(bare)))
                packed = self.talk.words.pack(item.body, bare)
        if len(packed) == len(item.body):
            self.decide(body, item.end, NEW, packed)

    def flush(self) -> None:
        if self.writes:
            self.close()
        inner = self.inner
        if inner is not None:
            if inner.done < self.inner_end:
                inner.decide(inner.done, self.inner_end, BLANK, b"")
            self._pack()
        last = self.done
        for part in self.waiting:
            last = max(last, part.end)
        if last > self.done:
            self.decide(self.done, last, BLANK, b"")

    # What is decided.

    def decide(self, start: i64, end: i64, kind: i64, new: bytes) -> None:
        """Decide the bytes [start, end) of the stream; those before `start` without a decision are blanked."""
        done = self.done
        if end <= done:
            return
        if self.writes:
            self.close()
        if start > done:
            self._run(start, BLANK, b"")
        elif start < done and kind == NEW:
            new = new[done - start :]
        self._run(end, kind, new)
        if self.waiting:
            self._resolve()

    def _open(self) -> None:
        """Begin to write on the board's paper, which is one direction's at a time."""
        board = self.board
        other = board.writing
        if other is not None:
            other.close()
        board.writing = self
        self.writes = True

    def close(self) -> None:
        board = self.board
        board.writing = None
        self.writes = False
        new = board.paper.getvalue()
        board.paper.truncate(0)
        self._run(self.done, NEW, new)

    def _run(self, end: i64, kind: i64, new: bytes) -> None:
        last = len(self.ends) - 1
        if kind != KEEP:
            self.kept_from = end
        if kind != NEW and last >= 0 and self.kinds[last] == kind:
            self.ends[last] = int(end)
        else:
            if kind == KEEP:
                self.kept_from = self.done
            self.ends.append(int(end))
            self.kinds.append(int(kind))
            self.news.append(new)
            self.new_bytes += len(new)
            if len(self.ends) > MAX_RUNS or self.new_bytes > 2 * MAX_REMEMBERED:
                self._forget()
        self.done = end

    def _forget(self) -> None:
        """Forget the oldest half of what was decided."""
        count: i64 = len(self.ends) // 2
        if count == 0:
            return
        self.floor = self.ends[count - 1]
        for new in self.news[:count]:
            self.new_bytes -= len(new)
        del self.ends[:count]
        del self.kinds[:count]
        del self.news[:count]

    def _resolve(self) -> None:
        rest: list[Part] = []
        for part in self.waiting:
            if part.end <= self.done:
                self.board.resolve(part, self)
            else:
                rest.append(part)
        self.waiting = rest

    def _find_run(self, offset: i64) -> i64:
        """Return which run the byte at `offset` is in: one of the last, mostly."""
        ends = self.ends
        run: i64 = len(ends)
        last = run - NEAR
        while run > 0 and run > last:
            if ends[run - 1] <= offset:
                return run
            run -= 1
        return bisect_right(ends, int(offset))

    def output(self, offset: i64, data: bytes, at: i64, end: i64, bare: i64) -> list[bytes]:
        """Return what to write in place of data[at:end], which are the stream's bytes from `offset` on.

        bare: a byte in place of each that is masked, where not 0.
        """
        if self.writes:
            self.close()
        found: list[bytes] = []
        if offset < self.floor:
            low = min(self.floor - offset, end - at)
            found.append(FILL * int(low))
            offset += low
            at += low
        run = self._find_run(offset)
        while at < end:
            if run >= len(self.ends):
                found.append(FILL * int(end - at))
                break
            stop: i64 = self.ends[run]
            size = stop - offset
            size = min(size, end - at)
            kind: i64 = self.kinds[run]
            if kind == KEEP:
                found.append(data[at : at + size])
            elif kind == NEW:
                new = self.news[run]
                begin = offset - (stop - len(new))
                piece = new if size == len(new) else new[begin : begin + size]
                if bare != 0:
                    piece = blanked(data, at, piece, bare)
                found.append(piece)
            elif kind == SHAPE:
                found.append(data[at : at + size].translate(SHAPES))
            else:
                found.append(FILL * int(size))
            offset += size
            at += size
            run += 1
        return found


# Packets at whose time nothing can be agreed yet.
EARLY: Final = frozenset((int(roles.GREETING), int(roles.SSL_REQUEST), int(roles.EARLY_ERR)))


class Directions(TrackerMaker):
    """Makes the masking tracker of each direction of each connection."""

    def __init__(self, board: Board, words: Words, hosts: bool, keep_unknown: bool) -> None:
        self.board = board
        self.words = words
        self.hosts = hosts
        self.keep_unknown = keep_unknown
        self.talk: Talk | None = None

    def make(self, facts: Facts, from_client: bool, is_mysql_port: bool, from_syn: bool) -> Tracker:
        talk = self.talk
        if talk is None or talk.facts is not facts:
            talk = Talk(facts, self.words, self.hosts, self.keep_unknown, is_mysql_port, from_syn)
            self.talk = talk
        return Direction(self.board, talk, from_client)
