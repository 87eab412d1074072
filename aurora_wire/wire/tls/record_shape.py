"""The header of a TLS record: can one begin here, and how long is it?

Sources: RFC 8446 section 5.1, RFC 5246 section 6.2.3.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u24_be, u32_be
from aurora_wire.wire.tls.names import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT

MAX_RECORD: Final[i64] = 18432       # 2^14 + 2048: RFC 5246, 6.2.3
MAX_RECORD_1_3: Final[i64] = 16640   # 2^14 + 256: RFC 8446, 5.2
RECORD_HEADER: Final[i64] = 5


def record_length(data: bytes, at: i64) -> i64:
    """Return the length of the TLS record whose header is at `at` (5 bytes must be there), or -1 where it cannot be
    one.
    """
    word = u32_be(data, at)  # content type, version, and the length's first byte
    kind = word >> 24
    if kind < CHANGE_CIPHER_SPEC or kind > HEARTBEAT or (word >> 16) & 0xFF != 3 or (word >> 8) & 0xFF > 3:
        return -1
    low: i64 = data[at + 4]
    length = (word & 0xFF) << 8 | low
    if length > MAX_RECORD or (length == 0 and kind != APPLICATION_DATA):
        return -1
    return length


def header_fits(head: bytes) -> bool:
    """Return whether a record can begin with these bytes, five at most and one at least."""
    size = len(head)
    if not CHANGE_CIPHER_SPEC <= head[0] <= HEARTBEAT or (size > 1 and head[1] != 3) or (size > 2 and head[2] > 3):
        return False
    return size < RECORD_HEADER or record_length(head, 0) >= 0


def is_hello(data: bytes, at: i64, end: i64) -> bool:
    """Return whether a handshake record with a ClientHello or ServerHello begins here, its two lengths in agreement."""
    if end - at < 11 or data[at] != HANDSHAKE or data[at + 1] != 3 or data[at + 2] > 3:
        return False
    kind: i64 = data[at + 5]
    if kind not in {1, 2} or data[at + 9] != 3 or data[at + 10] > 3:
        return False
    record = u16_be(data, at + 3)
    message = u24_be(data, at + 6)
    return message >= 38 and (record == message + 4 or (kind == 2 and record > message))


def is_record_start(data: bytes, at: i64, end: i64) -> bool:
    """Return whether a TLS record with a hello or an alert can begin here, as far as the bytes go."""
    size = end - at
    kind: i64 = data[at]
    if kind != HANDSHAKE and kind != ALERT:
        return False
    if (size > 1 and data[at + 1] != 3) or (size > 2 and data[at + 2] > 3):
        return False
    if size < RECORD_HEADER:
        return True
    length = u16_be(data, at + 3)
    if kind == HANDSHAKE:
        return 0 < length <= MAX_RECORD and (end - at < 6 or data[at + 5] <= 2)
    return kind == ALERT and length == 2
