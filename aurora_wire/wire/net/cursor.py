"""The walk through a frame's headers: every layer moves the cursor on.

A layer is a function that is given the cursor and answers with the next step (a negative number), or with the
reason why there is no TCP here (net/skip_reasons.py). Loops instead of recursion: a frame can't exhaust the stack.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import TOO_DEEP

MAX_DEPTH: Final[i64] = 8        # tunnels inside each other: our bound

MAX_LENGTH: Final[i64] = 1500    # in a type field: up to here it is an 802.3 length

# What is at the cursor.
ETHERNET: Final[i64] = -1
ETHERTYPE: Final[i64] = -2       # what Ethernet type `number` says
IP: Final[i64] = -3              # of the version that its first four bits say
IP_V4: Final[i64] = -4
IP_V6: Final[i64] = -5
PROTOCOL: Final[i64] = -6        # what IP protocol `number` says
TCP_HEADER: Final[i64] = -7
MPLS: Final[i64] = -8
PPP: Final[i64] = -9
LLC_HEADER: Final[i64] = -10

# Kinds of tags. Not those that each direction has its own of: MPLS labels, GTP's TEIDs.
VLAN_TAG: Final[i64] = 1
VNI: Final[i64] = 2
GRE_KEY: Final[i64] = 3


@mypyc_attr(acyclic=True)
class Cursor:
    """`at` to `end` are captured bytes of the layer in `buffer`; on the wire it went on to `wire_end`."""

    def __init__(self, fragments: Fragments) -> None:
        self.fragments: Final = fragments
        self.frame: i64 = 0            # frames so far
        self.buffer: bytes = b""
        self.at: i64 = 0
        self.end: i64 = 0
        self.wire_end: i64 = 0         # at least `end`
        self.number: i64 = 0           # of the protocol that comes next, for the steps that need one
        self.reason_detail: i64 = 0
        self.encapsulation: i64 = 0
        self.network: i64 = 0          # which one the frame was seen in, by its tags; 0: none says
        self.ip_at: i64 = 0
        self.ip_version: i64 = 0
        self.addresses_at: i64 = 0
        self.other: bytes = b""        # `buffer` with the copies of fragments that lost, if they disagreed
        self.in_dispute: bool = False  # reassembled from fragments that disagreed
        self.edges: list[int] = []     # of a `buffer` made of fragments, where these meet
        # Begins and ends of what outer headers hold beside their fixed fields: for who copies a frame, who clears it.
        self.extras: list[int] | None = None

    def enter(self, step: i64) -> i64:
        """Return the step into a tunnel, unless there are too many."""
        self.encapsulation += 1
        return step if self.encapsulation <= MAX_DEPTH else TOO_DEEP

    def tag(self, kind: i64, number: i64) -> None:
        """Add a tag that tells networks apart whose addresses may be the same: each with those around it."""
        self.network = (self.network * 0x01000193 + (kind << 32) + number + 1) & 0x0FFFFFFFFFFFFF

    def beside(self, at: i64, end: i64) -> None:
        """buffer[at:end] is of a header, and says nothing about what follows: a name, an option, a note."""
        extras = self.extras
        if extras is not None and at < end:
            extras.append(int(at))
            extras.append(int(end))

    def limit(self, wire_end: i64) -> None:
        """Limit the layer to where a header says that it ends. Captured bytes behind that are padding.

        A claim beyond what was on the wire stands: a mirror or a tool cut the rest.
        """
        self.wire_end = wire_end
        self.end = min(self.end, wire_end)
