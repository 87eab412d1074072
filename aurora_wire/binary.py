"""Reads of integers at an offset. The caller has checked the length.

Big-endian (network order) names end in `_be`; without an ending they are little-endian (MySQL's order).
librt's reads are signed and compile to one load with a bounds check, so the results are masked here.
"""

from librt.strings import read_i16_be, read_i16_le, read_i32_be, read_i32_le
from mypy_extensions import i64


def u16(data: bytes, at: i64) -> i64:
    low: i64 = int(read_i16_le(data, at))
    return low & 0xFFFF


def u24(data: bytes, at: i64) -> i64:
    b0: i64 = data[at]
    b1: i64 = data[at + 1]
    b2: i64 = data[at + 2]
    return b0 | b1 << 8 | b2 << 16


def u32(data: bytes, at: i64) -> i64:
    low: i64 = int(read_i32_le(data, at))
    return low & 0xFFFFFFFF


def u16_be(data: bytes, at: i64) -> i64:
    low: i64 = int(read_i16_be(data, at))
    return low & 0xFFFF


def u24_be(data: bytes, at: i64) -> i64:
    b0: i64 = data[at]
    b1: i64 = data[at + 1]
    b2: i64 = data[at + 2]
    return b0 << 16 | b1 << 8 | b2


def u32_be(data: bytes, at: i64) -> i64:
    low: i64 = int(read_i32_be(data, at))
    return low & 0xFFFFFFFF
