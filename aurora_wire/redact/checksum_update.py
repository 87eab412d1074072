"""Update checksums incrementally: a correct one stays correct, a wrong one keeps its error.

Source: RFC 1624 (incremental update), RFC 1071.
"""

from __future__ import annotations

from aurora_wire.wire.net.checksum import word_sum


def words(data: bytes | bytearray, odd: bool = False) -> int:
    """Return the sum of the 16-bit words of `data` (big-endian), which begins at an even or an odd place."""
    padded = (b"\0" if odd else b"") + bytes(data)
    total = fold(int(word_sum(padded, 0, len(padded))))
    return total >> 8 | (total & 0xFF) << 8


def fold(total: int) -> int:
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def updated(checksum: int, before: int, after: int) -> int:
    """Return the checksum of what had word sum `before` and has `after` now."""
    return ~fold((~checksum & 0xFFFF) + (~fold(before) & 0xFFFF) + fold(after)) & 0xFFFF


def partial_updated(field: int, before: int, after: int) -> int:
    """Return the same for the sum of a pseudo-header alone, that a network card was to complete."""
    return fold(field + (~fold(before) & 0xFFFF) + fold(after))
