"""What crossed to prove who the client is: one object for each plugin's exchange, of which a login may have several.

Kept as it crossed, bounded, and not judged: what somebody gains by reading it is for the rooms above.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

MAX_EXCHANGES: Final[i64] = 50       # kept of one connection; all are counted
MAX_SECRETS: Final[i64] = 1000       # secrets in SQL text, kept of one connection; all are counted
MAX_PIECES: Final[i64] = 8           # packets of an exchange, each direction: Kerberos and SCRAM take two or three
MAX_PIECE: Final[i64] = 8192         # bytes kept of one: a JWT or a Kerberos ticket has a few thousand
EXCHANGE_COST: Final[i64] = 600      # bytes that one takes besides what crossed
SECRET_COST: Final[i64] = 250

# What began it.
LOGIN: Final[i64] = 1
SWITCH: Final[i64] = 2
NEXT_FACTOR: Final[i64] = 3
CHANGE_USER: Final[i64] = 4
REGISTER_REPLICA: Final[i64] = 5
X_AUTHENTICATION: Final[i64] = 6

UNKNOWN: Final[i64] = -1
REFUSED: Final[i64] = 0
ACCEPTED: Final[i64] = 1


@mypyc_attr(acyclic=True)
class Exchange:
    """One plugin's exchange. nonce: the server's, empty where it was not seen; replies: what the client sent.

    prompts: what the server sent between (AuthMoreData, without its first byte). frame, offset: of what began it;
    places: frame and offset of each reply. accepted: what became of it. whole: all of it was captured and kept.
    asks_full: caching_sha2_password's full authentication was asked for, before reply number `full_at`.
    """

    __slots__ = (
        "accepted", "asks_full", "frame", "full_at", "kind", "nonce", "offset", "places", "plugin", "prompts",
        "replies", "user", "whole",
    )  # fmt: skip

    def __init__(self, kind: i64, user: bytes, plugin: bytes, nonce: bytes, frame: i64, offset: i64) -> None:
        self.kind: Final[i64] = kind
        self.user: bytes = user      # X Protocol tells it later
        self.plugin: Final = plugin
        self.nonce: bytes = nonce
        self.frame: Final[i64] = frame
        self.offset: Final[i64] = offset
        self.places: list[tuple[i64, i64]] = []
        self.replies: list[bytes] = []
        self.prompts: list[bytes] = []
        self.accepted: i64 = UNKNOWN
        self.asks_full = False
        self.full_at: i64 = 0
        self.whole = True

    def reply(self, data: bytes, at: i64, end: i64, whole: bool, frame: i64, offset: i64) -> i64:
        """Add what the client sent; returns how many bytes are kept of it."""
        if len(self.replies) < MAX_PIECES:
            self.places.append((frame, offset))
        return self._add(self.replies, data, at, end, whole)

    def prompt(self, data: bytes, at: i64, end: i64) -> i64:
        """Add what the server sent; returns how many bytes are kept of it."""
        return self._add(self.prompts, data, at, end, True)

    def _add(self, pieces: list[bytes], data: bytes, at: i64, end: i64, whole: bool) -> i64:
        if len(pieces) >= MAX_PIECES:
            self.whole = False
            return 0
        stop = end
        if stop - at > MAX_PIECE:
            stop = at + MAX_PIECE
        if not whole or stop < end:
            self.whole = False
        pieces.append(data[at:stop])
        return stop - at


@mypyc_attr(acyclic=True)
class Secret:
    """A password, key or password hash in the text of a statement, of a client's or in a binlog event.

    kind: of wire/mysql/sql_secrets.py; value: the literal as it stands there, with its quotes, empty where the server
    makes it; target: the account or server it is for, where the text says so.
    """

    __slots__ = ("frame", "from_binlog", "kind", "offset", "value", "whole")

    def __init__(self, kind: i64, value: bytes, frame: i64, offset: i64, from_binlog: bool, whole: bool) -> None:
        self.kind: Final[i64] = kind
        self.value: Final = value
        self.frame: Final[i64] = frame
        self.offset: Final[i64] = offset
        self.from_binlog: Final = from_binlog
        self.whole: Final = whole
