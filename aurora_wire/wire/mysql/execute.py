"""Prepared statements: COM_STMT_EXECUTE, MariaDB's COM_STMT_BULK_EXECUTE, and what is remembered between
them.

Sources: MySQL Server docs, "COM_STMT_EXECUTE", "COM_STMT_SEND_LONG_DATA"; MariaDB KB,
"COM_STMT_BULK_EXECUTE".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u32
from aurora_wire.wire.mysql.commands import COM_STMT_BULK_EXECUTE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA
from aurora_wire.wire.mysql.lenenc import read_lenenc
from aurora_wire.wire.mysql.parameters import (
    MAX_PARAMETERS,
    UNSIGNED,
    LongData,
    Parameters,
    infer_count,
    read_parameters,
)
from aurora_wire.wire.mysql.results import Column, Result
from aurora_wire.wire.mysql.types import is_value_type
from aurora_wire.wire.mysql.values import PRESENT, Value, read_value, value_bounds

LAST_PREPARED: Final[i64] = 0xFFFFFFFF          # MariaDB: the statement prepared last
PARAMETER_COUNT_AVAILABLE: Final[i64] = 8       # execute flag: a count of parameters is in front of them
BULK_SEND_TYPES: Final[i64] = 128               # bulk flag: types are in front of the rows
LONG_DATA_KEPT: Final[i64] = 1 << 20            # ours: bytes kept a statement, until its next execution
LONG_DATA_PARAMETERS: Final[i64] = 1024         # ours
BULK_VALUES_KEPT: Final[i64] = 10000            # ours: rows beyond are counted


@mypyc_attr(acyclic=True)
class Prepared:
    """A prepared statement of one connection. text is empty and param_count -1 while they are not known.

    types: of the last execution that sent them, as on the wire; long_data: sent since the last execution,
    `kept` bytes of it are held. columns: of its result, as they were defined last; cursor: the result whose rows are
    fetched.
    """

    __slots__ = (
        "charged", "columns", "cursor", "id", "kept", "long_charged", "long_data", "param_count", "text", "types",
        "types_charged",
    )  # fmt: skip

    def __init__(self, id: i64, text: bytes = b"", param_count: i64 = -1) -> None:  # noqa: A002
        self.id: i64 = id
        self.text = text
        self.param_count: i64 = param_count
        self.types: list[int] = []
        self.long_data: dict[int, LongData] = {}
        self.kept: i64 = 0
        self.charged: i64 = 0       # to the budget that all connections share, for its text
        self.types_charged: i64 = 0 # for its types,
        self.long_charged: i64 = 0  # and for its long data
        self.columns: list[Column] | None = None
        self.cursor: Result | None = None

    def add_long_data(
        self, parameter: i64, data: bytes, at: i64, end: i64, room: i64 = LONG_DATA_KEPT
    ) -> None:
        """Keep data[at:end] as more of this parameter's value, up to the bounds; the rest is counted.

        room: bytes that the caller allows, who bounds all statements together; `kept`: what this one holds.
        """
        sent = self.long_data.get(parameter)
        if sent is None:
            if len(self.long_data) >= LONG_DATA_PARAMETERS:
                return
            sent = LongData()
            self.long_data[parameter] = sent
        room = max(0, min(room, LONG_DATA_KEPT - self.kept))
        length: i64 = end - at
        taken: i64 = min(length, room) if sent.omitted == 0 else 0
        if taken > 0:
            sent.kept.extend(data[at : at + taken])
            self.kept += taken
        sent.omitted += length - taken

    def doubt_long_data(self) -> None:
        """Let go of the long data sent so far, and count it: some of it may be another sender's."""
        for sent in self.long_data.values():
            sent.omitted += len(sent.kept)
            sent.kept.clear()

    def reset(self) -> None:
        """Drop the long data, as COM_STMT_RESET and each execution do."""
        if len(self.long_data) > 0:
            self.long_data = {}
        self.kept = 0


