"""IP datagrams put together again from their fragments, within bounds.

Source: RFC 791 section 3.2 "An Example Reassembly Procedure"; RFC 8200 section 4.5; RFC 5722.

Where two fragments carry different bytes for one place, the first counts and `conflicts` goes up. A receiver
may have decided otherwise, so the datagram says that it is in dispute.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

# Our bounds, not the protocol's.
MAX_DATAGRAMS: Final[i64] = 1024     # incomplete at a time
MAX_HELD: Final[i64] = 8 << 20       # bytes kept in all of them, PIECE_COST for each piece included
MAX_PIECES: Final[i64] = 1024        # of one datagram
MAX_WAIT: Final[i64] = 50_000        # frames after a datagram's first fragment: no clock here
PIECE_COST: Final[i64] = 128         # what a piece takes beside its bytes, roughly

WAITING: Final[i64] = 0
COMPLETE: Final[i64] = 1             # the fields of Fragments hold the datagram
REFUSED: Final[i64] = 2              # this fragment was not kept


@mypyc_attr(acyclic=True)
class Fragment:
    """Payload bytes `start` to `end` of a datagram; fewer are in `data` where snaplen cut them."""

    __slots__ = ("data", "end", "start")

    def __init__(self, start: i64, end: i64, data: bytes) -> None:
        self.start: i64 = start
        self.end: i64 = end
        self.data: bytes = data


@mypyc_attr(acyclic=True)
class Datagram:
    """One that is not complete yet. Its pieces are in order and don't overlap."""

    __slots__ = (
        "first_frame", "fragment_count", "header", "held", "in_dispute", "is_elsewhere", "losing", "pieces", "protocol",
        "total",
    )

    def __init__(self, first_frame: i64) -> None:
        self.first_frame: i64 = first_frame
        self.fragment_count: i64 = 0
        self.header: bytes = b""     # IP header of the fragment at offset 0
        self.protocol: i64 = 0       # what that fragment says follows
        self.total: i64 = -1         # payload length, known from the last fragment
        self.in_dispute: bool = False
        self.is_elsewhere: bool = False  # its ports are there, and none is MySQL's or a tunnel's
        self.held: i64 = 0
        self.pieces: list[Fragment] = []
        self.losing: list[Fragment] = []  # copies that came later and differ

    def is_complete(self) -> bool:
        if self.total < 0:
            return False
        at: i64 = 0
        for piece in self.pieces:
            if piece.start != at:
                return False
            at = piece.end
        return at == self.total

    def insert(self, start: i64, end: i64, data: bytes) -> None:
        """Keep what no earlier fragment brought; note a difference in what one did."""
        pieces = self.pieces
        if not pieces or start >= pieces[-1].end:
            self.keep(pieces, start, end, data, start)
            return
        merged: list[Fragment] = []
        at: i64 = start
        for piece in pieces:
            if at < end and piece.end > at:
                if piece.start > at:
                    until: i64 = piece.start if piece.start < end else end
                    self.keep(merged, at, until, data, start)
                    at = until
                if piece.start < end:
                    self.compare(piece, start, data)
                    at = piece.end
            merged.append(piece)
        if at < end:
            self.keep(merged, at, end, data, start)
        self.pieces = merged

    def keep(self, pieces: list[Fragment], start: i64, end: i64, data: bytes, data_start: i64) -> None:
        kept = data[start - data_start : end - data_start]
        self.held += len(kept) + PIECE_COST
        pieces.append(Fragment(start, end, kept))

    def compare(self, piece: Fragment, start: i64, data: bytes) -> None:
        low: i64 = piece.start if piece.start > start else start
        piece_end: i64 = piece.start + len(piece.data)
        high: i64 = start + len(data)
        high = min(high, piece_end)
        if low < high:
            if piece.data[low - piece.start : high - piece.start] != data[low - start : high - start]:
                self.in_dispute = True
                copy = data[low - start : high - start]
                self.held += len(copy) + PIECE_COST
                if len(self.losing) < MAX_PIECES:
                    self.losing.append(Fragment(low, high, copy))


