"""The client's messages of X Protocol: capabilities, authentication, statements.

Source: MySQL internals, "X Protocol"; mysqlx_connection.proto, mysqlx_session.proto, mysqlx_prepare.proto, and what
wire/mysqlx/statements.py names.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import labels
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.mysql.commands import RESULT, ROWS, X_COMMAND
from aurora_wire.wire.mysql.credentials import MAX_NAME, begin_x_authentication, note_reply, note_text
from aurora_wire.wire.mysql.events import LoggedIn, Statement, TLSRequested
from aurora_wire.wire.mysql.execute import Prepared
from aurora_wire.wire.mysql.facts import MAX_OUTSTANDING, Asker
from aurora_wire.wire.mysql.login import Login
from aurora_wire.wire.mysql.session_state import SessionState, may_change
from aurora_wire.wire.mysql.sql_text import reads_like_sql
from aurora_wire.wire.mysql.statements import PREPARED_COST
from aurora_wire.wire.mysql.values import Value
from aurora_wire.wire.mysqlx.facts import (
    ALGORITHMS,
    ASKED_COMPRESSION,
    ASKED_OTHER,
    ASKED_TLS,
    MAX_KEPT,
    MAX_PREPARED,
)
from aurora_wire.wire.mysqlx.fields import BYTES, Fields
from aurora_wire.wire.mysqlx.frames import XFrames
from aurora_wire.wire.mysqlx.shape import AUTHENTICATE_START, CAPABILITIES_GET, CAPABILITIES_SET
from aurora_wire.wire.mysqlx.statements import (
    DELETE,
    FIND,
    INSERT,
    STMT_EXECUTE,
    UPDATE,
    Read,
    read_statement,
)
from aurora_wire.wire.mysqlx.values import first_number, first_string, read_any, read_arguments

AUTHENTICATE_CONTINUE: Final[i64] = 5
SESSION_RESET: Final[i64] = 6
SESSION_CLOSE: Final[i64] = 7
PREPARE: Final[i64] = 40
PREPARE_EXECUTE: Final[i64] = 41
PREPARE_DEALLOCATE: Final[i64] = 42
CURSOR_OPEN: Final[i64] = 43
CURSOR_CLOSE: Final[i64] = 44
CURSOR_FETCH: Final[i64] = 45
COMPRESSION: Final[i64] = 46

FIRST_STATEMENT: Final[i64] = 12
MAX_ATTRIBUTES: Final[i64] = 64
# The type in Prepare, and the field that holds the message.
ONE_OF: Final = {2: 17, 3: 18, 4: 19, 5: 20, 6: 12}
NOT_SHOWN: Final[i64] = 2           # bytes before a prepared message: its type, and a NUL
UTF8MB4: Final[i64] = 45            # a collation of it, in which all text of this protocol is


class XClient(XFrames):
    """What the client sends."""

    def awaits_tls(self) -> bool:
        return self.session.tls_asked_frame >= 0

    def make_inner(self, side: DirectionAccount) -> XFrames:
        return XClient(self.facts, self.session, side, self.inflaters, True)

    def missed(self) -> None:
        self.facts.doubt = True
        self.facts.expect_nothing()

    def expected(self, kind: i64) -> i64:
        if kind in (AUTHENTICATE_START, AUTHENTICATE_CONTINUE):
            return labels.X_LOGIN
        if kind >= FIRST_STATEMENT or kind == CAPABILITIES_SET or self.is_session():
            return labels.X_STATEMENT
        return labels.X_OPENING

    def message(self, kind: i64, data: bytes, at: i64, end: i64, whole: bool) -> i64:
        session = self.session
        if session.client_first < 0:
            session.client_first = self.begun
        session.messages[int(kind)] = session.messages.get(int(kind), 0) + 1
        if kind == CAPABILITIES_GET:
            return labels.X_OPENING
        if kind == CAPABILITIES_SET:
            return self._capabilities(data, at, end)
        if kind == AUTHENTICATE_START:
            self._login(data, at, end, whole)
            return labels.X_LOGIN
        if kind == AUTHENTICATE_CONTINUE:
            self._continue(data, at, end, whole)
            return labels.X_LOGIN
        if kind == COMPRESSION:
            if whole:
                self.compressed(data, at, end)
            else:
                self._count(kind)
                self.missed()
            return labels.COMPRESSED
        if kind < FIRST_STATEMENT and not self.is_session():
            return labels.X_OPENING  # it leaves before it logged in
        self._count(kind)
        self._expect()
        if kind in (STMT_EXECUTE, FIND, INSERT, UPDATE, DELETE) or 30 <= kind <= 32:
            self._statement(kind, read_statement(kind, data, at, end), whole)
        elif kind == PREPARE:
            self._prepare(data, at, end, whole)
        elif kind == PREPARE_EXECUTE:
            self._execute(kind, data, at, end, whole)
        elif kind == PREPARE_DEALLOCATE:
            session.prepared.pop(int(first_number(data, at, end, 1)), None)
        elif kind == CURSOR_OPEN:
            self._open_cursor(data, at, end, whole)
        elif kind == CURSOR_FETCH:
            cursor = session.cursors.get(int(first_number(data, at, end, 1)))
            self.facts.expect_last(ROWS)
            if cursor is not None:
                self.facts.ask(Asker(None, cursor))
        elif kind == CURSOR_CLOSE:
            session.cursors.pop(int(first_number(data, at, end, 1)), None)
        elif kind in (SESSION_RESET, SESSION_CLOSE):
            session.cursors.clear()
        return labels.X_STATEMENT

    def _expect(self) -> None:
        """Note that a reply is due, as to each message of a session.

        A client that had its answer and asks again ends a doubt: what was asked before is forgotten.
        """
        facts = self.facts
        session = self.session
        frame = self.side.frame
        if facts.doubt and frame == facts.budget.frame and 0 <= session.asked_frame < facts.server.frame < frame:
            facts.doubt = False
            facts.expect_nothing()
        session.asked_frame = frame
        if len(facts.requests) >= MAX_OUTSTANDING - 1:
            self.missed()
        facts.expect(RESULT)

    def _count(self, kind: i64) -> None:
        facts = self.facts
        facts.commands += 1
        if facts.command_frame < 0:
            facts.command_frame = self.begun_frame
            facts.command_offset = self.begun
        number = int(X_COMMAND + kind)
        facts.command_counts[number] = facts.command_counts.get(number, 0) + 1

    # The opening.

    def _capabilities(self, data: bytes, at: i64, end: i64) -> i64:
        """Read CapabilitiesSet. What is no more than a request for TLS or compression crosses in the clear by design.
        """
        label: i64 = labels.X_OPENING
        asked: i64 = ASKED_OTHER
        outer = Fields(data, at, end)
        while outer.find(1):
            members = Fields(data, outer.start, outer.stop)
            while members.find(1):
                name = first_string(data, members.start, members.stop, 1)
                value = self._value(data, members.start, members.stop)
                if name == b"tls":
                    if value is not None and value.number() != 0:
                        asked = ASKED_TLS
                        self._ask_tls()
                elif name == b"compression":
                    self.session.wanted = find_algorithm(data, members.start, members.stop)
                    asked = ASKED_COMPRESSION if asked == ASKED_OTHER else asked
                elif name == b"session_connect_attrs":
                    label = labels.X_LOGIN  # they are a part of the login
                    self._attributes(data, members.start, members.stop)
        self.session.ask(asked)
        return label

    def _value(self, data: bytes, at: i64, end: i64) -> Value | None:
        fields = Fields(data, at, end)
        return read_any(data, fields.start, fields.stop) if fields.find(2) else None

    def _ask_tls(self) -> None:
        session = self.session
        facts = self.facts
        if session.tls_asked_frame < 0:
            session.tls_asked_frame = self.begun_frame
            facts.ssl_request_frame = self.begun_frame
            facts.ssl_request_offset = self.begun
            if facts.events is not None:
                facts.events.append(TLSRequested(facts.id, True, self.begun_frame, self.begun_time, self.begun))

    def _attributes(self, data: bytes, at: i64, end: i64) -> None:
        """Keep the connection attributes, and count the message as the beginning of a login."""
        found: list[tuple[bytes, bytes]] = []
        fields = Fields(data, at, end)
        while fields.find(2):  # Any
            inner = Fields(data, fields.start, fields.stop)
            while inner.find(3):  # its object
                members = Fields(data, inner.start, inner.stop)
                while members.next() and len(found) < MAX_ATTRIBUTES:
                    value = self._value(data, members.start, members.stop)
                    if value is not None:
                        key = first_string(data, members.start, members.stop, 1)
                        found.append((key[:MAX_NAME], value.raw[:MAX_NAME]))
        self._begin_login(b"", b"", b"", found)

    # Authentication.

    def _login(self, data: bytes, at: i64, end: i64, whole: bool) -> None:
        mechanism = first_string(data, at, end, 1)
        reply = first_string(data, at, end, 2)
        if not reply:
            reply = first_string(data, at, end, 3)
        facts = self.facts
        self.session.authenticating = True
        facts.auth_plugin = mechanism[:MAX_NAME]
        parts = reply.split(b"\0")
        known = mechanism == b"PLAIN" and len(parts) >= 3
        user = parts[1] if known else b""
        database = parts[0] if known else b""
        self._begin_login(user, database, mechanism, [])
        facts.readable = True
        begin_x_authentication(facts, user, mechanism, self.begun_frame, self.begun)
        if reply:
            note_reply(facts, reply, 0, len(reply), whole, self.begun_frame, self.begun)
        if known and parts[2] and facts.password_frame < 0:
            facts.password_frame = self.begun_frame
            facts.password_offset = self.begun

    def _begin_login(
        self, user: bytes, database: bytes, mechanism: bytes, attributes: list[tuple[bytes, bytes]]
    ) -> None:
        facts = self.facts
        before = facts.login
        cost: i64 = len(user) + len(database) + len(mechanism)
        for key, value in attributes:
            cost += len(key) + len(value) + 150
        if not facts.afford(cost, True, self.begun_frame, self.begun_time, self.begun):
            attributes = []
            user = user[:MAX_NAME]
            database = database[:MAX_NAME]
        if before is not None:
            if not attributes:
                attributes = before.attributes
            if not user:
                user = before.user
            if not database:
                database = before.database
        login = Login(0, 0, 0, user, b"", database, mechanism[:MAX_NAME], attributes, -1, False, True)
        facts.login = login
        facts.session.log_in(database, UTF8MB4)
        if facts.login_frame < 0:
            facts.login_frame = self.begun_frame
            facts.login_offset = self.begun
            if facts.events is not None:
                facts.events.append(LoggedIn(facts.id, True, self.begun_frame, self.begun_time, self.begun, login))

    def _continue(self, data: bytes, at: i64, end: i64, whole: bool) -> None:
        """Read the reply to the server's challenge: `schema NUL user NUL scramble`."""
        reply = first_string(data, at, end, 1)
        facts = self.facts
        if facts.login_frame < 0:
            facts.login_frame = self.begun_frame
            facts.login_offset = self.begun
        parts = reply.split(b"\0")
        if len(parts) >= 3:
            self._begin_login(parts[1], parts[0], facts.auth_plugin, [])
            if facts.exchanges and not facts.exchanges[-1].user:
                facts.exchanges[-1].user = parts[1][:MAX_NAME]
        note_reply(facts, reply, 0, len(reply), whole, self.begun_frame, self.begun)

    # Statements.

    def _statement(self, kind: i64, read: Read, whole: bool, cursor: Prepared | None = None) -> None:
        facts = self.facts
        text = read.text
        if not facts.readable:
            facts.readable = whole and (kind != STMT_EXECUTE or reads_like_sql(text, 0, len(text)))
        note_text(facts, text, 0, len(text), whole, self.begun_frame, self.begun)
        values = read.values if read.values else None
        before = self._change(text) if kind == STMT_EXECUTE else None
        schema = facts.session.schema if before is None else before.schema
        if not facts.wants_statement():
            facts.statements_total += 1
            facts.weigh(X_COMMAND + kind, text, 0, len(text), values, whole, self.begun_frame, self.begun_time)
            if cursor is not None or before is not None:
                facts.ask(Asker(None, cursor, before))
            return
        statement = Statement(
            facts.id, self.begun_frame, self.begun_time, self.begun, X_COMMAND + kind, text, len(text), values,
            whole and read.complete, self.is_inner, -1, False, schema,
        )  # fmt: skip
        if facts.add_statement(statement):
            statement.waits = True
            facts.ask(Asker(statement, cursor, before))
        elif cursor is not None or before is not None:
            facts.ask(Asker(None, cursor, before))

    def _change(self, text: bytes) -> SessionState | None:
        """Take what a statement changes of the session. Return the state before, None where it changes nothing."""
        session = self.facts.session
        if not may_change(text, 0, len(text)):
            return None
        before = session.copy()
        return before if session.read_query(text) else None

    def _prepare(self, data: bytes, at: i64, end: i64, whole: bool) -> None:
        """Remember what is prepared, and tell it as a statement with its placeholders."""
        number = first_number(data, at, end, 1)
        fields = Fields(data, at, end)
        while fields.find(2):
            inner = Fields(data, fields.start, fields.stop)
            while inner.next():
                kind = ONE_OF.get(int(inner.number))
                if kind is None or inner.wire != BYTES:
                    continue
                size = inner.stop - inner.start
                prepared = self.session.prepared
                if number >= 0 and size <= MAX_KEPT and len(prepared) < MAX_PREPARED:
                    cost: i64 = size + PREPARED_COST
                    if self.facts.afford(cost, True, self.begun_frame, self.begun_time, self.begun):
                        prepared[int(number)] = bytes([kind, 0]) + data[inner.start : inner.stop]
                self._statement(PREPARE, read_statement(kind, data, inner.start, inner.stop), whole)
                return

    def _execute(
        self, shown_as: i64, data: bytes, at: i64, end: i64, whole: bool, cursor: Prepared | None = None
    ) -> None:
        values = read_arguments(data, at, end, 2)
        prepared = self.session.prepared.get(int(first_number(data, at, end, 1)))
        if prepared is None:
            self._statement(shown_as, Read(b"", values, True), whole, cursor)
            return
        kind: i64 = prepared[0]
        read = read_statement(kind, prepared, NOT_SHOWN, len(prepared), values)
        if kind != STMT_EXECUTE:
            read = Read(read.text, [], read.complete)  # they stand in its text
        self._statement(shown_as, read, whole, cursor)

    def _open_cursor(self, data: bytes, at: i64, end: i64, whole: bool) -> None:
        cursors = self.session.cursors
        number = first_number(data, at, end, 1)
        cursor: Prepared | None = None
        if number >= 0 and (len(cursors) < MAX_PREPARED or number in cursors):
            if self.facts.afford(PREPARED_COST, True, self.begun_frame, self.begun_time, self.begun):
                cursor = Prepared(-1)
                cursors[int(number)] = cursor
        fields = Fields(data, at, end)
        while fields.find(4):
            inner = Fields(data, fields.start, fields.stop)
            if inner.find(2):
                self._execute(CURSOR_OPEN, data, inner.start, inner.stop, whole, cursor)
                return


def find_algorithm(data: bytes, at: i64, end: i64) -> i64:
    """Return the compression algorithm that a capability's value names, 0 if none is known."""
    for name, number in ALGORITHMS.items():
        if data.find(name, at, end) >= 0:
            return number
    return 0
