"""What single segments tell: no bytes raise, nothing is read outside, and random bytes tell nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.wire.identify import signatures
from aurora_wire.wire.identify.midstream import UNDECIDED, MidStream
from aurora_wire.wire.mysql.login import opens_login
from aurora_wire.wire.mysql.plausibility import is_event
from aurora_wire.wire.mysql.reply_chain import chain_tells, find_chain
from aurora_wire.wire.mysql.sql_text import reads_like_sql
from tests.conversations import mysql

REAL = [
    mysql.login(), mysql.login_320(), mysql.query(b"SELECT 1"), mysql.execute(1, [1, b"x", None]), mysql.ok(1),
    mysql.prepare_ok(1, 2), mysql.result_set([b"a", b"b"], [[b"1", b"2"]] * 5), mysql.eof(7),
    mysql.command(17, b"app\0"), mysql.err(1045, b"Access denied", seq=2), mysql.greeting(),
]
SEGMENTS = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(REAL), min_size=1, max_size=4).map(b"".join),
)


@settings(max_examples=600, deadline=None)
@given(SEGMENTS, st.integers(0, 400), st.integers(0, 400), st.integers(0, 255), st.booleans())
def test_no_segment_raises_and_nothing_is_read_outside(
    data: bytes, start: int, where: int, value: int, from_client: bool
) -> None:
    changed = bytearray(data[start % (len(data) + 1) :])
    if where < len(changed):
        changed[where] = value
    for size in {len(changed), where % (len(changed) + 1)}:
        part = bytes(changed[:size])
        around = b"\xff\xff" + part + b"\x00\x03def\xfe"
        for cut in (0, 3):
            assert MidStream().take(part, 0, size, cut, from_client) == MidStream().take(
                around, 2, 2 + size, cut, from_client
            )
            found = find_chain(part, 0, size, cut)
            assert (find_chain(around, 2, 2 + size, cut) - 2 if found >= 0 else found) == found
            if found >= 0:
                chain_tells(part, found, size)
            for tells in (signatures.mysql_commands, signatures.mysql_replies):
                assert tells(part, 0, size, cut) == tells(around, 2, 2 + size, cut)
        assert opens_login(part, 0, size) == opens_login(around, 2, 2 + size)
        assert reads_like_sql(part, 0, size) == reads_like_sql(around, 2, 2 + size)
        assert is_event(part, 0, size) == is_event(around, 2, 2 + size)
        signatures.is_refusal(part, 0, size)


def test_random_segments_tell_nothing() -> None:
    r = random.Random(9)
    for _ in range(300):
        judge = MidStream()
        for number in range(8):
            data = r.randbytes(r.randrange(5, 1460))
            assert judge.take(data, 0, len(data), 0, number % 2 == 0) == UNDECIDED
            assert find_chain(data, 0, len(data), 0) == -1
            assert not reads_like_sql(data, 0, len(data))


@pytest.mark.parametrize("text", [
    b"SELECT 1", b"  select\n1", b"/* hint */ UPDATE t SET a = 1", b"-- note\nINSERT INTO t VALUES (1)",
    b"(SELECT 1) UNION (SELECT 2)", b"/*!40101 SET NAMES utf8 */", b"# c\nshow tables", b"\x00\x01SELECT ?",
    b"insert into t values ('\xc3\xa9')", b"START TRANSACTION", b"commit", b"CALL p()", b"xa start 'x'",
])
def test_statements_read_like_sql(text: bytes) -> None:
    assert reads_like_sql(text, 0, len(text))


@pytest.mark.parametrize("text", [
    b"", b"hello world", b"selection of fruit", b"select_1", b"GET / HTTP/1.1", b"SELECT\x00\x01\x02", b"#", b"--",
    b"\x00\x01", b"sel", b"1 select", b"settle down",
])
def test_other_text_does_not_read_like_sql(text: bytes) -> None:
    assert not reads_like_sql(text, 0, len(text))
