"""Handshake messages of one direction, in the clear: what they say, and whether they may come here.

What no peer accepts is kept in `TLSSide.odd`, the first of it with its place; what depends on a version that is not
known yet (application data before the keys, ChangeCipherSpec) is counted, and judged at the end.
Sources: RFC 8446 section 4 and appendix D.4, RFC 5246 section 7.3, RFC 5077 section 3.3.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u24_be
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.decoding.connection_log import Budget, DirectionAccount
from aurora_wire.wire.tls import names
from aurora_wire.wire.tls.certificates import keep_certificates
from aurora_wire.wire.tls.ciphertext_sample import READABLE_RUN, readable
from aurora_wire.wire.tls.facts import TLSFacts, TLSLog, TLSSide
from aurora_wire.wire.tls.hello import (
    certificate_slices,
    parse_client_hello,
    parse_server_hello,
    parse_v2_client_hello,
    read_key_exchange,
)
from aurora_wire.wire.tls.names import TLS_1_3
from aurora_wire.wire.tls.suite_strength import suite_name

MAX_HANDSHAKE: Final[i64] = (1 << 20) + 65536  # bytes of a direction's handshake messages held: a chain of 1 MB
SMALL_PIECE: Final[i64] = 1024       # bytes up to which what follows is joined to it
HEARTBEAT_EXTENSION: Final[i64] = 15
MOST_ALERTS: Final[i64] = 2          # readable ones: a warning during the handshake, and what ends it
MOST_AROUND_DATA: Final[i64] = 24    # bytes that any suite adds to a record at least: see `holds_data`

# What no peer accepts (`TLSSide.odd`); the words are the verdict's.
MALFORMED: Final[i64] = 1        # a message that does not parse
UNKNOWN_MESSAGE: Final[i64] = 2  # a type that this side does not send before the keys
NOT_WHOLE: Final[i64] = 3        # the rest of a message never came
READS: Final[i64] = 4            # readable text in a message that has none
PLAIN_FINISHED: Final[i64] = 5   # after ChangeCipherSpec, a message in the clear

# Before the keys. TLS 1.3 has only hellos in the clear, which is looked at when the version is known.
OF_CLIENT: Final = frozenset({1, 11, 15, 16, 21, 23})
OF_SERVER: Final = frozenset({0, 2, 4, 11, 12, 13, 14, 22, 23})


class Messages:
    """Fed a direction's handshake records as long as they are readable."""

    __slots__ = ("budget", "mine", "needed", "pieces", "side", "size", "tls")

    def __init__(self, side: DirectionAccount, tls: TLSFacts, mine: TLSSide, budget: Budget) -> None:
        self.side = side
        self.tls = tls
        self.mine = mine
        self.budget = budget
        self.pieces: list[bytes] = []  # of messages not yet whole
        self.size: i64 = 0             # bytes of them
        self.needed: i64 = 4           # bytes with which the first one is whole, or its length is known

    def odd(self, kind: i64, frame: i64, offset: i64) -> None:
        mine = self.mine
        if mine.odd == 0:
            mine.odd = kind
            mine.odd_frame = frame
            mine.odd_offset = offset

    def ends(self, frame: i64, offset: i64) -> None:
        """End a message that has to be whole: something else than a handshake record follows."""
        if self.size > 0:
            self.drop()
            self.odd(NOT_WHOLE, frame, offset)

    def add(self, piece: bytes) -> bool:
        """Keep more of a message; False where there is no room, in all connections together."""
        size: i64 = len(piece)
        if self.budget.held < size:
            self.budget.refused = True
            self.drop()
            return False
        last: i64 = len(self.pieces) - 1
        if last >= 0 and len(self.pieces[last]) < SMALL_PIECE:
            self.pieces[last] += piece
        else:
            self.pieces.append(piece)
        self.size += size
        self.budget.held -= size
        return True

    def first(self) -> bytes:
        """Return what is there of messages that are not whole."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def drop(self) -> None:
        """Let go of what is not whole."""
        self.budget.held += self.size
        self.pieces = []
        self.size = 0
        self.needed = 4

    def read(self, frame: i64, offset: i64) -> bool:
        """Read the messages that are whole, now that a record is. Return whether a hello was among them."""
        if self.size < self.needed:
            return False
        found = False
        held = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        end: i64 = len(held)
        at: i64 = 0
        needed: i64 = 4
        while end - at >= 4:
            needed = 4 + u24_be(held, at + 1)
            if end - at < needed:
                break
            if self._message(held[at], held, at + 4, at + needed, frame, offset):
                found = True
            at += needed
            needed = 4
        self.drop()
        if needed > MAX_HANDSHAKE:
            self.odd(NOT_WHOLE, frame, offset)
        elif at < end:
            self.add(held[at:end])
            self.needed = needed
        return found

    def _message(self, kind: i64, data: bytes, at: i64, end: i64, frame: i64, offset: i64) -> bool:
        mine = self.mine
        tls = self.tls
        from_client = self.side.from_client
        if from_client and kind == names.CLIENT_HELLO:
            return self._client_hello(data, at, end, frame, offset)
        if not from_client and kind == names.SERVER_HELLO:
            return self._server_hello(data, at, end, frame, offset)
        mine.other_messages += 1
        if mine.other_frame < 0:
            mine.other_frame = frame
        if not (kind in OF_CLIENT if from_client else kind in OF_SERVER):
            self.odd(UNKNOWN_MESSAGE, frame, offset)
        elif kind == names.CERTIFICATE:
            if not from_client:
                tls.hello_done = True
            slices = certificate_slices(data, at, end)
            if slices is None:
                self.odd(MALFORMED, frame, offset)
            else:
                keep_certificates(self.budget, mine, data, slices, frame)
        elif kind == names.SERVER_KEY_EXCHANGE or kind == names.SERVER_HELLO_DONE:
            tls.hello_done = True
            if kind == names.SERVER_KEY_EXCHANGE and tls.server_hello is not None and tls.group < 0:
                tls.group, tls.dh_bits = read_key_exchange(suite_name(tls.server_hello.suite), data, at, end)
            if kind == names.SERVER_HELLO_DONE and end > at:
                self.odd(MALFORMED, frame, offset)
        elif kind == names.CERTIFICATE_REQUEST:
            tls.certificate_asked = True
        elif kind == names.CLIENT_KEY_EXCHANGE:
            mine.keys_before_spec = not mine.spec_changed
        elif kind == names.HELLO_REQUEST and end > at:
            self.odd(MALFORMED, frame, offset)
        # Points, signatures, tickets and premaster secrets are as random as ciphertext; certificates have names, and
        # a pre-shared key exchange has an identity.
        if kind in (names.CLIENT_KEY_EXCHANGE, names.SERVER_KEY_EXCHANGE, names.CERTIFICATE_VERIFY):
            hello = tls.server_hello
            if hello is None or "PSK" not in suite_name(hello.suite):
                if readable(data, at, end, READABLE_RUN):
                    self.odd(READS, frame, offset)
        elif kind == names.NEW_SESSION_TICKET and readable(data, at, end, READABLE_RUN):
            self.odd(READS, frame, offset)
        return False

    def _client_hello(self, data: bytes, at: i64, end: i64, frame: i64, offset: i64) -> bool:
        self.mine.hellos += 1
        client = parse_client_hello(data, at, end)
        if client is None:
            self.odd(MALFORMED, frame, offset)
            return False
        if client.reads:
            self.odd(READS, frame, offset)
        if self.tls.first_hello is None:
            self.tls.first_hello = self.tls.client_hello
        self.tls.client_hello = client
        if self.tls.hello_frame < 0:
            self.tls.hello_frame = frame
        return True

    def _server_hello(self, data: bytes, at: i64, end: i64, frame: i64, offset: i64) -> bool:
        tls = self.tls
        server = parse_server_hello(data, at, end)
        if server is None:
            self.mine.hellos += 1
            self.odd(MALFORMED, frame, offset)
            return False
        if server.is_retry_request:
            tls.retry = True
            tls.retries += 1
            return False
        self.mine.hellos += 1
        if server.reads:
            self.odd(READS, frame, offset)
        tls.server_hello = server
        tls.shortest = shortest_record(server.version, server.suite)
        tls.server_frame = frame
        if server.group >= 0:
            tls.group = server.group
        if server.version >= TLS_1_3:
            tls.resumed = 1 if server.resumed_by_psk else 0
        return True


def may_beat(tls: TLSFacts) -> bool:
    """Return whether heartbeats were negotiated: RFC 6520, both hellos have the extension."""
    client, server = tls.client_hello, tls.server_hello
    if client is None or server is None:
        return False
    return HEARTBEAT_EXTENSION in client.extensions and HEARTBEAT_EXTENSION in server.extensions


def reads_as_message(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Return whether a protected handshake record of TLS <= 1.2 begins as a message in the clear.

    A type, and the length that the record has: of random bytes one in 2^24 for the length, with Finished's two sizes
    or what a message's own first bytes say of the same length one in 2^8 or more besides: less than 10^-9.
    """
    if end - at < 4 or u24_be(data, at + 1) != length - 4:
        return False
    kind: i64 = data[at]
    body = at + 4
    if kind == names.FINISHED:
        return length == 16 or length == 40
    if kind in (names.SERVER_HELLO_DONE, names.HELLO_REQUEST):
        return length == 4
    if end - body < 6:
        return False
    if kind == names.CLIENT_KEY_EXCHANGE:
        return int(data[body]) == length - 5 or u16_be(data, body) == length - 6
    if kind == names.CERTIFICATE:
        return u24_be(data, body) == length - 7
    if kind == names.CERTIFICATE_VERIFY:
        return u16_be(data, body + 2) == length - 8 or u16_be(data, body) == length - 6
    if kind == names.NEW_SESSION_TICKET:
        return u16_be(data, body + 4) == length - 10
    if kind == names.CLIENT_HELLO or kind == names.SERVER_HELLO:
        return data[body] == 3 and data[body + 1] <= 4
    return kind == names.SERVER_KEY_EXCHANGE and data[body] == 3 and data[body + 1] == 0


