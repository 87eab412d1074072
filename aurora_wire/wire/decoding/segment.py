"""A direction's bytes as they come: segments, and how far they have come."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

MASK: Final[i64] = 0xFFFFFFFF    # of sequence numbers, which count modulo 2^32
SEGMENT_COST: Final[i64] = 200  # bytes that a segment which waits takes beside its own


@mypyc_attr(acyclic=True)
class Segment:
    """Bytes that wait: `data`, then `cut` bytes that the snaplen took. payload_at: of data[0] in its frame."""

    __slots__ = ("cut", "data", "frame", "offset", "payload_at", "time_ns")

    def __init__(self, offset: i64, data: bytes, cut: i64, frame: i64, time_ns: i64, payload_at: i64) -> None:
        self.offset: Final[i64] = offset
        self.data: Final = data
        self.cut: Final[i64] = cut
        self.frame: Final[i64] = frame
        self.time_ns: Final[i64] = time_ns
        self.payload_at: Final[i64] = payload_at

    def end(self) -> i64:
        return self.offset + len(self.data) + self.cut


class Progress:
    """How far a direction has come: `next` is delivered or given up, `acked` acknowledged by the peer; offsets."""

    def __init__(self) -> None:
        self.next: i64 = 0
        self.acked: i64 = 0
