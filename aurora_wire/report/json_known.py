"""Known findings as JSON: what a finding's mark says, and the exceptions that were given."""

from __future__ import annotations

from aurora_wire.report.json_text import Fields, clean
from aurora_wire.verdict.result import ExceptionResult, Ignored


def ignored_fields(ignored: Ignored | None) -> Fields:
    """Return the field of a finding that is ignored; none of one that is not."""
    if ignored is None:
        return {}
    return {"ignored": {"reason": clean(ignored.reason), "until": ignored.until}}


def exception_fields(known: ExceptionResult) -> Fields:
    """Return the object of an exception that was given."""
    return {
        "known": clean(known.known), "until": known.until, "reason": clean(known.reason), "findings": known.findings,
        "expired": known.expired,
    }  # fmt: skip
