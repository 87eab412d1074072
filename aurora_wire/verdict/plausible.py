"""How many missing bytes can be believed: a sequence number may be anything, and a network takes time.

An ACK that was forged, or belongs to another connection, can claim a gigabyte in a capture of some kilobytes. That
bytes are missing still holds, and takes every proof; how many they are is then not known.
"""

from __future__ import annotations

from typing import Final

from aurora_wire.wire.decoding.anomalies import GAP
from aurora_wire.wire.flows.facts import Facts

AT_ONCE: Final = 16 << 20           # bytes, however short the time: what windows hold as they are in use
NS_PER_25_BYTES: Final = 8          # 25 Gbit/s, more than one TCP connection gets between hosts


def most_missing(first_time_ns: int, last_time_ns: int) -> int:
    """Return how many bytes can have crossed uncaptured in a connection with frames at these times (-1: unknown)."""
    if first_time_ns < 0 or last_time_ns < first_time_ns:
        return AT_ONCE
    return AT_ONCE + (last_time_ns - first_time_ns) * 25 // NS_PER_25_BYTES


def least_missing(facts: Facts, from_client: bool) -> int:
    """Return how many bytes are missing for certain in a direction: one at each place that has a gap."""
    note = facts.find_anomaly(GAP, from_client)
    return max(int(note.count), 1) if note is not None else 1
