"""What a connection does with what identification says of it: which decoders begin, or that it has to wait.

wire/identify/identify.py says in numbered steps what a direction shows; here that becomes the state of the connection
(wire/mysql/states.py). These are functions over `Connection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from aurora_wire.binary import u32_be
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.decoding.connection_log import TLS_ONLY, UNKNOWN
from aurora_wire.wire.decoding.segment import Segment
from aurora_wire.wire.flows.facts import START_SYN
from aurora_wire.wire.flows.tcp_stream import Stream
from aurora_wire.wire.identify import identify
from aurora_wire.wire.identify.midstream import ASKS, UNDECIDED
from aurora_wire.wire.identify.protocols import SHAPES
from aurora_wire.wire.identify.proxy_header import parse_proxy
from aurora_wire.wire.identify.signatures import STRONG, mysql_commands
from aurora_wire.wire.mysql.plausibility import is_event
from aurora_wire.wire.mysql.turn import SMALL, Turn

if TYPE_CHECKING:
    from aurora_wire.wire.flows.connection import Connection


def decide(connection: Connection, stream: Stream, ends_here: bool, whole: Segment | None = None) -> None:
    """Judge again, now that `stream` has brought something (or, with ends_here, will bring no more).

    whole: its last segments joined, where they end a packet of mid-stream.
    """
    first = connection.is_first(stream)
    found = identify.identify(
        stream.pending, whole, stream.side.from_client, first, connection.is_mysql_port, connection.own_port, ends_here
    )  # fmt: skip
    if found == identify.GREETING or found == identify.SERVER_ERROR:
        connection.set_roles(stream, False)
        connection.start_mysql()
    elif found == identify.CLIENT_FIRST:
        connection.set_roles(stream, True)
        connection.start_mysql()
    elif found == identify.COMMANDS:
        connection.set_roles(stream, True)
        connection.facts.told = True
        connection.resynchronise()
    elif found == identify.REPLIES:
        connection.set_roles(stream, False)
        connection.facts.told = True
        connection.resynchronise()
    elif found == identify.COMPRESSED:
        # A command's number is 0, and what answers it counts on. The port says it better, and so does a SYN.
        if not connection.is_mysql_port and START_SYN not in (connection.client.start, connection.server.start):
            told = stream.pending[-1] if whole is None else whole
            connection.set_roles(stream, told.data[3] == 0)
        connection.resynchronise()
    elif found == identify.PROXY:
        connection.set_roles(stream, True)
        _proxy(connection, stream)
    elif found == identify.HELLO or found == identify.TLS_CHAIN:
        if ends_here or _is_settled(connection, stream, first, found):
            _tls(connection, stream, found)
    elif found >= identify.DECODED:
        connection.start_decoded(SHAPES[found - identify.DECODED].name)
    elif ends_here:
        if found == identify.NAMED:
            give_up(connection)
    elif _is_settled(connection, stream, first, found):
        give_up(connection)


def _is_settled(connection: Connection, stream: Stream, first: bool, found: i64) -> bool:
    return identify.is_settled(
        found, stream.pending, connection.peer(stream).pending, stream.side.from_client, first,
        connection.is_mysql_port or connection.own_port >= 0, connection.tries,
    )  # fmt: skip


def _tls(connection: Connection, stream: Stream, found: i64) -> None:
    if found == identify.HELLO:
        connection.set_roles(stream, identify.is_client_hello(stream.pending))
    if connection.is_mysql_port or connection.own_port >= 0:
        connection.facts.kind = TLS_ONLY
        if found == identify.HELLO:
            connection.start_tls(stream)
        else:
            connection.resynchronise()  # what waited may end, and what the peer says may begin, inside a record
    else:
        _start_foreign(connection, stream, found == identify.HELLO)


def _start_foreign(connection: Connection, stream: Stream, is_whole: bool) -> None:
    """Follow TLS on a port that is not MySQL's, if a key log may show MySQL inside."""
    decryption = connection.decoders.make_decryption() if is_whole else None
    if decryption is None:
        connection.start_other("TLS")
        return
    decryption.foreign = True
    connection.facts.kind = TLS_ONLY
    connection.start_tls(stream)


