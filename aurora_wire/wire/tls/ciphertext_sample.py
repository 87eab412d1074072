"""Do a direction's protected records look like ciphertext? A sample of each, judged by what random bytes never do.

What is looked at, and what it costs:

- of every record the first 96 bytes, for a run of printable characters (four probes where there is none);
- of every record of 40 bytes or more four single bytes, at places all over it that a hash of the record chooses.
  Their top bits are added up over the direction: of ciphertext half are set, of text, base64, hex and UTF-16 none. So
  records that are only partly readable, or hide it behind random bytes, show after some time: a direction of which a
  part f is readable after 57 / f^2 probes (all of it: 15 records; a fifth: 360);
- of the direction's first twelve records (a server's handshake takes six), of one in 64 by the hash, and of each where
  the four bits agree and four more too, a histogram of the first 96 bytes and of 96 at another place.
- of every record shorter than 40 bytes the top bits of all bytes but a nonce, in the same sum; and where several of
  these in a row have none at all, they are counted together.
- of every record whether MySQL packets (plain, compressed, or of the X Protocol) fill it exactly, from the first byte
  or behind a nonce: a comparison, as the length that a packet begins with is seldom that of its record.
- of a record that lies in several segments, the four bytes of each, and of one in two of those behind the first.

How often ciphertext is taken for text, a record (a test computes it): the run of 28 in the first 96 bytes 9e-11, in two
windows more of a histogram 2e-10 where one is made; the histogram itself 2e-12, of 40 to 47 bytes 2e-10 (see
`skewed`), the sum of top bits 1e-11 each time that it is looked at. Together less than 6e-10, and of most records
1e-10: in a million conversations of 20 records, two in a thousand times. Packets and short records add 3e-12 (2^-38).

The floor: what is readable in a record of less than 40 bytes between others that are not, and is neither a whole packet
nor a run of 28 printable characters, cannot be told from ciphertext. 27 printable bytes come by chance once in 2^37
times, 17 of them (with TLS 1.3 no record is shorter) once in 2^24: every second long session would have one.
"""

from typing import Final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64, u8

from aurora_wire.binary import u24, u32, u32_be
from aurora_wire.wire.decoding.readable_run import readable_run

READABLE_RUN: Final[i64] = 28        # printable bytes in a row
WINDOW: Final[i64] = 96              # bytes that are looked at in one place
SMALLEST: Final[i64] = 40            # bytes of a record that a histogram is made of
FEWEST: Final[i64] = SMALLEST - 8    # without their nonce
NONCE: Final[i64] = 8                # GCM and CCM of TLS 1.2 begin with a counter, which is no ciphertext
FIRST_LOOK: Final[i64] = 64          # probes after which their sum is judged; then each time that they have doubled
LIMIT: Final[i64] = 57               # exp(-57/2) * 2 = 8e-13: Hoeffding's bound for (2 * high - n)^2 >= 57 * n
MOST: Final[i64] = 16                # of one value among 192 bytes: 256 * C(192, 16) / 256^16 = 1e-13
EACH_BYTE: Final[i64] = 0x0101010101010101
ALWAYS: Final[i64] = 12              # records of a direction of which a histogram is made in any case

LEAST_FRAMED: Final[i64] = 17        # bytes of a record in which packets are looked for: TLS 1.3 has no shorter one
FEW_IDS: Final[i64] = 16             # sequence ids that a record may begin with
CERTAIN: Final[i64] = 13             # bytes of a packet, besides four for each top bit that is set
COMPRESSED_HEADER: Final[i64] = 7
ZLIB_LEVELS: Final = (0x01, 0x5E, 0x9C, 0xDA)
ZSTD_MAGIC: Final[i64] = 0xFD2FB528

CIPHERTEXT: Final[i64] = 0           # nothing speaks against it
RUN: Final[i64] = 1                  # a readable run
SKEWED: Final[i64] = 2               # bytes that are not spread evenly


def readable(data: bytes, at: i64, end: i64, need: i64) -> bool:
    """Return whether `need` printable ASCII bytes stand in a row."""
    return readable_run(data, at, end, need)


