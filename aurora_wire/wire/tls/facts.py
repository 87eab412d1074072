"""What a connection's TLS showed in the clear."""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import Budget, ConnectionLog
from aurora_wire.wire.decoding.events import Event
from aurora_wire.wire.tls.hello import ClientHello, ServerHello

NO_CERTIFICATES: Final[list[bytes]] = []  # never written to: a side without any has no list of its own


class TLSSide:
    """What one direction's TLS records showed."""

    __slots__ = (
        "alerts", "app_bytes", "app_records", "before_hello", "before_spec", "broken", "certificate_count",
        "certificates", "certificates_frame", "compressed_with", "data_records",
        "early_frame", "early_offset", "encrypted_handshake", "fatal_alert", "finished", "first_data_offset",
        "first_frame", "first_offset", "first_unsure_offset", "hellos", "keys_before_spec", "last_alert",
        "last_data_acked", "odd", "odd_frame", "odd_offset", "other_frame", "other_messages", "records",
        "spec_changed", "spec_frame", "unsure_longest", "unsure_records",
    )  # fmt: skip

    def __init__(self) -> None:
        self.records: i64 = 0
        self.first_frame: i64 = -1
        self.first_offset: i64 = -1
        self.spec_changed: bool = False          # ChangeCipherSpec seen
        self.encrypted_handshake: i64 = 0        # handshake records after it: Finished, and renegotiation
        self.app_records: i64 = 0                # application data records after the hellos
        self.data_records: i64 = 0               # of these, neither TLS 1.3's Finished nor an alert
        self.app_bytes: i64 = 0
        self.first_data_offset: i64 = -1
        self.last_data_acked: i64 = -1           # what the segment of the last one acknowledged: see `Stream.acked`
        # Application data records that came before the version was known, and are no data in TLS 1.3.
        self.unsure_records: i64 = 0
        self.unsure_longest: i64 = 0
        self.first_unsure_offset: i64 = -1
        self.alerts: i64 = 0                     # readable ones
        self.last_alert: i64 = -1                # description of the last readable one
        self.fatal_alert: bool = False
        self.broken: bool = False                # the record chain broke
        # Of the handshake's order; what it is worth depends on the version: see verdict/handshake.py.
        self.hellos: i64 = 0                     # ClientHellos, or ServerHellos without HelloRetryRequests
        self.other_messages: i64 = 0             # handshake messages in the clear but hellos
        self.other_frame: i64 = -1
        self.keys_before_spec: bool = False      # what makes keys came before ChangeCipherSpec
        self.spec_frame: i64 = -1                # of the first ChangeCipherSpec
        self.finished: i64 = 0                   # handshake records between ChangeCipherSpec and application data
        self.before_hello: i64 = 0               # application data records before the ServerHello
        self.before_spec: i64 = 0                # the same before this direction's ChangeCipherSpec
        self.early_frame: i64 = -1               # of the first of either
        self.early_offset: i64 = -1
        self.odd: i64 = 0                        # first thing that no peer accepts: wire/tls/handshake.py
        self.odd_frame: i64 = -1
        self.odd_offset: i64 = -1
        # Of the first Certificate message that reads, also where a key log decrypted it. What is not kept is b"".
        self.certificate_count: i64 = -1         # -1: no such message was seen
        self.certificates: list[bytes] = NO_CERTIFICATES  # DER, this side's own first
        self.certificates_frame: i64 = -1
        self.compressed_with: i64 = -1           # the algorithm of certificates that nothing here opened


class TLSFacts:
    """What the TLS handshake of a connection showed in the clear."""

    __slots__ = (
        "certificate_asked",
        "client",
        "client_hello",
        "dh_bits",
        "first_hello",
        "group",
        "hello_done",
        "hello_frame",
        "resumed",
        "retries",
        "retry",
        "server",
        "server_frame",
        "server_hello",
        "shortest",
    )  # fmt: skip

    def __init__(self) -> None:
        self.client: Final = TLSSide()
        self.server: Final = TLSSide()
        self.client_hello: ClientHello | None = None
        self.hello_frame: i64 = -1
        self.server_hello: ServerHello | None = None
        self.server_frame: i64 = -1
        self.retry: bool = False
        self.retries: i64 = 0                    # HelloRetryRequests
        self.hello_done: bool = False            # ServerHelloDone seen, or what comes between the hello and it
        self.shortest: i64 = 16                  # bytes that a protected record has at least
        self.resumed: i64 = -1                   # 1 yes, 0 no, -1 not known
        self.first_hello: ClientHello | None = None  # where a second one followed: what fingerprints are made of
        self.group: i64 = -1                     # of the key exchange
        self.dh_bits: i64 = -1                   # of the prime of a DHE key exchange
        self.certificate_asked: bool = False     # the server asked for a certificate of the client

    def side(self, from_client: bool) -> TLSSide:
        return self.client if from_client else self.server


class TLSLog(ConnectionLog):
    """A connection with what its TLS showed in the clear, if there was any."""

    def __init__(self, connection: i64, budget: Budget, events: list[Event] | None) -> None:
        super().__init__(connection, budget, events)
        self.tls: TLSFacts | None = None

    def start_tls(self) -> TLSFacts:
        tls = self.tls
        if tls is None:
            tls = TLSFacts()
            self.tls = tls
        return tls
