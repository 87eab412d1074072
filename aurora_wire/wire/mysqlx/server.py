"""The server's messages of X Protocol: capabilities, authentication, results, notices, errors.

Source: MySQL internals, "X Protocol"; mysqlx.proto, mysqlx_notice.proto, mysqlx_resultset.proto.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import labels
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.mysql.compressed import Inflater
from aurora_wire.wire.mysql.credentials import end_exchange, note_challenge
from aurora_wire.wire.mysql.events import ServerError
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.refusal import Refusal
from aurora_wire.wire.mysqlx.answers import XAnswers
from aurora_wire.wire.mysqlx.facts import ASKED_COMPRESSION, ASKED_TLS, XSession
from aurora_wire.wire.mysqlx.fields import BYTES, Fields
from aurora_wire.wire.mysqlx.frames import XFrames
from aurora_wire.wire.mysqlx.shape import CAPABILITIES, ERROR, NOTICE
from aurora_wire.wire.mysqlx.values import first_number, first_string, read_scalar

OK: Final[i64] = 0
AUTHENTICATE_CONTINUE: Final[i64] = 3
AUTHENTICATE_OK: Final[i64] = 4
COLUMN: Final[i64] = 12
ROW: Final[i64] = 13
FETCH_DONE: Final[i64] = 14
EXECUTE_OK: Final[i64] = 17
FETCH_DONE_MORE_OUT: Final[i64] = 18
COMPRESSION: Final[i64] = 19

# Notices.
WARNING: Final[i64] = 1
SESSION_STATE: Final[i64] = 3
ROWS_AFFECTED: Final[i64] = 4
CLIENT_ID: Final[i64] = 11
LOCAL: Final[i64] = 2              # the scope of a notice that belongs to a reply


class XServer(XFrames):
    """What the server sends."""

    def __init__(
        self, facts: MySQLFacts, session: XSession, side: DirectionAccount,
        inflaters: dict[int, Callable[[], Inflater]], aligned: bool, answers: XAnswers | None = None,
    ) -> None:  # fmt: skip
        super().__init__(facts, session, side, inflaters, aligned)
        self.answers: Final = answers if answers is not None else XAnswers(facts)

    def awaits_tls(self) -> bool:
        return self.session.tls_agreed_frame >= 0

    def make_inner(self, side: DirectionAccount) -> XFrames:
        return XServer(self.facts, self.session, side, self.inflaters, True, self.answers)

    def missed(self) -> None:
        self.answers.missed()

    def finish(self) -> None:
        super().finish()
        self.answers.lost()

    def expected(self, kind: i64) -> i64:
        if kind in (AUTHENTICATE_CONTINUE, AUTHENTICATE_OK):
            return labels.X_LOGIN
        if kind == CAPABILITIES or (kind <= NOTICE and not self.is_session()):
            return labels.X_OPENING
        return labels.X_RESULT

    def message(self, kind: i64, data: bytes, at: i64, end: i64, whole: bool) -> i64:
        session = self.session
        if session.server_first < 0:
            session.server_first = self.begun
        if kind == CAPABILITIES:
            session.tls_offered = 1 if data.find(b"\x03tls", at, end) >= 0 else 0
            return labels.X_OPENING
        if kind == OK:
            return self._ok()
        if kind == ERROR:
            return self._error(data, at, end)
        if kind == NOTICE:
            return self._notice(data, at, end)
        self._response()
        if kind == AUTHENTICATE_CONTINUE:
            nonce = first_string(data, at, end, 1)
            note_challenge(self.facts, nonce[:-1] if nonce.endswith(b"\0") else nonce)
            return labels.X_LOGIN
        if kind == AUTHENTICATE_OK:
            self.facts.authenticated = True
            session.authenticating = False
            end_exchange(self.facts, True)
            self.answers.anew()
            return labels.X_LOGIN
        if kind == COMPRESSION:
            if whole:
                self.compressed(data, at, end)
            else:
                self.missed()
            return labels.COMPRESSED
        if kind == COLUMN:
            session.columns += 1
            self.answers.column(data, at, end, whole)
        elif kind == ROW:
            size = end - at if whole else self.total
            session.rows += 1
            session.row_bytes += size
            self.answers.x_row(data, at, end, size)
        elif kind == EXECUTE_OK:
            self.answers.done()
        elif FETCH_DONE <= kind <= FETCH_DONE_MORE_OUT:
            self.answers.fetched_rows(kind)
        return labels.X_RESULT

    def _response(self) -> None:
        facts = self.facts
        facts.responses += 1
        if facts.response_frame < 0:
            facts.response_frame = self.begun_frame
            facts.response_offset = self.begun

    def _ok(self) -> i64:
        session = self.session
        answered = session.answered()
        if answered == ASKED_TLS:
            session.tls_agreed_frame = self.begun_frame
        elif answered == ASKED_COMPRESSION:
            session.compression = session.wanted
        if answered == 0 and self.is_session():
            self._response()
            self.answers.done()
            return labels.X_RESULT
        return labels.X_OPENING

    def _error(self, data: bytes, at: i64, end: i64) -> i64:
        session = self.session
        facts = self.facts
        answered = session.answered() if not session.authenticating else 0
        code = first_number(data, at, end, 2)
        if facts.events is not None:
            facts.events.append(
                ServerError(
                    facts.id, False, self.begun_frame, self.begun_time, self.begun, code, first_string(data, at, end, 3)
                )
            )
        if answered == ASKED_TLS:
            session.tls_refused = True
        if answered == 0 and facts.refusal is None and (session.authenticating or not self.is_session()):
            text = first_string(data, at, end, 3)
            state = first_string(data, at, end, 4)
            facts.refusal = Refusal(code, state, text, not self.is_session(), self.begun_frame, self.begun)
        if session.authenticating:
            session.authenticating = False
            end_exchange(facts, False)
        elif answered == 0 and self.is_session():
            text = first_string(data, at, end, 3)
            self.answers.refused(code, first_string(data, at, end, 4), text, self.begun_frame, self.begun)
        elif answered != 0 or not self.is_session():
            if facts.early_error_code == 0 and not self.is_session():
                facts.early_error_code = code
            return labels.X_OPENING
        session.errors += 1
        self._response()
        return labels.X_RESULT

    def _notice(self, data: bytes, at: i64, end: i64) -> i64:
        """Count what a notice says: warnings, and rows that were changed."""
        session = self.session
        kind = first_number(data, at, end, 1)
        if kind == WARNING and first_number(data, at, end, 2) == LOCAL:
            self.answers.warned += 1
        fields = Fields(data, at, end)
        while fields.next():
            if fields.number == 3 and fields.wire == BYTES and kind == SESSION_STATE:
                self._state(data, fields.start, fields.stop)
        if kind == WARNING:
            session.warnings += 1
        if not self.is_session() and not WARNING <= kind <= SESSION_STATE:
            return labels.X_OPENING  # the server's hello; the others tell of a session, whose login was missed
        self._response()
        return labels.X_RESULT

    def _state(self, data: bytes, at: i64, end: i64) -> None:
        parameter = first_number(data, at, end, 1)
        fields = Fields(data, at, end)
        while fields.find(2):
            number = read_scalar(data, fields.start, fields.stop).number()
            if parameter == ROWS_AFFECTED and 0 <= number < 1 << 48:
                self.session.affected += number
                self.answers.affected = number
            elif parameter == CLIENT_ID and 0 <= number < 1 << 48:
                self.session.thread_id = number
