"""The states of a connection, and what takes it from one to the next: the only place that says so.

MySQL's documents know two phases. In the *connection phase* the server greets (Protocol::Handshake) and the client logs
in (Protocol::HandshakeResponse), or first asks for TLS with an SSLRequest, behind which both speak TLS and the login
comes inside; then packets of authentication go to and fro until the server's OK or ERR. In the *command phase* the
client sends commands and the server replies, until COM_QUIT. Compression, if both have agreed on it, begins with the
command phase.

Who only watches has it harder than either end, so that this machine differs from theirs in four ways:

- Each direction has a state of its own. A capture may hold one direction only, or one late: what the client has sent
  says nothing certain about what of the server was captured. The client is in the command phase from its first command
  on, the server from its OK on; the two need not agree.
- Each state may be the first. A capture may begin anywhere, so that a direction begins `unidentified`: its bytes wait
  until wire/identify/identify.py says what they are.
- Framing can be lost: to a gap, or to bytes that fit nothing. Then a direction resynchronises (wire/identify/resync.py)
  until a segment tells by its content what it begins with. A server found so is in the state that follows from what was
  found; a client goes on in the state that it was in.
- Nothing is an error. An event that a state has no row for leaves the state as it is: what bytes come is the sender's
  choice, perhaps an attacker's. What such bytes mean is said elsewhere, as an anomaly.

COM_CHANGE_USER does not leave the command phase: the authentication that it begins is a reply of its own kind, as are
LOCAL INFILE and what a connection is handed to by COM_BINLOG_DUMP (wire/mysql/reply_frames.py has the states of a
reply). Only group replication takes the connection away for good.

Two kinds of events move a direction. A packet, or what resynchronisation found, moves a decoder of MySQL from one phase
to another: `move` looks that up here. And a decoder ends, saying in `Decoder.next` with what the bytes go on: that
installs another decoder (`Connection._successor`). The decoders of a state are named with it, and the tests hold that
they end in no way that has no row. docs/architecture.md shows the table as a diagram.

Sources: MySQL Server docs, "Connection Phase", "Command Phase", "Compression"; draft "The PROXY protocol".
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.decoding.decoder import TO_COMPRESSED, TO_GROUP, TO_MYSQL, TO_OTHER, TO_SEARCH, TO_TLS

# Whose state it is.
CLIENT: Final[i64] = 0
SERVER: Final[i64] = 1

# States. The first three are of the MySQL decoders themselves (`ClientPackets.state`, `ServerPackets.state`).
INITIAL_HANDSHAKE: Final[i64] = 0  # due: a greeting, or an ERR in its place; an SSLRequest or a login
AUTHENTICATION: Final[i64] = 1     # the login was sent: packets of authentication, up to OK or ERR
COMMAND_PHASE: Final[i64] = 2      # commands and their replies
UNIDENTIFIED: Final[i64] = 3       # bytes wait until they are identified
FIRST_BYTES: Final[i64] = 4        # the server has greeted: PROXY headers, a client's first packet, or a stranger's
TLS: Final[i64] = 5                # TLS records
COMPRESSED: Final[i64] = 6         # the command phase, in packets of the compressed protocol
RESYNCHRONISING: Final[i64] = 7    # the framing is lost
GROUP_REPLICATION: Final[i64] = 8  # the server handed the connection over: bytes are counted
DECODED: Final[i64] = 9            # X Protocol, or another with a folder and a phase of its own
NOT_MYSQL: Final[i64] = 10         # another protocol: bytes are counted, and watched if MySQL may come after all
STATES: Final[i64] = 11

NAMES: Final[tuple[str, ...]] = (
    "initial handshake", "authentication", "command phase", "unidentified", "first bytes", "TLS", "compressed",
    "resynchronising", "group replication", "X Protocol or another decoded one", "not MySQL",
)  # fmt: skip

# The module of the decoders of a state, below wire/; empty where the connection itself takes the bytes.
DECODED_IN: Final[tuple[str, ...]] = (
    "mysql/", "mysql/", "mysql/", "", "identify/first_bytes.py", "tls/records.py", "mysql/compressed.py",
    "identify/resync.py", "decoding/opaque.py", "mysqlx/frames.py", "",
)  # fmt: skip

# Events. Those up to TO_GROUP are how a decoder ends: `Decoder.next`.
GREETING: Final[i64] = 7           # Protocol::Handshake, or what came in its place
ERR_FOR_GREETING: Final[i64] = 8   # the server refuses the client
LOGIN: Final[i64] = 9              # Protocol::HandshakeResponse41 or 320
OK: Final[i64] = 10                # OK_Packet
ERR: Final[i64] = 11               # ERR_Packet
COMMAND: Final[i64] = 12           # COM_...: the client's first one ends its connection phase, whatever was missed
FOUND_GREETING: Final[i64] = 13    # resynchronised at a greeting
FOUND_REPLY: Final[i64] = 14       # at, or inside, what answers a command
FOUND_REFUSAL: Final[i64] = 15     # at an ERR that ends a connection, and neither login nor command was seen before
IDENTIFIED_MYSQL: Final[i64] = 16  # steps of wire/identify/identify.py
IDENTIFIED_TLS: Final[i64] = 17
IDENTIFIED_DECODED: Final[i64] = 18
IDENTIFIED_LATER: Final[i64] = 19  # MySQL in mid-stream, or nothing on MySQL's port
IDENTIFIED_OTHER: Final[i64] = 20
EVENTS: Final[i64] = 21

EVENT_NAMES: Final[tuple[str, ...]] = (
    "", "TLS records", "MySQL packets", "compression agreed", "framing lost", "no MySQL inside",
    "group replication agreed", "Handshake", "ERR instead of Handshake", "HandshakeResponse", "OK", "ERR", "COM_...",
    "a greeting", "a reply", "a refusal", "MySQL", "TLS", "X Protocol or another decoded one",
    "mid-stream", "another protocol",
)  # fmt: skip


@mypyc_attr(acyclic=True)
class Move:
    """A row: a direction in one of `states`, to which `event` happens, is then in `becomes`. why: if not obvious."""

    __slots__ = ("becomes", "event", "sides", "states", "why")

    def __init__(
        self, sides: tuple[int, ...], states: tuple[int, ...], event: int, becomes: int, why: str = ""
    ) -> None:
        self.sides: Final = sides
        self.states: Final = states
        self.event: Final = event
        self.becomes: Final = becomes
        self.why: Final = why


_C: Final[tuple[int, ...]] = (0,)
_S: Final[tuple[int, ...]] = (1,)
_BOTH: Final[tuple[int, ...]] = (0, 1)
_PHASES: Final[tuple[int, ...]] = (0, 1, 2)

MOVES: Final[tuple[Move, ...]] = (
    # Identification.
    Move(_S, (UNIDENTIFIED,), IDENTIFIED_MYSQL, INITIAL_HANDSHAKE),
    Move(_C, (UNIDENTIFIED,), IDENTIFIED_MYSQL, FIRST_BYTES, "its first byte was captured"),
    Move(_BOTH, (UNIDENTIFIED,), IDENTIFIED_TLS, TLS),
    Move(_BOTH, (UNIDENTIFIED,), IDENTIFIED_LATER, RESYNCHRONISING),
    Move(_BOTH, (UNIDENTIFIED,), IDENTIFIED_DECODED, DECODED),
    Move(_BOTH, (UNIDENTIFIED,), IDENTIFIED_OTHER, NOT_MYSQL),
    Move(_BOTH, (NOT_MYSQL,), IDENTIFIED_LATER, RESYNCHRONISING, "a segment is MySQL by itself"),
    Move(_BOTH, (DECODED,), TO_TLS, TLS, "asked for and agreed: CapabilitiesSet"),
    Move(_C, (FIRST_BYTES,), TO_MYSQL, INITIAL_HANDSHAKE),
    Move(_C, (FIRST_BYTES,), TO_TLS, TLS, "without an SSLRequest, behind a stranger's first bytes"),
    Move(_C, (FIRST_BYTES,), TO_SEARCH, RESYNCHRONISING),
    # The connection phase.
    Move(_S, (INITIAL_HANDSHAKE,), GREETING, AUTHENTICATION),
    Move(_S, (INITIAL_HANDSHAKE,), ERR_FOR_GREETING, AUTHENTICATION, "the client's login may be on its way already"),
    Move(_C, (INITIAL_HANDSHAKE,), LOGIN, AUTHENTICATION),
    Move(_C, (INITIAL_HANDSHAKE, AUTHENTICATION), TO_TLS, TLS, "after an SSLRequest, or without one"),
    Move(_S, (INITIAL_HANDSHAKE, AUTHENTICATION), TO_TLS, TLS, "a record stands where a packet would begin"),
    Move(_S, (AUTHENTICATION,), OK, COMMAND_PHASE),
    Move(_S, (AUTHENTICATION,), ERR, COMMAND_PHASE, "nothing else follows it"),
    Move(_C, (INITIAL_HANDSHAKE, AUTHENTICATION), COMMAND, COMMAND_PHASE),
    # The command phase.
    Move(_C, (AUTHENTICATION, COMMAND_PHASE), TO_COMPRESSED, COMPRESSED, "it need not have sent a command before"),
    Move(_S, (COMMAND_PHASE,), TO_COMPRESSED, COMPRESSED),
    Move(_BOTH, (COMMAND_PHASE,), TO_GROUP, GROUP_REPLICATION),
    # TLS. What follows it in the clear has no right to be there.
    Move(_BOTH, (TLS,), TO_SEARCH, RESYNCHRONISING),
    Move(_BOTH, (TLS,), TO_OTHER, NOT_MYSQL, "on another port, and a key log shows no MySQL inside"),
    # Framing lost, and found again.
    Move(_BOTH, _PHASES, TO_SEARCH, RESYNCHRONISING),
    Move(_BOTH, (COMPRESSED,), TO_SEARCH, RESYNCHRONISING),
    Move(_BOTH, (RESYNCHRONISING,), TO_TLS, TLS),
    Move(_BOTH, (RESYNCHRONISING,), TO_COMPRESSED, COMPRESSED),
    Move(_C, (RESYNCHRONISING,), TO_MYSQL, INITIAL_HANDSHAKE, "or in the phase that it was in"),
    Move(_S, (RESYNCHRONISING, *_PHASES), FOUND_GREETING, INITIAL_HANDSHAKE),
    Move(_S, (RESYNCHRONISING, *_PHASES), FOUND_REPLY, COMMAND_PHASE),
    Move(_S, (RESYNCHRONISING, *_PHASES), FOUND_REFUSAL, AUTHENTICATION),
)  # fmt: skip


def _table() -> bytes:
    """Return the rows as one byte for each side, state and event: the state after it."""
    made = bytearray()
    for _ in (CLIENT, SERVER):
        for state in range(STATES):
            made += bytes([state]) * EVENTS
    for move in MOVES:
        for side in move.sides:
            for state in move.states:
                made[(side * STATES + state) * EVENTS + move.event] = move.becomes
    return bytes(made)


_NEXT: Final = _table()


def move(side: i64, state: i64, event: i64) -> i64:
    """Return the state of a direction after an event: `state` itself if there is no row for it."""
    return _NEXT[(side * STATES + state) * EVENTS + event]
