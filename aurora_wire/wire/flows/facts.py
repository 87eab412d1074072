"""What is known of one connection: all that a verdict is computed from, composed of what each room knows."""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import DECODED, MYSQL, Budget
from aurora_wire.wire.decoding.events import Event
from aurora_wire.wire.decoding.protocol import Session
from aurora_wire.wire.decoding.tracker import Tracker
from aurora_wire.wire.identify.facts import IdentifiedFacts

START_ACK: Final[i64] = 1
START_SYN: Final[i64] = 2


class Decrypted:
    """What came of decrypting a connection's TLS records with a key log. Nothing of it crossed in the clear."""

    __slots__ = (
        "cut",
        "failed",
        "failed_frame",
        "failed_from_client",
        "failed_offset",
        "found_keys",
        "inside",
        "records",
        "without_keys",
    )  # fmt: skip

    def __init__(self) -> None:
        self.found_keys = False            # there are keys for this connection, and for its suite
        self.records: i64 = 0              # decrypted
        self.failed: i64 = 0               # that did not authenticate under these keys
        self.failed_frame: i64 = -1        # of the first
        self.failed_offset: i64 = -1
        self.failed_from_client = False
        self.without_keys: i64 = 0         # of a direction whose key is not in the log
        self.cut: i64 = 0                  # that were not captured whole, and gaps with several of them
        self.inside: Facts | None = None   # of the conversation that was inside


class Facts(IdentifiedFacts):
    """One connection, as far as it was captured. Frames are -1 where the thing was not seen."""

    def __init__(self, connection: i64, budget: Budget, events: list[Event] | None) -> None:
        super().__init__(connection, budget, events)
        # How the client's first sequence number was learned: 0 not, START_ACK (the peer's ACK number) or START_SYN.
        self.client_start: i64 = 0
        self.dropped_leak_frame: i64 = -1        # a readable command in a frame that a receiver would drop
        self.decoded: Session | None = None      # of a protocol with a folder of its own: kind is DECODED
        self.decrypted: Decrypted | None = None        # with a key log: what was inside TLS

    def mysql_inside(self) -> bool:
        """Return whether a key log showed MySQL inside TLS: a login, a command or what answers one."""
        decrypted = self.decrypted
        if decrypted is None or decrypted.inside is None:
            return False
        inside = decrypted.inside
        if inside.kind not in (MYSQL, DECODED):
            return False
        return inside.login_frame >= 0 or inside.commands > 0 or inside.responses > 0



class TrackerMaker:
    """Makes the trackers of new connections. from_syn: a SYN was the first that was seen of it."""

    def make(self, facts: Facts, from_client: bool, is_mysql_port: bool, from_syn: bool) -> Tracker:
        raise NotImplementedError
