"""Bytes that are part of no stream: of segments that a receiver drops, or copies that conflict with what was taken.

They crossed the wire all the same, so that a leak among them counts. They go to a reader of their own, a connection
that nobody else sees. These are functions over `Connection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.decoding.connection_log import MYSQL, OTHER, TLS_ONLY
from aurora_wire.wire.flows.tcp_stream import Stream
from aurora_wire.wire.identify.signatures import STRONG, fills_with_packets, holds_sql, is_leak, mysql_commands

if TYPE_CHECKING:
    from aurora_wire.wire.flows.connection import Connection


def disregard(
    connection: Connection, stream: Stream, kind: i64, seq: i64, data: bytes, at: i64, end: i64, frame: i64,
    time_ns: i64,
) -> None:
    """Note a segment that the receiver would have dropped. What it leaks counts: it crossed the wire."""
    facts = connection.facts
    facts.note(kind, stream.side.from_client, frame, time_ns, stream.next, end - at)
    stream.side.aside += end - at
    set_aside(connection, stream, seq, data, at, end, frame, time_ns, True)
    if facts.dropped_leak_frame < 0 and facts.kind in (MYSQL, TLS_ONLY):
        if stream.side.from_client and mysql_commands(data, at, end, 0) == STRONG:
            facts.dropped_leak_frame = frame


def set_aside(
    connection: Connection, stream: Stream, seq: i64, data: bytes, at: i64, end: i64, frame: i64, time_ns: i64,
    doubtful: bool,
) -> None:
    """Hand bytes that are not part of the stream to a reader of their own.

    It is a connection that nobody else sees: it puts them in order where they are contiguous, and decodes them
    within the same bounds. Of bytes that conflict inside it, the first count.
    """
    if connection.is_aside or connection.skipping or at >= end:
        return
    facts = connection.facts
    reader = connection.aside
    if reader is None:
        reader = connection.make_reader()
        connection.aside = reader
    if not doubtful and facts.tls is not None and facts.commands == 0 and fills_with_packets(data, at, end):
        doubtful = True  # what repeats ciphertext late has no packets in it
    if doubtful:
        connection.aside_doubts += end - at
    if facts.dropped_leak_frame < 0 and facts.kind in (MYSQL, TLS_ONLY) and (doubtful or facts.commands == 0):
        from_client = stream.side.from_client
        beside_tls = facts.tls is not None and facts.commands == 0
        if holds_sql(data, at, end) or (beside_tls and is_leak(data, at, end, from_client)):
            facts.dropped_leak_frame = frame
    if stream.key == connection.client.key:
        if connection.aside_client < 0:
            connection.aside_client = frame
            connection.aside_client_offset = stream.next
    elif connection.aside_server < 0:
        connection.aside_server = frame
        connection.aside_server_offset = stream.next
    other = reader.client if reader.client.key == stream.key else reader.server
    other.segment(seq, data, at, end, 0, frame, time_ns)
    if doubtful:
        # Whether what stands beside it here is of the same sender, nobody knows.
        place = other.find_offset(seq)
        reader.facts.add_seams(other.side, place, place + end - at)


def note_pieces(connection: Connection, stream: Stream, seq: i64, edges: list[int], at: i64) -> None:
    """Note where the fragments of a segment meet that disagreed, or gave a wrong checksum together.

    Its payload began at `at`, as edges count.
    """
    reader = connection.aside
    streams = [stream]
    if reader is not None:
        streams.append(reader.client if reader.client.key == stream.key else reader.server)
    for one in streams:
        if one.start != 0:
            begin = one.find_offset(seq)
            for edge in edges:
                if edge >= at:
                    one.facts.add_seams(one.side, begin + edge - at, begin + edge - at)


def look_at_disputed(connection: Connection, stream: Stream, data: bytes, frame: i64) -> None:
    """Count what leaked, also where it was taken for a part of a TLS record."""
    facts = connection.facts
    size: i64 = len(data)
    if connection.is_aside or facts.dropped_leak_frame >= 0 or facts.tls is None or facts.commands > 0 or size < 6:
        return
    if holds_sql(data, 0, size) or is_leak(data, 0, size, stream.side.from_client):
        facts.dropped_leak_frame = frame


def read_aside(connection: Connection) -> None:
    """Judge the bytes set aside: MySQL in the clear, something harmless, or nobody knows."""
    reader = connection.aside
    if reader is None:
        return
    connection.aside = None
    reader.close()
    reader.dispose()
    facts = connection.facts
    for statement in reader.facts.statements:
        facts.mend(statement)
    if connection.aside_doubts == 0 and (facts.login_frame >= 0 or facts.commands > 0 or facts.responses > 0):
        return  # late repetitions, in a connection whose plaintext is told already
    found = reader.facts
    frame: i64 = -1
    if found.login_frame >= 0:
        frame = found.login_frame
    if (found.readable or (found.commands > 0 and found.responses > 0)) and found.command_frame >= 0:
        if frame < 0 or found.command_frame < frame:
            frame = found.command_frame
    for from_client in (True, False):
        note = found.find_anomaly(anomalies.READABLE_UNKNOWN, from_client)
        if note is not None and frame < 0:
            frame = note.frame
    if frame >= 0 and facts.kind != OTHER:
        if facts.dropped_leak_frame < 0 or frame < facts.dropped_leak_frame:
            facts.dropped_leak_frame = frame
        if found.readable and (facts.tls is not None or facts.statements_total == 0):
            # Beside statements of its own, another copy of one would read as one more.
            for statement in found.statements:
                if not facts.holds(statement):
                    facts.add_statement(statement)
    for one in (reader.client, reader.server):
        side = one.side
        unread = side.seen > side.tls + side.by_design and connection.aside_doubts > 0
        if unread or (side.seen > 0 and frame >= 0):
            is_client = one.key == connection.client.key
            place = connection.aside_client if is_client else connection.aside_server
            offset = connection.aside_client_offset if is_client else connection.aside_server_offset
            aside = facts.client.aside if is_client else facts.server.aside
            # The losing copies of fragments were in no segment.
            amount = aside if aside > 0 else side.seen
            facts.note(anomalies.SET_ASIDE, is_client, place, connection.last_time, offset, amount)
