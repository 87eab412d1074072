"""Tokens of values from a keyed BLAKE2b of 8 bytes, whose key is taken in once: hashlib does that for each value anew.

Sums and shifts wrap at 64 bits, as machine integers do: this is right compiled only (`is_right`). Source: RFC 7693.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from librt.vecs import vec
from mypy_extensions import i64

LONGEST: Final[i64] = 128        # bytes of a value: one block
BLOCK: Final[i64] = 128
DIGEST: Final[i64] = 8
MORE: Final[i64] = 0         # what a word of the IV is combined with, by whether a block is the last
LAST: Final[i64] = -1
MARK: Final[i64] = 0x01010000
IV: Final = bytes.fromhex(
    "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
    "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
)
ZEROS: Final = bytes(128)
READ: Final[i64] = 24        # bytes that are read of a short value
SHORT_VALUE: Final[i64] = 23       # which is of so many bytes at most, as a word has to tell how many
LOW: Final = b"".join([b"\xff" * count + bytes(8 - count) for count in range(8)])  # words of so many bytes set
CELLS: Final[i64] = 1 << 14  # places for short values, each in the one that its bytes tell
CELL: Final[i64] = 4         # words: three of the value, and that of its token
# Odd numbers, so that each byte of a value has a say in its place.
MIX_1: Final[i64] = 0x1E3779B97F4A7C15
MIX_2: Final[i64] = 0x2545F4914F6CDD1D
MIX_3: Final[i64] = 0x3C79AC492BA7B653


def is_right() -> bool:
    """Return whether sums wrap here."""
    most: i64 = 0x7FFFFFFFFFFFFFFF
    return most + 1 < 0


class KeyedHash:
    """key: 1 to 64 bytes."""

    def __init__(self, key: bytes) -> None:
        # The 16 words that are mixed.
        self.a0: i64 = 0
        self.a1: i64 = 0
        self.a2: i64 = 0
        self.a3: i64 = 0
        self.b0: i64 = 0
        self.b1: i64 = 0
        self.b2: i64 = 0
        self.b3: i64 = 0
        self.c0: i64 = 0
        self.c1: i64 = 0
        self.c2: i64 = 0
        self.c3: i64 = 0
        self.d0: i64 = 0
        self.d1: i64 = 0
        self.d2: i64 = 0
        self.d3: i64 = 0
        self.cells = vec[i64]([0] * (CELL * CELLS))
        self.out = BytesWriter()
        out = self.out
        write_i64_le(out, read_i64_le(IV, 0) ^ MARK ^ len(key) << 8 ^ DIGEST)
        out.write(IV[8:])
        state = out.getvalue()
        out.truncate(0)
        self._compress(state, key + ZEROS[len(key) :], BLOCK, MORE)
        write_i64_le(out, read_i64_le(state, 0) ^ self.a0 ^ self.c0)
        write_i64_le(out, read_i64_le(state, 8) ^ self.a1 ^ self.c1)
        write_i64_le(out, read_i64_le(state, 16) ^ self.a2 ^ self.c2)
        write_i64_le(out, read_i64_le(state, 24) ^ self.a3 ^ self.c3)
        write_i64_le(out, read_i64_le(state, 32) ^ self.b0 ^ self.d0)
        write_i64_le(out, read_i64_le(state, 40) ^ self.b1 ^ self.d1)
        write_i64_le(out, read_i64_le(state, 48) ^ self.b2 ^ self.d2)
        write_i64_le(out, read_i64_le(state, 56) ^ self.b3 ^ self.d3)
        self.state = out.getvalue()  # after the key

    def token(self, value: bytes) -> bytes:
        """Return `*`, eight letters and digits, then `*`: as many bytes as the value has, LONGEST at most.

        None of them is what stood there, but for `*`: see `Masker.token`.
        """
        size: i64 = len(value)
        out = self.out
        out.truncate(0)
        out.append(0x2A)
        if size > 1:
            block = value + ZEROS[size:]
            self._compress(self.state, block, BLOCK + size, LAST)
            made = letters(read_i64_le(self.state, 0) ^ self.a0 ^ self.c0)
            write_i64_le(out, unlike(made, read_i64_le(block, 1)))
        left = size - 1 - DIGEST
        while left > 0:
            out.append(0x2A)
            left -= 1
        if len(out) > size:
            out.truncate(size)
        return out.getvalue()

    def write(self, out: BytesWriter, data: bytes, at: i64, end: i64) -> None:
        """Write the token of data[at:end], which has two to SHORT_VALUE bytes, with READ of `data` from `at` on.

        Tokens made lately are remembered where no object has to be made or found for that: in one line of the
        processor's cache.
        """
        size = end - at
        one = read_i64_le(data, at)
        two = read_i64_le(data, at + 8)
        three = read_i64_le(data, at + 16)
        if size < 8:
            one &= read_i64_le(LOW, 8 * size)
            two = 0
            three = 0
        elif size < 16:
            two &= read_i64_le(LOW, 8 * (size - 8))
            three = 0
        else:
            three &= read_i64_le(LOW, 8 * (size - 16))
        tag = three | size << 56
        place = one * MIX_1 ^ two * MIX_2 ^ tag * MIX_3
        place ^= place >> 29
        place = (place ^ place >> 43) & CELLS - 1
        place *= CELL
        cells = self.cells
        if cells[place] == one and cells[place + 1] == two and cells[place + 2] == tag:
            word = cells[place + 3]
        else:
            self._begin(self.state, BLOCK + size, LAST)
            self._mix(one, two, three, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
            made = letters(read_i64_le(self.state, 0) ^ self.a0 ^ self.c0)
            word = unlike(made, one >> 8 & 0xFFFFFFFFFFFFFF | two << 56)
            cells[place] = one
            cells[place + 1] = two
            cells[place + 2] = tag
            cells[place + 3] = word
        out.append(0x2A)
        write_i64_le(out, word)
        size -= 1 + DIGEST
        if size < 0:
            out.truncate(len(out) + size)
        while size > 0:
            out.append(0x2A)
            size -= 1

    def _compress(self, state: bytes, block: bytes, counter: i64, last: i64) -> None:
        self._begin(state, counter, last)
        self._rounds(block)

    def _begin(self, state: bytes, counter: i64, last: i64) -> None:
        """Mix a block of 128 bytes with the state, `counter` bytes from the beginning on; last: LAST or MORE."""
        self.a0 = read_i64_le(state, 0)
        self.a1 = read_i64_le(state, 8)
        self.a2 = read_i64_le(state, 16)
        self.a3 = read_i64_le(state, 24)
        self.b0 = read_i64_le(state, 32)
        self.b1 = read_i64_le(state, 40)
        self.b2 = read_i64_le(state, 48)
        self.b3 = read_i64_le(state, 56)
        self.c0 = read_i64_le(IV, 0)
        self.c1 = read_i64_le(IV, 8)
        self.c2 = read_i64_le(IV, 16)
        self.c3 = read_i64_le(IV, 24)
        self.d0 = read_i64_le(IV, 32) ^ counter
        self.d1 = read_i64_le(IV, 40)
        self.d2 = read_i64_le(IV, 48) ^ last
        self.d3 = read_i64_le(IV, 56)

    def _rounds(self, block: bytes) -> None:
        """Mix in the block's words."""
        m0 = read_i64_le(block, 0)
        m1 = read_i64_le(block, 8)
        m2 = read_i64_le(block, 16)
        m3 = read_i64_le(block, 24)
        m4 = read_i64_le(block, 32)
        m5 = read_i64_le(block, 40)
        m6 = read_i64_le(block, 48)
        m7 = read_i64_le(block, 56)
        m8 = read_i64_le(block, 64)
        m9 = read_i64_le(block, 72)
        ma = read_i64_le(block, 80)
        mb = read_i64_le(block, 88)
        mc = read_i64_le(block, 96)
        md = read_i64_le(block, 104)
        me = read_i64_le(block, 112)
        mf = read_i64_le(block, 120)
        self._mix(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, ma, mb, mc, md, me, mf)

    def _mix(
        self, m0: i64, m1: i64, m2: i64, m3: i64, m4: i64, m5: i64, m6: i64, m7: i64, m8: i64, m9: i64, ma: i64,
        mb: i64, mc: i64, md: i64, me: i64, mf: i64,
    ) -> None:  # fmt: skip
        """Mix in a block of 16 words, each round in another order: the table of the RFC."""
        self._round(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, ma, mb, mc, md, me, mf)
        self._round(me, ma, m4, m8, m9, mf, md, m6, m1, mc, m0, m2, mb, m7, m5, m3)
        self._round(mb, m8, mc, m0, m5, m2, mf, md, ma, me, m3, m6, m7, m1, m9, m4)
        self._round(m7, m9, m3, m1, md, mc, mb, me, m2, m6, m5, ma, m4, m0, mf, m8)
        self._round(m9, m0, m5, m7, m2, m4, ma, mf, me, m1, mb, mc, m6, m8, m3, md)
        self._round(m2, mc, m6, ma, m0, mb, m8, m3, m4, md, m7, m5, mf, me, m1, m9)
        self._round(mc, m5, m1, mf, me, md, m4, ma, m0, m7, m6, m3, m9, m2, m8, mb)
        self._round(md, mb, m7, me, mc, m1, m3, m9, m5, m0, mf, m4, m8, m6, m2, ma)
        self._round(m6, mf, me, m9, mb, m3, m0, m8, mc, m2, md, m7, m1, m4, ma, m5)
        self._round(ma, m2, m8, m4, m7, m6, m1, m5, mf, mb, m9, me, m3, mc, md, m0)
        self._round(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, ma, mb, mc, md, me, mf)
        self._round(me, ma, m4, m8, m9, mf, md, m6, m1, mc, m0, m2, mb, m7, m5, m3)

    def _round(
        self, m0: i64, m1: i64, m2: i64, m3: i64, m4: i64, m5: i64, m6: i64, m7: i64, m8: i64, m9: i64, ma: i64,
        mb: i64, mc: i64, md: i64, me: i64, mf: i64,
    ) -> None:  # fmt: skip
        a0, b0, c0, d0 = mixed(self.a0, self.b0, self.c0, self.d0, m0, m1)
        a1, b1, c1, d1 = mixed(self.a1, self.b1, self.c1, self.d1, m2, m3)
        a2, b2, c2, d2 = mixed(self.a2, self.b2, self.c2, self.d2, m4, m5)
        a3, b3, c3, d3 = mixed(self.a3, self.b3, self.c3, self.d3, m6, m7)
        self.a0, self.b1, self.c2, self.d3 = mixed(a0, b1, c2, d3, m8, m9)
        self.a1, self.b2, self.c3, self.d0 = mixed(a1, b2, c3, d0, ma, mb)
        self.a2, self.b3, self.c0, self.d1 = mixed(a2, b3, c0, d1, mc, md)
        self.a3, self.b0, self.c1, self.d2 = mixed(a3, b0, c1, d2, me, mf)


