"""What a client's commands say: the text of a query, the values of an execution, and what has to be remembered.

One object for a connection; its attributes are those of the last call, so that the usual query makes none.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.mysql.commands import COM_STMT_BULK_EXECUTE, COM_STMT_EXECUTE
from aurora_wire.wire.mysql.execute import (
    LAST_PREPARED,
    Prepared,
    parse_bulk_execute,
    parse_execute,
    read_long_data,
    read_statement_id,
)
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.placeholders import count_placeholders
from aurora_wire.wire.mysql.query import parse_query
from aurora_wire.wire.mysql.sql_text import reads_like_sql
from aurora_wire.wire.mysql.values import Value

MAX_PREPARED: Final[i64] = 16384     # statements remembered of one connection
MAX_UNANSWERED: Final[i64] = 1024    # PREPAREs without a reply that are remembered
MAX_KEPT_TEXT: Final[i64] = 65536    # bytes of a prepared text that is remembered for its executions
MAX_UNKNOWN: Final[i64] = 1024       # statements whose PREPARE was not captured that are remembered
PREPARED_COST: Final[i64] = 400      # bytes that a remembered statement takes besides its text
FEW_TYPES: Final[i64] = 8            # of parameters, that are in it
TYPE_COST: Final[i64] = 40
LEFT_OUT_COST: Final[i64] = 16
LEFT_OUT: Final = Prepared(-1)       # of statements that there is no room for


class Statements:
    """What the commands of one connection's client say."""

    def __init__(self, facts: MySQLFacts) -> None:
        self.facts = facts
        self.text_at: i64 = 0            # where the text of the last query began
        self.values: list[Value] | None = None
        self.complete = True
        self.statement_id: i64 = -1
        self.prepared: Prepared | None = None  # of the last execution
        self.readable = False            # a query reads like SQL

    def query(self, data: bytes, at: i64, end: i64, attributes_agreed: i64) -> bytes:
        """Return the text of the COM_QUERY at `at`; sets `text_at` and `values`."""
        self.values = None
        self.text_at = at + 1
        # The usual cases by hand: no attributes, or none of them sent.
        if attributes_agreed != 0 and end - at >= 3 and data[at + 2] == 1:
            if data[at + 1] == 0:
                self.text_at = at + 3
            else:
                query = parse_query(data, at, end, attributes_agreed)
                if query is not None:
                    self.text_at = query.text_at
                    self.values = query.attributes
        text = data[self.text_at : end]
        if not self.readable:
            self.readable = reads_like_sql(text, 0, len(text))
        return text

    def prepare(self, text: bytes) -> None:
        facts = self.facts
        budget = facts.budget
        cost = len(text) + PREPARED_COST
        if budget.prepared < cost and len(text) <= MAX_KEPT_TEXT:
            budget.refused = True
        if len(text) > MAX_KEPT_TEXT or budget.prepared < cost:
            # Its executions will be shown by their values alone.
            text = b""
            cost = 0
            if budget.prepared < PREPARED_COST:
                budget.refused = True
                # Its reply has to find its place in the row of those that are due.
                facts.last_prepared = None
                if len(facts.unanswered_prepares) < MAX_UNANSWERED:
                    facts.charge(LEFT_OUT_COST)
                    facts.unanswered_prepares.append(LEFT_OUT)
                return
            cost = PREPARED_COST
        budget.prepared -= cost
        prepared = Prepared(-1, text)
        prepared.charged = cost
        facts.last_prepared = prepared
        if len(facts.unanswered_prepares) < MAX_UNANSWERED:
            facts.unanswered_prepares.append(prepared)

    def find(self, statement_id: i64) -> Prepared | None:
        """Return the prepared statement of this id; one whose PREPARE was not captured is remembered from now on."""
        facts = self.facts
        if statement_id != LAST_PREPARED:
            known = facts.prepared.get(statement_id)
            budget = facts.budget
            if known is None and statement_id >= 0 and len(facts.prepared) < MAX_UNKNOWN:
                if budget.prepared >= PREPARED_COST:
                    # Its PREPARE was not captured; the types that it is sent now serve its next executions.
                    known = Prepared(statement_id)
                    known.charged = PREPARED_COST
                    budget.prepared -= PREPARED_COST
                    facts.prepared[statement_id] = known
                else:
                    budget.refused = True
            return known
        # MariaDB's pipelined PREPARE and EXECUTE: the reply that would say the count is not here yet.
        prepared = facts.last_prepared
        if prepared is not None and prepared.param_count < 0 and prepared.text:
            prepared.param_count = count_placeholders(prepared.text)
        return prepared

    def execute(self, command: i64, data: bytes, at: i64, end: i64, attributes_agreed: i64) -> bytes:
        """Return the executed prepared text, empty if it is not known; sets values, complete, statement_id."""
        self.statement_id = read_statement_id(data, at, end)
        prepared = self.find(self.statement_id)
        self.prepared = prepared
        self.values = None
        self.complete = False
        if command == COM_STMT_EXECUTE:
            one = parse_execute(data, at, end, prepared, attributes_agreed)
            if one is not None:
                self.values = one.values + one.attributes if one.attributes else one.values
                self.complete = one.complete
        elif command == COM_STMT_BULK_EXECUTE:
            many = parse_bulk_execute(data, at, end, prepared)
            if many is not None:
                values: list[Value] = []
                for row in many.rows:
                    values.extend(row)
                self.values = values
                self.complete = many.complete
        if prepared is None:
            return b""
        self._charge_types(prepared)
        release(self.facts.budget, prepared, False)
        return prepared.text

    def _charge_types(self, prepared: Prepared) -> None:
        """Charge the remembered types of parameters, or drop them for want of room: then later values are not read."""
        count: i64 = len(prepared.types)
        cost = count * TYPE_COST if count > FEW_TYPES else 0
        if cost == prepared.types_charged:
            return
        budget = self.facts.budget
        budget.prepared += prepared.types_charged
        if cost > budget.prepared:
            budget.refused = True
            prepared.types = []
            cost = 0
        prepared.types_charged = cost
        budget.prepared -= cost

    def long_data(self, data: bytes, at: i64, end: i64, keep: bool) -> None:
        """Take more of a parameter's value; it is only counted unless `keep`."""
        statement_id, parameter, begin = read_long_data(data, at, end)
        prepared = self.find(statement_id)
        if prepared is not None and parameter >= 0:
            room = self.facts.budget.prepared
            if room < PREPARED_COST + end - begin:
                self.facts.budget.refused = True
            before = prepared.kept + len(prepared.long_data) * PREPARED_COST
            if room < PREPARED_COST and parameter not in prepared.long_data:
                return
            prepared.add_long_data(parameter, data, begin, end, room if keep else 0)
            spent = prepared.kept + len(prepared.long_data) * PREPARED_COST - before
            prepared.long_charged += spent
            self.facts.budget.prepared -= spent

    def forget_all(self) -> None:
        for prepared in self.facts.prepared.values():
            release(self.facts.budget, prepared, True)
        self.facts.prepared.clear()

    def forget(self, data: bytes, at: i64, end: i64, close: bool) -> None:
        statement_id = read_statement_id(data, at, end)
        prepared = self.facts.prepared.get(statement_id)
        if prepared is None:
            return
        prepared.reset()
        release(self.facts.budget, prepared, close)
        if close:
            del self.facts.prepared[statement_id]


def release(budget: Budget, prepared: Prepared, close: bool) -> None:
    """Drop the statement's long data (with `close`: the statement too) and return its bytes to the budget."""
    budget.prepared += prepared.long_charged
    prepared.long_charged = 0
    if close:
        budget.prepared += prepared.charged + prepared.types_charged
        prepared.charged = 0
        prepared.types_charged = 0


def answer_prepare(facts: MySQLFacts, statement_id: i64, params: i64) -> None:
    """Give the oldest PREPARE without a reply the id that the server has for it, and so many parameters."""
    if not facts.unanswered_prepares:
        return
    prepared = facts.unanswered_prepares.pop(0)
    known = facts.prepared.get(statement_id)
    if known is not None:
        release(facts.budget, known, True)  # its number is used again
    if prepared.charged > 0:
        prepared.id = statement_id
        prepared.param_count = params
        if known is None and len(facts.prepared) >= MAX_PREPARED:
            release(facts.budget, facts.prepared.pop(next(iter(facts.prepared))), True)
        facts.prepared[statement_id] = prepared
    elif known is not None:
        del facts.prepared[statement_id]  # for one that was left out
