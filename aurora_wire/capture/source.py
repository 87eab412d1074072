"""What every reader of frames looks like to the loop that feeds the engine.

A frame is an offset into a buffer: nothing is allocated for it. The fields of a `FrameSource` are those of
the current frame and are valid until the next call of `advance`.
"""

from collections.abc import Callable
from typing import Final, NoReturn

from mypy_extensions import i64, mypyc_attr

from aurora_wire.errors import CaptureError

NO_TIME: Final[i64] = -1  # `time_ns` of a frame that carries none: it keeps its place in the order
MAX_TIME: Final[int] = (1 << 62) - 1  # in 2116; no time is later, so that sums of times stay within 64 bits


@mypyc_attr(allow_interpreted_subclasses=True)
class FrameSource:
    """The frames of one capture, in file order.

    `advance` makes the next frame the current one, or returns False at the end. It raises CaptureError (with
    the file offset) where the capture is damaged: the frames before were given, and from then on it returns
    False.
    """

    def __init__(self) -> None:
        self.buffer: bytes = b""      # holds the current frame, and others
        self.at: i64 = 0              # offset of the frame's first byte in `buffer`
        self.captured_len: i64 = 0    # bytes kept
        self.original_len: i64 = 0    # bytes on the wire
        self.time_ns: i64 = 0         # since 1970 UTC; since midnight in a dump without a date; -1: none
        self.link_type: i64 = -1      # LINKTYPE_* as in pcap files (EN10MB is 1)
        self.count: i64 = 0           # frames given so far, the current one included
        self.damaged: bool = False    # `advance` has raised

    def advance(self) -> bool:
        raise NotImplementedError

    def loss(self) -> str:
        """The end of an error's reason: what was read before it."""
        if self.count == 0:
            return "No packet before it was read."
        packets = "packet" if self.count == 1 else "packets"
        were = "was" if self.count == 1 else "were"
        return f"{self.count} {packets} before it {were} read, the rest counts as missing."


class BlockSource(FrameSource):
    """Frames in a binary file that is read in blocks (of a file, a pipe, a decompressor).

    read: returns the next block, b"" at the end, and raises CaptureError where it cannot. A block is used as
    it is; only what straddles two is copied. Offsets in errors are those of the bytes that `read` returns.
    """

    def __init__(self, path: str, read: Callable[[], bytes]) -> None:
        super().__init__()
        self.path = path
        self.read = read
        self.size: i64 = 0  # of `buffer`
        self.next: i64 = 0  # where in `buffer` the next record begins
        self.base: i64 = 0  # file offset of the first byte of `buffer`

    def need(self, length: i64) -> bool:
        """Have `length` bytes in `buffer` from `next` on; where the file ends before, what is left: False."""
        have: i64 = self.size - self.next
        if have >= length:
            return True
        parts = [self.buffer[self.next:]] if have > 0 else []
        while have < length:
            block = self.next_block()
            if not block:
                break
            parts.append(block)
            have += len(block)
        self.base += self.next
        self.buffer = parts[0] if len(parts) == 1 else b"".join(parts)
        self.size = have
        self.next = 0
        return have >= length

    def skip(self, length: i64) -> bool:
        """Leave `length` bytes out without keeping them; False where the file ends before."""
        left: i64 = length
        while left > self.size - self.next:
            left -= self.size - self.next
            self.base += self.size
            self.next = 0
            self.buffer = self.next_block()
            self.size = len(self.buffer)
            if self.size == 0:
                return False
        self.next += left
        return True

    def next_block(self) -> bytes:
        try:
            return self.read()
        except CaptureError:
            self.damaged = True
            raise

    def left(self) -> i64:
        """Bytes in `buffer` from `next` on."""
        return self.size - self.next

    def fail(self, reason: str) -> NoReturn:
        """The capture cannot be read further from `next` on."""
        self.damaged = True
        raise CaptureError(self.path, int(self.base + self.next), reason)

    def broken(self, reason: str) -> NoReturn:
        """`fail`, where a copy that was cut or changed is the likely cause."""
        self.fail(f"{reason}. {self.loss()} Was the copy complete?")


__all__ = ["MAX_TIME", "NO_TIME", "BlockSource", "CaptureError", "FrameSource"]
