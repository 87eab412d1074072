"""The quick way through a statement and the long one mask the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aurora_wire.redact.masker import Masker
from aurora_wire.redact.quick_sql import hidden
from aurora_wire.redact.replacements import Words
from tests.lab.truth import TRUTH

MASKER = Masker(b"k" * 32)
WORDS = Words(MASKER.value, MASKER.sql, lambda _body, _content: b"")
PIECES = st.sampled_from(
    ["SELECT ", "a", "b.c", "'", '"', "`", "''", "1", "2.5", ".5", "1e5", "1e", "+", "-", "--", "-- x", "#", "*", "/*",
     "*/", "/*!", "\\", "$", "$a$", "@", "@@x", "user", " ", "\n", ",", "(", ")", "=", ";", "é", "\0", "0x1F", "x'ab'",
     "_utf8'a'", "'it''s'", "**", "'a'*2", "definer=a", "1.2.3",
     "users", "user_id", "ROLE ", "create ", "alter ", "set ", "show ", "grants", "grant ", "revoke ", " to ", " from ",
     "password ", "Definer =", ";", "`a@b`", "`user`", "`order`"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
@example("SELECT 1*2, **3, '*'*4")
@example("1'a'2")
@example("a1.5e+3")
@example("select `app@host` from t")
@example("`;set role anna`")
@example("1/set role anna")
@example("select password, users.user_id from `users`")
def test_both_ways_come_to_the_same(text: str) -> None:
    sql = text.encode()
    assert WORDS.sql(sql) == MASKER.sql(sql)


def test_most_statements_of_real_clients_go_the_quick_way() -> None:
    if not TRUTH:
        pytest.skip("no ../shared")
    texts = [str(text).encode() for one in TRUTH for text in one.line["statements"]]
    for text in texts:
        assert WORDS.sql(text) == MASKER.sql(text)
    quick = [text for text in texts if hidden(text) is not None]
    assert len(quick) > len(texts) // 3
