"""The rule registry: every rule by its id, and a name for each id.

AW1xx leaks, AW2xx negotiation, AW3xx TLS, AW4xx TCP, AW5xx the capture itself, AW6xx what a server allows
(found by `aurora-wire probe` and `audit`; those about certificates and key exchange in captures too).
"""

from __future__ import annotations

from typing import Final

from aurora_wire.verdict.result import Finding
from aurora_wire.verdict.rules.capture import (
    BYTES_MISSING,
    CAPTURE,
    FILE_DAMAGED,
    PACKETS_DROPPED,
)
from aurora_wire.verdict.rules.credentials import CREDENTIALS
from aurora_wire.verdict.rules.leaks import (
    LEAKS,
    LOGIN_IN_CLEAR,
    PASSWORD_IN_CLEAR,
    SQL_IN_CLEAR,
)
from aurora_wire.verdict.rules.negotiation import (
    NEGOTIATION,
    PLAINTEXT_AFTER_TLS,
    TLS_DECLINED,
    TLS_NOT_OFFERED,
    TLS_OFFER_REMOVED,
)
from aurora_wire.verdict.rules.posture import (
    ACCOUNTS_WITHOUT_TLS,
    ANONYMOUS_ACCOUNT,
    AUTHORITIES_OUTDATED,
    AUTHORITY_EXPIRED,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_EXPIRES,
    CERTIFICATE_REFUSED,
    CONNECTED_IN_CLEAR,
    FILES_ON_DEMAND,
    LASTING_KEYS_OFFERED,
    NO_TLS_1_3,
    OBSOLETE_OFFERED,
    OFFER_STRIPPED,
    OLD_HASH,
    OWN_CERTIFICATE,
    PASSWORD_AS_IT_IS,
    POSTURE,
    REPLICATION_IN_CLEAR,
    SELF_SIGNED,
    SERVER_WITHOUT_TLS,
    SHORT_DH,
    TLS_NOT_REQUIRED,
    UNPROTECTED_OFFERED,
    WEAK_CERTIFICATE,
    WEAK_OFFERED,
)
from aurora_wire.verdict.rules.replication import REPLICATION
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.rules.tcp import (
    WIRE,
    WRONG_CHECKSUM,
)
from aurora_wire.verdict.rules.tls import (
    NO_FORWARD_SECRECY,
    NO_PROTECTION,
    READABLE_RECORDS,
    TLS_QUALITY,
)

# Ids that other rooms name are read from here too.
__all__ = [
    "ACCOUNTS_WITHOUT_TLS",
    "ANONYMOUS_ACCOUNT",
    "AUTHORITIES_OUTDATED",
    "AUTHORITY_EXPIRED",
    "BYTES_MISSING",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_EXPIRES",
    "CERTIFICATE_REFUSED",
    "CONNECTED_IN_CLEAR",
    "FILES_ON_DEMAND",
    "FILE_DAMAGED",
    "LASTING_KEYS_OFFERED",
    "LOGIN_IN_CLEAR",
    "NO_FORWARD_SECRECY",
    "NO_PROTECTION",
    "NO_TLS_1_3",
    "OBSOLETE_OFFERED",
    "OFFER_STRIPPED",
    "OLD_HASH",
    "OWN_CERTIFICATE",
    "PACKETS_DROPPED",
    "PASSWORD_AS_IT_IS",
    "PASSWORD_IN_CLEAR",
    "PLAINTEXT_AFTER_TLS",
    "READABLE_RECORDS",
    "REPLICATION_IN_CLEAR",
    "RULES",
    "SELF_SIGNED",
    "SERVER_WITHOUT_TLS",
    "SHORT_DH",
    "SQL_IN_CLEAR",
    "TLS_DECLINED",
    "TLS_NOT_OFFERED",
    "TLS_NOT_REQUIRED",
    "TLS_OFFER_REMOVED",
    "UNPROTECTED_OFFERED",
    "WEAK_CERTIFICATE",
    "WEAK_OFFERED",
    "WRONG_CHECKSUM",
    "finding",
]

# Every rule by its id, in the order of their families.
RULES: Final[dict[str, Rule]] = {
    rule.id: rule
    for rule in (*LEAKS, *CREDENTIALS, *REPLICATION, *NEGOTIATION, *TLS_QUALITY, *WIRE, *CAPTURE, *POSTURE)
}


def finding(
    rule: str,
    detail: str,
    *,
    connection: int | None = None,
    frame: int | None = None,
    offset: int | None = None,
) -> Finding:
    """Make a finding of a rule, with the registry's title and severity.

    detail: what was seen there, in words. Never text or values of a statement: redaction leaves it as it is.
    """
    entry = RULES[rule]
    return Finding(entry.id, entry.severity, entry.title, connection, frame, offset, detail)
