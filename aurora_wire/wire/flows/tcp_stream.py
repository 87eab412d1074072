"""One direction of one connection, put in order, with its gaps.

Source: RFC 9293, sections 3.4 (sequence numbers) and 3.10.7.4 (which bytes of overlapping segments count: the first).
Offsets are of the stream: 0 is the first byte after SYN, or the first seen. The usual segment is the next one and is
handed on where it lies; others wait, bounded in number and bytes, until what is before them comes or is given up.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.decoding.connection_log import Budget, DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, Decoder
from aurora_wire.wire.decoding.segment import MASK, SEGMENT_COST, Progress, Segment
from aurora_wire.wire.flows.facts import START_ACK, START_SYN, Facts
from aurora_wire.wire.flows.overlap_history import SAME, History
from aurora_wire.wire.flows.overlaps import Torn, compare, let_wait, make_way, remember_sides

HALF: Final[i64] = 0x80000000
MAX_HELD: Final[i64] = 1024         # segments that wait
PATIENCE: Final[i64] = 32           # packets of the connection after which acknowledged bytes are given up
LATE_NS: Final[i64] = 200_000_000   # that a direction as a whole may come after the other: taps differ by their clocks
LATE_PACKETS: Final[i64] = 10_000   # of the connection in that time
WINDOW_SLACK: Final[i64] = 65536    # bytes beyond the window seen: the capture may order ACKs late
MAX_WINDOW: Final[i64] = 1 << 30    # RFC 7323

# What became of a segment.
NEW: Final[i64] = 0
OLD: Final[i64] = 1          # all of it had been delivered: a retransmission
PROBE: Final[i64] = 2        # a keep-alive
WAITING: Final[i64] = 3      # out of order
ASIDE: Final[i64] = 4        # all of it had been passed by, and it is not known to be the same: set aside


class Receiver:
    """Receives a stream's bytes in order. Implemented by Connection."""

    def deliver(self, stream: "Stream", data: bytes, at: i64, end: i64, cut: i64) -> None:
        raise NotImplementedError

    def switch_decoder(self, stream: "Stream", decoder: Decoder, data: bytes, at: i64, end: i64, cut: i64) -> None:
        """Let another decoder go on with data[at:end]: `decoder` has come to its end."""
        raise NotImplementedError

    def gap(self, stream: "Stream", count: i64) -> None:
        raise NotImplementedError

    def stops_inside(self, stream: "Stream") -> bool:
        """Return whether the bytes so far stop inside a record, of which more is due."""
        return False

    def set_aside(
        self, stream: "Stream", seq: i64, data: bytes, at: i64, end: i64, frame: i64, time_ns: i64, doubtful: bool
    ) -> None:
        """Read bytes that are not part of the stream, with those of their segment that are: a packet may need both.

        doubtful: they are more than a late repetition of acknowledged bytes that are not kept any more.
        """
        return

    def disputed(self, stream: "Stream", data: bytes, frame: i64) -> None:
        """Look at bytes that were taken first, and in whose place others came: a receiver may have had those."""
        return


