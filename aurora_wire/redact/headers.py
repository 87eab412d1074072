"""Options of headers: of IP and TCP those that are known stay; what others, and outer headers, hold becomes zero.

Sources: IANA "Internet Protocol Version 4 Parameters", "IPv6 Parameters", "TCP Parameters"; RFC 791, RFC 8200,
RFC 9293; RFC 1624 (checksums).
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u32
from aurora_wire.wire.net.checksum import PARTIAL, ZERO, fold, tcp_checksum_state, word_sum
from aurora_wire.wire.net.ip import (
    IPPROTO_AH,
    IPPROTO_DESTINATION,
    IPPROTO_FRAGMENT,
    IPPROTO_HOP_BY_HOP,
    IPPROTO_ROUTING,
)

IPV4: Final[i64] = 20
IPV6: Final[i64] = 40
TCP: Final[i64] = 20
TIMESTAMPS: Final[i64] = 0x0A080101   # two NOPs, timestamps and their length, as most segments have them

# Record route, timestamps, security, source routes, stream id, router alert.
IP_KNOWN: Final = frozenset((7, 68, 130, 131, 136, 137, 148))
# Router alert, jumbo payload.
IP_V6_KNOWN: Final = frozenset((5, 0xC2))
# Segment size, window scale, SACK, timestamps, MD5, user timeout, authentication, multipath, fast open.
TCP_KNOWN: Final = frozenset((2, 3, 4, 5, 8, 19, 28, 29, 30, 34))


def are_usual(data: bytes, ip_at: i64, tcp_at: i64, payload_at: i64, version: i64) -> bool:
    """Return whether the headers have no options, or only the timestamps that most segments have."""
    if tcp_at - ip_at != (IPV4 if version == 4 else IPV6):
        return False
    size = payload_at - tcp_at
    return size == TCP or (size == TCP + 12 and u32(data, tcp_at + TCP) == TIMESTAMPS)


def cleaned(
    data: bytes, ip_at: i64, addresses_at: i64, tcp_at: i64, payload_at: i64, end: i64, version: i64, is_whole: bool
) -> bytes:
    """Return the frame with unknown options zeroed, its checksums as right or wrong as they were; `data` if none is.

    end: of the segment; is_whole: all of it is there.
    """
    made = bytearray(data)
    if version == 4:
        _options(made, ip_at + IPV4, min(ip_at + (data[ip_at] & 15) * 4, tcp_at), IP_KNOWN)
        _correct(made, data, ip_at, tcp_at, ip_at + 10)
    else:
        _extensions(made, data, ip_at, tcp_at)
    if payload_at > tcp_at + TCP:
        _options(made, tcp_at + TCP, payload_at, TCP_KNOWN)
        state: i64 = -1
        if is_whole:
            state = tcp_checksum_state(data, addresses_at, version, tcp_at, end)
        if state not in (PARTIAL, ZERO):
            _correct(made, data, tcp_at, payload_at, tcp_at + 16)
    return bytes(made)


def without_extras(data: bytes, extras: list[int], start: i64, ip_at: i64) -> bytes:
    """Return the frame with what its outer headers hold beside their fixed fields zeroed.

    extras: begins and ends, counted as `ip_at` is, where the innermost IP header begins; `data` begins at `start`.
    Checksums of outer headers stay as they were: those over the payload are wrong in any case.
    """
    if not extras:
        return data
    made = bytearray(data)
    i: i64 = 0
    count: i64 = len(extras)
    while i + 1 < count:
        begin: i64 = extras[i]
        end: i64 = extras[i + 1]
        if begin < ip_at:
            _zero(made, begin - start, min(end, ip_at) - start)
        i += 2
    return bytes(made)


def _options(made: bytearray, at: i64, end: i64, known: frozenset[int]) -> None:
    while at < end:
        kind = int(made[at])
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        length: i64 = made[at + 1] if at + 1 < end else 0
        if length < 2 or at + length > end:
            break
        if kind not in known:
            _zero(made, at + 2, at + length)
        at += length
    else:
        return
    # Behind the end of the options, or where they make no sense.
    _zero(made, at + 1 if at < end and made[at] == 0 else at, end)


def _zero(made: bytearray, at: i64, end: i64) -> None:
    if at < end:
        made[at:end] = bytes(int(end - at))


def _extensions(made: bytearray, data: bytes, ip_at: i64, end: i64) -> None:
    kind: i64 = data[ip_at + 6]
    at = ip_at + IPV6
    while at + 8 <= end:
        length: i64 = (data[at + 1] + 1) * 8
        if kind == IPPROTO_AH:
            length = (data[at + 1] + 2) * 4
        elif kind == IPPROTO_FRAGMENT:
            length = 8
        stop = min(at + length, end)
        if kind in (IPPROTO_HOP_BY_HOP, IPPROTO_DESTINATION):
            place = at + 2
            while place + 1 < stop:
                option = int(data[place])
                if option == 0:
                    place += 1
                    continue
                after = min(place + 2 + data[place + 1], stop)
                if option not in IP_V6_KNOWN or after - place > 6:
                    _zero(made, place + 2, after)
                place = after
        elif kind not in (IPPROTO_ROUTING, IPPROTO_FRAGMENT, IPPROTO_AH):
            return
        kind = data[at]
        at = stop


def _correct(made: bytearray, data: bytes, at: i64, end: i64, field_at: i64) -> None:
    """Correct a checksum over data[at:end], and perhaps more, after what was changed there."""
    now = bytes(made)
    if now[at:end] == data[at:end]:
        return
    before = fold(word_sum(data, at, end))
    after = fold(word_sum(now, at, end))
    field: i64 = data[field_at] | data[field_at + 1] << 8
    if field == 0:
        return
    field = ~fold((~field & 0xFFFF) + (~before & 0xFFFF) + after) & 0xFFFF
    made[field_at] = int(field & 0xFF)
    made[field_at + 1] = int(field >> 8)
