"""A prepared statement's text with its parameters in place."""


from mypy_extensions import i64

from aurora_wire.wire.mysql.sql_lexer import PLACEHOLDER, read_token


def next_placeholder(text: bytes, at: i64) -> i64:
    """Return the offset of the first `?` from `at` on that is a parameter, or -1. `at` must not be inside quotes.

    Not those in quotes and comments; what is in `/*! ... */` is code for the server, so it is for us.
    """
    end: i64 = len(text)
    while at < end:
        kind, stop = read_token(text, at, end, 0)
        if kind == PLACEHOLDER:
            return at
        at = stop
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
