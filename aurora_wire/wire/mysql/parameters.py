"""What COM_STMT_EXECUTE and query attributes share: null bitmap, types, values.

Source: MySQL Server docs, "COM_STMT_EXECUTE" and "COM_QUERY".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16
from aurora_wire.wire.mysql.lenenc import read_lestr, read_parameter_length
from aurora_wire.wire.mysql.types import is_value_type
from aurora_wire.wire.mysql.values import IS_NULL, Value, find_size, is_temporal, read_value, value_bounds

MAX_PARAMETERS: Final[i64] = 65535  # the protocol's own bound of a prepared statement
UNSIGNED: Final[i64] = 0x8000       # in a type as sent: type byte, then flag byte


@mypyc_attr(acyclic=True)
class LongData:
    """What COM_STMT_SEND_LONG_DATA sent of one parameter; `omitted` bytes of it were not kept."""

    __slots__ = ("kept", "omitted")

    def __init__(self) -> None:
        self.kept: Final = bytearray()
        self.omitted: i64 = 0


@mypyc_attr(acyclic=True)
class Parameters:
    """values: as many as could be read; at: the offset after them; types: as sent, one u16 a parameter.

    complete: all of them were there, before the end.
    """

    __slots__ = ("at", "complete", "types", "values")

    def __init__(self, values: list[Value], types: list[int], at: i64, complete: bool) -> None:
        self.values: Final = values
        self.types: Final = types
        self.at: Final[i64] = at
        self.complete: Final = complete


def read_parameters(
    data: bytes,
    at: i64,
    end: i64,
    count: i64,
    named: bool,
    known_types: list[int] | None,
    long_data: dict[int, LongData] | None,
) -> Parameters | None:
    """Read `count` parameters from their null bitmap on. named: each type has a name behind it (query attributes).

    known_types: of the execution before, used where the packet says so. long_data: parameters that have no
    value in the packet. None where bitmap, flag and types do not fit or types are neither sent nor known.
    """
    flag_at: i64 = at + (count + 7) // 8
    if count < 1 or count > MAX_PARAMETERS or flag_at >= end:
        return None
    kinds: list[int] = []
    names: list[bytes] = []
    next_at: i64 = flag_at + 1
    if data[flag_at] == 1:
        next_at = _read_types(data, next_at, end, count, named, kinds, names)
        if next_at < 0:
            return None
    elif data[flag_at] == 0 and known_types is not None and len(known_types) == count:
        kinds = known_types
    else:
        return None
    values: list[Value] = []
    index: i64 = 0
    if long_data is not None and len(long_data) == 0:
        long_data = None  # as nearly always
    while index < count:
        kind: i64 = kinds[index]
        name = names[index] if len(names) > 0 else b""
        unsigned = kind & UNSIGNED != 0
        sent = long_data.get(index) if long_data is not None else None
        if sent is not None:
            # Servers look at the null bit only where no long data came.
            values.append(Value(kind & 0xFF, unsigned, bytes(sent.kept), name, 0, sent.omitted))
        elif data[at + (index >> 3)] >> (index & 7) & 1:
            values.append(Value(kind & 0xFF, unsigned, b"", name, IS_NULL))
        else:
            value, next_at = read_value(data, next_at, end, kind & 0xFF, unsigned, name)
            if value is None:
                length, start = (-1, next_at) if find_size(kind & 0xFF) else read_parameter_length(data, next_at, end)
                if not is_temporal(kind & 0xFF) and length > end - start:
                    # Cut inside its last value: MariaDB takes what is there, and it crossed the wire.
                    here: i64 = end - start
                    values.append(Value(kind & 0xFF, unsigned, data[start:end], name, 0, length - here))
                return Parameters(values, kinds, next_at, complete=False)
            values.append(value)
        index += 1
    return Parameters(values, kinds, next_at, complete=True)


def _read_types(
    data: bytes, at: i64, end: i64, count: i64, named: bool, kinds: list[int], names: list[bytes]
) -> i64:
    """Fill kinds and names. Return the offset after them, or -1."""
    index: i64 = 0
    while index < count:
        if end - at < 2 or not is_value_type(data[at]):
            return -1
        kinds.append(u16(data, at))
        at += 2
        if named:
            start, at = read_lestr(data, at, end)
            if start < 0:
                return -1
            names.append(data[start:at])
        index += 1
    return at


def infer_count(data: bytes, at: i64, end: i64, long_data: dict[int, LongData] | None = None) -> i64:
    """Return how many parameters (without names) are in data[at:end], where the PREPARE is not known; -1 if none
    fits.

    The smallest number for which the bitmap's spare bits are 0, types are sent and plausible, and the values
    end exactly at `end`. Linear in the length: a run of types ends before the next flag byte of the same
    parity, as a 1 is no type's second byte; so runs overlap at most twice, and each is walked at most eight
    times.
    """
    flag_at: i64 = at + 1
    while flag_at < end:
        if data[flag_at] == 1:
            most: i64 = 8 * (flag_at - at)
            if most > MAX_PARAMETERS + 7:
                return -1
            typed = _plausible_types(data, flag_at + 1, end, most)
            count: i64 = most - 7
            while count <= typed:
                if data[flag_at - 1] >> (7 - (most - count)) < 2:  # no bit above the last parameter's
                    if _values_end(data, at, flag_at + 1, end, count, long_data) == end:
                        return count
                count += 1
        flag_at += 1
    return -1


def _plausible_types(data: bytes, at: i64, end: i64, most: i64) -> i64:
    """Return how many types follow each other, at most `most`."""
    count: i64 = 0
    while count < most and end - at >= 2:
        if not is_value_type(data[at]) or data[at + 1] & 0x7F:
            break
        count += 1
        at += 2
    return count


def _values_end(
    data: bytes, bitmap_at: i64, types_at: i64, end: i64, count: i64, long_data: dict[int, LongData] | None
) -> i64:
    at: i64 = types_at + 2 * count
    index: i64 = 0
    while index < count:
        if long_data is not None and index in long_data:
            pass  # its value came before, whatever the null bit says
        elif not data[bitmap_at + (index >> 3)] >> (index & 7) & 1:
            start, at = value_bounds(data, at, end, data[types_at + 2 * index])
            if start < 0:
                return -1
        index += 1
    return at
