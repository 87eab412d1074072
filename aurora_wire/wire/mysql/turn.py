"""A packet of mid-stream that comes in pieces: what one direction says on end, from a boundary on.

A packet is mostly written at once, but a small MSS, a proxy, or a program that writes header and body one after the
other cuts it into segments none of which is a packet. Joined they are judged as one segment would be, each time that
a packet, compressed packet or TLS record ends which began with them.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.decoding.connection_log import ConnectionLog
from aurora_wire.wire.tls.record_shape import RECORD_HEADER, record_length

MAX_TURN: Final[i64] = 4096      # bytes that are joined: longer packets are judged segment by segment
SMALL: Final[i64] = 512          # bytes of a segment that is a piece rather than the end of what an MSS allows
PACKET_HEADER: Final[i64] = 4
COMPRESSED_HEADER: Final[i64] = 7
ENDED: Final[i64] = -1           # this framing does not fit


class Turn:
    """Joins the pieces of a packet. The connection is charged for what is kept."""

    __slots__ = ("compressed", "data", "log", "packets", "peer_frame", "records", "speaker")

    def __init__(self, log: ConnectionLog) -> None:
        self.log = log
        self.speaker: i64 = -1       # 1 the client, 0 the server, -1 nobody yet
        self.peer_frame: i64 = -1    # the frame in which the other side spoke last
        self.data = b""              # since the last boundary
        self.packets: i64 = 0        # where in `data` the packet begins that is not whole yet, or ENDED
        self.compressed: i64 = 0
        self.records: i64 = 0

    def add(self, data: bytes, at: i64, end: i64, cut: i64, from_client: bool, peer_frame: i64) -> bool:
        """Add a segment. Return whether `self.data`, of several segments, now ends with a packet or record.

        cut: bytes behind it that the snaplen took: nothing is joined over them. peer_frame: the frame in which the
        other direction spoke last; what is said on end goes no further.
        """
        if cut > 0:
            self.clear()
            return False
        speaker: i64 = 1 if from_client else 0
        if speaker != self.speaker or peer_frame != self.peer_frame:
            self.clear()
            self.speaker = speaker
            self.peer_frame = peer_frame
        elif not self.is_open():
            self.clear()
        before: i64 = len(self.data)
        size = before + end - at
        if size > MAX_TURN:
            self.clear()
            return False
        if before > 0:
            data = self.data + data[at:end]
            at = 0
        packets = _advance(PACKET_HEADER, self.packets, data, at, size)
        compressed = _advance(COMPRESSED_HEADER, self.compressed, data, at, size)
        records = _advance(RECORD_HEADER, self.records, data, at, size)
        ends = before > 0 and (packets > self.packets or compressed > self.compressed or records > self.records)
        self.packets = packets
        self.compressed = compressed
        self.records = records
        if ends or self._goes_on(size):
            self.log.charge(size - before)
            self.data = data[at : at + size]
        else:
            self.clear()
        return ends

    def is_open(self) -> bool:
        """Return whether a packet or record goes on in segments to come."""
        return self._goes_on(len(self.data))

    def _goes_on(self, size: i64) -> bool:
        if size in (self.packets, self.compressed, self.records):
            return False  # a boundary, if only by one framing: the others read on in what is none of their headers
        return self.packets >= 0 or self.compressed >= 0 or self.records >= 0

    def clear(self) -> None:
        """Let go of what was joined: the next segment begins at a boundary, or is judged by itself."""
        if self.data:
            self.log.charge(-len(self.data))
            self.data = b""
        self.packets = 0
        self.compressed = 0
        self.records = 0


def _advance(header: i64, place: i64, data: bytes, at: i64, size: i64) -> i64:
    """Return where in data[at:][:size] the first packet begins that is not whole, or ENDED where a header fits none.

    header: bytes of one, which tells the framing. place: where the first one began that was not whole before.
    """
    while place >= 0 and place + header <= size:
        length = record_length(data, at + place) if header == RECORD_HEADER else u24(data, at + place)
        stop = place + header + length
        if length <= 0 or stop > MAX_TURN:
            return ENDED
        if stop > size:
            break
        place = stop
    return place
