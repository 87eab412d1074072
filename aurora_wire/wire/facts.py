"""What is known of one connection: all that a verdict is computed from, and what both directions share.

`Side` is one direction's account of its bytes; `Facts` is the connection's. Decoders write them, nobody else does.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire import labels, notes
from aurora_wire.wire.events import Event, Remark
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.execute import Prepared
from aurora_wire.wire.mysql.greeting import Greeting
from aurora_wire.wire.mysql.login import Login
from aurora_wire.wire.notes import Note
from aurora_wire.wire.proxy import ProxyHeader
from aurora_wire.wire.tls.hello import ClientHello, ServerHello
from aurora_wire.wire.tracking import Tracker

MAX_STATEMENTS: Final[i64] = 10_000      # kept of one connection; all are counted
MAX_EVENTS: Final[i64] = 100_000         # that wait to be taken; who takes them does so after a few frames
MAX_OUTSTANDING: Final[i64] = 1024       # commands without a reply that are remembered
MAX_INFILES: Final[i64] = 100            # files that were asked for, kept of one connection; all are counted
MAX_ASKED: Final[i64] = 512              # bytes of a command's text in which a LOAD DATA LOCAL is looked for
SLACK: Final[i64] = 8 << 20              # that open connections may grow beyond their budget
NAME_COST: Final[i64] = 150              # bytes that a name takes besides its own
STATEMENT_COST: Final[i64] = 300         # bytes that a kept statement takes besides its text

# What a connection is, as far as known.
UNKNOWN: Final[i64] = 0
MYSQL: Final[i64] = 1
TLS_ONLY: Final[i64] = 2    # TLS without a MySQL greeting before it
X: Final[i64] = 3
OTHER: Final[i64] = 4       # another protocol; `Facts.other` names it


START_ACK: Final[i64] = 1
START_SYN: Final[i64] = 2


class Budget:
    """What all connections together may keep. Beyond it statements are only counted, and other things weaken a verdict.

    All are bytes, with what the objects around them take. statements: kept ones; held: what waits for more: segments,
    first bytes, packets and messages that are not whole; history: kept to compare retransmissions with; prepared:
    prepared statements and their long data; open: connections that are not finished, with what they have named (beyond
    it, those silent longest are given up); inflating: what decompressors in use may hold. each: statements of one
    connection.
    """

    __slots__ = (
        "deflated", "each", "frame", "held", "history", "inflated", "inflating", "open", "prepared", "statements",
        "time_ns",
    )  # fmt: skip

    def __init__(
        self, statements: i64 = 28 << 20, held: i64 = 24 << 20, history: i64 = 8 << 20, prepared: i64 = 12 << 20,
        each: i64 = MAX_STATEMENTS, inflating: i64 = 24 << 20, open_connections: i64 = 80 << 20,
    ) -> None:  # fmt: skip
        self.open: i64 = open_connections
        self.inflating: i64 = inflating
        self.prepared: i64 = prepared
        self.each: i64 = each
        self.statements: i64 = statements
        self.held: i64 = held
        self.history: i64 = history
        self.deflated: i64 = 0   # bytes of compressed packets, and of what was in them
        self.inflated: i64 = 0
        self.frame: i64 = 0      # the frame that is being fed, for remarks on what it shows to be missing
        self.time_ns: i64 = -1


class Side:
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

    def account(self, count: i64, label: i64) -> None:
        """The next `count` bytes are what `label` says."""
        self.last_label = label
        if label >= labels.TLS_HANDSHAKE and label <= labels.TLS_HEARTBEAT:
            self.tls += count
        else:
            kind = labels.class_of(label)
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

    def hole(self, count: i64) -> None:
        """The next `count` bytes are not there."""
        self.position += count
        tracker = self.tracker
        if tracker is not None:
            tracker.hole(self.position - count, self.position)


class TLSSide:
    """What one direction's TLS records showed."""

    __slots__ = (
        "alerts", "app_bytes", "app_records", "before_hello", "before_spec", "broken", "close_notify", "data_records",
        "early_frame", "early_offset", "encrypted_handshake", "fatal_alert", "finished", "first_data_offset",
        "first_frame", "first_offset", "first_unsure_offset", "hellos", "keys_before_spec", "last_alert",
        "last_data_acked", "odd", "odd_frame", "odd_offset", "other_frame", "other_messages", "records",
        "spec_changed", "spec_frame", "unsure_longest", "unsure_records",
    )  # fmt: skip

    def __init__(self) -> None:
        self.records: i64 = 0
        self.first_frame: i64 = -1
        self.first_offset: i64 = -1
        self.spec_changed: bool = False          # ChangeCipherSpec seen
        self.encrypted_handshake: i64 = 0        # handshake records after it: Finished, and renegotiation
        self.app_records: i64 = 0                # application data records after the hellos
        self.data_records: i64 = 0               # of these, neither TLS 1.3's Finished nor an alert
        self.app_bytes: i64 = 0
        self.first_data_offset: i64 = -1
        self.last_data_acked: i64 = -1           # what the segment of the last one acknowledged: see `Stream.acked`
        # Application data records that came before the version was known, and are no data in TLS 1.3.
        self.unsure_records: i64 = 0
        self.unsure_longest: i64 = 0
        self.first_unsure_offset: i64 = -1
        self.alerts: i64 = 0
        self.last_alert: i64 = -1                # description of the last readable one
        self.fatal_alert: bool = False
        self.close_notify: bool = False
        self.broken: bool = False                # the record chain broke
        # Of the handshake's order; what it is worth depends on the version: see verdict/handshake.py.
        self.hellos: i64 = 0                     # ClientHellos, or ServerHellos without HelloRetryRequests
        self.other_messages: i64 = 0             # handshake messages in the clear but hellos
        self.other_frame: i64 = -1
        self.keys_before_spec: bool = False      # what makes keys came before ChangeCipherSpec
        self.spec_frame: i64 = -1                # of the first ChangeCipherSpec
        self.finished: i64 = 0                   # handshake records between ChangeCipherSpec and application data
        self.before_hello: i64 = 0               # application data records before the ServerHello
        self.before_spec: i64 = 0                # the same before this direction's ChangeCipherSpec
        self.early_frame: i64 = -1               # of the first of either
        self.early_offset: i64 = -1
        self.odd: i64 = 0                        # first thing that no peer accepts: wire/tls/handshake.py
        self.odd_frame: i64 = -1
        self.odd_offset: i64 = -1


