"""All connections of a capture, from frames. Sans-IO: time comes from the frames, nothing else comes in.

Feed it frames in capture order; it keeps the open connections, bounded, and hands each out in `ended` when nothing
more can change. `events` and `labelled` are filled only where they are asked for.
"""

from collections.abc import Callable
from typing import Final, cast

from librt.strings import read_i64_le
from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32, u32_be
from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.connection_log import OTHER, Budget
from aurora_wire.wire.decoding.events import ConnectionClosed, ConnectionOpened, Event
from aurora_wire.wire.flows.connection import MAYBE_RESET, NOT_RESET, RESET, Connection
from aurora_wire.wire.flows.decrypted import InnerDecryptionMaker
from aurora_wire.wire.flows.facts import START_SYN, Facts, TrackerMaker
from aurora_wire.wire.flows.labelled_frames import LabelledFrame, Labels
from aurora_wire.wire.flows.overlap_history import DIFFERENT, SAME, History
from aurora_wire.wire.flows.tcp_stream import ASIDE, MAX_WINDOW, OLD, PROBE, WINDOW_SLACK, Receiver, Stream
from aurora_wire.wire.mysql.compressed import ZLIB, ZSTD, Inflater, ZlibInflater
from aurora_wire.wire.net.checksum import BAD, GOOD, PARTIAL, ZERO, ipv4_checksum_is_right, tcp_checksum_state
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import (
    FRAGMENT_LOST,
    FRAGMENT_WAITING,
    MORE_KINDS,
    NO_MYSQL_PORT,
    TCP,
    TCP_CUT,
    is_malformed,
)
from aurora_wire.wire.tls.decryption import DecryptionMaker, DecryptorFactory

FIN: Final[i64] = 0x01
SYN: Final[i64] = 0x02
RST: Final[i64] = 0x04
ACK: Final[i64] = 0x10

X_PORT: Final[i64] = 33060
MAX_KINDS: Final[i64] = 4096            # of skipped frames that are told apart
NEAR: Final[i64] = 1 << 20              # bytes between sequence numbers that are of one connection without doubt
MAX_SPACES: Final[i64] = 8              # connections of the same addresses and ports at a time
# May a frame in another network be of this connection?
AGREES: Final[i64] = 0    # it goes on where this one is, or repeats its bytes
PASSES: Final[i64] = 1    # nothing in it says
FAR: Final[i64] = 2       # its numbers are near, and are not this one's
DIFFERS: Final[i64] = 3   # other bytes for the same place
OFFLOADED: Final[i64] = 4                # segments with a wrong checksum before any right one
MAX_UNTAKEN: Final[i64] = 2048          # finished connections, or events, after which they should be taken
CACHE_SLOTS: Final[i64] = 32768         # recent flows found without a key; a power of two
LINGER_NS: Final[i64] = 60_000_000_000  # a closed connection waits this long for late segments
LINGER_FRAMES: Final[i64] = 20_000      # or this many frames


