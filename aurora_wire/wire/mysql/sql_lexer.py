r"""SQL in tokens, as the server's own lexer cuts it: byte for byte, and each byte is in one token.

What the text alone does not say is told by `mode`: how characters of several bytes are made, of which the second may
look like a backslash, a backtick or a letter (`in_charset`); whether a backslash escapes and what `"` quotes
(sql_mode); whether `/*! ... */` is executed, which depends on the server's version; whether `$tag$` quotes, since 9.0.
Nothing raises. A text takes time in proportion to its length; only with DOLLARS each TAG costs a search to its end.

Sources: MySQL 9 Reference Manual, "String Literals", "Numeric Literals", "Hexadecimal Literals", "Comments", "Schema
Object Names", "Server SQL Modes"; MariaDB documentation, "Comment Syntax"; the encodings of GBK, Shift JIS and Big5.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.charsets import charset_name
from aurora_wire.wire.mysql.seven_bytes import behind_plain

# Kinds. Those below WORD are nothing that is executed.
END: Final[i64] = 0
SPACE: Final[i64] = 1
CONTROL: Final[i64] = 2      # a control character outside of quotes: in no statement
COMMENT: Final[i64] = 3      # /* ... */, `#` or `-- ` to the end of the line, without that
UNCLOSED_COMMENT: Final[i64] = 4  # /* and all behind it
SKIPPED: Final[i64] = 5      # /*! ... */ that is not executed, whole
VERSION: Final[i64] = 6      # /*!50000 or /*M!, of what is executed
VERSION_END: Final[i64] = 7  # its */
WORD: Final[i64] = 8         # a keyword, or a name without quotes
NAME: Final[i64] = 9         # `name`; "name" with ANSI_QUOTES
TEXT: Final[i64] = 10        # '...', N'...' or "..."
NUMBER: Final[i64] = 11      # begins with a digit, or a point and a digit: 0x1F, 1.5e+3, and names such as 2nd
HEX: Final[i64] = 12         # x'...'
BITS: Final[i64] = 13        # b'...'
PLACEHOLDER: Final[i64] = 14
AT: Final[i64] = 15          # before the name of a variable or a host
MARK: Final[i64] = 16        # anything else, one byte
DOLLAR: Final[i64] = 17      # $tag$ ... $tag$
TAG: Final[i64] = 18         # $tag$ that nothing closes
UNCLOSED: Final[i64] = 19    # a quote or backtick that nothing closes, and all behind it

# Modes, of bits: how characters are made, or none of these, ...
PAIRS: Final[i64] = 7        # mask of the three:
GBK: Final[i64] = 1          # and gb18030, whose characters of four bytes have no second byte that matters
SJIS: Final[i64] = 2         # and cp932
BIG5: Final[i64] = 3
# ... of sql_mode, ...
NO_BACKSLASH_ESCAPES: Final[i64] = 8
ANSI_QUOTES: Final[i64] = 16
# ... of the server's version, ...
DOLLARS: Final[i64] = 32     # `$tag$` quotes
SKIPS: Final[i64] = 64       # /*! ... */ is not executed
NESTS: Final[i64] = 128      # with SKIPS: a comment inside it has an end of its own
# ... and of the place: inside a /*! that is executed.
INSIDE: Final[i64] = 256

BY_BLOCKS: Final[i64] = 128  # bytes of a literal that are passed by blocks, where none is a quote or a backslash
BY_HAND: Final[i64] = 32     # and that are looked at one by one, before its end is searched
_FAMILIES: Final = {"gbk": GBK, "gb18030": GBK, "cp932": SJIS, "sjis": SJIS, "big5": BIG5}


def in_charset(collation: i64) -> i64:
    """Return the mode for text of this collation, by its number; 0 where no second byte can look like ASCII."""
    return _FAMILIES.get(charset_name(collation), 0)


def read_token(text: bytes, at: i64, end: i64, mode: i64) -> tuple[i64, i64]:
    """Return kind and end of the token at `at`, which must be below `end`; END never."""
    byte: i64 = text[at]
    if is_letter(byte):
        return _word(text, at, end, mode)
    if byte <= 32:
        if byte != 32 and not 9 <= byte <= 13:
            return CONTROL, at + 1
        at += 1
        while at < end and (text[at] == 32 or 9 <= text[at] <= 13):
            at += 1
        return SPACE, at
    if byte == 39:
        return _quoted(text, at + 1, end, 39, mode, TEXT)
    if is_digit(byte) or (byte == 46 and at + 1 < end and is_digit(text[at + 1])):
        return NUMBER, _behind_number(text, at, end)
    if byte == 34:
        return _quoted(text, at + 1, end, 34, mode, NAME if mode & ANSI_QUOTES else TEXT)
    if byte == 96:
        return _quoted(text, at + 1, end, 96, mode, NAME)
    if byte == 63:
        return PLACEHOLDER, at + 1
    if byte == 64:
        return AT, at + 1
    if byte == 47 and at + 1 < end and text[at + 1] == 42:
        return _comment(text, at, end, mode)
    if byte == 35 or (byte == 45 and _begins_line_comment(text, at, end)):
        line: i64 = text.find(b"\n", at, end)
        return COMMENT, end if line < 0 else line
    if byte == 42 and mode & INSIDE and at + 1 < end and text[at + 1] == 47:
        return VERSION_END, at + 2
    return CONTROL if byte == 127 else MARK, at + 1


def is_letter(byte: i64) -> bool:
    """Return whether a name without quotes can begin with this byte."""
    return 97 <= (byte | 0x20) <= 122 or byte == 95 or byte >= 128 or byte == 36


def is_digit(byte: i64) -> bool:
    return 48 <= byte <= 57


def _word(text: bytes, at: i64, end: i64, mode: i64) -> tuple[i64, i64]:
    """Read a word, or a literal that begins with a letter (x'4d79') or with a dollar tag."""
    first: i64 = text[at]
    if first == 36 and mode & DOLLARS:
        tag = _behind_tag(text, at, end)
        if tag > 0:
            close: i64 = text.find(text[at:tag], tag, end)
            return (DOLLAR, close + tag - at) if close >= 0 else (TAG, tag)
    begin = at
    pairs = mode & PAIRS
    while at < end:
        byte: i64 = text[at]
        if 97 <= (byte | 0x20) <= 122 or byte == 95 or is_digit(byte) or byte == 36:
            at += 1
        elif byte < 128:
            break
        elif pairs and at + 1 < end and is_pair(byte, text[at + 1], pairs):
            at += 2
        else:
            at += 1
    if at - begin == 1 and at < end and text[at] == 39:
        letter = first | 0x20
        if letter == 120:
            return _quoted(text, at + 1, end, 39, mode, HEX)
        if letter == 98:
            return _quoted(text, at + 1, end, 39, mode, BITS)
        if letter == 110:
            return _quoted(text, at + 1, end, 39, mode, TEXT)
    return WORD, at


def _quoted(text: bytes, at: i64, end: i64, quote: i64, mode: i64, kind: i64) -> tuple[i64, i64]:
    """Read what stands behind an opening quote at `at - 1`, with its closing one; a doubled one is of the content."""
    escapes = quote != 96 and kind != NAME and mode & NO_BACKSLASH_ESCAPES == 0
    pairs = mode & PAIRS
    if not pairs:
        at = behind_plain(text, at, end if end - at < BY_BLOCKS else at + BY_BLOCKS, quote)
    by_hand = end if pairs or end - at < BY_HAND else at + BY_HAND
    close: i64 = -1
    while True:
        while at < by_hand:
            byte: i64 = text[at]
            if byte == quote:
                if at + 1 >= end or text[at + 1] != quote:
                    return kind, at + 1
                at += 2
            elif byte < 128 or not pairs:
                at += 2 if byte == 92 and escapes else 1
            else:
                at += 2 if at + 1 < end and is_pair(byte, text[at + 1], pairs) else 1
        if at >= end:
            return UNCLOSED, end
        # A long one: to its end, or to what is to be looked at by hand.
        if close < at:
            close = text.find(b"'" if quote == 39 else b'"' if quote == 34 else b"`", at, end)
            if close < 0:
                return UNCLOSED, end
        escape: i64 = text.find(b"\\", at, close) if escapes else -1
        at = escape if escape >= 0 else close
        by_hand = end if end - at < BY_HAND else at + BY_HAND


def is_pair(first: i64, second: i64, pairs: i64) -> bool:
    """Return whether two bytes are one character of the family `pairs`."""
    if pairs == GBK:
        return 0x81 <= first <= 0xFE and 0x40 <= second <= 0xFE and second != 0x7F
    if pairs == SJIS:
        return (0x81 <= first <= 0x9F or 0xE0 <= first <= 0xFC) and 0x40 <= second <= 0xFC and second != 0x7F
    return 0xA1 <= first <= 0xF9 and (0x40 <= second <= 0x7E or 0xA1 <= second <= 0xFE)


def _behind_tag(text: bytes, at: i64, end: i64) -> i64:
    """Return where `$tag$` ends that begins at `at`, 0 if none does."""
    at += 1
    while at < end:
        byte: i64 = text[at]
        if byte == 36:
            return at + 1
        if not (97 <= (byte | 0x20) <= 122 or byte == 95 or is_digit(byte)):
            return 0
        at += 1
    return 0


def _behind_number(text: bytes, at: i64, end: i64) -> i64:
    """Return where the number ends: letters, points and a signed exponent are of it."""
    plain = True  # digits and points so far
    while at < end:
        byte: i64 = text[at]
        if not (is_digit(byte) or byte == 46):
            if not (97 <= (byte | 0x20) <= 122 or byte == 95 or byte == 36):
                break
            if plain and byte | 0x20 == 101 and at + 2 < end and text[at + 1] in (43, 45) and is_digit(text[at + 2]):
                at += 2
                while at < end and is_digit(text[at]):
                    at += 1
                break
            plain = False
        at += 1
    return at


def _comment(text: bytes, at: i64, end: i64, mode: i64) -> tuple[i64, i64]:
    begin = at + 2
    if begin < end and text[begin] == 77 and begin + 1 < end and text[begin + 1] == 33:
        begin += 1  # MariaDB's own, /*M!
    if begin < end and text[begin] == 33:
        begin += 1
        if mode & SKIPS:
            return SKIPPED, _behind_skipped(text, begin, end, mode & NESTS != 0)
        while begin < end and is_digit(text[begin]):
            begin += 1
        return VERSION, begin
    close: i64 = text.find(b"*/", at + 2, end)
    return (COMMENT, close + 2) if close >= 0 else (UNCLOSED_COMMENT, end)


def _behind_skipped(text: bytes, at: i64, end: i64, nests: bool) -> i64:
    """Return the place behind the `*/` of a `/*! ... */` that the server skips; `nests`: comments inside it count."""
    while True:
        close: i64 = text.find(b"*/", at, end)
        if close < 0:
            return end
        inner: i64 = text.find(b"/*", at, close) if nests else -1
        if inner < 0:
            return close + 2
        close = text.find(b"*/", inner + 2, end)
        if close < 0:
            return end
        at = close + 2


def _begins_line_comment(text: bytes, at: i64, end: i64) -> bool:
    """Return whether two hyphens and white space are at `at`: `5--1` subtracts."""
    return at + 1 < end and text[at + 1] == 45 and (at + 2 >= end or text[at + 2] <= 32)


def content_bounds(text: bytes, start: i64, stop: i64) -> tuple[i64, i64]:
    """Return where the content of the quoted token text[start:stop] begins and ends, between its quotes.

    The token is a TEXT, HEX, BITS or NAME.
    """
    first: i64 = text[start]
    return start + (1 if first == 39 or first == 34 or first == 96 else 2), stop - 1


@mypyc_attr(acyclic=True)
class Lexer:
    """The tokens of text[:end] that are executed, one by one: `kind` and text[start:stop]; END behind the last.

    word: of a WORD of up to 24 bytes, in upper case, or the byte of a MARK; placeholders: how many were passed.
    """

    __slots__ = ("end", "kind", "mode", "placeholders", "start", "stop", "text", "word")

    def __init__(self, text: bytes, end: i64, mode: i64) -> None:
        self.text: Final = text
        self.end: Final[i64] = end
        self.mode: i64 = mode
        self.kind: i64 = END
        self.start: i64 = 0
        self.stop: i64 = 0
        self.word = b""
        self.placeholders: i64 = 0

    def next(self) -> i64:
        """Go on to the next token; returns its kind."""
        text = self.text
        end = self.end
        at = self.stop
        kind = END
        while at < end:
            kind, stop = read_token(text, at, end, self.mode)
            if kind >= WORD:
                break
            if kind == VERSION:
                self.mode |= INSIDE
            elif kind == VERSION_END:
                self.mode &= ~INSIDE
            kind = END
            at = stop
        self.start = at
        self.kind = kind
        if kind == END:
            self.stop = end
            self.word = b""
            return END
        self.stop = stop
        if kind == WORD and stop - at <= 24:
            self.word = text[at:stop].upper()
        elif kind == MARK:
            self.word = text[at:stop]
        else:
            self.word = b""
            if kind == PLACEHOLDER:
                self.placeholders += 1
        return kind


def is_utf8(text: bytes) -> bool:
    """Return whether a text is UTF-8, in which no byte of a character is taken for a quote or a backslash."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
