"""Values of rows, by the type of their column, as a server prints them in the classic protocol.

Source: mysqlx_resultset.proto, "ColumnMetaData", "Row".
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql import types
from aurora_wire.wire.mysql.values import Value
from aurora_wire.wire.mysqlx.fields import BYTES, Fields

SINT: Final[i64] = 1
UINT: Final[i64] = 2
DOUBLE: Final[i64] = 5
FLOAT: Final[i64] = 6
BYTES_TYPE: Final[i64] = 7
TIME: Final[i64] = 10
DATETIME: Final[i64] = 12
SET: Final[i64] = 15
ENUM: Final[i64] = 16
BIT: Final[i64] = 17
DECIMAL: Final[i64] = 18
DATE: Final[i64] = 1                 # a content type of DATETIME

MAX_DIGITS: Final[i64] = 200         # of a decimal; servers send 65
MAX_MEMBERS: Final[i64] = 64         # of a set
MAX_MEMBER: Final = 1 << 16          # bytes of one; compared as a Python number, which 64 bits without a sign need


def read_row(data: bytes, kinds: list[int]) -> list[bytes | None]:
    """Return the values of a Row message by the types of its columns (types.py). None is NULL.

    A row that crossed in part ends where it cannot be read any further.
    """
    values: list[bytes | None] = []
    fields = Fields(data, 0, len(data))
    for kind in kinds:
        if not fields.next() or fields.number != 1 or fields.wire != BYTES:
            break
        values.append(read_field(kind, fields.raw()))
    return values


def read_field(kind: i64, raw: bytes) -> bytes | None:
    """Return a value of a column of this type (types.py) as text; None for NULL. What is none is told as `0x` and hex.
    """
    size: i64 = len(raw)
    if size == 0:
        return None
    is_date = (kind - types.X_TYPE) // types.X_CONTENT == DATE
    kind = (kind - types.X_TYPE) % types.X_CONTENT
    shown: bytes | None = None
    if kind in (BYTES_TYPE, ENUM):
        if raw[size - 1] == 0:
            shown = raw[: size - 1]
    elif kind in (SINT, UINT, BIT):
        number, at = read_varint(raw, 0)
        if at == size:
            shown = str((number >> 1) ^ -(number & 1) if kind == SINT else number).encode()
    elif kind == DOUBLE:
        if size == 8:
            shown = Value(types.DOUBLE, False, raw).literal().strip(b"'")
    elif kind == FLOAT:
        if size == 4:
            shown = Value(types.FLOAT, False, raw).literal().strip(b"'")
    elif kind == DECIMAL:
        shown = _decimal(raw)
    elif kind == SET:
        shown = _set(raw)
    elif kind == TIME:
        shown = _time(raw)
    elif kind == DATETIME:
        shown = _datetime(raw, is_date)
    return shown if shown is not None else b"0x" + raw.hex().encode()


def read_varint(raw: bytes, at: i64) -> tuple[int, i64]:
    """Return the varint at `at`, of at most 64 bits, and the offset after it: -1 where there is none."""
    number = 0  # and `shift`: Python's numbers, as 64 bits without a sign do not fit into an i64
    shift = 0
    while at < len(raw) and shift < 70:
        byte: int = raw[at]
        number |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
    return 0, -1


def _numbers(raw: bytes, at: i64, most: i64) -> list[int] | None:
    """Return the varints from `at` to the end; None where they are none, or more than `most`."""
    found: list[int] = []
    while at < len(raw):
        number, at = read_varint(raw, at)
        if at < 0 or len(found) >= most or number >= 1 << 32:
            return None
        found.append(number)
    return found


def _clock(numbers: list[int], at: i64) -> str:
    """Return hours, minutes, seconds and microseconds from `at` on; those that are left out are zero."""
    have: i64 = len(numbers) - at
    hour = numbers[at] if have > 0 else 0
    minute = numbers[at + 1] if have > 1 else 0
    second = numbers[at + 2] if have > 2 else 0
    clock = f"{hour:02d}:{minute:02d}:{second:02d}"
    return f"{clock}.{numbers[at + 3]:06d}" if have > 3 else clock


def _time(raw: bytes) -> bytes | None:
    numbers = _numbers(raw, 1, 4)
    if numbers is None or raw[0] > 1:
        return None
    return ("-" * raw[0] + _clock(numbers, 0)).encode()


def _datetime(raw: bytes, is_date: bool) -> bytes | None:
    numbers = _numbers(raw, 0, 7)
    if numbers is None or len(numbers) < 3:
        return None
    day = f"{numbers[0]:04d}-{numbers[1]:02d}-{numbers[2]:02d}"
    return (day if is_date and len(numbers) == 3 else f"{day} {_clock(numbers, 3)}").encode()


def _set(raw: bytes) -> bytes | None:
    """Return the members of a set, with commas. An empty set is 01, one of an empty member 00."""
    if raw == b"\x01":
        return b""
    members: list[bytes] = []
    at: i64 = 0
    while at < len(raw):
        length, at = read_varint(raw, at)
        if at < 0 or length > MAX_MEMBER or len(members) >= MAX_MEMBERS:
            return None
        stop: i64 = at + int(length)
        if stop > len(raw):
            return None
        members.append(raw[at:stop])
        at = stop
    return b",".join(members)


def _decimal(raw: bytes) -> bytes | None:
    """Return a decimal: u8 digits behind the point, digits of four bits, then the sign C (+) or D (-), perhaps a 0."""
    scale: i64 = raw[0]
    digits = ""
    sign = ""
    at: i64 = 1
    while at < len(raw) and not sign:
        for nibble in (raw[at] >> 4, raw[at] & 15):
            if nibble >= 10:
                if nibble not in (0x0C, 0x0D):
                    return None
                sign = "-" if nibble == 0x0D else "+"
                break
            digits += chr(48 + nibble)
        at += 1
    size: i64 = len(digits)
    if not sign or at != len(raw) or size == 0 or size > MAX_DIGITS or scale > MAX_DIGITS:
        return None
    if scale > 0:
        if size <= scale:
            digits = "0" * int(scale - size + 1) + digits
            size = scale + 1
        digits = digits[: size - scale] + "." + digits[size - scale :]
    return (("-" if sign == "-" else "") + digits).encode()
