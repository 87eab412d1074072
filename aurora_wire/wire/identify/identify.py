"""Identify what a connection speaks, from the first bytes of its directions and from single segments.

Steps, in this order; `identify` numbers them. What is certain from a few fixed bytes comes first, then what is likely
on a port, then other protocols by name, then what is only likely:
1. a greeting of a server; 2. a PROXY header; 3. a ClientHello or ServerHello; 4. a client's first packet;
5. a protocol with a folder of its own (X Protocol); 6. an ERR in place of a greeting; 7. a segment that is MySQL by
itself; 8. another protocol; 9. a chain of replies or of TLS records.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u24
from aurora_wire.wire.decoding import protocol
from aurora_wire.wire.decoding.segment import Segment
from aurora_wire.wire.identify import signatures
from aurora_wire.wire.identify.foreign import foreign_protocol
from aurora_wire.wire.identify.protocols import SHAPES
from aurora_wire.wire.identify.proxy_header import MORE, proxy_length
from aurora_wire.wire.identify.resync import is_login
from aurora_wire.wire.mysql.auth import BEFORE_LOGIN
from aurora_wire.wire.mysql.compressed import opens_packet
from aurora_wire.wire.mysql.greeting import looks_like_greeting
from aurora_wire.wire.mysql.login import NO, YES, opens_login, parse_ssl_request
from aurora_wire.wire.tls import record_shape
from aurora_wire.wire.tls.names import HANDSHAKE

MAX_TRIES: Final[i64] = 12       # segments judged on a port that is not MySQL's
MAX_JOINED: Final[i64] = 4096
MAX_PENDING: Final[i64] = 16384      # bytes of a direction kept until the protocol is known
MAX_PENDING_SEGMENTS: Final[i64] = 64
MAX_SMALL_SEGMENTS: Final[i64] = 512  # of a client that speaks first, until its server does; of packets in pieces

WAIT: Final[i64] = 0
NOTHING: Final[i64] = 1
GREETING: Final[i64] = 2
SERVER_ERROR: Final[i64] = 3
CLIENT_FIRST: Final[i64] = 4     # an SSLRequest or a login: the client's first packet
COMMANDS: Final[i64] = 5
REPLIES: Final[i64] = 6
COMPRESSED: Final[i64] = 7
PROXY: Final[i64] = 8
HELLO: Final[i64] = 9            # TLS from the first byte
TLS_CHAIN: Final[i64] = 10       # TLS in mid-stream
NAMED: Final[i64] = 12           # another protocol; `name` says which
COMMANDS_STRONG: Final[i64] = 13
DECODED: Final[i64] = 32         # a protocol with a folder of its own: DECODED + its row in `SHAPES`


def joined(pending: list[Segment]) -> bytes:
    """Return the first bytes of a direction, up to a gap or to MAX_JOINED."""
    if len(pending) == 1 or (pending and pending[0].cut > 0):
        return pending[0].data
    pieces: list[bytes] = []
    size: i64 = 0
    for item in pending:
        pieces.append(item.data)
        size += len(item.data)
        if item.cut > 0 or size >= MAX_JOINED:
            break
    return b"".join(pieces)


def identify(
    mine: list[Segment], whole: Segment | None, from_client: bool, first: bool, mysql_port: bool, own_port: i64,
    ends_here: bool,
) -> i64:  # fmt: skip
    """Return what a direction shows whose segments are `mine` (the last one is new): GREETING, WAIT, NOTHING, ...

    whole: the last segments joined, where they end a packet of mid-stream together (wire/mysql/turn.py);
    from_client: its role as far as known; first: these are the first bytes of the connection, not of mid-stream;
    own_port: the row of the protocol whose port it is, -1 if none; ends_here: a gap or the end follows, so that waiting
    brings nothing.
    """
    if not mine:
        return NOTHING
    head = joined(mine)
    size: i64 = len(head)
    if size == 0:
        return WAIT
    last = mine[len(mine) - 1]
    wait = False
    # 1. A greeting, on any port and of either direction: roles are by who greets. In pieces it may still become one.
    seen = looks_like_greeting(head, 0, size)
    if seen == 1:
        return GREETING
    if seen < 0 and ends_here:
        # Cut by the snaplen inside its version: so much of it is there, or it fills its segment on MySQL's own port.
        if size >= 16 or (mysql_port and first and size >= 6 and 4 + u24(head, 0) == size + mine[0].cut):
            return GREETING
    if seen < 0 and size < 128:
        wait = True
    # 2. A PROXY header: what it stands before is judged again without it.
    length = proxy_length(head, 0, size)
    if length > 0:
        return PROXY
    if length == MORE:
        wait = True
    # 3. A hello. Before a client's first packet: a record of SSL 3.0 (16 03 00 0x) fits a MySQL header, too.
    if record_shape.is_hello(head, 0, size):
        return HELLO
    if size < 11 and head[0] == HANDSHAKE and (size < 2 or head[1] == 3):
        wait = True
    # 4. A client's first packet: the greeting was not captured, or comes later by another tap.
    opens = _first_packet(head, size, mine[0].cut if len(mine) == 1 else 0, from_client, first, mysql_port)
    if opens == CLIENT_FIRST:
        return opens
    if opens == WAIT:
        wait = True
    # 5. A protocol with a folder of its own.
    decoded = _decoded(head, size, last if whole is None else whole, from_client, first, mysql_port, own_port)
    if decoded >= DECODED:
        return decoded
    if decoded == WAIT:
        wait = True
    # 6. A server that refuses its client sends an ERR and no greeting. On other ports in mid-stream that says nothing.
    if not from_client and (mysql_port or first):
        error = _server_error(head, size, 2 if first else 0)
        if error == SERVER_ERROR:
            return error
        if error == WAIT and (first or size < 5):
            wait = True
    # 7. What reads as SQL, or as a compressed packet that fills its segment, goes before a name.
    found = _from_segment(last, from_client, first, mysql_port, own_port >= 0)
    if found == NOTHING and whole is not None:
        found = _from_segment(whole, from_client, first, mysql_port, own_port >= 0)
    if found == COMMANDS_STRONG:
        return COMMANDS
    if found == COMPRESSED:
        return found
    # 8. Another protocol, by its name.
    if name(mine, from_client):
        return NAMED
    # 9. A chain of replies or of TLS records, which goes behind a name.
    if found != NOTHING:
        return found
    return WAIT if wait else NOTHING


def _decoded(
    head: bytes, size: i64, told: Segment, from_client: bool, first: bool, mysql_port: bool, own_port: i64
) -> i64:
    """Return DECODED and the row of the protocol that a direction shows, WAIT for what can become one, else NOTHING.

    told: the last segment, or the pieces of a packet that it ends. On MySQL's own port only from the connection's first
    byte on, where a classic client has sent no command yet: the header of X Protocol, five bytes, has the shape of a
    packet with one.
    """
    found: i64 = NOTHING
    for row in range(len(SHAPES)):
        shape = SHAPES[row]
        opens = shape.opens(head, 0, size, from_client)
        if opens == protocol.YES and (row == own_port or first or not mysql_port):
            return DECODED + row
        if row == own_port:
            if not first and shape.goes_on(told.data, 0, len(told.data), from_client):
                return DECODED + row
            if opens == protocol.MORE:
                found = WAIT
    return found


def _first_packet(head: bytes, size: i64, cut: i64, from_client: bool, first: bool, mysql_port: bool) -> i64:
    """Return CLIENT_FIRST for an SSLRequest or a login, WAIT for what can become one, else NOTHING.

    On other ports the segments have to end with it, or with a command that was sent without waiting.
    """
    if _is_ssl_request(head, size) or is_login(head, 0, size, cut):
        return CLIENT_FIRST
    if not first and from_client and mysql_port and size > 5 and head[5] & 2:
        # In mid-stream it may be cut into pieces, too: its filler tells.
        opens = opens_login(head, 0, size)
        return CLIENT_FIRST if opens == YES else (NOTHING if opens == NO else WAIT)
    if not first or not from_client:
        return NOTHING
    opens = opens_login(head, 0, size)
    if opens == NO:
        # 36 bytes may still become an SSLRequest.
        return WAIT if size < 36 and _may_be_first_packet(head, size) else NOTHING
    if opens == YES and not mysql_port:
        stop = 4 + u24(head, 0)
        if stop > size + cut:
            return WAIT
        if stop < size and signatures.mysql_commands(head, stop, size, cut) == signatures.NO:
            return NOTHING
    return CLIENT_FIRST if opens == YES else WAIT


def _from_segment(last: Segment, from_client: bool, first: bool, mysql_port: bool, own_port: bool) -> i64:
    """Return what a segment of mid-stream is by itself. What several tell together, `MidStream` adds up."""
    data = last.data
    end: i64 = len(data)
    commands = signatures.mysql_commands(data, 0, end, last.cut)
    # Where the connection's first bytes are here, no command is among them: a frame of another protocol.
    if commands == signatures.STRONG and not own_port and (mysql_port or not first):
        return COMMANDS_STRONG
    if signatures.compressed_packets(data, 0, end, last.cut) == signatures.STRONG and (mysql_port or not first):
        if opens_packet(data, 0, end):
            return COMPRESSED
    if signatures.tls_records(data, 0, end, last.cut) == signatures.STRONG:
        return TLS_CHAIN
    if mysql_port and not first and not from_client:
        if signatures.mysql_replies(data, 0, end, last.cut) == signatures.STRONG:
            return REPLIES
    return NOTHING


def name(pending: list[Segment], from_client: bool) -> str:
    """Return the protocol's name, from the first segment alone or from all of them; empty if it is not known."""
    from_server: i64 = 0 if from_client else 1
    first = pending[0].data
    found = foreign_protocol(first, 0, len(first), from_server)
    if found or len(pending) == 1:
        return found
    head = joined(pending)
    return foreign_protocol(head, 0, len(head), from_server)


