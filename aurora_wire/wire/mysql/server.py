"""The server's side of MySQL: greeting, authentication, and which packet of a reply each one is.

Sources: MySQL Server docs, "Protocol::Handshake", "Generic Response Packets", "Text Resultset",
"COM_STMT_PREPARE Response"; MariaDB docs, "Result Set Packets". Rows are recognised, not decoded.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import anomalies, labels, roles
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_COMPRESSED, TO_GROUP, TO_TLS
from aurora_wire.wire.mysql.binlog import MAX_BINLOG, Binlog
from aurora_wire.wire.mysql.clone import note_clone_response
from aurora_wire.wire.mysql.compressed import Inflater
from aurora_wire.wire.mysql.compression import find_compression
from aurora_wire.wire.mysql.credentials import end_exchange, read_auth
from aurora_wire.wire.mysql.events import GreetingSeen, ServerError
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.framing import LABEL_LATER, REJECT, Packets, find_role
from aurora_wire.wire.mysql.greeting import parse_greeting
from aurora_wire.wire.mysql.plausibility import is_event_payload
from aurora_wire.wire.mysql.refusal import Refusal
from aurora_wire.wire.mysql.replies import Err, parse_err
from aurora_wire.wire.mysql.reply_frames import Responses
from aurora_wire.wire.mysql.states import (
    AUTHENTICATION,
    COMMAND_PHASE,
    ERR,
    ERR_FOR_GREETING,
    GREETING,
    INITIAL_HANDSHAKE,
    OK,
    SERVER,
    move,
)
from aurora_wire.wire.tls.record_shape import is_record_start

MAX_GREETING: Final[i64] = 4096     # bytes of payload, our bound
MAX_AUTH: Final[i64] = 16384        # and of authentication
PREFIX: Final[i64] = 600            # bytes of a reply's packet that are enough to know what it is


class ServerPackets(Packets):
    """Fed what the server sends, from its first packet or, found again by content, from any on."""

    def __init__(
        self, facts: MySQLFacts, side: DirectionAccount, inflaters: dict[int, Callable[[], Inflater]]
    ) -> None:
        super().__init__(facts, side)
        self.state: i64 = INITIAL_HANDSHAKE
        self.compressed = False
        self.first_byte: i64 = -1  # of the packet being decoded
        self.responses = Responses(facts)
        self.inflaters = inflaters
        self.binlog: Binlog | None = None    # of a replica's connection

    def boundary(self, data: bytes, at: i64, end: i64) -> i64:
        if self.state != COMMAND_PHASE and is_record_start(data, at, end):
            return TO_TLS
        if self.state == COMMAND_PHASE:
            if self.facts.compression and not self.compressed:
                return TO_COMPRESSED
            self.tls_possible = False
        return STAY

    def accept(self, length: i64, sequence: i64, first: i64) -> i64:
        self.first_byte = first
        if self.state == INITIAL_HANDSHAKE:
            if first in (10, 9) and sequence == 0 and length <= MAX_GREETING:
                return LABEL_LATER
            return LABEL_LATER if first == 0xFF and length <= MAX_GREETING else REJECT
        if self.state == AUTHENTICATION:
            if length > 65536 or first < 0:
                return REJECT
            if first == 0xFF:
                return LABEL_LATER
            return labels.OK if first == 0 and length >= 7 else labels.AUTH
        return self.responses.accept(length, sequence, first, self.relaxed)

    def placed(self, label: i64, first: i64) -> i64:
        self.certain = True
        self.number = 0
        self.number_of = 0
        if self.state != COMMAND_PHASE:
            if label != LABEL_LATER and self.facts.doubt:
                self.certain = False  # no login was seen that it could answer
                return roles.UNKNOWN
            return find_role(label)
        responses = self.responses
        role = roles.CLONE if label == labels.CLONE_DATA else responses.role(label, first, self.length)
        self.certain = responses.expected
        if role == roles.DEFINITION and responses.total > 0:
            self.number = responses.total - responses.count + 1
            self.number_of = responses.total
        return role

    def told(self, data: bytes, at: i64, end: i64) -> i64:
        return self.responses.told(data, at, end)

    def lacks_bytes(self) -> None:
        if self.label != labels.RESULT_SET:
            self.responses.forget_command()
            self.facts.doubt = True

    def guessed(self) -> i64:
        if self.state == INITIAL_HANDSHAKE:
            return labels.GREETING if self.first_byte != 0xFF else labels.EARLY_ERROR
        return labels.ERR if self.facts.login_frame >= 0 else labels.EARLY_ERROR

    def wanted(self, first: i64) -> i64:
        if self.state == INITIAL_HANDSHAKE:
            return MAX_GREETING
        if self.responses.label == labels.BINLOG:
            return MAX_BINLOG
        if self.state == AUTHENTICATION:
            return MAX_AUTH
        return PREFIX

    def packet(self, data: bytes, at: i64, end: i64, total: i64, whole: bool) -> None:
        facts = self.facts
        if self.state == INITIAL_HANDSHAKE:
            self._greeting(data, at, end)
            return
        if facts.response_frame < 0:
            facts.response_frame = self.packet_frame
            facts.response_offset = self.packet_offset
        if self.state == AUTHENTICATION:
            self._authentication(data, at, end, total)
            return
        facts.responses += 1
        responses = self.responses
        label = responses.label
        if label in (labels.RESPONSE, labels.OK) and not responses.expected and is_event_payload(data, at, end, total):
            responses.turn_to_events()  # the command that it answers was not captured
            label = labels.BINLOG
        if label == labels.BINLOG:
            self._binlog(data, at, end, total)
        elif label == labels.CLONE_DATA:
            # What has not come of a packet that breaks off did not cross, as far as seen.
            note_clone_response(facts, data, at, end, total - self.left, self.packet_frame, self.packet_offset)
        if self.responses.packet(data, at, end, total):
            self.responses.answers.error(data, at, end, self.packet_frame, self.packet_offset)
            self._error(data, at, end)
        self.running = self.responses.in_rows()
        if self.responses.hands_over():
            self.next = TO_GROUP

    def _binlog(self, data: bytes, at: i64, end: i64, total: i64) -> None:
        binlog = self.binlog
        if binlog is None:
            binlog = Binlog(self.facts, self.inflaters)
            self.binlog = binlog
        binlog.packet(
            data, at, end, total, self.packet_frame, self.packet_time, self.packet_offset, self.compressed
        )

    def run(self, data: bytes, at: i64, end: i64) -> i64:
        responses = self.responses
        side = self.side
        at = responses.run(data, at, end, self.relaxed, side.tracker, side.position)
        self.facts.responses += responses.passed
        self.running = responses.in_rows()
        return at

    def finish(self) -> None:
        super().finish()
        self.responses.answers.lost()

    def _greeting(self, data: bytes, at: i64, end: i64) -> None:
        facts = self.facts
        self.state = move(SERVER, self.state, ERR_FOR_GREETING if data[at] == 0xFF else GREETING)
        if data[at] == 0xFF:
            self._early_error(data, at, end)
            return
        greeting = parse_greeting(data, at, end)
        if greeting is None:
            self.late_label = labels.UNKNOWN
            self.note(anomalies.LOST_FRAMING, end - at)
            return
        self.late_label = labels.GREETING
        facts.greeting = greeting
        facts.greeting_frame = self.packet_frame
        facts.greeting_offset = self.packet_offset
        if facts.events is not None:
            facts.events.append(
                GreetingSeen(facts.id, False, self.packet_frame, self.packet_time, self.packet_offset, greeting)
            )

    def _authentication(self, data: bytes, at: i64, end: i64, total: i64) -> None:
        facts = self.facts
        first: i64 = data[at] if at < end else -1
        if first == 0xFF:
            if facts.login_frame < 0 and facts.commands == 0:
                self._early_error(data, at, end)
                return
            self.late_label = labels.ERR
            self._refuse(data, at, end, False)
            self.state = move(SERVER, self.state, ERR)
            facts.responses += 1
            end_exchange(facts, False)
            return
        facts.responses += 1
        if first == 0 and total >= 7:
            facts.authenticated = True
            self.state = move(SERVER, self.state, OK)
            end_exchange(facts, True)
            if facts.capabilities_known and not self.compressed:
                facts.compression = find_compression(facts.capabilities)
            return
        read_auth(facts, data, at, end)

    def _early_error(self, data: bytes, at: i64, end: i64) -> None:
        """Take an ERR before any login. It crosses in the clear by design, unless a session in TLS was under way."""
        facts = self.facts
        tls = facts.tls
        if tls is not None and tls.client.data_records > 0:
            self.late_label = labels.ERR
            facts.responses += 1
        else:
            self.late_label = labels.EARLY_ERROR
            if facts.early_error_frame < 0:
                facts.early_error_frame = self.packet_frame
        self._refuse(data, at, end, True)

    def _refuse(self, data: bytes, at: i64, end: i64, early: bool) -> None:
        """Keep the first ERR that stands in place of a session, and tell of it."""
        facts = self.facts
        error = self._error(data, at, end)
        if error is None:
            return
        if early and facts.early_error_code == 0:
            facts.early_error_code = error.code
        if facts.refusal is None:
            facts.refusal = Refusal(
                error.code, error.sqlstate, error.message, early, self.packet_frame, self.packet_offset
            )

    def _error(self, data: bytes, at: i64, end: i64) -> Err | None:
        """Tell of an ERR, and return it; None where it cannot be read."""
        facts = self.facts
        error = parse_err(data, at, end)
        if error is not None and facts.events is not None:
            facts.events.append(
                ServerError(
                    facts.id, False, self.packet_frame, self.packet_time, self.packet_offset, error.code, error.message
                )
            )
        return error
