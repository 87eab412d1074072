"""What the server's packets answer: which statement's result each is of, its columns, rows, end or error.

`Responses` (reply_frames.py) knows which packet of a reply each one is, and calls this. A result is put to a statement
only where it is certain which one it answers: while packets were missed nothing is.
Sources: those of results.py; MySQL Server docs, "COM_STMT_FETCH", "Server Status Flags"; MariaDB docs, "Result Set
Packets" (cached metadata).
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from aurora_wire.binary import u16
from aurora_wire.wire.mysql.capabilities import PROTOCOL_41, SESSION_TRACK
from aurora_wire.wire.mysql.commands import FIELDS, ROWS
from aurora_wire.wire.mysql.definitions import LONGEST, Definitions, KnownDefinitions, same
from aurora_wire.wire.mysql.facts import Asker, MySQLFacts
from aurora_wire.wire.mysql.leaked.classes import NOTHING
from aurora_wire.wire.mysql.leaked.rows import MAX_HITS, SMALLEST, TEXTS, Hit, Watched
from aurora_wire.wire.mysql.leaked.tally import HIT_COST, RESULTS
from aurora_wire.wire.mysql.lenenc import read_lenenc
from aurora_wire.wire.mysql.replies import CURSOR_EXISTS, SESSION_STATE_CHANGED, parse_err, parse_ok
from aurora_wire.wire.mysql.results import Column, Failure, Result, new_column, watch
from aurora_wire.wire.mysql.types import LONGLONG
from aurora_wire.wire.mysql.values import Value, find_size, is_temporal, varied_bounds

MAX_COLUMNS: Final[i64] = 4096      # of a result that are told; servers allow so many
MAX_RESULTS: Final[i64] = 1000      # of a statement that are told one by one: what follows is added to the last
MAX_MESSAGE: Final[i64] = 1024      # bytes of an error's text; servers send 512 at most
MAX_ROW: Final[i64] = 65536         # bytes kept of a row, where rows are asked for
KEPT_COST: Final[i64] = 100         # bytes that a kept row takes besides
UNSIGNED_FLAG: Final[i64] = 32   # of a column's flags
OUT_PARAMETERS: Final[i64] = 0x1000 # status: the result holds OUT parameters
USUAL_OK: Final[i64] = 7            # bytes of an OK whose counts have a byte each


class Answers:
    """What one connection's server answers."""

    def __init__(self, facts: MySQLFacts) -> None:
        self.facts = facts
        self.asker: Asker | None = None     # whom the reply under way answers; None where nobody is told
        self.result: Result | None = None   # of its statement, under way
        self.number: i64 = 0                # of results of this statement
        self.columns: list[Column] = []     # of the result under way, known or not whose it is
        self.total: i64 = 0                 # of them, as the head says
        self.walks = False                  # rows are looked into: how much of each column crossed
        self.binary = False
        self.rows: i64 = 0                  # of the result under way
        self.size: i64 = 0
        self.skipped: i64 = 0               # definitions to skip: of a prepared statement's parameters
        self.under_way = False              # a result with columns
        self.fetched = False                # its rows belong to an execution before
        self.hits: list[Hit] = []           # values in its rows that are of a class of data
        self.known = KnownDefinitions()     # of results before

    def begin(self, shape: i64, binary: bool) -> None:
        """Begin the reply to the command that is due, which `MySQLFacts.next_reply` has taken from the queue."""
        if self.under_way or self.asker is not None:
            self.lost()
        facts = self.facts
        asker = facts.answering
        facts.answering = None
        self.number = 0
        self.result = None
        self.binary = binary
        self.fetched = False
        if asker is None:
            return
        if facts.doubt:
            asker.settle()
            return
        self.asker = asker
        prepared = asker.prepared
        if shape == ROWS and prepared is not None:
            self.result = prepared.cursor
            self.fetched = True
            self._open(prepared.columns, -1)
        elif shape == FIELDS:
            self._add()
            self._open(None, -1)

    def lost(self) -> None:
        """End what is under way: the rest of it was missed, or nobody knows what follows."""
        self._flush()
        self.over()

    def over(self) -> None:
        """End the reply: it was seen to its end."""
        asker = self.asker
        if asker is not None:
            asker.settle()
            self.asker = None
        self.result = None

    def _add(self) -> None:
        """Begin a further result of the statement that is answered."""
        asker = self.asker
        if asker is None or asker.statement is None:
            self.result = None
            return
        last = self.result
        if last is not None and self.number >= MAX_RESULTS:
            return
        self.number += 1
        made = Result(self.facts.server.frame)
        made.binary = self.binary
        self.result = made
        if last is not None:
            last.next = made
        elif asker.statement.result is None:
            asker.statement.result = made

    def _open(self, known: list[Column] | None, total: i64) -> None:
        """Begin a result of `total` columns; -1: as many as come. known: its columns, if no definitions follow."""
        if known is not None:
            self.columns = known
        elif len(self.columns) > 0:
            self.columns = []
        self.total = total
        self.skipped = 0
        self.rows = 0
        self.size = 0
        self.under_way = True
        self.walks = len(self.columns) > 0 and self.facts.budget.weighs

    # A result with columns.

    def head(self, count: i64, definitions_follow: bool) -> None:
        """Begin a result of `count` columns; -1 where the head does not say."""
        self._add()
        known: list[Column] | None = None
        if not definitions_follow:
            asker = self.asker
            if asker is not None and asker.prepared is not None:
                known = asker.prepared.columns  # the client has them from the PREPARE, or an execution before
                if known is not None and count >= 0 and len(known) != count:
                    known = None
        self._open(known, count)

    def define(self, data: bytes, at: i64, end: i64) -> None:
        """Take the definition of a column."""
        if self.skipped > 0:
            self.skipped -= 1
            return
        columns = self.columns
        if len(columns) >= MAX_COLUMNS:
            return
        facts = self.facts
        key = data[at:end]
        column = facts.columns.get(key)
        if column is None:
            column = new_column(key)
            if column is None or not facts.keep_column(key, column):
                column = facts.further_column()
        columns.append(column)

    def recognise(self, data: bytes, at: i64, end: i64, count: i64) -> i64:
        """Take all `count` definitions of a result, where they are those of one before, byte for byte.

        Return where they end; `at` where they are not known, -1 where they do not all begin here.
        """
        if self.skipped > 0 or len(self.columns) > 0 or self.total != count:
            return -1
        known = self.known.find(data, at, end, count)
        if known is None:
            return at
        self.columns = known.columns
        return at + len(known.packets)

    def remember(self, data: bytes, at: i64, end: i64) -> None:
        """Remember the packets data[at:end], which are all definitions of the result under way, while there is room."""
        columns = self.columns
        facts = self.facts
        if end - at > LONGEST or len(columns) != self.total:
            return
        further = facts.further_columns
        for column in columns:
            if column is further:
                return  # there may be room for it the next time
        made = Definitions(data[at:end], columns)
        if facts.budget.open >= made.cost():
            facts.charge(self.known.keep(made))

    def defined(self) -> None:
        """End the definitions: rows follow."""
        columns = self.columns
        facts = self.facts
        weighs = facts.budget.weighs  # else nobody asks what is in the rows
        self.walks = weighs and len(columns) > 0 and (self.total < 0 or len(columns) == self.total)
        if len(columns) == 0:
            return
        last = facts.last_columns
        if columns is not last:
            if same(columns, last):
                columns = last  # the same once more: one list serves all
                self.columns = columns
            else:
                facts.last_columns = columns
                for column in columns:
                    if weighs and not column.decided:
                        watch(column)
        asker = self.asker
        if asker is not None and asker.prepared is not None:
            asker.prepared.columns = columns

    def row(self, data: bytes, at: i64, end: i64, total: i64) -> None:
        """Count a row of `total` bytes, of which data[at:end] is there."""
        self.rows += 1
        self.size += total
        if self.walks:
            if self.binary:
                self._walk_binary(data, at, end, at + total)
            else:
                self._walk(data, at, end, at + total)
        result = self.result
        if result is not None and self.facts.budget.rows > 0:
            self._keep(result, data, at, end)

    def _keep(self, result: Result, data: bytes, at: i64, end: i64) -> None:
        kept = result.kept
        if kept is None:
            kept = []
            result.kept = kept
        budget = self.facts.budget
        size: i64 = min(end - at, MAX_ROW)
        if budget.statements < size + KEPT_COST:
            budget.refused = True
        elif len(kept) < budget.rows:
            budget.statements -= size + KEPT_COST
            kept.append(data[at : at + size])

    def _walk(self, data: bytes, at: i64, end: i64, stop: i64) -> None:
        """Add up the bytes of each value of a text row. It ends at `stop`, which may lie behind what is there."""
        hits = self.hits
        frame = self.facts.server.frame
        for column in self.columns:
            if at >= end:
                return
            length: i64 = data[at]
            at += 1
            if length > 0xFA:
                if length == 0xFB:
                    continue
                length, at = read_lenenc(data, at - 1, end)
                if length < 0:
                    return
            if length > stop - at:
                self.walks = False  # it is no row of these columns
                return
            watched = column.watched
            if watched is not None and at + length <= end:
                watched.look(data, at, at + length, frame, hits)
            at += length
            column.size += length

    def _walk_binary(self, data: bytes, at: i64, end: i64, stop: i64) -> None:
        """Add up the bytes of each value of a binary row: 00, a bit for each NULL from bit 2 on, the values."""
        nulls = at + 1
        bit: i64 = 2
        at = nulls + (len(self.columns) + 9) // 8
        if at > end:
            return
        for column in self.columns:
            if data[nulls + (bit >> 3)] >> (bit & 7) & 1 == 0:
                size = find_size(column.type)
                start = at
                if size > 0:
                    at += size
                else:
                    start, after = varied_bounds(data, at, end, column.type)
                    if start < 0:
                        length, start = read_lenenc(data, at, end)
                        if length < 0 or length > stop - start:
                            return
                        after = start + length
                    size = after - start
                    at = after
                if at > stop:
                    self.walks = False
                    return
                column.size += size
                watched = column.watched
                if watched is not None and at <= end:
                    self._look_binary(watched, column, data, start, at)
            bit += 1

    def _look_binary(self, watched: Watched, column: Column, data: bytes, start: i64, stop: i64) -> None:
        """Look at the value data[start:stop] of a binary row; numbers and times as SQL writes them."""
        kind = column.type
        hits = self.hits
        frame = self.facts.server.frame
        if watched.way == TEXTS or (find_size(kind) == 0 and not is_temporal(kind)):
            watched.look(data, start, stop, frame, hits)
            return
        if watched.named == NOTHING and (kind != LONGLONG or read_i64_le(data, start) < SMALLEST):
            return  # no number of a card: most are ids
        value = Value(kind, column.flags & UNSIGNED_FLAG != 0, data[start:stop]).literal().strip(b"'")
        watched.look(value, 0, len(value), frame, hits)

    def end_rows(self, status: i64, warnings: i64) -> None:
        """End a result's rows, or its definitions where a cursor is open."""
        self.facts.note_escapes(status)
        self._flush()
        result = self.result
        if result is None:
            return
        result.warnings = warnings
        result.ended_ns = self.facts.server.time_ns
        result.complete = True
        self.note_status(status)
        if status & CURSOR_EXISTS and not self.fetched:
            result.cursor = True
            asker = self.asker
            if asker is not None and asker.prepared is not None:
                asker.prepared.cursor = result

    def _flush(self) -> None:
        """Put down what was counted."""
        if not self.under_way:
            return
        self.under_way = False
        columns = self.columns
        rows = self.rows
        facts = self.facts
        facts.rows += rows
        facts.row_bytes += self.size
        seen: Column | None = None
        for column in columns:
            if column is not seen:  # those that there was no room for are one
                column.rows += rows
                if not self.fetched:
                    column.results += 1
            if len(column.name) == 0:
                seen = column
        result = self.result
        if self.hits:
            self._tell(result, columns)
        if result is not None:
            result.rows += rows
            result.size += self.size
            if columns and result.columns is None and facts.pay_for_columns(columns):
                result.columns = columns
            if self.total > result.columns_total:
                result.columns_total = self.total
            elif len(columns) > result.columns_total:
                result.columns_total = len(columns)
        if len(columns) > 0:
            self.columns = []  # others may hold the list
        self.walks = False
        self.rows = 0
        self.size = 0

    def _tell(self, result: Result | None, columns: list[Column]) -> None:
        """Tell what values of the result under way are of a class of data."""
        hits = self.hits
        self.hits = []
        facts = self.facts
        facts.add_hits(hits, RESULTS)
        for column in columns:
            if column.watched is not None:
                column.watched.hit = None
        if result is None:
            return
        kept = result.hits
        cost = len(hits) * HIT_COST
        if facts.budget.statements < cost:
            facts.budget.refused = True
        elif kept is None:
            facts.budget.statements -= cost
            result.hits = hits
        elif len(kept) < MAX_HITS:
            facts.budget.statements -= cost
            kept.extend(hits)  # of rows that a cursor fetches

    # What has no columns.

    def ok(self, data: bytes, at: i64, end: i64, status: i64) -> None:
        """Take an OK that is a result by itself."""
        self.facts.note_escapes(status)
        self._add()
        result = self.result
        if result is not None:
            result.complete = True
            result.ended_ns = self.facts.server.time_ns
            if end - at >= USUAL_OK and data[at + 1] < 0xFB and data[at + 2] < 0xFB:
                result.affected = data[at + 1]
                result.warnings = u16(data, at + 5)
            else:
                known = self.facts.capabilities_known
                ok = parse_ok(data, at, end, self.facts.capabilities if known else PROTOCOL_41)
                if ok is not None:
                    result.affected = ok.affected
                    result.warnings = ok.warnings
            self.note_status(status)
        if status & SESSION_STATE_CHANGED:
            self._changes(data, at, end)

    def _changes(self, data: bytes, at: i64, end: i64) -> None:
        """Read what an OK tells of the session."""
        facts = self.facts
        if facts.capabilities_known and not facts.capabilities & SESSION_TRACK:
            return
        ok = parse_ok(data, at, end, PROTOCOL_41)
        if ok is not None:
            changes = facts.session.read_changes(data, ok.rest_at, end)
            if changes and self.result is not None:
                self.result.changes = changes

    def note_status(self, status: i64) -> None:
        """Note what status flags say of the result under way."""
        if status & OUT_PARAMETERS and self.result is not None:
            self.result.out = True

    def error(self, data: bytes, at: i64, end: i64, frame: i64, offset: i64) -> None:
        """Take the ERR that ends a reply."""
        err = parse_err(data, at, end)
        self.failed(None if err is None else Failure(err.code, err.sqlstate, err.message[:MAX_MESSAGE], frame, offset))

    def failed(self, failure: Failure | None) -> None:
        """End the reply with an error; None where it could not be read."""
        self._flush()
        facts = self.facts
        if failure is not None:
            facts.add_failure(failure)
        asker = self.asker
        if asker is not None:
            if asker.before is not None:
                facts.session = asker.before
            result = self.result
            if result is None or result.complete:
                self._add()
                result = self.result
            if result is not None:
                result.complete = failure is not None
                result.ended_ns = facts.server.time_ns
                result.failure = failure
        self.over()

    def prepared(self, params: i64, columns: i64) -> None:
        """Take a PREPARE_OK: definitions of parameters and columns follow, if there are any."""
        self._add()
        self._open(None, columns)
        self.skipped = params
        if params + columns == 0:
            self.end_definitions()

    def end_definitions(self) -> None:
        """End a PREPARE's definitions."""
        self.skipped = 0
        self.defined()
        self._flush()
        result = self.result
        if result is not None:
            result.ended_ns = self.facts.server.time_ns
            result.complete = True
        self.over()
