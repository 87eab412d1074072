"""The client's first bytes, where a server has greeted: PROXY headers, MySQL, or another protocol that knocks here.

A proxy puts its header in front of the client's first packet, whichever side spoke first. What is neither that nor
MySQL is named, and is followed only to see whether MySQL or TLS comes after all.
Source: "The PROXY protocol, versions 1 & 2", which lets several proxies each put their header in front.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import labels
from aurora_wire.wire.decoding.connection_log import DirectionAccount
from aurora_wire.wire.decoding.decoder import TO_MYSQL, TO_SEARCH, TO_TLS, Decoder
from aurora_wire.wire.identify import signatures
from aurora_wire.wire.identify.facts import IdentifiedFacts
from aurora_wire.wire.identify.foreign import CLIENT, foreign_protocol
from aurora_wire.wire.identify.proxy_header import MORE, parse_proxy, proxy_length
from aurora_wire.wire.mysql import login
from aurora_wire.wire.mysql.sql_text import is_ascii_text
from aurora_wire.wire.tls import record_shape

HEADER: Final[i64] = 4
LAST_SEQUENCE: Final[i64] = 3      # of a client's first packet, after an SSLRequest too
MAX_TEXT: Final[i64] = 512         # bytes of text that are waited for until it has a name
MAX_BINARY: Final[i64] = 64
MAX_HEADER: Final[i64] = 4096      # of a PROXY header: our bound
TEXT: Final = "text"               # what a person typed, or a protocol that has no name here
# ER_HANDSHAKE_ERROR, ER_UNKNOWN_COM_ERROR, ER_NET_PACKET_TOO_LARGE to ER_NET_WRITE_INTERRUPTED, ER_MALFORMED_PACKET.
PROTOCOL_ERRORS: Final = (1043, 1047, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1835)
IAC: Final[i64] = 0xFF             # RFC 854


class FirstBytes(Decoder):
    """Decodes what the client sends from its first byte on: takes PROXY headers off, names other protocols."""

    def __init__(self, facts: IdentifiedFacts, side: DirectionAccount) -> None:
        super().__init__(facts, side)
        self.facts = facts
        self.held = b""
        self.foreign = False     # another protocol: named in `facts.stranger`

    def feed(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        if self.foreign:
            return self._follow(data, at, end, cut)
        # A ClientHello in a record of SSL 3.0 (16 03 00 0x) fits a MySQL header, too.
        if not self.held and end - at >= HEADER and opens_mysql(data, at) and not record_shape.is_hello(data, at, end):
            self.next = TO_MYSQL
            return at
        held = self.held + data[at:end] if self.held else data[at:end]
        self.held = b""
        begun: i64 = 0
        size: i64 = len(held)
        # Each proxy on the way may have put its header in front.
        while begun < size:
            length = proxy_length(held, begun, size)
            if length <= 0:
                break
            self._header(held, begun, length)
            begun += length
        if begun < size:
            self._judge(held[begun:], cut)
        return end

    def _header(self, data: bytes, at: i64, length: i64) -> None:
        """Take a PROXY header off. Of several the last one, from the proxy next to the client, names the client."""
        facts = self.facts
        header = parse_proxy(data, at, at + length)
        if header is not None and (facts.proxy is None or header.source):
            facts.proxy = header
            facts.proxy_frame = self.side.frame
        facts.client_header += length
        tracker = self.side.tracker
        if tracker is not None:
            tracker.proxied(self.side.position, data[at : at + length])
        self.side.account(length, labels.PROXY_HEADER)

    def _judge(self, held: bytes, cut: i64) -> None:
        """Judge `held`, which is behind all headers: it goes on to another decoder, is named, or waits for more."""
        size: i64 = len(held)
        if proxy_length(held, 0, size) == MORE and size < MAX_HEADER and cut == 0:
            self.held = held
            return
        if size < HEADER and cut == 0:
            self.held = held  # a header in pieces
            return
        # Fewer bytes than a header's, cut by the snaplen: of MySQL, as far as anyone can tell.
        if size < HEADER or opens_mysql(held, 0) or record_shape.is_record_start(held, 0, size):
            self.next = TO_MYSQL  # who finds TLS where a packet begins
            self.carry = held
            return
        name = name_protocol(held)
        readable = is_ascii_text(held, 0, size)
        if not name and size < (MAX_TEXT if readable else MAX_BINARY) and cut == 0:
            self.held = held
        elif name or readable:
            self._named(name or TEXT, held)
        else:
            self.next = TO_MYSQL  # who says that it fits nothing
            self.carry = held

    def _named(self, name: str, held: bytes) -> None:
        self.foreign = True
        facts = self.facts
        side = self.side
        facts.stranger = name
        facts.stranger_frame = side.frame
        facts.stranger_offset = side.position
        self._pass(len(held))

    def _pass(self, count: i64) -> None:
        self.facts.stranger_bytes += count
        self.side.account(count, labels.NOT_MYSQL)

    def _follow(self, data: bytes, at: i64, end: i64, cut: i64) -> i64:
        """Account for more of another protocol, unless it reads as MySQL, or as TLS, by itself."""
        commands = signatures.mysql_commands(data, at, end, cut)
        if commands == signatures.STRONG or login.opens_login(data, at, end) == login.YES:
            self.next = TO_MYSQL
            return at
        if record_shape.is_hello(data, at, end):
            self.next = TO_TLS
            return at
        self._pass(end - at)
        return end

    def gap(self, count: i64) -> None:
        self.finish()
        self.side.gap(count)
        if not self.foreign:
            self.next = TO_SEARCH

    def finish(self) -> None:
        held = self.held
        if not held:
            return
        self.held = b""
        name = name_protocol(held)
        if not name and len(held) >= HEADER and is_ascii_text(held, 0, len(held)):
            name = TEXT
        if name:
            self._named(name, held)
        else:
            self.side.account(len(held), labels.UNKNOWN)


def opens_mysql(data: bytes, at: i64) -> bool:
    """Return whether the four bytes at `at`, which are there, can be the header of a client's first packet."""
    return data[at + 2] == 0 and data[at + 3] <= LAST_SEQUENCE and data[at] | data[at + 1] != 0


