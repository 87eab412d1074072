"""The options of a pcapng block: u16 code, u16 length, a value filled up to four bytes; code 0 ends them.

Source: draft-ietf-opsawg-pcapng, "Options".
"""

from mypy_extensions import i64

from aurora_wire.binary import u16, u16_be


class Options:
    """Goes over the options in data[at:end], one at a time, up to one that does not fit.

    `at` is where it is: `next` has taken all before. `ended`: the next one is that of code 0.
    """

    def __init__(self, data: bytes, at: i64, end: i64, big_endian: bool) -> None:
        self.data = data
        self.at: i64 = at
        self.end: i64 = end
        self.big_endian = big_endian
        self.code: i64 = 0
        self.start: i64 = at     # the value of the current option: data[start:stop]
        self.stop: i64 = at
        self.ended = False

    def next(self) -> bool:
        """Move to the next option; False where there is none."""
        at = self.at
        if at + 4 > self.end:
            return False
        data = self.data
        code = u16_be(data, at) if self.big_endian else u16(data, at)
        size = u16_be(data, at + 2) if self.big_endian else u16(data, at + 2)
        stop = at + 4 + size
        if stop > self.end:
            return False
        if code == 0:
            self.ended = True
            return False
        self.code = code
        self.start = at + 4
        self.stop = stop
        padded = at + 4 + ((size + 3) & ~3)
        self.at = padded if padded < self.end else self.end
        return True
