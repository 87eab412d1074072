"""Resynchronise on a server's packets: a chain whose sequence ids go up by one and whose lengths meet.

Behind a lost packet, or where a capture begins inside a result, a segment begins somewhere in a row. A chain is found
at any of its bytes: each further link is right by chance once in 2^16 or more, as its id is one of 256 and the length
before it has to end inside the segment.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24, u32
from aurora_wire.wire.mysql.lenenc import NULL, read_lestr
from aurora_wire.wire.mysql.plausibility import EVENT_HEADER, NOTHING, YEAR_2000, is_event, reply_tells

NONE: Final[i64] = -1
LONG_LINKS: Final[i64] = 4       # headers that follow a first one, over segments: 2^-48 at each byte
MAX_AWAITED: Final[i64] = 512    # places where a header is awaited
LINKS: Final[i64] = 3            # headers that follow a first one: 2^-48 at each byte
MANY_LINKS: Final[i64] = 11      # of packets of a few bytes each
MIN_SPAN: Final[i64] = 64        # bytes from the first header to the last
MAX_PACKET: Final[i64] = 1 << 20


def find_chain(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Return where in data[at:end] a chain of a server's packets begins that goes on to its end, or NONE.

    The last packet may run on behind `end`, or break off there by `cut` bytes. Shorter chains count where they end
    with the segment, and their last packet is an EOF, OK or ERR that is right to its last byte.
    """
    stop = end - 4
    place = at
    while place <= stop - 2:
        # The highest byte of a length up to MAX_PACKET; text has none below 16 but line ends.
        if data[place + 2] < 16:
            length = u24(data, place)
            if data[place + 4] == 0 and length > EVENT_HEADER and is_event(data, place, end):
                if _is_whole_event(data, place, end, length):
                    return place
            if length > 0 and place + 4 + length < stop:
                if data[place + 4 + length + 3] == (data[place + 3] + 1) & 0xFF and _holds(data, place, end, cut):
                    return place
        place += 1
    return _last_packet(data, at, end, cut)


