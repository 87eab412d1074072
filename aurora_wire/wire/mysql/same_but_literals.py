"""Statements that differ in numbers and quoted texts alone, told without reading their tokens.

Applications send the same statement again and again with other values, and to make its fingerprint takes ten times as
long as to see that it was made before. `hash_but_literals` finds a text that may be the same, `is_same_but_literals`
says whether it is: nothing but time depends on the hash.

Only plain texts are told: no byte in them is of a comment, a backslash, a dollar or a quoted name, no number has
letters in it, and each quote is closed. In such a text, whatever the server's version and sql_mode:

- a quote begins a text that ends with the next one that is not doubled, and what is between does not matter;
- a digit that is not of a word begins a number of all digits and points that follow;
- all other tokens are cut where their own bytes say so.

So two plain texts that are the same but for what is between quotes, and for digits and points of numbers, have the same
tokens. A double quote may quote a name (ANSI_QUOTES): it is in no plain text.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

NOT_PLAIN: Final[i64] = -1
QUOTE: Final[i64] = 39
FACTOR: Final[i64] = 0x1000193         # FNV's, of 32 bits
MASK: Final[i64] = 0xFFFFFFFF


def hash_but_literals(text: bytes) -> i64:
    """Return the same number for plain texts that differ in their literals alone; NOT_PLAIN of any other text."""
    at: i64 = 0
    end: i64 = len(text)
    made: i64 = 0
    in_word = False
    while at < end:
        byte: i64 = text[at]
        if 97 <= (byte | 0x20) <= 122 or byte == 95 or byte >= 128:
            in_word = True
        elif 48 <= byte <= 57:
            if not in_word:
                at = behind_number(text, at, end)
                if at < end and _is_of_word(text[at]):
                    return NOT_PLAIN  # 0x1F, 1e5, 2nd
                byte = 48
                at -= 1
        elif byte == QUOTE:
            at = behind_text(text, at, end)
            if at < 0:
                return NOT_PLAIN
            at -= 1
            in_word = False
        else:
            if byte <= 36:  # white space and `!` alone of these, no control characters, `"`, `#`, `$`
                if byte != 32 and byte != 33 and not 9 <= byte <= 13:
                    return NOT_PLAIN
            elif byte == 92 or byte == 96 or byte == 127:  # a backslash, a backtick, a control character
                return NOT_PLAIN
            elif byte == 45:
                if at + 1 < end and text[at + 1] == 45:  # what begins a comment, perhaps
                    return NOT_PLAIN
            elif byte == 47:
                if at + 1 < end and text[at + 1] == 42:
                    return NOT_PLAIN
            in_word = False
        made = ((made ^ byte) * FACTOR) & MASK
        at += 1
    return made


def is_same_but_literals(one: bytes, other: bytes) -> bool:
    """Return whether two plain texts differ in their literals alone, or not at all."""
    at: i64 = 0
    end: i64 = len(one)
    there: i64 = 0
    size: i64 = len(other)
    in_word = False
    while at < end and there < size:
        byte: i64 = one[at]
        if byte != other[there]:
            if in_word or not (48 <= byte <= 57 and 48 <= other[there] <= 57):
                return False
        if 48 <= byte <= 57 and not in_word:
            at = behind_number(one, at, end)
            there = behind_number(other, there, size)
        elif byte == QUOTE:
            at = behind_text(one, at, end)
            there = behind_text(other, there, size)
            in_word = False
        else:
            in_word = _is_of_word(byte)
            at += 1
            there += 1
    return at == end and there == size


def behind_number(text: bytes, at: i64, end: i64) -> i64:
    """Return where digits and points end."""
    while at < end and (48 <= text[at] <= 57 or text[at] == 46):
        at += 1
    return at


def behind_text(text: bytes, at: i64, end: i64) -> i64:
    """Return the place behind the quoted text at `at`; -1 where it is not closed, or holds what no plain text does."""
    at += 1
    while at < end:
        byte: i64 = text[at]
        if byte == QUOTE:
            if at + 1 >= end or text[at + 1] != QUOTE:
                return at + 1
            at += 1
        elif byte == 92 or byte == 96 or byte == 36 or (byte == 42 and text[at - 1] == 47):
            return -1
        at += 1
    return -1


def _is_of_word(byte: i64) -> bool:
    return 97 <= (byte | 0x20) <= 122 or byte == 95 or byte >= 128 or 48 <= byte <= 57 or byte == 36


@mypyc_attr(acyclic=True)
class Remembered:
    """Fingerprints by their texts, for a bounded number of texts: found for a text, or one that is the same but for its
    literals.
    """

    __slots__ = ("_alike", "_most", "_same")

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._same: Final[dict[bytes, bytes]] = {}
        self._alike: Final[dict[int, tuple[bytes, bytes]]] = {}  # a text and its fingerprint, by the text's hash

    def find(self, text: bytes) -> bytes | None:
        """Return the fingerprint of a text, None where none is known that is certainly its own."""
        known = self._same.get(text)
        if known is not None:
            return known
        made = hash_but_literals(text)
        alike = self._alike.get(made) if made != NOT_PLAIN else None
        return alike[1] if alike is not None and is_same_but_literals(alike[0], text) else None

    def keep(self, text: bytes, fingerprint: bytes) -> None:
        """Remember the fingerprint of a text."""
        if len(self._same) >= self._most:
            self.clear()
        self._same[text] = fingerprint
        made = hash_but_literals(text)
        if made != NOT_PLAIN:
            self._alike[made] = text, fingerprint

    def clear(self) -> None:
        """Remember nothing of what was."""
        self._same.clear()
        self._alike.clear()
