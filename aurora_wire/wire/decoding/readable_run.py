"""Readable bytes among others: what ciphertext and numbers show by chance only, once in a known number of times."""

from mypy_extensions import i64


def readable_run(data: bytes, at: i64, end: i64, need: i64) -> bool:
    """Return whether `need` printable ASCII bytes stand in a row.

    Looks at every need-th byte first, as a run of that length cannot lie between two of them.
    """
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
