"""Protobuf fields one after the other: number, and a varint, eight or four bytes, or a run of bytes."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

VARINT: Final[i64] = 0
FIXED64: Final[i64] = 1
BYTES: Final[i64] = 2
FIXED32: Final[i64] = 5

MAX_MEMBERS: Final[i64] = 10_000   # of a message that are looked at


@mypyc_attr(acyclic=True)
class Fields:
    """Walks over the fields of the message data[at:end]. `next` says whether there is one more.

    number, wire: of the current field; value: a varint's (its low 63 bits); start, stop: of its bytes. broken: what
    follows is no field.
    """

    __slots__ = ("at", "broken", "data", "end", "left", "negative", "number", "start", "stop", "value", "wire")

    def __init__(self, data: bytes, at: i64, end: i64) -> None:
        self.data: Final = data
        self.at: i64 = at
        self.end: Final[i64] = end
        self.number: i64 = 0
        self.wire: i64 = 0
        self.value: i64 = 0
        self.negative = False   # the varint's bit 63
        self.start: i64 = 0
        self.stop: i64 = 0
        self.broken = False
        self.left: i64 = MAX_MEMBERS

    def find(self, number: i64) -> bool:
        """Go to the next field of this number that is a run of bytes; False where there is none."""
        while self.next():
            if self.number == number and self.wire == BYTES:
                return True
        return False

    def next(self) -> bool:
        if self.at >= self.end or self.left <= 0:
            return False
        self.left -= 1
        if not self._varint():
            return False
        tag = self.value
        self.number = tag >> 3
        self.wire = tag & 7
        self.start = self.at
        size: i64 = 0
        if self.wire == VARINT:
            if not self._varint():
                return False
            self.stop = self.at
            return True
        if self.wire == BYTES:
            if not self._varint() or self.negative:
                self.broken = True
                return False
            size = self.value
            self.start = self.at
        elif self.wire == FIXED64:
            size = 8
        elif self.wire == FIXED32:
            size = 4
        else:
            self.broken = True
            return False
        if size > self.end - self.at:
            self.broken = True
            return False
        self.at += size
        self.stop = self.at
        return True

    def _varint(self) -> bool:
        data = self.data
        at = self.at
        value: i64 = 0
        shift: i64 = 0
        self.negative = False
        while at < self.end and shift < 70:
            byte: i64 = data[at]
            at += 1
            if shift < 63:
                value |= (byte & 0x7F) << shift
            elif byte & 1:
                self.negative = True
            shift += 7
            if byte < 0x80:
                self.at = at
                self.value = value & 0x7FFFFFFFFFFFFFFF
                return True
        self.broken = True
        return False

    def raw(self) -> bytes:
        """Return the current field's bytes."""
        return self.data[self.start : self.stop]

    def unsigned(self) -> int:
        """Return the current varint, all 64 bits of it."""
        return int(self.value) | (1 << 63 if self.negative else 0)

    def signed(self) -> int:
        """Return the current varint as sint64 (zigzag)."""
        number = self.unsigned()
        return (number >> 1) ^ -(number & 1)