class Engine:
    """Fed frames, gives connections.

    ports: on these an undecided or TLS stream counts as MySQL's; with only_ports other connections are counted
    and not looked at. zstd: makes a decompressor of zstd; zlib is always there.
    """

    def __init__(
        self,
        ports: list[int],
        only_ports: bool = False,
        zstd: Callable[[], Inflater] | None = None,
        want_events: bool = False,
        want_labels: bool = False,
        want_places: bool = False,
        max_connections: i64 = 32768,
        budget: Budget | None = None,
    ) -> None:
        self.ports: set[int] = set(ports)
        self.only_ports = only_ports
        self.inflaters: dict[int, Callable[[], Inflater]] = {ZLIB: ZlibInflater}
        if zstd is not None:
            self.inflaters[ZSTD] = zstd
        self.budget = budget if budget is not None else Budget()
        self.maker: DecryptionMaker | None = None  # there is a key log, or may be
        self.max_connections: i64 = max_connections
        self.locator = Locator(Fragments())
        self.locator.fragments.ports = self.ports
        self.streams: dict[bytes, Stream] = {}
        self.borrowed: list[History] = []
        nothing = Facts(0, self.budget, None)
        self.nobody = Stream(b"", nothing, nothing.client, Receiver(), self.budget, self.borrowed)
        self.recent: list[Stream] = [self.nobody] * CACHE_SLOTS
        self.block: bytes = b""
        self.closing: list[Connection] = []    # closed, waiting for late segments, oldest first
        self.ended: list[Connection] = []      # finished: for the caller to take
        self.events: list[Event] | None = [] if want_events else None
        self.labelled: list[LabelledFrame] | None = [] if want_labels else None
        self.want_places = want_places         # with want_labels: what each MySQL packet is in its place
        self.trackers: TrackerMaker | None = None
        self.facts: dict[int, Facts] = {}      # of open connections by id, only with want_labels
        self.source: i64 = 0                   # which input the frames are from: set by who feeds them
        self.frames: i64 = 0
        self.reason: i64 = TCP                 # why the last frame that was skipped was
        self.tcp_frames: i64 = 0
        self.truncated_frames: i64 = 0
        self.skipped: dict[int, int] = {}      # frames that are no TCP segment, by reason << 32 | detail
        self.link_types: dict[int, int] = {}   # those that came, in order
        self.last_link: i64 = -1
        self.first_time: i64 = -1
        self.next_id: i64 = 1
        self.now: i64 = 0

    def use_decryptors(self, decryptors: DecryptorFactory) -> None:
        """Decrypt TLS that begins from now on, if there are keys (`Facts.decrypted`)."""
        self.maker = InnerDecryptionMaker(decryptors, self.inflaters)

    def feed(
        self, buffer: bytes, at: i64, captured_len: i64, original_len: i64, time_ns: i64, link_type: i64
    ) -> None:
        """Feed the next frame: captured_len of its original_len bytes are at `at`; time_ns since 1970, -1 unknown."""
        frame = self.frames + 1
        self.frames = frame
        self.now = time_ns
        self.budget.frame = frame
        self.budget.time_ns = time_ns
        if self.first_time < 0:
            self.first_time = time_ns
        if link_type != self.last_link:
            self.last_link = link_type
            self.link_types[link_type] = 1
        if captured_len < original_len:
            self.truncated_frames += 1
        locator = self.locator
        reason = locator.locate(buffer, at, captured_len, original_len, link_type)
        if reason != TCP:
            self.reason = reason
            self._skip(frame, reason)
            return
        self.tcp_frames += 1
        data = locator.buffer
        tcp_at = locator.tcp_at
        addresses_at = locator.addresses_at
        flags: i64 = data[tcp_at + 13]
        addresses: i64 = 0
        stream: Stream | None = None
        # The usual flow is found without making a key: most frames belong to one that was seen lately.
        ports = u32(data, tcp_at)
        is_v4 = locator.ip_version == 4
        if is_v4:
            addresses = read_i64_le(data, addresses_at)
        else:
            # Of an address the interface identifier and the prefix, of both sides: `same_v6` looks at all of it.
            addresses = read_i64_le(data, addresses_at + 8) ^ read_i64_le(data, addresses_at + 16)
        slot = cache_slot(addresses, ports)
        recent = self.recent[slot]
        if recent.addresses == addresses and recent.ports == ports and not flags & SYN:
            if recent.is_v4 if is_v4 else same_v6(recent.key, data, addresses_at):
                stream = recent
        if stream is None:
            stop = addresses_at + 8
            if not is_v4:
                stop = addresses_at + 32
            if stop == tcp_at:
                key = data[addresses_at : tcp_at + 4]
            else:
                key = data[addresses_at:stop] + data[tcp_at : tcp_at + 4]
            stream = self.streams.get(key)
            if stream is None or flags & SYN:
                stream = self._open(key, stream, flags, data, tcp_at, locator.payload_len, frame, time_ns)
                if stream is None:
                    return
                if stream.network < 0:
                    stream.network = locator.network
            if self.streams.get(key) is stream:
                stream.addresses = addresses
                stream.ports = ports
                self.recent[slot] = stream
        if buffer is not self.block:
            self._new_block(buffer)
        connection = cast(Connection, stream.receiver)
        seq = u32_be(data, tcp_at + 4)
        if (seq != stream.next_seq or locator.network != stream.network) and not (connection.skipping or flags & SYN):
            stream = self._placed(connection, stream, seq, data, tcp_at, flags, locator.payload_len)
            if stream is None:
                return
            connection = cast(Connection, stream.receiver)
        connection.packets += 1
        connection.last_frame = frame
        connection.last_time = time_ns
        at = locator.payload_at
        end = locator.captured_end
        cut = locator.payload_len - (end - at)
        if connection.skipping and not (
            connection.watching and connection.overlook(stream, tcp_at, data, at, end, cut)
        ):
            self._label_alone(stream, frame, labels.NOT_MYSQL if locator.payload_len else labels.TCP_CONTROL)
            if flags & (FIN | RST):
                self._ends(connection, stream, flags, 0)
            return
        peer = connection.server if stream is connection.client else connection.client
        sound = True
        if connection.verify and (not stream.facts.readable or flags & (SYN | FIN | RST)):
            sound = self._is_sound(stream, data, end, cut, flags)
        if sound:
            stream.spoke = True
            if flags & SYN:
                self._syn(connection, stream, peer, seq, flags, data, tcp_at, at)
            elif flags & ACK and connection.reset != RESET:
                window = u16_be(data, tcp_at + 14)
                if stream.scale >= 0:
                    window <<= stream.scale
                else:
                    window = -1
                peer.acknowledge(u32_be(data, tcp_at + 8), window)
        if flags & SYN:
            seq = (seq + 1) & 0xFFFFFFFF
        if locator.payload_len > 0:
            self._payload(connection, stream, seq, data, at, end, cut, frame, time_ns, sound)
        else:
            self._label_alone(stream, frame, labels.TCP_CONTROL)
            if not sound:
                stream.facts.note(anomalies.BAD_CHECKSUM, stream.side.from_client, frame, time_ns, stream.next, 0)
            elif stream.start != 0 and not flags & (SYN | RST):
                stream.tell_sent(seq)
        if flags & (FIN | RST) and sound:
            self._ends(connection, stream, flags, seq + locator.payload_len)
        if stream.patience >= 0:
            stream.tick()
        if peer.patience >= 0:
            peer.tick()

    def waits_to_be_taken(self) -> bool:
        """Return whether `ended` and `events` hold so much that they should be taken now."""
        events = self.events
        return len(self.ended) >= MAX_UNTAKEN or (events is not None and len(events) >= MAX_UNTAKEN)

    def _new_block(self, buffer: bytes) -> None:
        """Copy out what histories point to in the old block, so that it can go: the buffer changes."""
        self.block = buffer
        for history in self.borrowed:
            history.own()
        self.borrowed.clear()

    def _payload(
        self, connection: Connection, stream: Stream, seq: i64, data: bytes, at: i64, end: i64, cut: i64,
        frame: i64, time_ns: i64, sound: bool,
    ) -> None:  # fmt: skip
        locator = self.locator
        dropped: i64 = -1
        if not sound:
            dropped = anomalies.BAD_CHECKSUM
        elif connection.reset != NOT_RESET and self._is_reset(connection):
            dropped = anomalies.AFTER_RST
        elif stream.start != 0:
            offset = stream.offset_of(seq)
            edge = stream.edge
            if (edge >= 0 and offset > edge + WINDOW_SLACK) or offset < stream.next - MAX_WINDOW:
                dropped = anomalies.OUT_OF_WINDOW
            elif edge >= 0 and offset >= edge and locator.payload_len == 1:
                # A window probe: RFC 9293, 3.8.6.1.
                stream.facts.note(anomalies.KEEP_ALIVE, stream.side.from_client, frame, time_ns, offset, 1)
        if locator.in_dispute:
            stream.facts.note(anomalies.CONFLICT, stream.side.from_client, frame, time_ns, stream.next, end - at)
            if end <= len(locator.other):
                connection.set_aside(stream, seq, locator.other, at, end, frame, time_ns, True)
        if dropped >= 0 and stream.repeats(seq, data, at, end, frame):
            self._label_alone(stream, frame, labels.RETRANSMISSION)
            return
        if dropped >= 0:
            connection.disregard(stream, dropped, seq, data, at, end, frame, time_ns)
            self._label_alone(stream, frame, labels.DISREGARDED)
            return
        became = stream.segment(seq, data, at, end, cut, frame, time_ns)
        if became == ASIDE:
            self._label_alone(stream, frame, labels.DISREGARDED)
        elif became in (OLD, PROBE):
            if became == PROBE:
                stream.facts.note(anomalies.KEEP_ALIVE, stream.side.from_client, frame, time_ns, stream.next, end - at)
            self._label_alone(stream, frame, labels.KEEP_ALIVE if became == PROBE else labels.RETRANSMISSION)

    def _is_sound(self, stream: Stream, data: bytes, end: i64, cut: i64, flags: i64) -> bool:
        """Return whether a receiver would take the segment, by its checksums. Senders that offload them are believed.

        What carries data, or begins a connection, tells whether its sender's are right.
        """
        locator = self.locator
        if cut != 0 or locator.segment_len != end - locator.tcp_at:
            return True
        state = tcp_checksum_state(data, locator.addresses_at, locator.ip_version, locator.tcp_at, end)
        if state == GOOD and locator.ip_version == 4 and self._wrong_ip_checksum(data):
            state = BAD
        if state in (GOOD, PARTIAL):
            if locator.payload_len > 0 or flags & SYN:
                if state == PARTIAL and not stream.left_to_card:
                    stream.left_to_card = True  # one alone may be a wrong one by chance
                    return True
                if stream.good_checksums == 0 and stream.bad_checksums >= OFFLOADED:
                    stream.good_checksums = -1  # of a card's own host: one in 65,536 is right by chance
                    return True
                stream.good_checksums = 1 if stream.good_checksums < 0 else stream.good_checksums + 1
                if stream.good_checksums == 1 and stream.bad_checksums > 0:
                    stream.facts.note(
                        anomalies.MIXED_CHECKSUM, stream.side.from_client, self.frames, self.now, 0,
                        stream.bad_checksums,
                    )  # fmt: skip
        elif state == BAD or (state == ZERO and stream.good_checksums > 0):
            if locator.payload_len > 0:
                stream.bad_checksums += 1
            return stream.good_checksums <= 0
        return True

    def _is_right(self, data: bytes) -> bool:
        """Return whether the checksums of the segment are right, as far as they can be told."""
        locator = self.locator
        end = locator.captured_end
        if locator.segment_len != end - locator.tcp_at:
            return True
        if locator.ip_version == 4 and self._wrong_ip_checksum(data):
            return False
        state = tcp_checksum_state(data, locator.addresses_at, locator.ip_version, locator.tcp_at, end)
        return state != BAD and state != ZERO

    def _wrong_ip_checksum(self, data: bytes) -> bool:
        """Return whether the IPv4 header's checksum is wrong. 0 means that the network card was to fill it in."""
        at = self.locator.ip_at
        return not ipv4_checksum_is_right(data, at) and u16_be(data, at + 10) != 0

    def _label_alone(self, stream: Stream, frame: i64, label: i64) -> None:
        tracker = stream.side.tracker
        if tracker is not None:
            tracker.alone(frame, label)

    def _skip(self, frame: i64, reason: i64) -> None:
        locator = self.locator
        if reason == TCP_CUT and locator.end - locator.at >= 4:
            # The ports are there: a frame between two others hides no MySQL on its own port.
            ports = self.ports
            if u16_be(locator.buffer, locator.at) not in ports and u16_be(locator.buffer, locator.at + 2) not in ports:
                reason = NO_MYSQL_PORT
        key = int(reason << 32 | locator.reason_detail)
        known = self.skipped.get(key, 0)
        if known == 0 and locator.reason_detail != 0 and len(self.skipped) >= MAX_KINDS:
            key = int(MORE_KINDS << 32)
            known = self.skipped.get(key, 0)
        self.skipped[key] = known + 1
        if self.labelled is not None:
            label = labels.NOT_TCP
            if reason in (FRAGMENT_WAITING, FRAGMENT_LOST):
                label = labels.IP_FRAGMENT
            elif is_malformed(reason):
                label = labels.MALFORMED
            self.labelled.append(LabelledFrame(frame, 0, -1, label, []))

    # Connections.

    def _open(
        self, key: bytes, known: Stream | None, flags: i64, data: bytes, tcp_at: i64, payload_len: i64, frame: i64,
        time_ns: i64,
    ) -> Stream | None:  # fmt: skip
        """Return the stream of a frame that may begin a connection; None where it begins none."""
        if known is not None:
            connection = cast(Connection, known.receiver)
            if known.good_checksums > 0 and not self._is_right(data):
                return known  # no receiver sees it
            seq = u32_be(data, tcp_at + 4)
            isn = connection.client_isn if known is connection.client else connection.server_isn
            if isn == seq:
                return known  # the same SYN again
            space = connection.next_space
            while space is not None:
                one = space.client if space.client.key == key else space.server
                if seq == (space.client_isn if one is space.client else space.server_isn):
                    return one
                if flags & ACK and u32_be(data, tcp_at + 8) == (space.client_isn + 1) & 0xFFFFFFFF:
                    # Both sides agree on it. Is the first one gone, its ports used again?
                    silent = self.now >= 0 and self.now - connection.last_time > LINGER_NS
                    # Two networks may have both of them.
                    unanswered = not connection.server.spoke and connection.client.network == space.client.network
                    gone = silent or connection.closed_frame >= 0 or unanswered
                    if connection.next_space is space and gone:
                        self._finish(connection)
                    return one
                space = space.next_space
            alive = isn < 0 and connection.closed_frame < 0 and not flags & ACK
            if flags & ACK and connection.closed_frame < 0:
                if known.network >= 0 and known.network != self.locator.network and known.start != 0:
                    if known.offset_of(seq + 1) != 0:
                        # Another network, whose client began with the same number.
                        return self._space(connection, key, flags, frame, time_ns)
                return known  # a SYN-ACK belongs to the SYN before it
            if alive and known.side.seen == 0:
                return known
            if not flags & ACK:
                # RFC 5961, 4: a receiver challenges it. Only where both sides go on with its numbers is it obeyed, and
                # what looked like the end of a connection that goes on may have been forged as well.
                return self._space(connection, key, flags, frame, time_ns)
            self._finish(connection)
            after = self.streams.get(key)
            if after is not None:
                return self._space(cast(Connection, after.receiver), key, flags, frame, time_ns)
        elif not flags & SYN and payload_len == 0:
            if self.labelled is not None:
                self.labelled.append(LabelledFrame(frame, 0, -1, labels.TCP_CONTROL, []))
            return None
        connection = self._make(key, flags, frame, time_ns)
        if self.budget.open < 0 or len(self.streams) >= 2 * self.max_connections:
            self._evict()
        self.streams[connection.client.key] = connection.client
        self.streams[connection.server.key] = connection.server
        return connection.client if connection.client.key == key else connection.server

    def _space(self, connection: Connection, key: bytes, flags: i64, frame: i64, time_ns: i64) -> Stream | None:
        """Begin a connection of the same addresses and ports with other sequence numbers."""
        count: i64 = 0
        first = connection
        while connection.next_space is not None:
            connection = connection.next_space
            count += 1
        if count >= MAX_SPACES:
            if first.closed_frame < 0:
                return None
            self._finish(first)
        made = self._make(key, flags, frame, time_ns)
        connection.next_space = made
        if self.budget.open < 0:
            self._evict()
        return made.client if made.client.key == key else made.server

    def _fits(self, connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64) -> bool:
        """Return whether the segment is of this connection: its sequence and ACK numbers are near, or one of them is.
        """
        if connection.skipping:
            return True
        peer = connection.server if stream is connection.client else connection.client
        acks = flags & ACK != 0 and peer.start != 0
        ack_ahead: i64 = 0
        if acks:
            ack_ahead = peer.offset_of(u32_be(data, tcp_at + 8)) - peer.next
        ack_is_near = -NEAR <= ack_ahead <= NEAR
        if stream.start == 0:
            return ack_is_near
        ahead = stream.offset_of(seq) - stream.next
        near = -NEAR <= ahead <= NEAR
        if connection.ends == 2:
            # Both sides said that they are done, and how far they came: what is beyond is of another connection.
            if ahead > stream.end + 1 - stream.next or (acks and ack_ahead > peer.end + 1 - peer.next):
                return False
        if not acks:
            return near or (0 < ahead <= MAX_WINDOW and not flags & RST)
        if ack_is_near:
            return near or 0 < ahead <= MAX_WINDOW
        return near and 0 < ack_ahead <= MAX_WINDOW

    def _placed(
        self, connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64, payload_len: i64
    ) -> Stream | None:
        """Return the stream of a frame that is not simply the next one: of this connection or of another of the same
        ports.

        The network that it was seen in tells connections apart only where numbers and bytes do so as well: a switch
        mirrors one direction with its tag and one without, or each frame twice.
        """
        network = self.locator.network
        if network != stream.network:
            tied = self._tied(connection, stream, network, seq, data, tcp_at, flags)
            if tied is not None:
                return tied
        fits = seq == stream.next_seq or self._fits(connection, stream, seq, data, tcp_at, flags)
        peer = connection.server if stream is connection.client else connection.client
        if fits and stream.network < 0 and peer.network == network:
            stream.network = network
        if fits and network != stream.network:
            agreed = self._agrees(stream, peer, seq, data, tcp_at, flags)
            networks = stream.networks
            known = networks is not None and network in networks
            if agreed == DIFFERS or (agreed == FAR and not known):
                if payload_len == 0:
                    self._label_alone(stream, self.frames, labels.TCP_CONTROL)
                    return None
                if known and networks is not None:
                    # Its bytes are in this stream already: which of them are not this one's, nobody knows.
                    networks.remove(int(network))
                    stream.facts.note(
                        anomalies.CONFLICT, stream.side.from_client, self.frames, self.now, stream.next, payload_len
                    )
                other = self._space(connection, stream.key, flags, self.frames, self.now)
                if other is not None:
                    other.network = network
                    return other
            elif stream.network < 0:
                stream.network = network
            elif networks is None:
                if agreed == AGREES:
                    stream.networks = [int(network)]
            elif agreed == AGREES and not known and len(networks) < MAX_SPACES:
                networks.append(int(network))
            return stream
        if fits and connection.next_space is not None:
            fits = not self._is_nearer(connection, stream, seq, data, tcp_at, flags)
        if fits:
            return stream
        elsewhere = self._elsewhere(connection, stream, seq, data, tcp_at, flags, payload_len)
        if elsewhere is not None and elsewhere.network < 0:
            elsewhere.network = network
        return elsewhere

    def _tied(
        self, connection: Connection, stream: Stream, network: i64, seq: i64, data: bytes, tcp_at: i64, flags: i64
    ) -> Stream | None:
        """Return the stream of another connection of the same ports that this network is known to be of."""
        space = connection.next_space
        while space is not None:
            is_client = space.client.key == stream.key
            one = space.client if is_client else space.server
            other = space.server if is_client else space.client
            if not space.finished and (one.network == network or (one.network < 0 and other.network == network)):
                if self._fits(space, one, seq, data, tcp_at, flags):
                    one.network = network
                    return one
            space = space.next_space
        return None

    def _agrees(
        self, stream: Stream, peer: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64
    ) -> i64:
        """Return how a frame of another network goes with this connection, by numbers and bytes: AGREES, PASSES, ..."""
        if stream.start == 0:
            return AGREES
        locator = self.locator
        offset = stream.offset_of(seq)
        size = locator.payload_len
        acked = peer.acked
        if flags & ACK and peer.start != 0:
            acked = peer.offset_of(u32_be(data, tcp_at + 8))
        if acked > peer.next or offset < 0:
            return FAR
        if size == 0:
            return PASSES if offset <= stream.next else FAR
        if offset == stream.next:
            return AGREES
        if offset > stream.next:
            in_step = acked >= peer.acked or acked == peer.next
            return AGREES if in_step and offset - stream.next <= WINDOW_SLACK else FAR
        if size == 1 and offset + 1 == stream.next:
            return PASSES
        at = locator.payload_at
        end = locator.captured_end
        if end - at > stream.next - offset:
            end = at + stream.next - offset
        found = stream.history.compare(offset, data, at, end)
        if found == DIFFERENT:
            return DIFFERS
        return AGREES if found == SAME else PASSES

    def _is_nearer(
        self, connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64
    ) -> bool:
        """Return whether a segment that fits this connection is nearer to another one of the same ports."""
        far = stream.distance(seq)
        space = connection.next_space
        while space is not None:
            one = space.client if space.client.key == stream.key else space.server
            seen_here = one.network < 0 or one.network == self.locator.network
            if one.start != 0 and seen_here and not space.finished and one.distance(seq) < far:
                if self._fits(space, one, seq, data, tcp_at, flags):
                    return True
            space = space.next_space
        return False

    def _elsewhere(
        self, connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64, payload_len: i64
    ) -> Stream | None:
        """Find or begin the connection of a frame that does not fit the sequence numbers of the first one."""
        key = stream.key
        space = connection.next_space
        last = connection
        while space is not None:
            if space.finished:
                last.next_space = space.next_space
                space = last.next_space
                continue
            one = space.client if space.client.key == key else space.server
            if self._fits(space, one, seq, data, tcp_at, flags):
                if space is connection.next_space and connection.closed_frame >= 0:
                    if space.client.spoke and space.server.spoke:
                        self._finish(connection)  # it gives its place to this one
                return one
            last = space
            space = space.next_space
        found: Stream | None = None
        if payload_len > 0:
            found = self._space(connection, key, flags, self.frames, self.now)
            if found is None:
                # Too many of them: the bytes are still read.
                locator = self.locator
                connection.disregard(
                    stream, anomalies.OUT_OF_WINDOW, seq, data, locator.payload_at, locator.captured_end, self.frames,
                    self.now,
                )  # fmt: skip
        if found is None:
            self._label_alone(stream, self.frames, labels.DISREGARDED if payload_len else labels.TCP_CONTROL)
        return found

    def _make(self, key: bytes, flags: i64, frame: i64, time_ns: i64) -> Connection:
        size: i64 = len(key)
        split = (size - 4) // 2
        reverse = key[split : 2 * split] + key[:split] + key[size - 2 :] + key[size - 4 : size - 2]
        source = u16_be(key, size - 4)
        destination = u16_be(key, size - 2)
        from_client = self._sent_by_client(source, destination, flags)
        server_port = destination if from_client else source
        # A SYN from MySQL's port may be forged: the port counts on either side.
        client_port = source if from_client else destination
        is_mysql_port = server_port in self.ports or (client_port in self.ports and client_port != X_PORT)
        facts = Facts(self.next_id, self.budget, self.events)
        self.next_id += 1
        connection = Connection(
            facts, key if from_client else reverse, reverse if from_client else key, self.budget,
            is_mysql_port and server_port != X_PORT, server_port == X_PORT, self.inflaters, self.borrowed,
        )  # fmt: skip
        connection.decoders.maker = self.maker
        connection.first_frame = frame
        connection.last_frame = frame
        connection.first_time = time_ns
        connection.ip_version = 4 if size == 12 else 6
        if self.only_ports and server_port not in self.ports:
            facts.kind = OTHER
            facts.other = "not looked at (--port)"
            connection.undecided = False
            connection.skipping = True
            connection.verify = False
        if self.labelled is not None:
            facts.client.tracker = Labels(facts.id, 1, self.labelled, self.want_places)
            facts.server.tracker = Labels(facts.id, 0, self.labelled, self.want_places)
            self.facts[facts.id] = facts
        elif self.trackers is not None:
            self._track(facts, connection, flags)
        if self.events is not None:
            self.events.append(ConnectionOpened(facts.id, from_client, frame, time_ns, 0))
        return connection

    def _track(self, facts: Facts, connection: Connection, flags: i64) -> None:
        made = self.trackers
        if made is not None:
            is_mysql = connection.is_mysql_port or connection.is_x_port
            facts.client.tracker = made.make(facts, True, is_mysql, flags & SYN != 0)
            facts.server.tracker = made.make(facts, False, is_mysql, flags & SYN != 0)

    def _sent_by_client(self, source: i64, destination: i64, flags: i64) -> bool:
        ports = self.ports
        if (destination in ports) != (source in ports):
            return destination in ports  # whatever its flags: a SYN from a server's port is forged
        if flags & SYN:
            return not flags & ACK
        return destination <= source

    def _syn(
        self, connection: Connection, stream: Stream, peer: Stream, seq: i64, flags: i64, data: bytes, tcp_at: i64,
        end: i64,
    ) -> None:  # fmt: skip
        if stream.start != 0 and stream.offset_of(seq + 1) != 0:
            return  # of an open connection: a receiver challenges it
        if flags & ACK:
            if peer.start != 0 and not 0 <= peer.offset_of(u32_be(data, tcp_at + 8)) <= peer.next + WINDOW_SLACK:
                return  # what it answers was not sent; data of a SYN may be missing
            peer.acknowledge(u32_be(data, tcp_at + 8), u16_be(data, tcp_at + 14))
        if stream.start == START_SYN:
            return
        if stream.next == 0 and stream.side.position == 0:
            stream.begin(seq + 1, START_SYN)
        if stream is connection.client:
            connection.client_isn = seq
        else:
            connection.server_isn = seq
        stream.scale = window_scale(data, tcp_at, end)
        if flags & ACK and stream.scale < 0:
            # RFC 7323, 2.2: scaling holds only where both SYNs offer it.
            stream.scale = 0
            if connection.client.scale >= 0:
                connection.client.scale = 0
        elif stream.scale < 0:
            stream.scale = 0

    def _ends(self, connection: Connection, stream: Stream, flags: i64, seq_end: i64) -> None:
        if connection.closed_frame >= 0:
            return
        if flags & RST:
            if not connection.skipping and stream.start != 0:
                offset = stream.offset_of(seq_end)
                at_end = stream.end >= 0 and stream.next >= stream.end and offset == stream.end + 1
                if offset != stream.next and not at_end:
                    # RFC 5961, 3: a receiver obeys it at exactly the next number that it expects. Bytes before it may
                    # be missing in the capture only.
                    if stream.next < offset <= (stream.edge if stream.edge >= 0 else stream.next + NEAR):
                        connection.reset = MAYBE_RESET
                        connection.reset_by = stream
                        connection.reset_at = offset
                        connection.reset_next = stream.next
                    return
            connection.reset = RESET
            connection.closed_frame = self.frames
            self.closing.append(connection)
        elif flags & FIN:
            if stream.end < 0:
                offset = stream.offset_of(seq_end & 0xFFFFFFFF) if stream.start != 0 else 0
                # Where it comes after its ACK, its own number may be passed by already. Of a connection that is skipped
                # nobody follows the numbers.
                outside = offset < stream.next - 1 or (
                    stream.edge >= 0 and offset > stream.edge + WINDOW_SLACK
                )
                if outside and not connection.skipping:
                    return  # of bytes that were taken already, or outside the window
                stream.end = offset
                if stream.end > stream.next and stream.patience < 0 and not connection.skipping:
                    stream.tell_sent(seq_end)
                connection.ends += 1
            if connection.ends == 2:
                connection.closed_frame = self.frames
                self.closing.append(connection)
        if len(self.closing) > 1024:
            self._sweep()

    def _is_reset(self, connection: Connection) -> bool:
        """Return whether an early RST was obeyed: the bytes before it have come, or are acknowledged."""
        by = connection.reset_by
        if connection.reset == MAYBE_RESET and by is not None:
            if by.next == connection.reset_at or by.acked == connection.reset_at:
                connection.reset = RESET
                if connection.closed_frame < 0:
                    connection.closed_frame = self.frames
                    self.closing.append(connection)
        return connection.reset == RESET

    def _sweep(self) -> None:
        """Finish what has been closed for a while."""
        count: i64 = 0
        for connection in self.closing:
            old = self.frames - connection.closed_frame > LINGER_FRAMES or (
                self.now >= 0 and connection.last_time >= 0 and self.now - connection.last_time > LINGER_NS
            )
            if not old and len(self.closing) - count < 8192:
                break
            count += 1
        if count == 0:
            return
        gone = self.closing[:count]
        del self.closing[:count]
        for connection in gone:
            self._finish(connection)

    def finish_closed(self) -> None:
        """Finish what has been closed. For who knows that no late segment comes."""
        closing = self.closing
        self.closing = []
        for connection in closing:
            self._finish(connection)

    def _evict(self) -> None:
        """Give up connections, as too many are open: closed ones, then those without a byte, then those silent longest.
        """
        self.finish_closed()
        if self.budget.open >= 0 and len(self.streams) < 2 * self.max_connections:
            return
        empty: list[int] = []
        others: list[int] = []
        for stream in self.streams.values():
            connection = cast(Connection, stream.receiver)
            if stream is connection.client:
                if connection.is_empty():
                    empty.append(connection.last_frame)
                else:
                    others.append(connection.last_frame)
        count: i64 = (len(empty) + len(others)) // 10 + 1
        only_empty = len(empty) >= count
        frames = empty if only_empty else others
        frames.sort()
        limit: i64 = frames[count - 1 if count <= len(frames) else len(frames) - 1]
        silent: list[Connection] = []
        for stream in self.streams.values():
            connection = cast(Connection, stream.receiver)
            if stream is connection.client and connection.last_frame <= limit:
                if not only_empty or connection.is_empty():
                    silent.append(connection)
        for connection in silent:
            space: Connection | None = connection
            while space is not None:
                following = space.next_space
                if not space.finished and space.last_frame <= limit:
                    space.facts.note(anomalies.EVICTED, True, self.frames, self.now, space.client.next, 0)
                    self._finish(space)
                space = following

    def _finish(self, connection: Connection) -> None:
        for stream in (connection.client, connection.server):
            if stream.ports >= 0:
                slot = cache_slot(stream.addresses, stream.ports)
                if self.recent[slot] is stream:
                    self.recent[slot] = self.nobody
        if self.streams.get(connection.client.key) is connection.client:
            del self.streams[connection.client.key]
        if self.streams.get(connection.server.key) is connection.server:
            del self.streams[connection.server.key]
        if connection.finished:
            return
        connection.finished = True
        space = connection.next_space
        other = space
        while other is not None:
            brought = other.client.side.seen + other.server.side.seen
            if brought > 0 and not (other.client.spoke and other.server.spoke):
                # Only one side uses these numbers: it may as well have been this connection's.
                connection.facts.note(
                    anomalies.SET_ASIDE, other.client.spoke, other.first_frame, other.first_time, 0, brought
                )
            other = other.next_space
        connection.next_space = None
        connection.close()
        while space is not None and space.finished:
            space = space.next_space
        if space is not None:
            # The next one of these ports takes the place.
            self.streams[space.client.key] = space.client
            self.streams[space.server.key] = space.server
        if self.labelled is not None:
            del self.facts[connection.facts.id]
        self.ended.append(connection)
        if self.events is not None:
            self.events.append(
                ConnectionClosed(connection.facts.id, True, connection.last_frame, connection.last_time, 0)
            )

    def open_connections(self) -> list[Connection]:
        """Return the connections that are not finished, in the order they began."""
        found: list[Connection] = []
        for stream in self.streams.values():
            connection = cast(Connection, stream.receiver)
            if stream is connection.client and not connection.finished:
                found.append(connection)
                space = connection.next_space
                while space is not None:
                    if not space.finished:
                        found.append(space)
                    space = space.next_space
        return found

    def last_connection(self) -> Connection | None:
        """Return the connection that the last frame, a TCP segment, went to; None where it went to none."""
        locator = self.locator
        data = locator.buffer
        stop = locator.addresses_at + 8
        if locator.ip_version != 4:
            stop = locator.addresses_at + 32
        tcp_at = locator.tcp_at
        stream = self.streams.get(data[locator.addresses_at : stop] + data[tcp_at : tcp_at + 4])
        if stream is None:
            return None
        connection: Connection | None = cast(Connection, stream.receiver)
        while connection is not None:
            if connection.last_frame == self.frames:
                return connection
            connection = connection.next_space
        return None

    def note_open(self, kind: i64) -> None:
        """Note an anomaly on every open connection: the file broke off here."""
        for connection in self.open_connections():
            if connection.closed_frame < 0:
                connection.facts.note(kind, True, self.frames, self.now, connection.client.next, 0)

    def finish(self) -> None:
        """End the capture: finish every open connection."""
        self.closing = []
        for connection in self.open_connections():
            self._finish(connection)


