"""What a protocol with a folder of its own gives to the rooms above: how its bytes are told from others, and what its
connections showed. docs/adding.md says which rows name them.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

# What `Shape.opens` returns.
YES: Final[i64] = 1
NO: Final[i64] = 0
MORE: Final[i64] = -1   # the bytes there are could become it, or something else


class Shape:
    """How a protocol is told from others by its bytes."""

    def __init__(self, name: str, port: i64) -> None:
        self.name = name          # as reports call it
        self.port: i64 = port     # its usual one, on which less proof is asked for; -1: none

    def opens(self, data: bytes, at: i64, end: i64, from_client: bool) -> i64:
        """Return whether a direction that begins with data[at:end] begins as the protocol does: YES, NO or MORE."""
        raise NotImplementedError

    def goes_on(self, data: bytes, at: i64, end: i64, from_client: bool) -> bool:
        """Return whether a segment of mid-stream, on the protocol's own port, is of it."""
        return False


@mypyc_attr(acyclic=True)
class Session:
    """What one connection of a protocol showed, written by both directions' decoders. -1 where a thing was not seen."""

    def __init__(self) -> None:
        self.leak_frame: i64 = -1         # the first message that needed protection and had none
        self.leak_offset: i64 = -1
        self.leak_from_client = False
        self.leaks: i64 = 0               # such messages
        self.certain = False              # what was read can be nothing else than this protocol

    def leak(self, from_client: bool, frame: i64, offset: i64) -> None:
        """Count a message that needed protection and crossed readable; the first keeps its place."""
        if self.leaks == 0:
            self.leak_frame = frame
            self.leak_offset = offset
            self.leak_from_client = from_client
        self.leaks += 1
