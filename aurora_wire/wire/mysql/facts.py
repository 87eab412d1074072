"""What a connection's MySQL packets said, and what both directions have to remember of it."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.decoding.connection_log import MAX_EVENTS, Budget
from aurora_wire.wire.decoding.events import Event
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.exchange import Exchange, Secret
from aurora_wire.wire.mysql.execute import Prepared
from aurora_wire.wire.mysql.greeting import Greeting
from aurora_wire.wire.mysql.login import Login
from aurora_wire.wire.mysql.refusal import Refusal
from aurora_wire.wire.mysql.replication import Clone, Replication
from aurora_wire.wire.tls.facts import TLSLog

MAX_OUTSTANDING: Final[i64] = 1024       # commands without a reply that are remembered
MAX_INFILES: Final[i64] = 100            # files that were asked for, kept of one connection; all are counted
MAX_ASKED: Final[i64] = 512              # bytes of a command's text in which a LOAD DATA LOCAL is looked for
NAME_COST: Final[i64] = 150              # bytes that a name takes besides its own
STATEMENT_COST: Final[i64] = 300         # bytes that a kept statement takes besides its text


@mypyc_attr(acyclic=True)
class Infile:
    """A file of the client that the server asked for (LOCAL INFILE).

    frame and offset: of the request. wanted: 1 the command that it answers is a LOAD DATA LOCAL, 0 it is another one,
    -1 that is not known; asked: its text, empty where it is not known. size: bytes of the file that crossed, as far as
    seen; ended: the client's empty packet was seen, which alone is a refusal (or an empty file).
    """

    __slots__ = ("asked", "ended", "frame", "name", "offset", "size", "wanted")

    def __init__(self, name: bytes, frame: i64, offset: i64, wanted: i64, asked: bytes) -> None:
        self.asked: Final = asked
        self.name: Final = name
        self.frame: Final[i64] = frame
        self.offset: Final[i64] = offset
        self.wanted: Final[i64] = wanted
        self.size: i64 = 0
        self.ended = False


class MySQLFacts(TLSLog):
    """A connection with what its MySQL packets said. Frames are -1 where the thing was not seen."""

    def __init__(self, connection: i64, budget: Budget, events: list[Event] | None) -> None:
        super().__init__(connection, budget, events)
        # Used for each segment or packet: here, as in memory, near the beginning.
        self.readable = False                    # a statement or login that is readable by itself was seen
        # MySQL in the clear: what was seen adds up to it (wire/identify/midstream.py)
        self.told = False
        self.capabilities_known = False
        self.infile = False                      # the client is sending a file that the server asked for
        self.handed: i64 = 0                     # to what the connection was handed (mysql/commands.py); 0: to nothing
        self.changing_user = False               # COM_CHANGE_USER: its authentication is under way
        self.request: i64 = -1                   # shape of the reply that is due next; -1: none
        self.requests = bytearray()              # of those due after it: of commands that were not waited with
        self.capabilities: i64 = 0               # agreed
        self.commands: i64 = 0
        self.command_frame: i64 = -1             # of the first command
        self.queries: i64 = 0                    # of COM_QUERY
        self.statements_total: i64 = 0
        self.statements: list[Statement] = []
        self.responses: i64 = 0                  # packets of the server that answer a login or command
        self.response_frame: i64 = -1
        self.compression: i64 = 0                # 0 none, 1 zlib, 2 zstd, as agreed or recognised
        self.compression_asked: i64 = 0          # by the client, where what the server offered was not seen
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
        self.refusal: Refusal | None = None      # the first ERR in place of a session
        self.auth_plugin = b""                   # in force, after switches
        self.users_after: list[bytes] = []       # of COM_CHANGE_USER
        self.full_authentication = False         # caching_sha2_password: the server asked for it
        self.password_frame: i64 = -1            # a password in clear text
        self.password_offset: i64 = -1
        self.exchanges: list[Exchange] = []      # what proved who the client is
        self.exchanges_total: i64 = 0
        self.secrets: list[Secret] = []          # in the text of statements and binlog events
        self.secrets_total: i64 = 0
        self.secret_frame: i64 = -1              # of the first
        self.replication: Replication | None = None   # it is a replica's
        self.clone: Clone | None = None               # a data folder is copied over it
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
        self.error_code: i64 = 0                 # of the last ERR in the clear
        self.after_tls_frame: i64 = -1           # plaintext MySQL after TLS had begun
        self.own = False                         # of a connection itself: not of what is inside TLS or was set aside

    def expect(self, shape: i64) -> None:
        """Note that a command was sent: a reply of this shape is due."""
        if self.request < 0:
            self.request = shape
        elif len(self.requests) < MAX_OUTSTANDING - 1:
            self.requests.append(shape)

    def next_reply(self) -> i64:
        """Return the shape of the reply that begins, -1 where none is due."""
        shape = self.request
        self.request = -1
        if len(self.requests) > 0:
            self.request = self.requests.pop(0)
        return shape

    def expect_last_only(self) -> None:
        """Forget all commands but the last: replies were missed, and only it can still be answered."""
        if len(self.requests) > 0:
            self.request = self.requests[-1]
            self.requests.clear()

    def wants_statement(self) -> bool:
        """Return whether the next statement would be kept or told; else it is only counted."""
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
                self.note(anomalies.BOUND, True, statement.frame, statement.time_ns, statement.offset, 0)
        cost = len(statement.text) + STATEMENT_COST
        values = statement.values
        if values is not None:
            for value in values:
                cost += len(value.raw) + 150
        budget = self.budget
        if len(self.statements) < budget.each:
            log = budget.log
            if log is not None:
                log.append(self.id)
                log.append(cost if self.own else -cost)
            if budget.statements >= cost:
                budget.statements -= cost
                self.statements.append(statement)
            else:
                budget.statements = -1  # from here on none is kept, whatever its size: the first ones are
                if log is not None:
                    budget.refused = True

    def ask_for_file(self, name: bytes, frame: i64, offset: i64, wanted: i64) -> None:
        """Note that the server asked for a file of the client."""
        self.infile = True
        self.infiles_total += 1
        cost = len(name) + len(self.asked) + 2 * NAME_COST
        if len(self.infiles) < MAX_INFILES and self.afford(cost, False, frame, -1, offset):
            asked = self.asked if self.asked_known else b""
            self.infiles.append(Infile(name[:MAX_ASKED], frame, offset, wanted, asked))

    def receive_file(self, size: i64) -> None:
        """Count a packet with `size` bytes of the file that was asked for; an empty one is its end."""
        if size == 0:
            self.infile = False
        if self.infiles_total == len(self.infiles):
            last = self.infiles[-1]
            last.size += size
            last.ended = size == 0