class Fragments:
    """All datagrams that wait for the rest of their fragments.

    After `add` answered COMPLETE, `header`, `protocol`, `payload`, `payload_len` and `in_dispute` are those
    of the datagram. `payload` ends at the first byte that snaplen cut; `payload_len` is the length on the
    wire.
    """

    __slots__ = (
        "conflicts", "datagrams", "edges", "elsewhere_count", "expired", "frame_count", "header", "held", "in_dispute",
        "max_datagrams", "max_held", "max_wait", "other", "payload", "payload_len", "ports", "protocol", "used_count",
    )

    def __init__(
        self, max_datagrams: i64 = MAX_DATAGRAMS, max_held: i64 = MAX_HELD, max_wait: i64 = MAX_WAIT
    ) -> None:
        self.max_datagrams: i64 = max_datagrams
        self.max_held: i64 = max_held
        self.max_wait: i64 = max_wait
        self.datagrams: dict[bytes, Datagram] = {}  # oldest first
        self.ports: set[int] = set()  # MySQL's, where the ports of fragments are to be looked at
        self.held: i64 = 0
        self.frame_count: i64 = 0   # fragments seen
        self.used_count: i64 = 0    # of them, those of datagrams that became complete
        self.elsewhere_count: i64 = 0  # of those given up, fragments between ports that are not MySQL's
        self.expired: i64 = 0       # datagrams given up, by age or by a bound
        self.conflicts: i64 = 0     # fragments that said something else than an earlier one
        self.header: bytes = b""
        self.protocol: i64 = 0
        self.payload: bytes = b""
        self.other: bytes = b""     # the payload with the copies that differ in place, if there are any
        self.payload_len: i64 = 0
        self.in_dispute: bool = False
        self.edges: list[int] = []  # of the payload, where fragments begin, and those end that lost

    def add(
        self, key: bytes, frame: i64, start: i64, end: i64, is_last: bool, data: bytes, header: bytes,
        protocol: i64, is_elsewhere: bool = False,
    ) -> i64:
        """Add a fragment. Return WAITING, COMPLETE or REFUSED.

        `key` tells datagrams apart, `frame` counts frames, `start` and `end` are the place of the payload on
        the wire, of which `data` was captured. `header`, `protocol` and `is_elsewhere` count where `start` is 0.
        """
        self.frame_count += 1
        self.expire(frame)
        datagram = self.datagrams.get(key)
        if datagram is None:
            datagram = Datagram(frame)
            self.datagrams[key] = datagram
        if len(datagram.pieces) >= MAX_PIECES:
            return REFUSED
        if not self.fits(datagram, end, is_last):
            self.conflicts += 1
            datagram.in_dispute = True
            return REFUSED
        held_before: i64 = datagram.held
        was_in_dispute = datagram.in_dispute
        datagram.in_dispute = False
        datagram.insert(start, end, data)
        if datagram.in_dispute:
            self.conflicts += 1
        datagram.in_dispute = datagram.in_dispute or was_in_dispute
        datagram.fragment_count += 1
        if is_last:
            datagram.total = end
        if start == 0 and not datagram.header:
            datagram.header = header
            datagram.protocol = protocol
            datagram.is_elsewhere = is_elsewhere
        self.held += datagram.held - held_before
        if datagram.is_complete():
            self.complete(key, datagram)
            return COMPLETE
        self.keep_within_bounds()
        return WAITING

    def lost_count(self) -> i64:
        """Return how many fragments are in no whole datagram: given up, refused, or waiting still.

        At the end of a capture these are what was not read; each had been answered with FRAGMENT_WAITING or
        FRAGMENT_LOST, and so had those that were used in the end. Those between ports that are visible and not
        MySQL's do not count.
        """
        count: i64 = self.frame_count - self.used_count - self.elsewhere_count
        for datagram in self.datagrams.values():
            if datagram.is_elsewhere and not datagram.in_dispute:
                count -= datagram.fragment_count
        return count

    def fits(self, datagram: Datagram, end: i64, is_last: bool) -> bool:
        """Return False if this fragment and an earlier one disagree about where the datagram ends."""
        if datagram.total >= 0:
            return end == datagram.total if is_last else end <= datagram.total
        return not (is_last and datagram.pieces and datagram.pieces[-1].end > end)

    def complete(self, key: bytes, datagram: Datagram) -> None:
        parts: list[bytes] = []
        for piece in datagram.pieces:
            parts.append(piece.data)
            if len(piece.data) < piece.end - piece.start:
                break
        self.payload = b"".join(parts)
        self.other = b""
        if datagram.losing:
            other = bytearray(self.payload)
            for piece in datagram.losing:
                if piece.end <= len(other):
                    other[piece.start : piece.end] = piece.data
            self.other = bytes(other)
        self.payload_len = datagram.total
        self.header = datagram.header
        self.protocol = datagram.protocol
        self.in_dispute = datagram.in_dispute
        self.edges = [int(piece.start) for piece in (*datagram.pieces, *datagram.losing)]
        self.edges += [int(piece.end) for piece in datagram.losing]
        self.used_count += datagram.fragment_count
        self.held -= datagram.held
        del self.datagrams[key]

    def expire(self, frame: i64) -> None:
        """Give up those that waited too long."""
        while self.datagrams:
            oldest = next(iter(self.datagrams))
            if frame - self.datagrams[oldest].first_frame <= self.max_wait:
                return
            self.give_up(oldest)

    def keep_within_bounds(self) -> None:
        while self.datagrams and (len(self.datagrams) > self.max_datagrams or self.held > self.max_held):
            self.give_up(next(iter(self.datagrams)))

    def give_up(self, key: bytes) -> None:
        datagram = self.datagrams[key]
        self.held -= datagram.held
        self.expired += 1
        if datagram.is_elsewhere and not datagram.in_dispute:
            self.elsewhere_count += datagram.fragment_count
        del self.datagrams[key]