def cache_slot(addresses: i64, ports: i64) -> i64:
    # What differs most, the last byte of each address and the client's port, to different bits; the product spreads it.
    mixed = (addresses >> 24 ^ addresses >> 43 ^ ports) & 0xFFFFFFFF
    return (mixed * 0x61C88647 >> 31) & (CACHE_SLOTS - 1)


def same_v6(key: bytes, data: bytes, at: i64) -> bool:
    """Return whether a flow's key begins with the two IPv6 addresses at data[at:]."""
    if len(key) != 36:
        return False
    i: i64 = 0
    while i < 32:
        if read_i64_le(key, i) != read_i64_le(data, at + i):
            return False
        i += 8
    return True


def window_scale(data: bytes, tcp_at: i64, end: i64) -> i64:
    """Return the window scale option of a SYN's TCP header, 0..14, or -1. Source: RFC 7323, section 2.2."""
    at = tcp_at + 20
    stop = tcp_at + (int(data[tcp_at + 12]) >> 4) * 4
    if stop > end:
        stop = end
    while at < stop:
        kind: i64 = data[at]
        if kind == 0:
            return -1
        if kind == 1:
            at += 1
            continue
        if at + 1 >= stop:
            return -1
        length: i64 = data[at + 1]
        if length < 2 or at + length > stop:
            return -1
        if kind == 3 and length == 3:
            scale: i64 = data[at + 2]
            return 14 if scale > 14 else scale
        at += length
    return -1
