"""One connection: two streams, what they speak, and the hand-over from one protocol to the next.

It begins undecided: what comes is kept (bounded) until the content says what it is, by `Guess`
(wire/identify/identify.py). From then on each direction has a decoder, which says when another one has to go on: PROXY
header, MySQL packets, TLS records, compressed packets, or a search where the framing was lost.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u32_be
from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.connection_log import MYSQL, OTHER, TLS_ONLY, UNKNOWN, Budget, X
from aurora_wire.wire.decoding.decoder import STAY, TO_COMPRESSED, TO_GROUP, TO_MYSQL, TO_OTHER, TO_TLS, Decoder
from aurora_wire.wire.decoding.opaque import Opaque
from aurora_wire.wire.decoding.segment import SEGMENT_COST, Segment
from aurora_wire.wire.flows.decoder_set import Decoders
from aurora_wire.wire.flows.facts import START_SYN, Facts
from aurora_wire.wire.flows.null_cipher import InClearMaker
from aurora_wire.wire.flows.overlap_history import History
from aurora_wire.wire.flows.tcp_stream import Receiver, Stream
from aurora_wire.wire.identify import identify
from aurora_wire.wire.identify.first_bytes import FirstBytes, name_at_end
from aurora_wire.wire.identify.midstream import ASKS, UNDECIDED, MidStream
from aurora_wire.wire.identify.proxy_header import parse_proxy
from aurora_wire.wire.identify.resync import Resync
from aurora_wire.wire.identify.signatures import STRONG, fills_with_packets, holds_sql, is_leak, mysql_commands
from aurora_wire.wire.mysql.compressed import ZLIB, Inflater
from aurora_wire.wire.mysql.greeting import Greeting
from aurora_wire.wire.mysql.statements import release
from aurora_wire.wire.mysql.states import GREETING, SERVER, move
from aurora_wire.wire.tls.records import TLSRecords

NOBODY: Final = Receiver()
CONNECTION_COST: Final[i64] = 5000   # bytes that an open connection takes, and its decoders
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
        is_mysql_port: bool, is_x_port: bool, inflaters: dict[int, Callable[[], Inflater]],
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
        self.is_mysql_port = is_mysql_port
        self.is_x_port = is_x_port
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
        self._decide(stream, True)
        if self.undecided and not (self.is_mysql_port or self.is_x_port):
            # A gap makes nothing MySQL: what comes is judged as in mid-stream.
            self._forget(stream, count)
            return False
        if self.undecided:
            self._give_up()
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
            self._start_other("TLS")
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
        self._start_mysql()
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
        self.tries += 1
        self._decide(stream, False)
        if self.undecided and not (self.is_x_port or self._is_first(stream)):
            self._add_up(stream, data, at, end, cut)
        if self.undecided and self.budget.held < 0:
            # Too much waits, in all connections: this one is decided by what is there.
            self.facts.note(anomalies.BOUND, side.from_client, side.frame, side.time_ns, side.position, 0)
            self._give_up()
        if not self.undecided:
            self._no_longer_wait()

    def _no_longer_wait(self) -> None:
        self.budget.held += self.waiting
        self.waiting = 0

    def _is_first(self, stream: Stream) -> bool:
        """Return whether the connection's first bytes were captured, and `stream`'s first byte is among what waits."""
        if stream.start != START_SYN:
            return False
        return stream.side.position == (self.facts.client_header if stream is self.client else 0)

    def _add_up(self, stream: Stream, data: bytes, at: i64, end: i64, cut: i64) -> None:
        """Judge a segment of mid-stream together with those before it."""
        found = self.midstream.take(data, at, end, cut, stream.side.from_client)
        if found != UNDECIDED:
            self._roles(stream, found == ASKS)
            self.facts.told = True
            self._search()

    def _forget(self, stream: Stream, count: i64) -> None:
        """Leave unknown what waits before a gap, in an undecided stream on a port that is not MySQL's."""
        side = stream.side
        for item in stream.pending:
            size: i64 = len(item.data)
            side.account(size, labels.UNKNOWN)
            self.waiting -= size + SEGMENT_COST
            self.budget.held += size + SEGMENT_COST
        stream.pending = []
        side.gap(count)

    def _decide(self, stream: Stream, ends_here: bool) -> None:
        """Judge again, now that `stream` has brought something (or, with ends_here, will bring no more)."""
        first = self._is_first(stream)
        found = identify.identify(
            stream.pending, stream.side.from_client, first, self.is_mysql_port, self.is_x_port, ends_here
        )
        if found == identify.GREETING or found == identify.SERVER_ERROR:
            self._roles(stream, False)
            self._start_mysql()
        elif found == identify.CLIENT_FIRST:
            self._roles(stream, True)
            self._start_mysql()
        elif found == identify.COMMANDS:
            self._roles(stream, True)
            self.facts.told = True
            self._search()
        elif found == identify.REPLIES:
            self._roles(stream, False)
            self.facts.told = True
            self._search()
        elif found == identify.COMPRESSED:
            self._search()
        elif found == identify.PROXY:
            self._roles(stream, True)
            self._proxy(stream)
        elif found == identify.HELLO or found == identify.TLS_CHAIN:
            if ends_here or self._is_settled(stream, first, found):
                self._tls(stream, found)
        elif found == identify.X_PROTOCOL:
            self.facts.kind = X
            self.facts.other = "X Protocol"
            self._start_opaque(labels.X_PROTOCOL)
        elif ends_here:
            if found == identify.NAMED:
                self._give_up()
        elif self._is_settled(stream, first, found):
            self._give_up()

    def _is_settled(self, stream: Stream, first: bool, found: i64) -> bool:
        return identify.is_settled(
            found, stream.pending, self.peer(stream).pending, stream.side.from_client, first,
            self.is_mysql_port or self.is_x_port, self.tries,
        )  # fmt: skip

    def _tls(self, stream: Stream, found: i64) -> None:
        if found == identify.HELLO:
            self._roles(stream, identify.is_client_hello(stream.pending))
        if self.is_mysql_port or self.is_x_port:
            self.facts.kind = TLS_ONLY
            if found == identify.HELLO:
                self._start_tls(stream)
            else:
                self._search()  # what waited may end, and what the peer says may begin, inside a record
        else:
            self._start_foreign(stream, found == identify.HELLO)

    def _give_up(self) -> None:
        """Decide without MySQL's first bytes: another protocol, or on MySQL's port a search."""
        found = identify.other_name(self.client.pending, self.server.pending)
        if found:
            self._start_other(found)
        elif self.is_mysql_port or self.is_x_port:
            self._search()
        else:
            self._start_other("unknown")

    def _roles(self, stream: Stream, is_client: bool) -> None:
        if stream.side.from_client != is_client:
            self.swap_roles()

    def _proxy(self, stream: Stream) -> None:
        """Take the PROXY header off; what follows is judged again."""
        joined = identify.joined(stream.pending)
        header = parse_proxy(joined, 0, len(joined))
        if header is None:
            return
        if self.facts.proxy is None or header.source:
            self.facts.proxy = header
            self.facts.proxy_frame = stream.pending[0].frame
        size: i64 = header.length
        self.facts.client_header += size
        tracker = stream.side.tracker
        if tracker is not None:
            tracker.proxied(stream.side.position, joined[:size])
        stream.side.account(size, labels.PROXY_HEADER)
        stream.pending = identify.without_first(stream.pending, size)
        if stream.pending:
            self._decide(stream, False)

    def _start_mysql(self) -> None:
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

    def _search(self) -> None:
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

    def _start_tls(self, stream: Stream) -> None:
        """Decode TLS: `stream` began with a hello. What came of its peer, in mid-stream, may begin inside a record."""
        self.undecided = False
        self.facts.charge(DECODERS_COST)
        self.client.decoder = self._tls_records(self.client)
        self.server.decoder = self._tls_records(self.server)
        peer = self.peer(stream)
        if peer.pending and not self._is_first(peer):
            peer.decoder = Resync(self.facts, peer.side, False, False, False)
            self._search_behind_gap(peer)
        self._replay_in_order()

    def _start_foreign(self, stream: Stream, is_whole: bool) -> None:
        """Follow TLS on a port that is not MySQL's, if a key log may show MySQL inside."""
        decryption = self.decoders.make_decryption() if is_whole else None
        if decryption is None:
            self._start_other("TLS")
            return
        decryption.foreign = True
        self.facts.kind = TLS_ONLY
        self._start_tls(stream)

    def _start_opaque(self, label: i64) -> None:
        self.undecided = False
        self.client.decoder = Opaque(self.facts, self.facts.client, label)
        self.server.decoder = Opaque(self.facts, self.facts.server, label)
        self._replay_in_order()

    def _start_other(self, name: str) -> None:
        self.facts.kind = OTHER
        self.facts.other = name
        # Where the beginning was captured, and MySQL's port is another, nothing can contradict it.
        fresh = self._is_first(self.client) and self._is_first(self.server)
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

    def overlook(self, stream: Stream, tcp_at: i64, data: bytes, at: i64, end: i64, cut: i64) -> bool:
        """Pass a segment of what was taken for another protocol. Return True if it tells by itself that it is MySQL.

        Then its streams go on from here, and a search begins.
        """
        if end - at < 5 or (not self.is_mysql_port and data[at + 3] > 1):
            return False
        found = UNDECIDED
        if mysql_commands(data, at, end, cut) == STRONG:
            found = ASKS
        else:
            found = self.midstream.take(data, at, end, cut, stream.side.from_client)
        if found == UNDECIDED:
            return False
        self.skipping = False
        self.watching = False
        self.verify = True
        self.facts.kind = UNKNOWN
        self.facts.other = ""
        stream.resume(u32_be(data, tcp_at + 4))
        self.peer(stream).resume(u32_be(data, tcp_at + 8))
        self._roles(stream, found == ASKS)
        self._search()
        return True

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

    def disregard(
        self, stream: Stream, kind: i64, seq: i64, data: bytes, at: i64, end: i64, frame: i64, time_ns: i64
    ) -> None:
        """Note a segment that the receiver would have dropped. What it leaks counts: it crossed the wire."""
        facts = self.facts
        facts.note(kind, stream.side.from_client, frame, time_ns, stream.next, end - at)
        stream.side.aside += end - at
        self.set_aside(stream, seq, data, at, end, frame, time_ns, True)
        if facts.dropped_leak_frame < 0 and facts.kind in (MYSQL, TLS_ONLY):
            if stream.side.from_client and mysql_commands(data, at, end, 0) == STRONG:
                facts.dropped_leak_frame = frame

    def set_aside(
        self, stream: Stream, seq: i64, data: bytes, at: i64, end: i64, frame: i64, time_ns: i64, doubtful: bool
    ) -> None:
        """Hand bytes that are not part of the stream to a reader of their own.

        It is a connection that nobody else sees: it puts them in order where they are contiguous, and decodes them
        within the same bounds. Of bytes that conflict inside it, the first count.
        """
        if self.is_aside or self.skipping or at >= end:
            return
        facts = self.facts
        reader = self.aside
        if reader is None:
            found = Facts(facts.id, facts.budget, None)
            reader = Connection(
                found, self.client.key, self.server.key, facts.budget, not self.is_x_port, self.is_x_port,
                self.decoders.inflaters, self.client.history.borrowed,
            )  # fmt: skip
            reader.is_aside = True
            self.aside = reader
        if not doubtful and facts.tls is not None and facts.commands == 0 and fills_with_packets(data, at, end):
            doubtful = True  # what repeats ciphertext late has no packets in it
        if doubtful:
            self.aside_doubts += end - at
        if facts.dropped_leak_frame < 0 and facts.kind in (MYSQL, TLS_ONLY) and (doubtful or facts.commands == 0):
            from_client = stream.side.from_client
            beside_tls = facts.tls is not None and facts.commands == 0
            if holds_sql(data, at, end) or (beside_tls and is_leak(data, at, end, from_client)):
                facts.dropped_leak_frame = frame
        if stream.key == self.client.key:
            if self.aside_client < 0:
                self.aside_client = frame
                self.aside_client_offset = stream.next
        elif self.aside_server < 0:
            self.aside_server = frame
            self.aside_server_offset = stream.next
        other = reader.client if reader.client.key == stream.key else reader.server
        other.segment(seq, data, at, end, 0, frame, time_ns)

    def disputed(self, stream: Stream, data: bytes, frame: i64) -> None:
        """Count what leaked, also where it was taken for a part of a TLS record."""
        facts = self.facts
        size: i64 = len(data)
        if self.is_aside or facts.dropped_leak_frame >= 0 or facts.tls is None or facts.commands > 0 or size < 6:
            return
        if holds_sql(data, 0, size) or is_leak(data, 0, size, stream.side.from_client):
            facts.dropped_leak_frame = frame

    def _read_aside(self) -> None:
        """Judge the bytes set aside: MySQL in the clear, something harmless, or nobody knows."""
        reader = self.aside
        if reader is None:
            return
        self.aside = None
        reader.close()
        reader.dispose()
        facts = self.facts
        for statement in reader.facts.statements:
            facts.mend(statement)
        if self.aside_doubts == 0 and (facts.login_frame >= 0 or facts.commands > 0 or facts.responses > 0):
            return  # late repetitions, in a connection whose plaintext is told already
        found = reader.facts
        frame: i64 = -1
        if found.login_frame >= 0:
            frame = found.login_frame
        if (found.readable or (found.commands > 0 and found.responses > 0)) and found.command_frame >= 0:
            if frame < 0 or found.command_frame < frame:
                frame = found.command_frame
        for from_client in (True, False):
            note = found.find_anomaly(anomalies.READABLE_UNKNOWN, from_client)
            if note is not None and frame < 0:
                frame = note.frame
        if frame >= 0 and facts.kind != OTHER:
            if facts.dropped_leak_frame < 0 or frame < facts.dropped_leak_frame:
                facts.dropped_leak_frame = frame
            if found.readable and (facts.tls is not None or facts.statements_total == 0):
                # Beside statements of its own, another copy of one would read as one more.
                for statement in found.statements:
                    if not facts.holds(statement):
                        facts.add_statement(statement)
        for one in (reader.client, reader.server):
            side = one.side
            unread = side.seen > side.tls + side.by_design and self.aside_doubts > 0
            if unread or (side.seen > 0 and frame >= 0):
                is_client = one.key == self.client.key
                place = self.aside_client if is_client else self.aside_server
                offset = self.aside_client_offset if is_client else self.aside_server_offset
                aside = facts.client.aside if is_client else facts.server.aside
                # The losing copies of fragments were in no segment.
                amount = aside if aside > 0 else side.seen
                facts.note(anomalies.SET_ASIDE, is_client, place, self.last_time, offset, amount)

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
                self._decide(stream, True)
        if self.undecided:
            if self.client.pending or self.server.pending or self.is_mysql_port or self.is_x_port:
                self._give_up()
            elif self.facts.proxy is not None:
                self._start_other("PROXY")
            else:
                self._start_other("no data" if self.tries == 0 else "unknown")
        for stream in (self.client, self.server):
            decoder = stream.decoder
            if decoder is not None:
                if isinstance(decoder, TLSRecords) and decoder.is_unfinished() and stream.end == stream.next:
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
        self._read_aside()
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
        facts.request = -1
        facts.requests = bytearray()
        if facts.kind == MYSQL:
            facts.client_start = self.client.known_from()
