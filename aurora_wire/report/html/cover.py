"""Page one of the HTML report: what it is of, who made it, of which time and of which files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aurora_wire.report.html.text import clip, in_utc
from aurora_wire.report.timestamps import find_clock
from aurora_wire.verdict.result import UNDATED_BEFORE_NS, Scan

FILES: Final = 6            # on page one; the others are with all captures
CHARACTERS: Final = 2_000   # of a note


@dataclass(slots=True, frozen=True)
class Case:
    """What whoever makes a report says of it. Empty: nothing is said."""

    title: str = ""
    case: str = ""
    examiner: str = ""
    organisation: str = ""
    note: str = ""


@dataclass(slots=True, frozen=True)
class Cover:
    """facts: (what, what it is); files: (name, SHA-256, how much of it was read, where that is not all)."""

    title: str
    facts: list[tuple[str, str]]
    files: list[tuple[str, str, str]]
    more_files: int


def build_cover(scan: Scan, case: Case) -> Cover:
    """Return page one of a report."""
    said = (
        ("Case", case.case), ("Examiner", case.examiner), ("Organisation", case.organisation), ("Note", case.note),
        ("Period", _period(scan)), ("Filter", _filter(scan)),
    )  # fmt: skip
    return Cover(
        title=clip(case.title, 300),
        facts=[(what, clip(text, CHARACTERS)) for what, text in said if text],
        files=[
            (clip(one.path, 300), one.sha256 or "no hash", "" if one.complete else "not read to its end")
            for one in scan.captures[:FILES]
        ],
        more_files=max(len(scan.captures) - FILES, 0),
    )


def _period(scan: Scan) -> str:
    """Return from when to when the captures go; nothing where they name no date."""
    clock = find_clock(scan)
    times: Sequence[str] = sorted(
        shown
        for capture in scan.captures
        for time_ns in (capture.first_time_ns, capture.last_time_ns)
        if (time_ns or 0) >= UNDATED_BEFORE_NS and (shown := clock.show_in(capture, time_ns)) is not None
    )
    return f"{in_utc(times[0])} to {in_utc(times[-1])}" if times else ""


def _filter(scan: Scan) -> str:
    words = " ".join(f"--{name} {value}".rstrip() for name, value in scan.filters.items())
    return f"{words}: {scan.filtered_out:,} connections are left out" if words else ""
