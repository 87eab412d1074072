"""Connections of the same addresses and ports: which of them is a segment of?

Ports are used again, and a capture may hold two networks with the same private addresses. Sequence and acknowledgement
numbers tell such connections apart, and bytes do so where the numbers are near.

Sources: RFC 9293, section 3.4; RFC 7323 for how large a window can be.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u32_be
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.overlap_history import DIFFERENT, SAME
from aurora_wire.wire.flows.tcp_flags import ACK, NEAR, RST
from aurora_wire.wire.flows.tcp_stream import MAX_WINDOW, WINDOW_SLACK, Stream
from aurora_wire.wire.net.dissect import Locator

# May a frame in another network be of this connection?
AGREES: Final[i64] = 0    # it goes on where this one is, or repeats its bytes
PASSES: Final[i64] = 1    # nothing in it says
FAR: Final[i64] = 2       # its numbers are near, and are not this one's
DIFFERS: Final[i64] = 3   # other bytes for the same place


def fits(connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64) -> bool:
    """Return whether the segment is of this connection: its sequence and ACK numbers are near, or one of them is.
    """
    if connection.skipping:
        return True
    peer = connection.server if stream is connection.client else connection.client
    acks = flags & ACK != 0 and peer.start != 0
    ack_ahead: i64 = 0
    if acks:
        ack_ahead = peer.find_offset(u32_be(data, tcp_at + 8)) - peer.next
    ack_is_near = -NEAR <= ack_ahead <= NEAR
    if stream.start == 0:
        return ack_is_near
    ahead = stream.find_offset(seq) - stream.next
    near = -NEAR <= ahead <= NEAR
    if connection.ends == 2:
        # Both sides said that they are done, and how far they came: what is beyond is of another connection.
        if ahead > stream.end + 1 - stream.next or (acks and ack_ahead > peer.end + 1 - peer.next):
            return False
    if not acks:
        return near or (0 < ahead <= MAX_WINDOW and not flags & RST)
    if ack_is_near:
        return near or 0 < ahead <= MAX_WINDOW
    return near and 0 < ack_ahead <= MAX_WINDOW


def find_tied(
    connection: Connection, stream: Stream, network: i64, seq: i64, data: bytes, tcp_at: i64, flags: i64
) -> Stream | None:
    """Return the stream of another connection of the same ports that this network is known to be of."""
    space = connection.next_space
    while space is not None:
        is_client = space.client.key == stream.key
        one = space.client if is_client else space.server
        other = space.server if is_client else space.client
        if not space.finished and (one.network == network or (one.network < 0 and other.network == network)):
            if fits(space, one, seq, data, tcp_at, flags):
                one.network = network
                return one
        space = space.next_space
    return None


def compare_networks(
    locator: Locator, stream: Stream, peer: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64
) -> i64:
    """Return how a frame of another network goes with this connection, by numbers and bytes: AGREES, PASSES, ..."""
    if stream.start == 0:
        return AGREES
    offset = stream.find_offset(seq)
    size = locator.payload_len
    acked = peer.acked
    if flags & ACK and peer.start != 0:
        acked = peer.find_offset(u32_be(data, tcp_at + 8))
    if acked > peer.next or offset < 0:
        return FAR
    if size == 0:
        return PASSES if offset <= stream.next else FAR
    if offset == stream.next:
        return AGREES
    if offset > stream.next:
        in_step = acked >= peer.acked or acked == peer.next
        return AGREES if in_step and offset - stream.next <= WINDOW_SLACK else FAR
    if size == 1 and offset + 1 == stream.next:
        return PASSES
    at = locator.payload_at
    end = locator.captured_end
    if end - at > stream.next - offset:
        end = at + stream.next - offset
    found = stream.history.compare(offset, data, at, end)
    if found == DIFFERENT:
        return DIFFERS
    return AGREES if found == SAME else PASSES


def is_nearer(
    network: i64, connection: Connection, stream: Stream, seq: i64, data: bytes, tcp_at: i64, flags: i64
) -> bool:
    """Return whether a segment that fits this connection is nearer to another one of the same ports."""
    far = stream.distance(seq)
    space = connection.next_space
    while space is not None:
        one = space.client if space.client.key == stream.key else space.server
        seen_here = one.network < 0 or one.network == network
        if one.start != 0 and seen_here and not space.finished and one.distance(seq) < far:
            if fits(space, one, seq, data, tcp_at, flags):
                return True
        space = space.next_space
    return False
