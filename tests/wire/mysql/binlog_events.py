"""Builds binlog events field by field by the manual, apart from the package: the reader's other side."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from backports import zstd

from tests.wire.mysql.built import lenenc, packet

Made = Callable[[random.Random], bytes]


def event(kind: int, body: bytes, *, checksum: bool = True, place: int = 4000, server: int = 7) -> bytes:
    size = 19 + len(body) + (4 if checksum else 0)
    made = struct.pack("<IBIIIH", 1_700_000_000, kind, server, size, place + size, 0) + body
    return made + struct.pack("<I", zlib.crc32(made)) if checksum else made


def payload(made: bytes, *, semi_sync: bool = False) -> bytes:
    return b"\0" + (b"\xef\x01" if semi_sync else b"") + made


def packets(made: Sequence[bytes], first: int = 1) -> bytes:
    return b"".join(packet(payload(one), (first + number) & 0xFF) for number, one in enumerate(made))


def query_body(text: bytes, schema: bytes = b"shop", variables: bytes = b"\0\0\0\0\0") -> bytes:
    head = struct.pack("<IIBHH", 9, 0, len(schema), 0, len(variables))
    return head + variables + schema + b"\0" + text


def mariadb_compressed(data: bytes) -> bytes:
    size = len(data).to_bytes((len(data).bit_length() + 7) // 8 or 1, "big")
    return bytes([0x80 | len(size)]) + size + zlib.compress(data)


class Column(NamedTuple):
    kind: int
    meta: bytes
    value: Made


def _text(width: int) -> Made:
    def make(r: random.Random) -> bytes:
        data = r.randbytes(r.randrange(min(200, 1 << 8 * width)))
        return len(data).to_bytes(width, "little") + data

    return make


def _of(size: int) -> Made:
    return lambda r: r.randbytes(size)


# Type, metadata as the table map has it, and a value in the form of a row: the manual's table.
COLUMNS = [
    Column(1, b"", _of(1)), Column(2, b"", _of(2)), Column(9, b"", _of(3)), Column(3, b"", _of(4)),
    Column(8, b"", _of(8)), Column(4, b"\x04", _of(4)), Column(5, b"\x08", _of(8)), Column(13, b"", _of(1)),
    Column(10, b"", _of(3)), Column(11, b"", _of(3)), Column(12, b"", _of(8)), Column(7, b"", _of(4)),
    Column(17, b"\x00", _of(4)), Column(17, b"\x06", _of(7)), Column(18, b"\x03", _of(7)), Column(19, b"\x01", _of(4)),
    Column(15, struct.pack("<H", 200), _text(1)), Column(15, struct.pack("<H", 1000), _text(2)),
    Column(253, struct.pack("<H", 255), _text(1)), Column(16, b"\x03\x01", _of(2)), Column(16, b"\x00\x02", _of(2)),
    Column(246, b"\x0a\x02", _of(5)), Column(246, b"\x41\x1e", _of(30)), Column(246, b"\x09\x09", _of(4)),
    Column(252, b"\x01", _text(1)), Column(252, b"\x02", _text(2)), Column(252, b"\x03", _text(3)),
    Column(252, b"\x04", _text(4)), Column(245, b"\x04", _text(4)), Column(255, b"\x04", _text(4)),
    Column(242, b"\x04", _text(4)), Column(254, b"\xfe\x14", _text(1)), Column(254, b"\xde\xfc", _text(2)),
    Column(254, b"\xf7\x01", _of(1)), Column(254, b"\xf7\x02", _of(2)), Column(254, b"\xf8\x08", _of(8)),
    Column(140, b"\x02", _text(2)), Column(141, struct.pack("<H", 300), _text(2)),
]  # fmt: skip


def table_map(number: int, schema: bytes, table: bytes, columns: Sequence[Column]) -> bytes:
    metas = b"".join(column.meta for column in columns)
    return (
        number.to_bytes(6, "little") + b"\x01\0" + bytes([len(schema)]) + schema + b"\0" + bytes([len(table)]) + table
        + b"\0" + lenenc(len(columns)) + bytes(column.kind for column in columns) + lenenc(len(metas)) + metas
        + b"\xff" * ((len(columns) + 7) // 8)
    )  # fmt: skip


def image(r: random.Random, columns: Sequence[Column], present: Sequence[bool]) -> bytes:
    there = [column for column, is_there in zip(columns, present, strict=True) if is_there]
    nulls = [r.random() < 0.3 for _ in there]
    bits = sum(1 << number for number, is_null in enumerate(nulls) if is_null)
    values = b"".join(column.value(r) for column, is_null in zip(there, nulls, strict=True) if not is_null)
    return bits.to_bytes((len(there) + 7) // 8, "little") + values


def bitmap(present: Sequence[bool]) -> bytes:
    """The bits behind the last column are set, as servers send them."""
    size = (len(present) + 7) // 8
    bits = sum(1 << number for number, is_there in enumerate(present) if is_there)
    return (bits | (1 << 8 * size) - (1 << len(present))).to_bytes(size, "little")


def rows_body(
    r: random.Random, number: int, columns: Sequence[Column], rows: int, *, update: bool = False, extra: bool = True,
    compressed: bool = False,
) -> bytes:  # fmt: skip
    present = [True] + [r.random() < 0.8 for _ in columns[1:]]
    after = [True] + [r.random() < 0.8 for _ in columns[1:]]
    data = b""
    for _ in range(rows):
        data += image(r, columns, present)
        if update:
            data += image(r, columns, after)
    head = number.to_bytes(6, "little") + b"\x01\0" + (b"\x02\0" if extra else b"") + lenenc(len(columns))
    head += bitmap(present) + (bitmap(after) if update else b"")
    return head + (mariadb_compressed(data) if compressed else data)


def transaction(events: Sequence[bytes], *, kind: int = 0, window: int = 0) -> bytes:
    """Transaction_payload_event: its events have no checksums."""
    data = b"".join(events)
    options = {zstd.CompressionParameter.window_log: window} if window else None
    packed = data if kind == 255 else zstd.compress(data, options=options)
    fields = b""
    for field, value in ((2, kind), (3, len(data)), (1, len(packed))):
        encoded = lenenc(value)
        fields += lenenc(field) + lenenc(len(encoded)) + encoded
    return fields + b"\0" + packed
