"""What a replication stream, or a CLONE, brought across: counted, and named within bounds. Filled by mysql/binlog.py,
mysql/replica_commands.py and mysql/clone.py.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

MAX_TABLES: Final[i64] = 1000       # named of one connection; rows of all others are counted together
MAX_DATABASES: Final[i64] = 1000
TABLE_COST: Final[i64] = 500        # bytes that a named table takes
MAX_DONOR_NAMES: Final[i64] = 200   # plugins of a donor
DONOR_NAME_COST: Final[i64] = 250


@mypyc_attr(acyclic=True)
class TableRows:
    """Rows of one table that crossed in binlog events, by what was done to them."""

    __slots__ = ("deleted", "inserted", "schema", "table", "updated")

    def __init__(self, schema: bytes, table: bytes) -> None:
        self.schema: Final = schema
        self.table: Final = table
        self.inserted: i64 = 0
        self.updated: i64 = 0
        self.deleted: i64 = 0

    def any(self) -> bool:
        return self.inserted + self.updated + self.deleted > 0


@mypyc_attr(acyclic=True)
class Replication:
    """A connection as a replica's: what it registered as, what it asked for, and what it was sent. -1: not seen.

    frame and offset: of the first event, in the server's direction; asked_frame, asked_offset: of the replica's first
    command. file_now, position_now: up to where the log was sent. gtid, gtid_type: of the last transaction, the fields
    of its event. cut: events that are not here in full, unread: events whose rows fit no table map that was seen.
    """

    def __init__(self) -> None:
        self.asked_frame: i64 = -1
        self.asked_offset: i64 = -1
        self.server_id: i64 = -1         # the replica's
        self.host = b""
        self.user = b""
        self.port: i64 = -1
        self.password = False            # one crossed with it (COM_REGISTER_SLAVE)
        self.registered = False
        self.file = b""
        self.position: i64 = -1
        self.gtid_set = b""              # that the replica has, as text
        self.semi_sync = False
        self.frame: i64 = -1
        self.offset: i64 = -1
        self.source_id: i64 = -1         # the server that the last event was written by
        self.source_version = b""        # of the server that wrote the log
        self.file_now = b""
        self.position_now: i64 = -1
        self.gtid = b""
        self.gtid_type: i64 = 0
        self.events: dict[int, int] = {} # by type
        self.bytes: i64 = 0              # of events
        self.statements: i64 = 0
        self.cut: i64 = 0
        self.unread: i64 = 0
        self.databases: dict[bytes, int] = {}
        self.tables: dict[bytes, TableRows] = {}
        self.others = TableRows(b"", b"")  # tables beyond the bound


@mypyc_attr(acyclic=True)
class Clone:
    """A connection on which a server's data folder is copied: what was asked for, and what crossed. -1: not seen.

    bytes: of files; descriptors: packets that name a file or a part of it. complete: the donor's last word on the last
    command; error: its text where it refused one.
    """

    def __init__(self, frame: i64, offset: i64) -> None:
        self.asked_frame: i64 = frame    # of COM_CLONE; in mid-stream of the first command that was seen
        self.asked_offset: i64 = offset
        self.frame: i64 = -1             # of the first data, in the server's direction
        self.offset: i64 = -1
        self.commands: dict[int, int] = {}
        self.bytes: i64 = 0
        self.packets: i64 = 0            # with data
        self.descriptors: i64 = 0
        self.plugins: list[bytes] = []
        self.settings: i64 = 0           # of the donor's configuration
        self.complete = False
        self.error = b""