def name_protocol(data: bytes) -> str:
    """Return the protocol's name by its opening; empty if it is not known."""
    size: i64 = len(data)
    found = foreign_protocol(data, 0, size, CLIENT)
    if found:
        return found
    # Telnet's options: IAC, WILL to DONT, one of some fifty options.
    if size >= 3 and data[0] == IAC and 0xFB <= data[1] <= 0xFE and data[2] < 64:
        return "telnet"
    return ""


def name_at_end(facts: IdentifiedFacts) -> None:
    """Name what knocked, where only what became of it tells: a server that refused it, or did not answer it."""
    refused = facts.early_error_frame >= 0
    if facts.stranger or facts.login_frame >= 0 or facts.commands > 0 or (facts.greeting is None and not refused):
        return
    client = facts.client
    tls = facts.tls
    if client.missing + client.truncated > 0:
        return
    if facts.proxy is not None and refused and client.seen == facts.client_header:
        facts.stranger = "PROXY"
        facts.stranger_frame = facts.proxy_frame
        facts.stranger_offset = 0
    elif tls is not None:
        if facts.ssl_request_frame < 0 and tls.client_hello is not None and tls.server_hello is None:
            facts.stranger = "TLS"
            facts.stranger_frame = tls.hello_frame
            facts.stranger_offset = tls.client.first_offset
    elif refused and client.unknown > 0 and client.plaintext == 0 and facts.early_error_code in PROTOCOL_ERRORS:
        facts.stranger = "unknown"
        facts.stranger_frame = client.unknown_frame
        facts.stranger_offset = client.unknown_offset
        facts.stranger_bytes = client.unknown
