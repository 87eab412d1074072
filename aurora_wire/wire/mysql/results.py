"""What a server answered a statement: columns, rows counted, what was changed, warnings, an error.

Sources: MySQL Server docs, "ColumnDefinition41", "Text Resultset", "Binary Protocol Resultset", "OK_Packet"; MariaDB
docs, "Column definition packet" (extended metadata). A definition is parsed once a connection, however often it comes.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16
from aurora_wire.wire.mysql.leaked.rows import Hit, Watched, watch_column
from aurora_wire.wire.mysql.lenenc import read_lestr

FIXED: Final[i64] = 13           # bytes behind the names: their length 0x0C, and what it counts
MAX_EXTENDED: Final[i64] = 256   # bytes kept of MariaDB's extended metadata


@mypyc_attr(acyclic=True)
class Column:
    """A column as a server defined it, and how much of it crossed on one connection.

    Names are as on the wire, in the character set of results; org_table and org_name are empty where the column is an
    expression. type: types.py has the names; charset: a collation's id. rows: with a value of it, NULL or not; size:
    bytes of these values; results: in which it was defined.
    """

    __slots__ = (
        "charset", "decided", "extended", "flags", "name", "org_name", "org_table", "results", "rows", "schema", "size",
        "table", "type", "watched",
    )  # fmt: skip

    def __init__(
        self, schema: bytes, table: bytes, org_table: bytes, name: bytes, org_name: bytes, kind: i64, charset: i64,
        flags: i64, extended: bytes = b"",
    ) -> None:  # fmt: skip
        self.rows: i64 = 0
        self.size: i64 = 0
        self.results: i64 = 0
        self.schema: Final = schema
        self.table: Final = table
        self.org_table: Final = org_table
        self.name: Final = name
        self.org_name: Final = org_name
        self.type: Final[i64] = kind
        self.charset: Final[i64] = charset
        self.flags: Final[i64] = flags
        self.extended: Final = extended
        self.decided = False
        self.watched: Watched | None = None     # what looks at its values, once that is decided; None: nothing does


MAX_READ: Final = 4096             # definitions that are remembered, of all connections
LONGEST_READ: Final[i64] = 512     # bytes of each
_READ: Final[dict[bytes, Column]] = {}
# What only Aurora answers, with a column that it names so.
AURORA_COLUMNS: Final = frozenset((b"@@aurora_version", b"@@global.aurora_version", b"aurora_version()"))
EXPRESSION: Final = (b"", b"", b"")


@mypyc_attr(acyclic=True)
class Failure:
    """The error that ended a reply. sqlstate: five characters, or empty."""

    __slots__ = ("code", "frame", "message", "offset", "sqlstate")

    def __init__(self, code: i64, sqlstate: bytes, message: bytes, frame: i64, offset: i64) -> None:
        self.code: Final[i64] = code
        self.sqlstate: Final = sqlstate
        self.message: Final = message
        self.frame: Final[i64] = frame
        self.offset: Final[i64] = offset


@mypyc_attr(acyclic=True)
class Change:
    """A change of the session's state, as an OK tells it: its kind (session_state.py), a name, a value."""

    __slots__ = ("kind", "name", "value")

    def __init__(self, kind: i64, name: bytes, value: bytes) -> None:
        self.kind: Final[i64] = kind
        self.name: Final = name
        self.value: Final = value


@mypyc_attr(acyclic=True)
class Result:
    """One result of a statement; `next` is the one after it, where the statement has several.

    columns: shared by all results that have the same; the first ones only if there are very many, `columns_total` is
    what the server said. rows, size: of what crossed, bytes of payload. affected, warnings: -1 where the server did
    not say. complete: seen to its end; cursor: its rows are fetched later, and counted here. out: it holds the values
    of OUT parameters. kept: the first rows as they crossed, if somebody asked for them; binary: in which form.
    ended_ns: time of its last packet, -1 if not seen. hits: values in its rows that are of a class of data.
    """

    __slots__ = (
        "affected", "binary", "changes", "columns", "columns_total", "complete", "cursor", "ended_ns", "failure",
        "frame", "hits", "kept", "next", "out", "rows", "size", "warnings",
    )  # fmt: skip

    def __init__(self, frame: i64) -> None:
        self.rows: i64 = 0
        self.size: i64 = 0
        self.columns: list[Column] | None = None
        self.columns_total: i64 = 0
        self.affected: i64 = -1
        self.warnings: i64 = -1
        self.frame: Final[i64] = frame
        self.ended_ns: i64 = -1
        self.complete = False
        self.binary = False
        self.cursor = False
        self.out = False
        self.failure: Failure | None = None
        self.changes: list[Change] | None = None
        self.kept: list[bytes] | None = None
        self.hits: list[Hit] | None = None
        self.next: Result | None = None


