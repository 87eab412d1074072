"""What is signed: an in-toto statement about all files of a bundle, with the verdict as its predicate.

Source: in-toto Attestation Framework, "Statement" v1. The same input gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from aurora_wire.evidence.posture import posture_summary
from aurora_wire.posture.result import Posture
from aurora_wire.verdict.result import Scan

TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:aurora-wire:evidence:1"


def statement(
    sums: Mapping[str, str], result: Scan, manifest: Mapping[str, object], postures: Sequence[Posture] = ()
) -> bytes:
    """Make the statement. sums: SHA-256 in hex by file name; postures: what servers allow."""
    return dump(
        {
            "_type": TYPE,
            "subject": [{"name": name, "digest": {"sha256": sums[name]}} for name in sorted(sums)],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "created": manifest["created"],
                "case": manifest["case"],
                "tool": manifest["tool"],
                "result": summary(result),
                **({"posture": posture_summary(postures)} if postures else {}),
            },
        }
    )


def summary(result: Scan) -> dict[str, object]:
    return {
        "verdict": result.verdict,
        "confidence": result.confidence,
        "closing": result.closing,
        "connections_total": result.connections_total,
        "by_verdict": dict(sorted(result.by_verdict.items())),
        "findings_total": dict(sorted(result.findings_total.items())),
    }


def dump(fields: Mapping[str, object]) -> bytes:
    """Return JSON for people and programs: always the same bytes, ASCII."""
    return (json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")
