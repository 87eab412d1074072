"""Which of a fixed number of buckets a flow is in: both directions in one, whoever asks.

What depends on several connections at a time is kept by bucket, so that processes which share out the buckets come to
the result that one process comes to.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from aurora_wire.binary import u32, u32_be

BUCKETS: Final[i64] = 64


def bucket_of_flow(data: bytes, addresses_at: i64, is_v4: bool, ports: i64) -> i64:
    """Return the bucket of the flow whose addresses are at `addresses_at`; ports: both, as `u32` reads them."""
    mixed: i64 = 0
    if is_v4:
        mixed = u32_be(data, addresses_at) ^ u32_be(data, addresses_at + 4)
    else:
        wide = read_i64_le(data, addresses_at) ^ read_i64_le(data, addresses_at + 16)
        wide ^= read_i64_le(data, addresses_at + 8) ^ read_i64_le(data, addresses_at + 24)
        mixed = (wide ^ (wide >> 32)) & 0xFFFFFFFF
    mixed ^= ((ports ^ (ports >> 16)) & 0xFFFF) * 0x9E37
    # Each product fits in 63 bits: the same compiled and interpreted.
    mixed = ((mixed ^ (mixed >> 16)) & 0x7FFFFFFF) * 0x45D9F3B
    mixed = ((mixed ^ (mixed >> 16)) & 0x7FFFFFFF) * 0x45D9F3B
    return (mixed >> 20) & (BUCKETS - 1)


def bucket_of_key(key: bytes) -> i64:
    """Return the bucket of a key of the flow table: addresses, then ports."""
    size: i64 = len(key)
    return bucket_of_flow(key, 0, size == 12, u32(key, size - 4))
