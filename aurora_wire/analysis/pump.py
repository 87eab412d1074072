"""The loop between a capture and the engine: compiled, so that a frame costs no call into the interpreter."""

from collections.abc import Callable

from mypy_extensions import i64

from aurora_wire.capture.frame_source import FrameSource
from aurora_wire.wire.flows.engine import Engine


def pump(source: FrameSource, engine: Engine, limit: i64) -> i64:
    """Feed up to `limit` frames; answers how many there were, fewer only at the end of the capture.

    Raises CaptureError where the capture is damaged: the frames before it were fed.
    """
    count: i64 = 0
    while count < limit and source.advance():
        engine.feed(
            source.buffer, source.at, source.captured_len, source.original_len, source.time_ns, source.link_type
        )
        count += 1
    return count


def pump_until(source: FrameSource, engine: Engine, limit: i64, until: i64) -> bool:
    """Feed the current frame and those that follow it, up to `limit` and to the first one later than `until`.

    That one is then the current frame; False where there is none: the capture has ended. A frame without a time
    goes with the one before it. Stops earlier where the caller has to take what the engine has for it.
    """
    count: i64 = 0
    while True:
        engine.feed(
            source.buffer, source.at, source.captured_len, source.original_len, source.time_ns, source.link_type
        )
        count += 1
        if not source.advance():
            return False
        if source.time_ns > until or count >= limit:
            return True
        if count & 63 == 0 and engine.waits_to_be_taken():
            return True


def _note(engine: Engine, seen_in: dict[int, int], bit: int) -> None:
    """Note that the connection of the last TCP packet was seen in the capture of this bit."""
    connection = engine.last_connection()
    if connection is not None:
        number = int(connection.facts.id)
        seen = seen_in.get(number, 0)
        if not seen & bit:
            seen_in[number] = seen | bit


def pump_noting(
    source: FrameSource, engine: Engine, limit: i64, until: i64, seen_in: dict[int, int] | None, capture: int,
    takes: Callable[[bytes, int, int], bool] | None,
) -> bool:  # fmt: skip
    """Do as `pump_until`, and note in `seen_in`, by connection, a bit for each capture with a packet of it.

    takes: says of a frame (data, length on the wire, link type) whether the engine is fed with it. The others are
    counted, so that frames keep their numbers.
    """
    count: i64 = 0
    bit = 1 << capture
    while True:
        end: i64 = source.at + source.captured_len
        if takes is None or takes(source.buffer[source.at : end], source.original_len, source.link_type):
            before = engine.tcp_frames
            engine.feed(
                source.buffer, source.at, source.captured_len, source.original_len, source.time_ns, source.link_type
            )
            if seen_in is not None and engine.tcp_frames != before:
                _note(engine, seen_in, bit)
        else:
            engine.frames += 1
        count += 1
        if not source.advance():
            return False
        if source.time_ns > until or count >= limit:
            return True
        if count & 63 == 0 and engine.waits_to_be_taken():
            return True


def pump_share(
    source: FrameSource, engine: Engine, limit: i64, until: i64, seen_in: dict[int, int] | None, capture: int,
    marks: list[int],
) -> bool:  # fmt: skip
    """Do as `pump_noting` (where there is a `seen_in`) in one of several processes, each with flows of its own.

    Of each frame that brought something four numbers go to `marks`: the frame, how many connections have begun, how
    many that ended wait to be taken, and what was left for inflating.
    """
    count: i64 = 0
    bit = 1 << capture
    budget = engine.budget
    left: i64 = budget.lowest
    begun: i64 = engine.next_id
    ended: i64 = len(engine.ended)
    while True:
        before = engine.tcp_frames
        engine.feed(
            source.buffer, source.at, source.captured_len, source.original_len, source.time_ns, source.link_type
        )
        if seen_in is not None and engine.tcp_frames != before:
            _note(engine, seen_in, bit)
        ended_now: i64 = len(engine.ended)
        if engine.next_id != begun or ended_now != ended or budget.lowest != left:
            begun = engine.next_id
            left = budget.lowest
            ended = ended_now
            marks.append(int(engine.frames))
            marks.append(int(begun - 1))
            marks.append(int(ended))
            marks.append(int(left))
        budget.lowest = budget.inflating
        count += 1
        if not source.advance():
            return False
        if source.time_ns > until or count >= limit:
            return True
        if count & 63 == 0 and engine.waits_to_be_taken():
            return True
