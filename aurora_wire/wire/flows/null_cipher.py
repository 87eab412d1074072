"""What is inside TLS records of a suite that does not encrypt: MySQL that crossed in the clear, and counts as such.

Unlike what a key log decrypts (wire/flows/decrypted.py) it goes into the connection's own facts. A record holds its
data and a MAC; in TLS 1.3 a content type between them. Sources: RFC 5246 sections 6.2.3.1 and A.5, RFC 9150 section 4.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24
from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.decoding.connection_log import MYSQL, OTHER, DirectionAccount
from aurora_wire.wire.decoding.decoder import STAY, TO_COMPRESSED, TO_MYSQL, Decoder
from aurora_wire.wire.flows.decoder_set import Decoders
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.identify.resync import Resync
from aurora_wire.wire.mysql.client import ClientPackets
from aurora_wire.wire.mysql.server import ServerPackets
from aurora_wire.wire.mysql.states import GREETING, SERVER, move
from aurora_wire.wire.tls.ciphertext_sample import FEW_IDS, framed
from aurora_wire.wire.tls.decryption import Decryption, DecryptionMaker
from aurora_wire.wire.tls.facts import TLSLog
from aurora_wire.wire.tls.names import APPLICATION_DATA, TLS_1_3
from aurora_wire.wire.tls.suite_strength import suite_name

GAP_INSIDE: Final[i64] = 1 << 24   # more than any packet: none goes on behind a record that is missing
MAX_TURNS: Final[i64] = 8    # decoders that one record is handed to in turn
HEADER: Final[i64] = 4       # of a packet
MAC_SIZES: Final = (16, 20, 32, 48)  # of MD5, SHA-1, SHA-256, SHA-384


class InClear(Decryption):
    """Feeds the bodies of one connection's unencrypted records to decoders of MySQL; counts them in `facts`."""

    def __init__(self, facts: Facts, decoders: Decoders, mac: i64, typed: bool) -> None:
        super().__init__()
        self.facts = facts
        self.decoders = decoders
        self.wanted = True
        self.in_clear = True
        self.mac: i64 = mac
        self.typed = typed
        self.client_side = DirectionAccount(True)
        self.server_side = DirectionAccount(False)
        self.client_side.anchored = True
        self.server_side.anchored = True
        client = ClientPackets(facts, self.client_side)
        server = ServerPackets(facts, self.server_side, decoders.inflaters)
        client.tls_possible = False
        server.tls_possible = False
        if facts.greeting is not None or facts.ssl_request_frame >= 0:
            server.state = move(SERVER, server.state, GREETING)
        self.client: Decoder = client
        self.server: Decoder = server

    def begins_anywhere(self) -> None:
        """Search for where packets begin: what went before was not seen."""
        self.client = Resync(self.facts, self.client_side, False, False, False)
        self.server = Resync(self.facts, self.server_side, False, False, False)

    def hellos(self) -> None:
        pass

    def record(
        self, from_client: bool, kind: i64, version: i64, body: bytes, frame: i64, time_ns: i64, offset: i64
    ) -> None:
        size: i64 = len(body)
        stop = size - self.mac
        if kind != APPLICATION_DATA or stop <= 0:
            return
        if self.typed:
            while stop > 0 and body[stop - 1] == 0:
                stop -= 1
            stop -= 1
            if stop <= 0 or body[stop] != APPLICATION_DATA:
                return  # a handshake message, or an alert
        side = self.client_side if from_client else self.server_side
        side.frame = frame
        side.time_ns = time_ns
        side.anchor = offset
        side.seen += stop
        self._feed(from_client, body, 0, stop)
        if self.facts.kind != OTHER and (self.facts.login_frame >= 0 or self.facts.commands > 0):
            self.facts.kind = MYSQL

    def _feed(self, from_client: bool, data: bytes, at: i64, end: i64) -> None:
        turns: i64 = 0
        while at < end and turns < MAX_TURNS:
            decoder = self.client if from_client else self.server
            at = decoder.feed(data, at, end, 0)
            if decoder.next == STAY:
                return
            carry = decoder.carry
            decoder.carry = b""
            self._successor(from_client, decoder)
            if carry:
                data = carry + data[at:end]
                at = 0
                end = len(data)
            turns += 1
        if at < end:
            side = self.client_side if from_client else self.server_side
            self.facts.note(anomalies.LOST_FRAMING, from_client, side.frame, side.time_ns, side.anchor, end - at)

    def _successor(self, from_client: bool, decoder: Decoder) -> None:
        want = decoder.next
        decoder.next = STAY
        side = self.client_side if from_client else self.server_side
        made: Decoder
        if want == TO_COMPRESSED:
            made = self.decoders.compressed(side)
        elif want == TO_MYSQL and from_client:
            client = ClientPackets(self.facts, side)
            client.tls_possible = False
            made = client
        elif want == TO_MYSQL:
            server = ServerPackets(self.facts, side, self.decoders.inflaters)
            if self.facts.login is None:
                server.state = move(SERVER, server.state, GREETING)
            server.tls_possible = False
            made = server
        else:
            made = Resync(self.facts, side, False, False, False)
        if from_client:
            self.client = made
        else:
            self.server = made

    def _gap(self, from_client: bool) -> None:
        decoder = self.client if from_client else self.server
        decoder.gap(GAP_INSIDE)
        if decoder.next != STAY:
            self._successor(from_client, decoder)

    def skip_record(self, from_client: bool) -> None:
        self._gap(from_client)

    def lost(self, from_client: bool, count: i64) -> None:
        self._gap(from_client)

    def close(self) -> None:
        self.client.finish()
        self.server.finish()