@mypyc_attr(acyclic=True)
class Execute:
    """values: the parameters in order; attributes: query attributes sent with them.

    complete: the packet was read to its last byte and no value is missing.
    """

    __slots__ = ("attributes", "complete", "flags", "statement_id", "values")

    def __init__(
        self, statement_id: i64, flags: i64, values: list[Value], attributes: list[Value], complete: bool
    ) -> None:
        self.statement_id: Final[i64] = statement_id
        self.flags: Final[i64] = flags
        self.values: Final = values
        self.attributes: Final = attributes
        self.complete: Final = complete


@mypyc_attr(acyclic=True)
class BulkExecute:
    """rows: the first ones, BULK_VALUES_KEPT values or a row more; row_count: all that could be read.

    complete: the packet was read to its last byte, and all rows are kept.
    """

    __slots__ = ("complete", "flags", "row_count", "rows", "statement_id")

    def __init__(
        self, statement_id: i64, flags: i64, rows: list[list[Value]], row_count: i64, complete: bool
    ) -> None:
        self.statement_id: Final[i64] = statement_id
        self.flags: Final[i64] = flags
        self.rows: Final = rows
        self.row_count: Final[i64] = row_count
        self.complete: Final = complete


def read_statement_id(data: bytes, at: i64, end: i64) -> i64:
    """Return the statement id of a COM_STMT_* whose command byte is data[at]; -1 where it does not fit."""
    return u32(data, at + 1) if end - at >= 5 else -1


def read_long_data(data: bytes, at: i64, end: i64) -> tuple[i64, i64, i64]:
    """COM_STMT_SEND_LONG_DATA: statement id (or -1), parameter, and where its bytes begin (they end at
    `end`)."""
    if end - at < 7 or data[at] != COM_STMT_SEND_LONG_DATA:
        return -1, -1, end
    return u32(data, at + 1), u16(data, at + 5), at + 7


def parse_execute(
    data: bytes, at: i64, end: i64, prepared: Prepared | None, attributes_agreed: i64
) -> Execute | None:
    """Return the COM_STMT_EXECUTE whose command byte is data[at]. None where it is none.

    prepared: what is known of the statement. Types that are sent are remembered in it, long data is taken
    from it; without it, or where its count is not known, the number of parameters is inferred from what fits
    to the last byte. attributes_agreed: as in `query.parse_query`.
    """
    if end - at < 10 or data[at] != COM_STMT_EXECUTE:
        return None
    statement_id = u32(data, at + 1)
    flags: i64 = data[at + 5]
    count: i64 = -1 if prepared is None else prepared.param_count
    found = _find_parameters(data, at + 10, end, prepared, flags, attributes_agreed)
    complete = (end - at == 10 and count <= 0) if found is None else found.complete and found.at == end
    if found is None:
        if prepared is not None:
            prepared.reset()
        return Execute(statement_id, flags, [], [], complete)
    values = found.values
    attributes: list[Value] = []
    if count >= 0 and len(values) > count:
        attributes = values[count:]
        values = values[:count]
    elif count < 0:
        attributes = [value for value in values if len(value.name) > 0]
        values = [value for value in values if len(value.name) == 0]
    if prepared is not None:
        # Types come before the values: a packet cut later still tells them, if their number is certain.
        if complete or count >= 0:
            prepared.types = found.types
        if complete and count < 0:
            prepared.param_count = len(values)
        for value in values:
            if value.omitted > 0:
                complete = False
        prepared.reset()
    return Execute(statement_id, flags, values, attributes, complete)


def _find_parameters(
    data: bytes, at: i64, end: i64, prepared: Prepared | None, flags: i64, attributes_agreed: i64
) -> Parameters | None:
    """Read with a count in front, without, or both in turn: the first that fits to the last byte is returned."""
    if at >= end:
        return None
    counted_first = attributes_agreed > 0 or (attributes_agreed < 0 and flags & PARAMETER_COUNT_AVAILABLE > 0)
    found = _counted(data, at, end, prepared) if counted_first else _uncounted(data, at, end, prepared)
    if found is not None and found.complete and found.at == end:
        return found
    if attributes_agreed == 0:
        return found
    other = _uncounted(data, at, end, prepared) if counted_first else _counted(data, at, end, prepared)
    if other is not None and (found is None or (other.complete and other.at == end)):
        return other
    return found


