"""What masked bytes are made of: a payload cut into what stays, what becomes a token, and what is filled.

Compiled, as it is asked once for each packet in the clear. Whatever happens, as many bytes come out as went in.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.redact.quick_sql import hidden, names_accounts

FILL: Final = b"*"
SHAPES: Final = bytes([0x2A if 0x20 <= byte < 0x7F else 0 for byte in range(256)])
CACHED: Final[i64] = 1 << 13      # values and texts that are remembered: a processor's cache holds them
LONGEST_CACHED: Final[i64] = 256  # bytes of each


class Words:
    """value_of: the token of a value; sql_of: a statement with its literals masked; pack: a content compressed again.

    pack is given what the packet held, what it is to hold and in how many bytes at most; b"" where that cannot be.
    """

    def __init__(
        self, value_of: Callable[[bytes], bytes], sql_of: Callable[[bytes], bytes],
        pack: Callable[[bytes, bytes], bytes],
    ) -> None:  # fmt: skip
        self.value_of = value_of
        self.sql_of = sql_of
        self.pack = pack
        self.values: dict[bytes, bytes] = {}
        self.texts: dict[bytes, bytes] = {}

    def value(self, value: bytes) -> bytes:
        if len(value) > LONGEST_CACHED:
            return self.value_of(value)
        found = self.values.get(value)
        if found is None:
            if len(self.values) >= CACHED:
                self.values.clear()
            found = self.value_of(value)
            self.values[value] = found
        return found

    def sql(self, text: bytes) -> bytes:
        """Replace literals by tokens. The usual statement is read here, any other by `sql_of`, to the same result."""
        places = hidden(text)
        if places is not None and not names_accounts(text):
            return self._placed(text, places)
        if len(text) > LONGEST_CACHED:
            return self.sql_of(text)
        found = self.texts.get(text)
        if found is None:
            if len(self.texts) >= CACHED:
                self.texts.clear()
            found = self.sql_of(text)
            self.texts[text] = found
        return found

    def _placed(self, text: bytes, places: list[int]) -> bytes:
        """Replace literals; those that touch, also with nothing but stars between them, are one."""
        parts: list[bytes] = []
        done: i64 = 0
        end: i64 = len(text)
        i: i64 = 0
        while i < len(places):
            start: i64 = places[i]
            stop: i64 = places[i + 1]
            i += 2
            while start > done and text[start - 1] == 0x2A:
                start -= 1
            while True:
                while stop < end and text[stop] == 0x2A:
                    stop += 1
                if i < len(places) and places[i] == stop:
                    stop = places[i + 1]
                    i += 2
                    continue
                break
            parts.append(text[done:start])
            piece = text[start:stop]
            parts.append(piece if len(piece.strip(b"*")) == 0 else self.value(piece))
            done = stop
        parts.append(text[done:])
        return b"".join(parts)


class Cut:
    """data[at:end] from the left to the right. What nobody asked to keep is filled."""

    def __init__(self, words: Words, data: bytes, at: i64, end: i64) -> None:
        self.changed = False  # something is not to stay
        self.words = words
        self.data = data
        self.at: i64 = at
        self.end: i64 = end
        self.parts: list[bytes] = []

    def _stop(self, to: i64) -> i64:
        to = min(to, self.end)
        return to if to > self.at else self.at

    def keep(self, to: i64) -> None:
        to = self._stop(to)
        if to > self.at:
            self.parts.append(self.data[self.at : to])
            self.at = to

    def fill(self, to: i64) -> None:
        to = self._stop(to)
        if to > self.at:
            self.changed = True
            self.parts.append(FILL * int(to - self.at))
            self.at = to

    def value(self, to: i64) -> None:
        """Replace one value, so that equal ones stay recognisable."""
        to = self._stop(to)
        if to > self.at:
            self.changed = True
            self.parts.append(self.words.value(self.data[self.at : to]))
            self.at = to

    def sql(self, to: i64) -> None:
        to = self._stop(to)
        if to > self.at:
            self.changed = True
            self.parts.append(self.words.sql(self.data[self.at : to]))
            self.at = to

    def done(self) -> bytes:
        """Return all of it, or nothing if all of it stays; what is left is filled."""
        self.fill(self.end)
        if not self.changed:
            return b""
        if len(self.parts) == 1:
            return self.parts[0]
        return b"".join(self.parts)