def begins_client_hello(body: bytes) -> bool:
    """Return whether the body of one or more handshake records begins as a ClientHello, not as something encrypted.

    Its type, two bytes of its length and its version: of random bytes one in 2^30. No Finished has fewer than 6 bytes.
    """
    size: i64 = len(body)
    if body[0] != names.CLIENT_HELLO or (size > 1 and body[1] != 0):
        return False
    return (size < 5 or body[4] == 3) and (size < 6 or body[5] <= 3)


def alert_fits(tls: TLSFacts, length: i64) -> bool:
    """Return whether a protected alert of TLS <= 1.2 can have this length: two bytes and what protects them.

    Authenticated encryption adds 16 (ChaCha20, CCM_8 with its nonce) or 24 bytes; everything else a MAC of up to 48,
    a block of 16 before it and one to fill up: RFC 5246 section 6.2.3.
    """
    hello = tls.server_hello
    if hello is None:
        return True
    name = suite_name(hello.suite)
    if "_CCM_8" in name or "POLY1305" in name:
        return length == 18
    if "_GCM_" in name or "_CCM" in name:
        return length == 26
    return 18 <= length <= 96


def shortest_record(version: i64, suite: i64) -> i64:
    """Return how many bytes a protected record's body has at least, one of no data aside.

    TLS 1.3: a content type and a tag of 8 or 16. GCM before it: an explicit nonce of 8 and a tag of 16 (RFC 5288);
    everything else has a block, a tag or a MAC of 16 or more, but for CCM_8's 8 + 8 (RFC 6655), which is 16 too.
    """
    if version >= TLS_1_3:
        return 9 if "_CCM_8_" in suite_name(suite) else 17
    return 24 if "_GCM_" in suite_name(suite) else 16