def _counted(data: bytes, at: i64, end: i64, prepared: Prepared | None) -> Parameters | None:
    count, at = read_lenenc(data, at, end)
    if count == 0:
        return Parameters([], [], at, complete=True)
    if count < 0 or (prepared is not None and count < prepared.param_count):
        return None
    types = prepared.types if prepared is not None else None
    long_data = prepared.long_data if prepared is not None else None
    return read_parameters(data, at, end, count, True, types, long_data)


def _uncounted(data: bytes, at: i64, end: i64, prepared: Prepared | None) -> Parameters | None:
    if prepared is None:
        return read_parameters(data, at, end, infer_count(data, at, end), False, None, None)
    if prepared.param_count < 0:
        sent = prepared.long_data if len(prepared.long_data) > 0 else None
        return read_parameters(data, at, end, infer_count(data, at, end, sent), False, None, sent)
    return read_parameters(
        data, at, end, prepared.param_count, False, prepared.types, prepared.long_data
    )


def parse_bulk_execute(data: bytes, at: i64, end: i64, prepared: Prepared | None) -> BulkExecute | None:
    """Return the COM_STMT_BULK_EXECUTE whose command byte is data[at]. None where it is none. prepared: as above."""
    if end - at < 7 or data[at] != COM_STMT_BULK_EXECUTE:
        return None
    statement_id = u32(data, at + 1)
    flags = u16(data, at + 5)
    at += 7
    kinds: list[int] = []
    if flags & BULK_SEND_TYPES:
        count: i64 = -1 if prepared is None else prepared.param_count
        if count < 0:
            count = _infer_columns(data, at, end)
        if count > 0 and count <= MAX_PARAMETERS and count <= (end - at) // 2:
            while len(kinds) < count:
                kinds.append(u16(data, at))
                at += 2
        if prepared is not None and len(kinds) > 0:
            prepared.types = kinds
    elif prepared is not None:
        kinds = prepared.types
    if len(kinds) == 0:
        return BulkExecute(statement_id, flags, [], 0, complete=False)
    rows: list[list[Value]] = []
    row_count: i64 = 0
    kept: i64 = 0
    while at < end:
        next_at = _row_end(data, at, end, kinds)
        if next_at < 0:
            break
        if kept < BULK_VALUES_KEPT:
            rows.append(_read_row(data, at, next_at, kinds))
            kept += len(kinds)
        row_count += 1
        at = next_at
    return BulkExecute(statement_id, flags, rows, row_count, complete=at == end and row_count == len(rows))


def _row_end(data: bytes, at: i64, end: i64, kinds: list[int]) -> i64:
    """Return the offset after the row at `at`, or -1 where it does not fit."""
    for kind in kinds:
        if at >= end:
            return -1
        indicator: i64 = data[at]
        at += 1
        if indicator > 3:
            return -1
        if indicator == PRESENT:
            start, at = value_bounds(data, at, end, kind & 0xFF)
            if start < 0:
                return -1
    return at


def _read_row(data: bytes, at: i64, end: i64, kinds: list[int]) -> list[Value]:
    """Return the row that `_row_end` found to fit."""
    row: list[Value] = []
    for kind in kinds:
        indicator: i64 = data[at]
        at += 1
        unsigned = kind & UNSIGNED != 0
        if indicator != PRESENT:
            row.append(Value(kind & 0xFF, unsigned, b"", b"", indicator))
            continue
        value, at = read_value(data, at, end, kind & 0xFF, unsigned)
        if value is not None:
            row.append(value)
    return row


def _infer_columns(data: bytes, at: i64, end: i64) -> i64:
    """Return the smallest number of types with which whole rows follow to the last byte; -1 if there is none."""
    work: i64 = 16 * (end - at) + 1024
    kinds: list[int] = []
    while len(kinds) < MAX_PARAMETERS and end - at >= 2 and work > 0:
        if not is_value_type(data[at]) or data[at + 1] & 0x7F:
            return -1
        kinds.append(u16(data, at))
        at += 2
        row_at: i64 = at
        while 0 <= row_at < end and work > 0:
            row_at = _row_end(data, row_at, end, kinds)
            work -= len(kinds)
        if row_at == end and at < end:
            return len(kinds)
    return -1
