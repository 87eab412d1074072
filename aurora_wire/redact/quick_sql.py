"""The usual statement masked: what `redact.sql.redact_sql` makes of it, compiled and without regular expressions.

Only texts that can be read in one way, and name no account: of all others it says so, and they take the long way.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql.sql_lexer import (
    BITS,
    HEX,
    MARK,
    NAME,
    NUMBER,
    PLACEHOLDER,
    SPACE,
    TEXT,
    WORD,
    content_bounds,
    read_token,
)

# Where one of these words is, an account may be named: `redact.sql` looks for nothing but whole words.
ACCOUNTS: Final = frozenset((b"user", b"role", b"grant", b"grants", b"revoke", b"definer", b"password"))
SHORTEST: Final[i64] = 4
LONGEST: Final[i64] = 8


def hidden(text: bytes) -> list[int] | None:
    """Return start and end of each literal, one after another; None if that takes the long way."""
    end: i64 = len(text)
    at: i64 = 0
    while at < end:
        byte: i64 = text[at]
        if byte > 127 or byte == 92 or byte == 36:
            return None  # what quotes, and how, depends on what the text does not say
        at += 1
    found: list[int] = []
    at = 0
    while at < end:
        kind, stop = read_token(text, at, end, 0)
        if kind == WORD:
            if SHORTEST <= stop - at <= LONGEST and names_accounts(text, at, stop):
                return None
        elif kind == TEXT or kind == HEX or kind == BITS:
            start, close = content_bounds(text, at, stop)
            if start < close:
                found.append(int(start))
                found.append(int(close))
        elif kind == NUMBER:
            found.append(int(at))
            found.append(int(stop))
        elif kind == NAME:
            # What is in such a name stays, so it is looked at; an odd one is left to the full lexer.
            start = at + 1
            if not is_plain(text, start, stop - 1):
                return None
            if SHORTEST <= stop - 1 - start <= LONGEST and names_accounts(text, start, stop - 1):
                return None
        elif kind != SPACE and kind != MARK and kind != PLACEHOLDER:
            return None
        at = stop
    return found


def names_accounts(text: bytes, start: i64, end: i64) -> bool:
    """Return whether the word text[start:end] is one of those beside which a statement names accounts."""
    first: i64 = text[start] | 0x20
    if first != 117 and first != 114 and first != 103 and first != 100 and first != 112:  # u, r, g, d, p
        return False
    return text[start:end].lower() in ACCOUNTS


def is_plain(text: bytes, at: i64, end: i64) -> bool:
    """Return whether text[at:end] is of letters, digits and underscores."""
    while at < end:
        byte: i64 = text[at]
        if not (97 <= byte | 0x20 <= 122 or byte == 95 or 48 <= byte <= 57):
            return False
        at += 1
    return True
