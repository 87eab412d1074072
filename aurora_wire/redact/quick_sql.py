"""The usual statement masked: what `redact.sql.redact_sql` makes of it, compiled and without regular expressions.

Only texts that can be read in one way, and name no account: of all others it says so, and they take the long way.
"""

from typing import Final

from mypy_extensions import i64

TAB: Final[i64] = 9
NEWLINE: Final[i64] = 10
RETURN: Final[i64] = 13
SPACE: Final[i64] = 32
DOUBLE_QUOTE: Final[i64] = 34
HASH: Final[i64] = 35
DOLLAR: Final[i64] = 36
SINGLE_QUOTE: Final[i64] = 39
STAR: Final[i64] = 42
PLUS: Final[i64] = 43
DASH: Final[i64] = 45
DOT: Final[i64] = 46
SLASH: Final[i64] = 47
AT: Final[i64] = 64
BACKSLASH: Final[i64] = 92
UNDERSCORE: Final[i64] = 95
BACKTICK: Final[i64] = 96
# Where one of these words is, an account may be named: `redact.sql` looks for nothing but whole words.
ACCOUNTS: Final = frozenset((b"user", b"role", b"grant", b"grants", b"revoke", b"definer", b"password"))
SHORTEST: Final[i64] = 4
LONGEST: Final[i64] = 8


def hidden(text: bytes) -> list[int] | None:
    """Return start and end of each literal, one after another; None if that takes the full lexer."""
    found: list[int] = []
    end: i64 = len(text)
    at: i64 = 0
    while at < end:
        byte: i64 = text[at]
        if is_letter(byte):
            start = at
            at += 1
            while at < end and is_word(text[at]):
                at += 1
            if SHORTEST <= at - start <= LONGEST and names_accounts(text, start, at):
                return None
        elif byte == SPACE or byte == TAB or byte == NEWLINE or byte == RETURN:
            at += 1
        elif is_digit(byte) or (byte == DOT and at + 1 < end and is_digit(text[at + 1])):
            start = at
            at += 1
            while at < end and (is_word(text[at]) or text[at] == DOT):
                at += 1
            if at < end and (text[at] == PLUS or text[at] == DASH) and (text[at - 1] | 0x20) == 101:
                return None  # perhaps an exponent
            found.append(int(start))
            found.append(int(at))
        elif byte == SINGLE_QUOTE or byte == DOUBLE_QUOTE or byte == BACKTICK:
            start = at + 1
            at = start
            is_plain = True
            while True:
                if at >= end:
                    return None
                inner: i64 = text[at]
                if inner == byte:
                    if at + 1 < end and text[at + 1] == byte:
                        at += 2
                        is_plain = False
                        continue
                    break
                if inner == BACKSLASH or inner > 127 or inner == DOLLAR:
                    return None
                if not is_word(inner):
                    is_plain = False
                at += 1
            if byte == BACKTICK:
                # What is in such a name stays, so it is looked at; an odd one is left to the full lexer.
                if not is_plain or (SHORTEST <= at - start <= LONGEST and names_accounts(text, start, at)):
                    return None
            elif start < at:
                found.append(int(start))
                found.append(int(at))
            at += 1
        elif (
            byte < SPACE or byte > 126 or byte in (AT, BACKSLASH, DOLLAR, HASH)
            or (at + 1 < end and byte == SLASH and text[at + 1] == STAR)
            or (at + 1 < end and byte == DASH and text[at + 1] == DASH)
        ):  # fmt: skip
            return None
        else:
            at += 1
    return found


def names_accounts(text: bytes, start: i64, end: i64) -> bool:
    """Return whether the word text[start:end] is one of those beside which a statement names accounts."""
    first: i64 = text[start] | 0x20
    if first != 117 and first != 114 and first != 103 and first != 100 and first != 112:  # u, r, g, d, p
        return False
    return text[start:end].lower() in ACCOUNTS


def is_digit(byte: i64) -> bool:
    return 48 <= byte <= 57


def is_letter(byte: i64) -> bool:
    return 65 <= byte <= 90 or 97 <= byte <= 122 or byte == UNDERSCORE


def is_word(byte: i64) -> bool:
    """`$` is left to the long way, where it may quote."""
    return 65 <= byte <= 90 or 97 <= byte <= 122 or byte == UNDERSCORE or 48 <= byte <= 57
