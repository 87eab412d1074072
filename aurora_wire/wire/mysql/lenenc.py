"""Length-encoded integers and strings, and strings that end with NUL.

Source: MySQL Server docs, "Protocol Basics: Integer Types, String Types". Longer encodings than needed are
accepted. Functions read `data[at:end]` only; the caller guarantees 0 <= at and end <= len(data).
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u24, u32

# What stands in place of a value; all are negative.
NULL: Final[i64] = -1      # 0xFB: SQL NULL, legal in text rows only
INVALID: Final[i64] = -2   # 0xFF: never the start of an integer
TOO_BIG: Final[i64] = -3   # 2^62 and more: sums of two would not fit 64 bits; the bytes are counted in the next offset
TOO_SHORT: Final[i64] = -4  # runs past `end`

NEAR: Final[i64] = 64      # bytes that are looked at one by one: most names end in fewer than a call takes


def read_lenenc(data: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Return the integer at `at` and the offset after it, or one of the negative numbers above.

    With INVALID and TOO_SHORT the offset is `at` itself.
    """
    if at >= end:
        return TOO_SHORT, at
    first: i64 = data[at]
    if first < 0xFB:
        return first, at + 1
    if first == 0xFC:
        if end - at < 3:
            return TOO_SHORT, at
        return u16(data, at + 1), at + 3
    if first == 0xFD:
        if end - at < 4:
            return TOO_SHORT, at
        return u24(data, at + 1), at + 4
    if first == 0xFE:
        if end - at < 9:
            return TOO_SHORT, at
        high: i64 = u32(data, at + 5)
        if high >= 1 << 30:
            return TOO_BIG, at + 9
        return u32(data, at + 1) | high << 32, at + 9
    if first == 0xFB:
        return NULL, at + 1
    return INVALID, at


def read_lestr(data: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Return where the bytes of the length-encoded string at `at` begin and end.

    The begin is negative (NULL, INVALID, TOO_BIG, TOO_SHORT) if there is no such string before `end`.
    """
    length, start = read_lenenc(data, at, end)
    if length < 0:
        return length, start
    if length > end - start:
        return TOO_SHORT, at
    return start, start + length


def read_parameter_length(data: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Return the length of a parameter's value and the offset after it, as servers read it.

    Servers take the low four of the eight bytes and never look at the others, and read FB and FF as they read FE
    (`get_param_length`). Clients that write something else there are understood by them, so they are here.
    """
    if at < end:
        first: i64 = data[at]
        if first < 0xFB:
            return first, at + 1
        if first == 0xFB or first >= 0xFE:
            if end - at < 9:
                return TOO_SHORT, at
            return u32(data, at + 1), at + 9
    return read_lenenc(data, at, end)


def read_parameter(data: bytes, at: i64, end: i64) -> tuple[i64, i64]:
    """Return where the bytes of a parameter's value begin and end; the begin is TOO_SHORT if they run past `end`."""
    length, start = read_parameter_length(data, at, end)
    if length < 0 or length > end - start:
        return TOO_SHORT, at
    return start, start + length


def find_nul(data: bytes, at: i64, end: i64) -> i64:
    """Return the offset of the first NUL in data[at:end], or -1."""
    near: i64 = min(at + NEAR, end)
    while at < near:
        if data[at] == 0:
            return at
        at += 1
    return data.find(b"\0", at, end)
