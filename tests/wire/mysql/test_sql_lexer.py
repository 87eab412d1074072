"""SQL in tokens: what each kind looks like, in each character set and sql_mode, and any bytes whatever."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import sql_lexer as lexer
from aurora_wire.wire.mysql.charsets import CHARACTER_SETS
from aurora_wire.wire.mysql.sql_lexer import Lexer, content_bounds, in_charset, read_token

NAMES = {getattr(lexer, name): name for name in (
    "SPACE", "CONTROL", "COMMENT", "UNCLOSED_COMMENT", "SKIPPED", "VERSION", "VERSION_END", "WORD", "NAME", "TEXT",
    "NUMBER", "HEX", "BITS", "PLACEHOLDER", "AT", "MARK", "DOLLAR", "TAG", "UNCLOSED",
)}  # fmt: skip
MODES = [
    charset | escapes | quotes | dollars | versions
    for charset, escapes, quotes, dollars, versions in product(
        (0, lexer.GBK, lexer.SJIS, lexer.BIG5), (0, lexer.NO_BACKSLASH_ESCAPES), (0, lexer.ANSI_QUOTES),
        (0, lexer.DOLLARS), (0, lexer.SKIPS, lexer.SKIPS | lexer.NESTS, lexer.INSIDE),
    )
]  # fmt: skip


def tokens(text: bytes, mode: int = 0) -> list[tuple[str, bytes]]:
    found, at = [], 0
    while at < len(text):
        kind, stop = read_token(text, at, len(text), mode)
        assert at < stop <= len(text)
        found.append((NAMES[kind], text[at:stop]))
        at = stop
    return found


def shown(text: bytes, mode: int = 0) -> str:
    """Kinds and tokens, without white space and the kinds of marks."""
    kept = [one for one in tokens(text, mode) if one[0] != "SPACE"]
    return " ".join(b.decode("latin-1") if k == "MARK" else f"{k}:{b.decode('latin-1')}" for k, b in kept)


CASES = [
    (b"SELECT a.b, `c d` FROM t1", 0, "WORD:SELECT WORD:a . WORD:b , NAME:`c d` WORD:FROM WORD:t1"),
    (b"'it''s' \"a\\\"b\" ''", 0, "TEXT:'it''s' TEXT:\"a\\\"b\" TEXT:''"),
    (b"x'4D' X'' b'01' N'y' n'z' _utf8mb4'q'", 0,
     "HEX:x'4D' HEX:X'' BITS:b'01' TEXT:N'y' TEXT:n'z' WORD:_utf8mb4 TEXT:'q'"),
    (b"0x1F 0b1 12 1.5e+10 .5 1e5-3 1e- 2nd", 0,
     "NUMBER:0x1F NUMBER:0b1 NUMBER:12 NUMBER:1.5e+10 NUMBER:.5 NUMBER:1e5 - NUMBER:3 NUMBER:1e - NUMBER:2nd"),
    (b"a--1 -- x\n--\n#y\n?", 0, "WORD:a - - NUMBER:1 COMMENT:-- x COMMENT:-- COMMENT:#y PLACEHOLDER:?"),
    (b"@a := @@x.y", 0, "AT:@ WORD:a : = AT:@ AT:@ WORD:x . WORD:y"),
    (b"/* a */b/*", 0, "COMMENT:/* a */ WORD:b UNCLOSED_COMMENT:/*"),
    (b"/*/ x */", 0, "COMMENT:/*/ x */"),
    (b"2*/* c */3", 0, "NUMBER:2 * COMMENT:/* c */ NUMBER:3"),
    (b"/*!50001 a /*M!100100 b", 0, "VERSION:/*!50001 WORD:a VERSION:/*M!100100 WORD:b"),
    (b"a*/", lexer.INSIDE, "WORD:a VERSION_END:*/"),
    (b"/*!99999 'x */ 'y'", lexer.SKIPS, "SKIPPED:/*!99999 'x */ TEXT:'y'"),
    (b"/*! /* x */ y */ z", lexer.SKIPS | lexer.NESTS, "SKIPPED:/*! /* x */ y */ WORD:z"),
    (b"'a\\' , 'b'", 0, "TEXT:'a\\' , ' UNCLOSED:b'"),
    (b"'a\\' , 'b'", lexer.NO_BACKSLASH_ESCAPES, "TEXT:'a\\' , TEXT:'b'"),
    (b'"a\\"', lexer.ANSI_QUOTES, 'NAME:"a\\"'),
    (b"`a\\`", 0, "NAME:`a\\`"),
    (b"'a\\", 0, "UNCLOSED:'a\\"),
    (b"$a$b$ $c$ ' $c$ $d$", 0, "WORD:$a$b$ WORD:$c$ UNCLOSED:' $c$ $d$"),
    (b"$c$ ' $c$ $d$ $1", lexer.DOLLARS, "DOLLAR:$c$ ' $c$ TAG:$d$ WORD:$1"),
    (b"a\x00b\x7f", 0, "WORD:a CONTROL:\x00 WORD:b CONTROL:\x7f"),
    # Second bytes that look like a backslash, a backtick and a letter's kin.
    (b"'\xbf\\' x", 0, "UNCLOSED:'\xbf\\' x"),
    (b"'\xbf\\' x", lexer.GBK, "TEXT:'\xbf\\' WORD:x"),
    (b"'\x95\\' x", lexer.SJIS, "TEXT:'\x95\\' WORD:x"),
    (b"'\xb1\\' x", lexer.SJIS, "UNCLOSED:'\xb1\\' x"),  # half-width katakana: one byte
    (b"'\xa5\\' x", lexer.BIG5, "TEXT:'\xa5\\' WORD:x"),
    (b"'\x81\\' x", lexer.BIG5, "UNCLOSED:'\x81\\' x"),  # begins no character of Big5
    (b"`\x83`` x", lexer.SJIS, "NAME:`\x83`` WORD:x"),
    (b"\x83`\x83\\ x", lexer.SJIS, "WORD:\x83`\x83\\ WORD:x"),
    (b"'\xbf' x", lexer.GBK, "TEXT:'\xbf' WORD:x"),  # 27 is the second byte of no character
]  # fmt: skip


@pytest.mark.parametrize(("text", "mode", "expected"), CASES)
def test_a_text_is_cut_as_the_server_cuts_it(text: bytes, mode: int, expected: str) -> None:
    assert shown(text, mode) == expected


PIECES = st.sampled_from([
    b"'", b'"', b"`", b"\\", b"/*", b"*/", b"/*!", b"/*M!5", b"-- ", b"#", b"\n", b"$$", b"$a$", b"1e", b"+5", b" ",
    b"x", b"\x00", b"\xe4\xbd", b"\xbf\\", b"\x83`", b"SELECT", b"?", b"@", b"N", b".", b"0x", b"a" * 40,
    b"'" + b"b" * 70,
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=4), max_size=30).map(b"".join))
@example(bytes(range(256)))
@example(b"'" * 71 + b"\\" * 70)
def test_tokens_of_any_bytes_in_every_mode_are_those_bytes(text: bytes) -> None:
    for mode in MODES:
        assert b"".join(token for _, token in tokens(text, mode)) == text
        walker, starts = Lexer(text, len(text), mode), []
        while walker.next() != lexer.END:
            starts.append((walker.start, walker.stop))
        assert starts == sorted(starts)
        assert all(start < stop for start, stop in starts)
        assert walker.next() == lexer.END


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CHARACTER_SETS), st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40), st.data())
def test_text_of_a_character_set_is_one_literal_in_its_mode(
    charset: tuple[str, str, tuple[int, ...]], content: str, data: st.DataObject
) -> None:
    name, codec, ids = charset
    if name in ("ucs2", "utf16", "utf16le", "utf32"):
        return  # no client may use these
    content = content.replace("\xa5", "")  # a yen sign, which Python's euc_jp writes as a backslash
    escaped = content.replace("\\", "\\\\").replace("'", "\\'").encode(codec, "ignore")
    literal = b"'" + escaped + b"'"
    mode = in_charset(data.draw(st.sampled_from(ids)))
    kinds = tokens(literal + b" x", mode)
    if codec == "euc_jp" or escaped.decode(codec, "replace").isprintable():
        assert kinds == [("TEXT", literal), ("SPACE", b" "), ("WORD", b"x")]
    start, stop = content_bounds(literal, 0, len(literal))
    assert literal[start:stop] == escaped


@pytest.mark.parametrize("mode", [0, lexer.GBK, lexer.NO_BACKSLASH_ESCAPES])
@pytest.mark.parametrize(
    "text",
    [b"'" + b"a" * (1 << 20), b"'" + b"a\\" + b"b" * (1 << 20) + b"'", b"/*" * (1 << 18), b"/*!" * (1 << 16),
     b"'" + (b"b" * 39 + b"\\'") * (1 << 14), b"'" * 100_001, b"'" + b"\0" * (1 << 20) + b"'",
     b"'" + (b"c" * 39 + b"''") * (1 << 14) + b"\\"],
    ids=["unclosed", "long", "comments", "versions", "escapes", "quotes", "NULs", "doubled"],
)  # fmt: skip
def test_long_texts_take_linear_work(text: bytes, mode: int) -> None:
    """A search that began again for each token would take minutes here, not a blink."""
    assert b"".join(token for _, token in tokens(text, mode)) == text


def test_the_walker_passes_what_is_not_executed_and_counts_placeholders() -> None:
    text = b"/* a */ select /*!50000 ? */ , '?' # ?\n, ? * */"
    walker = Lexer(text, len(text), 0)
    words = []
    while walker.next() != lexer.END:
        words.append((walker.word, walker.placeholders))
    assert words == [
        (b"SELECT", 0), (b"", 1), (b",", 1), (b"", 1), (b",", 1), (b"", 2), (b"*", 2), (b"*", 2), (b"/", 2),
    ]  # fmt: skip


def test_the_families_of_character_sets_follow_the_collation() -> None:
    named = {name: {in_charset(number) for number in ids} for name, _, ids in CHARACTER_SETS}
    assert named["gbk"] == named["gb18030"] == {lexer.GBK}
    assert named["cp932"] == named["sjis"] == {lexer.SJIS}
    assert named["big5"] == {lexer.BIG5}
    assert [name for name, modes in named.items() if modes != {0}] == ["big5", "sjis", "gbk", "cp932", "gb18030"]
    assert in_charset(28 + 1024) == lexer.GBK  # MariaDB: without padding
    assert in_charset(999) == 0
