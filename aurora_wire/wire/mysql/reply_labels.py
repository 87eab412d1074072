"""What the next packet of a reply is, and the label that it gets by its first byte.

Sources: as of `reply_frames`, which goes from state to state.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding import labels
from aurora_wire.wire.mysql.commands import CLONE, GROUP_REPLICATION, REPLICATION

# States: what the next packet is.
IDLE: Final[i64] = 0             # between replies
FIRST: Final[i64] = 1            # the first packet of a result
COLUMNS: Final[i64] = 2          # `count` column definitions
ROW: Final[i64] = 3              # rows, up to EOF or OK or ERR
ONE: Final[i64] = 4              # one packet: OK, ERR, EOF
BARE: Final[i64] = 5             # one packet without a header byte
EVENTS: Final[i64] = 6           # of what the connection was handed to: binlog events, clone data
EXCHANGE: Final[i64] = 7         # authentication
PREPARED: Final[i64] = 8         # PREPARE_OK or ERR
DEFINITIONS: Final[i64] = 9      # `count` definitions of parameters and columns, EOFs between them


def find_label(state: i64, first: i64, length: i64, expected: bool, handed: i64, agreed: bool) -> i64:
    """Return the label of the next packet of a reply; first: its first byte, -1 if it has none.

    expected: the command that is answered was seen; handed, agreed: to what it hands the connection, and whether the
    server's OK to that was seen.
    """
    if first == 0xFF and state != BARE:
        return labels.ERR
    if state in (ROW, COLUMNS, DEFINITIONS):
        if first == 0xFE and length < 9:
            return labels.EOF
        return labels.OK if first == 0xFE and length < 0xFFFFFF and state == ROW else labels.RESULT_SET
    if state in (FIRST, ONE):
        if first == 0:
            # A row in binary form begins like an OK: where nobody saw what is answered, it may be one.
            return labels.OK if expected else labels.RESPONSE
        if first == 0xFE:
            return labels.EOF
        if first == 0xFB and state == FIRST:
            return labels.INFILE_REQUEST
        return labels.RESULT_SET if state == FIRST else labels.RESPONSE
    if state == PREPARED:
        return labels.PREPARE_OK if first == 0 else labels.RESPONSE
    if state == EXCHANGE:
        return labels.OK if first == 0 and length >= 7 else labels.AUTH
    if state == EVENTS:
        if first == 0 and length >= 7 and not agreed and handed != REPLICATION:
            return labels.OK
        if handed == CLONE:
            return labels.CLONE_DATA
        if handed == GROUP_REPLICATION:
            return labels.GROUP_REPLICATION
        return labels.EOF if first == 0xFE and length < 9 else labels.BINLOG
    return labels.RESPONSE
