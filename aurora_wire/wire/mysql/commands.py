"""The commands (COM_*): numbers, names, the shape of the reply, and how long each can be. Data and look-ups.

Sources: MySQL Server docs, "Command Phase"; my_command.h; MariaDB KB, "COM_STMT_BULK_EXECUTE".
"""

from typing import Final

from mypy_extensions import i64

COM_SLEEP: Final[i64] = 0
COM_QUIT: Final[i64] = 1
COM_INIT_DB: Final[i64] = 2
COM_QUERY: Final[i64] = 3
COM_FIELD_LIST: Final[i64] = 4
COM_CREATE_DB: Final[i64] = 5
COM_DROP_DB: Final[i64] = 6
COM_REFRESH: Final[i64] = 7
COM_SHUTDOWN: Final[i64] = 8
COM_STATISTICS: Final[i64] = 9
COM_PROCESS_INFO: Final[i64] = 10
COM_CONNECT: Final[i64] = 11
COM_PROCESS_KILL: Final[i64] = 12
COM_DEBUG: Final[i64] = 13
COM_PING: Final[i64] = 14
COM_TIME: Final[i64] = 15
COM_DELAYED_INSERT: Final[i64] = 16
COM_CHANGE_USER: Final[i64] = 17
COM_BINLOG_DUMP: Final[i64] = 18
COM_TABLE_DUMP: Final[i64] = 19
COM_CONNECT_OUT: Final[i64] = 20
COM_REGISTER_SLAVE: Final[i64] = 21
COM_STMT_PREPARE: Final[i64] = 22
COM_STMT_EXECUTE: Final[i64] = 23
COM_STMT_SEND_LONG_DATA: Final[i64] = 24
COM_STMT_CLOSE: Final[i64] = 25
COM_STMT_RESET: Final[i64] = 26
COM_SET_OPTION: Final[i64] = 27
COM_STMT_FETCH: Final[i64] = 28
COM_DAEMON: Final[i64] = 29
COM_BINLOG_DUMP_GTID: Final[i64] = 30
COM_RESET_CONNECTION: Final[i64] = 31
COM_CLONE: Final[i64] = 32
COM_SUBSCRIBE_GROUP_REPLICATION_STREAM: Final[i64] = 33
COM_STMT_BULK_EXECUTE: Final[i64] = 250  # MariaDB

NAMES: Final = {
    0: "COM_SLEEP", 1: "COM_QUIT", 2: "COM_INIT_DB", 3: "COM_QUERY", 4: "COM_FIELD_LIST", 5: "COM_CREATE_DB",
    6: "COM_DROP_DB", 7: "COM_REFRESH", 8: "COM_SHUTDOWN", 9: "COM_STATISTICS", 10: "COM_PROCESS_INFO",
    11: "COM_CONNECT", 12: "COM_PROCESS_KILL", 13: "COM_DEBUG", 14: "COM_PING", 15: "COM_TIME",
    16: "COM_DELAYED_INSERT", 17: "COM_CHANGE_USER", 18: "COM_BINLOG_DUMP", 19: "COM_TABLE_DUMP",
    20: "COM_CONNECT_OUT", 21: "COM_REGISTER_SLAVE", 22: "COM_STMT_PREPARE", 23: "COM_STMT_EXECUTE",
    24: "COM_STMT_SEND_LONG_DATA", 25: "COM_STMT_CLOSE", 26: "COM_STMT_RESET", 27: "COM_SET_OPTION",
    28: "COM_STMT_FETCH", 29: "COM_DAEMON", 30: "COM_BINLOG_DUMP_GTID", 31: "COM_RESET_CONNECTION",
    32: "COM_CLONE", 33: "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM", 250: "COM_STMT_BULK_EXECUTE",
}

# What a connection is handed to by a command: from then on its bytes are no commands and replies.
MYSQL_COMMANDS: Final[i64] = 0     # it is not
REPLICATION: Final[i64] = 1        # binlog events to the replica, its acknowledgements to the server
CLONE: Final[i64] = 2
GROUP_REPLICATION: Final[i64] = 3
TABLE_DUMP: Final[i64] = 4

CLONE_LAST_COMMAND: Final[i64] = 6   # COM_EXIT: the connection is one for commands again
CLONE_COMPLETE: Final[i64] = 99      # the donor's last word on each clone command

REPLICATED: Final[i64] = 256  # and the type of a binlog event that holds a statement: nobody sent it as a command
X_COMMAND: Final[i64] = 512   # and the type of a message of X Protocol, which have numbers of their own

