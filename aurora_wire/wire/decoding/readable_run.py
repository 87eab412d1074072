"""Readable bytes among others: what ciphertext and numbers show by chance only, once in a known number of times."""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

EACH_BYTE: Final[i64] = 0x0101010101010101
LONG: Final[i64] = 23  # bytes in a row that hold a whole one of any blocks of 8 out of 16


def readable_run(data: bytes, at: i64, end: i64, need: i64) -> bool:
    """Return whether `need` printable ASCII bytes stand in a row.

    Looks at every need-th byte first, as a run of that length cannot lie between two of them; before that, for a long
    one, at eight bytes of sixteen, of which it holds some, and no printable one has a top bit.
    """
    if need >= LONG:
        block = at
        while block + 8 <= end and read_i64_le(data, block) >> 7 & EACH_BYTE != 0:
            block += 16
        if block + 8 > end:
            return False
    probe = at + need - 1
    while probe < end:
        byte: i64 = data[probe]
        if not (32 <= byte < 127 or byte == 9 or byte == 10 or byte == 13):
            probe += need
            continue
        start = probe
        while start > at:
            byte = data[start - 1]
            if not (32 <= byte < 127 or byte == 9 or byte == 10 or byte == 13):
                break
            start -= 1
        stop = start + need
        last = probe + 1
        while last < stop and last < end:
            byte = data[last]
            if not (32 <= byte < 127 or byte == 9 or byte == 10 or byte == 13):
                break
            last += 1
        if last >= stop:
            return True
        at = last + 1
        probe = last + need
    return False
