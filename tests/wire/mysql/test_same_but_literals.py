"""Statements that differ in their literals alone have one fingerprint, whether it is made or remembered."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aurora_wire.wire.mysql import fingerprint
from aurora_wire.wire.mysql.same_but_literals import NOT_PLAIN, hash_but_literals, is_same_but_literals

LITERALS = st.sampled_from([
    b"7", b"42", b"1.50", b".5", b"12.", b"1..2", b"'ada'", b"''", b"'it''s'", b"'a /b'", b"'x -- y # z'", b"'\"'",
    b"'str\xc3\xa4\xc3\x9fe'", b"'\xbf'", b"'\n'", b"''''",
])  # fmt: skip
OTHERS = st.sampled_from([
    b" ", b"  ", b"\t", b"SELECT ", b"a", b"t1", b"t1.id", b"t.", b"_x", b"x", b"n", b"b", b"N", b"=", b" = ", b"<=",
    b"-", b" - ", b"+", b"(", b")", b",", b", ", b";", b"?", b"@", b"@a", b"!", b"*", b"/", b"%", b" IN (",
    b" VALUES (", b"), (", b" NULL", b" IS NULL", b"str\xc3\xa4", b"\xe9", b"ROW", b" FROM t WHERE id = ", b" LIMIT ",
])  # fmt: skip
SPECIAL = st.sampled_from([
    b"\\", b"\"a\"", b"`a`", b"$", b"$$", b"$1$", b"/*", b"*/", b"/*!50000 ", b"--", b"-- ", b"#", b"0x1F", b"1e5",
    b"2nd", b"1e+5", b"'", b"\0", b"\x7f", b"'\\'", b"'$'", b"'/*'", b"'`'",
])  # fmt: skip


@st.composite
def pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Return two texts, most of which differ in their literals alone."""
    one, other = b"", b""
    for kind in draw(st.lists(st.sampled_from("lllooooooos"), max_size=16)):
        if kind == "l":
            one, other = one + draw(LITERALS), other + draw(LITERALS)
        else:
            same = draw(OTHERS if kind == "o" else SPECIAL)
            one, other = one + same, other + same
    return one, other


def made(text: bytes) -> bytes:
    """Return a fingerprint of which nothing is remembered."""
    for kept in (fingerprint._known, fingerprint._guessed):
        kept.clear()
    return fingerprint.fingerprint(text)


@settings(max_examples=1500)
@given(pairs())
@example((b"SELECT 1", b"SELECT 1a"))
@example((b"a1", b"a2"))
@example((b"SELECT '1'", b"SELECT 1"))
@example((b"SELECT 1.2", b"SELECT 1 .2"))
@example((b"x'41'", b"x'42'"))
def test_texts_that_differ_in_literals_alone_have_one_fingerprint(texts: tuple[bytes, bytes]) -> None:
    one, other = texts
    if NOT_PLAIN in (hash_but_literals(one), hash_but_literals(other)):
        return
    if is_same_but_literals(one, other):
        assert hash_but_literals(one) == hash_but_literals(other)
        assert made(one) == made(other)
    assert is_same_but_literals(one, other) == is_same_but_literals(other, one)
    assert is_same_but_literals(one, one)


@settings(max_examples=1500)
@given(pairs())
def test_a_fingerprint_is_the_same_whatever_came_before(texts: tuple[bytes, bytes]) -> None:
    one, other = texts
    alone = made(other)
    made(one)
    assert fingerprint.fingerprint(other) == alone
    assert fingerprint.fingerprint(other, escapes_known=True) == made_as_known(other)


def made_as_known(text: bytes) -> bytes:
    made(b"")
    return fingerprint.fingerprint(text, escapes_known=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"SELECT a FROM t WHERE id = 7", b"SELECT a FROM t WHERE id = 1234", True),
        (b"INSERT INTO t VALUES (1, 'ada')", b"INSERT INTO t VALUES (20, 'it''s')", True),
        (b"SELECT a1 FROM t", b"SELECT a2 FROM t", False),
        (b"SELECT 1 FROM t", b"SELECT '1' FROM t", False),
        (b"SELECT a", b"SELECT A", False),
        (b"SELECT 1", b"SELECT 1 ", False),
    ],
)
def test_what_is_between_literals_counts(one: bytes, other: bytes, same: bool) -> None:
    assert is_same_but_literals(one, other) is same


@pytest.mark.parametrize(
    "text",
    [b"SELECT '", b"a \\", b"'\\''", b"`a`", b'"a"', b"# a", b"a -- b", b"a--", b"/* a */", b"'/*!'", b"$$", b"'$'",
     b"0x1", b"1e5", b"2nd", b"a\0", b"\x7f"],
)  # fmt: skip
def test_what_may_be_read_in_several_ways_is_not_plain(text: bytes) -> None:
    assert hash_but_literals(text) == NOT_PLAIN
