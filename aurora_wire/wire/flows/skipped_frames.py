"""Frames that hold no TCP segment: counted by reason, and labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.wire.decoding import labels
from aurora_wire.wire.flows.labelled_frames import LabelledFrame
from aurora_wire.wire.net.skip_reasons import (
    FRAGMENT_LOST,
    FRAGMENT_WAITING,
    MORE_KINDS,
    NO_MYSQL_PORT,
    TCP_CUT,
    is_malformed,
)

if TYPE_CHECKING:
    from aurora_wire.wire.flows.engine import Engine

MAX_KINDS: Final[i64] = 4096            # of skipped frames that are told apart


def count_skipped(engine: Engine, frame: i64, reason: i64) -> None:
    """Count a frame that holds no TCP segment, by reason and detail; label it if labels are wanted."""
    locator = engine.locator
    if reason == TCP_CUT and locator.end - locator.at >= 4:
        # The ports are there: a frame between two others hides no MySQL on its own port.
        ports = engine.ports
        if u16_be(locator.buffer, locator.at) not in ports and u16_be(locator.buffer, locator.at + 2) not in ports:
            reason = NO_MYSQL_PORT
    key = int(reason << 32 | locator.reason_detail)
    known = engine.skipped.get(key, 0)
    if known == 0 and locator.reason_detail != 0 and len(engine.skipped) >= MAX_KINDS:
        key = int(MORE_KINDS << 32)
        known = engine.skipped.get(key, 0)
    engine.skipped[key] = known + 1
    if engine.labelled is not None:
        label = labels.NOT_TCP
        if reason in (FRAGMENT_WAITING, FRAGMENT_LOST):
            label = labels.IP_FRAGMENT
        elif is_malformed(reason):
            label = labels.MALFORMED
        engine.labelled.append(LabelledFrame(frame, 0, -1, label, []))
