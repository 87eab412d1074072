"""The client's side of MySQL: SSLRequest or login, authentication replies, commands.

Sources: MySQL Server docs, "Connection Phase", "Command Phase", "Protocol::SSLRequest", "HandshakeResponse41",
"COM_QUERY", "Prepared Statements"; MariaDB docs, "COM_STMT_BULK_EXECUTE", "COM_STMT_EXECUTE".
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import anomalies, labels, roles
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_COMPRESSED, TO_GROUP, TO_TLS
from aurora_wire.wire.mysql.auth import is_cleartext_password
from aurora_wire.wire.mysql.capabilities import QUERY_ATTRIBUTES
from aurora_wire.wire.mysql.client_login import MAX_NAME, change_user, take_first
from aurora_wire.wire.mysql.clone import note_clone, note_clone_command
from aurora_wire.wire.mysql.commands import (
    CLONE,
    CLONE_LAST_COMMAND,
    COM_BINLOG_DUMP,
    COM_BINLOG_DUMP_GTID,
    COM_CHANGE_USER,
    COM_CLONE,
    COM_CREATE_DB,
    COM_DROP_DB,
    COM_FIELD_LIST,
    COM_INIT_DB,
    COM_PING,
    COM_QUERY,
    COM_QUIT,
    COM_REGISTER_SLAVE,
    COM_RESET_CONNECTION,
    COM_STMT_BULK_EXECUTE,
    COM_STMT_CLOSE,
    COM_STMT_EXECUTE,
    COM_STMT_FETCH,
    COM_STMT_PREPARE,
    COM_STMT_RESET,
    COM_STMT_SEND_LONG_DATA,
    GROUP_REPLICATION,
    MYSQL_COMMANDS,
    NONE,
    REPLICATION,
    RESULT,
    STREAM,
    fits_command,
    handed_to,
    is_command,
    reply_shape,
)
from aurora_wire.wire.mysql.compression import shows_plain
from aurora_wire.wire.mysql.credentials import (
    note_execution,
    note_replica_password,
    note_reply,
    note_text,
)
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.execute import Prepared, read_statement_id
from aurora_wire.wire.mysql.facts import MAX_ASKED, Asker, MySQLFacts
from aurora_wire.wire.mysql.framing import HEADER, HEADER_NEEDED, LABEL_LATER, REJECT, Packets, find_role
from aurora_wire.wire.mysql.layout import SSL_REQUEST_320_LEN, SSL_REQUEST_LEN
from aurora_wire.wire.mysql.login import MAX_LOGIN, has_filler, may_be_login, replica_password
from aurora_wire.wire.mysql.plausibility import CERTAIN, NOTHING, command_tells
from aurora_wire.wire.mysql.replica_commands import find_replication, note_dump, note_registration
from aurora_wire.wire.mysql.session_state import SessionState, may_change
from aurora_wire.wire.mysql.sql_text import reads_like_sql
from aurora_wire.wire.mysql.statements import Statements
from aurora_wire.wire.mysql.states import AUTHENTICATION, CLIENT, COMMAND, COMMAND_PHASE, INITIAL_HANDSHAKE, move
from aurora_wire.wire.mysql.values import Value
from aurora_wire.wire.tls.record_shape import is_record_start

MAX_TEXT: Final[i64] = 1 << 20      # bytes kept of a statement
REPLICA_MAGIC: Final[i64] = 0xEF    # first byte of a semi-synchronous acknowledgement; position and file name follow
REPLICA_ACK_MIN: Final[i64] = 9
REPLICA_ACK_MAX: Final[i64] = 9 + 512


class ClientPackets(Packets):
    """Fed what the client sends, from its first packet or, found again by content, from any on."""

    def __init__(self, facts: MySQLFacts, side: DirectionAccount) -> None:
        super().__init__(facts, side)
        self.state: i64 = INITIAL_HANDSHAKE
        self.command: i64 = -1           # of the packet being decoded; -1: it is none
        self.file_sequence: i64 = -1     # of the next packet of a file that is being sent; -1 not known
        self.passing = False             # the packet being decoded is of what the connection was handed to
        self.compressed = False          # this decoder is fed inflated bytes
        self.statements = Statements(facts)
        self.command_length: i64 = 0     # bytes of the last command's packet
        # Only for a tracker.
        self.followed = False            # from a login, or a command that tells itself, on
        self.asked_frame: i64 = -1       # of the last command

    def boundary(self, data: bytes, at: i64, end: i64) -> i64:
        if self.state != COMMAND_PHASE and is_record_start(data, at, end):
            if self.facts.ssl_request_frame < 0 and end - at >= HEADER_NEEDED:
                self.note(anomalies.UNSOLICITED_TLS, 0)
            return TO_TLS
        if self.facts.compression and not self.compressed and self.facts.authenticated:
            return TO_COMPRESSED
        if self.facts.compression_asked and self.state == AUTHENTICATION and not self.compressed:
            if self._turns_compressed(data, at, end):
                return TO_COMPRESSED
        if self.facts.handed == GROUP_REPLICATION:
            return TO_GROUP
        return STAY

    def _turns_compressed(self, data: bytes, at: i64, end: i64) -> bool:
        """Return whether the first packet after a login that asked for compression is compressed, agreed or not.

        Of a packet cut before that shows it is believed that the server agreed: they do unless told otherwise, and a
        statement must not be made of a compressed packet's header.
        """
        if end - at < 4 or data[at + 3] != 0:
            return False  # it is of the authentication
        facts = self.facts
        asked = facts.compression_asked
        facts.compression_asked = 0
        if shows_plain(data, at, end):
            return False
        facts.compression = asked
        return True

    def accept(self, length: i64, sequence: i64, first: i64) -> i64:
        self.command = -1
        facts = self.facts
        if facts.handed != MYSQL_COMMANDS:
            label = self._handed(length, first)
            if label != REJECT:
                self.passing = True
                return label
        if facts.infile and sequence == self.file_sequence:
            # A long file's sequence ids come round to 0, where its bytes may look like a command.
            self.file_sequence = (sequence + 1) & 0xFF
            return labels.INFILE_DATA
        if sequence == 0 or (self.relaxed and self.state == COMMAND_PHASE):
            if first == COM_QUERY or (first >= 0 and is_command(first) and fits_command(first, length)):
                if self.state == INITIAL_HANDSHAKE and facts.greeting is not None and self.side.missing == 0:
                    return LABEL_LATER  # before any login: other protocols' frames look like that, too
                self.command = first
                return labels.COMMAND + first
            if facts.infile:
                self.file_sequence = (sequence + 1) & 0xFF
                return labels.INFILE_DATA
            if self.state == INITIAL_HANDSHAKE and SSL_REQUEST_LEN < length <= MAX_LOGIN:
                return LABEL_LATER
            return labels.AUTH if self.relaxed and facts.changing_user else REJECT
        if self.state == INITIAL_HANDSHAKE:
            return LABEL_LATER if SSL_REQUEST_320_LEN <= length <= MAX_LOGIN and sequence <= 3 else REJECT
        if facts.infile:
            self.file_sequence = (sequence + 1) & 0xFF
            return labels.INFILE_DATA
        if self.state == AUTHENTICATION or facts.changing_user:
            return labels.AUTH if length <= MAX_LOGIN else REJECT
        return REJECT

    def _handed(self, length: i64, first: i64) -> i64:
        """Return the label of a packet after the connection was handed to another protocol; REJECT if it is a command.
        """
        facts = self.facts
        if facts.handed == REPLICATION:
            if first == REPLICA_MAGIC and REPLICA_ACK_MIN <= length <= REPLICA_ACK_MAX:
                return labels.BINLOG  # a semi-synchronous replica's acknowledgement: its ids stay at 0
        elif facts.handed == CLONE:
            # Clone's commands have the numbers 1 to 6; alone, 1 is COM_QUIT, as clone's own says more.
            if 1 <= first <= CLONE_LAST_COMMAND and not (first == COM_QUIT and length == 1):
                if first == CLONE_LAST_COMMAND:
                    facts.handed = MYSQL_COMMANDS
                return labels.CLONE_DATA
        return REJECT

    def placed(self, label: i64, first: i64) -> i64:
        # What the server asked for is a file, whatever its bytes look like.
        self.certain = not (label >= labels.COMMAND and self.facts.infile)
        if label == LABEL_LATER:
            return roles.UNKNOWN
        if label == labels.CLONE_DATA:
            self.certain = self.followed and not self.facts.doubt
            return roles.CLONE
        if label >= labels.COMMAND:
            if self.facts.doubt:
                self._settle()
            self.asked_frame = self.side.frame
        elif self.facts.doubt:
            self.certain = False
            return roles.UNKNOWN
        if not self.followed:
            self.certain = False
            return roles.UNKNOWN
        return find_role(label)

    def told(self, data: bytes, at: i64, end: i64) -> i64:
        if self.command < 0:
            return roles.UNKNOWN
        tells = command_tells(data, at, end)
        if tells == CERTAIN:
            self.followed = True
        # A database's name is a few letters, which ciphertext has, too.
        return roles.UNKNOWN if tells == NOTHING or self.command == COM_INIT_DB else roles.COMMAND

    def misses(self) -> None:
        super().misses()
        self.followed = False

    def _settle(self) -> None:
        """End the doubt: a client that had its answer asks again, and its packet comes in its turn.

        What was asked before and whose answer was missed is forgotten.
        """
        facts = self.facts
        side = self.side
        if side.frame == facts.budget.frame and 0 <= self.asked_frame < facts.server.frame < side.frame:
            facts.doubt = False
            facts.restart = True
            facts.expect_nothing()

    def run(self, data: bytes, at: i64, end: i64) -> i64:
        return at

    def guessed(self) -> i64:
        if self.length <= SSL_REQUEST_LEN or self.sequence == 0:
            return labels.UNKNOWN
        begun = b"".join(self.kept)
        fits = may_be_login(begun, 0, len(begun), self.length, self.sequence)
        return labels.LOGIN if fits else labels.UNKNOWN

    def wanted(self, first: i64) -> i64:
        return MAX_LOGIN if self.state == INITIAL_HANDSHAKE else MAX_TEXT

    def packet(self, data: bytes, at: i64, end: i64, total: i64, whole: bool) -> None:
        if self.command >= 0:
            self.moves(COMMAND)
            self._command(self.command, data, at, end, total, whole)
        elif self.passing:
            self.passing = False
            self.moves(COMMAND)
            self._passed(data, at, end)
        elif self.state == INITIAL_HANDSHAKE and self.sequence == 0:
            self._unasked(data, at, end, total, whole)
        elif self.state == INITIAL_HANDSHAKE:
            take_first(self, data, at, end, total, whole)
        elif self.facts.infile:
            self.facts.receive_file(total)
            if total == 0:
                self.file_sequence = -1
        elif self.state == AUTHENTICATION or self.facts.changing_user:
            self._auth_reply(data, at, end, whole)

    def _passed(self, data: bytes, at: i64, end: i64) -> None:
        """Take a packet of what the connection was handed to: an acknowledgement of a replica, or clone's command."""
        facts = self.facts
        if at >= end:
            return
        if data[at] == REPLICA_MAGIC:
            find_replication(facts).semi_sync = True
        else:
            note_clone_command(facts, data[at], self.packet_frame, self.packet_offset)

    def moves(self, event: i64) -> None:
        if self.state != COMMAND_PHASE:
            self.state = move(CLIENT, self.state, event)

    def _unasked(self, data: bytes, at: i64, end: i64, total: i64, whole: bool) -> None:
        """Take a command in place of the login, or a login with a command's id, where its own fields tell it."""
        command: i64 = -1
        if end > at:
            command = data[at]
        if (total == 1 and command in (COM_QUIT, COM_PING)) or (end > at and command_tells(data, at, end) == CERTAIN):
            self.late_label = labels.COMMAND + command
            self.moves(COMMAND)
            self._command(command, data, at, end, total, whole)
            return
        if total > SSL_REQUEST_LEN and has_filler(data, at, end):
            take_first(self, data, at, end, total, whole)
            return
        self.late_label = labels.UNKNOWN
        self.note(anomalies.LOST_FRAMING, total)

    def _auth_reply(self, data: bytes, at: i64, end: i64, whole: bool) -> None:
        facts = self.facts
        note_reply(facts, data, at, end, whole, self.packet_frame, self.packet_offset)
        if is_cleartext_password(facts.auth_plugin, facts.full_authentication, data, at, end):
            self.found_password()

    def found_password(self) -> None:
        if self.facts.password_frame < 0:
            self.facts.password_frame = self.packet_frame
            self.facts.password_offset = self.packet_offset

    def _command(self, command: i64, data: bytes, at: i64, end: i64, total: i64, whole: bool) -> None:
        facts = self.facts
        if facts.doubt:
            self._settle()
        self.asked_frame = self.side.frame
        facts.commands += 1
        self.command_length = total
        if facts.command_frame < 0:
            facts.command_frame = self.packet_frame
            facts.command_offset = self.packet_offset
        shape: i64 = RESULT
        if command == COM_QUERY:
            facts.queries += 1
        else:
            shape = reply_shape(command)
            facts.count_command(command)
            facts.asked_known = False
        if shape == STREAM or facts.handed != MYSQL_COMMANDS:
            facts.handed = handed_to(command)
        if shape != NONE:
            facts.expect(shape)
        made = self.statements
        if command == COM_QUERY:
            if made.readable and not facts.wants_statement():
                facts.statements_total += 1
                facts.asked = data[at + 1 : end if end - at < MAX_ASKED else at + MAX_ASKED]
                facts.asked_known = whole
                note_text(facts, data, at + 1, end, whole, self.packet_frame, self.packet_offset)
                begin = at + 3 if end - at >= 3 and data[at + 1] == 0 and data[at + 2] == 1 else at + 1
                facts.weigh(command, data, begin, end, None, whole, self.packet_frame, self.packet_time)
                self._uncounted_change(data, begin, end if end - at < MAX_ASKED else at + MAX_ASKED)
                return
            text = made.query(data, at, end, self._attributes_agreed())
            facts.asked = text if len(text) <= MAX_ASKED else text[:MAX_ASKED]
            facts.asked_known = whole
            if made.readable:
                facts.readable = True
            note_text(facts, text, 0, len(text), whole, self.packet_frame, self.packet_offset)
            self._statement(command, text, total - (made.text_at - at), made.values, whole, -1, None)
            made.values = None
        elif command == COM_STMT_PREPARE:
            text = data[at + 1 : end]
            made.prepare(text)
            if not facts.readable:
                facts.readable = reads_like_sql(data, at + 1, end)
            note_text(facts, text, 0, len(text), whole, self.packet_frame, self.packet_offset)
            self._statement(command, text, total - 1, None, whole, -1, facts.last_prepared)
        elif command in (COM_STMT_EXECUTE, COM_STMT_BULK_EXECUTE):
            text = made.execute(command, data, at, end, self._attributes_agreed())
            facts.asked = text if len(text) <= MAX_ASKED else text[:MAX_ASKED]
            facts.asked_known = whole and len(text) > 0
            complete = whole and made.complete
            if text:
                note_execution(facts, text, made.values, complete, self.packet_frame, self.packet_offset)
            self._statement(command, text, len(text), made.values, complete, made.statement_id, made.prepared)
            made.values = None  # tens of thousands, of each open connection
        elif command == COM_STMT_SEND_LONG_DATA:
            stop = -1 if self.compressed else self.packet_offset + HEADER + total
            made.long_data(data, at, end, facts.first_seam(self.packet_frame, self.packet_offset, stop) < 0)
        elif command == COM_STMT_FETCH:
            facts.ask(Asker(None, made.find(read_statement_id(data, at, end))))
        elif command in (COM_STMT_CLOSE, COM_STMT_RESET):
            made.forget(data, at, end, command == COM_STMT_CLOSE)
        elif command == COM_RESET_CONNECTION:
            made.forget_all()
            facts.session.reset()
        elif command == COM_CHANGE_USER:
            change_user(self, data, at, end)
        elif command in (COM_INIT_DB, COM_CREATE_DB, COM_DROP_DB):
            self._statement(command, data[at + 1 : end], total - 1, None, whole, -1, None)
        elif command == COM_FIELD_LIST:
            nul: i64 = data.find(b"\0", at, end)
            stop = nul if nul >= 0 else end
            self._statement(command, data[at + 1 : stop], stop - at - 1, None, whole, -1, None)
        elif command == COM_REGISTER_SLAVE:
            note_registration(facts, data, at, end, self.packet_frame, self.packet_offset)
            password = replica_password(data, at, end)
            if password:
                self.found_password()
                note_replica_password(facts, password, self.packet_frame, self.packet_offset)
        elif command in (COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID):
            note_dump(facts, command, data, at, end, self.packet_frame, self.packet_offset)
        elif command == COM_CLONE:
            note_clone(facts, self.packet_frame, self.packet_offset)

    def _statement(
        self, command: i64, text: bytes, length: i64, values: list[Value] | None, whole: bool, statement_id: i64,
        prepared: Prepared | None,
    ) -> None:  # fmt: skip
        facts = self.facts
        if not facts.wants_statement():
            facts.statements_total += 1
            facts.weigh(command, text, 0, len(text), values, whole, self.packet_frame, self.packet_time)
            before = self._change(command, text)
            if prepared is not None or before is not None:
                facts.ask(Asker(None, prepared, before))  # its columns serve later replies
            return
        session = facts.session
        statement = Statement(
            facts.id, self.packet_frame, self.packet_time, self.packet_offset, command, text, length, values,
            whole, self.compressed, statement_id, False, session.schema, session.charset,
        )  # fmt: skip
        if not self.compressed:
            statement.end = self.packet_offset + HEADER + self.command_length
        before = self._change(command, text)
        if facts.add_statement(statement):
            statement.waits = True
            facts.ask(Asker(statement, prepared, before))
        elif prepared is not None or before is not None:
            facts.ask(Asker(None, prepared, before))

    def _change(self, command: i64, text: bytes) -> SessionState | None:
        """Take what a command changes of the session. Return the state before, None where it changes nothing."""
        session = self.facts.session
        if command == COM_INIT_DB:
            before = session.copy()
            session.schema = text[:MAX_NAME]
            return before
        if command != COM_QUERY or not may_change(text, 0, len(text)):
            return None
        before = session.copy()
        return before if session.read_query(text) else None

    def _uncounted_change(self, data: bytes, at: i64, end: i64) -> None:
        """Take what a COM_QUERY that is only counted changes of the session. at: where its text begins."""
        if may_change(data, at, end):
            before = self._change(COM_QUERY, data[at:end])
            if before is not None:
                self.facts.ask(Asker(None, None, before))

    def _attributes_agreed(self) -> i64:
        facts = self.facts
        if not facts.capabilities_known:
            return -1
        return 1 if facts.capabilities & QUERY_ATTRIBUTES else 0
