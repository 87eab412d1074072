"""The loop between a capture and the engine: compiled, so that a frame costs no call into the interpreter."""

from mypy_extensions import i64

from aurora_wire.capture.source import FrameSource
from aurora_wire.wire.engine import Engine


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
