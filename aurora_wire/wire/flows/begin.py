"""How a connection begins: with which frame, who is the client, on which port, and what is told of it.

These are functions over `Engine`, which calls them off its fast path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.decoding.connection_log import OTHER
from aurora_wire.wire.decoding.events import ConnectionOpened
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.flows.labelled_frames import LabelledFrame, Labels
from aurora_wire.wire.flows.soundness import is_right
from aurora_wire.wire.flows.tcp_flags import ACK, SYN
from aurora_wire.wire.flows.tcp_stream import Stream
from aurora_wire.wire.identify.protocols import row_of_port

if TYPE_CHECKING:
    from aurora_wire.wire.flows.engine import Engine

LINGER_NS: Final[i64] = 60_000_000_000  # a closed connection waits this long for late segments
MAX_SPACES: Final[i64] = 8              # connections of the same addresses and ports at a time


def open_stream(
    engine: Engine, key: bytes, known: Stream | None, flags: i64, data: bytes, tcp_at: i64, payload_len: i64,
    frame: i64, time_ns: i64,
) -> Stream | None:  # fmt: skip
    """Return the stream of a frame that may begin a connection; None where it begins none."""
    if known is not None:
        connection = cast(Connection, known.receiver)
        if known.good_checksums > 0 and not is_right(engine.locator, data):
            return known  # no receiver sees it
        seq = u32_be(data, tcp_at + 4)
        isn = connection.client_isn if known is connection.client else connection.server_isn
        if isn == seq:
            return known  # the same SYN again
        space = connection.next_space
        while space is not None:
            one = space.client if space.client.key == key else space.server
            if seq == (space.client_isn if one is space.client else space.server_isn):
                return one
            if flags & ACK and u32_be(data, tcp_at + 8) == (space.client_isn + 1) & 0xFFFFFFFF:
                # Both sides agree on it. Is the first one gone, its ports used again?
                silent = engine.now >= 0 and engine.now - connection.last_time > LINGER_NS
                # Two networks may have both of them.
                unanswered = not connection.server.spoke and connection.client.network == space.client.network
                gone = silent or connection.closed_frame >= 0 or unanswered
                if connection.next_space is space and gone:
                    engine.finish_connection(connection)
                return one
            space = space.next_space
        alive = isn < 0 and connection.closed_frame < 0 and not flags & ACK
        if flags & ACK and connection.closed_frame < 0:
            if known.network >= 0 and known.network != engine.locator.network and known.start != 0:
                if known.find_offset(seq + 1) != 0:
                    # Another network, whose client began with the same number.
                    return begin_beside(engine, connection, key, flags, frame, time_ns)
            return known  # a SYN-ACK belongs to the SYN before it
        if alive and known.side.seen == 0:
            return known
        if not flags & ACK:
            # RFC 5961, 4: a receiver challenges it. Only where both sides go on with its numbers is it obeyed, and
            # what looked like the end of a connection that goes on may have been forged as well.
            return begin_beside(engine, connection, key, flags, frame, time_ns)
        engine.finish_connection(connection)
        after = engine.streams.get(key)
        if after is not None:
            return begin_beside(engine, cast(Connection, after.receiver), key, flags, frame, time_ns)
    elif not flags & SYN and payload_len == 0:
        if engine.labelled is not None:
            engine.labelled.append(LabelledFrame(frame, 0, -1, labels.TCP_CONTROL, []))
        return None
    connection = begin_connection(engine, key, flags, frame, time_ns)
    if engine.budget.open < 0 or len(engine.streams) >= 2 * engine.max_connections:
        engine.evict()
    engine.streams[connection.client.key] = connection.client
    engine.streams[connection.server.key] = connection.server
    return connection.client if connection.client.key == key else connection.server


def begin_beside(
    engine: Engine, connection: Connection, key: bytes, flags: i64, frame: i64, time_ns: i64
) -> Stream | None:
    """Begin a connection of the same addresses and ports with other sequence numbers."""
    count: i64 = 0
    first = connection
    while connection.next_space is not None:
        connection = connection.next_space
        count += 1
    if count >= MAX_SPACES:
        if first.closed_frame < 0:
            return None
        engine.finish_connection(first)
    made = begin_connection(engine, key, flags, frame, time_ns)
    connection.next_space = made
    if engine.budget.open < 0:
        engine.evict()
    return made.client if made.client.key == key else made.server


def begin_connection(engine: Engine, key: bytes, flags: i64, frame: i64, time_ns: i64) -> Connection:
    """Return the connection that a frame begins whose addresses and ports are `key`, with what is told of it."""
    size: i64 = len(key)
    split = (size - 4) // 2
    reverse = key[split : 2 * split] + key[:split] + key[size - 2 :] + key[size - 4 : size - 2]
    source = u16_be(key, size - 4)
    destination = u16_be(key, size - 2)
    from_client = _sent_by_client(engine.ports, source, destination, flags)
    server_port = destination if from_client else source
    # A SYN from MySQL's port may be forged: the port counts on either side.
    client_port = source if from_client else destination
    own_port = row_of_port(server_port)
    is_mysql_port = own_port < 0 and (
        server_port in engine.ports or (client_port in engine.ports and row_of_port(client_port) < 0)
    )
    facts = Facts(engine.next_id, engine.budget, engine.events)
    engine.next_id += 1
    connection = Connection(
        facts, key if from_client else reverse, reverse if from_client else key, engine.budget,
        is_mysql_port, own_port, engine.inflaters, engine.borrowed,
    )  # fmt: skip
    connection.decoders.maker = engine.maker
    connection.first_frame = frame
    connection.last_frame = frame
    connection.first_time = time_ns
    connection.ip_version = 4 if size == 12 else 6
    if engine.only_ports and server_port not in engine.ports:
        facts.kind = OTHER
        facts.other = "not looked at (--port)"
        connection.undecided = False
        connection.skipping = True
        connection.verify = False
    if engine.labelled is not None:
        facts.client.tracker = Labels(facts.id, 1, engine.labelled, engine.want_places)
        facts.server.tracker = Labels(facts.id, 0, engine.labelled, engine.want_places)
        engine.facts[facts.id] = facts
    elif engine.trackers is not None:
        _track(engine, facts, connection, flags)
    if engine.events is not None:
        engine.events.append(ConnectionOpened(facts.id, from_client, frame, time_ns, 0))
    return connection


def _track(engine: Engine, facts: Facts, connection: Connection, flags: i64) -> None:
    made = engine.trackers
    if made is not None:
        is_mysql = connection.is_mysql_port or connection.own_port >= 0
        facts.client.tracker = made.make(facts, True, is_mysql, flags & SYN != 0)
        facts.server.tracker = made.make(facts, False, is_mysql, flags & SYN != 0)


def _sent_by_client(ports: set[int], source: i64, destination: i64, flags: i64) -> bool:
    if (destination in ports) != (source in ports):
        return destination in ports  # whatever its flags: a SYN from a server's port is forged
    if flags & SYN:
        return not flags & ACK
    return destination <= source
