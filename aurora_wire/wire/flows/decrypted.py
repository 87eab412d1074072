"""What is inside TLS records that a key log decrypts: a conversation with facts of its own.

It is decoded as if it were a connection, from the login on where greeting and SSLRequest came in the clear, else from
whatever it begins with. Its facts stay apart from those of the connection around it: nothing of them is a leak.
"""

from collections.abc import Callable
from typing import Final, cast

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import DECODED, MYSQL, OTHER
from aurora_wire.wire.flows.connection import Connection
from aurora_wire.wire.flows.facts import START_SYN, Decrypted, Facts
from aurora_wire.wire.flows.overlap_history import History
from aurora_wire.wire.flows.tcp_stream import Stream
from aurora_wire.wire.mysql.compressed import Inflater
from aurora_wire.wire.tls.decryption import (
    DECRYPTED,
    FAILED,
    MESSAGES,
    NO_KEYS,
    Decryption,
    DecryptionMaker,
    DecryptorFactory,
    RecordDecryptor,
)
from aurora_wire.wire.tls.facts import TLSLog
from aurora_wire.wire.tls.hidden_messages import HiddenMessages

# How many bytes a gap inside has is not known: more than any packet, so that no packet goes on behind it.
GAP_INSIDE: Final[i64] = 1 << 24


class InnerDecryption(Decryption):
    """Decrypts one connection's records and decodes what is inside, as a connection of its own."""

    def __init__(
        self, facts: Facts, decryptors: DecryptorFactory, inflaters: dict[int, Callable[[], Inflater]]
    ) -> None:
        super().__init__()
        self.facts = facts
        self.decryptors = decryptors
        self.inflaters = inflaters
        self.decrypted = Decrypted()
        self.decryptor: RecordDecryptor | None = None
        self.inner: Connection | None = None
        self.client: Stream | None = None   # by who sends, as the records have it
        self.server: Stream | None = None
        self.client_messages: HiddenMessages | None = None
        self.server_messages: HiddenMessages | None = None
        facts.decrypted = self.decrypted

    def hellos(self) -> None:
        tls = self.facts.tls
        if tls is None or self.decryptor is not None:
            return
        client, server = tls.client_hello, tls.server_hello
        if client is None or server is None:
            return
        if server.compression == 0:
            self.decryptor = self.decryptors.decryptor(
                client.random, server.random, server.version, server.suite, encrypt_then_mac=server.encrypt_then_mac
            )
        if self.decryptor is None:
            self.gives_up = self.foreign
            return
        self.wanted = True
        self.decrypted.found_keys = True
        self._begin()
        for from_client in (True, False):
            # A tap may bring records before the hello that they follow.
            side = tls.side(from_client)
            if side.app_records > 0:
                self.decrypted.cut += side.app_records
                self.decryptor.lost(from_client, side.app_bytes)

    def _begin(self) -> None:
        facts = self.facts
        borrowed: list[History] = []
        inside = Facts(facts.id, facts.budget, None)
        self.decrypted.inside = inside
        inner = Connection(inside, b"", b"", facts.budget, True, -1, self.inflaters, borrowed)
        inner.client.start = START_SYN  # what is inside begins here: as after a SYN
        inner.server.start = START_SYN
        self.inner = inner
        self.client = inner.client
        self.server = inner.server
        for stream in (inner.client, inner.server):
            stream.side.anchored = True
        tls = facts.tls
        if tls is not None:
            self.client_messages = HiddenMessages(inner.client.side, tls, tls.client, facts.budget, self.decryptors)
            self.server_messages = HiddenMessages(inner.server.side, tls, tls.server, facts.budget, self.decryptors)
        if facts.kind == MYSQL:
            inner.start_login(facts.greeting)
        elif facts.kind == DECODED:
            inner.start_decoded(facts.other)

    def record(
        self, from_client: bool, kind: i64, version: i64, body: bytes, frame: i64, time_ns: i64, offset: i64
    ) -> None:
        decryptor = self.decryptor
        if decryptor is None:
            return
        became, data = decryptor.record(from_client, kind, version, body)
        decrypted = self.decrypted
        if became == MESSAGES:
            decrypted.records += 1
            self._messages(from_client, data, frame, offset)
            return
        if became == DECRYPTED:
            decrypted.records += 1
            if data:
                self._inside(from_client, data, frame, time_ns, offset)
            return
        if became == FAILED:
            if decrypted.failed == 0:
                decrypted.failed_frame = frame
                decrypted.failed_offset = offset
                decrypted.failed_from_client = from_client
            decrypted.failed += 1
        elif became == NO_KEYS:
            decrypted.without_keys += 1
        else:
            return
        self._gap(from_client)

    def _inside(self, from_client: bool, data: bytes, frame: i64, time_ns: i64, offset: i64) -> None:
        inner = self.inner
        stream = self.client if from_client else self.server
        if inner is None or stream is None:
            return
        side = stream.side
        side.frame = frame
        side.time_ns = time_ns
        side.anchor = offset
        side.seen += len(data)
        stream.next += len(data)
        inner.deliver_decrypted(stream, data)
        if self.foreign and inner.facts.kind == OTHER:
            self.gives_up = True

    def _messages(self, from_client: bool, data: bytes, frame: i64, offset: i64) -> None:
        messages = self.client_messages if from_client else self.server_messages
        if messages is not None:
            messages.feed(data, frame, offset)

    def _gap(self, from_client: bool) -> None:
        messages = self.client_messages if from_client else self.server_messages
        if messages is not None:
            messages.drop()  # the rest of a message is missing
        inner = self.inner
        stream = self.client if from_client else self.server
        if inner is not None and stream is not None and not inner.finished:
            stream.next += GAP_INSIDE
            inner.gap(stream, GAP_INSIDE)

    def skip_record(self, from_client: bool) -> None:
        if self.decryptor is not None:
            self.decrypted.cut += 1
            self.decryptor.skip_record(from_client)
            self._gap(from_client)

    def lost(self, from_client: bool, count: i64) -> None:
        if self.decryptor is not None:
            self.decrypted.cut += 1
            self.decryptor.lost(from_client, count)
            self._gap(from_client)

    def close(self) -> None:
        for messages in (self.client_messages, self.server_messages):
            if messages is not None:
                messages.drop()
        self.client_messages = None
        self.server_messages = None
        inner = self.inner
        if inner is not None:
            inner.finished = True
            inner.close()
            inner.dispose()
        self.inner = None
        self.client = None
        self.server = None
        self.decryptor = None
        self.wanted = False


class InnerDecryptionMaker(DecryptionMaker):
    def __init__(self, decryptors: DecryptorFactory, inflaters: dict[int, Callable[[], Inflater]]) -> None:
        self.decryptors = decryptors
        self.inflaters = inflaters

    def make(self, facts: TLSLog) -> Decryption | None:
        if not self.decryptors.any_keys():
            return None
        return InnerDecryption(cast(Facts, facts), self.decryptors, self.inflaters)
