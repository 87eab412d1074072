"""Would a receiver take a segment, by its checksums? Senders whose network card fills them in are believed.

Sources: RFC 9293, section 3.1; RFC 1071.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.flows.tcp_flags import SYN
from aurora_wire.wire.flows.tcp_stream import Stream
from aurora_wire.wire.net.checksum import BAD, GOOD, PARTIAL, ZERO, ipv4_checksum_is_right, tcp_checksum_state
from aurora_wire.wire.net.dissect import Locator

OFFLOADED: Final[i64] = 4                # segments with a wrong checksum before any right one
FIRST_GOOD: Final[i64] = 1


def is_sound(
    locator: Locator, stream: Stream, data: bytes, end: i64, cut: i64, flags: i64, frame: i64, time_ns: i64
) -> bool:
    """Return whether a receiver would take the segment, by its checksums. Senders that offload them are believed.

    What carries data, or begins a connection, tells whether its sender's are right.
    """
    if cut != 0 or locator.segment_len != end - locator.tcp_at:
        return True
    state = tcp_checksum_state(data, locator.addresses_at, locator.ip_version, locator.tcp_at, end)
    if state == GOOD and locator.ip_version == 4 and _wrong_ip_checksum(locator, data):
        state = BAD
    if state == GOOD or state == PARTIAL:
        if locator.payload_len > 0 or flags & SYN:
            good = stream.good_checksums
            if state == GOOD and good > 0:  # as the ones before it
                stream.good_checksums = good + 1
                return True
            if state == PARTIAL and not stream.left_to_card:
                stream.left_to_card = True  # one alone may be a wrong one by chance
                return True
            if stream.good_checksums == 0 and stream.bad_checksums >= OFFLOADED:
                stream.good_checksums = -1  # of a card's own host: one in 65,536 is right by chance
                return True
            stream.good_checksums = good + 1 if good > 0 else FIRST_GOOD
            if good <= 0 and stream.bad_checksums > 0:
                stream.facts.note(
                    anomalies.MIXED_CHECKSUM, stream.side.from_client, frame, time_ns, 0,
                    stream.bad_checksums,
                )  # fmt: skip
    elif state == BAD or (state == ZERO and stream.good_checksums > 0):
        if locator.payload_len > 0:
            stream.bad_checksums += 1
        return stream.good_checksums <= 0
    return True


def is_right(locator: Locator, data: bytes) -> bool:
    """Return whether the checksums of the segment are right, as far as they can be told."""
    end = locator.captured_end
    if locator.segment_len != end - locator.tcp_at:
        return True
    if locator.ip_version == 4 and _wrong_ip_checksum(locator, data):
        return False
    state = tcp_checksum_state(data, locator.addresses_at, locator.ip_version, locator.tcp_at, end)
    return state != BAD and state != ZERO


def _wrong_ip_checksum(locator: Locator, data: bytes) -> bool:
    """Return whether the IPv4 header's checksum is wrong. 0 means that the network card was to fill it in."""
    at = locator.ip_at
    return not ipv4_checksum_is_right(data, at) and u16_be(data, at + 10) != 0
