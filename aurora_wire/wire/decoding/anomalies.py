"""Anomalies: what weakens a verdict, or is only odd. Each kind once a direction, with its first place and a count.

The numbers are the engine's; names and words for them are the verdict's.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

GAP: Final[i64] = 0                 # bytes that were never captured
TRUNCATED: Final[i64] = 1           # bytes cut by the snaplen
CONFLICT: Final[i64] = 2            # other bytes for the same place, not yet acknowledged
CONFLICT_ACKED: Final[i64] = 3      # the same after the receiver had acknowledged: changes nothing
OVERLAP_UNCHECKED: Final[i64] = 4   # a retransmission that could not be compared any more
BAD_CHECKSUM: Final[i64] = 5
OUT_OF_WINDOW: Final[i64] = 6
AFTER_RST: Final[i64] = 7
KEEP_ALIVE: Final[i64] = 8
MID_STREAM: Final[i64] = 9          # the beginning of this direction was not captured
EVICTED: Final[i64] = 10
DAMAGED_FILE: Final[i64] = 11
BOUND: Final[i64] = 12              # one of our bounds was reached
BAD_RECORD: Final[i64] = 13         # not a TLS record where one had to be
READABLE_RECORD: Final[i64] = 14    # a long readable run inside an encrypted record
WRONG_VERSION: Final[i64] = 15      # a record's version is not the negotiated one
UNEXPECTED_RECORD: Final[i64] = 16  # a type that cannot come after the handshake
INJECTED: Final[i64] = 17           # bytes between SSLRequest and ClientHello
PLAINTEXT_AFTER_TLS: Final[i64] = 18
LOST_FRAMING: Final[i64] = 19       # MySQL packets that do not fit together
READABLE_UNKNOWN: Final[i64] = 20   # readable text among bytes that could not be decoded
BAD_COMPRESSION: Final[i64] = 21
MIXED_CHECKSUM: Final[i64] = 23     # segments with a wrong checksum were believed before a right one was seen
SET_ASIDE: Final[i64] = 24          # bytes that are in no stream, and not known to be harmless
UNSOLICITED_TLS: Final[i64] = 22    # TLS in a direction although no SSLRequest was seen
SKEWED_RECORD: Final[i64] = 25      # bytes of encrypted records that are not spread as ciphertext's are
READABLE_BEHIND_GAP: Final[i64] = 26  # readable text behind a gap: of a TLS handshake, where there was one


@mypyc_attr(acyclic=True)
class Anomaly:
    """One kind of anomaly in one direction of a connection: the first place, and a count."""

    __slots__ = ("amount", "count", "frame", "from_client", "kind", "offset")

    def __init__(self, kind: i64, from_client: bool, frame: i64, offset: i64) -> None:
        self.kind: Final[i64] = kind
        self.from_client: bool = from_client
        self.frame: Final[i64] = frame    # of the first
        self.offset: Final[i64] = offset  # stream offset of the first
        self.count: i64 = 0
        self.amount: i64 = 0              # bytes, over all
