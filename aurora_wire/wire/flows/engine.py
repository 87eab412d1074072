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
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.decoding.events import ConnectionClosed, Event
from aurora_wire.wire.flows.aside import disregard, note_pieces
from aurora_wire.wire.flows.begin import LINGER_NS, open_stream
from aurora_wire.wire.flows.connection import NOT_RESET, RESET, Connection
from aurora_wire.wire.flows.deciding import overlook
from aurora_wire.wire.flows.decrypted import InnerDecryptionMaker
from aurora_wire.wire.flows.eviction import choose
from aurora_wire.wire.flows.facts import Facts, TrackerMaker
from aurora_wire.wire.flows.flow_buckets import BUCKETS, bucket_of_flow, bucket_of_key
from aurora_wire.wire.flows.flow_cache import CACHE_SLOTS, cache_slot, flow_key, same_v6
from aurora_wire.wire.flows.labelled_frames import LabelledFrame
from aurora_wire.wire.flows.overlap_history import History
from aurora_wire.wire.flows.placing import place
from aurora_wire.wire.flows.skipped_frames import count_skipped
from aurora_wire.wire.flows.soundness import is_sound
from aurora_wire.wire.flows.tcp_flags import ACK, ENDED, FIN, IGNORED, RST, SYN, obeys_reset, take_end, take_syn
from aurora_wire.wire.flows.tcp_stream import ASIDE, MAX_WINDOW, OLD, PROBE, WINDOW_SLACK, Receiver, Stream, tick
from aurora_wire.wire.mysql.compressed import ZLIB, ZSTD, Inflater, ZlibInflater
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import (
    TCP,
)
from aurora_wire.wire.tls.decryption import DecryptionMaker, DecryptorFactory

