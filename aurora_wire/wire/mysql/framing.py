"""MySQL framing: packets out of a stream, whatever the segments.

Source: MySQL Server docs, "Protocol::Packet" (3 bytes payload length, 1 byte sequence id; a payload of 2^24 - 1 bytes
or more goes on in further packets). A packet that lies whole in a segment, the usual case, is decoded where it is;
of others only as many bytes are kept as the subclass asks for.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24, u32
from aurora_wire.wire.decoding import anomalies, labels, roles
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_SEARCH, Decoder
from aurora_wire.wire.decoding.tracker import Tracker
from aurora_wire.wire.mysql.facts import MySQLFacts

HEADER: Final[i64] = 4
HEADER_NEEDED: Final[i64] = 6      # bytes that tell a TLS hello or alert from a packet's header
MAX_CHUNK: Final[i64] = 0xFFFFFF
SMALL_PIECE: Final[i64] = 1024   # bytes up to which what follows is joined to it

REJECT: Final[i64] = -1   # such a packet makes no sense here
LABEL_LATER: Final[i64] = -2     # the label is known when the packet is whole (`late_label`)
PENDING: Final[i64] = -3  # the payload's first byte has not come yet


class Packets(Decoder):
    """Base of both directions' decoders."""

    def __init__(self, facts: MySQLFacts, side: DirectionAccount) -> None:
        super().__init__(facts, side)
        self.facts = facts
        self.head = b""              # of a header that came in pieces
        self.left: i64 = 0           # payload bytes of the current packet still to come
        self.length: i64 = 0
        self.sequence: i64 = 0
        self.total: i64 = 0          # of a payload that goes on over packets: bytes in those before
        self.continued = False       # the next packet goes on with the payload
        self.label: i64 = PENDING
        self.late_label: i64 = labels.UNKNOWN
        self.unlabelled: i64 = 0           # bytes consumed and not accounted yet
        self.keep: i64 = 0           # how many payload bytes to keep
        self.kept: list[bytes] = []
        self.kept_size: i64 = 0
        self.whole = True            # no gap in what is kept
        self.packet_frame: i64 = 0   # where the current packet began
        self.packet_time: i64 = 0
        self.packet_offset: i64 = 0
        self.tls_possible = True     # a TLS hello or alert may stand where a packet begins
        self.held = b""              # too few bytes to tell a TLS record from a packet
        self.checked = False         # what begins here is no TLS record
        self.running = False         # definitions or rows follow: see `run`
        self.relaxed = False         # inside compressed packets sequence ids jump
        # Only for a tracker.
        self.begun: i64 = 0          # stream offset of the current packet's header
        self.role: i64 = roles.UNKNOWN
        self.was_told = False        # the tracker knows of the packet already
        self.is_late = False         # and is told its role only when it is there
        self.number: i64 = 0         # which definition it is, from 1
        self.number_of: i64 = 0
        self.certain = True          # of a reply: the command that it answers was seen

    # What a direction has to say.

    def boundary(self, data: bytes, at: i64, end: i64) -> i64:
        """Decide between packets: STAY, or another decoder's turn. Called while `tls_possible`."""
        raise NotImplementedError

    def accept(self, length: i64, sequence: i64, first: i64) -> i64:
        """Return the label of the packet that begins, LATE or REJECT; first: its first payload byte, -1 if it has none.
        """
        raise NotImplementedError

    def run(self, data: bytes, at: i64, end: i64) -> i64:
        """Pass whole packets of a result set, while `running`. Return how far."""
        raise NotImplementedError

    def wanted(self, first: i64) -> i64:
        """Return how many payload bytes to keep of a packet that comes in pieces."""
        raise NotImplementedError

    def placed(self, label: i64, first: i64) -> i64:
        """Return the role of the packet that `accept` gave this label. Sets `number`, `number_of` and `certain`."""
        raise NotImplementedError

    def told(self, data: bytes, at: i64, end: i64) -> i64:
        """Return the role of the whole payload data[at:end] by its own fields, if its place does not tell."""
        raise NotImplementedError

    def misses(self) -> None:
        """Note that neither the next packet's place nor the command that the next reply answers is known."""
        self.facts.doubt = True
        self.facts.session.forget()

    def lacks_bytes(self) -> None:
        """End a packet with a gap in it: what it said of those to come may be missing."""
        return

    def guessed(self) -> i64:
        """Return the label of a packet that should have been judged whole and has a gap."""
        raise NotImplementedError

    def packet(self, data: bytes, at: i64, end: i64, total: i64, whole: bool) -> None:
        """Decode a payload: data[at:end] of its `total` bytes; not `whole` if some are missing or were not kept."""
        raise NotImplementedError

    # Framing.

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        side = self.side
        while at < end:
            if self.left > 0:
                at = self._body(data, at, end)
            elif len(self.head) == 0 and not self.continued:
                if self.tls_possible and not self.checked:
                    if len(self.held) > 0 or end - at < HEADER_NEEDED:
                        begun = at
                        at = self._tell_records(data, at, end)
                        if self.next != STAY or at > begun:
                            return at if self.next != STAY or at == end else self.feed(data, at, end, cut)
                    else:
                        self.next = self.boundary(data, at, end)
                        if self.next != STAY:
                            return at
                        self.checked = True
                if self.running and (side.tracker is None or side.tracker.takes_runs):
                    begun = at
                    at = self.run(data, at, end)
                    if at > begun:
                        side.account(at - begun, labels.RESULT_SET)
                        if at >= end:
                            return at
                if end - at > HEADER:
                    header = u32(data, at)
                    length = header & 0xFFFFFF
                    stop = at + HEADER + length
                    if stop <= end and 0 < length < MAX_CHUNK:
                        sequence = header >> 24
                        first: i64 = data[at + 4]
                        label = self.accept(length, sequence, first)
                        if label == REJECT:
                            return self._lose(at)
                        self.packet_frame = side.frame
                        self.packet_time = side.time_ns
                        self.packet_offset = side.anchor if side.anchored else side.position
                        self.sequence = sequence
                        tracker = side.tracker
                        if tracker is None:
                            self.packet(data, at + HEADER, stop, length, True)
                        else:
                            self._tracked(tracker, data, at + HEADER, stop, label, first)
                        side.account(HEADER + length, self.late_label if label == LABEL_LATER else label)
                        self.checked = False
                        at = stop
                        if self.next != STAY:
                            return at
                        continue
                at = self._header(data, at, end)
            else:
                at = self._header(data, at, end)
            if self.next != STAY:
                return at
        return at

    def _tracked(self, tracker: Tracker, data: bytes, at: i64, end: i64, label: i64, first: i64) -> None:
        """Decode a whole packet, each of which somebody wants to know of."""
        start = self.side.position
        self.length = end - at
        role = self.placed(label, first)
        if role == roles.UNKNOWN and not self.certain:
            role = self.told(data, at, end)
        self.packet(data, at, end, end - at, True)
        if label == LABEL_LATER:
            role = find_role(self.late_label)
        tracker.begins(start, end - at, role, self.certain, self.number, self.number_of, first)
        tracker.packet(start, role, self.certain, data, at, end, end - at)

    def _tell_records(self, data: bytes, at: i64, end: i64) -> i64:
        """Keep few bytes, perhaps of a TLS record, until there are enough to tell. Return where consumption ended."""
        take = HEADER_NEEDED - len(self.held)
        if take > end - at:
            take = end - at
        held = self.held + data[at : at + take]
        self.held = b""
        self.next = self.boundary(held, 0, len(held))
        if self.next != STAY:
            if len(held) < HEADER_NEEDED:
                self.next = STAY
                self.held = held
                return at + take
            self.carry = held
            return at + take
        self.checked = True
        rest = self.feed(held, 0, len(held), 0)
        if self.next != STAY:
            self.carry = held[rest:]
        return at + take

    def _lose(self, at: i64) -> i64:
        self.note(anomalies.LOST_FRAMING, 0)
        self.next = TO_SEARCH
        self.misses()
        self._told_lost()
        return at

    def _told_lost(self) -> None:
        tracker = self.side.tracker
        if tracker is not None:
            tracker.lost()

    def _header(self, data: bytes, at: i64, end: i64) -> i64:
        """Gather the four bytes of a header."""
        side = self.side
        if not self.head and not self.continued:
            self.packet_frame = side.frame
            self.packet_time = side.time_ns
            self.packet_offset = side.anchor if side.anchored else side.position
            self.begun = side.position
            self.was_told = False
            self.total = 0
            self.label = PENDING
            self.let_go()
            self.whole = True
        take = HEADER - len(self.head)
        if take > end - at:
            take = end - at
        self.head += data[at : at + take]
        self.unlabelled += take
        at += take
        if len(self.head) < HEADER:
            return at
        self.length = u24(self.head, 0)
        self.sequence = self.head[3]
        self.head = b""
        self.left = self.length
        if self.continued and side.tracker is not None:
            side.tracker.goes_on(side.position + self.unlabelled - HEADER, self.length)
        if self.length == 0:
            if self.label == PENDING and not self._decide(-1):
                return at
            self._chunk_end()
        return at

    def _decide(self, first: i64) -> bool:
        """Label the packet that begins, now that its first payload byte is here. Return False if it is refused."""
        label = self.accept(self.length, self.sequence, first)
        if label == REJECT:
            self.side.account(self.unlabelled, labels.UNKNOWN)
            self.unlabelled = 0
            self.left = 0
            self._lose(0)
            return False
        self.label = label
        self.keep = self.wanted(first)
        tracker = self.side.tracker
        if tracker is not None:
            if tracker.keeps > self.keep:
                self.keep = tracker.keeps
            self.role = self.placed(label, first)
            self.is_late = label == LABEL_LATER
            if label != LABEL_LATER:
                tracker.begins(self.begun, self.length, self.role, self.certain, self.number, self.number_of, first)
        if label != LABEL_LATER:
            self.side.account(self.unlabelled, label)
            self.unlabelled = 0
        return True

    def _body(self, data: bytes, at: i64, end: i64) -> i64:
        if self.label == PENDING and not self._decide(int(data[at])):
            return at
        take = self.left if self.left < end - at else end - at
        if self.whole and self.kept_size < self.keep:
            some = take if take < self.keep - self.kept_size else self.keep - self.kept_size
            self._keep_some(data[at : at + some], some)
        self.left -= take
        if self.label == LABEL_LATER:
            self.unlabelled += take
        else:
            self.side.account(take + self.unlabelled, self.label)
            self.unlabelled = 0
        at += take
        if self.left == 0:
            self._chunk_end()
        return at

    def _keep_some(self, piece: bytes, size: i64) -> None:
        """Keep bytes of a packet that comes in pieces, while all connections together may."""
        budget = self.facts.budget
        if budget.held < 0:
            budget.refused = True
            self.whole = False
            self.note(anomalies.BOUND, size)
            return
        kept = self.kept
        last: i64 = len(kept) - 1
        if last >= 0 and len(kept[last]) < SMALL_PIECE:
            kept[last] += piece
        else:
            kept.append(piece)
        self.kept_size += size
        budget.held -= size

    def let_go(self) -> None:
        """Drop the kept bytes and return them to the budget."""
        if self.kept_size > 0:
            self.facts.budget.held += self.kept_size
            self.kept_size = 0
            self.kept = []

    def _chunk_end(self) -> None:
        self.total += self.length
        if self.length == MAX_CHUNK:
            self.continued = True
            return
        self._emit()
        if self.label == LABEL_LATER:
            self.side.account(self.unlabelled, self.late_label)
        elif self.unlabelled:
            self.side.account(self.unlabelled, self.label)
        self.unlabelled = 0
        self.checked = False

    def _emit(self) -> None:
        """Hand the payload over, whole or not."""
        self.continued = False
        prefix = b"".join(self.kept)
        self.let_go()
        self.packet(prefix, 0, len(prefix), self.total, self.whole and len(prefix) == self.total)
        self._tell_late(prefix, self.total)
        if not self.whole:
            self.lacks_bytes()

    def _tell_late(self, prefix: bytes, total: i64) -> None:
        """Tell the tracker of a packet that came in pieces."""
        tracker = self.side.tracker
        if tracker is None or self.was_told:
            return
        self.was_told = True
        if self.is_late:
            self.role = find_role(self.late_label if self.label == LABEL_LATER else self.label)
            first: i64 = prefix[0] if prefix else -1
            tracker.begins(self.begun, self.length, self.role, self.certain, 0, 0, first)
        elif self.role == roles.UNKNOWN and not self.certain and self.whole and len(prefix) == total:
            self.role = self.told(prefix, 0, len(prefix))
        tracker.packet(self.begun, self.role, self.certain, prefix, 0, len(prefix), total)

    def gap(self, count: i64) -> None:
        side = self.side
        if self.held:
            side.account(len(self.held), labels.UNKNOWN)
            self.held = b""
        self.checked = False
        self._told_lost()
        began = self.label != PENDING and (self.left > 0 or self.continued)
        if self.left > 0 and count <= self.left and self.label != PENDING:
            self.whole = False
            self.left -= count
            if self.label == LABEL_LATER:
                self.label = self.guessed()
                self._tell_part()
                side.account(self.unlabelled, self.label)
                self.unlabelled = 0
            else:
                self._tell_part()
            side.gap(count)
            if self.left == 0:
                self._chunk_end()
            return
        if began:
            self.whole = False
            self.total += self.length if self.left > 0 else 0
            self._emit()
        if self.unlabelled:
            side.account(self.unlabelled, labels.UNKNOWN)
            self.unlabelled = 0
        side.gap(count)
        self.left = 0
        self.head = b""
        self.continued = False
        self.label = PENDING
        self.next = TO_SEARCH
        self.misses()

    def _tell_part(self) -> None:
        """Tell the tracker what is there of the packet, before a gap."""
        if self.side.tracker is not None:
            self._tell_late(b"".join(self.kept), self.total + self.length)

    def finish(self) -> None:
        if self.held:
            self.side.account(len(self.held), labels.UNKNOWN)
            self.held = b""
        if self.label == LABEL_LATER and self.left > 0:
            self.label = self.guessed()
        if self.label not in (PENDING, LABEL_LATER) and (self.left > 0 or self.continued):
            self.whole = False
            self.total += self.length if self.left > 0 else 0
            self._emit()
        if self.unlabelled:
            self.side.account(self.unlabelled, self.label if self.label >= 0 else labels.UNKNOWN)
            self.unlabelled = 0
        self.let_go()
        self.left = 0
        self.head = b""