def other_name(client: list[Segment], server: list[Segment]) -> str:
    """Return the name of another protocol, by its opening in either direction; empty if there is none."""
    found = name(client, True) if client else ""
    if found or not server:
        return found
    return name(server, False)


def count_bytes(pending: list[Segment]) -> i64:
    size: i64 = 0
    for item in pending:
        size += len(item.data)
    return size


def is_settled(
    found: i64, mine: list[Segment], others: list[Segment], from_client: bool, first: bool, mysql_port: bool,
    tries: i64,
) -> bool:  # fmt: skip
    """Return whether a guess may stand that the other direction, or what follows, can still contradict.

    tries: segments that were judged of both directions; mysql_port: or that of a protocol with a folder of its own.
    """
    knocks = first and from_client and not others
    # A greeting or a login may come byte by byte, and packets of mid-stream, of whose pieces none is a try.
    most = MAX_SMALL_SEGMENTS if knocks or found == WAIT or not first else MAX_PENDING_SEGMENTS
    size = count_bytes(mine)
    if size > MAX_PENDING or len(mine) > most:
        return True
    if found == WAIT or knocks:
        return False  # a server may still greet whoever knocks
    if found in (HELLO, TLS_CHAIN):
        return True
    if mysql_port:
        # A row may look like another protocol's first line, so that some more is looked at.
        return first or tries >= MAX_TRIES
    if first and found == NAMED:
        return True
    if first and others and other_name(mine if from_client else others, others if from_client else mine):
        return True
    return tries >= MAX_TRIES or size + count_bytes(others) > MAX_PENDING