class TLSFacts:
    """What the TLS handshake of a connection showed in the clear."""

    __slots__ = (
        "certificate_seen",
        "client",
        "client_hello",
        "hello_done",
        "hello_frame",
        "resumed",
        "retries",
        "retry",
        "server",
        "server_frame",
        "server_hello",
        "shortest",
    )  # fmt: skip

    def __init__(self) -> None:
        self.client: Final = TLSSide()
        self.server: Final = TLSSide()
        self.client_hello: ClientHello | None = None
        self.hello_frame: i64 = -1
        self.server_hello: ServerHello | None = None
        self.server_frame: i64 = -1
        self.retry: bool = False
        self.retries: i64 = 0                    # HelloRetryRequests
        self.hello_done: bool = False            # ServerHelloDone seen, or what comes between the hello and it
        self.shortest: i64 = 16                  # bytes that a protected record has at least
        self.certificate_seen: bool = False
        self.resumed: i64 = -1                   # 1 yes, 0 no, -1 not known

    def side(self, from_client: bool) -> TLSSide:
        return self.client if from_client else self.server


class Opened:
    """What came of opening a connection's TLS records with a key log. Nothing of it crossed in the clear."""

    __slots__ = (
        "cut",
        "failed",
        "failed_frame",
        "failed_from_client",
        "failed_offset",
        "found_keys",
        "inside",
        "records",
        "without_keys",
    )  # fmt: skip

    def __init__(self) -> None:
        self.found_keys = False            # there are keys for this connection, and for its suite
        self.records: i64 = 0              # opened
        self.failed: i64 = 0               # that did not authenticate under these keys
        self.failed_frame: i64 = -1        # of the first
        self.failed_offset: i64 = -1
        self.failed_from_client = False
        self.without_keys: i64 = 0         # of a direction whose key is not in the log
        self.cut: i64 = 0                  # that were not captured whole, and holes with several of them
        self.inside: Facts | None = None   # of the conversation that was inside


@mypyc_attr(acyclic=True)
class Infile:
    """A file of the client that the server asked for (LOCAL INFILE).

    frame and offset: of the request. wanted: 1 the command that it answers is a LOAD DATA LOCAL, 0 it is another one,
    -1 that is not known. size: bytes of the file that crossed, as far as seen; ended: the client's empty packet was
    seen, which alone is a refusal (or an empty file).
    """

    __slots__ = ("ended", "frame", "name", "offset", "size", "wanted")

    def __init__(self, name: bytes, frame: i64, offset: i64, wanted: i64) -> None:
        self.name: Final = name
        self.frame: Final[i64] = frame
        self.offset: Final[i64] = offset
        self.wanted: Final[i64] = wanted
        self.size: i64 = 0
        self.ended = False


