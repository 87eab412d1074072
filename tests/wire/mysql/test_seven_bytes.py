"""What is passed by blocks makes no difference: each caller says what it says where every byte is looked at."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.wire.mysql import seven_bytes, sql_lexer
from aurora_wire.wire.mysql.leaked import statements, values
from aurora_wire.wire.mysql.leaked.classes import KEY
from aurora_wire.wire.mysql.sql_lexer import ANSI_QUOTES, BIG5, GBK, NO_BACKSLASH_ESCAPES, SJIS


def stay(text: bytes, at: int, *_: int) -> int:
    return at


def byte_by_byte(path: str, **instead: Callable[..., Any]) -> ModuleType:
    """Return the module as plain Python, with other functions in place of those that pass blocks."""
    file = Path(aurora_wire.__file__).parent / path
    spec = importlib.util.spec_from_file_location(f"byte_by_byte_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, function in instead.items():
        assert hasattr(module, name)
        setattr(module, name, function)
    return module


plain_lexer = byte_by_byte("wire/mysql/sql_lexer.py", behind_plain=stay)
plain_values = byte_by_byte("wire/mysql/leaked/values.py", behind_quiet=stay, is_time=lambda text, at: False)
plain_statements = byte_by_byte(
    "wire/mysql/leaked/statements.py", behind_words=stay, next_value=plain_values.next_value,
    read_token=plain_lexer.read_token, has_either=lambda text, at, end, one, two: True,
    may_tell=lambda text, at, end: re.search(rb"['\"]|[0-9]{9}", text[at:end]) is not None,
)  # fmt: skip

# Words short and long, what values begin with and go on with, and what ends or hides a literal.
WORDS = st.sampled_from([
    b"amber ", b"basket ", b"umbrella", b"cancelled ", b"Donaudampfschifffahrt", b"a", b" ", b"  ", b"\n", b"_",
    b"x_y ", b"str\xc3\xa4\xc3\x9fe ", b"\xbf\\", b"\xe9", b"t1.id", b"7", b"42 ", b"1477163", b"12345678",
    b"123456789", b"2024-02-21 07:45:07", b"2024-02-21", b"2024-02-21 07:45:07.123456", b"2024-02-21T07:45:07",
    b"07:45", b"12.50", b"4111111111111111", b"4111 1111 1111 1111", b"123-45-6789", b"123-45-678",
    b"(202) 555-0123", b"+4930 1234567", b"ada@example.com", b"@", b".", b"/", b",", b"-", b";", b"=", b"(", b")",
    b"AKIA", b"AKIAIOSFODNNEXAMPLEX", b"ghp_", b"abcdefghij", b"sk_live_", b"eyJ", b".", b"github_pat_",
    b"pbkdf2_sha", b"$2y$10$", b"{SSHA}", b"*", b"DE89370400440532013000", b"12345678Z", b"X1234567L", b"AB123456C",
    b"RSSMRA85T10A562S", b"-----BEGIN PRIVATE KEY-----", b"-----END ", b"{", b"~", b"!", b"$", b"$$", b"#", b"%",
    b"\x7f", b"\0",
])  # fmt: skip
QUOTING = st.sampled_from([
    b"'", b"'", b"''", b'"', b"`", b"\\", b"\\'", b"/*", b"/*!50000 ", b"*/", b"-- ", b"--", b"# ", b"\n", b"$tag$",
    b"'; ", b"INSERT INTO t (id, full_name, email) VALUES (", b"), (", b"', '",
    b" ON DUPLICATE KEY UPDATE email = ", b"SELECT a FROM t WHERE ", b"email = '", b"ssn IN ('",
    b"UPDATE users SET full_name = '", b"ROW(", b"values(", b" AND ", b"ALTER USER ", b"b",
])  # fmt: skip
MODES = st.sampled_from([0, 0, int(GBK), int(SJIS), int(BIG5), int(NO_BACKSLASH_ESCAPES), int(ANSI_QUOTES)])

contents = st.lists(WORDS, max_size=12).map(b"".join)
texts = st.lists(QUOTING | WORDS, max_size=30).map(b"".join)
frames = st.tuples(st.binary(max_size=9), st.sampled_from([b"", b"'", b"9", b"' 999999999", b"\xff" * 9]))


def found_in(module: Any, text: bytes, at: int, end: int) -> list[tuple[int, int, int]]:
    made: list[tuple[int, int, int]] = []
    begin = at
    while True:
        one = module.next_value(text, at, end, begin)
        if one is None:
            return made
        made.append((one.kind, one.start, one.stop))
        at = one.stop


@given(contents, frames)
@settings(max_examples=1500, deadline=None)
@example(b"amber basket sk_live_abc1234567890123", (b"", b""))
@example(b"xx DE89 3704 0044 0532 0130 00", (b"", b""))
@example(b"the key is ghpxghp_abcdefghijklmnopqrst ", (b"", b""))
@example(b"amberbasketumbrellax ghp_ABCDEFGHIJKLMNOPQRSTUV", (b"", b""))
@example(b"abc def ghi jkl mno +493012345678", (b"", b""))
def test_values_are_those_of_a_look_at_each_byte(content: bytes, around: tuple[bytes, bytes]) -> None:
    before, behind = around
    text = before + content + behind
    at, end = len(before), len(before) + len(content)
    assert found_in(values, text, at, end) == found_in(plain_values, text, at, end)


def leaks(module: Any, text: bytes, at: int, end: int, mode: int) -> list[tuple[int, bytes, bytes, bytes]] | None:
    found = module.leaks_in_text(text, at, end, mode)
    return None if found is None else [(one.kind, one.table, one.column, one.value) for one in found]


@given(texts, frames, MODES)
@settings(max_examples=1500, deadline=None)
@example(b"SELECT a.id FROM s AS a JOIN c WHERE c.full_name = 'Ada' AND a.b <> 'amber basket cable'", (b"", b""), 0)
@example(b"SELECT id FROM t WHERE x = 1 AND y IN (12345678, 1234567890)", (b"", b""), 0)
def test_statements_tell_what_a_look_at_each_byte_tells(text: bytes, around: tuple[bytes, bytes], mode: int) -> None:
    before, behind = around
    whole = before + text + behind
    at, end = len(before), len(before) + len(text)
    expected = leaks(plain_statements, whole, at, end, mode)
    assert leaks(statements, whole, at, end, mode) == expected
    assert leaks(statements, text, 0, len(text), mode) == expected


@given(texts, MODES)
@settings(max_examples=800, deadline=None)
def test_tokens_are_those_of_a_look_at_each_byte(text: bytes, mode: int) -> None:
    at = 0
    while at < len(text):
        token = sql_lexer.read_token(text, at, len(text), mode)
        assert token == plain_lexer.read_token(text, at, len(text), mode)
        at = token[1]


@pytest.mark.parametrize("filler", [b"x", b" ", b"\xb2", b"\xa7"])
@pytest.mark.parametrize("size", range(18))
def test_each_byte_that_may_matter_stops_each_function_wherever_it_stands(size: int, filler: bytes) -> None:
    quiet = filler * size
    assert not seven_bytes.has_either(b"'" + quiet + b"'", 1, 1 + size, 39, 34)
    assert not seven_bytes.may_tell(quiet, 0, size)
    for place in range(size):
        for byte in range(256):
            text = quiet[:place] + bytes([byte]) + quiet[place + 1 :]
            quoted = byte in b"'\""
            assert seven_bytes.may_tell(text, 0, size) == quoted
            assert seven_bytes.has_either(b"'" + text + b"'", 1, 1 + size, 39, 34) == quoted
            if byte in b"'\\":
                assert seven_bytes.behind_plain(text, 0, size, 39) <= place
            if byte in b"'\"0123456789;#-/`":
                assert seven_bytes.behind_words(text, 0, size) <= place
            if byte in b"0123456789@$(*+-{":
                assert seven_bytes.behind_quiet(text, 0, size) <= place


@pytest.mark.parametrize("size", range(30))
def test_nine_digits_in_a_row_are_seen_wherever_they_stand(size: int) -> None:
    for count in range(size + 1):
        for place in range(size - count + 1):
            text = b"x" * place + b"7" * count + b" " * (size - count - place)
            assert seven_bytes.may_tell(b"99" + text + b"999999999", 2, 2 + size) == (count >= 9)


def test_a_time_is_told_from_all_that_differs_in_a_byte() -> None:
    time = b"2024-02-21 07:45:07"
    for text in (time, b"0000-00-00 00:00:00", b"9999-99-99 99:99:99"):
        assert seven_bytes.is_time(b"'" + text + b"'", 1)
    for place in range(len(time)):
        for byte in range(256):
            text = time[:place] + bytes([byte]) + time[place + 1 :]
            expected = re.fullmatch(rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", text) is not None
            assert seven_bytes.is_time(text, 0) == expected


@pytest.mark.parametrize("run", [b"amberbasketumbrella", b"ghpabcdefghijklmnopqrstuvwxyz", b"a.b_c/d,e" * 3])
@pytest.mark.parametrize("before", range(15))
def test_a_run_as_long_as_an_id_or_a_key_is_not_passed(run: bytes, before: int) -> None:
    text = b"ab " * 5
    text = text[:before] + b" " + run + b" and more words"
    assert seven_bytes.behind_quiet(text, 0, len(text)) <= before + 1


@pytest.mark.parametrize("mark", [b",", b".", b"/", b"_", b"x"])
def test_a_key_that_begins_in_a_block_that_may_be_passed_is_found(mark: bytes) -> None:
    text = b"x ghp_" + mark + b"abcdefghijklmnopqrst"
    assert found_in(values, text, 0, len(text)) == [(KEY, 2, len(text))]


@settings(max_examples=500)
@given(
    st.lists(st.sampled_from([b"SELECT a ", b"amber", b"7", b"~", b" ", b"!"]), max_size=6).map(b"".join),
    st.binary(max_size=1), st.integers(0, 40),
)  # fmt: skip
def test_a_text_is_plain_if_json_has_it_as_it_is(text: bytes, other: bytes, at: int) -> None:
    mixed = text[:at] + other + text[at:]
    assert seven_bytes.is_plain(mixed) == (re.fullmatch(rb"[ !#-\[\]-~]*", mixed) is not None)