def find_role(label: i64) -> i64:
    """Return the role that a label stands for by itself."""
    if label >= labels.COMMAND:
        return roles.COMMAND
    if label == labels.GREETING:
        return roles.GREETING
    if label == labels.SSL_REQUEST:
        return roles.SSL_REQUEST
    if label == labels.LOGIN:
        return roles.LOGIN
    if label == labels.AUTH:
        return roles.AUTH
    if label == labels.OK:
        return roles.OK
    if label == labels.EOF:
        return roles.EOF
    if label == labels.ERR:
        return roles.ERR
    if label == labels.EARLY_ERROR:
        return roles.EARLY_ERR
    if label == labels.PREPARE_OK:
        return roles.PREPARE_OK
    if label == labels.INFILE_REQUEST:
        return roles.INFILE_REQUEST
    if label == labels.INFILE_DATA:
        return roles.FILE_DATA
    if label == labels.CLONE_DATA:
        return roles.CLONE
    return roles.BINLOG if label == labels.BINLOG else roles.UNKNOWN


def label_reply(first: i64, length: i64) -> i64:
    """Return the label of a server's packet by its first byte and its length alone."""
    if first == 0 and length >= 7:
        return labels.RESPONSE
    if first == 0xFF:
        return labels.ERR
    return labels.EOF if first == 0xFE and length < 9 else labels.RESULT_SET
