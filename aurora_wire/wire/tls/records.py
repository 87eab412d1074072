"""One direction's TLS records: the chain, and what the handshake says in the clear.

Sources: RFC 8446 section 5.1 (record layer) and appendix D (compatibility), RFC 5246 section 6.2.
States are few: whether this direction's records are encrypted follows from ChangeCipherSpec (up to TLS 1.2) or
from the ServerHello (TLS 1.3); a record's body is skipped by its length, but for a sample of its first bytes.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.reads import u16_be, u24_be, u32_be
from aurora_wire.wire import labels, notes
from aurora_wire.wire.decoder import STAY, TO_OTHER, TO_SEARCH, Decoder
from aurora_wire.wire.detect import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEARTBEAT,
    READABLE_RUN,
    RECORD_HEADER,
    readable_run,
    record_length,
)
from aurora_wire.wire.events import TLSStarted
from aurora_wire.wire.facts import Facts, Side, TLSFacts, TLSSide
from aurora_wire.wire.tls.ciphers import suite_name
from aurora_wire.wire.tls.hello import parse_client_hello, parse_server_hello, parse_v2_client_hello
from aurora_wire.wire.tls.opening import Opening

SAMPLE: Final[i64] = 96              # bytes at the start of a record that must not read as text
MAX_HANDSHAKE: Final[i64] = 65536    # bytes of handshake messages held, our bound
TLS_1_3: Final[i64] = 0x0304
MAX_RECORD_1_3: Final[i64] = 16640   # 2^14 + 256: RFC 8446, 5.2
# A TLS 1.3 record with an alert has 2 + 1 + 16 bytes (CCM_8: 8 fewer). A client's first record there ends with its
# Finished, so that data comes in the second at the earliest.
ALERT_1_3: Final[i64] = 24
LONGEST_SHORTEST: Final[i64] = 24    # no suite needs more: see `shortest_record`

# What is collected of a record's body (`TLSRecords.collecting`).
NOTHING: Final[i64] = 0
MESSAGES: Final[i64] = 1  # a readable handshake message or alert
BODY: Final[i64] = 2      # all of it, to be opened


class TLSRecords(Decoder):
    """Fed one direction of TLS from a record boundary on."""

    def __init__(self, facts: Facts, side: Side) -> None:
        super().__init__(facts, side)
        # In the order of how often they are used, as in memory: see `Stream`.
        tls = facts.start_tls()
        self.mine: TLSSide = tls.side(side.from_client)
        self.head = b""            # a header that came in pieces, less than 5 bytes
        self.left: i64 = 0         # bytes of the current record still to come
        self.kind: i64 = 0         # its content type
        self.label: i64 = labels.TLS_HANDSHAKE
        self.sample_left: i64 = 0  # bytes of its sample still to come
        self.collecting: i64 = NOTHING
        self.settled = False       # its records are protected, for certain and for good: `negotiated` is known
        self.aligned = False       # the chain broke where a record should have begun
        self.negotiated: i64 = -1  # the version in ServerHello
        self.version: i64 = -1     # of this direction's first protected record
        self.record_frame: i64 = 0   # where the current record began
        self.record_offset: i64 = 0
        self.opening: Opening | None = None  # there is a key log
        self.sample = b""          # of a record that comes in pieces
        self.messages = b""        # handshake messages not yet whole
        self.tls: TLSFacts = tls
        self.hellos: i64 = 0       # ClientHellos read
        self.body: list[bytes] = []          # of a record that is to be opened
        self.record_version: i64 = 0         # its header's

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        side = self.side
        if self.mine.records == 0 and at < end and data[at] == 0x80 and len(self.head) == 0:
            at = self._old_hello(data, at, end)
        while at < end:
            left = self.left
            if left > 0:
                take = left if left < end - at else end - at
                if self.collecting != NOTHING or self.sample_left > 0:
                    self._look(data, at, at + take)
                self.left = left - take
                side.account(take, self.label)
                at += take
                if self.left == 0:
                    self._record_end()
            elif end - at >= RECORD_HEADER and len(self.head) == 0:
                length = record_length(data, at)
                if length < 0:
                    self.mine.broken = True
                    self.aligned = True
                    self._lost(0)
                    self.next = TO_SEARCH
                    return at
                self._record(data, at, length)
                body = at + RECORD_HEADER
                opening = self.opening
                if opening is None and self.collecting == NOTHING and body + length <= end:
                    # The usual record lies whole in the segment, and only its sample is looked at.
                    if self.sample_left > 0:
                        self._check_sample(data, body, body + self.sample_left)
                        self.sample_left = 0
                    self.left = 0
                    side.account(RECORD_HEADER + length, self.label)
                    at = body + length
                    continue
                side.account(RECORD_HEADER, self.label)
                if opening is not None:
                    self._open(opening, u16_be(data, at + 1))
                    if self.next != STAY:
                        return body
                at = body
            else:
                take = RECORD_HEADER - len(self.head)
                if take > end - at:
                    take = end - at
                self.head += data[at : at + take]
                at += take
                if not self._head_fits():
                    self.carry = self.head
                    self.head = b""
                    self.mine.broken = True
                    self._lost(0)
                    self.aligned = True
                    self.next = TO_SEARCH
                    return at
                if len(self.head) == RECORD_HEADER:
                    version = u16_be(self.head, 1)
                    self._record(self.head, 0, record_length(self.head, 0))
                    self.head = b""
                    side.account(RECORD_HEADER, self.label)
                    if self.opening is not None:
                        self._open(self.opening, version)
                        if self.next != STAY:
                            return at
        return at

    def gap(self, count: i64) -> None:
        side = self.side
        if self.head:
            side.account(len(self.head), labels.UNKNOWN)
            self.head = b""
        elif 0 < count <= self.left:
            # Positions go on, only contents are lost.
            if self.collecting == BODY:
                self._passed_over()
            self.collecting = NOTHING
            self.messages = b""
            self.sample_left = 0
            self.sample = b""
            self.left -= count
            side.hole(count)
            return
        side.hole(count)
        self._lost(count)
        self.left = 0
        self.collecting = NOTHING
        self.messages = b""
        self.aligned = False
        self.next = TO_SEARCH

    def finish(self) -> None:
        if self.head:
            self.side.account(len(self.head), labels.TLS_APPLICATION_DATA)
            self.head = b""
        if self.sample:
            self._check_sample(self.sample, 0, len(self.sample))
            self.sample = b""
        self.body = []

    def _old_hello(self, data: bytes, at: i64, end: i64) -> i64:
        """A ClientHello in SSLv2's framing, as OpenSSL 0.9.8 sends it: consumed where it is one, whole."""
        hello = parse_v2_client_hello(data, at, end) if self.side.from_client else None
        if hello is None:
            return at
        side = self.side
        size: i64 = 2 + int(data[at + 1])
        self.mine.records = 1
        self.mine.first_frame = side.frame
        self.mine.first_offset = side.position
        self.tls.client_hello = hello
        self.tls.hello_frame = side.frame
        self.hellos = 1
        side.account(size, labels.TLS_HANDSHAKE)
        if self.opening is not None:
            self.opening.hellos()
        return at + size

    def is_unfinished(self) -> bool:
        """Does the stream end inside a record?"""
        return self.left > 0 or len(self.head) > 0

    def _head_fits(self) -> bool:
        head = self.head
        size = len(head)
        if not CHANGE_CIPHER_SPEC <= head[0] <= HEARTBEAT or (size > 1 and head[1] != 3) or (size > 2 and head[2] > 3):
            return False
        return size < RECORD_HEADER or record_length(head, 0) >= 0

    def encrypted(self) -> bool:
        """Are this direction's records protected, as far as the handshake was seen?"""
        hello = self.tls.server_hello
        if hello is not None and hello.version >= TLS_1_3:
            return True
        if hello is None and self.tls.retry:
            return False  # a ChangeCipherSpec of now means nothing: RFC 8446, appendix D.4
        return self.mine.spec_changed or (hello is None and self.tls.client_hello is None)

    def _settle(self) -> bool:
        """`encrypted`, looked up once more."""
        hello = self.tls.server_hello
        encrypted = self.encrypted()
        if hello is not None:
            self.negotiated = hello.version
            self.settled = encrypted
        return encrypted

    def remark(self, kind: i64, amount: i64) -> None:
        """A remark on the current record."""
        side = self.side
        self.facts.note(kind, side.from_client, self.record_frame, side.time_ns, self.record_offset, amount)

    def _record(self, data: bytes, at: i64, length: i64) -> None:
        """A record begins."""
        word = u32_be(data, at)
        kind = word >> 24
        version = (word >> 8) & 0xFFFF
        mine = self.mine
        side = self.side
        self.record_frame = side.frame
        self.record_offset = side.position
        mine.records += 1
        if mine.first_frame < 0:
            mine.first_frame = side.frame
            mine.first_offset = side.position
            if self.facts.events is not None:
                self.facts.events.append(
                    TLSStarted(self.facts.id, side.from_client, side.frame, side.time_ns, side.position)
                )
        self.left = length
        self.kind = kind
        self.collecting = NOTHING
        self.sample_left = 0
        encrypted = True
        if not self.settled:
            encrypted = self._settle()
        negotiated = self.negotiated
        if kind == APPLICATION_DATA:
            self.label = labels.TLS_APPLICATION_DATA
            mine.app_records += 1
            mine.app_bytes += length
            in_1_3 = negotiated >= TLS_1_3
            if not in_1_3 or (length > ALERT_1_3 and mine.app_records > 1):
                mine.data_records += 1
                if mine.first_data_frame < 0:
                    mine.first_data_frame = side.frame
                mine.last_data_frame = side.frame
            if not encrypted and self.tls.client_hello is not None and negotiated >= 0:
                self.remark(notes.UNEXPECTED_RECORD, length)
            if in_1_3 and (length > MAX_RECORD_1_3 or length < 17):
                self.remark(notes.BAD_RECORD, length)
            if version != self.version:
                self._check_version(version, negotiated)
        elif kind == HANDSHAKE:
            self.label = labels.TLS_HANDSHAKE
            # A tap may bring the server's hello before the client's, so that a client's first ones always read.
            first = side.from_client and (self.tls.client_hello is None or (self.tls.retry and self.hellos < 2))
            if first or not encrypted or (negotiated < 0 and not mine.spec_changed):
                self.collecting = MESSAGES if len(self.messages) + length <= MAX_HANDSHAKE else NOTHING
            elif negotiated >= TLS_1_3:
                self.remark(notes.UNEXPECTED_RECORD, length)
            else:
                mine.encrypted_handshake += 1
                self._check_version(version, negotiated)
        elif kind == CHANGE_CIPHER_SPEC:
            self.label = labels.TLS_CHANGE_CIPHER_SPEC
            mine.spec_changed = True
            if length != 1:
                self.remark(notes.BAD_RECORD, length)
            if self.tls.resumed < 0 and not side.from_client and 0 <= negotiated < TLS_1_3:
                # With a ticket the session id may be empty: that no Certificate came before is what tells.
                self.tls.resumed = 0 if self.tls.certificate_seen else 1
        elif kind == ALERT:
            self.label = labels.TLS_ALERT
            mine.alerts += 1
            self.messages = b""
            self.collecting = MESSAGES if length == 2 else NOTHING
            if negotiated >= TLS_1_3 and length != 2:
                self.remark(notes.BAD_RECORD, length)
        else:
            self.label = labels.TLS_HEARTBEAT
            if negotiated >= TLS_1_3:
                self.remark(notes.UNEXPECTED_RECORD, length)
        if encrypted and kind != CHANGE_CIPHER_SPEC:
            if 0 < length < LONGEST_SHORTEST and mine.spec_changed and length < self.tls.shortest:
                self.remark(notes.BAD_RECORD, length)
            if self.collecting == NOTHING or kind == APPLICATION_DATA:
                self.sample_left = SAMPLE if length > SAMPLE else length
        if length == 0:
            self._record_end()

    def _check_version(self, version: i64, negotiated: i64) -> None:
        """RFC 8446, 5.1: 0x0303 in TLS 1.3; before it, the negotiated one. In mid-stream: always the same."""
        expected = self.version
        if expected < 0:
            expected = version
            if negotiated >= 0:
                expected = negotiated if negotiated < TLS_1_3 else 0x0303
            self.version = expected
        if version != expected:
            self.remark(notes.WRONG_VERSION, 0)

    def _look(self, data: bytes, at: i64, end: i64) -> None:
        """See some of the record's body."""
        if self.collecting == MESSAGES:
            self.messages += data[at:end]
            return
        if self.collecting == BODY:
            self.body.append(data[at:end])
            if self.sample_left == 0:
                return
        take = self.sample_left if self.sample_left < end - at else end - at
        if take == self.sample_left and len(self.sample) == 0:
            self._check_sample(data, at, at + take)
            self.sample_left = 0
            return
        self.sample += data[at : at + take]
        self.sample_left -= take
        if self.sample_left == 0:
            self._check_sample(self.sample, 0, len(self.sample))
            self.sample = b""

    def _check_sample(self, data: bytes, at: i64, end: i64) -> None:
        if readable_run(data, at, end, READABLE_RUN):
            self.remark(notes.READABLE_RECORD, end - at)

    def _record_end(self) -> None:
        if self.collecting == NOTHING:
            return
        if self.collecting == BODY:
            self._hand_in()
            return
        self.collecting = NOTHING
        if self.kind == ALERT:
            self._alert()
            return
        while len(self.messages) >= 4:
            held = self.messages
            stop = 4 + u24_be(held, 1)
            if len(held) < stop:
                if stop > MAX_HANDSHAKE:
                    self.messages = b""
                return
            self._message(int(held[0]), held, 4, stop)
            self.messages = held[stop:]

    def _alert(self) -> None:
        body = self.messages
        self.messages = b""
        if len(body) != 2:
            return
        self.mine.last_alert = body[1]
        if body[0] == 2:
            self.mine.fatal_alert = True
        elif body[1] == 0:
            self.mine.close_notify = True

    def _message(self, kind: i64, data: bytes, at: i64, end: i64) -> None:
        """Source: RFC 8446, section 4 (Handshake Protocol)."""
        tls = self.tls
        if kind == 1 and self.side.from_client:
            client = parse_client_hello(data, at, end)
            self.hellos += 1
            if client is not None:
                tls.client_hello = client
                if tls.hello_frame < 0:
                    tls.hello_frame = self.side.frame
                if self.opening is not None:
                    self.opening.hellos()
        elif kind == 2 and not self.side.from_client:
            server = parse_server_hello(data, at, end)
            if server is not None and server.is_retry_request:
                tls.retry = True
            elif server is not None:
                tls.server_hello = server
                tls.shortest = shortest_record(server.version, server.suite)
                tls.server_frame = self.side.frame
                if server.version >= TLS_1_3:
                    tls.resumed = 1 if server.resumed_by_psk else 0
                if self.opening is not None:
                    self.opening.hellos()
        elif kind == 11 and not self.side.from_client:
            tls.certificate_seen = True

    # Only with a key log.

    def _open(self, opening: Opening, version: i64) -> None:
        """A record has begun: is its body to be collected?"""
        if opening.gives_up:
            self.next = TO_OTHER
        elif opening.wanted and self.collecting == NOTHING and (self.kind == CHANGE_CIPHER_SPEC or self.encrypted()):
            self.record_version = version
            if self.left > 0:
                self.collecting = BODY
            else:
                self._hand_in()

    def _hand_in(self) -> None:
        """The record is whole."""
        self.collecting = NOTHING
        body = b"".join(self.body)
        self.body = []
        side = self.side
        opening = self.opening
        if opening is not None:
            opening.record(
                side.from_client, self.kind, self.record_version, body, self.record_frame, side.time_ns,
                self.record_offset,
            )  # fmt: skip

    def _passed_over(self) -> None:
        """Some of the record is missing."""
        self.body = []
        if self.opening is not None:
            self.opening.passed_over(self.side.from_client)

    def _lost(self, count: i64) -> None:
        """Where records begin is not known any more."""
        if self.collecting == BODY:
            self._passed_over()
        if self.opening is not None:
            self.opening.lost(self.side.from_client, count)


def shortest_record(version: i64, suite: i64) -> i64:
    """Bytes that a protected record's body has at least, one of no data aside.

    TLS 1.3: a content type and a tag of 8 or 16. GCM before it: an explicit nonce of 8 and a tag of 16 (RFC 5288);
    everything else has a block, a tag or a MAC of 16 or more, but for CCM_8's 8 + 8 (RFC 6655), which is 16 too.
    """
    if version >= TLS_1_3:
        return 9
    return 24 if "_GCM_" in suite_name(suite) else 16