class Sample:
    """What the records of one direction looked like so far."""

    __slots__ = ("calm", "high", "next_look", "probes", "records", "start")

    def __init__(self) -> None:
        self.records: i64 = 0
        self.probes: i64 = 0
        self.high: i64 = 0           # of the probes, bytes with the top bit set
        self.next_look: i64 = FIRST_LOOK
        self.start: i64 = 0          # the first four bytes of the last record: a nonce's are always the same
        self.calm: i64 = 0           # bytes without a top bit, of the short records that came last

    def look(self, data: bytes, at: i64, end: i64, length: i64) -> i64:
        """Judge a record's body of `length` bytes, or as much of it as lies here. Return CIPHERTEXT, RUN or SKEWED."""
        size = end - at
        self.records += 1
        if readable_run(data, at, at + WINDOW if size > WINDOW else end, READABLE_RUN):
            return RUN
        if size >= LEAST_FRAMED:
            word = u32(data, at)
            before = self.start
            self.start = word
            inside = word & 0xFFFFFF
            if 0 < inside < length and word != before and framed(data, at, end, length):
                return RUN
            inside = u32(data, at + NONCE) & 0xFFFFFF
            if 0 < inside < length and framed(data, at + NONCE, end, length - NONCE):
                return RUN
        if size < SMALLEST:
            return self._short(data, at + NONCE, end)
        mixed = mix(u32_be(data, at + NONCE), size)
        return self._places(data, at + NONCE, end, mixed, self.records <= ALWAYS or mixed & 63 == 0)

    def _short(self, data: bytes, at: i64, end: i64) -> i64:
        """Count the top bits of a short record without its nonce, data[at:end]; judge it with those before it."""
        size = end - at
        if size <= 0:
            return CIPHERTEXT
        tops: i64 = 0
        while at + 8 <= end:
            tops += read_i64_le(data, at) >> 7 & EACH_BYTE
            at += 8
        if at < end:
            # The last bytes, with some before them (a nonce at least) that are shifted out.
            left = (end - at) << 3
            tops += read_i64_le(data, end - 8) >> (64 - left) >> 7 & EACH_BYTE >> (64 - left)
        high = tops * EACH_BYTE >> 56 & 0xFF
        self.high += high
        self.probes += size
        if high > 0:
            self.calm = 0
        else:
            self.calm += size
            if self.calm >= SMALLEST:
                return SKEWED
        if self.probes >= self.next_look:
            self.next_look = self.probes * 2
            return self.judge()
        return CIPHERTEXT

    def part(self, data: bytes, at: i64, end: i64) -> i64:
        """Judge a segment from the middle of a record: one in two."""
        if end - at < SMALLEST:
            return CIPHERTEXT
        mixed = mix(u32_be(data, at), end - at)
        return CIPHERTEXT if mixed & 1 else self._places(data, at, end, mixed, False)

    def _places(self, data: bytes, at: i64, end: i64, mixed: i64, dense: bool) -> i64:
        """Look at four bytes, at more where these agree or where `dense` says so."""
        span = end - at
        high = _high(data, at, span, mixed)
        self.high += high
        self.probes += 4
        if high == 0 or high == 4:
            dense = dense or _high(data, at, span, mix(mixed & 0xFFFFFFFF, span)) == high
        if dense:
            found = _dense(data, at, end, mixed)
            if found != CIPHERTEXT:
                return found
        if self.probes >= self.next_look:
            self.next_look = self.probes * 2
            return self.judge()
        return CIPHERTEXT

    def judge(self) -> i64:
        """Judge all probes so far, also at the end."""
        if self.probes < FIRST_LOOK:
            return CIPHERTEXT
        off = 2 * self.high - self.probes
        return SKEWED if off * off >= LIMIT * self.probes else CIPHERTEXT


def framed(data: bytes, at: i64, end: i64, length: i64) -> bool:
    """Return whether packets of MySQL fill the `length` bytes from `at` exactly, of which data[at:end] are here.

    Random bytes do less than once in 2^39 times: the length of one packet is right once in 2^24, its id below 16 once
    in 2^4, and of what follows no more top bits are set than once in 2^12. Of two or more each length adds what the
    first one may lack. A compressed packet holds a packet as it is, or begins as zlib's and zstd's streams do.
    """
    size = end - at
    if size < LEAST_FRAMED - NONCE:
        return False
    inside = u24(data, at)
    first: i64 = data[at + 3]
    if inside + COMPRESSED_HEADER == length and size >= COMPRESSED_HEADER + 4:
        if u24(data, at + 4) == 0:
            return u24(data, at + COMPRESSED_HEADER) + 4 == inside
        word = u32(data, at + COMPRESSED_HEADER)
        return first < FEW_IDS and (word == ZSTD_MAGIC or (word & 0xFF == 0x78 and (word >> 8 & 0xFF) in ZLIB_LEVELS))
    if first >= FEW_IDS:
        return False
    if inside + 4 != length:
        if size < length:
            return False
        place = at
        before = first
        while place + 4 < end:
            sequence: i64 = data[place + 3]
            if place > at and sequence != (before + 1) & 0xFF and sequence > 1:
                return False
            before = sequence
            step = u24(data, place)
            if step == 0:
                return False
            place += 4 + step
        if place != end:
            return False
    last = end if size < WINDOW else at + WINDOW
    high: i64 = 0
    behind = at + 4
    while behind < last:
        high += int(data[behind]) >> 7
        behind += 1
    return 4 * high <= last - at - 4 - CERTAIN