def without_first(pending: list[Segment], size: i64) -> list[Segment]:
    """Return the segments without their first `size` bytes; payload and frame of the rest stay."""
    rest: list[Segment] = []
    for item in pending:
        have: i64 = len(item.data)
        if size >= have and item.cut == 0:
            size -= have
            continue
        rest.append(
            Segment(item.offset + size, item.data[size:], item.cut, item.frame, item.time_ns, item.payload_at)
        )
        size = 0
    return rest


def is_client_hello(pending: list[Segment]) -> bool:
    head = joined(pending)
    return len(head) > 5 and head[5] == 1


def _is_ssl_request(head: bytes, size: i64) -> bool:
    """Return whether it is an SSLRequest: sequence id 1, CLIENT_SSL, zero filler. Behind its 36 bytes a ClientHello
    may follow at once.
    """
    if size < 36 or u24(head, 0) != 32 or head[3] != 1 or head[13:32] != bytes(19):
        return False
    return parse_ssl_request(head, 4, 36) is not None


def _may_be_first_packet(head: bytes, size: i64) -> bool:
    return (size < 3 or head[2] == 0) and (size < 4 or head[3] == 1)


def _server_error(head: bytes, size: i64, last_sequence: i64) -> i64:
    """Return SERVER_ERROR for an ERR packet in place of a greeting: `FF`, a code of MySQL's ranges, readable text.

    Return WAIT for what can become one, else NOTHING. last_sequence: an ERR that answers a login counts up from there.
    """
    if size > 6 and last_sequence == 0 and 0 < head[3] < 4 and u16(head, 5) in BEFORE_LOGIN:
        last_sequence = 3
    if (size > 2 and head[2] != 0) or (size > 3 and head[3] > last_sequence) or (size > 4 and head[4] != 0xFF):
        return NOTHING
    if size < 9:
        return WAIT
    length = u24(head, 0)
    code = u16(head, 5)
    if last_sequence == 0 and code not in BEFORE_LOGIN:
        return NOTHING  # in mid-stream: a session that the server ends unasked
    if length < 5 or length > 1024 or not (1000 <= code < 5000):
        return NOTHING
    at: i64 = 7
    end = length + 4 if length + 4 < size else size
    while at < end:
        if head[at] < 32 or head[at] == 127:
            return NOTHING
        at += 1
    return SERVER_ERROR