def parse_column(data: bytes, at: i64, end: i64) -> Column | None:
    """Return the column that data[at:end] defines: catalog, schema, table, org_table, name, org_name, perhaps MariaDB's
    extended metadata, 0x0C, u16 character set, u32 length, u8 type, u16 flags, u8 decimals, two zeros.

    None where it is no definition.
    """
    places: list[int] = []
    for _ in range(6):
        start, at = read_lestr(data, at, end)
        if start < 0:
            return None
        places.append(int(start))
        places.append(int(at))
    extended = b""
    if end - at > FIXED and data[at] != 0x0C:
        start, at = read_lestr(data, at, end)
        if start < 0:
            return None
        extended = data[start : at if at - start <= MAX_EXTENDED else start + MAX_EXTENDED]
    if end - at < FIXED - 2 or data[at] != 0x0C:
        return None
    schema = data[places[2] : places[3]]
    table = data[places[4] : places[5]]
    org_table = data[places[6] : places[7]]
    name = data[places[8] : places[9]]
    org_name = data[places[10] : places[11]]
    kind: i64 = data[at + 7]
    charset: i64 = u16(data, at + 1)
    flags: i64 = u16(data, at + 8)
    return Column(schema, table, org_table, name, org_name, kind, charset, flags, extended)


def new_column(definition: bytes) -> Column | None:
    """Return a column of a definition, nothing counted yet; None where it is none.

    Connections of one application are told the same definitions over and over: each is read once.
    """
    known = _READ.get(definition)
    if known is None:
        known = parse_column(definition, 0, len(definition))
        if known is None or len(definition) > LONGEST_READ:
            return known
        if len(_READ) >= MAX_READ:
            _READ.clear()
        _READ[definition] = known
    return _uncounted(known)


def watch(column: Column) -> None:
    """Decide how the values of a column are looked at."""
    column.decided = True
    if column.name:
        column.watched = watch_column(column.type, column.charset, column.org_table, column.org_name, column.name)


def add_traffic(sums: dict[tuple[bytes, bytes, bytes], Column], columns: list[Column]) -> None:
    """Add up what crossed of columns, by schema, table and name; what is no column of a table is one row."""
    for column in columns:
        if column.results == 0:
            continue
        key = (column.schema, column.org_table, column.org_name) if column.org_table else EXPRESSION
        total = sums.get(key)
        if total is None:
            total = _uncounted(column)
            sums[key] = total
        total.results += column.results
        total.rows += column.rows
        total.size += column.size


def is_aurora_column(column: Column) -> bool:
    """Return whether only Aurora answers with a column that is called so."""
    size: i64 = len(column.name)
    return 16 <= size <= 23 and not column.org_table and column.name.lower() in AURORA_COLUMNS


def _uncounted(column: Column) -> Column:
    return Column(
        column.schema, column.table, column.org_table, column.name, column.org_name, column.type, column.charset,
        column.flags, column.extended,
    )  # fmt: skip


def extended_format(extended: bytes) -> bytes:
    """Return what MariaDB's extended metadata name a column: a format (1), such as `json`, or else a type (0), such as
    `inet6`; empty where they name none.
    """
    found = b""
    at: i64 = 0
    end: i64 = len(extended)
    while at < end:
        kind: i64 = extended[at]
        start, at = read_lestr(extended, at + 1, end)
        if start < 0:
            break
        if kind == 1 or (kind == 0 and not found):
            found = extended[start:at]
    return found