class InClearMaker(DecryptionMaker):
    """Makes it once a connection, when its suite is known."""

    def __init__(self, decoders: Decoders) -> None:
        self.decoders = decoders
        self.made: InClear | None = None
        self.shape: i64 = -1  # of the last record that a packet filled up to a MAC: 2 * MAC, and 1 with a content type

    def make(self, facts: TLSLog) -> Decryption | None:
        made = self.made
        tls = facts.tls
        if made is None and tls is not None:
            hello = tls.server_hello
            if hello is not None and hello.compression == 0:
                made = InClear(self.decoders.facts, self.decoders, mac_size(hello.suite), hello.version >= TLS_1_3)
                self.made = made
        return made

    def guess(self, data: bytes, at: i64, end: i64) -> Decryption | None:
        """Judge a record by the packets that fill it up to a MAC. One of a few bytes has to be like the one before."""
        if self.made is not None:
            return self.made
        before = self.shape
        self.shape = -1
        for mac in MAC_SIZES:
            for kind in (0, 1):
                stop: i64 = end - mac
                if kind == 1:
                    # RFC 8446, 5.2: the content type, and zeros behind it.
                    while stop > at and data[stop - 1] == 0:
                        stop -= 1
                    stop -= 1
                if stop - at <= HEADER or (kind == 1 and data[stop] != APPLICATION_DATA):
                    continue
                shape: i64 = 2 * mac + kind
                if u24(data, at) + HEADER == stop - at and data[at + 3] < FEW_IDS:
                    self.shape = shape
                if framed(data, at, stop, stop - at) or (self.shape == shape and before == shape):
                    made = InClear(self.decoders.facts, self.decoders, mac, kind == 1)
                    made.begins_anywhere()
                    self.made = made
                    return made
        return None


def mac_size(suite: i64) -> i64:
    """Return how many bytes of a record are its MAC, by the suite's name."""
    name = suite_name(suite)
    if name.endswith("_SHA256"):
        return 32
    if name.endswith("_SHA384"):
        return 48
    if name.endswith("_MD5"):
        return 16
    return 20 if name.endswith("_SHA") else 0
