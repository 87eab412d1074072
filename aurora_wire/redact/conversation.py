"""What both directions of a connection know of each other while they are masked."""

from typing import Final

from mypy_extensions import i64

from aurora_wire.redact.replacements import Words
from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.decoding.connection_log import DECODED
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql.execute import Prepared
from aurora_wire.wire.tls.suite_strength import suite_name

MAX_PREPARED: Final[i64] = 4096  # statements whose parameters are remembered of a connection

# Anomalies after which nobody can be sure which packet a byte is in.
UNSURE: Final = frozenset(
    (
        int(anomalies.GAP), int(anomalies.TRUNCATED), int(anomalies.CONFLICT), int(anomalies.OVERLAP_UNCHECKED),
        int(anomalies.EVICTED), int(anomalies.BOUND), int(anomalies.LOST_FRAMING), int(anomalies.BAD_COMPRESSION),
        int(anomalies.INJECTED),
    )
)  # fmt: skip
# Anomalies after which records may hold what everybody can read.
READABLE: Final = frozenset(
    (int(anomalies.READABLE_RECORD), int(anomalies.BAD_RECORD), int(anomalies.UNEXPECTED_RECORD))
)


class Talk:
    """hosts: names of hosts are masked too. keep_unknown: streams of a protocol that nobody knows stay as they are."""

    def __init__(
        self, facts: Facts, words: Words, hosts: bool, keep_unknown: bool, is_mysql_port: bool, from_syn: bool
    ) -> None:
        self.facts = facts
        self.words = words
        self.hosts = hosts
        self.keep_unknown = keep_unknown
        self.is_mysql_port = is_mysql_port
        self.from_syn = from_syn
        self.is_lost = False
        self.is_readable = False   # its TLS records may be
        self.was_certain = False
        self.looked: i64 = 0       # anomalies that were looked at
        self.hello_seen = False
        self.kinds: list[int] = [] # types of the columns of the last result
        self.prepared: dict[int, Prepared] = {}

    def look(self) -> None:
        """Look at the anomalies that were added since the last call."""
        count: i64 = len(self.facts.anomalies)
        if count == self.looked:
            return
        self.looked = count
        for note in self.facts.anomalies:
            kind = int(note.kind)
            if kind in UNSURE:
                self.is_lost = True
            if kind in READABLE:
                self.is_readable = True

    def certain(self) -> bool:
        """Return whether the conversation was followed from its first byte on, and nothing missed."""
        facts = self.facts
        if self.was_certain and len(facts.anomalies) == self.looked:
            return True
        self.look()
        self.was_certain = (
            not self.is_lost
            and facts.greeting is not None
            and facts.greeting_offset == 0
            and facts.login is not None
            and facts.login_offset == facts.client_header
        )
        return self.was_certain

    def records_are_closed(self) -> bool:
        """Do its TLS records hide what they hold, as far as that shows?"""
        if len(self.facts.anomalies) != self.looked:
            self.look()
        if not self.hello_seen:
            tls = self.facts.tls
            if tls is not None and tls.server_hello is not None:
                self.hello_seen = True
                name = suite_name(tls.server_hello.suite)
                if "_NULL_" in name or "_anon_" in name:
                    self.is_readable = True
        return not self.is_readable

    def is_other(self) -> bool:
        """Return whether it is known to be another protocol: named by its beginning, and not where MySQL is spoken."""
        if self.keep_unknown:
            return True
        name = self.facts.other
        if self.facts.kind == DECODED or name in ("", "unknown", "no data") or name.startswith("not looked at"):
            return False
        return self.from_syn and not self.is_mysql_port

    def statement(self, number: i64) -> Prepared:
        found = self.prepared.get(number)
        if found is None:
            if len(self.prepared) >= MAX_PREPARED:
                self.prepared.clear()
            found = Prepared(number)
            self.prepared[number] = found
        return found
