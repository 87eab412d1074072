"""The files of a bundle, by name, and the words that its JSON files share."""

from __future__ import annotations

import re
from typing import Final

SCHEMA: Final = "aurora-wire/evidence/1"

MANIFEST: Final = "manifest.json"
INSTRUCTIONS: Final = "VERIFY.txt"
SUMS: Final = "SHA256SUMS"
SUMS_SIGNATURE: Final = "SHA256SUMS.sig"
ENVELOPE: Final = "attestation.dsse.json"
PUBLIC_KEY: Final = "signature/public-key.pem"
SIGNED_BYTES: Final = "signature/attestation.pae"
SIGNATURE: Final = "signature/attestation.sig"
TIMESTAMP: Final = "signature/timestamp.tsr"
CAPTURES: Final = "captures/"
REPORTS: Final = "report/"
RESULT: Final = "report/result.json"
POSTURE: Final = "posture/"
POSTURE_TEXT: Final = "report/posture.txt"

# What the statement is signed over: all files but itself and those that are made from it.
NOT_SUBJECTS: Final = frozenset((SUMS, SUMS_SIGNATURE, ENVELOPE, PUBLIC_KEY, SIGNED_BYTES, SIGNATURE, TIMESTAMP))
# What SHA256SUMS cannot list.
NOT_SUMMED: Final = frozenset((SUMS, SUMS_SIGNATURE))

_OTHER: Final = re.compile(r"[^A-Za-z0-9._-]+")
MAX_NAME: Final = 100


def capture_name(number: int, path: str) -> str:
    """Return `captures/001-night.pcap.gz`: safe on any file system, in the order read."""
    last = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = _OTHER.sub("_", last).strip("._-")[-MAX_NAME:] or "capture"
    return f"{CAPTURES}{number:03d}-{plain}"
