"""What the messages of a server answer: which statement's result each is of, its columns, rows, end or error.

Each message of a client after the login has one reply, in order: Ok, Error, or StmtExecuteOk behind what results and
notices there are.
Rows that a cursor fetches have no definitions of their own: they are of the columns of the result that opened it.
Source: MySQL internals, "X Protocol", "Stages of the session"; mysqlx_resultset.proto, mysqlx_cursor.proto.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql.answers import MAX_COLUMNS, MAX_MESSAGE, OUT_PARAMETERS, Answers
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.leaked.classes import NOTHING
from aurora_wire.wire.mysql.leaked.rows import TEXTS, Watched, watch_column
from aurora_wire.wire.mysql.replies import CURSOR_EXISTS
from aurora_wire.wire.mysql.results import Column, Failure
from aurora_wire.wire.mysql.types import BIT as CLASSIC_BIT
from aurora_wire.wire.mysql.types import DATETIME as CLASSIC_DATETIME
from aurora_wire.wire.mysql.types import DOUBLE as CLASSIC_DOUBLE
from aurora_wire.wire.mysql.types import FLOAT as CLASSIC_FLOAT
from aurora_wire.wire.mysql.types import LONGLONG, NEWDECIMAL, VAR_STRING, X_CONTENT, X_TYPE
from aurora_wire.wire.mysql.types import TIME as CLASSIC_TIME
from aurora_wire.wire.mysqlx.fields import BYTES, VARINT, Fields
from aurora_wire.wire.mysqlx.row_values import (
    BIT,
    BYTES_TYPE,
    DATETIME,
    DECIMAL,
    DOUBLE,
    ENUM,
    FLOAT,
    SET,
    SINT,
    TIME,
    UINT,
    read_field,
)

FETCH_SUSPENDED: Final[i64] = 15
FETCH_MORE_OUT: Final[i64] = 18
MAX_DEFINITION: Final[i64] = 65536   # bytes of a column's definition that is read; servers send some hundred
LONG_VARINT: Final[i64] = 6          # bytes of a number that can be a card's
LONG_DECIMAL: Final[i64] = 8         # likewise: the scale, 13 digits and the sign, two in a byte
LAST_WORD: Final[i64] = 64           # bytes that the last word has at most of a value that is not all there
# The type of the classic protocol that is nearest.
NEAREST: Final[dict[int, int]] = {
    int(BYTES_TYPE): int(VAR_STRING), int(ENUM): int(VAR_STRING), int(SINT): int(LONGLONG), int(UINT): int(LONGLONG),
    int(DECIMAL): int(NEWDECIMAL), int(DATETIME): int(CLASSIC_DATETIME), int(TIME): int(CLASSIC_TIME),
    int(SET): int(VAR_STRING), int(BIT): int(CLASSIC_BIT), int(FLOAT): int(CLASSIC_FLOAT),
    int(DOUBLE): int(CLASSIC_DOUBLE),
}
JSON_CONTENT: Final[i64] = 2         # content types of BYTES: text, whatever their collation is
XML_CONTENT: Final[i64] = 3
GEOMETRY_CONTENT: Final[i64] = 1     # and none
SEPARATORS: Final = b" \t\r\n,;:<>\"'()[]{}"  # behind which a word ends
MAX_CODE: Final[i64] = 0xFFFF        # of errors: two bytes in the classic protocol


class XAnswers(Answers):
    """What one session's server answers, with the messages in compressed ones in their place."""

    def __init__(self, facts: MySQLFacts) -> None:
        super().__init__(facts)
        self.replying = False       # a reply is under way
        self.defining = False       # definitions of columns come
        self.out_follows = False    # the next result holds OUT parameters
        self.affected: i64 = -1     # rows, as notices said since the last reply
        self.warned: i64 = 0        # warnings, likewise

    def _reply(self) -> None:
        if not self.replying:
            self.replying = True
            self.begin(self.facts.next_reply(), False)

    def anew(self) -> None:
        """Begin with a session: nothing is due, and nothing was missed of it."""
        facts = self.facts
        self.missed()
        facts.doubt = False

    def missed(self) -> None:
        """Give up what is under way and due: packets of one of both were not captured."""
        self.lost()
        self._ended()
        self.facts.doubt = True
        self.facts.expect_nothing()

    def column(self, data: bytes, at: i64, end: i64, whole: bool) -> None:
        """Take the definition of a column."""
        self._reply()
        if not self.defining:
            self._flush()
            self.head(-1, True)
            self.defining = True
            if self.out_follows:
                self.note_status(OUT_PARAMETERS)
                self.out_follows = False
        columns = self.columns
        if len(columns) >= MAX_COLUMNS:
            return
        facts = self.facts
        column: Column | None = None
        if whole and end - at <= MAX_DEFINITION:
            key = data[at:end]
            column = facts.columns.get(key)
            if column is None:
                column = parse_column(data, at, end)
                watch(column)
                if not facts.keep_column(key, column):
                    column = None
        columns.append(column if column is not None else facts.further_column())

    def x_row(self, data: bytes, at: i64, end: i64, total: i64) -> None:
        """Count a row of `total` bytes, of which data[at:end] is there."""
        self._reply()
        if self.defining:
            self.defining = False
            self.defined()
        elif not self.under_way:
            self.head(-1, False)
        self.rows += 1
        self.size += total
        if self.walks:
            fields = Fields(data, at, end)
            for column in self.columns:
                if not fields.next():
                    if column.watched is not None and total > end - at:
                        self._look_at_part(column.watched, column.type, fields)
                    break
                if fields.number == 1 and fields.wire == BYTES:
                    column.size += fields.stop - fields.start
                    watched = column.watched
                    if watched is not None and fields.stop > fields.start:
                        self._look_x(watched, column.type, fields)
        result = self.result
        if result is not None and self.facts.budget.rows > 0:
            self._keep(result, data, at, end)

    def _look_x(self, watched: Watched, kind: i64, fields: Fields) -> None:
        """Look at the value in the current field for data of a class; numbers and times as the server prints them."""
        frame = self.facts.server.frame
        x_type = (kind - X_TYPE) % X_CONTENT
        size = fields.stop - fields.start
        if x_type == BYTES_TYPE or x_type == ENUM:
            watched.look(fields.data, fields.start, fields.stop - 1, frame, self.hits)
            return
        if watched.named == NOTHING and x_type != SET:
            least = LONG_DECIMAL if x_type == DECIMAL else LONG_VARINT
            if size < least or (x_type != DECIMAL and x_type != SINT and x_type != UINT):
                return  # no number of a card: most are ids
        value = read_field(kind, fields.raw())
        if value is not None:
            watched.look(value, 0, len(value), frame, self.hits)

    def _look_at_part(self, watched: Watched, kind: i64, fields: Fields) -> None:
        """Look at the text of which only the first bytes are there, up to its last whole word."""
        start = fields.at
        x_type = (kind - X_TYPE) % X_CONTENT
        if watched.way != TEXTS or (x_type != BYTES_TYPE and x_type != ENUM):
            return
        if fields.number != 1 or fields.wire != BYTES or fields.start != start or fields.value <= fields.end - start:
            return
        data = fields.data
        stop = fields.end
        least = stop - LAST_WORD
        while stop > start and stop > least and data[stop - 1] not in SEPARATORS:
            stop -= 1
        if stop > start:
            watched.look(data, start, stop, self.facts.server.frame, self.hits)

    def fetched_rows(self, kind: i64) -> None:
        """Take the end of a result's rows: FetchDone, or one of those that say what follows."""
        self._reply()
        if self.defining:
            self.defining = False
            self.defined()
        self.end_rows(CURSOR_EXISTS if kind == FETCH_SUSPENDED else 0, 0)
        self.out_follows = kind == FETCH_MORE_OUT

    def done(self) -> None:
        """Take the end of a reply: Ok or StmtExecuteOk, with what notices said before it."""
        self._reply()
        self._flush()
        result = self.result
        if result is None:
            self._add()
            result = self.result
            if result is not None:
                result.affected = self.affected
        if result is not None:
            result.warnings = self.warned
            result.complete = True
            result.ended_ns = self.facts.server.time_ns
        self.over()
        self._ended()

    def refused(self, code: i64, sqlstate: bytes, text: bytes, frame: i64, offset: i64) -> None:
        """Take the Error that ends a reply."""
        self._reply()
        if self.defining:
            self.defined()
        self.failed(Failure(code if 0 <= code <= MAX_CODE else 0, sqlstate[:5], text[:MAX_MESSAGE], frame, offset))
        self._ended()

    def _ended(self) -> None:
        self.replying = False
        self.defining = False
        self.out_follows = False
        self.affected = -1
        self.warned = 0


