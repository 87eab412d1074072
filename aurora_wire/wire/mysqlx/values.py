"""Values in messages: Any and Scalar as values of a column, objects and arrays as JSON; single fields by number.

Source: mysqlx_datatypes.proto.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql import types
from aurora_wire.wire.mysql.values import IS_NULL, Value
from aurora_wire.wire.mysqlx.fields import BYTES, Fields

MAX_DEPTH: Final[i64] = 32           # values, or expressions, inside each other
MAX_SIZE: Final[i64] = 1 << 16       # bytes of JSON, or of a statement, that is written here


def read_arguments(data: bytes, at: i64, end: i64, number: i64) -> list[Value]:
    """Return the values in all fields of this number (of the type Any)."""
    values: list[Value] = []
    fields = Fields(data, at, end)
    while fields.find(number):
        values.append(read_any(data, fields.start, fields.stop))
    return values


def read_any(data: bytes, at: i64, end: i64) -> Value:
    """Return an Any: a scalar, or an object or array as JSON."""
    fields = Fields(data, at, end)
    while fields.next():
        if fields.number == 2 and fields.wire == BYTES:
            return read_scalar(data, fields.start, fields.stop)
        if fields.number in (3, 4) and fields.wire == BYTES:
            parts: list[bytes] = []
            write_json(data, at, end, parts, 0)
            return Value(types.JSON, False, b"".join(parts)[:MAX_SIZE])
    return Value(types.NULL, False, b"", b"", IS_NULL)


def read_scalar(data: bytes, at: i64, end: i64) -> Value:
    """Return a Scalar as a value of the nearest type of a column."""
    fields = Fields(data, at, end)
    while fields.next():
        number = fields.number
        if number == 2:
            return Value(types.LONGLONG, False, (fields.signed() & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little"))
        if number == 3:
            return Value(types.LONGLONG, True, fields.unsigned().to_bytes(8, "little"))
        if number == 6 and fields.stop - fields.start == 8:
            return Value(types.DOUBLE, False, fields.raw())
        if number == 7 and fields.stop - fields.start == 4:
            return Value(types.FLOAT, False, fields.raw())
        if number == 8:
            return Value(types.TINY, False, b"\1" if fields.value else b"\0")
        if number in (5, 9) and fields.wire == BYTES:
            inner = Fields(data, fields.start, fields.stop)
            raw = b""
            while inner.find(1):
                raw = inner.raw()
            return Value(types.BLOB if number == 5 else types.VAR_STRING, False, raw)
    return Value(types.NULL, False, b"", b"", IS_NULL)


def write_json(data: bytes, at: i64, end: i64, parts: list[bytes], depth: i64) -> None:
    """Append an Any as JSON to `parts`, with scalars as SQL writes them."""
    if depth > MAX_DEPTH or len(parts) > MAX_SIZE:
        parts.append(b"...")
        return
    fields = Fields(data, at, end)
    while fields.next():
        if fields.wire != BYTES:
            continue
        if fields.number == 2:
            parts.append(read_scalar(data, fields.start, fields.stop).literal())
        elif fields.number == 3:
            parts.append(b"{")
            _members(data, fields.start, fields.stop, parts, depth)
            parts.append(b"}")
        elif fields.number == 4:
            parts.append(b"[")
            first = True
            inner = Fields(data, fields.start, fields.stop)
            while inner.find(1):
                if not first:
                    parts.append(b", ")
                first = False
                write_json(data, inner.start, inner.stop, parts, depth + 1)
            parts.append(b"]")


def _members(data: bytes, at: i64, end: i64, parts: list[bytes], depth: i64) -> None:
    first = True
    members = Fields(data, at, end)
    while members.find(1):
        if not first:
            parts.append(b", ")
        first = False
        inner = Fields(data, members.start, members.stop)
        while inner.next():
            if inner.number == 1 and inner.wire == BYTES:
                parts.append(b'"' + inner.raw().replace(b'"', b'\\"') + b'": ')
            elif inner.number == 2 and inner.wire == BYTES:
                write_json(data, inner.start, inner.stop, parts, depth + 1)


def first_string(data: bytes, at: i64, end: i64, number: i64) -> bytes:
    """Return the bytes of the first field of this number, empty if there is none."""
    fields = Fields(data, at, end)
    return fields.raw() if fields.find(number) else b""


def first_number(data: bytes, at: i64, end: i64, number: i64) -> i64:
    """Return the value of the first varint of this number, -1 if there is none."""
    fields = Fields(data, at, end)
    while fields.next():
        if fields.number == number and fields.wire == 0:
            return fields.value
    return -1
