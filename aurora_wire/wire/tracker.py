"""Labels for frames: which bytes of each frame's payload are what. Only where somebody asks for a packet list.

A direction's bytes are labelled in stream order, often later than they came: the tracker keeps the frames that
wait for it, and hands each out when all its bytes have a label. A frame whose payload went to the stream in pieces
(others had brought some of it before) comes once for each.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.labels import RETRANSMISSION, UNKNOWN


@mypyc_attr(acyclic=True)
class Span:
    """Bytes [start, end) of a payload and the label of what they are."""

    __slots__ = ("end", "label", "start")

    def __init__(self, start: i64, end: i64, label: i64) -> None:
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.label: Final[i64] = label


@mypyc_attr(acyclic=True)
class LabelledFrame:
    """A frame and what its payload is. `label` is that of a frame without spans of its own.

    connection is 0 where the frame belongs to none; from_client 1, 0, or -1 where not known.
    """

    __slots__ = ("connection", "frame", "from_client", "label", "spans")

    def __init__(self, frame: i64, connection: i64, from_client: i64, label: i64, spans: list[Span]) -> None:
        self.frame: Final[i64] = frame
        self.connection: Final[i64] = connection
        self.from_client: Final[i64] = from_client
        self.label: Final[i64] = label
        self.spans: Final = spans


@mypyc_attr(acyclic=True)
class _Waiting:
    __slots__ = ("end", "frame", "payload_at", "spans", "start")

    def __init__(self, frame: i64, start: i64, end: i64, payload_at: i64) -> None:
        self.frame: Final[i64] = frame
        self.start: Final[i64] = start            # stream offsets of what the frame brought
        self.end: Final[i64] = end
        self.payload_at: Final[i64] = payload_at  # where in its payload these bytes begin
        self.spans: list[Span] = []


class Tracker:
    """Of one direction. Finished frames are appended to `out`, which all directions share."""

    __slots__ = ("connection", "done", "from_client", "out", "waiting")

    def __init__(self, connection: i64, from_client: i64, out: list[LabelledFrame]) -> None:
        self.connection: i64 = connection
        self.from_client: i64 = from_client
        self.out: Final = out
        self.waiting: list[_Waiting] = []
        self.done: i64 = 0  # stream offset up to which bytes have labels

    def frame(self, frame: i64, start: i64, end: i64, payload_at: i64) -> None:
        """Frame `frame` brought the stream's bytes [start, end), in order."""
        self.waiting.append(_Waiting(frame, start, end, payload_at))

    def alone(self, frame: i64, label: i64) -> None:
        """A frame whose payload has no place in the stream (again), or that has none."""
        self.out.append(LabelledFrame(frame, self.connection, self.from_client, label, []))

    def again(self, frame: i64, start: i64, end: i64) -> None:
        """Bytes [start, end) of a frame's payload came before; of the others the frame's label is still to come."""
        spans = [Span(start, end, RETRANSMISSION)]
        self.out.append(LabelledFrame(frame, self.connection, self.from_client, RETRANSMISSION, spans))

    def span(self, end: i64, label: i64) -> None:
        """All bytes from where the last span ended up to `end` are what `label` says."""
        start = self.done
        if end <= start:
            return
        self.done = end
        finished: i64 = 0
        for item in self.waiting:
            if item.start >= end:
                break
            low = start if start > item.start else item.start
            high = end if end < item.end else item.end
            if low < high:
                begin = item.payload_at + low - item.start
                item.spans.append(Span(begin, begin + high - low, label))
            if item.end <= end:
                self.out.append(
                    LabelledFrame(item.frame, self.connection, self.from_client, item.spans[-1].label, item.spans)
                )
                finished += 1
        if finished:
            del self.waiting[:finished]

    def flush(self) -> None:
        """No more bytes will come: what has no label yet is unknown."""
        if self.waiting:
            self.span(self.waiting[-1].end, UNKNOWN)
