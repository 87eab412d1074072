"""Where the framing is lost: what does the next segment begin with?

After a gap, in a stream picked up in the middle, or where something else stands than had to. Segments are judged
from content (wire/detect.py), each by itself; what fits nothing is unknown, and stays so.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.reads import u24
from aurora_wire.wire import detect, labels, notes
from aurora_wire.wire.decoder import TO_COMPRESSED, TO_MYSQL, TO_TLS, Decoder
from aurora_wire.wire.facts import Facts, Side
from aurora_wire.wire.mysql.greeting import looks_like_greeting
from aurora_wire.wire.mysql.login import parse_login

READABLE: Final[i64] = 16  # printable bytes in a row among unknown ones that are worth a remark


class Search(Decoder):
    """Fed whole segments until one is recognised.

    injected: SSLRequest was the last thing seen, so what comes before a TLS record has no right to be here.
    """

    def __init__(self, facts: Facts, side: Side, injected: bool, broke_tls: bool) -> None:
        super().__init__(facts, side)
        self.injected = injected
        self.broke_tls = broke_tls
        self.greets = False       # what was found is a greeting

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        tls = detect.tls_records(data, at, end, cut)
        if tls == detect.STRONG or (tls == detect.WEAK and self.facts.tls is not None):
            self.next = TO_TLS
            return at
        if detect.compressed_packets(data, at, end, cut) == detect.STRONG:
            if self.facts.compression or self.facts.login_frame < 0:
                self.next = TO_COMPRESSED
                return at
        found = self._mysql(data, at, end, cut)
        if found:
            if self.injected:
                self.note(notes.INJECTED, end - at)
            self.next = TO_MYSQL
            return at
        stop = end
        if self.injected:
            # A ClientHello behind bytes that were put before it, in the same segment.
            probe = at + 1
            while probe < end - 10:
                if data[probe] == detect.HANDSHAKE and detect.is_hello(data, probe, end):
                    stop = probe
                    break
                probe += 1
            self.note(notes.INJECTED, stop - at)
        elif self.broke_tls:
            self.note(notes.BAD_RECORD, stop - at)
        if detect.readable_run(data, at, stop, READABLE):
            self.note(notes.READABLE_UNKNOWN, stop - at)
        self.side.account(stop - at, labels.UNKNOWN)
        return stop if stop == end else self.feed(data, stop, end, cut)

    def _mysql(self, data: bytes, at: i64, end: i64, cut: i64) -> bool:
        if not self.side.from_client:
            self.greets = looks_like_greeting(data, at, end) == 1
            return self.greets or detect.mysql_replies(data, at, end, cut) != detect.NO
        if detect.mysql_commands(data, at, end, cut) != detect.NO:
            return True
        return self.facts.login is None and is_login(data, at, end, cut)

    def gap(self, count: i64) -> None:
        self.side.hole(count)

    def finish(self) -> None:
        return


def is_login(data: bytes, at: i64, end: i64, cut: i64) -> bool:
    """A segment that is one login packet: sequence id 1 or 2, its 23 bytes of filler zero but for MariaDB's last 4."""
    if end - at < 38 or u24(data, at) + 4 != end - at + cut or data[at + 3] not in (1, 2):
        return False
    probe = at + 13
    while probe < at + 32:
        if data[probe] != 0:
            return False
        probe += 1
    return parse_login(data, at + 4, end) is not None
