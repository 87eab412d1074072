"""What a connection's MySQL packets said, and what both directions have to remember of it."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.decoding.connection_log import MAX_EVENTS, Budget, DirectionAccount
from aurora_wire.wire.decoding.events import Event
from aurora_wire.wire.mysql.capabilities import DEPRECATE_EOF
from aurora_wire.wire.mysql.commands import COM_STMT_CLOSE, COM_STMT_EXECUTE, COM_STMT_PREPARE
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.exchange import Exchange, Secret
from aurora_wire.wire.mysql.execute import Prepared
from aurora_wire.wire.mysql.greeting import Greeting
from aurora_wire.wire.mysql.groups import MAX_GROUPS, Groups
from aurora_wire.wire.mysql.leaked.rows import Hit
from aurora_wire.wire.mysql.leaked.statements import Leak
from aurora_wire.wire.mysql.leaked.tally import ROW_COST, LeakedTally, read_leaks
from aurora_wire.wire.mysql.login import Login
from aurora_wire.wire.mysql.refusal import Refusal
from aurora_wire.wire.mysql.replication import Clone, Replication
from aurora_wire.wire.mysql.replies import NO_BACKSLASH_ESCAPES as STATUS_NO_BACKSLASH_ESCAPES
from aurora_wire.wire.mysql.results import Column, Failure, is_aurora_column
from aurora_wire.wire.mysql.session_state import SessionState
from aurora_wire.wire.mysql.sql_lexer import NO_BACKSLASH_ESCAPES, in_charset
from aurora_wire.wire.mysql.sql_text import asks_for_file
from aurora_wire.wire.mysql.values import Value
from aurora_wire.wire.tls.facts import TLSLog

MAX_OUTSTANDING: Final[i64] = 1024       # commands without a reply that are remembered
MAX_INFILES: Final[i64] = 100            # files that were asked for, kept of one connection; all are counted
MAX_ASKED: Final[i64] = 512              # bytes of a command's text in which a LOAD DATA LOCAL is looked for
MAX_SEAMS: Final[i64] = 256              # places of a direction behind which another sender's bytes may stand
NAME_COST: Final[i64] = 150              # bytes that a name takes besides its own
WAITING_COST: Final[i64] = 1024          # bytes of a statement that is told and not kept, for which its answer waits
MAX_COLUMNS: Final[i64] = 2000           # different columns that are told of one connection
COLUMN_COST: Final[i64] = 500            # bytes that one takes besides its definition
MAX_FAILURES: Final[i64] = 100           # errors that are kept of one connection; all are counted


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


@mypyc_attr(acyclic=True)
class Asker:
    """The one that waits for a reply: a statement that is kept, a prepared statement, or both. before: the session's
    state, if the command changes it unless it fails.
    """

    __slots__ = ("before", "prepared", "statement")

    def __init__(
        self, statement: Statement | None, prepared: Prepared | None, before: SessionState | None = None
    ) -> None:
        self.before: Final = before
        self.statement: Final = statement
        self.prepared: Final = prepared

    def settle(self) -> None:
        """Note that no more of the reply will be known."""
        if self.statement is not None:
            self.statement.waits = False


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
        self.asker: Asker | None = None          # who waits for that reply; None: nobody whom it would tell anything
        self.askers: list[Asker | None] = []     # and for those after it
        self.answering: Asker | None = None      # for the one that has just begun
        self.capabilities: i64 = 0               # agreed
        self.commands: i64 = 0
        self.command_frame: i64 = -1             # of the first command
        self.queries: i64 = 0                    # of COM_QUERY,
        self.prepares: i64 = 0                   # of COM_STMT_PREPARE,
        self.executions: i64 = 0                 # COM_STMT_EXECUTE
        self.closes: i64 = 0                     # and COM_STMT_CLOSE: most commands are one of these
        self.statements_total: i64 = 0
        self.statements: list[Statement] = []
        self.responses: i64 = 0                  # packets of the server that answer a login or command
        self.response_frame: i64 = -1
        self.compression: i64 = 0                # 0 none, 1 zlib, 2 zstd, as agreed or recognised
        self.compression_asked: i64 = 0          # by the login, as far as the greeting offered it
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
        self.command_counts: dict[int, int] = {} # of the others
        self.command_offset: i64 = -1            # of the first command
        self.response_offset: i64 = -1           # of the first response
        # What came back.
        self.columns: dict[bytes, Column] = {}   # by their definitions as they crossed
        self.last_columns: list[Column] = []     # of the last result that had other ones than that before it
        self.paid_columns: list[Column] = []     # that were charged to the budget last
        self.further_columns: Column | None = None
        self.rows: i64 = 0
        self.row_bytes: i64 = 0
        self.aurora_column = b""                 # one that only Aurora answers with, as it is called
        self.failures: list[Failure] = []        # errors in place of answers: the first ones
        self.failures_total: i64 = 0
        self.session = SessionState()
        self.after_tls_frame: i64 = -1           # plaintext MySQL after TLS had begun
        self.text_charset: i64 = -1              # the collation in force that `text_mode` is of
        self.text_mode: i64 = 0                  # in which `sql_lexer` reads statements
        self.leaked: LeakedTally | None = None   # what of the statements' values is of a class
        self.not_classified: i64 = 0             # statements at whose values nobody looked, for want of room
        self.escapes: i64 = -1                   # 0 a backslash escapes, NO_BACKSLASH_ESCAPES it does not, -1 not told
        self.is_clone = False                    # in mid-stream: it was told to be a CLONE, whose beginning nobody saw
        self.groups: Groups | None = None        # its statements by fingerprint, if somebody asked for them

    def count_command(self, command: i64) -> None:
        """Count a command other than COM_QUERY by its number."""
        if command == COM_STMT_EXECUTE:
            self.executions += 1
        elif command == COM_STMT_PREPARE:
            self.prepares += 1
        elif command == COM_STMT_CLOSE:
            self.closes += 1
        else:
            counts = self.command_counts
            counts[command] = counts.get(command, 0) + 1

    def expect(self, shape: i64) -> None:
        """Note that a command was sent: a reply of this shape is due. `ask` may say who waits for it."""
        if self.request < 0:
            self.request = shape
        elif len(self.requests) < MAX_OUTSTANDING - 1:
            self.requests.append(shape)
            self.askers.append(None)

    def expect_last(self, shape: i64) -> None:
        """Note that the reply to the command that was sent last is of another shape."""
        if len(self.requests) > 0:
            self.requests[-1] = shape
        else:
            self.request = shape

    def ask(self, asker: Asker) -> None:
        """Note who waits for the reply to the command that was sent last."""
        if len(self.askers) > 0:
            self.askers[-1] = asker
        else:
            self.asker = asker

    def next_reply(self) -> i64:
        """Return the shape of the reply that begins, -1 where none is due; `answering` is who waits for it."""
        shape = self.request
        self.request = -1
        self.answering = self.asker
        self.asker = None
        if len(self.requests) > 0:
            self.request = self.requests.pop(0)
            self.asker = self.askers.pop(0)
        return shape

    def expect_last_only(self) -> None:
        """Forget all commands but the last: replies were missed, and only it can still be answered."""
        if len(self.requests) > 0:
            self.request = self.requests[-1]
            self.forget_askers()
            self.requests.clear()

    def expect_nothing(self) -> None:
        """Forget all commands: replies were missed."""
        self.forget_askers()
        self.request = -1
        self.requests.clear()

    def forget_askers(self) -> None:
        """Forget who waits: nobody knows any more what the next reply answers."""
        if self.asker is not None:
            self.asker.settle()
            self.asker = None
        for one in self.askers:
            if one is not None:
                one.settle()
        self.askers = []

    # What came back.

    def keep_column(self, key: bytes, column: Column) -> bool:
        """Keep a column by its definition, while there is room. Return whether it is kept."""
        cost = 2 * len(key) + COLUMN_COST
        if self.budget.open < cost:
            self.budget.refused = True
        if len(self.columns) >= MAX_COLUMNS or self.budget.open < cost:
            return False
        self.charge(cost)
        self.columns[key] = column
        if is_aurora_column(column):
            self.aurora_column = column.name
        return True

    def further_column(self) -> Column:
        """Return what stands for all columns that there is no room for, and for definitions that are none."""
        further = self.further_columns
        if further is None:
            further = Column(b"", b"", b"", b"", b"", 0, 0, 0)
            self.further_columns = further
        return further

    def pay_for_columns(self, columns: list[Column]) -> bool:
        """Charge a statement for the list of its columns, unless others have it, too. Return whether there is room."""
        if columns is self.paid_columns:
            return True
        cost = 8 * len(columns) + NAME_COST
        if self.budget.statements < cost:
            self.budget.refused = True
            return False
        self.budget.statements -= cost
        self.paid_columns = columns
        return True

    def add_failure(self, failure: Failure) -> None:
        """Keep an error, while there is room, and count it."""
        self.failures_total += 1
        cost = len(failure.message) + NAME_COST
        if len(self.failures) < MAX_FAILURES:
            if self.budget.open >= cost:
                self.charge(cost)
                self.failures.append(failure)
            else:
                self.budget.refused = True

    def wants_statement(self) -> bool:
        """Return whether the next statement would be kept or told; else it is only counted."""
        return self.events is not None or len(self.statements) < self.budget.each

    def add_seams(self, side: DirectionAccount, begin: i64, end: i64) -> None:
        """Note that [begin, end) of a direction may be of another sender than the bytes around it.

        Statements that reach over such a place, told or not yet, are told up to it.
        """
        seams = side.seams
        if seams is None:
            seams = []
            side.seams = seams
        for place in (begin, end):
            if place < 0 or place in seams:
                continue
            if len(seams) >= MAX_SEAMS:
                seams[0] = -1  # some are not known any more
            else:
                seams.append(place)
            if side.from_client:
                for prepared in self.prepared.values():
                    if len(prepared.long_data) > 0:
                        prepared.doubt_long_data()
                left: i64 = len(self.statements)
                while left > 0:
                    left -= 1
                    one = self.statements[left]
                    if 0 <= one.end <= place and one.from_client:
                        break
                    if one.from_client and one.offset < place < one.end:
                        if one.command == COM_STMT_PREPARE:
                            self._forget_text(one.text)
                        one.cut_at(place)

    def _forget_text(self, text: bytes) -> None:
        """Forget what was prepared with this text: some of it may be another sender's."""
        for prepared in (*self.prepared.values(), *self.unanswered_prepares):
            if prepared.text == text:
                prepared.text = b""

    def first_seam(self, frame: i64, offset: i64, end: i64) -> i64:
        """Return the first place of the client's [offset, end) behind which another sender's bytes may stand, or -1.

        frame: where these begin; end: -1 where it is not known.
        """
        first: i64 = -1
        seams = self.client.seams
        if seams is not None:
            for seam in seams:
                if seam < 0:
                    if frame != self.client.frame:
                        return offset
                elif seam > offset and (end < 0 or seam < end) and (first < 0 or seam < first):
                    first = seam
        return first

    def mend(self, whole: Statement) -> None:
        """Put a statement in the place of the one of which only a part had been there, if there is one."""
        for i, one in enumerate(self.statements):
            if not one.complete and one.text and one.command == whole.command and one.length == whole.length:
                if whole.complete and whole.text.startswith(one.text):
                    mended = Statement(
                        self.id, one.frame, one.time_ns, one.offset, one.command, whole.text, one.length, whole.values,
                        True, one.compressed, one.statement_id, False, one.schema, one.charset,
                    )  # fmt: skip
                    mended.result = one.result
                    self.statements[i] = mended
                    return

    def holds(self, statement: Statement) -> bool:
        """Return whether the same text of the same frame is there already."""
        return any(one.frame == statement.frame and one.text == statement.text for one in self.statements)

    def weigh(
        self, command: i64, text: bytes, at: i64, end: i64, values: list[Value] | None, whole: bool, frame: i64,
        time_ns: i64,
    ) -> None:  # fmt: skip
        """Count the values of the statement text[at:end] that are of a class of data; and the statement in its group.
        """
        if not self.budget.weighs:
            return
        charset = self.session.charset
        if charset != self.text_charset:
            self.text_charset = charset
            self.text_mode = in_charset(charset)
        found = read_leaks(command, text, at, end, values, self.text_mode)
        if self.budget.groups:
            self._group(command, text[at:end], whole, frame, time_ns, found)
        if found is not None:
            self._tell(found, frame)

    def note_escapes(self, status: i64) -> None:
        """Note what status flags say of how statements are read."""
        self.escapes = NO_BACKSLASH_ESCAPES if status & STATUS_NO_BACKSLASH_ESCAPES else 0

    def _group(
        self, command: i64, text: bytes, whole: bool, frame: i64, time_ns: i64, found: list[Leak] | None
    ) -> None:
        groups = self.groups
        if groups is None:
            groups = Groups()
            self.groups = groups
        known = self.escapes >= 0
        mode = self.text_mode | self.escapes if known else self.text_mode
        budget = self.budget
        cost = groups.add(
            command, text, whole, mode, known, self.text_charset, frame, time_ns, found, budget.open
        )
        if cost > 0:
            self.charge(cost)
        if groups.beyond > 0 and len(groups.found) < MAX_GROUPS:
            budget.refused = True

    def _leak_tally(self) -> LeakedTally | None:
        """Return the tally of what leaked; None, and count it, where there is no room to begin one."""
        tally = self.leaked
        if tally is None:
            if self.budget.open <= 0:
                self.not_classified += 1
                return None
            tally = LeakedTally()
            self.leaked = tally
        return tally

    def _tell(self, found: list[Leak], frame: i64) -> None:
        """Count values that are of a class of data."""
        tally = self._leak_tally()
        if tally is None:
            return
        made = tally.add(found, frame)
        if made > 0:
            self.charge(made * ROW_COST)

    def add_hits(self, hits: list[Hit], origin: i64) -> None:
        """Count values of rows that are of a class of data. origin: of leaked/tally.py."""
        tally = self._leak_tally()
        if tally is None:
            return
        made = tally.add_hits(hits, origin)
        if made > 0:
            self.charge(made * ROW_COST)

    def add_statement(self, statement: Statement) -> bool:
        """Keep and tell a statement, while there is room, and count it.

        Return whether it may wait for its answer: it is kept, or told and small. Any other would be held, with all of
        its values, by each open connection whose server does not answer.
        """
        self.statements_total += 1
        if self.client.seams is not None and statement.from_client:
            seam = self.first_seam(statement.frame, statement.offset, statement.end)
            if seam >= 0:
                statement.cut_at(seam)
                prepared = self.last_prepared
                if statement.command == COM_STMT_PREPARE and prepared is not None:
                    prepared.text = b""
        text = statement.text
        statement.escapes = self.escapes
        self.weigh(
            statement.command, text, 0, len(text), statement.values, statement.complete, statement.frame,
            statement.time_ns,
        )  # fmt: skip
        events = self.events
        if events is not None:
            if len(events) < MAX_EVENTS:
                events.append(statement)
            else:
                self.note(anomalies.BOUND, True, statement.frame, statement.time_ns, statement.offset, 0)
        cost = statement.cost()
        if len(self.statements) < self.budget.each:
            if self.budget.statements >= cost:
                self.budget.statements -= cost
                self.statements.append(statement)
                return True
            self.budget.refused = True
        return events is not None and cost <= WAITING_COST and len(self.askers) == 0

    def deprecates_eof(self) -> i64:
        """Tell whether DEPRECATE_EOF is agreed: 1 yes, 0 no, -1 not known."""
        if not self.capabilities_known:
            return -1
        return 1 if self.capabilities & DEPRECATE_EOF else 0

    def ask_for_file(self, name: bytes, frame: i64, offset: i64) -> None:
        """Note that the server asked for a file of the client, in reply to the last command."""
        self.infile = True
        self.infiles_total += 1
        wanted: i64 = -1
        if self.asked_known and self.request < 0:
            if asks_for_file(self.asked):
                wanted = 1
            elif len(self.asked) < MAX_ASKED:
                wanted = 0
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
