"""Tokens of values from a keyed BLAKE2b of 8 bytes, whose key is taken in once: hashlib does that for each value anew.

Sums and shifts wrap at 64 bits, as machine integers do: this is right compiled only (`is_right`). Source: RFC 7693.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64

LONGEST: Final[i64] = 128        # bytes of a value: one block
BLOCK: Final[i64] = 128
DIGEST: Final[i64] = 8
ROUNDS: Final[i64] = 12
MORE: Final[i64] = 0         # what the third word of the IV is combined with, by whether a block is the last
LAST: Final[i64] = -1
MARK: Final[i64] = 0x01010000
IV: Final = bytes.fromhex(
    "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
    "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
)
# Which word of a block comes when, by its place in bytes: 16 words a round.
ORDER: Final = bytes(
    [
        8 * int(word, 16)
        for word in "0123456789abcdefea489fd61c02b753b8c052fdae3671947931dcbe265a40f8905724afe1bc683d"
        "2c6a0b834d75fe19c51fed4a0763928bdb7ec13950f4862a6fe9b308c2d714a5a2847615fb9e3cd0"
        "0123456789abcdefea489fd61c02b753"
    ]
)
ZEROS: Final = bytes(128)

Words8 = tuple[i64, i64, i64, i64, i64, i64, i64, i64]


def is_right() -> bool:
    """Return whether sums wrap here."""
    most: i64 = 0x7FFFFFFFFFFFFFFF
    return most + 1 < 0


class KeyedHash:
    """key: 1 to 64 bytes."""

    def __init__(self, key: bytes) -> None:
        self.out = BytesWriter()
        first = read_i64_le(IV, 0) ^ MARK ^ len(key) << 8 ^ DIGEST
        write_i64_le(self.out, first)
        self.out.write(IV[8:])
        keyed = compressed(self.out.getvalue(), key + ZEROS[len(key) :], BLOCK, MORE)
        self.out.truncate(0)
        for word in keyed:
            write_i64_le(self.out, word)
        self.state = self.out.getvalue()

    def token(self, value: bytes) -> bytes:
        """Return `*`, eight letters and digits, then `*`: as many bytes as the value has, LONGEST at most."""
        size: i64 = len(value)
        out = self.out
        out.truncate(0)
        out.append(0x2A)
        if size > 1:
            hashed = compressed(self.state, value + ZEROS[size:], BLOCK + size, LAST)[0]
            write_i64_le(out, letters(hashed))
        left = size - 1 - DIGEST
        while left > 0:
            out.append(0x2A)
            left -= 1
        if len(out) > size:
            out.truncate(size)
        return out.getvalue()


def letters(word: i64) -> i64:
    """Return one of 32 signs for the lowest five bits of each byte: a to z, 2 to 7."""
    low = word & 0x1F1F1F1F1F1F1F1F
    digits = (low + 0x6666666666666666) >> 7 & 0x0101010101010101  # 1 where it is 26 or more
    return low + 0x6161616161616161 - digits * 73


def compressed(state: bytes, block: bytes, counter: i64, last: i64) -> Words8:
    """Return the state after a block of 128 bytes, with which it is `counter` bytes; last: LAST or MORE."""
    order = ORDER
    a0 = read_i64_le(state, 0)
    a1 = read_i64_le(state, 8)
    a2 = read_i64_le(state, 16)
    a3 = read_i64_le(state, 24)
    b0 = read_i64_le(state, 32)
    b1 = read_i64_le(state, 40)
    b2 = read_i64_le(state, 48)
    b3 = read_i64_le(state, 56)
    c0 = read_i64_le(IV, 0)
    c1 = read_i64_le(IV, 8)
    c2 = read_i64_le(IV, 16)
    c3 = read_i64_le(IV, 24)
    d0 = read_i64_le(IV, 32) ^ counter
    d1 = read_i64_le(IV, 40)
    d2 = read_i64_le(IV, 48) ^ last
    d3 = read_i64_le(IV, 56)
    at: i64 = 0
    while at < 16 * ROUNDS:
        a0, b0, c0, d0 = mixed(a0, b0, c0, d0, word_of(block, order, at), word_of(block, order, at + 1))
        a1, b1, c1, d1 = mixed(a1, b1, c1, d1, word_of(block, order, at + 2), word_of(block, order, at + 3))
        a2, b2, c2, d2 = mixed(a2, b2, c2, d2, word_of(block, order, at + 4), word_of(block, order, at + 5))
        a3, b3, c3, d3 = mixed(a3, b3, c3, d3, word_of(block, order, at + 6), word_of(block, order, at + 7))
        a0, b1, c2, d3 = mixed(a0, b1, c2, d3, word_of(block, order, at + 8), word_of(block, order, at + 9))
        a1, b2, c3, d0 = mixed(a1, b2, c3, d0, word_of(block, order, at + 10), word_of(block, order, at + 11))
        a2, b3, c0, d1 = mixed(a2, b3, c0, d1, word_of(block, order, at + 12), word_of(block, order, at + 13))
        a3, b0, c1, d2 = mixed(a3, b0, c1, d2, word_of(block, order, at + 14), word_of(block, order, at + 15))
        at += 16
    return (
        read_i64_le(state, 0) ^ a0 ^ c0, read_i64_le(state, 8) ^ a1 ^ c1, read_i64_le(state, 16) ^ a2 ^ c2,
        read_i64_le(state, 24) ^ a3 ^ c3, read_i64_le(state, 32) ^ b0 ^ d0, read_i64_le(state, 40) ^ b1 ^ d1,
        read_i64_le(state, 48) ^ b2 ^ d2, read_i64_le(state, 56) ^ b3 ^ d3,
    )  # fmt: skip


def word_of(block: bytes, order: bytes, at: i64) -> i64:
    place: i64 = order[at]
    return read_i64_le(block, place)


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
