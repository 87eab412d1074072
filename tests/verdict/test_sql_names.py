"""Tables and columns that a fingerprint names, as sqlglot reads it; and what it must not do."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.verdict import sql_names
from aurora_wire.verdict.result import StatementGroup
from aurora_wire.verdict.sql_names import MAX_DEPTH, names_in, with_names
from aurora_wire.wire.mysql.fingerprint import fingerprint

pytest.importorskip("sqlglot")


@pytest.mark.parametrize(
    ("sql", "tables", "columns"),
    [
        ("select u.email, count(*) from shop.users u join t on t.id = u.id where u.x in (1, 2) and y = 'x' limit 5, 10",
         ["shop.users", "t"], ["users.email", "t.id", "users.id", "users.x", "y"]),
        ("insert into t (a, b) values (1, 'x'), (2, 'y') on duplicate key update a = values(a)", ["t"], ["t.a", "t.b"]),
        ("replace into t (a) values (1)", ["t"], ["t.a"]), ("insert into Users values (1, 2)", ["Users"], []),
        ("update t set a = 1 where b >= 2", ["t"], ["t.a", "t.b"]), ("delete from t where c like 'x'", ["t"], ["t.c"]),
        ("select a from `weird name`", ["weird name"], ["weird name.a"]),
        ("with x as (select a from t) select a from x", ["t"], ["a"]),
        ("select a from t union select b from u", ["t", "u"], ["a", "b"]),
        ("select 1", [], []),
    ],
)  # fmt: skip
def test_names_are_those_of_the_statement(sql: str, tables: list[str], columns: list[str]) -> None:
    found = names_in(fingerprint(sql.encode()).decode())
    assert found is not None
    assert (sorted(found[0]), sorted(found[1])) == (sorted(tables), sorted(columns))


@pytest.mark.parametrize(
    "text",
    ["SET NAMES utf8mb4", "SHOW TABLES", "GRANT ALL ON *.* TO ?@?", "", "SELECT (", "SELECT ? ? ? FROM", "BEGIN",
     "SELECT " + "(" * (MAX_DEPTH + 1), "SELECT a FROM t; DROP TABLE t", "SELECT a FROM t WHERE ...",
     "SELECT " + "a, " * 2000],
)  # fmt: skip
def test_what_cannot_be_said_has_no_names(text: str) -> None:
    assert names_in(text) is None


@given(st.text(max_size=200) | st.lists(st.sampled_from(
    ["SELECT", "FROM", "(", ")", "?", ",", "a", "CASE WHEN", "t.", "IN", "(...)", "JOIN", "=", "*", "WITH x AS", "`"]
), max_size=60).map(" ".join))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_text_raises_nothing(text: str) -> None:
    names_in("SELECT " + text)


def group(made: bytes) -> StatementGroup:
    return StatementGroup(made, "COM_QUERY", 1, 1, 1, None, None, b"")


def test_each_fingerprint_is_read_once_in_a_bound_and_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read: list[str] = []

    def count(text: str) -> tuple[list[str], list[str]] | None:
        read.append(text)
        return names_in(text)

    monkeypatch.setattr(sql_names, "names_in", count)
    monkeypatch.setattr(sql_names, "MAX_PARSED", 3)
    same = [group(b"SELECT a FROM t"), group(b"SELECT a FROM t"), group(b"REPLACE DELAYED INTO t SET a = ?")]
    with caplog.at_level(logging.DEBUG):
        made = with_names([*same, group(b"SELECT b FROM t"), group(b"SELECT c FROM t")])
    assert read == ["SELECT a FROM t", "REPLACE DELAYED INTO t SET a = ?", "SELECT b FROM t"]
    assert [one.tables for one in made[:2]] == [["t"], ["t"]]
    assert made[-1].tables is None
    assert caplog.records == []
    assert not logging.getLogger("sqlglot").disabled


def test_without_sqlglot_groups_have_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_names, "is_available", lambda: False)
    assert with_names([group(b"SELECT a FROM t")]) == [group(b"SELECT a FROM t")]


def test_it_is_loaded_only_where_there_is_something_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sqlglot"]:
        monkeypatch.delitem(sys.modules, name)
    with_names([group(b""), group(b"SET NAMES utf8mb4")])
    assert "sqlglot" not in sys.modules
