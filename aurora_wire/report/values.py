"""Values that leaked, told without being shown: by a hash under a key that is nowhere written, so that the same value
can be recognised in a report, and of card and account numbers by the last four characters.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from aurora_wire.verdict.leaked import show_endings
from aurora_wire.verdict.result import LeakedClass

SIZE: Final = 5     # bytes of a hash: two of a thousand values are alike once in two million reports


def hash_value(value: bytes, key: bytes) -> str:
    """Return ten hex digits, the same for the same value under one key (`Scan.values_key`). Source: RFC 7693."""
    return blake2b(value, digest_size=SIZE, key=key).hexdigest()


def told_values(one: LeakedClass, key: bytes) -> list[tuple[str, str, list[str]]]:
    """Return hash, last four characters (empty but for card and account numbers) and columns of the first values of a
    class; none where there is no key.
    """
    if not key:
        return []
    return [
        (hash_value(found.value, key), "".join(show_endings(one.data, [found.value])), found.columns)
        for found in one.values
    ]
