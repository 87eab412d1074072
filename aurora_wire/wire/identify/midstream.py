"""A stream picked up in mid-stream, on a port that is not MySQL's: what its segments tell adds up.

A statement that reads as SQL, column definitions, binlog events or rows tell it at once. An EXECUTE, a PING or an OK
fits other protocols too: these count where a server answers what a client asked, or where one direction shows several.
Weights are bits: what weighs n is there by chance once in 2^n.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.mysql.clone import ERROR as CLONE_ERROR
from aurora_wire.wire.mysql.clone_shape import BARE as CLONE_BARE
from aurora_wire.wire.mysql.clone_shape import command_bits, find_descriptor, response_bits
from aurora_wire.wire.mysql.commands import fits_command, is_command
from aurora_wire.wire.mysql.plausibility import (
    CERTAIN,
    FITS,
    NOTHING,
    command_tells,
    is_event,
    is_typed_execute,
    reply_tells,
)
from aurora_wire.wire.mysql.replies import parse_column_count
from aurora_wire.wire.mysql.reply_chain import chain_tells, find_chain
from aurora_wire.wire.mysql.sql_text import is_ascii_text

UNDECIDED: Final[i64] = 0
ASKS: Final[i64] = 1        # what was given is a client's
ANSWERS: Final[i64] = 2     # a server's

ANSWERED: Final[i64] = 20   # bits of a command of one byte that fits its segment and is answered in its shape
FIELDS: Final[i64] = 20     # bits more where its fields fit, too
ENOUGH: Final[i64] = 60     # bits that make it MySQL on any port
ON_PORT: Final[i64] = 20    # and on its own
EXCHANGES: Final[i64] = 4   # commands and replies in turns, by their headers alone, on MySQL's port
TYPED: Final[i64] = 3       # EXECUTEs whose typed values fill them, without what answers them
BARE: Final[i64] = 3        # segments of 5 bytes on MySQL's port that are a command: no TLS record is as short
EVENTS: Final[i64] = 2      # headers of binlog events
PLAIN_OKS: Final[i64] = 4   # OK packets in a row, without what they answer
LONG_TEXT: Final[i64] = 48   # printable bytes that a segment begins and ends with, in the middle of a text
SHORT_TEXT: Final[i64] = 16  # or all of it: (98 / 256)^16 = 2e-7, and what answers it has to be an OK


def is_long_text(data: bytes, at: i64, end: i64) -> bool:
    """Return whether a segment begins and ends inside a text."""
    size = end - at
    if size < SHORT_TEXT:
        return False
    shown = LONG_TEXT if size > LONG_TEXT else size
    return is_ascii_text(data, at, at + shown) and is_ascii_text(data, end - shown, end)


class MidStream:
    """What the segments of one connection in mid-stream add up to, both directions, while it is not identified."""

    __slots__ = (
        "answerer",
        "asked",
        "asker",
        "bare",
        "clone",
        "cloner",
        "clones",
        "enough",
        "events",
        "exchanges",
        "headed",
        "last",
        "of_clone",
        "ok_enough",
        "oks",
        "on_port",
        "score",
        "typed",
        "typed_enough",
    )  # fmt: skip

    def __init__(self, on_port: bool = False) -> None:
        self.on_port = on_port    # MySQL's
        self.enough: i64 = ON_PORT if on_port else ENOUGH
        self.ok_enough: i64 = PLAIN_OKS // 2 if on_port else PLAIN_OKS
        self.last: i64 = -1       # who sent the last segment: 1 the client, 0 the server
        self.headed = False       # it begins with a command's header
        self.exchanges: i64 = 0   # in a row, told by their headers
        self.asked: i64 = 0       # bits of the last command, while it is not answered
        self.asker = False        # by the direction that is taken for the client's
        self.score: i64 = 0
        self.typed: i64 = 0
        self.oks: i64 = 0         # in a row, of one direction:
        self.answerer = False     # the client's, as far as it is taken for one
        self.bare: i64 = 0
        self.events: i64 = 0      # headers of binlog events that are longer than a segment
        self.typed_enough: i64 = 1 if on_port else TYPED
        self.clone: i64 = 0       # bits of what a donor of CLONE says
        self.clones = False       # the last segment is a command of CLONE of one byte,
        self.cloner = False       # by the direction that is taken for the client's
        self.of_clone = False     # what was told is CLONE

    def take(self, data: bytes, at: i64, end: i64, cut: i64, from_client: bool) -> i64:
        """Add the next segment of a direction. Return UNDECIDED, or whose it is, now that it is known to be MySQL."""
        if end - at < 5:
            return UNDECIDED  # not even a header and a command
        if self.on_port and self._exchange(data, at, end, cut, from_client):
            return ANSWERS
        if is_long_text(data, at, end):
            # Of a statement, of rows, of a certificate: what answers it decides.
            self.asked = ENOUGH
            self.asker = from_client
            self.oks = 0
            return UNDECIDED
        found = self._clone(data, at, end, from_client)
        if found != UNDECIDED:
            self.of_clone = True
            return found
        # A server that ends a session unasked says so in an ERR whose sequence id is 0.
        if data[at + 3] == 0 and data[at + 4] != 0xFF and not is_event(data, at, end):
            # Who answered does not ask: what added up was chance.
            if self.score > 0 and self.asker != from_client:
                self.score = 0
            if self.answerer == from_client:
                self.oks = 0
            return self._command(data, at, end, from_client)
        return self._reply(data, at, end, from_client)

    def _clone(self, data: bytes, at: i64, end: i64, from_client: bool) -> i64:
        """Return whose a segment is that is told to be one of CLONE, together with those before it."""
        if find_descriptor(data, at, end) >= 0:
            return ANSWERS
        asks: i64 = 0
        tells: i64 = 0
        while end - at >= 5 and data[at + 3] == 0 and data[at + 4] <= CLONE_ERROR:
            stop = at + 4 + u24(data, at)
            if stop > end:
                break
            asked = command_bits(data, at + 4, stop)
            told = response_bits(data, at + 4, stop)
            if asked + told == 0:
                break
            asks += asked
            tells += told
            at = stop
        if asks >= ENOUGH or tells >= ENOUGH:
            return ASKS if asks > tells else ANSWERS
        if at < end or asks + tells == 0:
            self.clone = 0
        elif tells > 0:
            # Names count by themselves, the word that ends an answer behind a command of the other side's.
            if tells > CLONE_BARE or (self.clones and self.cloner != from_client):
                self.clone += tells
            self.clones = False
            if self.clone >= self.enough:
                return ANSWERS
        else:
            self.clones = True
            self.cloner = from_client
        return UNDECIDED

    def _exchange(self, data: bytes, at: i64, end: i64, cut: i64, from_client: bool) -> bool:
        """Return whether enough commands and replies came in turns, by their headers: all that a short snaplen leaves.

        In TLS each turn begins with a record's header instead.
        """
        sender: i64 = 1 if from_client else 0
        if sender == self.last:
            return False  # more of the same message: only the first segment of a turn has a header for certain
        self.last = sender
        left = end - at + cut - 4 - u24(data, at)
        sequence: i64 = data[at + 3]
        command: i64 = data[at + 4]
        headed = self.headed
        self.headed = False
        if sequence == 0 and left == 0 and is_command(command) and fits_command(command, end - at + cut - 4):
            self.headed = True
        elif sequence == 1 and left >= 0 and headed:
            self.exchanges += 1
        elif sequence > 1 or left >= 0:
            self.exchanges = 0
        return self.exchanges >= EXCHANGES

    def _command(self, data: bytes, at: i64, end: i64, from_client: bool) -> i64:
        weight: i64 = 0
        self.asked = 0
        while end - at >= 5:
            stop = at + 4 + u24(data, at)
            if data[at + 3] != 0 or stop > end or stop < at + 5:
                return UNDECIDED
            tells = command_tells(data, at + 4, stop)
            if tells == NOTHING:
                return UNDECIDED
            if tells == CERTAIN:
                return ASKS
            # An EXECUTE whose typed values fill it has many bytes that must fit: a few tell, without their replies.
            if is_typed_execute(data, at + 4, stop):
                self.typed += 1
            weight = ANSWERED if stop - at == 5 else ANSWERED + FIELDS
            at = stop
        if at < end:
            return UNDECIDED
        self.asked = weight
        self.asker = from_client
        if self.on_port and weight == ANSWERED:
            self.bare += 1
        return ASKS if self.typed >= self.typed_enough or self.bare >= BARE else UNDECIDED

    def _reply(self, data: bytes, at: i64, end: i64, from_client: bool) -> i64:
        tells = self._packets(data, at, end)
        if tells == CERTAIN:
            return ANSWERS
        if tells == FITS:
            if self.answerer != from_client:
                self.oks = 0
            self.answerer = from_client
            self.oks += 1
            if self.asked > 0 and self.asker != from_client:
                self.score += self.asked
                self.asked = 0
            return ANSWERS if self.score >= self.enough or self.oks >= self.ok_enough else UNDECIDED
        self.oks = 0
        self.asked = 0
        found = find_chain(data, at, end, 0)
        if found >= 0 and chain_tells(data, found, end):
            return ANSWERS
        return UNDECIDED

    def _packets(self, data: bytes, at: i64, end: i64) -> i64:
        """Return what the packets of one or more replies from `at` to `end` tell together."""
        if is_event(data, at, end):
            # Its header alone is right by chance once in 2^45, and more seldom than that only with a second one.
            self.events += 1
            if at + 4 + u24(data, at) <= end or self.events >= EVENTS:
                return CERTAIN
            return NOTHING
        first: i64 = data[at + 3]
        sequence = first
        tells = NOTHING
        has_head = False       # a result's column count, so that definitions have to follow
        while end - at >= 5:
            stop = at + 4 + u24(data, at)
            number: i64 = data[at + 3]
            if stop < at + 5 or (number != sequence and number != 1):
                return NOTHING
            if stop > end:
                return CERTAIN if has_head and data[at + 4 : at + 8] == b"\x03def" else NOTHING
            found = reply_tells(data, at + 4, stop, number)
            if found == CERTAIN:
                return CERTAIN
            has_head = number == 1 and stop - at <= 9 and parse_column_count(data, at + 4, stop).count > 0
            if found == NOTHING and not has_head:
                return NOTHING  # rows are told by `chain`
            if found == FITS and number == 1:
                tells = FITS
            sequence = (number + 1) & 0xFF
            at = stop
        return tells if at == end else NOTHING
