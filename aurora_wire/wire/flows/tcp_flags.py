"""How a connection begins and ends: SYN, FIN and RST, as a receiver takes them.

Sources: RFC 9293, sections 3.5 and 3.10.7; RFC 5961, section 3 (which RST is obeyed); RFC 7323, section 2 (window
scale).
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.flows.connection import MAYBE_RESET, RESET, Connection
from aurora_wire.wire.flows.facts import START_SYN
from aurora_wire.wire.flows.tcp_stream import WINDOW_SLACK, Stream

# What came of a FIN or RST.
IGNORED: Final[i64] = 0    # a receiver takes no notice of it
TAKEN: Final[i64] = 1      # the other side may still send
ENDED: Final[i64] = 2

FIN: Final[i64] = 0x01
SYN: Final[i64] = 0x02
RST: Final[i64] = 0x04
ACK: Final[i64] = 0x10
NEAR: Final[i64] = 1 << 20              # bytes between sequence numbers that are of one connection without doubt


def take_syn(
    connection: Connection, stream: Stream, peer: Stream, seq: i64, flags: i64, data: bytes, tcp_at: i64,
    end: i64,
) -> None:  # fmt: skip
    if stream.start != 0 and stream.find_offset(seq + 1) != 0:
        return  # of an open connection: a receiver challenges it
    if flags & ACK:
        if peer.start != 0 and not 0 <= peer.find_offset(u32_be(data, tcp_at + 8)) <= peer.next + WINDOW_SLACK:
            return  # what it answers was not sent; data of a SYN may be missing
        peer.acknowledge(u32_be(data, tcp_at + 8), u16_be(data, tcp_at + 14))
    if stream.start == START_SYN:
        return
    if stream.next == 0 and stream.side.position == 0:
        stream.begin(seq + 1, START_SYN)
    if stream is connection.client:
        connection.client_isn = seq
    else:
        connection.server_isn = seq
    stream.scale = window_scale(data, tcp_at, end)
    if flags & ACK and stream.scale < 0:
        # RFC 7323, 2.2: scaling holds only where both SYNs offer it.
        stream.scale = 0
        if connection.client.scale >= 0:
            connection.client.scale = 0
    elif stream.scale < 0:
        stream.scale = 0


def take_end(connection: Connection, stream: Stream, flags: i64, seq_end: i64, frame: i64) -> i64:
    """Take the FIN or RST of a segment that ends at `seq_end`. Return what came of it: IGNORED, TAKEN or ENDED."""
    if connection.closed_frame >= 0:
        return IGNORED
    if flags & RST:
        if not connection.skipping and stream.start != 0:
            offset = stream.find_offset(seq_end)
            at_end = stream.end >= 0 and stream.next >= stream.end and offset == stream.end + 1
            if offset != stream.next and not at_end:
                # RFC 5961, 3: a receiver obeys it at exactly the next number that it expects. Bytes before it may
                # be missing in the capture only.
                if stream.next < offset <= (stream.edge if stream.edge >= 0 else stream.next + NEAR):
                    connection.reset = MAYBE_RESET
                    connection.reset_by = stream
                    connection.reset_at = offset
                    connection.reset_next = stream.next
                return IGNORED
        connection.reset = RESET
        connection.closed_frame = frame
        return ENDED
    if flags & FIN:
        if stream.end < 0:
            offset = stream.find_offset(seq_end & 0xFFFFFFFF) if stream.start != 0 else 0
            # Where it comes after its ACK, its own number may be passed by already. Of a connection that is skipped
            # nobody follows the numbers.
            outside = offset < stream.next - 1 or (
                stream.edge >= 0 and offset > stream.edge + WINDOW_SLACK
            )
            if outside and not connection.skipping:
                return IGNORED  # of bytes that were taken already, or outside the window
            stream.end = offset
            if stream.end > stream.next and stream.patience < 0 and not connection.skipping:
                stream.tell_sent(seq_end)
            connection.ends += 1
        if connection.ends == 2:
            connection.closed_frame = frame
            return ENDED
    return TAKEN


def obeys_reset(connection: Connection) -> bool:
    """Return whether an early RST was obeyed: the bytes before it have come, or are acknowledged."""
    by = connection.reset_by
    if connection.reset == MAYBE_RESET and by is not None:
        if by.next == connection.reset_at or by.acked == connection.reset_at:
            connection.reset = RESET
    return connection.reset == RESET


def window_scale(data: bytes, tcp_at: i64, end: i64) -> i64:
    """Return the window scale option of a SYN's TCP header, 0..14, or -1. Source: RFC 7323, section 2.2."""
    at = tcp_at + 20
    stop = tcp_at + (int(data[tcp_at + 12]) >> 4) * 4
    if stop > end:
        stop = end
    while at < stop:
        kind: i64 = data[at]
        if kind == 0:
            return -1
        if kind == 1:
            at += 1
            continue
        if at + 1 >= stop:
            return -1
        length: i64 = data[at + 1]
        if length < 2 or at + length > stop:
            return -1
        if kind == 3 and length == 3:
            scale: i64 = data[at + 2]
            return 14 if scale > 14 else scale
        at += length
    return -1