def _is_whole_event(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Return whether an event written in our times ends with the segment, or where the next one begins.

    Among bytes that are mostly zeros many have an event's size for a number.
    """
    if u32(data, at + (7 if data[at + 5] == 0xEF else 5)) < YEAR_2000:
        return False
    stop = at + 4 + length
    return stop == end or (stop < end - 4 and data[stop + 3] == (data[at + 3] + 1) & 0xFF and is_event(data, stop, end))


def _holds(data: bytes, at: i64, end: i64, cut: i64) -> bool:
    """Return whether a chain from `at` on goes on to `end`, long enough or to a last packet that tells."""
    links: i64 = 0
    before: i64 = -1
    begin = at
    sequence: i64 = data[at + 3]
    while end - at >= 5:
        length = u24(data, at)
        number: i64 = data[at + 3]
        if length == 0 or length > MAX_PACKET:
            return False
        if number != sequence and not (number == 1 and before >= 0 and _tells(data, before, at)):
            return False
        sequence = (number + 1) & 0xFF
        before = at
        links += 1
        at += 4 + length
        if at == end + cut:
            return _is_long(links, end - begin) or (cut == 0 and links > 1 and _tells(data, before, end))
        if at > end:
            break
    return _is_long(links, before - begin)


def _is_long(links: i64, span: i64) -> bool:
    """Return whether so many headers over so many bytes are no chance, in bytes that are mostly zeros either."""
    return links > MANY_LINKS or (links > LINKS and span >= MIN_SPAN)


def _tells(data: bytes, at: i64, end: i64) -> bool:
    """Return whether the packet data[at:end], header included, is an EOF, OK or ERR, or the like, by its own fields."""
    return reply_tells(data, at + 4, end, data[at + 3]) != NOTHING


def _last_packet(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Return where an EOF, or an OK in its place, begins that ends with the segment: nine or eleven fixed bytes."""
    if cut > 0:
        return NONE
    for length in (5, 7):
        begin = end - length - 4
        if begin > at and u24(data, begin) == length and data[begin + 4] == 0xFE and data[begin + 3] > 1:
            if _tells(data, begin, end):
                return begin
    return NONE


def is_row(data: bytes, at: i64, end: i64) -> i64:
    """Return the number of columns of data[at:end] as a text row: strings with their lengths, or NULL, to the last
    byte.

    0 where it is none.
    """
    columns: i64 = 0
    while at < end:
        start, at = read_lestr(data, at, end)
        if start < 0 and start != NULL:
            return 0
        columns += 1
    return columns


def chain_tells(data: bytes, at: i64, end: i64) -> bool:
    """Return whether the chain at `at` is MySQL's by what is in it, and not only by its framing: asked on any port.

    Column definitions, binlog events, or three rows of as many columns.
    """
    rows: i64 = 0
    columns: i64 = 0
    while end - at >= 5:
        stop = at + 4 + u24(data, at)
        if stop > end:
            return False
        if is_event(data, at, stop) or (data[at + 4] == 3 and reply_tells(data, at + 4, stop, 2) != NOTHING):
            return True
        found = is_row(data, at + 4, stop)
        if found > 0 and (columns == 0 or found == columns):
            columns = found
            rows += 1
        elif reply_tells(data, at + 4, stop, data[at + 3]) == NOTHING and not _is_binary_row(data, at + 4, stop):
            return False
        if rows >= 3:
            return True
        at = stop
    return False


def _is_binary_row(data: bytes, at: i64, end: i64) -> bool:
    """Return whether it is a binary row: a header of 00 and a null bitmap whose two lowest bits no column has."""
    return end - at >= 2 and data[at] == 0 and data[at + 1] & 3 == 0


class LongChain:
    """Follows packets longer than a segment, whose headers lie in segments to come; fed segments without a gap.

    If a header of a packet that runs on may stand at a place, the next one is awaited behind it: in random bytes at
    one place in 16, and each further link comes by chance once in 2^12.
    """

    __slots__ = ("awaited", "base", "tail")

    def __init__(self) -> None:
        self.awaited: dict[int, int] = {}  # by its place in what was fed: its sequence id, and links before << 8
        self.base: i64 = 0                 # of the next byte to be fed
        self.tail = b""                    # the last three bytes fed

    def clear(self) -> None:
        if self.awaited:
            self.awaited = {}
        self.tail = b""

    def find(self, data: bytes, at: i64, end: i64) -> i64:
        """Return where in data[at:end] the header lies that makes a chain long enough, or NONE."""
        tail: i64 = len(self.tail)
        around = self.tail + data[at:end]
        size: i64 = len(around)
        begin = self.base - tail   # of `around`
        stop = size - 3
        self.base += end - at
        self.tail = around[size - 3 :] if size > 3 else around
        if self.awaited:
            due: list[int] = []
            for place in self.awaited:
                if place < begin + stop:
                    due.append(place)
            for place in due:
                found = self._follow(around, place, begin, stop)
                if found >= tail:
                    return at + found - tail
        place_in: i64 = 0
        while place_in < stop and len(self.awaited) < MAX_AWAITED:
            if around[place_in + 2] < 16:
                length = u24(around, place_in)
                behind = place_in + 4 + length
                if length > 0 and behind >= stop:
                    self._await(begin + behind, (around[place_in + 3] + 1) & 0xFF, 0)
            place_in += 1
        return NONE

    def _await(self, place: i64, sequence: i64, links: i64) -> None:
        """Await a header at a place: once, by the longest chain that comes to it."""
        known: i64 = self.awaited.get(place, -1)
        if known < links << 8:
            self.awaited[place] = links << 8 | sequence

    def _follow(self, around: bytes, place: i64, begin: i64, stop: i64) -> i64:
        """Follow the chain that awaits a header at `place`, as far as `around` goes: where it is long enough."""
        awaited: i64 = self.awaited.pop(place, -1)
        if awaited < 0:
            return NONE  # another chain has come along here
        links = awaited >> 8
        sequence = awaited & 0xFF
        at = place - begin
        while at < stop:
            length = u24(around, at)
            if at < 0 or around[at + 3] != sequence or length == 0 or length > MAX_PACKET:
                return NONE
            links += 1
            if links >= LONG_LINKS and at >= 3:
                return at
            sequence = (sequence + 1) & 0xFF
            at += 4 + length
        self._await(begin + at, sequence, links)
        return NONE
