"""How a connection begins: who is the client, on which port, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.wire.decoding.connection_log import OTHER
from aurora_wire.wire.decoding.events import ConnectionOpened
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.flows.labelled_frames import Labels
from aurora_wire.wire.flows.tcp_flags import ACK, SYN

if TYPE_CHECKING:
    from aurora_wire.wire.flows.engine import Engine

X_PORT: Final[i64] = 33060


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
    is_mysql_port = server_port in engine.ports or (client_port in engine.ports and client_port != X_PORT)
    facts = Facts(engine.next_id, engine.budget, engine.events)
    engine.next_id += 1
    connection = Connection(
        facts, key if from_client else reverse, reverse if from_client else key, engine.budget,
        is_mysql_port and server_port != X_PORT, server_port == X_PORT, engine.inflaters, engine.borrowed,
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
        is_mysql = connection.is_mysql_port or connection.is_x_port
        facts.client.tracker = made.make(facts, True, is_mysql, flags & SYN != 0)
        facts.server.tracker = made.make(facts, False, is_mysql, flags & SYN != 0)


def _sent_by_client(ports: set[int], source: i64, destination: i64, flags: i64) -> bool:
    if (destination in ports) != (source in ports):
        return destination in ports  # whatever its flags: a SYN from a server's port is forged
    if flags & SYN:
        return not flags & ACK
    return destination <= source
