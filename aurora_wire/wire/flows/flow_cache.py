"""The cache of recent flows: which slot a frame's flow has, told without making a key."""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

CACHE_SLOTS: Final[i64] = 32768         # recent flows found without a key; a power of two


def cache_slot(addresses: i64, ports: i64) -> i64:
    # What differs most, the last byte of each address and the client's port, to different bits; the product spreads it.
    mixed = (addresses >> 24 ^ addresses >> 43 ^ ports) & 0xFFFFFFFF
    return (mixed * 0x61C88647 >> 31) & (CACHE_SLOTS - 1)


def same_v6(key: bytes, data: bytes, at: i64) -> bool:
    """Return whether a flow's key begins with the two IPv6 addresses at data[at:]."""
    if len(key) != 36:
        return False
    i: i64 = 0
    while i < 32:
        if read_i64_le(key, i) != read_i64_le(data, at + i):
            return False
        i += 8
    return True
