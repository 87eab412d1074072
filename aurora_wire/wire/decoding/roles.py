"""What a MySQL packet is in its place: one small integer a role.

The engine tells the role of every packet to the tracker of its direction, where there is one. Whoever shows or masks
packets takes it from there: the first byte of a payload alone says nothing (a row may begin like an OK).
"""

from typing import Final

from mypy_extensions import i64

UNKNOWN: Final[i64] = 0            # a packet, and nothing more is known
GREETING: Final[i64] = 1
SSL_REQUEST: Final[i64] = 2
LOGIN: Final[i64] = 3
AUTH: Final[i64] = 4               # authentication data, of either side
COMMAND: Final[i64] = 5            # its first byte says which
HEAD: Final[i64] = 6               # of a result: how many columns
DEFINITION: Final[i64] = 7         # of a column, or of a parameter behind PREPARE_OK
TEXT_ROW: Final[i64] = 8
BINARY_ROW: Final[i64] = 9
PREPARE_OK: Final[i64] = 10
OK: Final[i64] = 11
EOF: Final[i64] = 12
ERR: Final[i64] = 13
EARLY_ERR: Final[i64] = 14
INFILE_REQUEST: Final[i64] = 15
FILE_DATA: Final[i64] = 16         # of LOCAL INFILE; an empty packet ends it
BINLOG: Final[i64] = 17            # an event, or a replica's acknowledgement
STATISTICS: Final[i64] = 18        # bare text
CLONE: Final[i64] = 19             # of CLONE, of either side: its first byte says which command or answer

NAMES: Final = {
    0: "unknown", 1: "greeting", 2: "SSLRequest", 3: "login", 4: "authentication", 5: "command", 6: "head of a result",
    7: "definition", 8: "text row", 9: "binary row", 10: "PREPARE_OK", 11: "OK", 12: "EOF", 13: "ERR",
    14: "early ERR", 15: "LOCAL INFILE request", 16: "LOCAL INFILE data", 17: "binlog event", 18: "statistics",
    19: "clone",
}
