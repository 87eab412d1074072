"""Resynchronise after framing was lost: what does the next segment begin with?

Used after a gap, in a stream picked up in the middle, or where something else stands than had to. Segments are judged
from content (wire/identify/signatures.py), each by itself, and those joined that may be pieces of a packet
(wire/mysql/turn.py); what fits nothing is unknown, and stays so. Where a record's end is known and no record
follows, a message begins there: its first bytes are judged together, however they are cut.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding import readable_run as readable
from aurora_wire.wire.decoding.connection_log import MYSQL, DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_COMPRESSED, TO_MYSQL, TO_TLS, Decoder
from aurora_wire.wire.identify import signatures
from aurora_wire.wire.identify.behind_gap import expects_tls, holds_phrase, may_be_tls, replies_chain, was_protected
from aurora_wire.wire.identify.midstream import ANSWERS, ASKS, MidStream
from aurora_wire.wire.mysql.clone_shape import CERTAIN as CLONE_CERTAIN
from aurora_wire.wire.mysql.clone_shape import find_descriptor, first_clone_bits
from aurora_wire.wire.mysql.commands import CLONE, MYSQL_COMMANDS, REPLICATION
from aurora_wire.wire.mysql.compressed import opens_packet
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.greeting import looks_like_greeting
from aurora_wire.wire.mysql.login import MORE, YES, is_plausible, opens_login, parse_login
from aurora_wire.wire.mysql.plausibility import is_event, is_replica_ack
from aurora_wire.wire.mysql.reply_chain import LongChain, find_chain
from aurora_wire.wire.mysql.sql_text import begins_statement
from aurora_wire.wire.mysql.turn import SMALL, Turn
from aurora_wire.wire.tls import record_shape
from aurora_wire.wire.tls.names import HANDSHAKE

READABLE: Final[i64] = 32  # printable bytes in a row among unknown ones: 3e-14 a byte in random bytes
MANY_BARE: Final[i64] = 3
ENOUGH: Final[i64] = 64    # bytes of a message that tell what it is


class Resync(Decoder):
    """Resynchronises: is fed segments until one is identified.

    injected: SSLRequest was the last thing seen, so what comes before a TLS record has no right to be here;
    broke_tls: a chain of TLS records ended here; aligned: something begins with the first byte fed. Behind a gap in
    a direction that was TLS, or was about to be, bytes are unknown until they are told by more than a header.
    """

    def __init__(
        self, facts: MySQLFacts, side: DirectionAccount, injected: bool, broke_tls: bool, aligned: bool
    ) -> None:
        super().__init__(facts, side)
        self.facts = facts
        self.injected = injected
        self.broke_tls = broke_tls
        self.aligned = aligned
        self.held = b""           # bytes that wait, not accounted for: the first, or pieces of a packet
        self.held_frame: i64 = 0  # the frame and time of the first of them
        self.held_ns: i64 = 0
        self.turn: Turn | None = None
        self.behind_gap = False   # what came directly before was not captured
        self.greets = False       # what was found is a greeting
        self.refuses = False      # an ERR that ends a connection before its login
        self.inside: i64 = -1     # what was found is inside a reply: the sequence id of its first packet
        self.inside_of = MYSQL_COMMANDS  # or what the connection was handed to: binlog events, clone's packets
        self.midstream: MidStream | None = None  # the connection's
        self.tail = b""           # of the unknown bytes before, to read on over segments
        self.bare: i64 = 0        # segments of commands that a few bytes tell
        self.long_chain: LongChain | None = None  # of a server's packets that are longer than a segment

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        # A message begins here, and may come in small pieces: its first bytes are judged together.
        if self.aligned and (self.held or end - at < ENOUGH):
            self._hold(data, at, end)
            held = self.held
            size: i64 = len(held)
            self.next = self._judge(held, 0, size, cut, True)
            if self.next != STAY:
                self.held = b""
                self.carry = held
            elif (size >= ENOUGH and not self._login_begins(held)) or cut > 0:
                self.aligned = False
                self._give_up_held()
            return end
        self.aligned = False
        whole = True
        if self.midstream is not None:
            if self._is_joined(data, at, end, cut):
                return end
            whole = not self._goes_on() or end - at >= SMALL
        self.next = self._judge(data, at, end, cut, whole)
        if self.next != STAY:
            self._give_up_held()
            return at
        # A result has many packets, one behind the other: a chain of them tells, wherever in the segment it begins. Not
        # where ciphertext is expected: there only what identify/behind_gap.py allows counts, and was judged above.
        if not self.side.from_client and not self.broke_tls and not (self.behind_gap and expects_tls(self.facts)):
            found = self._chain(data, at, end, cut)
            if found >= 0:
                return found
        if self._goes_on():
            self._hold(data, at, end)
            return end
        self._give_up_held()
        stop = end
        # Who injects bytes behind the SSLRequest can put them in one segment with the ClientHello: TLS goes on there.
        if self.injected and not self.behind_gap:
            stop = self._hello_behind(data, at, end)
        self._unknown(data, at, stop)
        return stop if stop == end else self.feed(data, stop, end, cut)

    def _is_joined(self, data: bytes, at: i64, end: i64, cut: i64) -> bool:
        """Join a segment with those before it. Return whether they are identified together: `next` says as what."""
        turn = self.turn
        if turn is None:
            turn = Turn(self.facts)
            self.turn = turn
        from_client = self.side.from_client
        if turn.add(data, at, end, cut, from_client, self.facts.side(not from_client).frame):
            joined = turn.data
            self.next = self._judge(joined, 0, len(joined), 0, True)
            if self.next != STAY:
                self.held = b""
                self.carry = joined
                turn.clear()
                return True
        if self.held and len(turn.data) != len(self.held) + end - at:
            self._give_up_held()  # pieces of something else
        return False

    def _goes_on(self) -> bool:
        turn = self.turn
        return turn is not None and turn.is_open()

    def _hold(self, data: bytes, at: i64, end: i64) -> None:
        """Let a piece wait: what it is, is told together with those to come."""
        if not self.held:
            self.held_frame = self.side.frame
            self.held_ns = self.side.time_ns
        self.held += data[at:end]

    def _give_up_held(self) -> None:
        """Account for pieces that were held and told nothing, in the frame that the first one came in."""
        held = self.held
        if not held:
            return
        side = self.side
        frame = side.frame
        time_ns = side.time_ns
        self.held = b""
        side.frame = self.held_frame
        side.time_ns = self.held_ns
        self._unknown(held, 0, len(held))
        side.frame = frame
        side.time_ns = time_ns

    def _judge(self, data: bytes, at: i64, end: i64, cut: i64, whole: bool) -> i64:
        """Return which decoder these bytes are for, or STAY. whole: they are no piece of a packet."""
        facts = self.facts
        # One record header is enough where TLS has begun; not where a chain of records has just broken.
        tls = signatures.tls_records(data, at, end, cut)
        if tls == signatures.STRONG or (tls == signatures.WEAK and facts.tls is not None and not self.broke_tls):
            return TO_TLS
        if self._clones(data, at, end):
            return TO_MYSQL
        if self.behind_gap and expects_tls(facts):
            return self._judge_behind_gap(data, at, end, cut)
        if signatures.compressed_packets(data, at, end, cut) == signatures.STRONG:
            # A login that was seen says whether packets are compressed, the server's OK to it or not.
            agreed = facts.compression or facts.compression_asked
            if agreed or (facts.login_frame < 0 and opens_packet(data, at, end)):
                return TO_COMPRESSED
        if self.behind_gap and may_be_tls(facts):
            if not self._adds_up(data, at, end, cut, whole):
                return STAY
            facts.told = True
        elif not self._mysql(data, at, end, cut):
            return STAY
        # Between SSLRequest and ClientHello nothing has a right to be; behind a gap it may have come after both.
        if self.injected and not self.behind_gap:
            self.note(anomalies.INJECTED, end - at)
        return TO_MYSQL

    def _clones(self, data: bytes, at: i64, end: i64) -> bool:
        """Return whether a packet of CLONE begins here: one that tells itself, or any that fits if CLONE is known."""
        facts = self.facts
        bits = first_clone_bits(data, at, end, self.side.from_client)
        if bits == 0 or (bits < CLONE_CERTAIN and facts.handed != CLONE and not facts.is_clone):
            return False
        facts.told = True
        facts.handed = CLONE
        if not self.side.from_client:
            self.inside = 0
            self.inside_of = CLONE
        return True

    def _chain(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        """Return where a chain of a server's packets begins inside these bytes; -1 if there is none."""
        found = find_descriptor(data, at, end)
        if found >= 0 and self._clones(data, found, end):
            self._give_up_held()
            if found > at:
                self._unknown(data, at, found)
            self.next = TO_MYSQL
            return found
        found = find_chain(data, at, end, cut)
        if found < 0:
            found = self._long_chain(data, at, end, cut)
        if found < 0:
            return -1
        self._give_up_held()
        if found > at:
            self._unknown(data, at, found)
        self._found_inside(data, found, end)
        self.facts.told = True
        self.next = TO_MYSQL
        return found

    def _long_chain(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        if self.long_chain is None:
            self.long_chain = LongChain()
        found = self.long_chain.find(data, at, end)
        if cut > 0:
            self.long_chain.clear()  # it counts bytes, and does not know of those that were cut
        return found

    def _found_inside(self, data: bytes, at: i64, end: i64) -> None:
        self.inside = data[at + 3]
        self.inside_of = REPLICATION if is_event(data, at, end) else MYSQL_COMMANDS

    def _login_begins(self, held: bytes) -> bool:
        """Return whether these are the first bytes of a login, in pieces too small to tell."""
        size: i64 = len(held)
        return self.side.from_client and self.facts.login is None and opens_login(held, 0, size) == MORE

    def _judge_behind_gap(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        """Judge as `_judge` does, where ciphertext or the rest of a handshake is expected: only what can be neither
        counts.
        """
        if not self.side.from_client:
            self.greets = looks_like_greeting(data, at, end) == 1
            return TO_MYSQL if self.greets or replies_chain(data, at, end) else STAY
        if begins_statement(data, at, end):
            return TO_MYSQL
        return TO_MYSQL if self.facts.login is None and begins_login(data, at, end, cut) else STAY

    def _adds_up(self, data: bytes, at: i64, end: i64, cut: i64, whole: bool) -> bool:
        """Judge as `_mysql` does, where it may be ciphertext as well: by text or by a chain, or together with others.

        Five bytes that fit a header may stand at the beginning of any segment.
        """
        from_client = self.side.from_client
        if from_client:
            if begins_statement(data, at, end) or signatures.mysql_commands(data, at, end, cut) == signatures.STRONG:
                return True
            if self.facts.login is None and is_login(data, at, end, cut):
                return True
            if is_replica_ack(data, at, end):
                return self._mysql(data, at, end, cut)
        else:
            chain = replies_chain(data, at, end) or signatures.mysql_replies(data, at, end, cut) == signatures.STRONG
            if chain or looks_like_greeting(data, at, end) == 1 or signatures.is_refusal(data, at, end):
                return self._mysql(data, at, end, cut)
        made = self.midstream
        if made is None or not whole:
            return False
        return made.take(data, at, end, cut, from_client) == (ASKS if from_client else ANSWERS)

    def _mysql(self, data: bytes, at: i64, end: i64, cut: i64) -> bool:
        if not self.side.from_client:
            self.greets = looks_like_greeting(data, at, end) == 1
            if self.greets:
                return True
            if signatures.mysql_replies(data, at, end, cut) == signatures.NO:
                return False
            self.refuses = signatures.is_refusal(data, at, end)
            if is_event(data, at, end) or (data[at + 3] != 1 and at + 4 + u24(data, at) < end):
                self._found_inside(data, at, end)
            return True
        found = signatures.mysql_commands(data, at, end, cut)
        if found != signatures.NO:
            if found == signatures.WEAK and self.facts.kind != MYSQL and signatures.is_bare(data, at, end):
                # A PING, a schema's name: other protocols have the same few bytes, but not again and again.
                self.bare += 1
                return self.bare >= MANY_BARE
            return True
        if is_replica_ack(data, at, end):
            self.facts.handed = REPLICATION
            return True
        if self.facts.login is not None:
            return False
        return begins_login(data, at, end, cut) or (self.aligned and opens_login(data, at, end) == YES)

    def _hello_behind(self, data: bytes, at: i64, end: i64) -> i64:
        """Return where a ClientHello begins behind bytes put before it in the same segment; `end` if there is none."""
        at += 1
        while at < end - 10:
            if data[at] == HANDSHAKE and record_shape.is_hello(data, at, end):
                return at
            at += 1
        return end

    def _unknown(self, data: bytes, at: i64, end: i64) -> None:
        """Account for bytes that fit nothing, with the anomaly that they are here."""
        if self.behind_gap:
            pass  # unknown, and no more: the gap is the reason
        elif self.injected:
            self.note(anomalies.INJECTED, end - at)
        elif self.broke_tls:
            self.note(anomalies.BAD_RECORD, end - at)
        self._read(data, at, end)
        self.side.account(end - at, labels.UNKNOWN)

    def _read(self, data: bytes, at: i64, end: i64) -> None:
        """Note readable text, also if it runs on over small segments."""
        seen = self.tail + data[at:end] if self.tail else data[at:end]
        size: i64 = len(seen)
        if readable.readable_run(seen, 0, size, READABLE):
            self.note(self._readable(seen), size)
            self.tail = b""
        else:
            self.tail = seen[size - READABLE + 1 :] if size >= READABLE else seen

    def _readable(self, seen: bytes) -> i64:
        """Return the anomaly of readable text. Behind a gap it may be a certificate's, unless the handshake was over or
        it reads as SQL.
        """
        if self.behind_gap and not was_protected(self.facts, self.side.from_client) and not holds_phrase(seen):
            return anomalies.READABLE_BEHIND_GAP
        return anomalies.READABLE_UNKNOWN

    def gap(self, count: i64) -> None:
        self.finish()
        self.behind_gap = True
        self.aligned = False
        self.tail = b""
        if self.long_chain is not None:
            self.long_chain.clear()
        self.side.gap(count)

    def finish(self) -> None:
        self._give_up_held()
        if self.turn is not None:
            self.turn.clear()


def is_login(data: bytes, at: i64, end: i64, cut: i64) -> bool:
    """Return whether a segment is one login packet: sequence id 1 or 2, the 23 bytes of filler zero but for
    MariaDB's last 4.
    """
    if end - at < 38 or u24(data, at) + 4 != end - at + cut or data[at + 3] not in (1, 2) or not data[at + 5] & 2:
        return False
    if opens_login(data, at, end) != YES:
        return False
    login = parse_login(data, at + 4, end)
    return login is not None and is_plausible(login)


def begins_login(data: bytes, at: i64, end: i64, cut: i64) -> bool:
    """Return whether a segment is one login packet, or begins with one of 4.1, told by 19 zero bytes of filler."""
    if is_login(data, at, end, cut):
        return True
    return end - at > 5 and data[at + 5] & 2 != 0 and opens_login(data, at, end) == YES