class Facts:
    """One connection, as far as it was captured. Frames are -1 where the thing was not seen."""

    def __init__(self, connection: i64, budget: Budget, events: list[Event] | None) -> None:
        self.id: i64 = connection
        self.budget: Budget = budget
        self.events: list[Event] | None = events
        # Used for each segment or packet: here, as in memory, near the beginning.
        self.readable = False                    # a statement or login that is readable by itself was seen
        self.told = False                        # MySQL in the clear: what was seen adds up to it (wire/midstream.py)
        self.capabilities_known = False
        self.infile = False                      # the client is sending a file that the server asked for
        self.handed: i64 = 0                     # to what the connection was handed (mysql/commands.py); 0: to nothing
        self.changing_user = False               # COM_CHANGE_USER: its authentication is under way
        self.request: i64 = -1                   # shape of the reply that is due next; -1: none
        self.requests = bytearray()              # of those due after it: of commands that were not waited with
        self.charged: i64 = 0                    # to the budget of open connections
        self.capabilities: i64 = 0               # agreed
        self.commands: i64 = 0
        self.command_frame: i64 = -1             # of the first command
        self.queries: i64 = 0                    # of COM_QUERY
        self.statements_total: i64 = 0
        self.statements: list[Statement] = []
        self.responses: i64 = 0                  # packets of the server that answer a login or command
        self.response_frame: i64 = -1
        self.compression: i64 = 0                # 0 none, 1 zlib, 2 zstd, as agreed or recognised
        # The connection.
        self.kind: i64 = UNKNOWN
        self.other = ""                          # name of another protocol
        self.proxy: ProxyHeader | None = None
        self.client = Side(True)
        self.server = Side(False)
        self.notes: list[Note] = []
        self.client_start: i64 = 0               # how the beginning of the direction is known: 0 not, by
        self.server_start: i64 = 0               # START_ACK (the peer's ACK number) or START_SYN
        self.client_header: i64 = 0              # bytes of a PROXY header before the client's first packet
        self.dropped_leak_frame: i64 = -1        # a readable command in a frame that a receiver would drop
        self.proxy_frame: i64 = -1
        self.stranger = ""                       # the protocol of a client that is none of MySQL's, by name
        self.stranger_frame: i64 = -1
        self.stranger_offset: i64 = -1
        self.stranger_bytes: i64 = 0             # counted among the unknown ones
        # The connection phase.
        self.greeting: Greeting | None = None
        self.greeting_frame: i64 = -1
        self.greeting_offset: i64 = -1
        self.ssl_request_frame: i64 = -1
        self.ssl_request_offset: i64 = -1
        self.login: Login | None = None
        self.login_frame: i64 = -1
        self.login_offset: i64 = -1
        self.authenticated = False               # the server's OK was seen in the clear
        self.early_error_frame: i64 = -1         # ERR before a login
        self.early_error_code: i64 = 0
        self.auth_plugin = b""                   # in force, after switches
        self.users_after: list[bytes] = []       # of COM_CHANGE_USER
        self.full_authentication = False         # caching_sha2_password: the server asked for it
        self.key_requested = False               # the client asked for the server's public key
        self.password_frame: i64 = -1            # a password in clear text
        self.password_offset: i64 = -1
        # The command phase.
        self.infiles: list[Infile] = []          # files that the server asked for
        self.infiles_total: i64 = 0
        self.asked = b""                         # text of the last command that could be answered with such a request
        self.asked_known = False                 # `asked` is that text, as far as MAX_ASKED goes
        self.prepared: dict[int, Prepared] = {}
        self.unanswered_prepares: list[Prepared] = []
        self.last_prepared: Prepared | None = None
        # Only for a tracker: packets were missed, so that nobody can tell which command the next reply answers.
        self.doubt = True
        self.restart = False                     # it has just ended: the next reply begins anew
        self.command_counts: dict[int, int] = {} # but of COM_QUERY
        self.command_offset: i64 = -1            # of the first command
        self.response_offset: i64 = -1           # of the first response
        self.error_frame: i64 = -1               # of the last ERR in the clear
        self.error_code: i64 = 0
        self.after_tls_frame: i64 = -1           # plaintext MySQL after TLS had begun
        self.tls: TLSFacts | None = None
        self.opened: Opened | None = None        # with a key log: what was inside TLS

    def side(self, from_client: bool) -> Side:
        return self.client if from_client else self.server

    def charge(self, cost: i64) -> None:
        """To the budget of open connections, until this one is closed."""
        self.charged += cost
        self.budget.open -= cost

    def afford(self, cost: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64) -> bool:
        """Charge what the connection says of itself; False, and a remark, where too much is kept already."""
        if self.budget.open < -SLACK:
            self.note(notes.BOUND, from_client, frame, time_ns, offset, cost)
            return False
        self.charge(cost)
        return True

    def discharge(self) -> None:
        """The connection is closed."""
        self.budget.open += self.charged
        self.charged = 0

    def expect(self, shape: i64) -> None:
        """A command was sent: a reply of this shape is due."""
        if self.request < 0:
            self.request = shape
        elif len(self.requests) < MAX_OUTSTANDING - 1:
            self.requests.append(shape)

    def next_reply(self) -> i64:
        """The shape of the reply that begins, -1 where none is due."""
        shape = self.request
        self.request = -1
        if len(self.requests) > 0:
            self.request = self.requests.pop(0)
        return shape

    def expect_last_only(self) -> None:
        """Replies were missed: only the last command can still be answered."""
        if len(self.requests) > 0:
            self.request = self.requests[-1]
            self.requests.clear()

    def find_note(self, kind: i64, from_client: bool) -> Note | None:
        for note in self.notes:
            if note.kind == kind and note.from_client == from_client:
                return note
        return None

    def note(self, kind: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64, amount: i64) -> None:
        """Count a remark; the first of its kind and direction keeps frame and offset, and is an event."""
        note = self.find_note(kind, from_client)
        if note is None:
            note = Note(kind, from_client, frame, offset)
            self.notes.append(note)
            if self.events is not None:
                self.events.append(Remark(self.id, from_client, frame, time_ns, offset, kind, amount))
        note.count += 1
        note.amount += amount

    def wants_statement(self) -> bool:
        """Would the next one be kept or told? Where not, it is only counted."""
        return self.events is not None or len(self.statements) < self.budget.each

    def mend(self, whole: Statement) -> None:
        """Put a statement in the place of the one of which only a part had been there, if there is one."""
        for i, one in enumerate(self.statements):
            if not one.complete and one.text and one.command == whole.command and one.length == whole.length:
                if whole.complete and whole.text.startswith(one.text):
                    self.statements[i] = Statement(
                        self.id, one.frame, one.time_ns, one.offset, one.command, whole.text, one.length, whole.values,
                        True, one.compressed, one.statement_id,
                    )  # fmt: skip
                    return

    def holds(self, statement: Statement) -> bool:
        """Return whether the same text of the same frame is there already."""
        return any(one.frame == statement.frame and one.text == statement.text for one in self.statements)

    def add_statement(self, statement: Statement) -> None:
        self.statements_total += 1
        events = self.events
        if events is not None:
            if len(events) < MAX_EVENTS:
                events.append(statement)
            else:
                self.note(notes.BOUND, True, statement.frame, statement.time_ns, statement.offset, 0)
        cost = len(statement.text) + STATEMENT_COST
        values = statement.values
        if values is not None:
            for value in values:
                cost += len(value.raw) + 150
        if len(self.statements) < self.budget.each and self.budget.statements >= cost:
            self.budget.statements -= cost
            self.statements.append(statement)

    def ask_for_file(self, name: bytes, frame: i64, offset: i64, wanted: i64) -> None:
        """The server asked for a file of the client."""
        self.infile = True
        self.infiles_total += 1
        cost = len(name) + 2 * NAME_COST
        if len(self.infiles) < MAX_INFILES and self.afford(cost, False, frame, -1, offset):
            self.infiles.append(Infile(name[:MAX_ASKED], frame, offset, wanted))

    def receive_file(self, size: i64) -> None:
        """A packet with `size` bytes of the file that was asked for; an empty one is its end."""
        if size == 0:
            self.infile = False
        if self.infiles_total == len(self.infiles):
            last = self.infiles[-1]
            last.size += size
            last.ended = size == 0

    def mysql_inside(self) -> bool:
        """Did a key log show MySQL inside TLS: a login, a command or what answers one?"""
        opened = self.opened
        if opened is None or opened.inside is None:
            return False
        inside = opened.inside
        return inside.kind == MYSQL and (inside.login_frame >= 0 or inside.commands > 0 or inside.responses > 0)

    def start_tls(self) -> TLSFacts:
        tls = self.tls
        if tls is None:
            tls = TLSFacts()
            self.tls = tls
        return tls



class TrackerMaker:
    """Makes the trackers of new connections. from_syn: a SYN was the first that was seen of it."""

    def make(self, facts: Facts, from_client: bool, is_mysql_port: bool, from_syn: bool) -> Tracker:
        raise NotImplementedError
