"""Values in binary encoding (parameters, query attributes), and how each is written as an SQL literal.

Sources: MySQL Server docs, "Binary Protocol Resultset: Binary Protocol Value"; field_types.h.
"""

from typing import Final

from librt.strings import BytesWriter, read_f32_le, read_f64_le, read_i64_le, write_f32_le
from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16, u32
from aurora_wire.wire.mysql import types
from aurora_wire.wire.mysql.lenenc import read_parameter

# What stands in place of a value. The numbers are MariaDB's indicators in COM_STMT_BULK_EXECUTE.
PRESENT: Final[i64] = 0
IS_NULL: Final[i64] = 1
IS_DEFAULT: Final[i64] = 2
IS_IGNORED: Final[i64] = 3


@mypyc_attr(acyclic=True)
class Value:
    """One value as it crossed the wire.

    raw: its bytes without the length in front; name: of a query attribute, else empty; indicator: PRESENT, or
    why there is no value; omitted: bytes of long data that were not kept (raw holds the first ones).
    """

    __slots__ = ("indicator", "name", "omitted", "raw", "type", "unsigned")

    def __init__(
        self,
        type: i64,  # noqa: A002 - the protocol's word
        unsigned: bool,
        raw: bytes,
        name: bytes = b"",
        indicator: i64 = PRESENT,
        omitted: i64 = 0,
    ) -> None:
        self.type: Final[i64] = type
        self.unsigned: Final = unsigned
        self.raw: Final = raw
        self.name: Final = name
        self.indicator: Final[i64] = indicator
        self.omitted: Final[i64] = omitted

    def type_name(self) -> str:
        """Return the type's name: `LONGLONG`, `LONGLONG UNSIGNED` ..."""
        name = types.type_name(self.type)
        return name + " UNSIGNED" if self.unsigned and find_size(self.type) > 0 else name

    def number(self) -> int:
        """Return the value of an integer type; 0 for all else."""
        return _integer(self.raw, self.type, self.unsigned) if self.indicator == PRESENT else 0

    def literal(self, codec: str = "utf-8") -> bytes:
        """Return the value as SQL: `42`, `'it\\'s'`, `'2024-02-29 12:34:56.789012'`, `X'00ff'`, `NULL` ...

        Text that codec decodes and that holds no control characters but tab and line ends is a quoted string
        in its own bytes, anything else (and what has not the length of its type) is X'hex'. As long as the
        value is: the caller bounds what it shows.
        """
        if self.indicator != PRESENT:
            return _absent(self.indicator)
        kind = self.type
        size = find_size(kind)
        if size > 0 and size == len(self.raw):
            if kind == types.FLOAT:
                return _float(self.raw)
            if kind == types.DOUBLE:
                return _number_text(read_f64_le(self.raw, 0))
            return str(_integer(self.raw, kind, self.unsigned)).encode()
        if is_temporal(kind) and _is_temporal_len(kind, len(self.raw)):
            return b"'" + (_time(self.raw) if kind == types.TIME else _date(self.raw, kind)) + b"'"
        if kind == types.BIT:
            return _bits(self.raw)
        if kind in (types.DECIMAL, types.NEWDECIMAL) and _is_decimal(self.raw):
            return self.raw
        if kind in (types.GEOMETRY, types.VECTOR):
            return _hex(self.raw)
        if types.TINY_BLOB <= kind <= types.BLOB and codec != "utf-8" and not self.raw.isascii():
            codec = "ascii"  # in a one-byte character set any bytes would pass for text
        return _text(self.raw, codec)


def find_size(kind: i64) -> i64:
    """Return the size in bytes of a value of a type of fixed size; 0 for the others."""
    if kind in (types.LONGLONG, types.DOUBLE):
        return 8
    if kind in (types.LONG, types.INT24, types.FLOAT):
        return 4
    if kind in (types.SHORT, types.YEAR):
        return 2
    return 1 if kind == types.TINY else 0


def is_temporal(kind: i64) -> bool:
    return kind in (types.DATE, types.DATETIME, types.TIMESTAMP, types.TIME)


def _is_temporal_len(kind: i64, length: i64) -> bool:
    if kind == types.TIME:
        return length == 0 or length == 8 or length == 12
    return length == 0 or length == 4 or length == 7 or length == 11


def value_bounds(data: bytes, at: i64, end: i64, kind: i64) -> tuple[i64, i64]:
    """Return where the bytes of the value at `at` begin (after a length, if there is one) and end.

    The begin is negative if no value of this type is there, whole, before `end`.
    """
    size = find_size(kind)
    if size == 0:
        return varied_bounds(data, at, end, kind)
    if end - at < size:
        return -1, at
    return at, at + size


def varied_bounds(data: bytes, at: i64, end: i64, kind: i64) -> tuple[i64, i64]:
    """Return the bounds of a value whose type has no fixed size, as `value_bounds` does."""
    if is_temporal(kind):
        if at >= end:
            return -1, at
        length: i64 = data[at]
        # No conditional expression: compiled, it would make a tuple object of the two numbers.
        if _is_temporal_len(kind, length) and length <= end - at - 1:
            return at + 1, at + 1 + length
        return -1, at
    if kind == types.NULL:
        return at, at
    if not types.is_value_type(kind):
        return -1, at
    return read_parameter(data, at, end)


