"""What comes before a range of a capture, as far as the range needs it: IP fragments whose datagrams go on in it.

Some MB before a range are dissected by the task that reads it, beside the one that tells of them: datagrams of which
the rest comes in the range are put together there, as in one reading. How far back that reaches is bounded (LEAD_IN in
`ranges.py`): fragments of one datagram that lie further apart are not found together where a border is between them.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from aurora_wire.capture.frame_source import FrameSource
from aurora_wire.errors import AuroraWireError
from aurora_wire.immutable import immutable, replace
from aurora_wire.scale.ranges import PartFile, Range, is_changed
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import FRAGMENT_WAITING

FRAGMENTS: Final = 64   # IP fragments that are kept for the one that makes a datagram whole


class Waiting:
    """The frames of the latest IP fragments that wait for the rest of their datagram."""

    def __init__(self) -> None:
        self.frames: deque[dict[str, Any]] = deque(maxlen=FRAGMENTS)

    def add(self, frame: int, source: FrameSource) -> None:
        """Keep the frame that was read last."""
        at = int(source.at)
        self.frames.append({
            "frame": frame, "time_ns": int(source.time_ns), "link_type": int(source.link_type),
            "original_len": int(source.original_len), "data": source.buffer[at : at + int(source.captured_len)],
        })  # fmt: skip


@immutable
class LeadIn:
    """What waits where a range begins. locator: has the datagrams; waiting: frames, numbered up to 0."""

    locator: Locator
    waiting: Waiting


def read_lead_in(path: str, part: Range, ports: set[int]) -> LeadIn | None:
    """Return what waits where a range begins; None where nothing is known of that.

    So it is where the lead-in is damaged, or does not end where the range begins: its own begin was no record's, then,
    and what was made of it is no frame. Where something was described in it that the range is not read behind, the
    range does not count. Whoever reads what lies there as a range tells what is wrong.
    """
    if part.lead_in < 0:
        return None
    before = replace(part, begin=part.lead_in, end=part.begin, head=part.head if part.lead_in else b"")
    try:
        file = PartFile(path, before, closed=True)
        try:
            return _dissect(file.open_frames(path), before, ports)
        finally:
            file.close()
    except (OSError, AuroraWireError):
        return None


def _dissect(source: FrameSource, part: Range, ports: set[int]) -> LeadIn | None:
    """Dissect all frames of a source. Raises CaptureError where it is damaged."""
    locator = Locator(Fragments())
    locator.fragments.ports = ports
    waiting = Waiting()
    while source.advance():
        reason = locator.locate(source.buffer, source.at, source.captured_len, source.original_len, source.link_type)
        if reason == FRAGMENT_WAITING:
            waiting.add(int(source.count), source)
    if is_changed(source, part):
        return None
    for one in waiting.frames:
        one["frame"] -= int(source.count)
    return LeadIn(locator, waiting)
