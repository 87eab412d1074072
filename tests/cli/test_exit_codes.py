"""The exit codes of VERDICT.md, row by row."""

from __future__ import annotations

import pytest

from aurora_wire.cli.exit_codes import exit_code
from aurora_wire.verdict.result import Confidence, Verdict
from tests.report import scans

WHOLE, CUT = True, False


@pytest.mark.parametrize(
    ("verdict", "confidence", "complete", "require_proven", "code"),
    [
        ("encrypted", "proven", WHOLE, False, 0),
        ("encrypted", "likely", WHOLE, False, 0),
        ("encrypted", "proven", WHOLE, True, 0),
        ("encrypted", "likely", WHOLE, True, 3),
        ("encrypted", "proven", CUT, False, 3),
        ("encrypted", "proven", CUT, True, 3),
        ("plaintext", "proven", WHOLE, False, 1),
        ("plaintext", "likely", WHOLE, False, 1),
        ("plaintext", "likely", CUT, True, 1),
        ("mixed", "proven", WHOLE, False, 1),
        ("mixed", "likely", CUT, True, 1),
        ("inconclusive", None, WHOLE, False, 3),
        ("no-session", "proven", WHOLE, False, 3),
        ("no-session", "proven", WHOLE, True, 3),
        ("not-mysql", None, WHOLE, False, 3),
        ("not-mysql", None, CUT, False, 3),
    ],
)
def test_the_exit_code_follows_from_verdict_confidence_and_completeness(
    verdict: Verdict, confidence: Confidence | None, complete: bool, require_proven: bool, code: int
) -> None:
    captures = [scans.capture(), scans.capture("late.pcap", first_frame=61, complete=complete)]
    scan = scans.scan(verdict=verdict, confidence=confidence, captures=captures)
    assert exit_code(scan, require_proven=require_proven) == code


def test_what_the_scan_itself_does_not_call_a_success_is_none() -> None:
    assert exit_code(scans.scan(exit_code=3)) == 3