# Shapes of a reply. Any of them but NONE can be an ERR instead.
NONE: Final[i64] = 0        # no reply at all
SIMPLE: Final[i64] = 1      # OK, or EOF in its place
RESULT: Final[i64] = 2      # result set, OK, or a LOCAL INFILE request
PREPARE: Final[i64] = 3     # PREPARE_OK and definitions
FIELDS: Final[i64] = 4      # column definitions to an EOF, without a column count
STATISTICS: Final[i64] = 5  # one packet of bare text, without a header byte
STREAM: Final[i64] = 6      # binlog events and other protocols: opaque until the connection ends
AUTH: Final[i64] = 7        # an authentication exchange
ROWS: Final[i64] = 8        # binary rows to an EOF, without a column count
EXECUTED: Final[i64] = 9    # as RESULT, its rows binary

_SHAPES: Final = {
    1: 0, 3: 2, 4: 4, 9: 5, 10: 2, 17: 7, 18: 6, 19: 6, 22: 3, 23: 9, 24: 0, 25: 0, 28: 8, 30: 6, 32: 6,
    33: 6, 250: 9,
}

# Bytes of payload, command byte included: at least, and at most (-1: no limit but the packet's).
_LENGTHS: Final = {
    0: (1, 1), 1: (1, 1), 2: (1, 1024), 3: (1, -1), 4: (2, 2048), 5: (1, 1024), 6: (1, 1024), 7: (2, 2),
    8: (1, 2), 9: (1, 1), 10: (1, 1), 11: (1, 1), 12: (5, 5), 13: (1, 1), 14: (1, 1), 15: (1, 1),
    16: (1, 1), 17: (4, 65536), 18: (11, 1024), 19: (3, 1024), 20: (1, 1), 21: (18, 1024), 22: (1, -1),
    23: (10, -1), 24: (7, -1), 25: (5, 5), 26: (5, 5), 27: (3, 3), 28: (9, 9), 29: (1, 1), 30: (23, -1),
    31: (1, 1), 32: (1, 1), 33: (1, -1), 250: (7, -1),
}


def is_command(number: i64) -> bool:
    """Return whether a client can send this command byte."""
    return 0 <= number <= 33 or number == COM_STMT_BULK_EXECUTE


_REPLICATED: Final = {
    2: "BINLOG_QUERY", 18: "BINLOG_LOAD_DATA", 29: "BINLOG_ROWS_QUERY", 160: "BINLOG_ANNOTATE_ROWS",
    165: "BINLOG_QUERY",
}


def command_name(number: i64) -> str:
    """Return a command's name: `COM_QUERY`; a number that no server knows is `COM_0x7F`. Of a replicated statement
    that of its event: `BINLOG_QUERY`.
    """
    if number >= REPLICATED:
        return _REPLICATED.get(number - REPLICATED, "BINLOG")
    name = NAMES.get(number)
    return name if name is not None else f"COM_0x{number:02X}"


def reply_shape(number: i64) -> i64:
    """Return the shape of a command's reply: NONE, SIMPLE, RESULT, PREPARE, FIELDS, STATISTICS, STREAM, AUTH, ..."""
    # The usual ones without a look at the table.
    if number == COM_QUERY:
        return RESULT
    if number == COM_STMT_EXECUTE:
        return EXECUTED
    if number == COM_STMT_PREPARE:
        return PREPARE
    if number == COM_STMT_CLOSE:
        return NONE
    return _SHAPES.get(number, SIMPLE)


def handed_to(number: i64) -> i64:
    """Return what the server hands the connection to if it agrees to this command: REPLICATION, CLONE ..."""
    if number in (COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID):
        return REPLICATION
    if number == COM_CLONE:
        return CLONE
    if number == COM_SUBSCRIBE_GROUP_REPLICATION_STREAM:
        return GROUP_REPLICATION
    return TABLE_DUMP if number == COM_TABLE_DUMP else MYSQL_COMMANDS


def fits_command(number: i64, payload_len: i64) -> bool:
    """Return whether a command of this number can have this many bytes (logical payload, command byte included)."""
    # The usual ones without a look at the table.
    if number == COM_QUERY or number == COM_STMT_PREPARE:
        return payload_len >= 1
    if number == COM_STMT_EXECUTE:
        return payload_len >= 10
    if number == COM_STMT_CLOSE:
        return payload_len == 5
    limits = _LENGTHS.get(number)
    if limits is None:
        return False
    return payload_len >= limits[0] and (limits[1] < 0 or payload_len <= limits[1])
