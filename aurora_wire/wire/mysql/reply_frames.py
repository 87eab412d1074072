"""Replies to commands: which packet of which reply is this one, and where does the reply end?

Sources: MySQL Server docs, "Text Resultset", "Binary Protocol Resultset", "COM_STMT_PREPARE Response", "OK_Packet",
"EOF_Packet"; MariaDB docs, "Result Set Packets", "Progress Reporting". Needed to give each PREPARE its statement id,
to know a LOCAL INFILE request from a row, and to see packets that fit nowhere.

A state is a small integer. A packet with sequence id 1 begins a new reply unless 256 packets of one reply brought
the counter there; so a lost count is found again with the next reply.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u32
from aurora_wire.wire.decoding import labels, roles
from aurora_wire.wire.decoding.tracker import Tracker
from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.answers import Answers
from aurora_wire.wire.mysql.commands import (
    AUTH,
    CLONE,
    CLONE_COMPLETE,
    EXECUTED,
    FIELDS,
    GROUP_REPLICATION,
    MYSQL_COMMANDS,
    PREPARE,
    REPLICATION,
    RESULT,
    ROWS,
    SIMPLE,
    STATISTICS,
    STREAM,
)
from aurora_wire.wire.mysql.credentials import end_exchange, read_auth
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.framing import REJECT, label_reply
from aurora_wire.wire.mysql.plausibility import reply_role
from aurora_wire.wire.mysql.replies import (
    CURSOR_EXISTS,
    MORE_RESULTS,
    is_progress,
    ok_status,
    ok_warnings,
    parse_column_count,
    parse_prepare_ok,
)
from aurora_wire.wire.mysql.reply_chain import is_row
from aurora_wire.wire.mysql.reply_labels import (
    BARE,
    COLUMNS,
    DEFINITIONS,
    EVENTS,
    EXCHANGE,
    FIRST,
    IDLE,
    ONE,
    PREPARED,
    ROW,
    find_label,
)
from aurora_wire.wire.mysql.statements import answer_prepare, release

LONGEST_HEAD: Final[i64] = 10    # bytes of a result's head: a count, and a byte that says whether definitions follow
MAX_TOLD: Final[i64] = 0xFFFF    # bytes of a packet that a tracker takes in a run


class Responses:
    """The replies of one connection's server: which packet of a reply each one is."""

    def __init__(self, facts: MySQLFacts) -> None:
        self.facts = facts
        self.answers = Answers(facts)
        self.state: i64 = IDLE
        self.count: i64 = 0             # definitions still to come
        self.previous: i64 = -1         # sequence id of the last packet
        self.end_of_metadata = False    # an EOF after the definitions may come
        self.label: i64 = 0
        self.first: i64 = 0
        self.free = False               # the next sequence id is not known
        self.handed: i64 = 0            # what the packets of EVENTS are of (mysql/commands.py)
        self.agreed = False             # the server's OK to that was seen
        self.passed: i64 = 0            # packets that the last `run` passed
        self.expected = False           # the reply answers a command that was seen
        self.binary = False             # its rows are
        self.fields = False             # and are definitions: COM_FIELD_LIST
        self.total: i64 = 0             # of definitions
        self.defined: i64 = 0           # of them, that told themselves

    def lost(self) -> None:
        """Note that replies were missed."""
        self.state = IDLE
        self.previous = -1
        self.free = False
        self.forget_command()
        self.answers.lost()
        facts = self.facts
        facts.doubt = True
        facts.expect_last_only()
        waiting = facts.unanswered_prepares
        if waiting:
            count: i64 = len(waiting) - (1 if facts.request == PREPARE else 0)
            for gone in waiting[:count]:
                release(facts.budget, gone, True)
            del waiting[:count]
        if facts.handed != MYSQL_COMMANDS and facts.request < 0:
            self.state = EVENTS
            self.handed = facts.handed

    def forget_command(self) -> None:
        """Forget the command that is answered: what the next packets answer was not seen."""
        self.expected = False
        self.binary = False
        self.fields = False
        self.total = 0

    def resume(self, sequence: i64, handed: i64) -> None:
        """Go on with the packet of this sequence id, found by its framing: rows, or what follows on a hand-over."""
        self.previous = (sequence - 1) & 0xFF
        if sequence == 1 and handed == MYSQL_COMMANDS:
            return  # a reply begins
        self.facts.next_reply()
        self.forget_command()
        self.state = ROW if handed == MYSQL_COMMANDS else EVENTS
        if handed == CLONE:
            self.handed = CLONE
            self.agreed = True
        self.end_of_metadata = False

    def turn_to_events(self) -> None:
        """Go on as with a replica: the packet is a binlog event, whatever it answers."""
        self.state = EVENTS
        self.handed = REPLICATION
        self.agreed = True
        self.label = labels.BINLOG
        self.facts.handed = REPLICATION

    def _begin(self) -> None:
        """Begin the reply of the next outstanding command."""
        shape = self.facts.next_reply()
        self.answers.begin(shape, shape in (EXECUTED, ROWS))
        self.expected = shape >= 0 and not self.facts.doubt
        self.binary = shape in (EXECUTED, ROWS)
        self.fields = shape == FIELDS
        self.total = 0
        if shape < 0:
            shape = RESULT
        if shape == SIMPLE:
            self.state = ONE
        elif shape == PREPARE:
            self.state = PREPARED
        elif shape == STATISTICS:
            self.state = BARE
        elif shape == STREAM:
            self.state = EVENTS
            self.handed = self.facts.handed
            self.agreed = False
        elif shape == AUTH:
            self.state = EXCHANGE
        elif shape in (FIELDS, ROWS):
            self.state = ROW
            self.end_of_metadata = False
        else:
            self.state = FIRST

    def in_rows(self) -> bool:
        """Return whether column definitions or rows come next."""
        return self.state == ROW or self.state == COLUMNS or self.state == DEFINITIONS

    def hands_over(self) -> bool:
        """Return whether the server agreed to hand the connection to group replication: no MySQL packets follow."""
        return self.state == EVENTS and self.handed == GROUP_REPLICATION

    def run(self, data: bytes, at: i64, end: i64, relaxed: bool, tracker: Tracker | None, position: i64) -> i64:
        """Pass definitions, rows and EOFs that lie whole in data[at:end]. `passed` says how many there were.

        Stops at a result's end and at whatever needs a look: an OK or ERR, a packet that is not whole, a sequence id
        that does not count on, unless `relaxed`. tracker: is told of each; position: of data[at] in the stream.
        """
        previous = self.previous
        passed: i64 = 0
        answers = self.answers
        defined_at: i64 = -1  # where all definitions of a result begin
        if relaxed and self.facts.restart:
            end = at  # no sequence id says that a reply begins
        if tracker is not None:
            position -= at
            if not self.expected:
                end = at  # what they are is not certain
        while end - at > 4:
            header = u32(data, at)
            length = header & 0xFFFFFF
            stop = at + 4 + length
            sequence = header >> 24
            if stop > end or length == 0 or (sequence != (previous + 1) & 0xFF and not relaxed):
                break
            if tracker is not None and length > MAX_TOLD:
                break
            taken: i64 = 1
            role: i64 = roles.DEFINITION
            if data[at + 4] >= 0xFE:
                if data[at + 4] == 0xFF or length >= 9 or self.state == COLUMNS:
                    break
                self.label = labels.EOF
                role = roles.EOF
                if self.state == ROW:
                    self._row(data, at + 4, stop, length)
                else:
                    self._defined(0)
            elif self.state == ROW and not self.fields:
                role = roles.BINARY_ROW if self.binary else roles.TEXT_ROW
                answers.row(data, at + 4, stop, length)
            elif self.state == ROW:
                answers.define(data, at + 4, stop)
            else:
                self.label = labels.RESULT_SET
                known = answers.recognise(data, at, end, self.count)
                if known > at:
                    stop, taken = known, self.count
                    sequence = (previous + taken) & 0xFF
                    role = roles.UNKNOWN
                    if tracker is not None:
                        tracker.definitions(position + at, data, at, stop)
                else:
                    if known == at:
                        defined_at = at
                    answers.define(data, at + 4, stop)
                    if defined_at >= 0:
                        answers.remember(data, defined_at, stop)
                self._defined(taken)
            if tracker is not None and role != roles.UNKNOWN:
                tracker.packet(position + at, role, True, data, at + 4, stop, length)
            previous = sequence
            passed += taken
            at = stop
            if not self.in_rows():
                break
        self.previous, self.passed = previous, passed
        return at

    def accept(self, length: i64, sequence: i64, first: i64, relaxed: bool) -> i64:
        """Return the label of the packet that begins, or REJECT. `packet` follows for the same one."""
        if self.state == EVENTS and self.handed == CLONE and self.agreed and sequence == 1 and not relaxed:
            self.state = IDLE  # clone's ids are always 0: its last command was not seen
            self.facts.handed = MYSQL_COMMANDS
        new = self.state == IDLE
        if self.state == EVENTS and not (sequence == 1 and self.agreed and self.facts.request >= 0):
            # After each acknowledgement the server's ids begin again, and clone's are always 0.
            new = False
        elif not relaxed:
            if sequence == 1 and self.previous != 0:
                new = True
            elif not self.free and self.previous >= 0 and sequence != (self.previous + 1) & 0xFF:
                # A server that closes a session says so unasked, with sequence id 0.
                if not (sequence == 0 and first == 0xFF) and sequence != 1:
                    return REJECT
            elif sequence == 0 and first != 0xFF and self.previous != 0xFF:
                return REJECT
        elif self.facts.restart:
            self.facts.restart = False
            new = True  # no sequence id says so
        self.free = False
        self.previous = sequence
        self.first = first
        if new:
            if sequence == 0 and first == 0xFF:
                self.state = ONE
            elif self.state == IDLE and self.facts.request < 0 and sequence != 1 and not relaxed:
                # An EOF or definitions that go on where the end of the reply was not certain.
                self.label = label_reply(first, length)
                return self.label
            else:
                self._begin()
        self.label = find_label(self.state, first, length, self.expected, self.handed, self.agreed)
        return self.label

    def role(self, label: i64, first: i64, length: i64) -> i64:
        """Return the role of the packet that `accept` gave this label, before `packet` goes on. UNKNOWN: see `told`."""
        state = self.state
        if state == IDLE:
            self.expected = False
        if not self.expected:
            # A row in binary form begins like an OK, and so do a binlog event and the reply to a PREPARE.
            return roles.UNKNOWN
        if label == labels.ERR:
            return roles.ERR
        if label == labels.EOF:
            return roles.EOF
        if label == labels.OK:
            if state == FIRST and length < 7 and self.facts.capabilities & caps.OPTIONAL_RESULTSET_METADATA:
                return roles.HEAD
            return roles.OK
        if state in (COLUMNS, DEFINITIONS):
            return roles.DEFINITION
        if state == ROW:
            if self.fields:
                return roles.DEFINITION
            return roles.BINARY_ROW if self.binary else roles.TEXT_ROW
        if state == FIRST:
            if label != labels.INFILE_REQUEST and length > LONGEST_HEAD:
                # No count is that long: it answers something else, or is a packet of the compressed protocol.
                self.forget_command()
                self.facts.doubt = True
                return roles.UNKNOWN
            return roles.INFILE_REQUEST if label == labels.INFILE_REQUEST else roles.HEAD
        if state == PREPARED:
            return roles.PREPARE_OK if label == labels.PREPARE_OK else roles.UNKNOWN
        if state == EXCHANGE:
            return roles.AUTH
        if state == EVENTS:
            return roles.BINLOG
        return roles.STATISTICS if state == BARE else roles.UNKNOWN

    def told(self, data: bytes, at: i64, end: i64) -> i64:
        """Return the role of a packet whose command was not seen: by its own fields, or as a row by the definitions
        before it.

        As many definitions as the head said, then rows of as many strings: a text result. A row that begins with NUL
        may be in binary form.
        """
        role = reply_role(data, at, end)
        if role == roles.DEFINITION:
            # A row may read like one, so that it counts only behind a head.
            if self.state == COLUMNS:
                self.defined += 1
                return role
            role = roles.UNKNOWN
        if role == roles.UNKNOWN and self.state == ROW and 0 < self.total == self.defined and data[at] != 0:
            if is_row(data, at, end) == self.total:
                return roles.TEXT_ROW
        return role

    def packet(self, data: bytes, at: i64, end: i64, total: i64) -> bool:
        """Go on to what follows: the packet is there, or its first bytes. Return True for an ERR."""
        state = self.state
        if state == IDLE:
            return self.label == labels.ERR
        if self.label == labels.ERR:
            if is_progress(data, at, end):
                return False
            if state == PREPARED and self.facts.unanswered_prepares:
                self.facts.unanswered_prepares.pop(0)
            if state == EXCHANGE:
                self.facts.changing_user = False
                end_exchange(self.facts, False)
            if state == EVENTS and self.facts.request < 0:
                self.facts.handed = MYSQL_COMMANDS
            self.state = IDLE
            return True
        if state == FIRST:
            self._first(data, at, end, total)
        elif state == COLUMNS:
            self.answers.define(data, at, end if end - at == total else at)
            self._defined(1)
        elif state == ROW:
            self._row(data, at, end, total)
        elif state == PREPARED:
            self._prepared(data, at, end)
        elif state == DEFINITIONS:
            if self.label != labels.EOF:
                self.answers.define(data, at, end)
            self._defined(0 if self.label == labels.EOF else 1)
        elif state == EXCHANGE:
            self._exchange(data, at, end)
        elif state == EVENTS:
            self._event(total)
        else:
            self.state = IDLE
            if state == ONE and self.label == labels.OK:
                self.answers.ok(data, at, end, ok_status(data, at, end))
            self.answers.over()
        return False

    def _defined(self, taken: i64) -> None:
        """Go on behind so many definitions, or behind an EOF after some of a PREPARE's."""
        self.count -= taken
        if self.count > 0:
            return
        if self.state == COLUMNS:
            self.state = ROW
            self.answers.defined()
        elif self.label == labels.EOF or self.facts.deprecates_eof() == 1:
            self.state = IDLE
            self.answers.end_definitions()

    def _event(self, total: i64) -> None:
        """Look whether a packet of what the connection was handed to ends that."""
        facts = self.facts
        self.agreed = True
        if self.label == labels.EOF:
            # A dump that was asked not to wait for further events.
            facts.handed = MYSQL_COMMANDS
            self.state = IDLE
        elif self.handed == CLONE and facts.handed != CLONE and self.first == CLONE_COMPLETE and total == 1:
            self.state = IDLE  # the answer to clone's last command

    def _first(self, data: bytes, at: i64, end: i64, total: i64) -> None:
        if self.first == 0:
            metadata = self.facts.capabilities & caps.OPTIONAL_RESULTSET_METADATA
            if metadata and total < 7:
                # The metadata byte of a result set, not an OK: no definitions follow.
                self.state = ROW
                self.end_of_metadata = self.facts.deprecates_eof() != 1
                self.answers.head(parse_column_count(data, at, end, self.facts.capabilities).count, False)
            else:
                status = ok_status(data, at, end)
                self.answers.ok(data, at, end, status)
                self.state = FIRST
                if not status & MORE_RESULTS:
                    self.state = IDLE
                    self.answers.over()
        elif self.first == 0xFB:
            self.free = True
            side = self.facts.server
            self.facts.ask_for_file(data[at + 1 : end], side.frame, side.anchor if side.anchored else side.position)
            self.state = ONE
        elif self.first == 0xFE:
            self.state = IDLE
            self.answers.over()
        else:
            self.end_of_metadata = self.facts.deprecates_eof() != 1
            self.defined = 0
            self.count = self.first
            follow = True
            if total != 1:
                columns = parse_column_count(data, at, end, self.facts.capabilities)
                self.count = columns.count
                follow = columns.definitions_follow
            self.total = self.count
            self.state = COLUMNS if self.count > 0 and follow else ROW
            self.answers.head(self.count, follow)

    def _row(self, data: bytes, at: i64, end: i64, total: i64) -> None:
        answers = self.answers
        if self.label == labels.RESULT_SET:
            if self.fields:
                answers.define(data, at, end)
            else:
                answers.row(data, at, end, total)
            return
        status: i64 = 0
        warnings: i64 = -1
        if self.label == labels.EOF and total == 5 and end - at >= 5:
            status = u16(data, at + 3)
            warnings = u16(data, at + 1)
            if self.end_of_metadata:
                self.end_of_metadata = False
                if status & CURSOR_EXISTS:
                    self.state = IDLE
                    answers.end_rows(status, warnings)
                    answers.over()
                else:
                    answers.note_status(status)
                return
        else:
            status = ok_status(data, at, end)
            warnings = ok_warnings(data, at, end)
        answers.end_rows(status, warnings)
        self.state = FIRST
        if not status & MORE_RESULTS:
            self.state = IDLE
            answers.over()

    def _prepared(self, data: bytes, at: i64, end: i64) -> None:
        self.state = IDLE
        reply = parse_prepare_ok(data, at, end)
        facts = self.facts
        if reply is None:
            self.answers.lost()
            return
        answer_prepare(facts, reply.statement_id, reply.params)
        self.count = reply.params + reply.columns
        self.total = self.count
        self.answers.prepared(reply.params, reply.columns)
        if self.count > 0:
            self.state = DEFINITIONS
            if reply.metadata_follows == 0:
                self.state = IDLE
                self.answers.end_definitions()

    def _exchange(self, data: bytes, at: i64, end: i64) -> None:
        self.free = True
        if self.label == labels.OK:
            self.state = IDLE
            self.facts.changing_user = False
            self.facts.full_authentication = False
            end_exchange(self.facts, True)
            self.answers.over()
            return
        read_auth(self.facts, data, at, end)
