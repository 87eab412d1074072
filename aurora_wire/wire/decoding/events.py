"""What a connection said, in the order it was said. One small class an event."""

from typing import Final

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(acyclic=True)
class Event:
    """Something seen on connection `connection`, beginning in `frame` at stream offset `offset`."""

    __slots__ = ("connection", "frame", "from_client", "offset", "time_ns")

    def __init__(self, connection: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64) -> None:
        self.connection: Final[i64] = connection
        self.from_client: Final[bool] = from_client
        self.frame: Final[i64] = frame
        self.time_ns: Final[i64] = time_ns
        self.offset: Final[i64] = offset


@mypyc_attr(acyclic=True)
class ConnectionOpened(Event):
    """The first frame of a connection."""

    __slots__ = ()


@mypyc_attr(acyclic=True)
class ConnectionClosed(Event):
    """The connection's facts will not change any more."""

    __slots__ = ()


@mypyc_attr(acyclic=True)
class TLSStarted(Event):
    """A ClientHello or ServerHello was read; or, in mid-stream, a chain of TLS records."""

    __slots__ = ()


@mypyc_attr(acyclic=True)
class AnomalyEvent(Event):
    """The first anomaly of its kind in this direction (wire/decoding/anomalies.py): a gap, a conflict ..."""

    __slots__ = ("amount", "kind")

    def __init__(
        self, connection: i64, from_client: bool, frame: i64, time_ns: i64, offset: i64, kind: i64, amount: i64
    ) -> None:
        super().__init__(connection, from_client, frame, time_ns, offset)
        self.kind: Final[i64] = kind
        self.amount: Final[i64] = amount

