"""What others wrote cannot act on a terminal, and can be turned back."""

from __future__ import annotations

import codecs
import doctest
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_wire.report import escape
from aurora_wire.report.escape import show_bytes, show_text


@pytest.mark.parametrize(("text", "shown"), [
    ("SELECT 'Grüße 東京 🙂'", "SELECT 'Grüße 東京 🙂'"),
    ("one\ntwo\tthree\r\n", "one\\ntwo\\tthree\\r\\n"),
    ("\x1b]0;title\x07\x1b[31mred", "\\x1b]0;title\\x07\\x1b[31mred"),
    ("\0\x7f", "\\x00\\x7f"),
    ("\u009b31m\u0085", "\\u009b31m\\u0085"),
    ("user\u202egnp.exe\u2066\u200f", "user\\u202egnp.exe\\u2066\\u200f"),
    ("a\u200bb\ufeffc\u2060\u00ad", "a\\u200bb\\ufeffc\\u2060\\u00ad"),
    ("\u2028\u2029", "\\u2028\\u2029"),
    ("\U000e0041\U000e0100\ue000", "\\U000e0041\\U000e0100\\ue000"),
    ("\u3164\u2800", "\\u3164\\u2800"),
    ("C:\\new", "C:\\\\new"),
    ("\ud800", "\\ud800"),
    ("", ""),
])
def test_text(text: str, shown: str) -> None:
    assert show_text(text) == shown


def test_invalid_bytes_show_as_bytes_and_other_character_sets_are_read() -> None:
    assert show_bytes(b"caf\xe9 \xc3\xa9 \xed\xa0\x80") == "caf\\xe9 é \\xed\\xa0\\x80"
    assert show_bytes(b"caf\xe9", "latin-1") == "café"
    assert show_bytes("東".encode("sjis"), "sjis") == "東"


@pytest.mark.parametrize("codec", ["no-such-codec", "hex", "a\0b", "utf-16", "undefined", ""])
def test_a_codec_that_cannot_be_used_counts_as_utf8(codec: str) -> None:
    assert show_bytes(b"abc", codec) == "abc"


def test_a_limit_counts_characters_before_escaping() -> None:
    assert show_bytes("é\n12345".encode(), limit=2) == "é\\n... (5 more characters)"
    assert show_bytes(b"12", limit=2) == "12"


@given(st.binary(max_size=60))
def test_no_bytes_leave_anything_that_a_terminal_obeys(data: bytes) -> None:
    shown = show_bytes(data)
    assert all(unicodedata.category(character) not in escape.HIDDEN_CATEGORIES for character in shown)
    shown.encode("utf-8")


@given(st.binary(max_size=60))
def test_what_was_shown_can_be_turned_back(data: bytes) -> None:
    def back(match: re.Match[str]) -> str:
        found = match[0]
        if found.startswith("\\x") and int(found[2:], 16) >= 0x80:
            return chr(0xDC00 + int(found[2:], 16))
        return codecs.decode(found, "unicode_escape")

    text = re.sub(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", back, show_bytes(data))
    assert text.encode("utf-8", "surrogateescape") == data


def test_the_examples_of_the_docstring_hold() -> None:
    assert doctest.testmod(escape) == (0, 1)
