"""Copies of the same bytes: segments that overlap others, and what becomes of the copy that does not count.

Source: RFC 9293, section 3.10.7.4: a receiver keeps the first copy of a byte. A capture may have seen what the receiver
did not, so that later copies are compared with it. These are functions over `Stream`, which calls them off its fast
path: the next segment of a direction never comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.decoding.segment import MASK, SEGMENT_COST, Segment
from aurora_wire.wire.flows.overlap_history import DIFFERENT, MAX_AROUND, NOT_KEPT, SAME

if TYPE_CHECKING:
    from aurora_wire.wire.flows.tcp_stream import Stream

NEARBY: Final[i64] = 2048           # bytes on either side of a conflict that are looked at with it


@mypyc_attr(acyclic=True)
class Torn:
    """The last gap that was given up, [start, end), and what was on both sides of it: should it be filled after all."""

    __slots__ = ("around", "end", "size", "start")

    def __init__(self, start: i64, end: i64, around: list[Segment]) -> None:
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.around = around
        self.size: i64 = 0  # bytes of these, taken from the budget

    def give_back(self, budget: Budget) -> None:
        budget.history += self.size
        self.size = 0
        self.around = []


def compare(
    stream: Stream, offset: i64, data: bytes, at: i64, end: i64, last: i64, frame: i64, time_ns: i64
) -> bool:
    """Compare bytes that were passed by with what was delivered. Return False if they were set aside.

    last: the end of their segment.
    """
    begin = at  # of its payload
    if offset < 0:
        # Before what was seen first: nothing to compare with, and nothing rests on it.
        before = at - offset
        if before > end:
            before = end
        _set_aside(stream, offset, data, at, before, last, frame, time_ns, True)
        at -= offset
        offset = 0
    if at >= end:
        return False
    stop = offset + end - at
    found = stream.history.compare(offset, data, at, end)
    kind: i64 = -1
    is_probe = False  # a keep-alive, or captured twice, perhaps among what was sent next: its byte means nothing
    if stop - offset == 1:
        byte: i64 = offset << 8 | data[at]
        is_probe = stop == stream.next or byte == stream.probe
        if is_probe:
            stream.probe = byte
    tracker = stream.side.tracker
    if tracker is not None and found == SAME:
        tracker.same(frame, at - begin, end - begin, offset)
    if found == DIFFERENT:
        # What was acknowledged the receiver has taken. Of what was not, it may have taken either copy.
        if not is_probe:
            kind = anomalies.CONFLICT if stop > stream.acked else anomalies.CONFLICT_ACKED
    elif found == NOT_KEPT and stop > stream.acked and not _same_unacked(stream, offset, data, at, end):
        kind = anomalies.OVERLAP_UNCHECKED
    if kind >= 0:
        stream.facts.note(kind, stream.side.from_client, frame, time_ns, offset, stop - offset)
        first, behind = stream.history.bounds(offset, stop)
        if found == NOT_KEPT:
            first = offset
            behind = stop
        stream.facts.add_seams(stream.side, first, behind)
        if last > end:
            stream.facts.add_seams(stream.side, stop, stop + last - end)  # the rest goes on in the stream
        if found == DIFFERENT:
            begin, kept = stream.history.around(stream.next)
            low = offset - begin - NEARBY
            if low < 0:
                low = 0
            stream.receiver.disputed(stream, kept[low : stop - begin + NEARBY], frame)
    if found == SAME or is_probe:
        stream.side.repeated += end - at
        return True
    torn = stream.torn
    if torn is not None and offset < torn.end and stop > torn.start:
        # It fills what was given up: read it in its place.
        for piece in torn.around:
            seq = (stream.next_seq + piece.offset - stream.next) & MASK
            size: i64 = len(piece.data)
            stream.receiver.set_aside(stream, seq, piece.data, 0, size, piece.frame, piece.time_ns, False)
        torn.give_back(stream.budget)
    _set_aside(stream, offset, data, at, end, last, frame, time_ns, kind >= 0)
    return False


def _same_unacked(stream: Stream, offset: i64, data: bytes, at: i64, end: i64) -> bool:
    """Return whether what of data[at:end] is not yet acknowledged was compared and is the same.

    A sender joins segments that it sends again, and of the first ones the acknowledgement may be on its way.
    """
    known = stream.acked - offset
    return known > 0 and stream.history.compare(stream.acked, data, at + known, end) == SAME


def _set_aside(
    stream: Stream, offset: i64, data: bytes, at: i64, end: i64, last: i64, frame: i64, time_ns: i64, doubtful: bool
) -> None:
    """Set data[at:end] aside; its segment goes on to `last`, in the stream."""
    seq = (stream.next_seq + offset - stream.next) & MASK
    stream.side.aside += end - at
    stream.receiver.set_aside(stream, seq, data, at, last, frame, time_ns, doubtful)


def make_way(stream: Stream, data: bytes, at: i64, end: i64, frame: i64, time_ns: i64) -> None:
    """Set aside what waits and differs from data[at:end], the next bytes: whole segments.

    Receivers take what fits at once, whatever waits behind it (Linux, BSD). And one sender does not send two copies:
    the rest of a segment that differs is not what follows.
    """
    begin = stream.next
    stop = begin + end - at
    kept: list[Segment] = []
    for old in stream.held:
        high = old.offset + len(old.data)
        if high > stop:
            high = stop
        if high <= old.offset or old.data[: high - old.offset] == data[at + old.offset - begin : at + high - begin]:
            kept.append(old)
            continue
        kind = anomalies.CONFLICT if high > stream.acked else anomalies.CONFLICT_ACKED
        stream.facts.note(kind, stream.side.from_client, frame, time_ns, old.offset, high - old.offset)
        stream.facts.add_seams(stream.side, begin, stop)
        stream.budget.held += len(old.data) + SEGMENT_COST
        stream.receiver.disputed(stream, data[at:end], frame)
        size: i64 = len(old.data)
        _set_aside(stream, old.offset, old.data, 0, size, size, old.frame, old.time_ns, True)
        stream.label_alone(old.frame, labels.DISREGARDED)
    if len(kept) < len(stream.held):
        stream.held = kept


def let_wait(
    stream: Stream, offset: i64, data: bytes, at: i64, end: i64, cut: i64, frame: i64, time_ns: i64, payload_at: i64
) -> None:
    """Let a segment wait. Bytes of segments that wait already are compared and left out: the first copy counts."""
    stop = offset + (end - at) + cut
    low = offset
    place: i64 = 0
    pieces: list[Segment] = []
    told = False  # what differs is set aside with all that follows in its segment: once
    for old in stream.held:
        old_end = old.end()
        if old_end <= low:
            place += 1
            continue
        if old.offset >= stop:
            break
        if old.offset > low:
            pieces.append(_piece(offset, data, at, end, low, old.offset, frame, time_ns, payload_at))
        told = _compare_held(stream, old, offset, data, at, end, frame, time_ns, payload_at, told) or told
        tracker = stream.side.tracker
        if tracker is not None:
            begin = low if low > old.offset else old.offset
            known = old_end if old_end < stop else stop
            tracker.again(frame, payload_at + begin - offset, payload_at + known - offset)
        low = old_end
    if low < stop:
        pieces.append(_piece(offset, data, at, end, low, stop, frame, time_ns, payload_at))
    for piece in pieces:
        stream.budget.held -= len(piece.data) + SEGMENT_COST
        place = len(stream.held)
        while place > 0 and stream.held[place - 1].offset > piece.offset:
            place -= 1
        stream.held.insert(place, piece)


def _compare_held(
    stream: Stream, old: Segment, offset: i64, data: bytes, at: i64, end: i64, frame: i64, time_ns: i64,
    payload_at: i64, told: bool,
) -> bool:
    """Compare a segment with one that waits. Return whether its bytes were set aside, from here to its end.

    told: an earlier comparison did so. Slivers that wait would otherwise take time by the square of their number.
    """
    found = False
    low = offset if offset > old.offset else old.offset
    high = offset + end - at
    old_high = old.offset + len(old.data)
    last = high if high < old.end() else old.end()
    if old_high < high:
        high = old_high
    if low < last and high < last:
        # The snaplen cut these off from the first copy: there is nothing to compare with.
        begin = low if low > high else high
        found = _set_aside_once(stream, begin, data, at, offset, last, end, frame, time_ns, told)
    if low < high:
        if old.data[low - old.offset : high - old.offset] != data[at + low - offset : at + high - offset]:
            kind = anomalies.CONFLICT if high > stream.acked else anomalies.CONFLICT_ACKED
            stream.facts.note(kind, stream.side.from_client, frame, time_ns, low, high - low)
            stream.facts.add_seams(stream.side, old.offset, old.end())
            if offset < old.offset:
                stream.facts.add_seams(stream.side, offset, old.offset)
            if offset + end - at > old.end():
                stream.facts.add_seams(stream.side, old.end(), offset + end - at)
            stream.receiver.disputed(stream, old.data, old.frame)
            return _set_aside_once(stream, low, data, at, offset, high, end, frame, time_ns, told or found) or found
        stream.side.repeated += high - low
        if stream.side.tracker is not None:
            begin = payload_at + low - offset
            stream.side.tracker.same(frame, begin, begin + high - low, low)
    return found


def _set_aside_once(
    stream: Stream, low: i64, data: bytes, at: i64, offset: i64, high: i64, end: i64, frame: i64, time_ns: i64,
    told: bool,
) -> bool:
    """Set the place [low, high) of a segment at `offset` aside; only count it where the reader has it already."""
    if told:
        stream.side.aside += high - low
        return False
    _set_aside(stream, low, data, at + low - offset, at + high - offset, end, frame, time_ns, True)
    return True


def remember_sides(stream: Stream, target: i64) -> None:
    """Keep what is on both sides of a gap up to `target`."""
    if stream.torn is not None:
        stream.torn.give_back(stream.budget)
    start, before = stream.history.around(stream.next)
    torn = Torn(stream.next, target, [])
    if before:
        torn.around.append(Segment(start, before, 0, stream.side.frame, stream.side.time_ns, 0))
    size: i64 = len(before)
    end = target
    for item in stream.held:
        if item.offset != end or item.cut > 0 or size > MAX_AROUND:
            break
        torn.around.append(item)
        size += len(item.data)
        end = item.end()
    if size <= stream.budget.history:
        stream.budget.history -= size
        torn.size = size
        stream.torn = torn
    else:
        stream.budget.refused = True
        stream.torn = None


def _piece(
    offset: i64, data: bytes, at: i64, end: i64, low: i64, high: i64, frame: i64, time_ns: i64, payload_at: i64
) -> Segment:
    """Return the part [low, high) of a segment at `offset`, in stream offsets."""
    have = offset + end - at
    stop = high if high < have else have
    piece = data[at + low - offset : at + stop - offset] if low < stop else b""
    return Segment(low, piece, high - low - len(piece), frame, time_ns, payload_at + low - offset)
