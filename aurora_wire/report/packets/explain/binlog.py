"""Binlog events in words: their header, and the statement, table or transaction that they are about.

Source: MySQL Server docs, "Binary Log Event", "Query_event", "Table_map_event", "Rotate_event".
"""

from __future__ import annotations

import zlib
from typing import Final

from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.rows import TEXT_LIMIT, FieldReader, plural
from aurora_wire.report.timestamps import SECOND, rfc3339
from aurora_wire.verdict.replication import EVENT_NAMES
from aurora_wire.wire.mysql import binlog

HEADER: Final = 19
SIZE_AT: Final = 9         # of an event, in its header
CHECKSUM: Final = 4
SEMI_SYNC: Final = 0xEF


def explain_event(fields: FieldReader, codec: str) -> None:
    """Explain a packet of a replication stream, as far as it is one."""
    data, at = fields.rows.data, fields.at
    if fields.left > 9 and data[at] == SEMI_SYNC:
        fields.take(1, "a replica acknowledges what it was sent")
        fields.number(8, lambda number: f"up to {number}")
        fields.rest(lambda raw: f"of the log {show_bytes(raw, codec, TEXT_LIMIT)}")
        return
    if fields.left < 1 + HEADER or data[at] != 0:
        fields.rest(lambda raw: f"a part of the binary log, {plural(len(raw), 'byte')}")
        return
    fields.take(1, "an event of the binary log follows")
    plain = int.from_bytes(data[at + 1 + SIZE_AT : at + 1 + SIZE_AT + 4], "little") == fields.left
    if not plain and data[at + 1] == SEMI_SYNC:
        fields.take(2, lambda raw: "semi-synchronous: " + ("acknowledge it" if raw[1] else "no need to acknowledge it"))
    begin, end = fields.at, fields.end
    fields.number(4, lambda number: f"written {rfc3339(number * SECOND)}" if number else "made up for the replica")
    kind = fields.number(1, lambda number: f"type {number}: {EVENT_NAMES.get(number, 'not known here')}")
    fields.number(4, lambda number: f"by the server with id {number}")
    fields.number(4, lambda number: f"size: {plural(number, 'byte')} with this header")
    fields.number(4, lambda number: f"the next one is at {number} of the log")
    fields.number(2, lambda number: f"flags: 0x{number:04x}")
    ends_in_checksum = _ends_in_checksum(data[begin:end])
    if ends_in_checksum:
        fields.end -= CHECKSUM
    if kind is not None:
        _body(fields, kind, codec)
    fields.rest(lambda raw: f"its content, {plural(len(raw), 'byte')}")
    if ends_in_checksum:
        fields.end = end
        fields.take(CHECKSUM, "checksum, which is right")


def _ends_in_checksum(event: bytes) -> bool:
    """Return whether the last four bytes of an event are the CRC-32 of those before."""
    if len(event) < HEADER + CHECKSUM:
        return False
    return zlib.crc32(event[:-CHECKSUM]) == int.from_bytes(event[-CHECKSUM:], "little")


def _body(fields: FieldReader, kind: int, codec: str) -> None:
    def text(raw: bytes) -> str:
        return show_bytes(raw, codec, TEXT_LIMIT)

    if kind == binlog.QUERY:
        fields.number(4, lambda number: f"of the session {number}")
        fields.number(4, lambda seconds: f"took {seconds} s")
        schema = fields.number(1, lambda number: f"length of the schema's name: {number}")
        fields.number(2, lambda number: f"error: {number}")
        variables = fields.number(2, lambda number: f"length of what it depends on: {number}")
        if schema is None or variables is None:
            return
        if variables:
            fields.take(variables, "what it depends on: sql_mode, character sets ...")
        fields.until_nul(lambda raw: f"schema {text(raw) or '(none)'}")
        fields.rest(lambda raw: f"statement: {text(raw)}")
    elif kind == binlog.ROTATE:
        fields.number(8, lambda number: f"goes on at {number}")
        fields.rest(lambda raw: f"of the log {text(raw)}")
    elif kind == binlog.TABLE_MAP:
        fields.number(6, lambda number: f"table number {number}, for the rows that follow")
        fields.number(2, lambda number: f"flags: 0x{number:04x}")
        for what in ("schema", "table"):
            size = fields.number(1, lambda number, what=what: f"length of the {what}'s name: {number}")  # type: ignore[misc]
            if size is None:
                return
            fields.take(size + 1, lambda raw, what=what: f"{what} {text(raw[:-1])}")  # type: ignore[misc]
    elif kind in binlog.ROWS_KIND:
        fields.number(6, lambda number: f"of table number {number}")
    elif kind in (binlog.ROWS_QUERY, binlog.ANNOTATE_ROWS):
        if kind == binlog.ROWS_QUERY:
            fields.number(1, lambda number: f"length of the statement, its lowest byte: {number}")
        fields.rest(lambda raw: f"statement: {text(raw)}")