def watch(column: Column) -> None:
    """Decide how the values of a column are looked at: as those of the nearest type of the classic protocol.

    With `compact_metadata` it has no name: then only its values can tell.
    """
    column.decided = True
    kind = (column.type - X_TYPE) % X_CONTENT
    content = (column.type - X_TYPE) // X_CONTENT
    nearest = NEAREST.get(int(kind))
    if nearest is None or (kind == BYTES_TYPE and content == GEOMETRY_CONTENT):
        return
    charset = column.charset
    if kind == BYTES_TYPE and (content == JSON_CONTENT or content == XML_CONTENT):
        charset = -1
    column.watched = watch_column(nearest, charset, column.org_table, column.org_name, column.name)


def parse_column(data: bytes, at: i64, end: i64) -> Column:
    """Return the column that a ColumnMetaData message defines. With `compact_metadata` it has a type and no names."""
    names = [b"", b"", b"", b"", b""]  # name, original_name, table, original_table, schema
    kind: i64 = 0
    content: i64 = 0
    collation: i64 = 0
    flags: i64 = 0
    fields = Fields(data, at, end)
    while fields.next():
        number = fields.number
        if fields.wire == BYTES and 2 <= number <= 6:
            names[number - 2] = fields.raw()
        elif fields.wire == VARINT:
            if number == 1:
                kind = fields.value
            elif number == 8:
                collation = fields.value
            elif number == 11:
                flags = fields.value
            elif number == 12:
                content = fields.value
    if kind >= X_CONTENT:
        kind = 0
    if content >= X_CONTENT:
        content = 0
    return Column(
        names[4], names[2], names[3], names[0], names[1], X_TYPE + kind + X_CONTENT * content, collation & 0xFFFF,
        flags & 0xFFFF,
    )  # fmt: skip