def mix(word: i64, size: i64) -> i64:
    """Return 48 bits that depend on all of a 32-bit word and a size: the same, interpreted and compiled."""
    mixed = ((word & 0xFFFFFFFF) ^ (size << 7)) * 0x2545F49 & 0xFFFFFFFFFFFF
    mixed ^= mixed >> 23
    mixed = (mixed & 0xFFFFFFFF) * 0x1B873593 + (mixed >> 32)
    return (mixed ^ mixed >> 19) & 0xFFFFFFFFFFFF


def _high(data: bytes, start: i64, span: i64, mixed: i64) -> i64:
    """Count the top bits that are set of four bytes among `span`."""
    first: i64 = data[start + ((mixed & 0xFFF) * span >> 12)]
    second: i64 = data[start + ((mixed >> 12 & 0xFFF) * span >> 12)]
    third: i64 = data[start + ((mixed >> 24 & 0xFFF) * span >> 12)]
    fourth: i64 = data[start + ((mixed >> 36 & 0xFFF) * span >> 12)]
    return (first >> 7) + (second >> 7) + (third >> 7) + (fourth >> 7)


def _dense(data: bytes, at: i64, end: i64, mixed: i64) -> i64:
    """Judge two windows: at the beginning, and at a place that `mixed` chooses behind it."""
    size = end - at
    if size <= 2 * WINDOW:
        if readable_run(data, at, end, READABLE_RUN):
            return RUN
        return SKEWED if skewed(data, at, end, end, end) else CIPHERTEXT
    place = at + WINDOW + ((mixed >> 6 & 0xFFFF) * (size - 2 * WINDOW) >> 16)
    if readable_run(data, place, place + WINDOW, READABLE_RUN):
        return RUN
    return SKEWED if skewed(data, at, at + WINDOW, place, place + WINDOW) else CIPHERTEXT


def skewed(data: bytes, at: i64, end: i64, other_at: i64, other_end: i64) -> bool:
    """Return whether the bytes of two windows, 192 at most, are spread as random ones never are.

    By their top bits (Hoeffding: 8e-13; of 40 to 56 bytes all, 2^-40 = 9e-13; of 32 to 56 none, at most 2^-32 = 2e-10),
    or with one value too often (1e-13).
    """
    behind = max(end, other_at)
    size = end - at
    high = _tops(data, at, end)
    if behind < other_end:
        size += other_end - behind
        high += _tops(data, behind, other_end)
    else:
        behind = other_end = end
    if one_value_in(data, at, end, behind, other_end, MOST):
        return True
    if (high == 0 and size >= FEWEST) or (high == size and size >= SMALLEST):
        return True
    off = 2 * high - size
    return off * off >= LIMIT * size and size > 0


def _tops(data: bytes, at: i64, end: i64) -> i64:
    """Count the bytes with their top bit set, of less than 256."""
    tops: i64 = 0  # eight numbers of eight bits
    while at + 8 <= end:
        tops += read_i64_le(data, at) >> 7 & EACH_BYTE
        at += 8
    high = tops * EACH_BYTE >> 56 & 0xFF
    while at < end:
        last: i64 = data[at]
        high += last >> 7
        at += 1
    return high


def one_value_in(data: bytes, at: i64, end: i64, more_at: i64, more_end: i64, most: i64) -> bool:
    """Return whether one value stands `most` times, a power of two, in data[at:end] and data[more_at:more_end].

    These are less than 256 bytes together. Compiled, a loop of setup.py takes its place.
    """
    counts = vec[u8]([0] * 256)
    seen: i64 = 0  # all counts, or-ed: these go up by one, so that what reached `most` has its bit there
    left = end - at
    while left > 0 or more_at < more_end:
        if left <= 0:
            at = more_at
            left = more_end - more_at
            more_at = more_end
        value: i64 = data[at]
        count = counts[value] + 1
        counts[value] = count
        seen |= i64(count)
        at += 1
        left -= 1
    return seen & most != 0
