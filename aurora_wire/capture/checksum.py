"""The Internet checksum of whole bytes, for frames that are made or guessed at. Source: RFC 1071."""

from __future__ import annotations

import struct


def checksum(data: bytes) -> bytes:
    """Return the Internet checksum, two zeros where the data holds the right one.

    65,536 is 1 modulo 65,535, so all words are summed by one division.
    """
    number = int.from_bytes(data, "big") << (8 if len(data) & 1 else 0)
    return struct.pack(">H", (0xFFFF - number % 0xFFFF) % 0xFFFF)
