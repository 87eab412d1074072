"""Text passed over seven bytes at a time, where nothing in it can matter.

Most bytes of statements and values are letters and spaces, and say nothing. Each function here takes a class of bytes
that may matter, and passes blocks of seven bytes of which none is of it. A block is seven bytes of a read of eight, so
that no sum of them leaves the 63 bits that an i64 has for numbers:

- `word ^ c * ONES` has a zero byte where the block has the byte c. `(x & LOW) + LOW | x` has the high bit of each byte
  set, but of those that are zero.
- `(word & LOW) + (0x80 - c) * ONES` has the high bit of each byte set that is c or more, for bytes below 0x80. Others
  are taken out by `& ~word`.

What they promise is one-sided: a block that is passed has none of these bytes; one that is not may have none either.
Whoever calls them looks at that byte by byte, as if there was nothing here. So they make no difference but in cost, and
a test holds each caller to what it does without them.

Why nothing is missed:

- A statement without quotes tells nothing but by a number of nine digits (`may_tell`). Nine digits in a row, wherever
  they begin, have the first three bytes of a block among them, or of what is left behind the last block. So only where
  these are digits are they counted, to both sides.
- In a statement's words (`behind_words`) only what begins a literal, a comment, a quoted name or another statement
  changes what is known of the text. Digits end the passing, too, as they are a literal where no letter stands before
  them: the caller goes on inside of a word if the last byte passed is of one.
- A value that tells itself (`behind_quiet`) is an address (`@`), a phone number (`+`, `(` or three digits), a number of
  a card or person or account (digits), a hash (`$`, `*`, `{`, or `pbkdf2`, which has a digit), a key in PEM (`-`), a
  token, or an id of letters. Blocks with a digit or one of these marks are not passed. Tokens have twenty bytes or more
  without a space, ids of letters alone eighteen; such a run, wherever it begins, fills a block. So in a value of that
  length a block without a space is not passed. What stands before the block that ended the passing, back to a byte that
  cannot be of a token, is looked at: a token that begins in a quiet block is found, or taken for none, where it begins.
- A text is plain (`is_plain`) if all of its blocks are, and what is left behind them: that answer is exact.
- A time (`is_time`) has groups of two and four digits, and marks between them that join no groups.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

SIZE: Final[i64] = 7                            # bytes of a block
READ: Final[i64] = 8                            # and of a read
ONES: Final[i64] = 0x01010101010101
LOW: Final[i64] = 0x7F7F7F7F7F7F7F
HIGH: Final[i64] = 0x80808080808080
SPACES: Final[i64] = 0x20202020202020
QUOTES: Final[i64] = 0x22222222222222
APOSTROPHES: Final[i64] = 0x27272727272727
HYPHENS: Final[i64] = 0x2D2D2D2D2D2D2D
BACKSLASHES: Final[i64] = 0x5C5C5C5C5C5C5C
BACKTICKS: Final[i64] = 0x60606060606060
FROM_20: Final[i64] = 0x60606060606060          # what makes 0x20 and more 0x80 and more
FROM_22: Final[i64] = 0x5E5E5E5E5E5E5E
FROM_24: Final[i64] = 0x5C5C5C5C5C5C5C
FROM_28: Final[i64] = 0x58585858585858
FROM_2C: Final[i64] = 0x54545454545454
FROM_2F: Final[i64] = 0x51515151515151
FROM_30: Final[i64] = 0x50505050505050
FROM_3C: Final[i64] = 0x44444444444444
FROM_41: Final[i64] = 0x3F3F3F3F3F3F3F
FROM_7B: Final[i64] = 0x05050505050505
FROM_7F: Final[i64] = 0x01010101010101
# A time, `2024-02-21 07:45:07`, in three blocks (the third has its last seven bytes): what each byte is combined with,
# which leaves 0 of a mark and 0 to 9 of a digit, and what makes all else 0x80 and more.
TIME_1: Final[i64] = 0x30302D30303030
MORE_1: Final[i64] = 0x76767F76767676
TIME_2: Final[i64] = 0x3A30302030302D
MORE_2: Final[i64] = 0x7F76767F76767F
TIME_3: Final[i64] = 0x30303A30303A30
MORE_3: Final[i64] = 0x76767F76767F76
TIME_SIZE: Final[i64] = 19
THREE_HIGH: Final[i64] = 0xF0F0F0               # of the first three bytes
THREE_DIGITS: Final[i64] = 0x303030
LONG_NUMBER: Final[i64] = 9                     # digits in a row that may be of a person: two more than a block
LONG_RUN: Final[i64] = 18                       # bytes without a space of the shortest value that has letters alone


def may_tell(text: bytes, at: i64, end: i64) -> bool:
    """Return whether a quote, or LONG_NUMBER digits in a row, are in text[at:end]."""
    place = at
    last = end - READ
    if last < at:  # too short for a read, and for a long number
        while place < end and text[place] != 39 and text[place] != 34:
            place += 1
        return place < end
    while place <= last:
        word: i64 = read_i64_le(text, place)
        if _has(word, APOSTROPHES, QUOTES):
            return True
        if word & THREE_HIGH == THREE_DIGITS and _is_long_number(text, place, at, end):
            return True
        place += SIZE
    if _has(read_i64_le(text, last) >> 8, APOSTROPHES, QUOTES):  # the last seven bytes
        return True
    return place < end and _is_long_number(text, place, at, end)  # that ends in the last bytes, which are no block


def has_either(text: bytes, at: i64, end: i64, one: i64, two: i64) -> bool:
    """Return whether one of two bytes is in text[at:end]; of a short text, a `find` for each costs more."""
    last = end - READ
    if last < at:
        while at < end and text[at] != one and text[at] != two:
            at += 1
        return at < end
    ones = one * ONES
    twos = two * ONES
    while at <= last:
        if _has(read_i64_le(text, at), ones, twos):
            return True
        at += SIZE
    return _has(read_i64_le(text, last) >> 8, ones, twos)


def _has(word: i64, ones: i64, twos: i64) -> bool:
    """Return whether a block has one of two bytes, given seven times each."""
    one = word ^ ones
    two = word ^ twos
    return (((one & LOW) + LOW) | one) & (((two & LOW) + LOW) | two) & HIGH != HIGH


def _is_long_number(text: bytes, place: i64, begin: i64, end: i64) -> bool:
    """Return whether the byte at `place` is of LONG_NUMBER digits in a row or more.

    Nine digits in a row have the first three bytes of a block among them, wherever they begin.
    """
    start = place
    while start > begin and 48 <= text[start - 1] <= 57:
        start -= 1
    stop = place
    while stop < end and 48 <= text[stop] <= 57:
        stop += 1
    return stop > place and stop - start >= LONG_NUMBER


def behind_plain(text: bytes, at: i64, end: i64, quote: i64) -> i64:
    """Return a place up to which text[at:end] has no byte `quote` and no backslash."""
    quotes = quote * ONES
    last = end - READ
    while at <= last:
        if _has(read_i64_le(text, at), quotes, BACKSLASHES):
            break
        at += SIZE
    return at


def is_plain(text: bytes) -> bool:
    """Return whether a text is printable ASCII without `"` and backslash: what JSON has in a string as it is."""
    at: i64 = 0
    end: i64 = len(text)
    last = end - READ
    if last < 0:
        while at < end and 32 <= text[at] < 127 and text[at] != 34 and text[at] != 92:
            at += 1
        return at == end
    while at <= last:
        if _needs_escape(read_i64_le(text, at)):
            return False
        at += SIZE
    return not _needs_escape(read_i64_le(text, last) >> 8)  # the last seven bytes


def _needs_escape(word: i64) -> bool:
    low = word & LOW
    plain = (low + FROM_20) & ~(low + FROM_7F) & ((low ^ QUOTES) + LOW) & ((low ^ BACKSLASHES) + LOW)
    return (word | ~plain) & HIGH != 0


def behind_words(text: bytes, at: i64, end: i64) -> i64:
    """Return a place up to which text[at:end] has no quote, digit or semicolon, and none of `#`, `-`, `/`, backtick."""
    last = end - READ
    while at <= last:
        word: i64 = read_i64_le(text, at)
        low = word & LOW
        quotes = (low + FROM_22) & ~(low + FROM_28)
        digits = (low + FROM_2F) & ~(low + FROM_3C)
        others = ((low ^ HYPHENS) + LOW) & ((low ^ BACKTICKS) + LOW)
        if (quotes | digits | ~others) & ~word & HIGH:
            break
        at += SIZE
    return at


def behind_quiet(text: bytes, at: i64, end: i64) -> i64:
    """Return a place up to which no value in text[at:end] begins that tells itself: where a word begins, or `end`.

    at: where a word begins, too. A word or token that goes on where the last block ends is not passed.
    """
    begin = at
    last = end - READ
    needs_space = end - at >= LONG_RUN
    while at <= last and not _is_loud(read_i64_le(text, at), needs_space):
        at += SIZE
    if at > last >= begin and not _is_loud(read_i64_le(text, last) >> 8, needs_space):
        return end
    while at > begin and _is_of_token(text[at - 1]):
        at -= 1
    return at


def _is_loud(word: i64, needs_space: bool) -> bool:
    low = word & LOW
    marks = (low + FROM_24) & ~(low + FROM_2C)      # $ to +
    digits = (low + FROM_30) & ~(low + FROM_41)     # 0 to @
    hyphens = ~((low ^ HYPHENS) + LOW)
    if (marks | digits | hyphens | (low + FROM_7B)) & ~word & HIGH:
        return True
    if needs_space:
        spaces = word ^ SPACES
        return (((spaces & LOW) + LOW) | spaces) & HIGH == HIGH
    return False


def _is_of_token(byte: i64) -> bool:
    """Return whether a key or a word can go on with this byte, of those that a quiet block may have."""
    return 97 <= byte | 0x20 <= 122 or byte == 95 or byte == 44 or byte == 46 or byte == 47


def is_time(text: bytes, at: i64) -> bool:
    """Return whether the TIME_SIZE bytes at `at` are a date and a time as servers write them, of any digits."""
    one = read_i64_le(text, at) ^ TIME_1
    two = read_i64_le(text, at + SIZE) ^ TIME_2
    three = (read_i64_le(text, at + TIME_SIZE - READ) >> 8) ^ TIME_3
    more = ((one & LOW) + MORE_1) | ((two & LOW) + MORE_2) | ((three & LOW) + MORE_3)
    return (more | one | two | three) & HIGH == 0
