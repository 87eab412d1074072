"""The place of a segment that is not simply the next one of its flow: this connection, or one beside it.

These are functions over `Engine`, which calls them off its fast path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.flows.aside import disregard
from aurora_wire.wire.flows.begin import MAX_SPACES, begin_beside
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.same_ports import AGREES, DIFFERS, FAR, compare_networks, find_tied, fits, is_nearer
from aurora_wire.wire.flows.tcp_stream import Stream

if TYPE_CHECKING:
    from aurora_wire.wire.flows.engine import Engine


def place(
    engine: Engine, connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64,
    payload_len: i64,
) -> Stream | None:
    """Return the stream of a frame that is not simply the next one: of this connection or of another of the same
    ports.

    The network that it was seen in tells connections apart only where numbers and bytes do so as well: a switch
    mirrors one direction with its tag and one without, or each frame twice.
    """
    network = engine.locator.network
    if network != stream.network:
        tied = find_tied(connection, stream, network, seq, data, tcp_at, flags)
        if tied is not None:
            return tied
    is_mine = seq == stream.next_seq or fits(connection, stream, seq, data, tcp_at, flags)
    peer = connection.server if stream is connection.client else connection.client
    if is_mine and stream.network < 0 and peer.network == network:
        stream.network = network
    if is_mine and network != stream.network:
        agreed = compare_networks(engine.locator, stream, peer, seq, data, tcp_at, flags)
        networks = stream.networks
        known = networks is not None and network in networks
        if agreed == DIFFERS or (agreed == FAR and not known):
            if payload_len == 0:
                stream.label_alone(engine.frames, labels.TCP_CONTROL)
                return None
            if known and networks is not None:
                # Its bytes are in this stream already: which of them are not this one's, nobody knows.
                networks.remove(int(network))
                stream.facts.note(
                    anomalies.CONFLICT, stream.side.from_client, engine.frames, engine.now, stream.next, payload_len
                )
            other = begin_beside(engine, connection, stream.key, flags, engine.frames, engine.now)
            if other is not None:
                other.network = network
                return other
        elif stream.network < 0:
            stream.network = network
        elif networks is None:
            if agreed == AGREES:
                stream.networks = [int(network)]
        elif agreed == AGREES and not known and len(networks) < MAX_SPACES:
            networks.append(int(network))
        return stream
    if is_mine and connection.next_space is not None:
        is_mine = not is_nearer(network, connection, stream, seq, data, tcp_at, flags)
    if is_mine:
        return stream
    elsewhere = _elsewhere(engine, connection, stream, seq, data, tcp_at, flags, payload_len)
    if elsewhere is not None and elsewhere.network < 0:
        elsewhere.network = network
    return elsewhere


def _elsewhere(
    engine: Engine, connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64,
    payload_len: i64,
) -> Stream | None:
    """Find or begin the connection of a frame that does not fit the sequence numbers of the first one."""
    key = stream.key
    space = connection.next_space
    last = connection
    while space is not None:
        if space.finished:
            last.next_space = space.next_space
            space = last.next_space
            continue
        one = space.client if space.client.key == key else space.server
        if fits(space, one, seq, data, tcp_at, flags):
            if space is connection.next_space and connection.closed_frame >= 0:
                if space.client.spoke and space.server.spoke:
                    engine.finish_connection(connection)  # it gives its place to this one
            return one
        last = space
        space = space.next_space
    found: Stream | None = None
    if payload_len > 0:
        found = begin_beside(engine, connection, key, flags, engine.frames, engine.now)
        if found is None:
            # Too many of them: the bytes are still read.
            locator = engine.locator
            disregard(
                connection, stream, anomalies.OUT_OF_WINDOW, seq, data, locator.payload_at, locator.captured_end,
                engine.frames, engine.now,
            )  # fmt: skip
    if found is None:
        stream.label_alone(engine.frames, labels.DISREGARDED if payload_len else labels.TCP_CONTROL)
    return found
