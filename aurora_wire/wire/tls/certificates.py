"""Certificates as they cross: kept as DER, each once for all connections, within a bound; nothing of them is parsed.

Source: RFC 5246 section 7.4.2; what is in them is read by verdict/certificates.py.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.tls.facts import TLSSide

MAX_KEPT: Final[i64] = 10               # certificates of a direction
MAX_CERTIFICATE: Final[i64] = 65536     # bytes of one: those in use have 500 to 3,000
CERTIFICATE_COST: Final[i64] = 200      # bytes that one takes beside its own


def keep_certificates(budget: Budget, mine: TLSSide, data: bytes, slices: list[tuple[int, int]], frame: i64) -> None:
    """Keep the certificates of a direction's first Certificate message, b"" for one that finds no room."""
    if mine.certificate_count >= 0:
        return
    mine.certificate_count = len(slices)
    mine.certificates_frame = frame
    if not slices:
        return
    mine.certificates = []
    known = budget.known_certificates
    for start, end in slices[:MAX_KEPT]:
        size: i64 = end - start
        if size > MAX_CERTIFICATE:
            mine.certificates.append(b"")
            continue
        der = data[start:end]
        kept = known.get(der)
        if kept is None:
            kept = b""
            if budget.certificates >= size + CERTIFICATE_COST:
                budget.certificates -= size + CERTIFICATE_COST
                known[der] = der
                kept = der
            else:
                budget.refused = True
        mine.certificates.append(kept)
