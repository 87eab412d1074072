"""The rule registry: every rule by its id. The modules of the families name the ids.

AW1xx leaks, AW2xx negotiation, AW3xx TLS, AW4xx TCP, AW5xx the capture itself, AW6xx what a server allows
(found by `aurora-wire probe` and `audit`; those about certificates and key exchange in captures too).
"""

from __future__ import annotations

from typing import Final

from aurora_wire.verdict.result import Finding
from aurora_wire.verdict.rules.capture import CAPTURE
from aurora_wire.verdict.rules.credentials import CREDENTIALS
from aurora_wire.verdict.rules.data import DATA
from aurora_wire.verdict.rules.leaks import LEAKS
from aurora_wire.verdict.rules.negotiation import NEGOTIATION
from aurora_wire.verdict.rules.posture import POSTURE
from aurora_wire.verdict.rules.replication import REPLICATION
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.rules.tcp import WIRE
from aurora_wire.verdict.rules.tls import TLS_QUALITY

# Every rule by its id, in the order of their families.
RULES: Final[dict[str, Rule]] = {
    rule.id: rule
    for rule in (*LEAKS, *CREDENTIALS, *REPLICATION, *DATA, *NEGOTIATION, *TLS_QUALITY, *WIRE, *CAPTURE, *POSTURE)
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
