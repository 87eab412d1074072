"""What was read of captures, put together from the rows of their ranges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aurora_wire.errors import UsageError
from aurora_wire.report.tables import Row, finding_row
from aurora_wire.scale.flows import Loaded
from aurora_wire.verdict.result import CaptureResult
from aurora_wire.verdict.rules import registry as rules
from aurora_wire.verdict.rules.registry import finding

Part = Mapping[str, Any]


def parts_of(rows: Iterable[Part]) -> list[list[Part]]:
    """Return the rows of each capture, of its ranges in their order; those behind a broken one are not read.

    Raises UsageError.
    """
    by_file: dict[int, dict[int, Part]] = {}
    for row in rows:
        ranges = by_file.setdefault(row["file_no"], {})
        if row["range"] in ranges or any(one["file"] != row["file"] for one in ranges.values()):
            raise UsageError("these segments are of several loads, whose numbers of files overlap. Load all at once.")
        ranges[row["range"]] = row
    if sorted(by_file) != list(range(len(by_file))) or not by_file:
        raise UsageError("rows of kind capture are missing: they say what was read, and belong to the segments.")
    found: list[list[Part]] = []
    for number in sorted(by_file):
        ranges = by_file[number]
        if sorted(ranges) != list(range(len(ranges))):
            raise UsageError("rows of kind capture are missing: they say what was read, and belong to the segments.")
        read: list[Part] = []
        for at in sorted(ranges):
            read.append(ranges[at])
            if ranges[at]["error"] is not None:
                break
        found.append(read)
    return found


def frames_before(parts: Sequence[Sequence[Part]]) -> dict[tuple[int, int], int]:
    """Return how many frames there are in the ranges before each that is not the first."""
    found: dict[tuple[int, int], int] = {}
    for of_file in parts:
        frames = 0
        for row in of_file:
            if frames:
                found[row["file_no"], row["range"]] = frames
            frames += row["packets"]
    return found


def joined(of_file: Sequence[Part]) -> CaptureResult:
    """Return what was read of a capture, of all its ranges."""
    first, last = of_file[0], of_file[-1]
    times = [row["first_time_ns"] for row in of_file if row["first_time_ns"] is not None]
    ends = [row["last_time_ns"] for row in of_file if row["last_time_ns"] is not None]
    dropped = [row["dropped_packets"] for row in of_file if row["dropped_packets"] is not None]
    skipped: Counter[str] = Counter()
    for row in of_file:
        skipped.update(dict(row["skipped"] or {}))
    return CaptureResult(
        first["file"], first["format"], first["compression"], first["sha256"], sum(row["bytes"] for row in of_file),
        packets=sum(row["packets"] for row in of_file), first_time_ns=times[0] if times else None,
        last_time_ns=ends[-1] if ends else None, undated=any(row["undated"] for row in of_file),
        complete=last["error"] is None, error=last["error"],
        truncated_packets=sum(row["truncated_packets"] for row in of_file),
        dropped_packets=sum(dropped) if dropped else None,
        link_types=list(dict.fromkeys(name for row in of_file for name in row["link_types"] or ())),
        skipped=dict(skipped),
    )  # fmt: skip


def findings_of_capture(one: CaptureResult) -> Iterator[Row]:
    """Yield rows of what is to be said of a capture itself, as `scan` says it."""
    if one.dropped_packets:
        hit = finding(rules.PACKETS_DROPPED, f"{one.dropped_packets:,} packets in {one.path}")
        yield finding_row(hit, (one.path, None))
    if not one.complete:
        hit = finding(rules.FILE_DAMAGED, one.error or "", frame=one.packets or None)
        yield finding_row(hit, (one.path, one.packets or None))


def loaded(parts: Sequence[Sequence[Part]]) -> tuple[Loaded, ...]:
    """Return what the analysis of a flow needs to know of captures."""
    captures = [(joined(of_file), of_file) for of_file in parts]
    return tuple(
        Loaded(one.path, one.undated, -1 if one.complete else max(row["order_ns"] for row in of_file))
        for one, of_file in captures
    )
