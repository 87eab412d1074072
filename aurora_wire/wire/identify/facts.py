"""What a connection began with before MySQL's first packet, or instead of it."""

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.decoding.events import Event
from aurora_wire.wire.identify.proxy_header import ProxyHeader
from aurora_wire.wire.mysql.facts import MySQLFacts


class IdentifiedFacts(MySQLFacts):
    """A connection with what stood before its first packet, or in its place."""

    def __init__(self, connection: i64, budget: Budget, events: list[Event] | None) -> None:
        super().__init__(connection, budget, events)
        self.proxy: ProxyHeader | None = None
        self.client_header: i64 = 0              # bytes of a PROXY header before the client's first packet
        self.proxy_frame: i64 = -1
        self.stranger = ""                       # the protocol of a client that is none of MySQL's, by name
        self.stranger_frame: i64 = -1
        self.stranger_offset: i64 = -1
        self.stranger_bytes: i64 = 0             # counted among the unknown ones