MAX_UNTAKEN_BYTES: Final[i64] = 8 << 20  # of finished connections, likewise
MAX_UNTAKEN: Final[i64] = 2048          # finished connections, or events, after which they should be taken
LINGER_FRAMES: Final[i64] = 20_000      # a closed connection waits this many frames, or LINGER_NS, for late segments
LINGERING: Final[i64] = 16              # closed connections of a bucket that may wait longer
MAX_LINGERING: Final[i64] = 128         # and that wait at most


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
        # Closed, waiting for late segments, oldest first. Each bucket of flows is a list of its own, so that the end of
        # one connection has no say in that of a connection which another process follows.
        self.closing: list[list[Connection]] = [[] for _ in range(BUCKETS)]
        self.ended: list[Connection] = []      # finished: for the caller to take
        self.ended_bytes: i64 = 0              # that they take, and are charged to no budget any more
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
        self.share: i64 = 0                    # which buckets are ours: those that are `share` modulo `shares`
        self.shares: i64 = 1

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
            count_skipped(self, frame, reason)
            return
        self.tcp_frames += 1
        data = locator.buffer
        tcp_at = locator.tcp_at
        addresses_at = locator.addresses_at
        flags: i64 = data[tcp_at + 13]
        addresses: i64 = 0
        # The usual flow is found without making a key: most frames belong to one that was seen lately.
        ports = u32(data, tcp_at)
        is_v4 = locator.ip_version == 4
        if is_v4:
            addresses = read_i64_le(data, addresses_at)
        else:
            # Of an address the interface identifier and the prefix, of both sides: `same_v6` looks at all of it.
            addresses = read_i64_le(data, addresses_at + 8) ^ read_i64_le(data, addresses_at + 16)
        if self.shares > 1 and bucket_of_flow(data, addresses_at, is_v4, ports) % self.shares != self.share:
            return  # another process follows it
        slot = cache_slot(addresses, ports)
        stream = self.recent[slot]
        if (
            stream.addresses != addresses or stream.ports != ports or flags & SYN
            or not (stream.is_v4 if is_v4 else same_v6(stream.key, data, addresses_at))
        ):  # fmt: skip
            found = self._find_stream(addresses, ports, slot, flags, frame, time_ns)
            if found is None:
                return
            stream = found
        if buffer is not self.block:
            self._new_block(buffer)
        connection = cast(Connection, stream.receiver)
        seq = u32_be(data, tcp_at + 4)
        if (seq != stream.next_seq or locator.network != stream.network) and not (connection.skipping or flags & SYN):
            placed = place(self, connection, stream, seq, data, tcp_at, flags, locator.payload_len)
            if placed is None:
                return
            stream = placed
            connection = cast(Connection, stream.receiver)
        connection.packets += 1
        connection.last_frame = frame
        connection.last_time = time_ns
        at = locator.payload_at
        end = locator.captured_end
        cut = locator.payload_len - (end - at)
        if connection.skipping and not (
            connection.watching and overlook(connection, stream, tcp_at, data, at, end, cut)
        ):
            self._skip(connection, stream, flags, frame)
            return
        peer = connection.server if stream is connection.client else connection.client
        sound = (
            not connection.verify
            or (stream.facts.readable and not flags & (SYN | FIN | RST))
            or is_sound(locator, stream, data, end, cut, flags, frame, time_ns)
        )
        if sound:
            stream.spoke = True
            if flags & SYN:
                take_syn(connection, stream, peer, seq, flags, data, tcp_at, at)
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
            # The next bytes of a direction, of which nothing waits, inside the receiver's window.
            usual = sound and seq == stream.next_seq and stream.start != 0 and connection.reset == NOT_RESET
            edge = stream.edge
            if usual and (edge < 0 or stream.next < edge) and len(stream.held) == 0 and not locator.in_dispute:
                stream.take(data, at, end, cut, frame, time_ns, 0)
                if stream.patience >= 0:
                    stream.reset_patience()
            else:
                self._payload(connection, stream, seq, data, at, end, cut, frame, time_ns, sound)
        else:
            self._bare(stream, seq, flags, frame, time_ns, sound)
        if flags & (FIN | RST) and sound:
            self._take_end(connection, stream, flags, seq + locator.payload_len)
        if stream.patience >= 0 or peer.patience >= 0:
            tick(stream, peer)

    def _find_stream(
        self, addresses: i64, ports: i64, slot: i64, flags: i64, frame: i64, time_ns: i64
    ) -> Stream | None:
        """Return the stream of the segment just located, by its key; None where it has none.

        It is kept in `recent`, which is asked by addresses, ports and slot.
        """
        locator = self.locator
        data = locator.buffer
        tcp_at = locator.tcp_at
        key = flow_key(locator)
        stream = self.streams.get(key)
        if stream is None or flags & SYN:
            stream = open_stream(self, key, stream, flags, data, tcp_at, locator.payload_len, frame, time_ns)
            if stream is None:
                return None
            if stream.network < 0:
                stream.network = locator.network
        if self.streams.get(key) is stream:
            stream.addresses = addresses
            stream.ports = ports
            self.recent[slot] = stream
        return stream

    def waits_to_be_taken(self) -> bool:
        """Return whether `ended` and `events` hold so much that they should be taken now."""
        events = self.events
        if len(self.ended) > 0 and self.ended_bytes >= MAX_UNTAKEN_BYTES:
            return True
        return len(self.ended) >= MAX_UNTAKEN or (events is not None and len(events) >= MAX_UNTAKEN)

    def _new_block(self, buffer: bytes) -> None:
        """Copy out what histories point to in the old block, so that it can go: the buffer changes."""
        self.block = buffer
        for history in self.borrowed:
            history.own()
        self.borrowed.clear()

    def _skip(self, connection: Connection, stream: Stream, flags: i64, frame: i64) -> None:
        """Take a segment of a connection whose bytes nobody decodes."""
        if self.labelled is not None or self.trackers is not None:
            stream.label_alone(frame, labels.NOT_MYSQL if self.locator.payload_len else labels.TCP_CONTROL)
        if flags & (FIN | RST):
            self._take_end(connection, stream, flags, 0)

    def _bare(self, stream: Stream, seq: i64, flags: i64, frame: i64, time_ns: i64, sound: bool) -> None:
        """Take a segment without payload. The usual ACK touches nothing but numbers of its stream."""
        if self.labelled is not None or self.trackers is not None:
            stream.label_alone(frame, labels.TCP_CONTROL)
        if not sound:
            stream.facts.note(anomalies.BAD_CHECKSUM, stream.side.from_client, frame, time_ns, stream.next, 0)
        elif stream.start != 0 and not flags & (SYN | RST):
            stream.tell_sent(seq)

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
            offset = stream.find_offset(seq)
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
            note_pieces(connection, stream, seq, locator.edges, at)
        if dropped >= 0 and stream.repeats(seq, data, at, end, frame):
            stream.label_alone(frame, labels.RETRANSMISSION)
            return
        if dropped >= 0:
            disregard(connection, stream, dropped, seq, data, at, end, frame, time_ns)
            stream.label_alone(frame, labels.DISREGARDED)
            if data is not self.block:
                note_pieces(connection, stream, seq, locator.edges, at)  # put together, perhaps of two senders
            return
        became = stream.segment(seq, data, at, end, cut, frame, time_ns)
        if locator.in_dispute:
            note_pieces(connection, stream, seq, locator.edges, at)
        if became == ASIDE:
            stream.label_alone(frame, labels.DISREGARDED)
        elif became in (OLD, PROBE):
            if became == PROBE:
                stream.facts.note(anomalies.KEEP_ALIVE, stream.side.from_client, frame, time_ns, stream.next, end - at)
            stream.label_alone(frame, labels.KEEP_ALIVE if became == PROBE else labels.RETRANSMISSION)

    # Connections.

    def _take_end(self, connection: Connection, stream: Stream, flags: i64, seq_end: i64) -> None:
        came = take_end(connection, stream, flags, seq_end, self.frames)
        if came != IGNORED:
            closing = self.closing[bucket_of_key(connection.client.key)]
            if came == ENDED:
                closing.append(connection)
            if len(closing) > LINGERING:
                self._sweep(closing)

    def _is_reset(self, connection: Connection) -> bool:
        """Return whether an early RST was obeyed: the bytes before it have come, or are acknowledged."""
        is_reset = obeys_reset(connection)
        if is_reset and connection.closed_frame < 0:
            connection.closed_frame = self.frames
            self.closing[bucket_of_key(connection.client.key)].append(connection)
        return is_reset

    def _sweep(self, closing: list[Connection]) -> None:
        """Finish what has been closed for a while, of a bucket."""
        count: i64 = 0
        for connection in closing:
            old = self.frames - connection.closed_frame > LINGER_FRAMES or (
                self.now >= 0 and connection.last_time >= 0 and self.now - connection.last_time > LINGER_NS
            )
            if not old and len(closing) - count < MAX_LINGERING:
                break
            count += 1
        if count == 0:
            return
        gone = closing[:count]
        del closing[:count]
        for connection in gone:
            self.finish_connection(connection)

    def finish_closed(self) -> None:
        """Finish what has been closed. For who knows that no late segment comes."""
        closing: list[Connection] = []
        for bucket in self.closing:
            closing += bucket
            bucket.clear()
        closing.sort(key=closed_at)
        for connection in closing:
            self.finish_connection(connection)

    def evict(self) -> None:
        """Give up connections, as too many are open: closed ones, then those without a byte, then those silent longest.
        """
        self.budget.refused = True
        self.finish_closed()
        if self.budget.open >= 0 and len(self.streams) < 2 * self.max_connections:
            return
        silent, limit = choose(self.streams)
        for connection in silent:
            space: Connection | None = connection
            while space is not None:
                following = space.next_space
                if not space.finished and space.last_frame <= limit:
                    space.facts.note(anomalies.EVICTED, True, self.frames, self.now, space.client.next, 0)
                    self.finish_connection(space)
                space = following

    def finish_connection(self, connection: Connection) -> None:
        """End a connection: it goes to `ended`, and its place to the next one of its ports."""
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
        if len(self.ended) == 0:
            self.ended_bytes = 0
        self.ended_bytes += connection.facts.charged
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
        found.sort(key=began_at)
        return found

    def last_connection(self) -> Connection | None:
        """Return the connection that the last frame, a TCP segment, went to; None where it went to none."""
        locator = self.locator
        stream = self.streams.get(flow_key(locator))
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
        """End the capture: finish every open connection, in the order they began."""
        for bucket in self.closing:
            bucket.clear()
        for connection in self.open_connections():
            self.finish_connection(connection)


def closed_at(connection: Connection) -> int:
    """Return the frame that closed a connection."""
    return connection.closed_frame


def began_at(connection: Connection) -> int:
    """Return the number of a connection, in the order they began."""
    return connection.facts.id
