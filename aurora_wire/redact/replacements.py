"""What masked bytes are made of: a payload cut into what stays, what becomes a token, and what is filled.

Compiled, as it is asked once for each packet in the clear. Whatever happens, as many bytes come out as went in.
"""

from collections.abc import Callable
from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from aurora_wire.redact.keyed_hash import LONGEST, READ, SHORT_VALUE, KeyedHash
from aurora_wire.redact.quick_sql import hidden

FILL: Final = b"*"
STAR: Final[i64] = 0x2A
LETTERS: Final = [bytes([byte]) for byte in range(0x30, 0x7B) if chr(byte).isalnum()]
SHAPES: Final = bytes([0x2A if 0x20 <= byte < 0x7F else 0 for byte in range(256)])
CACHED: Final[i64] = 1 << 13      # values and texts that are remembered: a processor's cache holds them
LONGEST_CACHED: Final[i64] = 256  # bytes of each
RESULTS: Final[i64] = 512         # results whose definitions are remembered
LONGEST_RESULT: Final[i64] = 4096  # bytes of each
PADDING: Final = bytes(int(READ))  # behind a value at the end of what is there
SHORT: Final[i64] = 16            # bytes that are written one by one


class KnownResult:
    """The definitions of a result that came before. masked: b"" where all of them stay; kinds: the type of each."""

    __slots__ = ("kinds", "masked")

    def __init__(self, masked: bytes, kinds: list[int]) -> None:
        self.masked: Final = masked
        self.kinds: Final = kinds


class Words:
    """value_of: the token of a value; sql_of: a statement with its literals masked; pack: a content compressed again.

    pack is given what the packet held, what it is to hold and in how many bytes at most; b"" where that cannot be.
    keyed: makes the same tokens of values of usual length, sooner.
    """

    def __init__(
        self, value_of: Callable[[bytes], bytes], sql_of: Callable[[bytes], bytes],
        pack: Callable[[bytes, bytes], bytes], keyed: KeyedHash | None = None,
    ) -> None:  # fmt: skip
        self.value_of = value_of
        self.keyed = keyed
        self.sql_of = sql_of
        self.pack = pack
        self.values: dict[bytes, bytes] = {}
        self.older: dict[bytes, bytes] = {}  # the values before those: what is asked for again stays remembered
        self.texts: dict[bytes, bytes] = {}
        self.definitions: dict[bytes, int] = {}  # of columns, of which all stays: the type of each
        self.results: dict[bytes, KnownResult] = {}  # all definitions of a result, one after another
        self.line = BytesWriter()
        self.cut = Cut(self)

    def value(self, value: bytes) -> bytes:
        size: i64 = len(value)
        if size > LONGEST_CACHED:
            return self.value_of(value)
        found = self.values.get(value)
        if found is None:
            found = self.older.get(value)
            if found is None:
                keyed = self.keyed
                found = self.value_of(value) if keyed is None or size > LONGEST else keyed.token(value)
            if len(self.values) >= CACHED:
                self.older = self.values
                self.values = {}
            self.values[value] = found
        return found

    def write_value(self, out: BytesWriter, data: bytes, at: i64, end: i64) -> None:
        """Write what `value` returns of data[at:end]."""
        keyed = self.keyed
        size = end - at
        if keyed is None or size < 2 or size > SHORT_VALUE:
            out.write(self.value(data[at:end]))
        elif at + READ <= len(data):
            keyed.write(out, data, at, end)
        else:
            keyed.write(out, data[at:end] + PADDING, 0, size)

    def sql(self, text: bytes) -> bytes:
        line = self.line
        line.truncate(0)
        self.write_sql(line, text)
        return line.getvalue()

    def write_sql(self, out: BytesWriter, text: bytes) -> None:
        """Replace literals by tokens. The usual statement is read here, any other by `sql_of`, to the same result."""
        places = hidden(text)
        if places is not None:
            self._write_placed(out, text, places)
        else:
            out.write(self._mask_sql(text))

    def _mask_sql(self, text: bytes) -> bytes:
        if len(text) > LONGEST_CACHED:
            return self.sql_of(text)
        found = self.texts.get(text)
        if found is None:
            if len(self.texts) >= CACHED:
                self.texts.clear()
            found = self.sql_of(text)
            self.texts[text] = found
        return found

    def _write_placed(self, out: BytesWriter, text: bytes, places: list[int]) -> None:
        """Replace literals; those that touch, also with nothing but stars between them, are one."""
        count: i64 = len(places)
        done: i64 = 0
        end: i64 = len(text)
        i: i64 = 0
        while i < count:
            start: i64 = places[i]
            stop: i64 = places[i + 1]
            i += 2
            while start > done and text[start - 1] == STAR:
                start -= 1
            while True:
                while stop < end and text[stop] == STAR:
                    stop += 1
                if i < count and places[i] == stop:
                    stop = places[i + 1]
                    i += 2
                    continue
                break
            out.write(text[done:start])
            if is_filler(text, start, stop):
                out.write(text[start:stop])
            else:
                self.write_value(out, text, start, stop)
            done = stop
        out.write(text[done:])

    def remember(self, packets: bytes, masked: bytes, kinds: list[int]) -> KnownResult:
        """Remember all definitions of a result, and what stands in their place."""
        if len(self.results) >= RESULTS:
            self.results.clear()
        known = KnownResult(masked, kinds)
        self.results[packets] = known
        return known

    def definition(self, data: bytes, kind: int) -> None:
        """Remember the definition of a column, of which all stays."""
        if len(data) <= LONGEST_CACHED:
            if len(self.definitions) >= CACHED:
                self.definitions.clear()
            self.definitions[data] = kind