def give_up(connection: Connection) -> None:
    """Decide without MySQL's first bytes: another protocol, or on MySQL's port a search."""
    found = identify.other_name(connection.client.pending, connection.server.pending)
    if found:
        connection.start_other(found)
    elif connection.is_mysql_port or connection.own_port >= 0:
        connection.resynchronise()
    else:
        connection.start_other("unknown")


def _proxy(connection: Connection, stream: Stream) -> None:
    """Take the PROXY header off; what follows is judged again."""
    joined = identify.joined(stream.pending)
    header = parse_proxy(joined, 0, len(joined))
    if header is None:
        return
    if connection.facts.proxy is None or header.source:
        connection.facts.proxy = header
        connection.facts.proxy_frame = stream.pending[0].frame
    size: i64 = header.length
    connection.facts.client_header += size
    tracker = stream.side.tracker
    if tracker is not None:
        tracker.proxied(stream.side.position, joined[:size])
    stream.side.account(size, labels.PROXY_HEADER)
    stream.pending = identify.without_first(stream.pending, size)
    if stream.pending:
        decide(connection, stream, False)


def wait_in_midstream(
    connection: Connection, stream: Stream, data: bytes, at: i64, end: i64, cut: i64
) -> None:
    """Judge a segment of mid-stream that waits, and those joined with it that may be pieces of a packet."""
    side = stream.side
    turn = _joining(connection)
    whole: Segment | None = None
    if turn.add(data, at, end, cut, side.from_client, connection.peer(stream).side.frame):
        whole = Segment(0, turn.data, 0, side.frame, side.time_ns, 0)
    is_piece = turn.is_open() and end - at < SMALL
    if not is_piece:
        connection.tries += 1
    decide(connection, stream, False, whole)
    if connection.own_port >= 0:
        return  # what adds up is told of MySQL's classic protocol, which this port is not for
    if connection.undecided and whole is not None:
        _add_up(connection, stream, whole.data, 0, len(whole.data), 0)
    elif connection.undecided and not is_piece:
        _add_up(connection, stream, data, at, end, cut)


def _joining(connection: Connection) -> Turn:
    """Return what joins the pieces of packets, while it is not known what the connection is."""
    turn = connection.turn
    if turn is None:
        turn = Turn(connection.facts)
        connection.turn = turn
    return turn


def _add_up(connection: Connection, stream: Stream, data: bytes, at: i64, end: i64, cut: i64) -> None:
    """Judge a segment of mid-stream together with those before it."""
    found = connection.midstream.take(data, at, end, cut, stream.side.from_client)
    if found != UNDECIDED:
        _note_clone(connection)
        connection.set_roles(stream, found == ASKS)
        connection.facts.told = True
        connection.resynchronise()


def _note_clone(connection: Connection) -> None:
    """Note that what told is CLONE: packets that tell less by themselves are of it, too."""
    if connection.midstream.of_clone:
        connection.facts.is_clone = True


def overlook(
    connection: Connection, stream: Stream, tcp_at: i64, data: bytes, at: i64, end: i64, cut: i64
) -> bool:
    """Pass a segment of what was taken for another protocol. Return True if it tells by itself that it is MySQL.

    Then its streams go on from here, and a search begins.
    """
    turn = _joining(connection)
    shown = data
    if turn.add(data, at, end, cut, stream.side.from_client, 0):
        shown = turn.data
        at = 0
        end = len(shown)
    if end - at < 5:
        return False
    if not connection.is_mysql_port and shown[at + 3] > 1 and (shown[at + 4] != 0 or not is_event(shown, at, end)):
        return False
    found = UNDECIDED
    if mysql_commands(shown, at, end, cut) == STRONG:
        found = ASKS
    elif not turn.is_open() or end - at >= SMALL:
        found = connection.midstream.take(shown, at, end, cut, stream.side.from_client)
    if found == UNDECIDED:
        return False
    turn.clear()
    _note_clone(connection)
    connection.skipping = False
    connection.watching = False
    connection.verify = True
    connection.facts.kind = UNKNOWN
    connection.facts.other = ""
    stream.resume(u32_be(data, tcp_at + 4))
    connection.peer(stream).resume(u32_be(data, tcp_at + 8))
    connection.set_roles(stream, found == ASKS)
    connection.resynchronise()
    return True
