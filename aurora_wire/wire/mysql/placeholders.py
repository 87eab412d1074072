"""A prepared statement's text with its parameters in place.

Source: MySQL Reference Manual, "String Literals", "Comments", "Schema Object Names".
"""

from typing import Final

from mypy_extensions import i64

NEWLINE: Final[i64] = 10
DOUBLE_QUOTE: Final[i64] = 34   # "
HASH: Final[i64] = 35           # #
SINGLE_QUOTE: Final[i64] = 39   # '
STAR: Final[i64] = 42           # *
DASH: Final[i64] = 45           # -
SLASH: Final[i64] = 47          # /
QUESTION: Final[i64] = 63       # ?
BACKSLASH: Final[i64] = 92
BACKTICK: Final[i64] = 96


def next_placeholder(text: bytes, at: i64) -> i64:
    """Return the offset of the first `?` from `at` on that is a parameter, or -1. `at` must not be inside quotes.

    Not those in quotes and comments; what is in `/*! ... */` is code for the server, so it is for us.
    """
    end: i64 = len(text)
    while at < end:
        byte: i64 = text[at]
        if byte == QUESTION:
            return at
        if byte in (SINGLE_QUOTE, DOUBLE_QUOTE, BACKTICK):
            at = _after_quote(text, at, end)
        elif byte == HASH or (byte == DASH and _is_dash_comment(text, at, end)):
            at = text.find(b"\n", at)
            if at < 0:
                return -1
        elif byte == SLASH and at + 1 < end and text[at + 1] == STAR and not _is_code(text, at, end):
            at = text.find(b"*/", at + 2)
            if at < 0:
                return -1
            at += 2
        else:
            at += 1
    return -1


def count_placeholders(text: bytes) -> i64:
    """Return how many parameters the statement has, if no reply to its PREPARE tells."""
    count: i64 = 0
    at = next_placeholder(text, 0)
    while at >= 0:
        count += 1
        at = next_placeholder(text, at + 1)
    return count


def place_parameters(text: bytes, literals: list[bytes]) -> bytes:
    """Return the text with the literals at its placeholders, in order.

    A placeholder without a literal stays `?`. Literals without a placeholder (the text was cut, or is another
    one) follow in a comment: ` /* not placed: 1, 'a' */`, so that nothing that crossed the wire is lost.
    """
    parts: list[bytes] = []
    done: i64 = 0
    placed: i64 = 0
    at = next_placeholder(text, 0)
    while at >= 0 and placed < len(literals):
        parts.append(text[done:at])
        parts.append(literals[placed])
        placed += 1
        done = at + 1
        at = next_placeholder(text, done)
    parts.append(text[done:])
    if placed < len(literals):
        rest = b", ".join(literals[placed:]).replace(b"*/", b"* /")
        parts.append(b" /* not placed: " + rest + b" */")
    return b"".join(parts)


def _after_quote(text: bytes, at: i64, end: i64) -> i64:
    """Return the offset after the quoted run at `at`; its quote may be doubled inside, or escaped in a string."""
    quote: i64 = text[at]
    at += 1
    while at < end:
        byte: i64 = text[at]
        if byte == quote:
            if at + 1 >= end or text[at + 1] != quote:
                return at + 1
            at += 2
        elif byte == BACKSLASH and quote != BACKTICK:
            at += 2
        else:
            at += 1
    return end


def _is_dash_comment(text: bytes, at: i64, end: i64) -> bool:
    """Return whether `--` begins a comment: only before a blank, a control character or the end (`5--1` subtracts)."""
    return at + 1 < end and text[at + 1] == DASH and (at + 2 >= end or text[at + 2] <= 32)


def _is_code(text: bytes, at: i64, end: i64) -> bool:
    """Return whether `/*!` or MariaDB's `/*M!` begins here."""
    if at + 2 < end and text[at + 2] == 33:
        return True
    return at + 3 < end and text[at + 2] == 77 and text[at + 3] == 33
