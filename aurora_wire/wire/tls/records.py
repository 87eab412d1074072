"""One direction's TLS records: the chain, and what the handshake says in the clear.

Sources: RFC 8446 section 5.1 (record layer) and appendix D (compatibility), RFC 5246 section 6.2.
States are few: whether this direction's records are encrypted follows from ChangeCipherSpec (up to TLS 1.2) or
from the ServerHello (TLS 1.3); a record's body is skipped by its length, but for a sample of its first bytes.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_OTHER, TO_SEARCH, Decoder
from aurora_wire.wire.decoding.events import TLSStarted
from aurora_wire.wire.decoding.segment import Progress
from aurora_wire.wire.tls.ciphertext_sample import CIPHERTEXT, RUN, WINDOW, Sample
from aurora_wire.wire.tls.data_records import KEY_UPDATE_1_3, count_early, count_unsure, counts_as_data, is_data_1_3
from aurora_wire.wire.tls.decryption import Decryption, DecryptionMaker
from aurora_wire.wire.tls.facts import TLSFacts, TLSLog, TLSSide
from aurora_wire.wire.tls.handshake import (
    MAX_HANDSHAKE,
    NOT_WHOLE,
    PLAIN_FINISHED,
    SMALL_PIECE,
    Messages,
    alert_fits,
    begins_client_hello,
    change_cipher_spec,
    is_protected,
    keep_alert,
    keep_hello,
    may_beat,
    reads_as_message,
    take_v2_hello,
)
from aurora_wire.wire.tls.names import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, TLS_1_3
from aurora_wire.wire.tls.record_runs import take_run
from aurora_wire.wire.tls.record_shape import (
    MAX_RECORD_1_3,
    RECORD_HEADER,
    header_fits,
    record_length,
)
from aurora_wire.wire.tls.suite_strength import NULL_SUITES

LONGEST_SHORTEST: Final[i64] = 24    # no suite needs more: see `shortest_record`

# What is collected of a record's body (`TLSRecords.collecting`).
NOTHING: Final[i64] = 0
MESSAGES: Final[i64] = 1  # a readable handshake message or alert
BODY: Final[i64] = 2      # all of it, to be decrypted


class TLSRecords(Decoder):
    """Decodes one direction of TLS from a record boundary on: the record chain, and the handshake in the clear."""

    def __init__(self, facts: TLSLog, side: DirectionAccount) -> None:
        super().__init__(facts, side)
        self.facts = facts
        # In the order of how often they are used, as in memory: see `Stream`.
        tls = facts.start_tls()
        self.mine: TLSSide = tls.side(side.from_client)
        self.head = b""            # a header that came in pieces, less than 5 bytes
        self.left: i64 = 0         # bytes of the current record still to come
        self.kind: i64 = 0         # its content type
        self.length: i64 = 0       # of its body
        self.label: i64 = labels.TLS_HANDSHAKE
        self.sample_left: i64 = 0  # bytes of its sample still to come
        self.collecting: i64 = NOTHING
        self.settled = False       # its records are protected, for certain and for good: `negotiated` is known
        self.aligned = False       # the chain broke where a record should have begun
        self.negotiated: i64 = -1  # the version in ServerHello
        self.version: i64 = -1     # of this direction's first protected record
        self.record_frame: i64 = 0   # where the current record began
        self.record_offset: i64 = 0
        self.decryption: Decryption | None = None  # there is a key log, or nothing is encrypted
        self.looked = Sample()     # what this direction's protected records look like
        self.protected = False     # the current record is one of them
        self.sample = b""          # of a record that comes in pieces
        self.alert = b""           # one that is being read
        self.messages = Messages(side, tls, self.mine, facts.budget)
        self.tls: TLSFacts = tls
        self.peer: Progress | None = None      # the other direction
        self.in_clear: DecryptionMaker | None = None  # for a suite that does not encrypt
        self.body: list[bytes] = []          # of a record that is to be decrypted
        self.record_version: i64 = 0         # its header's
        self.doubtful = False                # the record is of a second ClientHello, or the client's Finished

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        side = self.side
        if self.mine.records == 0 and at < end and data[at] == 0x80 and len(self.head) == 0:
            behind = take_v2_hello(self.tls, self.mine, side, data, at, end)
            if behind > at and self.decryption is not None:
                self.decryption.hellos()
            at = behind
        while at < end:
            left = self.left
            if left > 0:
                take = left if left < end - at else end - at
                if self.collecting != NOTHING or self.sample_left > 0:
                    self._look(data, at, at + take)
                elif self.protected:
                    self.note_sample(self.looked.part(data, at, at + take))
                self.left = left - take
                side.account(take, self.label)
                at += take
                if self.left == 0:
                    self._record_end()
            elif end - at >= RECORD_HEADER and len(self.head) == 0:
                if self.settled and self.decryption is None:
                    behind = take_run(self, data, at, end)
                    if behind > at:
                        at = behind
                        continue
                length = record_length(data, at)
                if length < 0:
                    # Neither a record nor a gap: the direction left TLS, or somebody put bytes in. It is judged, and
                    # not skipped: what stands here may be MySQL in the clear.
                    self.mine.broken = True
                    self.aligned = True
                    self._lost(0)
                    self.next = TO_SEARCH
                    return at
                self._record(data, at, length)
                body = at + RECORD_HEADER
                decryption = self.decryption
                if decryption is None and self.collecting == NOTHING and body + length <= end:
                    # The usual record lies whole in the segment, and only its sample is looked at.
                    if self.sample_left > 0:
                        self._check_sample(data, body, body + length)
                        self.sample_left = 0
                    self.left = 0
                    side.account(RECORD_HEADER + length, self.label)
                    at = body + length
                    continue
                side.account(RECORD_HEADER, self.label)
                if decryption is not None:
                    self._collect_body(decryption, u16_be(data, at + 1))
                    if self.next != STAY:
                        return body
                at = body
            else:
                take = RECORD_HEADER - len(self.head)
                if take > end - at:
                    take = end - at
                self.head += data[at : at + take]
                at += take
                # Judged at each byte: plaintext in small segments must not wait for five of them.
                if not header_fits(self.head):
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
                    if self.decryption is not None:
                        self._collect_body(self.decryption, version)
                        if self.next != STAY:
                            return at
        return at

    def gap(self, count: i64) -> None:
        side = self.side
        if self.head:
            # The record's length is in the gap.
            side.account(len(self.head), labels.UNKNOWN)
            self.head = b""
        elif 0 < count <= self.left:
            # Positions go on, only contents are lost.
            if self.collecting == BODY:
                self._skip_body()
            self.collecting = NOTHING
            self.messages.drop()
            self.sample_left = 0
            self.sample = b""
            self.left -= count
            side.gap(count)
            return
        side.gap(count)
        self._lost(count)
        self.left = 0
        self.collecting = NOTHING
        self.messages.drop()
        self.aligned = False
        self.next = TO_SEARCH

    def finish(self) -> None:
        if self.head:
            self.side.account(len(self.head), labels.TLS_APPLICATION_DATA)
            self.head = b""
        if self.sample:
            self._check_sample(self.sample, 0, len(self.sample))
            self.sample = b""
        if self.decryption is None or not self.decryption.in_clear:
            self.note_sample(self.looked.judge())
        self.body = []
        self.messages.drop()
        count_unsure(self.tls, self.mine)

    def is_unfinished(self) -> bool:
        """Return whether the stream ends inside a record."""
        return self.left > 0 or len(self.head) > 0

    def encrypted(self) -> bool:
        """Return whether this direction's records are protected, as far as the handshake was seen."""
        return is_protected(self.tls, self.mine)

    def _settle(self) -> bool:
        """Return `encrypted`, and remember it once it can no longer change."""
        hello = self.tls.server_hello
        encrypted = self.encrypted()
        if hello is not None:
            self.negotiated = hello.version
            self.settled = encrypted
            if encrypted and hello.suite in NULL_SUITES and self.in_clear is not None:
                self.decryption = self.in_clear.make(self.facts)
        return encrypted

    def note_in_record(self, kind: i64, amount: i64) -> None:
        """Note an anomaly at the current record; `amount` is in bytes."""
        side = self.side
        self.facts.note(kind, side.from_client, self.record_frame, side.time_ns, self.record_offset, amount)

    def _record(self, data: bytes, at: i64, length: i64) -> None:
        """Begin a record: what its header says, and whether it may come here."""
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
        self.length = length
        self.kind = kind
        self.collecting = NOTHING
        self.sample_left = 0
        self.protected = False
        encrypted = True
        if not self.settled:
            encrypted = self._settle()
            if kind != HANDSHAKE:
                # RFC 8446, 5.1: no other record may come between the pieces of a handshake message.
                self.messages.ends(side.frame, side.position)
        negotiated = self.negotiated
        if kind == APPLICATION_DATA:
            self.label = labels.TLS_APPLICATION_DATA
            mine.app_records += 1
            mine.app_bytes += length
            in_1_3 = negotiated >= TLS_1_3
            if (
                mine.app_records > 1 and (length > KEY_UPDATE_1_3 or is_data_1_3(length))
                if in_1_3 else counts_as_data(self.tls, mine, length, side.position)
            ):  # fmt: skip
                mine.data_records += 1
                if mine.first_data_offset < 0:
                    mine.first_data_offset = side.position
                peer = self.peer
                if peer is not None:
                    mine.last_data_acked = peer.acked
            if not self.settled or not mine.spec_changed:
                early = negotiated < 0 and self.tls.server_hello is None and not self._hello_is_late()
                count_early(mine, early, side.frame, side.position)
            if not encrypted and self.tls.client_hello is not None and negotiated >= 0:
                # Up to TLS 1.2 there are no keys before ChangeCipherSpec.
                self.note_in_record(anomalies.UNEXPECTED_RECORD, length)
            if in_1_3 and (length > MAX_RECORD_1_3 or length < self.tls.shortest):
                self.note_in_record(anomalies.BAD_RECORD, length)
            if version != self.version:
                self._check_version(version, negotiated)
            self.protected = True
        elif kind == HANDSHAKE:
            self.label = labels.TLS_HANDSHAKE
            self._handshake_record(length, version, negotiated, encrypted)
        elif kind == CHANGE_CIPHER_SPEC:
            self.label = labels.TLS_CHANGE_CIPHER_SPEC
            self._change_cipher_spec(length, negotiated)
        elif kind == ALERT:
            self.label = labels.TLS_ALERT
            self.alert = b""
            self.collecting = MESSAGES if length == 2 else NOTHING
            # Of TLS 1.3 all that is protected looks like application data; before the keys there are two bytes.
            guarded = encrypted and negotiated < TLS_1_3
            if length != 2 and not (guarded and alert_fits(self.tls, length)):
                self.note_in_record(anomalies.BAD_RECORD, length)
        else:
            self.label = labels.TLS_HEARTBEAT
            if negotiated >= TLS_1_3 or not may_beat(self.tls):
                self.note_in_record(anomalies.UNEXPECTED_RECORD, length)
        if encrypted and kind != CHANGE_CIPHER_SPEC:
            short = 0 < length < LONGEST_SHORTEST and length < self.tls.shortest
            if short and mine.spec_changed and negotiated < TLS_1_3:
                # Of a hello, and only of a hello, there can be any piece.
                if kind != HANDSHAKE or self.collecting == NOTHING:
                    self.note_in_record(anomalies.BAD_RECORD, length)
            if self.collecting == NOTHING:
                self.protected = True
        if self.protected:
            self.sample_left = WINDOW if length > WINDOW else length
        if length == 0:
            self._record_end()

    def _hello_is_late(self) -> bool:
        """Return whether the client acknowledges bytes of the server's that were not seen yet: taps reorder."""
        peer = self.peer
        return self.side.from_client and peer is not None and peer.acked > peer.next

    def _handshake_record(self, length: i64, version: i64, negotiated: i64, encrypted: bool) -> None:
        mine = self.mine
        # A tap may bring the server's hello before the client's, so that a client's first ones always read.
        first = self.side.from_client and (self.tls.client_hello is None or (self.tls.retry and mine.hellos < 2))
        # Or it brings the second one before the HelloRetryRequest, behind ChangeCipherSpec.
        plain = first or not encrypted or (negotiated < 0 and not mine.spec_changed)
        self.doubtful = not plain and self.side.from_client and negotiated < 0 and mine.hellos == 1
        if plain or self.doubtful:
            self.collecting = MESSAGES
            self.record_version = version
            if self.messages.size + length > MAX_HANDSHAKE:
                self.collecting = NOTHING
                self.messages.odd(NOT_WHOLE, self.record_frame, self.record_offset)
        elif negotiated >= TLS_1_3:
            self.note_in_record(anomalies.UNEXPECTED_RECORD, length)
        else:
            self._finished(version, negotiated)

    def _finished(self, version: i64, negotiated: i64) -> None:
        """Count an encrypted handshake message: the Finished, or what renegotiates later."""
        mine = self.mine
        mine.encrypted_handshake += 1
        if mine.app_records == mine.before_spec:
            mine.finished += 1
        self._check_version(version, negotiated)

    def _change_cipher_spec(self, length: i64, negotiated: i64) -> None:
        again = change_cipher_spec(self.tls, self.mine, self.side, negotiated)
        self.sample_left = 1 if length == 1 else 0  # its only byte is always the same: any other says something
        if again or length != 1:
            self.note_in_record(anomalies.BAD_RECORD, length)

    def _check_version(self, version: i64, negotiated: i64) -> None:
        """Check the version of a protected record's header: 0x0303 in TLS 1.3 (RFC 8446, 5.1), before it the
        negotiated one. In mid-stream: always the same.
        """
        expected = self.version
        if expected < 0:
            expected = version if negotiated < 0 else (negotiated if negotiated < TLS_1_3 else 0x0303)
            self.version = expected
        if version != expected:
            self.note_in_record(anomalies.WRONG_VERSION, 0)

    def _look(self, data: bytes, at: i64, end: i64) -> None:
        """Look at data[at:end] of the record's body: a message, a body to be decrypted, or a sample."""
        if self.collecting == MESSAGES:
            if self.kind == ALERT:
                self.alert += data[at:end]
            else:
                self._add_to_message(data[at:end])
            if self.sample_left == 0:
                return
        if self.collecting == BODY:
            last: i64 = len(self.body) - 1
            if last >= 0 and len(self.body[last]) < SMALL_PIECE:
                self.body[last] += data[at:end]
            else:
                self.body.append(data[at:end])
            if self.sample_left == 0:
                if self.protected and not (self.decryption is not None and self.decryption.in_clear):
                    self.note_sample(self.looked.part(data, at, end))
                return
        if self.sample_left <= end - at and len(self.sample) == 0:
            self._check_sample(data, at, end)
            self.sample_left = 0
            return
        take = self.sample_left if self.sample_left < end - at else end - at
        self.sample += data[at : at + take]
        self.sample_left -= take
        if self.sample_left == 0:
            self._check_sample(self.sample, 0, len(self.sample))
            self.sample = b""

    def _add_to_message(self, piece: bytes) -> None:
        if not self.messages.add(piece):
            self.collecting = NOTHING
            self.messages.odd(NOT_WHOLE, self.record_frame, self.record_offset)
            self.note(anomalies.BOUND, len(piece))

    def _check_sample(self, data: bytes, at: i64, end: i64) -> None:
        """Judge what is seen of a protected record, from its first byte on, or of a ChangeCipherSpec."""
        if self.kind == CHANGE_CIPHER_SPEC:
            if data[at] != 1:
                self.note_in_record(anomalies.BAD_RECORD, 1)
            return
        if self.decryption is None:
            if self.tls.server_hello is None and self._reads(data, at, end):
                return
        elif self.decryption.in_clear:
            return  # it reads, and is read
        if self.kind == HANDSHAKE and self.mine.spec_changed and reads_as_message(data, at, end, self.length):
            self.messages.odd(PLAIN_FINISHED, self.record_frame, self.record_offset)
        self.note_sample(self.looked.look(data, at, end, self.length))

    def _reads(self, data: bytes, at: i64, end: i64) -> bool:
        """Read a whole record that shows by itself that it is not encrypted: no ServerHello says which suite it is."""
        if self.in_clear is not None and self.kind == APPLICATION_DATA and end - at == self.length:
            self.decryption = self.in_clear.guess(data, at, end)
        if self.decryption is None:
            return False
        self.label = labels.COMMAND_DATA if self.side.from_client else labels.RESPONSE
        self.body = [data[at:end]]
        self._decrypt_body()
        return True

    def note_sample(self, found: i64) -> None:
        """Note that the current record does not look like ciphertext, if `found` says so."""
        if found != CIPHERTEXT:
            self.note_in_record(anomalies.READABLE_RECORD if found == RUN else anomalies.SKEWED_RECORD, 0)

    def _record_end(self) -> None:
        if self.collecting == NOTHING:
            return
        if self.collecting == BODY:
            self._decrypt_body()
            return
        self.collecting = NOTHING
        if self.kind == ALERT:
            self._alert()
        elif self.doubtful and not begins_client_hello(self.messages.first()):
            body = self.messages.first()
            self.messages.drop()
            if self.length < self.tls.shortest:
                self.note_in_record(anomalies.BAD_RECORD, self.length)
            self._finished(self.record_version, self.negotiated)
            self._check_sample(body, 0, len(body))
        elif self.messages.read(self.record_frame, self.record_offset):
            keep_hello(self.facts, self.side, self.record_frame, self.record_offset)
            if self.decryption is not None:
                self.decryption.hellos()

    def _alert(self) -> None:
        body = self.alert
        self.alert = b""
        if len(body) == 2 and not keep_alert(self.mine, body[0], body[1]):
            self.note_in_record(anomalies.BAD_RECORD, 2)

    # Only with a key log, or where nothing is encrypted.

    def _collect_body(self, decryption: Decryption, version: i64) -> None:
        """Decide whether the body of the record that has begun is to be collected."""
        if decryption.gives_up:
            self.next = TO_OTHER
        elif decryption.wanted and self.collecting == NOTHING and (self.kind == CHANGE_CIPHER_SPEC or self.encrypted()):
            self.record_version = version
            if decryption.in_clear and self.kind == APPLICATION_DATA:
                self.label = labels.COMMAND_DATA if self.side.from_client else labels.RESPONSE
            if self.left > 0:
                self.collecting = BODY
            else:
                self._decrypt_body()

    def _decrypt_body(self) -> None:
        """Hand the whole record's body in, to be decrypted."""
        self.collecting = NOTHING
        body = b"".join(self.body)
        self.body = []
        side = self.side
        decryption = self.decryption
        if decryption is not None:
            decryption.record(
                side.from_client, self.kind, self.record_version, body, self.record_frame, side.time_ns,
                self.record_offset,
            )  # fmt: skip

    def _skip_body(self) -> None:
        """Drop the record's body, some of which is missing."""
        self.body = []
        if self.decryption is not None:
            self.decryption.skip_record(self.side.from_client)

    def _lost(self, count: i64) -> None:
        """Note that the places of records are lost: `count` bytes are missing in which records end and begin."""
        if self.collecting == BODY:
            self._skip_body()
        if self.decryption is not None:
            self.decryption.lost(self.side.from_client, count)