def is_filler(text: bytes, at: i64, end: i64) -> bool:
    """Return whether text[at:end] is nothing but filler."""
    while at < end:
        if text[at] != STAR:
            return False
        at += 1
    return True


class Cut:
    """data[at:end] from the left to the right. What nobody asked to keep is filled.

    One is used for all payloads, one after another: `begin` to `done`, or `begin_on` to `end_on` where somebody has
    paper to write on. Nothing is copied until something changes.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self.data = b""
        self.at: i64 = 0
        self.end: i64 = 0
        self.written: i64 = 0  # up to here `out` has it
        self.changed = False   # something is not to stay
        self.scratch = BytesWriter()
        self.out = self.scratch

    def begin(self, data: bytes, at: i64, end: i64) -> None:
        self.data = data
        self.at = at
        self.end = end
        self.written = at
        self.changed = False
        self.out = self.scratch
        if len(self.out) > 0:
            self.out.truncate(0)

    def begin_on(self, out: BytesWriter, data: bytes, head: i64, at: i64, end: i64) -> None:
        """Begin, to write on `out`: data[head:at] too, which stays."""
        self.data = data
        self.at = at
        self.end = end
        self.written = head
        self.changed = False
        self.out = out

    def end_on(self, all_of_it: bool) -> bool:
        """End what `begin_on` began. Return whether it was written; if all of it stays, only where `all_of_it` says so.
        """
        self.fill(self.end)
        writes = self.changed or all_of_it
        if writes and self.at > self.written:
            self._write_kept()
        self.data = b""  # it may be a capture's block
        return writes

    def _stop(self, to: i64) -> i64:
        """Return where the next bytes end that become others, `to` or earlier; those before them are written."""
        to = min(to, self.end)
        at = self.at
        if to <= at:
            return at
        self.changed = True
        if at > self.written:
            self._write_kept()
        return to

    def _write_kept(self) -> None:
        data = self.data
        at = self.written
        if self.at - at > SHORT:
            self.out.write(data[at : self.at])
        else:
            while at < self.at:
                self.out.append(data[at])
                at += 1
        self.written = self.at

    def keep(self, to: i64) -> None:
        to = min(to, self.end)
        self.at = max(self.at, to)

    def fill(self, to: i64) -> None:
        to = self._stop(to)
        size = to - self.at
        if size <= 0:
            return
        if size > SHORT:
            self.out.write(FILL * int(size))
        else:
            while size > 0:
                self.out.append(0x2A)
                size -= 1
        self.at = to
        self.written = to

    def value(self, to: i64) -> None:
        """Replace one value, so that equal ones stay recognisable."""
        to = self._stop(to)
        if to > self.at:
            self.words.write_value(self.out, self.data, self.at, to)
            self.at = to
            self.written = to

    def sql(self, to: i64) -> None:
        to = self._stop(to)
        if to > self.at:
            self.words.write_sql(self.out, self.data[self.at : to])
            self.at = to
            self.written = to

    def done(self) -> bytes:
        """Return all of it, or nothing if all of it stays; what is left is filled."""
        self.fill(self.end)
        made = b""
        if self.changed:
            if self.at > self.written:
                self._write_kept()
            made = self.out.getvalue()
        self.data = b""  # it may be a capture's block
        return made


def blanked(data: bytes, at: i64, piece: bytes, filler: i64) -> bytes:
    """Return `piece` with filler wherever it differs from data[at:], which is where it is masked: it compresses best.
    """
    made = bytearray(piece)
    i: i64 = 0
    size: i64 = len(piece)
    while i < size:
        if piece[i] != data[at + i]:
            made[i] = filler
        i += 1
    return bytes(made)


def most_frequent(data: bytes) -> i64:
    """Return the letter or digit that is there most often."""
    most: i64 = 0
    found: i64 = STAR
    for letter in LETTERS:
        count: i64 = data.count(letter)
        if count > most:
            most = count
            found = letter[0]
    return found
