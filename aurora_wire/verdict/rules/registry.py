"""The rule registry: every rule by its id, and a name for each id.

AW1xx leaks, AW2xx negotiation, AW3xx TLS, AW4xx TCP, AW5xx the capture itself, AW6xx what a server allows
(found by `aurora-wire probe` and `audit`, never in captures).
"""

from __future__ import annotations

from typing import Final

from aurora_wire.verdict.result import Finding
from aurora_wire.verdict.rules.capture import CAPTURE
from aurora_wire.verdict.rules.leaks import LEAKS
from aurora_wire.verdict.rules.negotiation import NEGOTIATION
from aurora_wire.verdict.rules.posture import POSTURE
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.rules.tcp import WIRE
from aurora_wire.verdict.rules.tls import TLS_QUALITY

SQL_IN_CLEAR: Final = "AW101"
LOGIN_IN_CLEAR: Final = "AW102"
PASSWORD_IN_CLEAR: Final = "AW103"  # noqa: S105 - a rule's id
RESULTS_IN_CLEAR: Final = "AW104"
INFILE_IN_CLEAR: Final = "AW105"
FILE_NOT_ASKED_FOR: Final = "AW106"

TLS_DECLINED: Final = "AW201"
TLS_NOT_OFFERED: Final = "AW202"
PLAINTEXT_AFTER_TLS: Final = "AW203"
BYTES_BEFORE_TLS: Final = "AW204"
TLS_NOT_COMPLETED: Final = "AW205"
TLS_OFFER_REMOVED: Final = "AW206"

OBSOLETE_VERSION: Final = "AW301"
WEAK_CIPHER: Final = "AW302"
NO_PROTECTION: Final = "AW303"
READABLE_RECORDS: Final = "AW304"
NO_FORWARD_SECRECY: Final = "AW305"

CONFLICTING_RETRANSMISSION: Final = "AW401"
LATE_RETRANSMISSION: Final = "AW402"
WRONG_CHECKSUM: Final = "AW403"
OUTSIDE_WINDOW: Final = "AW404"
DATA_AFTER_RESET: Final = "AW405"
PROBES: Final = "AW406"
BYTES_SET_ASIDE: Final = "AW407"

BYTES_MISSING: Final = "AW501"
PACKETS_TRUNCATED: Final = "AW502"
PACKETS_DROPPED: Final = "AW503"
MID_STREAM: Final = "AW504"
ONE_DIRECTION: Final = "AW505"
FILE_DAMAGED: Final = "AW506"
BOUND_REACHED: Final = "AW507"

SERVER_WITHOUT_TLS: Final = "AW601"
OFFER_STRIPPED: Final = "AW602"
OBSOLETE_OFFERED: Final = "AW603"
WEAK_OFFERED: Final = "AW604"
UNPROTECTED_OFFERED: Final = "AW605"
LASTING_KEYS_OFFERED: Final = "AW606"
CERTIFICATE_EXPIRED: Final = "AW607"
CERTIFICATE_EXPIRES: Final = "AW608"
CERTIFICATE_REFUSED: Final = "AW609"
WEAK_CERTIFICATE: Final = "AW610"
OWN_CERTIFICATE: Final = "AW611"
AUTHORITIES_OUTDATED: Final = "AW612"
NO_TLS_1_3: Final = "AW613"
SHORT_DH: Final = "AW614"
TLS_NOT_REQUIRED: Final = "AW621"
CONNECTED_IN_CLEAR: Final = "AW622"
ACCOUNTS_WITHOUT_TLS: Final = "AW623"
PASSWORD_AS_IT_IS: Final = "AW624"  # noqa: S105 - a rule's id
ANONYMOUS_ACCOUNT: Final = "AW625"
OLD_HASH: Final = "AW626"
REPLICATION_IN_CLEAR: Final = "AW627"
FILES_ON_DEMAND: Final = "AW628"

RULES: Final[dict[str, Rule]] = {
    rule.id: rule for rule in (*LEAKS, *NEGOTIATION, *TLS_QUALITY, *WIRE, *CAPTURE, *POSTURE)
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