def holds_data(version: i64, suite: i64, length: i64) -> bool:
    """Return whether an application data record of TLS <= 1.2 has a byte inside, as far as its length tells.

    With a block cipher an empty one looks like one of a few bytes.
    """
    if length > MOST_AROUND_DATA:
        return True
    if version >= TLS_1_3:
        return length > 17
    name = suite_name(suite)
    if "_CCM_8" in name or "POLY1305" in name:
        return length > 16
    if "_GCM_" in name or "_CCM" in name:
        return length > 24
    return length > 0


def is_protected(tls: TLSFacts, mine: TLSSide) -> bool:
    """Return whether a direction's records are protected, as far as the handshake was seen."""
    hello = tls.server_hello
    if hello is not None and hello.version >= TLS_1_3:
        return True
    if hello is None and tls.retry:
        return False  # a ChangeCipherSpec of now means nothing: RFC 8446, appendix D.4
    # With neither hello captured it was picked up in mid-stream, where nothing is left of the handshake.
    return mine.spec_changed or (hello is None and tls.client_hello is None)


def take_v2_hello(tls: TLSFacts, mine: TLSSide, side: DirectionAccount, data: bytes, at: i64, end: i64) -> i64:
    """Take a whole ClientHello in SSLv2's framing, as OpenSSL 0.9.8 sends it, if it is one. Return where it ends."""
    hello = parse_v2_client_hello(data, at, end) if side.from_client else None
    if hello is None:
        return at
    size: i64 = 2 + int(data[at + 1])
    mine.records = 1
    mine.first_frame = side.frame
    mine.first_offset = side.position
    tls.client_hello = hello
    tls.hello_frame = side.frame
    mine.hellos = 1
    side.account(size, labels.TLS_HANDSHAKE)
    return at + size


def change_cipher_spec(tls: TLSFacts, mine: TLSSide, side: DirectionAccount, negotiated: i64) -> bool:
    """Note a ChangeCipherSpec of a direction. negotiated: the version, -1 while it is not known. Return whether it is
    one too many: that of a renegotiation is encrypted, and in TLS 1.3 it means nothing.
    """
    again = mine.spec_changed and 0 <= negotiated < TLS_1_3
    if mine.spec_frame < 0:
        mine.spec_frame = side.frame
        if not side.from_client:
            # With a session resumed there is nothing between the hello and this.
            mine.keys_before_spec = tls.server_hello is not None
    mine.spec_changed = True
    if tls.resumed < 0 and not side.from_client and 0 <= negotiated < TLS_1_3:
        # With a ticket the session id may be empty: that no Certificate came before is what tells.
        tls.resumed = 0 if tls.hello_done else 1
    return again


def keep_hello(facts: TLSLog, side: DirectionAccount, frame: i64, offset: i64) -> None:
    """Keep what a ClientHello offers, while there is room."""
    tls = facts.tls
    hello = tls.client_hello if tls is not None and side.from_client else None
    if hello is not None and not facts.afford(hello.cost(), True, frame, side.time_ns, offset):
        hello.shorten()


def keep_alert(mine: TLSSide, level: i64, description: i64) -> bool:
    """Keep what a readable alert says. Return False if there is no such level (RFC 8446, 6: warning or fatal), or if
    too many came: each carries a byte of anything.
    """
    mine.alerts += 1
    mine.last_alert = description
    if level == 2:
        mine.fatal_alert = True
    return level in (1, 2) and mine.alerts <= MOST_ALERTS
