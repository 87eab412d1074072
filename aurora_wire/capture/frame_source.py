"""What every reader of frames looks like to the loop that feeds the engine.

A frame is an offset into a buffer: nothing is allocated for it. The fields of a `FrameSource` are those of
the current frame and are valid until the next call of `advance`.
"""

from collections.abc import Callable
from typing import Final, NoReturn

from mypy_extensions import i64

from aurora_wire.errors import CaptureError

NO_TIME: Final[i64] = -1  # `time_ns` of a frame that carries none: it keeps its place in the order
MAX_TIME: Final[int] = (1 << 62) - 1  # in 2116; no time is later, so that sums of times stay within 64 bits


def describe_loss(count: int) -> str:
    """Return the end of an error's reason, where so many packets were read before it."""
    if count == 0:
        return "No packet before it was read."
    packets = "packet" if count == 1 else "packets"
    were = "was" if count == 1 else "were"
    return f"{count} {packets} before it {were} read, the rest counts as missing."


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
        """Return the end of an error's reason: what was read before it."""
        return describe_loss(int(self.count))


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
        self.ahead = b""    # a block of which `buffer` holds the beginning
        self.ahead_at: i64 = 0

    def need(self, length: i64) -> bool:
        """Read until `length` bytes from `next` on are in `buffer`. Return False if the file ends before."""
        have: i64 = self.size - self.next
        if have >= length:
            return True
        if have == 0 and self._whole_block():
            have = self.size - self.next
            if have >= length:
                return True
        # A record that straddles blocks: it alone is put together, the rest of the block stays where it is.
        parts = [self.buffer[self.next : self.size]]
        while have < length:
            left: i64 = len(self.ahead) - self.ahead_at
            if left == 0:
                self.ahead = self.next_block()
                self.ahead_at = 0
                left = len(self.ahead)
                if left == 0:
                    break
            take: i64 = min(left, length - have)
            parts.append(self.ahead[self.ahead_at : self.ahead_at + take])
            self.ahead_at += take
            have += take
        self.base += self.next
        self.buffer = b"".join(parts)
        self.size = have
        self.next = 0
        return have >= length

    def _whole_block(self) -> bool:
        """Go on in the block ahead, or in the next one: nothing of `buffer` is left. Return False at the end."""
        end: i64 = self.base + self.size
        if self.ahead_at == len(self.ahead):
            self.ahead = self.next_block()
            self.ahead_at = 0
            if not self.ahead:
                return False
        self.base = end - self.ahead_at
        self.buffer = self.ahead
        self.size = len(self.buffer)
        self.next = self.ahead_at
        self.ahead = b""
        self.ahead_at = 0
        return True

    def skip(self, length: i64) -> bool:
        """Leave `length` bytes out without keeping them; False where the file ends before."""
        left: i64 = length
        while left > self.size - self.next:
            left -= self.size - self.next
            self.next = self.size
            if not self._whole_block():
                self.base += self.size
                self.buffer = b""
                self.size = 0
                self.next = 0
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
        """Return how many bytes are in `buffer` from `next` on."""
        return self.size - self.next

    def fail(self, reason: str) -> NoReturn:
        """Raise CaptureError: the capture cannot be read further from `next` on."""
        self.damaged = True
        raise CaptureError(self.path, int(self.base + self.next), reason)

    def broken(self, reason: str) -> NoReturn:
        """Raise as `fail` does, where a copy that was cut or changed is the likely cause."""
        self.fail(f"{reason}. {self.loss()} Was the copy complete?")


__all__ = ["MAX_TIME", "NO_TIME", "BlockSource", "CaptureError", "FrameSource", "describe_loss"]
