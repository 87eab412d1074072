"""What was read of captures, put together from the rows of their ranges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aurora_wire.capture.files.pcapng import MAX_DROPS
from aurora_wire.capture.frame_source import describe_loss
from aurora_wire.errors import UsageError
from aurora_wire.report.tables import Row, finding_row
from aurora_wire.scale.flows import Loaded
from aurora_wire.scale.segments import NOTED
from aurora_wire.verdict.result import CaptureResult
from aurora_wire.verdict.rules.capture import FILE_DAMAGED, PACKETS_DROPPED
from aurora_wire.verdict.rules.registry import finding

Part = Mapping[str, Any]


def group_parts(rows: Iterable[Part]) -> list[list[Part]]:
    """Return the rows of each capture, of its ranges in their order.

    Those behind a broken one are not read, and those behind one that was read to the end do not count.

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
            if not counts_alone(ranges[at]):
                break
        found.append(read)
    return found


def counts_alone(row: Part) -> bool:
    """Return whether the ranges behind one count: it ends where they begin."""
    return row["error"] is None and not row.get("to_end")


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
    skipped: Counter[str] = Counter()
    for row in of_file:
        skipped.update(dict(row["skipped"] or {}))
    packets = sum(row["packets"] for row in of_file)
    error = last["error"]
    if error is not None:   # it counts those of its range
        error = error.replace(describe_loss(last["packets"]), describe_loss(packets))
    return CaptureResult(
        first["file"], first["format"], first["compression"], first["sha256"], sum(row["bytes"] for row in of_file),
        packets=packets, first_time_ns=times[0] if times else None,
        last_time_ns=ends[-1] if ends else None, undated=any(row["undated"] for row in of_file),
        complete=error is None, error=error,
        truncated_packets=sum(row["truncated_packets"] for row in of_file),
        dropped_packets=_dropped(of_file),
        link_types=list(dict.fromkeys(name for row in of_file for name in row["link_types"] or ())),
        # Fragments that wait at the end of a range are lost there, and taken back in the next one if they come whole.
        skipped={name: count for name, count in skipped.items() if count > 0},
    )  # fmt: skip


def _dropped(of_file: Sequence[Part]) -> int | None:
    """Return how many packets the capturing host lost: statistics count from the beginning, so the last ones hold."""
    if len(of_file) == 1 and of_file[0]["dropped_packets"] is not None:
        return int(of_file[0]["dropped_packets"])
    counted: dict[str, int] = {}
    noted: list[int] = []
    for row in of_file:
        counted.update(row.get("drops") or {})
        if NOTED in counted:
            noted.append(counted.pop(NOTED))
    if not counted and not noted:
        return None
    return min(max(sum(counted.values()), sum(noted)), int(MAX_DROPS))


def floors(parts: Sequence[Sequence[Part]]) -> list[tuple[int, int, int]]:
    """Return the number of a file and of a range, with the time that orders the last frame before it, of each range."""
    found: list[tuple[int, int, int]] = []
    for of_file in parts:
        latest = -1
        for row in of_file:
            found.append((row["file_no"], row["range"], latest))
            latest = max(latest, row["order_ns"])
    return found


def findings_of_capture(one: CaptureResult) -> Iterator[Row]:
    """Yield rows of what is to be said of a capture itself, as `scan` says it."""
    if one.dropped_packets:
        hit = finding(PACKETS_DROPPED, f"{one.dropped_packets:,} packets in {one.path}")
        yield finding_row(hit, (one.path, None))
    if not one.complete:
        hit = finding(FILE_DAMAGED, one.error or "", frame=one.packets or None)
        yield finding_row(hit, (one.path, one.packets or None))


def loaded(parts: Sequence[Sequence[Part]]) -> tuple[Loaded, ...]:
    """Return what the analysis of a flow needs to know of captures."""
    captures = [(joined(of_file), of_file) for of_file in parts]
    return tuple(
        Loaded(one.path, one.undated, -1 if one.complete else max(row["order_ns"] for row in of_file))
        for one, of_file in captures
    )
