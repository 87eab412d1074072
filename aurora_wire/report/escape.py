"""Bytes and text of others, shown so that they cannot act on a terminal or pass for something they aren't.

What is printable stays as it is. Escaped are control characters (C0, DEL, C1), what is not valid in the
character set, line and paragraph separators, and characters that are invisible or reorder what follows
(bidirectional controls, zero-width characters, tags). A backslash is doubled: what was escaped can be told
from what was there, and turned back. The result is one line.

>>> print(show_bytes(b"a\\tb\\nc \\\\ \\x1b[2J \\xff \\xc2\\x9b \\xe2\\x80\\xae"))
a\\tb\\nc \\\\ \\x1b[2J \\xff \\u009b \\u202e
"""

from __future__ import annotations

import unicodedata
from typing import Final

SHORT: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}
# Control, format (bidi, zero width, tags), surrogate, private use, unassigned, line and paragraph separator.
HIDDEN_CATEGORIES: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Blank, though letters, marks or symbols by category: grapheme joiner, Hangul fillers, Mongolian selectors,
# Khmer inherent vowels, the Braille blank.
HIDDEN_CHARACTERS: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
)
HIDDEN_SELECTORS: Final = range(0xE0100, 0xE01F0)   # variation selectors beyond those that emoji use
INVALID_BYTES: Final = range(0xDC80, 0xDD00)        # what surrogateescape makes of a byte that is not valid


def show_bytes(data: bytes, codec: str = "utf-8", limit: int = 0) -> str:
    """Return bytes as text of a character set, on one line; bytes not valid in it as `\\x..`.

    An unknown codec counts as UTF-8. limit: show that many characters and say how many more follow; 0: all.
    """
    try:
        text = data.decode(codec, "surrogateescape")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "surrogateescape")
    return show_text(text, limit)


def show_text(text: str, limit: int = 0) -> str:
    """Return text on one line without anything that a terminal would obey. limit: as for bytes."""
    if 0 < limit < len(text):
        return f"{show_text(text[:limit])}... ({len(text) - limit:,} more characters)"
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_show, text))


def _show(character: str) -> str:
    if character in SHORT:
        return SHORT[character]
    code = ord(character)
    if code in INVALID_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    hidden = unicodedata.category(character) in HIDDEN_CATEGORIES
    if not hidden and character not in HIDDEN_CHARACTERS and code not in HIDDEN_SELECTORS:
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
