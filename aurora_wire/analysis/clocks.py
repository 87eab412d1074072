"""How far the clocks of captures are apart, told by what answers what.

Nobody acknowledges bytes before they were sent. Where a capture seems to, beside the one with these bytes, its clock is
behind: two taps, each with one direction, or with both. Captures that are read in turns are read by times that are
right in this sense; the times that are shown stay those of the capture.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from aurora_wire.binary import u32_be
from aurora_wire.capture.files.open import open_capture
from aurora_wire.capture.frame_source import FrameSource
from aurora_wire.errors import AuroraWireError
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import TCP

CAPTURES: Final = 16                # compared with each other; of more the clocks are taken to be right
FRAMES: Final = 3_000               # of each, from its beginning
DRIFT_NS: Final = 100_000_000       # of clocks against each other, in these frames
SYN_OR_FIN, ACK = 0x03, 0x10

Place = tuple[bytes, int]           # a direction (addresses and ports), and a sequence number
Times = dict[Place, int]


def aligned(inputs: Sequence[tuple[str, int]]) -> tuple[list[tuple[str, int]], dict[str, int]]:
    """Return the captures with the time of each one's first frame, put in order, and what is to be added to its times.

    inputs: as `dated_inputs` gives them; those without a time (-1) stay where they are.
    """
    shifts: dict[str, int] = {}
    if 2 <= len(inputs) <= CAPTURES:
        shifts = _shifts([path for path, first in inputs if first >= 0 and os.path.isfile(path)])  # noqa: PTH113
    if not shifts:
        return list(inputs), {}
    dated = iter(sorted(
        ((path, max(first + shifts.get(path, 0), 0)) for path, first in inputs if first >= 0), key=lambda one: one[1],
    ))  # fmt: skip
    return [next(dated) if first >= 0 else (path, first) for path, first in inputs], shifts


def _shifts(paths: Sequence[str]) -> dict[str, int]:
    shifts: dict[str, int] = {}
    before: list[tuple[Times, Times, int]] = []
    for path in paths:
        sent, acked = _read_times(path)
        shift = 0
        for other_sent, other_acked, other_shift in before:
            found = _shift_against(sent, acked, other_sent, other_acked, other_shift)
            if found:
                shift = found
                break
        before.append((sent, acked, shift))
        if shift:
            shifts[path] = shift
    return shifts


def _shift_against(sent: Times, acked: Times, other_sent: Times, other_acked: Times, other_shift: int) -> int:
    """Return what to add to one capture's times so that they fit the other's; 0 where they do, or nothing would."""
    # What the other sent is acknowledged here no earlier: at least so much is to be added; and at most so much.
    least = max((other_sent[place] - acked[place] for place in acked.keys() & other_sent.keys()), default=None)
    most = min((other_acked[place] - sent[place] for place in sent.keys() & other_acked.keys()), default=None)
    low = None if least is None else least + other_shift
    high = None if most is None else most + other_shift
    if (low is None or low <= 0) and (high is None or high >= 0):
        return 0
    if low is None or high is None:
        return high if low is None else low  # type: ignore[return-value]
    if low - high > DRIFT_NS:
        return 0  # no clock explains it: something was sent again
    return (low + high) // 2


def _read_times(path: str) -> tuple[Times, Times]:
    """Return when a direction had first sent up to a place, and when the other one first acknowledged that."""
    sent: Times = {}
    acked: Times = {}
    try:
        with open_capture(path, hash_input=False) as capture:
            _read(capture.source, sent, acked)
    except AuroraWireError:
        pass  # who reads all of it tells
    return sent, acked


def _read(source: FrameSource, sent: Times, acked: Times) -> None:
    locator = Locator(Fragments())
    for _ in range(FRAMES):
        if not source.advance():
            return
        time_ns = int(source.time_ns)
        if time_ns < 0 or locator.locate(
            source.buffer, source.at, source.captured_len, source.original_len, source.link_type
        ) != TCP:
            continue
        data, tcp_at, at = locator.buffer, int(locator.tcp_at), int(locator.addresses_at)
        size = 4 if locator.ip_version == 4 else 16
        flags = data[tcp_at + 13]
        here = data[at : at + 2 * size] + data[tcp_at : tcp_at + 4]
        there = here[size : 2 * size] + here[:size] + here[-2:] + here[-4:-2]
        length = int(locator.payload_len) + (1 if flags & SYN_OR_FIN else 0)
        if length:
            sent.setdefault((here, int(u32_be(data, tcp_at + 4)) + length & 0xFFFFFFFF), time_ns)
        if flags & ACK:
            acked.setdefault((there, int(u32_be(data, tcp_at + 8))), time_ns)