def letters(word: i64) -> i64:
    """Return one of 32 signs for the lowest five bits of each byte: a to z, 2 to 7."""
    low = word & 0x1F1F1F1F1F1F1F1F
    digits = (low + 0x6666666666666666) >> 7 & 0x0101010101010101  # 1 where it is 26 or more
    return low + 0x6161616161616161 - digits * 73


def unlike(word: i64, other: i64) -> i64:
    """Return `word` with an 8 in place of each of its eight bytes that is the same in `other`."""
    differ = word ^ other
    same = ~((differ & 0x7F7F7F7F7F7F7F7F) + 0x7F7F7F7F7F7F7F7F | differ) >> 7 & 0x0101010101010101  # 1 where it is 0
    return word ^ (word ^ 0x3838383838383838) & same * 255


def mixed(a: i64, b: i64, c: i64, d: i64, x: i64, y: i64) -> tuple[i64, i64, i64, i64]:
    """Return the four words after the function G of the RFC. A shift to the right keeps the sign, which goes."""
    a += b + x
    d ^= a
    d = d >> 32 & 0xFFFFFFFF | d << 32
    c += d
    b ^= c
    b = b >> 24 & 0xFFFFFFFFFF | b << 40
    a += b + y
    d ^= a
    d = d >> 16 & 0xFFFFFFFFFFFF | d << 48
    c += d
    b ^= c
    b = b >> 63 & 1 | b << 1
    return a, b, c, d