class Stream(Progress):
    """One direction. `next` is the offset up to which bytes were delivered or given up.

    The attributes stand in the order of how often they are used: compiled, they lie so in memory, and with hundreds of
    connections at once every piece of it has to be fetched anew for each frame.
    """

    def __init__(
        self, key: bytes, facts: Facts, side: DirectionAccount, receiver: Receiver, budget: Budget,
        borrowed: list[History],
    ) -> None:
        super().__init__()
        self.addresses: i64 = 0  # of IPv4, as the engine's cache reads them
        self.ports: i64 = -1     # both, as read from the TCP header; -1 while not in the cache
        self.is_v4 = len(key) == 12
        self.spoke = False            # a frame of this direction was captured
        self.receiver = receiver
        self.key = key
        self.network: i64 = -1        # that its first frame was seen in; -1: there was none
        self.start: i64 = 0           # 0: not known yet, else START_ACK or START_SYN, or -1 the first segment seen
        self.next_seq: i64 = 0        # the sequence number of `next`
        self.edge: i64 = -1           # right edge of the receiver's window; -1 not known
        self.patience: i64 = -1       # packets left before missing bytes are given up as a gap; -1: none are missing
        self.scale: i64 = -1          # window scale that this sender announced for itself; -1 not known
        self.sent: i64 = 0            # up to where the sender's own sequence numbers say that it has sent
        self.side = side
        self.facts = facts
        self.history = History(budget, borrowed)
        self.decoder: Decoder | None = None
        self.held: list[Segment] = []
        self.budget = budget
        self.networks: list[int] | None = None  # others that it was seen in as well: with its tag and without
        self.end: i64 = -1            # offset of FIN
        self.gap_frame: i64 = 0      # the frame that first showed that bytes are missing
        self.late_since: i64 = -1     # when they were acknowledged, or what came last of them arrived
        self.late_packets: i64 = 0
        self.pending: list[Segment] = []  # delivered before the protocol was known
        self.torn: Torn | None = None
        self.good_checksums: i64 = 0
        self.bad_checksums: i64 = 0
        self.probe: i64 = -1                    # the last keep-alive's byte: its offset, and its value in 8 bits
        self.left_to_card = False               # a checksum was the part that a network card completes

    def begin(self, seq: i64, how: i64) -> None:
        """Set the sequence number of offset 0. how: START_SYN, START_ACK, or -1 for the first segment seen."""
        self.start = how
        self.next = 0
        self.next_seq = seq & MASK
        self.acked = 0
        self.sent = 0

    def resume(self, seq: i64) -> None:
        """Go on at `seq` behind bytes that were passed over: its offset is the next one that has to be accounted."""
        self.start = -1
        self.next = self.side.position
        self.next_seq = seq & MASK
        self.acked = self.next
        self.sent = self.next
        self.edge = -1
        self.patience = -1
        self.end = -1
        self.history.opening = b""
        for item in self.held:
            self.budget.held += len(item.data) + SEGMENT_COST
        self.held = []
        self.history.clear()

    def find_offset(self, seq: i64) -> i64:
        """Return the stream offset that a sequence number means: the one nearest to `next`, perhaps negative."""
        delta = (seq - self.next_seq) & MASK
        return self.next + (delta if delta < HALF else delta - MASK - 1)

    def distance(self, seq: i64) -> i64:
        """Return how far a sequence number is from the next one, in bytes, in either direction."""
        delta = (seq - self.next_seq) & MASK
        return delta if delta < HALF else MASK + 1 - delta

    def acknowledge(self, ack: i64, window: i64) -> None:
        """Take the receiver's ACK number and window in bytes (-1: its scale is not known)."""
        if self.start <= 0:
            self._acknowledge_start(ack)
        delta = (ack - self.next_seq) & MASK
        offset = self.next + (delta if delta < HALF else delta - MASK - 1)
        edge = offset + (window if window >= 0 else MAX_WINDOW)
        if edge > self.edge:
            self.edge = edge
        if offset > self.acked:
            if self.end >= 0 and offset > self.end:
                offset = self.end  # a FIN takes a sequence number, and is no byte
            if offset - self.next > MAX_WINDOW:
                return  # no window is as large: the ACK is forged, or of another connection
            self.acked = offset
            if offset > self.next and self.patience < 0:
                # The receiver has bytes that the capture has not: they are missing, or come late by another tap.
                self.patience = PATIENCE
                self.gap_frame = self.budget.frame
                self.late_since = self.budget.time_ns
                self.late_packets = LATE_PACKETS

    def _acknowledge_start(self, ack: i64) -> None:
        """Learn from the first ACK where the direction begins; taps may bring it after the first bytes."""
        if self.start == 0:
            self.begin(ack, START_ACK)
        elif self.find_offset(ack) == 0:
            self.start = START_ACK

    def _begins_earlier(self, offset: i64) -> None:
        """Move offset 0 back: the first bytes lie before the first ACK that was seen (two taps, no SYN captured)."""
        before = -offset
        self.start = -1
        self.next_seq = (self.next_seq + offset) & MASK
        self.acked += before
        if self.sent > 0:  # else the sender's numbers have said nothing yet
            self.sent += before
        if self.edge >= 0:
            self.edge += before
        if self.end >= 0:
            self.end += before
        self.patience = PATIENCE
        self.gap_frame = self.budget.frame
        self.late_since = self.budget.time_ns
        self.late_packets = LATE_PACKETS

    def tell_sent(self, seq: i64) -> None:
        """Learn from a segment without data how much was sent before it: its sequence number says so."""
        offset = self.find_offset(seq)
        if offset > self.sent and offset - self.next <= MAX_WINDOW and (self.end < 0 or offset <= self.end):
            self.sent = offset
            if offset > self.next and self.patience < 0:
                self.patience = PATIENCE
                self.gap_frame = self.budget.frame
                self.late_since = self.budget.time_ns
                self.late_packets = LATE_PACKETS

    def segment(
        self, seq: i64, data: bytes, at: i64, end: i64, cut: i64, frame: i64, time_ns: i64
    ) -> i64:
        """Take payload data[at:end], `cut` more bytes of it lost to the snaplen. Return what became of it: NEW, ..."""
        if self.start == 0:
            self.begin(seq, -1)  # neither a SYN nor an ACK said where the direction begins: mid-stream
        delta = (seq - self.next_seq) & MASK
        if delta == 0 and not self.held:
            self.take(data, at, end, cut, frame, time_ns, 0)
            if self.patience >= 0:
                self.reset_patience()
            return NEW
        offset = self.next + (delta if delta < HALF else delta - MASK - 1)
        stop = offset + (end - at) + cut
        # One byte before the first ACK is rather a keep-alive; more were sent before it, and come by another tap.
        if offset < 0 and self.start == START_ACK and stop - offset > 1 and self.side.seen == 0 and not self.held:
            if self.next == 0:
                self._begins_earlier(offset)
                stop -= offset
                offset = 0
        if offset < self.next:
            # RFC 9293, 3.10.7.4: a receiver keeps the first copy of a byte. The others are compared with it, as the
            # capture may have seen what the receiver did not; only what is new goes on.
            known = stop if stop < self.next else self.next
            got = at + known - offset
            same = compare(self, offset, data, at, got if got < end else end, end, frame, time_ns)
            if stop <= self.next:
                if stop - offset <= 1 and (stop == self.next or (same and (offset << 8 | data[at]) == self.probe)):
                    return PROBE  # RFC 9293, 3.8.4: a keep-alive may bring one byte of garbage
                return OLD if same else ASIDE
            skip = self.next - offset
            tracker = self.side.tracker
            if tracker is not None:
                tracker.again(frame, 0, skip)
            if self.held and self.held[0].offset < stop and at + skip < end:
                make_way(self, data, at + skip, end, frame, time_ns)
            let_wait(self, self.next, data, at + skip, end, cut, frame, time_ns, skip)
        else:
            if delta == 0 and self.held[0].offset < stop:
                make_way(self, data, at, end, frame, time_ns)
            let_wait(self, offset, data, at, end, cut, frame, time_ns, 0)
        waiting = self.held[0].offset > self.next
        self._drain()
        # More may not wait: what is missing becomes a gap, and BOUND says why.
        if len(self.held) > MAX_HELD or self.budget.held < 0:
            if self.budget.held < 0:
                self.budget.refused = True
            self.facts.note(anomalies.BOUND, self.side.from_client, frame, time_ns, self.next, 0)
            self.give_up()
        if self.patience >= 0:
            self.reset_patience()
        return WAITING if waiting else NEW

    def repeats(self, seq: i64, data: bytes, at: i64, end: i64, frame: i64) -> bool:
        """Return whether all these bytes are the same as those that were delivered in their place."""
        offset = self.find_offset(seq)
        if self.start == 0 or at >= end or offset < 0 or offset + end - at > self.next:
            return False
        if self.history.compare(offset, data, at, end) != SAME:
            return False
        self.side.repeated += end - at
        tracker = self.side.tracker
        if tracker is not None:
            tracker.same(frame, 0, end - at, offset)
        return True

    def take(self, data: bytes, at: i64, end: i64, cut: i64, frame: i64, time_ns: i64, payload_at: i64) -> None:
        """Deliver the next bytes, in order; `cut` bytes behind them are a gap."""
        side = self.side
        start = self.next
        size = end - at
        total = size + cut
        side.frame = frame
        side.time_ns = time_ns
        side.seen += size
        self.next = start + total
        self.next_seq = (self.next_seq + total) & MASK
        self.history.add(start, data, at, end, self.acked >= start)
        if side.tracker is not None:
            side.tracker.frame(frame, start, start + total, payload_at)
        decoder = self.decoder
        if size == 0:
            pass  # all of it was cut off
        elif decoder is None:
            self.receiver.deliver(self, data, at, end, cut)
        else:
            at = decoder.feed(data, at, end, cut)
            if decoder.next != STAY:
                self.receiver.switch_decoder(self, decoder, data, at, end, cut)
        if cut > 0:
            side.truncated += cut
            self.facts.note(anomalies.TRUNCATED, side.from_client, frame, time_ns, start + size, cut)
            self.receiver.gap(self, cut)

    def _drain(self) -> None:
        while self.held and self.held[0].offset <= self.next:
            item = self.held.pop(0)
            self.budget.held += len(item.data) + SEGMENT_COST
            self.take(item.data, 0, len(item.data), item.cut, item.frame, item.time_ns, item.payload_at)

    def reset_patience(self) -> None:
        if not self.held and self.next >= self.acked and self.next >= self.sent:
            self.patience = -1
        elif not self.held and self.next >= self.sent:
            # What was acknowledged is coming, in order.
            self.patience = PATIENCE
            self.late_since = self.budget.time_ns
            self.late_packets = LATE_PACKETS

    def tick(self) -> None:
        """Count another packet of the connection while bytes are missing that the receiver has; give up in the end."""
        self.patience -= 1
        if self.patience < 0:
            if self._is_late():
                self.patience = 0
            else:
                self.give_up()

    def _is_late(self) -> bool:
        """Return whether what is missing may yet come: nothing sent later was seen, only the peer's ACK.

        Two taps, each with a clock of its own, give all of one direction later than it was sent. Waiting costs
        nothing, as nothing is held; a packet of this direction that was sent later ends it.
        """
        now = self.budget.time_ns
        if self.held or self.sent > self.next or now < 0 or self.late_since < 0:
            return False
        self.late_packets -= 1
        return self.late_packets > 0 and now - self.late_since < LATE_NS

    def give_up(self) -> None:
        """Give up the bytes before what waits, or before what was acknowledged: they are a gap."""
        target = self.acked if self.acked > self.sent else self.sent
        if self.held and (target <= self.next or self.held[0].offset < target):
            target = self.held[0].offset
        self._gap_to(target)
        self._drain()
        self.patience = -1
        if self.next < self.acked or self.next < self.sent:
            self.patience = PATIENCE

    def _gap_to(self, target: i64) -> None:
        count = target - self.next
        if count <= 0:
            return
        side = self.side
        side.missing += count
        frame = self.gap_frame
        time_ns = self.budget.time_ns
        if self.held and self.held[0].offset <= target:
            frame = self.held[0].frame
            time_ns = self.held[0].time_ns
        self.facts.note(anomalies.GAP, side.from_client, frame, time_ns, self.next, count)
        if self.facts.tls is None:
            # Should the gap be filled after all, plaintext can be read across it; TLS records could not.
            remember_sides(self, target)
        self.next = target
        self.next_seq = (self.next_seq + count) & MASK
        self.history.clear()
        self.receiver.gap(self, count)

    def label_alone(self, frame: i64, label: i64) -> None:
        """Label a frame whose payload has no place in the stream (again), or that has none."""
        tracker = self.side.tracker
        if tracker is not None:
            tracker.alone(frame, label)

    def close(self) -> None:
        """End: deliver what waits, with the gaps before it and after. No more segments will come."""
        while self.held:
            self._gap_to(self.held[0].offset)
            self._drain()
        last = self.acked
        if self.sent > last:
            last = self.sent
        if self.end >= 0:
            last = self.end
        if self.start != 0 and (self.end >= 0 or last != self.next + 1 or self.receiver.stops_inside(self)):
            # One sequence number beyond the data, and no FIN captured: that was the FIN, unless a byte is due.
            if self.gap_frame == 0:
                self.gap_frame = self.budget.frame
            self._gap_to(last)
        self.patience = -1
        self.history.clear()
        if self.torn is not None:
            self.torn.give_back(self.budget)
            self.torn = None

    def known_from(self) -> i64:
        """Return how the beginning is known: START_SYN, START_ACK, or 0 if it is not."""
        return self.start if self.start in (START_ACK, START_SYN) else 0


def tick(stream: Stream, peer: Stream) -> None:
    """Let the bytes that either direction waits for be late by one segment more."""
    if stream.patience >= 0:
        stream.tick()
    if peer.patience >= 0:
        peer.tick()
