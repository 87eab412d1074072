"""A direction whose protocol is known by name and not decoded."""

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import ConnectionLog, DirectionAccount
from aurora_wire.wire.decoding.decoder import Decoder


class Opaque(Decoder):
    """Gives every byte the same label."""

    def __init__(self, facts: ConnectionLog, side: DirectionAccount, label: i64) -> None:
        super().__init__(facts, side)
        self.label: i64 = label

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        tracker = self.side.tracker
        if tracker is not None:
            tracker.content(self.side.position, data, at, end)
        self.side.account(end - at, self.label)
        return end

    def gap(self, count: i64) -> None:
        self.side.gap(count)

    def finish(self) -> None:
        return
