"""What is known of one connection, whatever it speaks: an account of each direction's bytes, events and anomalies.

`DirectionAccount` is of one direction; the rooms above add to `ConnectionLog` what they know. Decoders write them.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.anomalies import Anomaly
from aurora_wire.wire.decoding.events import AnomalyEvent, Event
from aurora_wire.wire.decoding.tracker import Tracker

MAX_STATEMENTS: Final[i64] = 10_000      # kept of one connection; all are counted
MAX_EVENTS: Final[i64] = 100_000         # that wait to be taken; who takes them does so after a few frames
MAX_CERTIFICATE_BYTES: Final[i64] = 4 << 20  # kept of all connections together, each certificate once
SLACK: Final[i64] = 8 << 20              # that open connections may grow beyond their budget
# What a connection is, as far as known.
UNKNOWN: Final[i64] = 0
MYSQL: Final[i64] = 1
TLS_ONLY: Final[i64] = 2    # TLS without a MySQL greeting before it
DECODED: Final[i64] = 3     # a protocol with a folder of its own (X Protocol); `Facts.other` names it
OTHER: Final[i64] = 4       # another protocol; `Facts.other` names it


class Budget:
    """What all connections together may keep. Beyond it statements are only counted, and other things weaken a verdict.

    All are bytes, with what the objects around them take. statements: kept ones; held: what waits for more: segments,
    first bytes, packets and messages that are not whole; history: kept to compare retransmissions with; prepared:
    prepared statements and their long data; open: connections that are not finished, with what they have named (beyond
    it, those silent longest are given up); inflating: what decompressors in use may hold; certificates: kept ones,
    each once (`known_certificates`). each: statements of one connection; rows: of one result, whose values are kept.
    groups: statements are counted by their fingerprints.

    refused: something was left out for want of room, so that the result depends on what other connections took.
    lowest: what `inflating` came down to since somebody set it.
    """

    __slots__ = (
        "certificates", "deflated", "each", "frame", "groups", "held", "history", "inflated", "inflating",
        "known_certificates", "lowest", "open", "prepared", "refused", "rows", "statements", "time_ns", "weighs",
    )  # fmt: skip

    def __init__(
        self, statements: i64 = 28 << 20, held: i64 = 24 << 20, history: i64 = 8 << 20, prepared: i64 = 12 << 20,
        each: i64 = MAX_STATEMENTS, inflating: i64 = 24 << 20, open_connections: i64 = 80 << 20,
    ) -> None:  # fmt: skip
        self.open: i64 = open_connections
        self.inflating: i64 = inflating
        self.prepared: i64 = prepared
        self.each: i64 = each
        self.rows: i64 = 0
        self.groups = False
        self.weighs = True       # statements and rows are looked into: classes of data, secrets, sizes of columns
        self.statements: i64 = statements
        self.held: i64 = held
        self.history: i64 = history
        self.deflated: i64 = 0   # bytes of compressed packets, and of what was in them
        self.inflated: i64 = 0
        self.frame: i64 = 0      # the frame that is being fed, for anomalies that it brings to light
        self.time_ns: i64 = -1
        self.refused = False
        self.lowest: i64 = inflating
        self.certificates: i64 = MAX_CERTIFICATE_BYTES
        self.known_certificates: dict[bytes, bytes] = {}

    def take_inflating(self, cost: i64) -> bool:
        """Take what a decompressor holds; return False where not as much is left. It is given back to `inflating`."""
        if cost > self.inflating:
            self.refused = True
            return False
        self.inflating -= cost
        if self.inflating < self.lowest:
            self.lowest = self.inflating
        return True


class DirectionAccount:
    """One direction: where its decoder is, and the account of its bytes.

    by_design + plaintext + tls + unknown + (what the decoder still holds) == seen, and every captured byte of payload
    is in one of seen, repeated and aside.
    """

    __slots__ = (
        "anchor",
        "anchored",
        "aside",
        "by_design",
        "frame",
        "from_client",
        "last_label",
        "missing",
        "plaintext",
        "position",
        "repeated",
        "seams",
        "seen",
        "time_ns",
        "tls",
        "tracker",
        "truncated",
        "unknown",
        "unknown_frame",
        "unknown_offset",
    )  # fmt: skip

    def __init__(self, from_client: bool) -> None:
        # In the order of how often they are used, as in memory: see `Stream`.
        self.from_client: bool = from_client
        self.anchored = False   # places are told by `anchor`
        self.position: i64 = 0  # stream offset of the first byte not yet accounted for
        self.frame: i64 = 0     # of the segment being decoded
        self.time_ns: i64 = 0
        self.seen: i64 = 0
        self.last_label: i64 = -1
        self.tracker: Tracker | None = None
        self.tls: i64 = 0
        self.plaintext: i64 = 0
        self.anchor: i64 = 0    # of bytes out of something: stream offset of the compressed packet or TLS record
        self.by_design: i64 = 0
        self.unknown: i64 = 0
        self.unknown_frame: i64 = -1   # of the first unknown bytes
        self.unknown_offset: i64 = -1
        self.missing: i64 = 0
        self.truncated: i64 = 0
        self.repeated: i64 = 0  # captured bytes that are in no account above: compared, and the same
        self.aside: i64 = 0     # and those of which nobody knows that
        self.seams: list[int] | None = None  # stream offsets between bytes that may be of different senders

    def account(self, count: i64, label: i64) -> None:
        """Account for the next `count` bytes: they are what `label` says."""
        self.last_label = label
        if label >= labels.TLS_HANDSHAKE and label <= labels.TLS_HEARTBEAT:
            self.tls += count
        else:
            kind = labels.classify(label)
            if kind == labels.PLAINTEXT:
                self.plaintext += count
            elif kind == labels.BY_DESIGN:
                self.by_design += count
            else:
                if self.unknown == 0:
                    self.unknown_frame = self.frame
                    self.unknown_offset = self.position
                self.unknown += count
        self.position += count
        tracker = self.tracker
        if tracker is not None:
            tracker.span(self.position - count, self.position, label)

    def gap(self, count: i64) -> None:
        """Pass the next `count` bytes, which are a gap."""
        self.position += count
        tracker = self.tracker
        if tracker is not None:
            tracker.gap(self.position - count, self.position)


class ConnectionLog:
    """One connection, as every decoder sees it: its number, what both directions brought, events and anomalies."""

    def __init__(self, connection: i64, budget: Budget, events: list[Event] | None) -> None:
        self.id: i64 = connection
        self.budget: Budget = budget
        self.events: list[Event] | None = events
        self.charged: i64 = 0                    # to the budget of open connections
        # The connection.
        self.kind: i64 = UNKNOWN
        self.other = ""                          # name of another protocol
        self.client = DirectionAccount(True)
        self.server = DirectionAccount(False)
        self.anomalies: list[Anomaly] = []

    def side(self, from_client: bool) -> DirectionAccount:
        return self.client if from_client else self.server

    def charge(self, cost: i64) -> None:
        """Charge `cost` bytes to the budget of open connections, until this one is closed."""
        self.charged += cost
        self.budget.open -= cost

    def afford(self, cost: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64) -> bool:
        """Charge what the connection says of itself; note BOUND and return False if too much is kept already."""
        if self.budget.open < -SLACK:
            self.budget.refused = True
            self.note(anomalies.BOUND, from_client, frame, time_ns, offset, cost)
            return False
        self.charge(cost)
        return True

    def discharge(self) -> None:
        """Return what the connection was charged: it is closed."""
        self.budget.open += self.charged
        self.charged = 0

    def find_anomaly(self, kind: i64, from_client: bool) -> Anomaly | None:
        for note in self.anomalies:
            if note.kind == kind and note.from_client == from_client:
                return note
        return None

    def note(self, kind: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64, amount: i64) -> None:
        """Count an anomaly; the first of its kind and direction keeps frame and offset, and is an event."""
        note = self.find_anomaly(kind, from_client)
        if note is None:
            note = Anomaly(kind, from_client, frame, offset)
            self.anomalies.append(note)
            if self.events is not None:
                self.events.append(AnomalyEvent(self.id, from_client, frame, time_ns, offset, kind, amount))
        note.count += 1
        note.amount += amount
