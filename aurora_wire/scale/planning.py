"""Which task reads what."""

from __future__ import annotations

from collections.abc import Sequence

from aurora_wire.analysis.clocks import aligned
from aurora_wire.capture.files.inputs import find_inputs
from aurora_wire.scale.ranges import WHOLE, cut
from aurora_wire.scale.segments import Part


def plan(paths: Sequence[str], range_bytes: int, ports: Sequence[int]) -> list[Part]:
    """Return what each task reads. Raises UsageError where the paths name no capture."""
    in_order, shifts = aligned(find_inputs(list(paths)).captures)
    parts: list[Part] = []
    for file_no, (path, _) in enumerate(in_order):
        ranges = cut(path, range_bytes) if range_bytes else list(WHOLE)
        for number, one in enumerate(ranges):
            parts.append(Part(path, file_no, number, one, shifts.get(path, 0), tuple(ports)))
    return parts
