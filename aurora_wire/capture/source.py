"""What every reader of frames looks like to the loop that feeds the engine.

A frame is an offset into a buffer: nothing is allocated for it. The fields of a `FrameSource` are those of the
current frame and are valid until the next call of `advance`.
"""

from mypy_extensions import i64

from aurora_wire.errors import CaptureError


class FrameSource:
    """The frames of one capture, in file order.

    `advance` makes the next frame the current one, or returns False at the end. It raises CaptureError (with
    the file offset) where the capture is damaged: the frames before were given.
    """

    def __init__(self) -> None:
        self.buffer: bytes = b""      # holds the current frame, and others
        self.at: i64 = 0              # offset of the frame's first byte in `buffer`
        self.captured_len: i64 = 0    # bytes kept
        self.original_len: i64 = 0    # bytes on the wire
        self.time_ns: i64 = 0         # since 1970 UTC; since midnight in a dump without a date
        self.link_type: i64 = -1      # LINKTYPE_* as in pcap files (EN10MB is 1)

    def advance(self) -> bool:
        raise NotImplementedError


class NoFrames(FrameSource):
    """A capture without frames."""

    def advance(self) -> bool:
        return False


__all__ = ["CaptureError", "FrameSource", "NoFrames"]
