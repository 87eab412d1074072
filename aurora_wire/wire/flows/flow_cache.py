"""How a frame's flow is found: its slot in the cache of recent flows, told without making a key, and its key."""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from aurora_wire.wire.net.dissect import Locator

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


def flow_key(locator: Locator) -> bytes:
    """Return what `streams` is asked by for the segment just located: its addresses and ports, as they stand there."""
    data = locator.buffer
    tcp_at = locator.tcp_at
    stop = locator.addresses_at + 8
    if locator.ip_version != 4:
        stop = locator.addresses_at + 32
    if stop == tcp_at:
        return data[locator.addresses_at : tcp_at + 4]
    return data[locator.addresses_at : stop] + data[tcp_at : tcp_at + 4]
