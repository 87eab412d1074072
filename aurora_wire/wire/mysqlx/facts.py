"""What an X Protocol session showed: its opening, who logged in, how much came back."""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.decoding.protocol import Session
from aurora_wire.wire.mysql.execute import Prepared

MAX_PENDING: Final[i64] = 1024      # questions without an answer that are remembered
MAX_PREPARED: Final[i64] = 1024     # prepared statements that are remembered
MAX_KEPT: Final[i64] = 65536        # bytes of one

# What the server's next Ok or Error answers.
ASKED_TLS: Final[i64] = 1
ASKED_COMPRESSION: Final[i64] = 2
ASKED_OTHER: Final[i64] = 3

# Compression algorithms.
NO_COMPRESSION: Final[i64] = 0
DEFLATE: Final[i64] = 1
ZSTD: Final[i64] = 2
LZ4: Final[i64] = 3
ALGORITHMS: Final = {b"deflate_stream": 1, b"zstd_stream": 2, b"lz4_message": 3}


@mypyc_attr(acyclic=True)
class XSession(Session):
    """One connection's session, written by both directions. Frames and offsets are -1 where a thing was not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.client_first: i64 = -1        # stream offset of each direction's first message
        self.server_first: i64 = -1
        self.tls_asked_frame: i64 = -1     # CapabilitiesSet {tls}
        self.tls_agreed_frame: i64 = -1    # the server's Ok to it
        self.tls_refused = False
        self.tls_offered: i64 = -1         # 1: Capabilities lists tls, 0: it does not
        self.asked = bytearray()           # questions about capabilities that wait for their answer
        self.authenticating = False
        self.compression: i64 = NO_COMPRESSION   # agreed
        self.wanted: i64 = NO_COMPRESSION        # asked for
        self.messages: dict[int, int] = {}       # of the client, by type
        self.prepared: dict[int, bytes] = {}     # what Prepare gave each id, as it crossed
        self.cursors: dict[int, Prepared] = {}   # open ones, with their columns and the results that they go on with
        self.asked_frame: i64 = -1         # of the client's last message in the session
        self.columns: i64 = 0              # definitions and rows that came back, and their bytes
        self.rows: i64 = 0
        self.row_bytes: i64 = 0
        self.warnings: i64 = 0
        self.affected: i64 = 0             # rows, as notices say
        self.thread_id: i64 = -1           # the server's number of the session
        self.errors: i64 = 0               # after the login

    def ask(self, kind: i64) -> None:
        if len(self.asked) < MAX_PENDING:
            self.asked.append(kind)

    def answered(self) -> i64:
        """Return what the next Ok or Error answers; 0 where it is no capability."""
        return self.asked.pop(0) if len(self.asked) > 0 else 0


def as_x(session: Session | None) -> XSession | None:
    """Return a session as what it is, if it is one of X Protocol; else None."""
    return session if isinstance(session, XSession) else None
