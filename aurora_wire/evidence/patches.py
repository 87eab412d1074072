"""Replacements of bytes by as many others, in the coordinates of a payload."""

from __future__ import annotations

from typing import NamedTuple

from aurora_wire.evidence.masking import Masker
from aurora_wire.wire.mysql.values import Value, is_temporal, size_of, value_bounds

FILL = b"*"
SHAPES = bytes(0x2A if 0x20 <= byte < 0x7F else 0 for byte in range(256))


class Patch(NamedTuple):
    """data[start:end] becomes `new`, which is as long."""

    start: int
    end: int
    new: bytes


def fill(start: int, end: int) -> list[Patch]:
    """Masked without a trace of what was there."""
    return [Patch(start, end, FILL * (end - start))] if start < end else []


def shape(start: int, data: bytes) -> list[Patch]:
    """Bytes of which nobody knows what they are, from `start` on: readable ones stay readable, and no more."""
    return [Patch(start, start + len(data), data.translate(SHAPES))] if data else []


def value(masker: Masker, data: bytes, start: int, end: int) -> list[Patch]:
    """One value, so that equal ones stay recognisable."""
    return [Patch(start, end, masker.value(data[start:end]))] if start < end else []


def sql(masker: Masker, data: bytes, start: int, end: int) -> list[Patch]:
    """Literals and comments of a text."""
    if start >= end:
        return []
    new = masker.sql(data[start:end])
    return [Patch(start, end, new)] if new != data[start:end] else []


def binary_value(masker: Masker, data: bytes, start: int, end: int, kind: int) -> list[Patch]:
    """A value in binary encoding: text keeps its look, numbers and times become the filler."""
    if size_of(kind) or is_temporal(kind):
        return fill(start, end)
    return value(masker, data, start, end)


def encoded_size(one: Value) -> int:
    """Bytes of a value as it stands in a packet."""
    length = len(one.raw)
    if size_of(one.type):
        return length
    if is_temporal(one.type) or length < 251:
        return 1 + length
    return length + (3 if length < 1 << 16 else 4 if length < 1 << 24 else 9)


def values_before(masker: Masker, data: bytes, end: int, values: list[Value]) -> list[Patch] | None:
    """Those values, which stand one after another and end at `end`; None where they do not fit."""
    at = end - sum(encoded_size(one) for one in values)
    if at < 0:
        return None
    found: list[Patch] = []
    for one in values:
        start, stop = value_bounds(data, at, end, one.type)
        if start < 0:
            return None
        found += binary_value(masker, data, start, stop, one.type)
        at = stop
    return found if at == end else None


def placed(found: list[Patch], parts: list[tuple[int, int]]) -> list[Patch]:
    """Patches of a payload as patches of the stream that it is cut into."""
    placed: list[Patch] = []
    for one in found:
        begin = 0
        for start, stop in parts:
            low, high = max(one.start, begin), min(one.end, begin + stop - start)
            if low < high:
                moved = start - begin
                placed.append(Patch(low + moved, high + moved, one.new[low - one.start : high - one.start]))
            begin += stop - start
    return placed
