"""One connection: two streams, what they speak, and the hand-over from one protocol to the next.

It begins undecided: what comes is kept (bounded) until the content says what it is
(wire/flows/deciding.py). From then on each direction has a decoder, which says when another one has to go on: PROXY
header, MySQL packets, TLS records, compressed packets, or a search where the framing was lost.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.connection_log import DECODED, MYSQL, OTHER, TLS_ONLY, UNKNOWN, Budget
from aurora_wire.wire.decoding.decoder import STAY, TO_COMPRESSED, TO_GROUP, TO_MYSQL, TO_OTHER, TO_TLS, Decoder
from aurora_wire.wire.decoding.opaque import Opaque
from aurora_wire.wire.decoding.segment import SEGMENT_COST, Segment
from aurora_wire.wire.flows.aside import look_at_disputed, read_aside, set_aside
from aurora_wire.wire.flows.deciding import decide, give_up, wait_in_midstream
from aurora_wire.wire.flows.decoder_set import Decoders
from aurora_wire.wire.flows.facts import START_SYN, Facts
from aurora_wire.wire.flows.null_cipher import InClearMaker
from aurora_wire.wire.flows.overlap_history import History
from aurora_wire.wire.flows.tcp_stream import Receiver, Stream
from aurora_wire.wire.identify.first_bytes import FirstBytes, name_at_end
from aurora_wire.wire.identify.midstream import MidStream
from aurora_wire.wire.identify.resync import Resync
from aurora_wire.wire.mysql.compressed import ZLIB, Inflater
from aurora_wire.wire.mysql.greeting import Greeting
from aurora_wire.wire.mysql.statements import release
from aurora_wire.wire.mysql.states import GREETING, SERVER, move
from aurora_wire.wire.mysql.turn import Turn
from aurora_wire.wire.tls.records import TLSRecords

NOBODY: Final = Receiver()
CONNECTION_COST: Final[i64] = 6000   # bytes that an open connection takes, with what it opened with, and its decoders
DECODERS_COST: Final[i64] = 5000

NOT_RESET: Final[i64] = 0
MAYBE_RESET: Final[i64] = 1  # an RST came, but not at the next byte that its receiver expects
RESET: Final[i64] = 2


class Connection(Receiver):
    """Two streams and their decoders. `client` and `server` are roles by who greets or sends SYN, else by port."""

    client: Stream  # first in memory too: see `Stream`
    server: Stream

    def __init__(
        self, facts: Facts, client_key: bytes, server_key: bytes, budget: Budget,
        is_mysql_port: bool, own_port: i64, inflaters: dict[int, Callable[[], Inflater]],
        borrowed: list[History],
    ) -> None:  # fmt: skip
        self.facts = facts
        self.packets: i64 = 0
        self.last_frame: i64 = 0
        self.last_time: i64 = -1
        self.skipping = False              # another protocol: nothing is decoded
        self.reset: i64 = NOT_RESET
        self.verify = True                 # TCP checksums still matter
        self.undecided = True
        self.watching = False              # `skipping`, by a guess that may be taken back
        self.tries: i64 = 0                # segments that came before it was decided
        self.midstream = MidStream(is_mysql_port)
        self.turn: Turn | None = None      # joins the pieces of packets in mid-stream
        self.is_mysql_port = is_mysql_port
        self.finished = False
        self.first_frame: i64 = 0
        self.first_time: i64 = -1
        self.client_isn: i64 = -1          # sequence numbers of the SYNs
        self.server_isn: i64 = -1
        self.ends: i64 = 0                 # directions that sent FIN
        self.reset_by: Stream | None = None  # an RST that came early: whose, its offset, and how far they had come
        self.reset_at: i64 = 0
        self.reset_next: i64 = 0
        self.closed_frame: i64 = -1
        self.ip_version: i64 = 4
        self.is_aside = False              # this one reads the bytes that another set aside
        self.aside: Connection | None = None
        self.aside_client: i64 = -1        # the frame and the stream offset where bytes were first set aside
        self.aside_client_offset: i64 = 0
        self.aside_server: i64 = -1
        self.aside_doubts = 0              # bytes set aside that are more than late repetitions
        self.aside_server_offset: i64 = 0
        self.next_space: Connection | None = None  # the same addresses and ports, other sequence numbers
        self.own_port: i64 = own_port      # row in wire/identify/protocols.py of the protocol whose port it is, or -1
        self.budget = budget
        self.waiting: i64 = 0              # charged for the segments that wait until it is decided
        self.decoders = Decoders(facts, inflaters)
        self.in_clear: InClearMaker | None = None  # TLS has begun
        # Last: what is set before `self` is handed out needs no look, at each use, whether it was set.
        self.client = Stream(client_key, facts, facts.client, self, budget, borrowed)
        self.server = Stream(server_key, facts, facts.server, self, budget, borrowed)
        facts.charge(CONNECTION_COST)

    def is_empty(self) -> bool:
        """Return whether nothing but its opening and its end was captured."""
        return self.client.side.seen + self.server.side.seen == 0 and self.next_space is None

    def peer(self, stream: Stream) -> Stream:
        return self.server if stream is self.client else self.client

    def swap_roles(self) -> None:
        """Swap client and server. Only while undecided: decoders know their direction."""
        self.client, self.server = self.server, self.client
        facts = self.facts
        facts.client, facts.server = facts.server, facts.client
        facts.client.from_client = True
        facts.server.from_client = False
        self.client_isn, self.server_isn = self.server_isn, self.client_isn
        for note in facts.anomalies:
            note.from_client = not note.from_client
        for side in (facts.client, facts.server):
            tracker = side.tracker
            if tracker is not None:
                tracker.from_client = 1 if side.from_client else 0

    def dispose(self) -> None:
        """Let go of what refers back to this connection, so that it needs no garbage collector."""
        self.reset_by = None
        self.client.receiver = NOBODY
        self.server.receiver = NOBODY

    # Bytes.

    def deliver(self, stream: Stream, data: bytes, at: i64, end: i64, cut: i64) -> None:
        """Take the next bytes of a stream that has no decoder (yet)."""
        if self.skipping:
            stream.side.account(end - at, labels.NOT_MYSQL)
        elif self.undecided:
            self._wait(stream, data, at, end, cut)

    def switch_decoder(self, stream: Stream, decoder: Decoder, data: bytes, at: i64, end: i64, cut: i64) -> None:
        """Let another decoder go on at `at`, up to which `decoder` consumed: its `next` says which."""
        self._successor(stream, decoder)
        carry = decoder.carry
        if carry:
            decoder.carry = b""
            self._feed(stream, carry, 0, len(carry), 0)
        if at < end:
            self._feed(stream, data, at, end, cut)

    def deliver_decrypted(self, stream: Stream, data: bytes) -> None:
        """Decode the next bytes of a stream, in order, that came by another way than in segments."""
        size: i64 = len(data)
        if stream.decoder is None:
            self.deliver(stream, data, 0, size, 0)
        else:
            self._feed(stream, data, 0, size, 0)

    def gap(self, stream: Stream, count: i64) -> None:
        if not self.undecided or self._decide_at_gap(stream, count):
            self._gap(stream, count)

    def _decide_at_gap(self, stream: Stream, count: i64) -> bool:
        """Decide what can be, as bytes are missing now; False where the gap is accounted for already."""
        if not stream.pending and stream.side.position == 0:
            # Nothing came before it: the beginning is missing.
            stream.side.gap(count)
            if stream.start > 0:
                stream.start = -1
            return False
        decide(self, stream, True)
        if self.undecided and not (self.is_mysql_port or self.own_port >= 0):
            # A gap makes nothing MySQL: what comes is judged as in mid-stream.
            self._forget(stream, count)
            return False
        if self.undecided:
            give_up(self)
        self._no_longer_wait()
        return True

    def _gap(self, stream: Stream, count: i64) -> None:
        if self.skipping:
            stream.side.gap(count)
            return
        decoder = stream.decoder
        if decoder is not None:
            decoder.gap(count)
            if decoder.next != STAY:
                self._successor(stream, decoder)
                self._search_behind_gap(stream)

    def _search_behind_gap(self, stream: Stream) -> None:
        """Tell a search that what comes next has a gap before it."""
        decoder = stream.decoder
        if isinstance(decoder, Resync):
            decoder.behind_gap = True
            decoder.midstream = self.midstream

    def _feed(self, stream: Stream, data: bytes, at: i64, end: i64, cut: i64) -> None:
        stuck: i64 = 0
        while True:
            decoder = stream.decoder
            if decoder is None:
                if self.skipping:
                    stream.side.account(end - at, labels.NOT_MYSQL)
                return
            begun = at
            at = decoder.feed(data, at, end, cut)
            if decoder.next == STAY:
                return
            self._successor(stream, decoder)
            carry = decoder.carry
            if carry:
                decoder.carry = b""
                self._feed(stream, carry, 0, len(carry), 0)
            if at >= end:
                return
            stuck = stuck + 1 if at == begun else 0
            if stuck > 4:
                # Decoders that point at each other: the bytes fit neither.
                decoder.note(anomalies.LOST_FRAMING, end - at)
                stream.side.account(end - at, labels.UNKNOWN)
                return

    def _successor(self, stream: Stream, decoder: Decoder) -> None:
        """Install the decoder that goes on after `decoder`, as its `next` says."""
        want = decoder.next
        decoder.next = STAY
        facts = self.facts
        side = stream.side
        is_client = side.from_client
        if want == TO_TLS:
            if facts.kind == UNKNOWN:
                facts.kind = TLS_ONLY
            stream.decoder = self._tls_records(stream)
        elif want == TO_MYSQL:
            facts.kind = MYSQL
            if facts.tls is not None and facts.tls.side(is_client).records > 0 and facts.after_tls_frame < 0:
                facts.after_tls_frame = side.frame
            if is_client:
                stream.decoder = self.decoders.client_packets(side)
            else:
                stream.decoder = self.decoders.server_after(side, decoder)
        elif want == TO_COMPRESSED:
            facts.kind = MYSQL
            if facts.compression == 0:
                facts.compression = ZLIB
            facts.charge(DECODERS_COST)
            stream.decoder = self.decoders.compressed(side)
        elif want == TO_OTHER:
            self.start_other("TLS")
        elif want == TO_GROUP:
            stream.decoder = Opaque(facts, side, labels.GROUP_REPLICATION)
        else:
            records: i64 = 0
            tls = facts.tls
            if tls is not None:
                records = tls.client.records if is_client else tls.server.records
            injected = facts.ssl_request_frame >= 0 and records == 0
            aligned = isinstance(decoder, TLSRecords) and decoder.aligned
            stream.decoder = Resync(facts, side, injected, records > 0, aligned)

    def start_login(self, greeting: Greeting | None) -> None:
        """Begin with a login, after a greeting that came by another way: before TLS."""
        self.facts.greeting = greeting
        self.start_mysql()
        server = self.decoders.server_packets(self.facts.server)
        server.state = move(SERVER, server.state, GREETING)

    # What is it?

    def _wait(self, stream: Stream, data: bytes, at: i64, end: i64, cut: i64) -> None:
        side = stream.side
        offset = stream.next - (end - at) - cut
        stream.pending.append(Segment(offset, data[at:end], cut, side.frame, side.time_ns, side.anchor))
        cost = end - at + SEGMENT_COST
        self.waiting += cost
        self.budget.held -= cost
        if self.is_first(stream):
            self.tries += 1
            decide(self, stream, False)
        else:
            wait_in_midstream(self, stream, data, at, end, cut)
        if self.undecided and self.budget.held < 0:
            self.budget.refused = True
            # Too much waits, in all connections: this one is decided by what is there.
            self.facts.note(anomalies.BOUND, side.from_client, side.frame, side.time_ns, side.position, 0)
            give_up(self)
        if not self.undecided:
            self._no_longer_wait()

    def _no_longer_wait(self) -> None:
        if self.turn is not None:
            self.turn.clear()
        self.budget.held += self.waiting
        self.waiting = 0

    def is_first(self, stream: Stream) -> bool:
        """Return whether the connection's first bytes were captured, and `stream`'s first byte is among what waits."""
        if stream.start != START_SYN:
            return False
        return stream.side.position == (self.facts.client_header if stream is self.client else 0)

    def _forget(self, stream: Stream, count: i64) -> None:
        """Leave unknown what waits before a gap, in an undecided stream on a port that is not MySQL's."""
        side = stream.side
        if self.turn is not None:
            self.turn.clear()
        for item in stream.pending:
            size: i64 = len(item.data)
            side.account(size, labels.UNKNOWN)
            self.waiting -= size + SEGMENT_COST
            self.budget.held += size + SEGMENT_COST
        stream.pending = []
        side.gap(count)

    def set_roles(self, stream: Stream, is_client: bool) -> None:
        if stream.side.from_client != is_client:
            self.swap_roles()

    def start_mysql(self) -> None:
        facts = self.facts
        facts.kind = MYSQL
        self.undecided = False
        self.facts.charge(DECODERS_COST)
        self.server.decoder = self.decoders.server_packets(facts.server)
        if facts.client.position == facts.client_header:
            self.client.decoder = FirstBytes(facts, facts.client)
        else:
            self.client.decoder = self.decoders.client_packets(facts.client)
        facts.client_start = self.client.known_from()
        self._replay(self.server)
        self._replay(self.client)

    def resynchronise(self) -> None:
        """Resynchronise both directions: MySQL, or on its port, but not from the beginning."""
        self.undecided = False
        self.midstream = MidStream(self.is_mysql_port)  # what waited is handed out, and judged, once more
        self.facts.charge(DECODERS_COST)
        self.client.decoder = Resync(self.facts, self.facts.client, False, False, False)
        self.server.decoder = Resync(self.facts, self.facts.server, False, False, False)
        # Whatever the first bytes seen are in the middle of began before the capture.
        self._search_behind_gap(self.client)
        self._search_behind_gap(self.server)
        self._replay_in_order()

    def _tls_records(self, stream: Stream) -> TLSRecords:
        made = self.decoders.tls(stream.side)
        made.peer = self.peer(stream)
        if self.in_clear is None:
            self.in_clear = InClearMaker(self.decoders)
        made.in_clear = self.in_clear
        return made

    def start_tls(self, stream: Stream) -> None:
        """Decode TLS: `stream` began with a hello. What came of its peer, in mid-stream, may begin inside a record."""
        self.undecided = False
        self.facts.charge(DECODERS_COST)
        self.client.decoder = self._tls_records(self.client)
        self.server.decoder = self._tls_records(self.server)
        peer = self.peer(stream)
        if peer.pending and not self.is_first(peer):
            peer.decoder = Resync(self.facts, peer.side, False, False, False)
            self._search_behind_gap(peer)
        self._replay_in_order()

    def start_decoded(self, name: str) -> None:
        """Decode a protocol with a folder of its own, from the first bytes of each direction or in mid-stream."""
        facts = self.facts
        facts.kind = DECODED
        facts.other = name
        self.undecided = False
        facts.charge(DECODERS_COST)
        self.client.decoder = self.decoders.decoded(name, facts.client, self.is_first(self.client))
        self.server.decoder = self.decoders.decoded(name, facts.server, self.is_first(self.server))
        facts.client_start = self.client.known_from()
        self._replay_in_order()

    def start_other(self, name: str) -> None:
        self.facts.kind = OTHER
        self.facts.other = name
        # Where the beginning was captured, and MySQL's port is another, nothing can contradict it.
        fresh = self.is_first(self.client) and self.is_first(self.server)
        self.watching = self.is_mysql_port or not fresh
        self.undecided = False
        self.skipping = True
        self.verify = False
        for stream in (self.client, self.server):
            for item in stream.pending:
                stream.side.account(len(item.data), labels.NOT_MYSQL)
            stream.pending = []
            stream.history.clear()
            decoder = stream.decoder
            if decoder is not None:
                decoder.finish()
                stream.decoder = None

    def _replay_in_order(self) -> None:
        """Hand out what waited, in capture order."""
        while self.client.pending or self.server.pending:
            stream = self.server
            if not stream.pending or (
                self.client.pending and self.client.pending[0].frame < stream.pending[0].frame
            ):
                stream = self.client
            self._replay_one(stream)

    def _replay(self, stream: Stream) -> None:
        while stream.pending:
            self._replay_one(stream)

    def _replay_one(self, stream: Stream) -> None:
        item = stream.pending.pop(0)
        side = stream.side
        side.frame = item.frame
        side.time_ns = item.time_ns
        side.anchor = item.payload_at
        # What the snaplen cut off behind the last of them comes as a gap of its own: whoever delivers it says so.
        self._feed(stream, item.data, 0, len(item.data), item.cut)

    # The rest of a connection's life.

    def set_aside(
        self, stream: Stream, seq: i64, data: bytes, at: i64, end: i64, frame: i64, time_ns: i64, doubtful: bool
    ) -> None:
        set_aside(self, stream, seq, data, at, end, frame, time_ns, doubtful)

    def disputed(self, stream: Stream, data: bytes, frame: i64) -> None:
        look_at_disputed(self, stream, data, frame)

    def make_reader(self) -> "Connection":
        """Return a connection that reads the bytes that this one sets aside."""
        reader = Connection(
            Facts(self.facts.id, self.facts.budget, None), self.client.key, self.server.key, self.facts.budget,
            self.own_port < 0, self.own_port, self.decoders.inflaters, self.client.history.borrowed,
        )  # fmt: skip
        reader.is_aside = True
        return reader

    def stops_inside(self, stream: Stream) -> bool:
        """Return whether a direction stops inside a TLS record."""
        decoder = stream.decoder
        return isinstance(decoder, TLSRecords) and decoder.is_unfinished()

    def close(self) -> None:
        """End: hand out what waits, and account for it. No more frames will come."""
        by = self.reset_by
        if by is not None and self.reset == MAYBE_RESET and by.next == self.reset_next:
            # Nothing came behind it: it tells that bytes before it were not captured.
            by.sent = by.sent if by.sent > self.reset_at else self.reset_at
            by.gap_frame = self.last_frame if by.gap_frame == 0 else by.gap_frame
        for stream in (self.client, self.server):
            stream.close()
        for stream in (self.client, self.server):
            if self.undecided and stream.pending:
                decide(self, stream, True)
        if self.undecided:
            if self.client.pending or self.server.pending or self.is_mysql_port or self.own_port >= 0:
                give_up(self)
            elif self.facts.proxy is not None:
                self.start_other("PROXY")
            else:
                self.start_other("no data" if self.tries == 0 else "unknown")
        for stream in (self.client, self.server):
            decoder = stream.decoder
            if decoder is not None:
                if stream.end == stream.next and self.stops_inside(stream):
                    # FIN inside a record: the stream is over, not only the capture.
                    decoder.note(anomalies.BAD_RECORD, 0)
                decoder.finish()
            tracker = stream.side.tracker
            if tracker is not None:
                tracker.flush()
                stream.side.tracker = None  # it may refer to the facts
            stream.decoder = None
            stream.pending = []
        self._no_longer_wait()
        self.facts.discharge()
        if self.in_clear is not None and self.in_clear.made is not None:
            self.in_clear.made.close()
        self.in_clear = None
        self.decoders.forget()
        read_aside(self)
        facts = self.facts
        name_at_end(facts)
        decryption = self.decoders.decryption
        if decryption is not None:
            decryption.close()
            if decryption.foreign and not facts.mysql_inside():
                facts.kind = OTHER
                facts.other = "TLS"
        for prepared in facts.prepared.values():
            release(facts.budget, prepared, True)
        for prepared in facts.unanswered_prepares:
            release(facts.budget, prepared, True)
        facts.prepared = {}
        facts.unanswered_prepares = []
        facts.expect_nothing()
        if facts.kind in (MYSQL, DECODED):
            facts.client_start = self.client.known_from()
