"""What a frame's payload is: one small integer a kind, and the class that its bytes count under.

A command has the label COMMAND + its command byte (COM_QUERY is COMMAND + 3). A protocol with a folder of its own makes
the labels that it needs with `register`.
"""

from typing import Final

from mypy_extensions import i64

TCP_CONTROL: Final[i64] = 0       # no payload
KEEP_ALIVE: Final[i64] = 1
RETRANSMISSION: Final[i64] = 2
DISREGARDED: Final[i64] = 3       # a receiver would have dropped it
UNKNOWN: Final[i64] = 4
NOT_MYSQL: Final[i64] = 5
NOT_TCP: Final[i64] = 6
IP_FRAGMENT: Final[i64] = 7
MALFORMED: Final[i64] = 8         # not even a whole header
PROXY_HEADER: Final[i64] = 9
X_PROTOCOL: Final[i64] = 10
GREETING: Final[i64] = 11
SSL_REQUEST: Final[i64] = 12
EARLY_ERROR: Final[i64] = 13      # an ERR that ends a connection before its login
LOGIN: Final[i64] = 14
AUTH: Final[i64] = 15             # authentication data after the login, either side
OK: Final[i64] = 16
ERR: Final[i64] = 17
EOF: Final[i64] = 18
RESULT_SET: Final[i64] = 19
PREPARE_OK: Final[i64] = 20
INFILE_REQUEST: Final[i64] = 21
INFILE_DATA: Final[i64] = 22
BINLOG: Final[i64] = 23
RESPONSE: Final[i64] = 24         # of the server, shape not known (a fragment, or the start was not captured)
COMPRESSED: Final[i64] = 25       # compressed protocol, not decompressed
TLS_HANDSHAKE: Final[i64] = 26
TLS_CHANGE_CIPHER_SPEC: Final[i64] = 27
TLS_ALERT: Final[i64] = 28
TLS_APPLICATION_DATA: Final[i64] = 29
TLS_HEARTBEAT: Final[i64] = 30
COMMAND_DATA: Final[i64] = 31     # a fragment of a command whose beginning was not captured
CLONE_DATA: Final[i64] = 34       # after CLONE's OK: the donor's files, and what is said about them
GROUP_REPLICATION: Final[i64] = 35  # of a connection that was handed to group replication
X_OPENING: Final[i64] = 36        # X Protocol: capabilities, TLS asked for and agreed, the server's hello
X_LOGIN: Final[i64] = 37          # authentication, either side; connection attributes
X_STATEMENT: Final[i64] = 38
X_RESULT: Final[i64] = 39         # rows, definitions, notices, errors
FIRST_BY_DESIGN: Final[i64] = 128   # of those that are registered, by class
COMMAND: Final[i64] = 256
FIRST_PLAINTEXT: Final[i64] = 1024

# Classes that every byte seen is counted under, one each.
BY_DESIGN: Final[i64] = 0         # crosses in the clear even where TLS is used
PLAINTEXT: Final[i64] = 1         # needs protection and has none
TLS: Final[i64] = 2               # inside TLS records
UNDECIDED: Final[i64] = 3         # unknown

NAMES: Final[dict[int, str]] = {
    0: "TCP control", 1: "keep-alive", 2: "retransmission", 3: "disregarded", 4: "unknown", 5: "not MySQL",
    6: "not TCP", 7: "IP fragment", 8: "malformed", 9: "PROXY header", 10: "X Protocol", 11: "greeting",
    12: "SSLRequest", 13: "early ERR", 14: "login", 15: "authentication", 16: "OK", 17: "ERR", 18: "EOF",
    19: "result set", 20: "PREPARE_OK", 21: "LOCAL INFILE request", 22: "LOCAL INFILE data", 23: "binlog event",
    24: "response", 25: "compressed", 26: "TLS handshake", 27: "TLS change cipher spec", 28: "TLS alert",
    29: "TLS application data", 30: "TLS heartbeat", 31: "command data", 34: "clone data",
    35: "group replication", 36: "X opening", 37: "X authentication", 38: "X statement", 39: "X response",
}


def classify(label: i64) -> i64:
    """Return the class of a label: BY_DESIGN, PLAINTEXT, TLS or UNDECIDED."""
    if label >= COMMAND or LOGIN <= label <= COMPRESSED or label in (COMMAND_DATA, CLONE_DATA, GROUP_REPLICATION):
        return PLAINTEXT
    if X_LOGIN <= label <= X_RESULT:
        return PLAINTEXT
    if TLS_HANDSHAKE <= label <= TLS_HEARTBEAT:
        return TLS
    if label in (PROXY_HEADER, GREETING, SSL_REQUEST, EARLY_ERROR, X_OPENING):
        return BY_DESIGN
    return BY_DESIGN if label >= FIRST_BY_DESIGN else UNDECIDED


def register(name: str, by_design: bool) -> i64:
    """Return a new label for bytes of a protocol with a folder of its own: once for each name, at import.

    name: what `packets` shows; by_design: they cross in the clear even where TLS is used. Else they are plaintext.
    """
    label: i64 = FIRST_BY_DESIGN if by_design else FIRST_PLAINTEXT
    while label in NAMES:
        label += 1
    NAMES[label] = name
    return label


def is_registered(label: i64) -> bool:
    """Return whether a label is of a protocol with a folder of its own."""
    return label >= FIRST_PLAINTEXT or FIRST_BY_DESIGN <= label < COMMAND
