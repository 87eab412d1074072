"""What all decoders of one direction have in common.

A decoder is fed a direction's bytes in order, a segment (or what is left of one) at a time, told of gaps, and says
when another decoder has to go on. It never raises on bytes, and accounts for each byte exactly once.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import ConnectionLog, DirectionAccount

# What has to go on with the bytes that `feed` did not consume (`Decoder.next`).
STAY: Final[i64] = 0
TO_TLS: Final[i64] = 1         # TLS records begin here
TO_MYSQL: Final[i64] = 2       # MySQL packets begin here
TO_COMPRESSED: Final[i64] = 3  # packets of the compressed protocol begin here
TO_SEARCH: Final[i64] = 4      # the framing is lost: look for it
TO_OTHER: Final[i64] = 5       # not MySQL: nothing more is decoded
TO_GROUP: Final[i64] = 6       # the server handed the connection to group replication


class Decoder:
    """One direction's state machine. `next` is STAY, or which decoder goes on."""

    def __init__(self, log: ConnectionLog, side: DirectionAccount) -> None:
        self.side = side
        self.next: i64 = STAY
        self.log = log     # subclasses hold the same object as what it is to their protocol
        self.carry = b""  # consumed bytes, not accounted, that the next decoder has to be fed first

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        """Decode data[at:end]. Return where consumption ended: before `end` only if `next` says who goes on there.

        cut: bytes that the snaplen cut off directly after `end` (a `gap` of as many follows).
        """
        raise NotImplementedError

    def gap(self, count: i64) -> None:
        """Account for `count` missing bytes: never captured, or cut by the snaplen."""
        raise NotImplementedError

    def finish(self) -> None:
        """Account for held bytes: no more will come."""
        raise NotImplementedError

    def note(self, kind: i64, amount: i64) -> None:
        """Note an anomaly at the current place; `amount` is in bytes."""
        side = self.side
        self.log.note(kind, side.from_client, side.frame, side.time_ns, side.position, amount)