def read_value(
    data: bytes, at: i64, end: i64, kind: i64, unsigned: bool, name: bytes = b""
) -> tuple[Value | None, i64]:
    """Return the value at `at` and the offset after it; None and `at` where it does not fit."""
    start, stop = value_bounds(data, at, end, kind)
    if start < 0:
        return None, at
    indicator: i64 = IS_NULL if kind == types.NULL else PRESENT
    return Value(kind, unsigned, data[start:stop], name, indicator), stop


def _absent(indicator: i64) -> bytes:
    if indicator == IS_DEFAULT:
        return b"DEFAULT"
    return b"NULL" if indicator == IS_NULL else b"IGNORE"


def _hex(raw: bytes) -> bytes:
    return b"X'" + raw.hex().encode() + b"'"


def _integer(raw: bytes, kind: i64, unsigned: bool) -> int:
    size = find_size(kind)
    if size == 0 or len(raw) != size or kind in (types.FLOAT, types.DOUBLE):
        return 0
    if size == 8:
        big: int = read_i64_le(raw, 0)
        return big + (1 << 64) if unsigned and big < 0 else big
    low: i64 = raw[0] if size == 1 else u16(raw, 0) if size == 2 else u32(raw, 0)
    limit: i64 = 0x100 if size == 1 else 0x10000 if size == 2 else 0x100000000
    return int(low if unsigned or low < limit >> 1 else low - limit)


def _float(raw: bytes) -> bytes:
    """Return the shortest decimal that reads back as the same 32-bit number: 0.1, not 0.10000000149."""
    number = read_f32_le(raw, 0)
    for digits in range(6, 10):
        short = float(f"{number:.{digits}g}")
        if _as_f32(short) == number:
            return _number_text(short)
    return _number_text(number)


def _as_f32(number: float) -> float:
    writer = BytesWriter()
    write_f32_le(writer, number)
    return read_f32_le(writer.getvalue(), 0)


def _number_text(number: float) -> bytes:
    text = repr(number).encode()
    if text.endswith(b".0"):
        return text[:-2]  # as servers print them; clients send whole numbers as DOUBLE, too
    # SQL has no literal for these; quoted, the statement still shows what was sent.
    return b"'" + text + b"'" if text in (b"nan", b"inf", b"-inf") else text


def _date(raw: bytes, kind: i64) -> bytes:
    if len(raw) == 0:
        return b"0000-00-00" if kind == types.DATE else b"0000-00-00 00:00:00"
    day = f"{u16(raw, 0):04d}-{raw[2]:02d}-{raw[3]:02d}"
    if len(raw) == 4:
        return day.encode()
    clock = f"{raw[4]:02d}:{raw[5]:02d}:{raw[6]:02d}"
    if len(raw) == 7:
        return f"{day} {clock}".encode()
    return f"{day} {clock}.{u32(raw, 7):06d}".encode()


def _time(raw: bytes) -> bytes:
    """Return a time as SQL writes it; days are counted into the hours, as the server shows them."""
    if len(raw) == 0:
        return b"00:00:00"
    sign = "-" if raw[0] else ""
    hour: i64 = raw[5]
    hours: i64 = u32(raw, 1) * 24 + hour
    clock = f"{sign}{hours:02d}:{raw[6]:02d}:{raw[7]:02d}"
    return (clock if len(raw) == 8 else f"{clock}.{u32(raw, 8):06d}").encode()


def _bits(raw: bytes) -> bytes:
    """Return a BIT value as a bit literal: at most 64 bits, most significant byte first."""
    if len(raw) == 0 or len(raw) > 8:
        return _hex(raw)
    bits = ""
    for byte in raw:
        bits += f"{byte:08b}"
    return b"b'" + bits.encode() + b"'"


def _is_decimal(raw: bytes) -> bool:
    digits: i64 = 0
    at: i64 = 0
    while at < len(raw):
        byte: i64 = raw[at]
        if 48 <= byte <= 57:
            digits += 1
        elif byte not in (43, 45, 46, 69, 101):  # + - . E e
            return False
        at += 1
    return digits > 0


def _text(raw: bytes, codec: str) -> bytes:
    try:
        text = raw.decode(codec)
        if not text.isprintable() and _has_controls(text):
            return _hex(raw)
        if raw.find(b"'") < 0 and raw.find(b"\\") < 0 and text.isprintable():
            return b"'" + raw + b"'"
        # Escaped as characters: in some character sets a second byte can be a backslash's.
        text = text.replace("\\", "\\\\").replace("'", "\\'")
        text = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
        return b"'" + text.encode(codec) + b"'"
    except (UnicodeError, LookupError):
        return _hex(raw)


def _has_controls(text: str) -> bool:
    for character in text:
        code = ord(character)
        if (code < 32 and code not in (9, 10, 13)) or 127 <= code < 160:
            return True
    return False
