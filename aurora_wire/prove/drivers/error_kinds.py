"""What a client's error means: by MySQL's number of it where there is one that says, else by its words.

The words are OpenSSL's, GnuTLS's, Java's, Node's and Python's, collected from real runs (tests/real).
"""

from __future__ import annotations

import re
from typing import Final

from aurora_wire.prove.drivers.driver import ErrorKind

# Before a session is there. Numbers that say only "cannot connect" (2003, 2026 ...) are not in here.
CODES: Final = {
    1045: ErrorKind.ACCESS_DENIED,
    1698: ErrorKind.ACCESS_DENIED,
    1044: ErrorKind.NOT_ALLOWED,       # into the database
    1049: ErrorKind.NO_DATABASE,
    3159: ErrorKind.TLS_REQUIRED,      # require_secure_transport
    2005: ErrorKind.UNKNOWN_HOST,
    2061: ErrorKind.TLS_REQUIRED,      # the client does not send this password in the clear
}  # fmt: skip

CLIENT_CODES: Final = range(2000, 3000)  # made by the client, not by the server

# Of a session. Rights that are missing, for a table, a column, or at all.
NOT_ALLOWED: Final = frozenset((1044, 1142, 1143, 1227, 1370, 1290, 1836))

TLS_REQUIRED = r"insecure transport|requires? secure connection|secure transport|RSA public key is not available"
NO_TLS = (
    r"does(n't| not) support (SSL|TLS|secure)|SSL is required,? but|requires? SSL but|not support SSL|server has no SSL"
    r"|SSL connection is required|not configured to use SSL|trying to connect with ssl"
)
NAME_MISMATCH = (
    r"hostname mismatch|IP address mismatch|doesn't match|does not match|altnames|hostname verif|not valid for"
)
CERTIFICATE = (
    r"certificate (verify|verification|validation)|self[- ]signed|certificate (has )?expired|unable to get"
    r"|verify failed|unable to verify|PKIX|certpath|unknown (CA|issuer|authority)|not trusted|untrusted|CertificateExp"
    r"|validation of SSL server certificate failed|bad certificate|unable to find valid cert|CA certificate is required"
)
UNKNOWN_HOST = (
    r"name or service not known|getaddrinfo|ENOTFOUND|EAI_AGAIN|UnknownHost|unknown (MySQL )?(server )?host"
    r"|nodename nor servname|temporary failure in name resolution|no address associated"
)
REFUSED = r"refused|ECONNREFUSED|\((111|113|101)\b|no route to host|unreachable|can't connect|cannot connect"

# The first that is found counts: a refused certificate is also a failed handshake, and a lost connection.
WORDS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (ErrorKind.TLS_REQUIRED, TLS_REQUIRED),
        (ErrorKind.NO_TLS, NO_TLS),
        (ErrorKind.NAME_MISMATCH, NAME_MISMATCH),
        (ErrorKind.CERTIFICATE, CERTIFICATE),
        (ErrorKind.TLS, r"\bSSL\b|\bTLS\b|handshake"),
        (ErrorKind.ACCESS_DENIED, r"access denied"),
        (ErrorKind.UNKNOWN_HOST, UNKNOWN_HOST),
        (ErrorKind.TIMEOUT, r"timed? ?out|ETIMEDOUT"),
        (ErrorKind.REFUSED, REFUSED),
        (ErrorKind.LOST, r"lost connection|gone away|closed|reset|broken pipe|EOF|EPIPE|ECONNRESET"),
    )
)


def classify(code: int, text: str, *, connected: bool) -> ErrorKind:
    """Return the kind of an error. code: 0 if the client gives none; connected: the session was there when it happened.
    """
    if connected and code and code not in CLIENT_CODES:
        return ErrorKind.NOT_ALLOWED if code in NOT_ALLOWED else ErrorKind.SQL
    if not connected and code in CODES:
        return CODES[code]
    for kind, pattern in WORDS:
        if pattern.search(text):
            return kind
    return ErrorKind.SQL if connected or code else ErrorKind.CLIENT
