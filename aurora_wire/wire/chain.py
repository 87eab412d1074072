"""Resynchronise on a server's packets: a chain whose sequence ids go up by one and whose lengths meet.

Behind a lost packet, or where a capture begins inside a result, a segment begins somewhere in a row. A chain is found
at any of its bytes: each further link is right by chance once in 2^16 or more, as its id is one of 256 and the length
before it has to end inside the segment.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.reads import u24
from aurora_wire.wire.mysql.lenenc import NULL, read_lestr
from aurora_wire.wire.mysql.telling import NOTHING, is_event, reply_tells

NONE: Final[i64] = -1
LINKS: Final[i64] = 3            # headers that follow a first one: 2^-48 at each byte
MAX_PACKET: Final[i64] = 1 << 20
MIN_SEGMENT: Final[i64] = 9      # of an EOF


def find_chain(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Where in data[at:end] a chain of a server's packets begins that goes on to its end, or NONE.

    The last packet may run on behind `end`, or break off there by `cut` bytes. Shorter chains count where they end
    with the segment, and their last packet is an EOF, OK or ERR that is right to its last byte.
    """
    stop = end - 4
    place = at
    while place <= stop - 2:
        # The highest byte of a length up to MAX_PACKET; text has none below 16 but line ends.
        if data[place + 2] < 16:
            length = u24(data, place)
            if length > 0 and place + 4 + length < stop:
                if data[place + 4 + length + 3] == (data[place + 3] + 1) & 0xFF and _holds(data, place, end, cut):
                    return place
        place += 1
    return _last_packet(data, at, end, cut)


def _holds(data: bytes, at: i64, end: i64, cut: i64) -> bool:
    """Whether a chain from `at` on goes on to `end`, long enough or to a last packet that tells."""
    links: i64 = 0
    before: i64 = -1
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
            return links > LINKS or (cut == 0 and links > 1 and _tells(data, before, end))
        if at > end:
            break
    return links > LINKS


def _tells(data: bytes, at: i64, end: i64) -> bool:
    """Whether the packet data[at:end], header included, is an EOF, OK or ERR, or the like, by its own fields."""
    return reply_tells(data, at + 4, end, data[at + 3]) != NOTHING


def _last_packet(data: bytes, at: i64, end: i64, cut: i64) -> i64:
    """Where an EOF, or an OK in its place, of the usual lengths ends with the segment: nine or eleven fixed bytes."""
    if cut > 0:
        return NONE
    for length in (5, 7):
        begin = end - length - 4
        if begin > at and u24(data, begin) == length and data[begin + 4] == 0xFE and data[begin + 3] > 1:
            if _tells(data, begin, end):
                return begin
    return NONE


def is_row(data: bytes, at: i64, end: i64) -> i64:
    """The number of columns of data[at:end] as a text row: strings with their lengths, or NULL, to the last byte.

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
    """Whether the chain at `at` is MySQL's by what is in it, and not only by its framing: asked on any port.

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
    """A header of 00 and a null bitmap whose two lowest bits no column has."""
    return end - at >= 2 and data[at] == 0 and data[at + 1] & 3 == 0
