"""Statements counted by their fingerprints: over connections, commands and processes, and within bounds."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from aurora_wire import scan
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.cli import main
from aurora_wire.verdict.groups import GroupedWhole
from aurora_wire.verdict.result import StatementGroup
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.mysql.commands import COM_INIT_DB, COM_QUERY
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.groups import MAX_EXAMPLE, MAX_GROUPS, Groups
from tests.conversations import mysql
from tests.conversations.tcp import Conversation, pcap

CARD = b"4111111111111111"


def talk(port: int, *texts: bytes, status: int = 2) -> list[tuple[int, bytes]]:
    made = Conversation(client=("10.0.0.5", port))
    made.syn()
    made.server(mysql.greeting())
    made.client(mysql.login())
    made.server(mysql.ok(2, status=status))
    for text in texts:
        made.client(mysql.query(text))
        made.server(mysql.ok(1, status=status))
    made.client(mysql.leave())
    return made.packets


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two connections with two kinds of statements, more of them than are kept."""
    path = tmp_path / "two.pcap"
    first = [b"INSERT INTO t (card) VALUES ('%b'), ('x%d')" % (CARD, number) for number in range(5)]
    path.write_bytes(pcap(talk(40_001, *first, b"select a from t where b = 'it\\'s'") + talk(40_002, first[0])))
    return path


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_statements_are_counted_by_fingerprint(capture: Path, jobs: int) -> None:
    result = scan([capture], ScanOptions(group=True, keep_statements=1), jobs=jobs)
    assert result.groups is not None
    insert, select = result.groups
    assert (insert.fingerprint, insert.count, insert.connections) == (b"INSERT INTO t(card) VALUES (...)", 6, 2)
    assert insert.leaked == {"card": 6}
    assert insert.first_time_ns is not None
    assert insert.last_time_ns is not None
    assert insert.first_time_ns < insert.last_time_ns
    assert insert.example == b"INSERT INTO t (card) VALUES ('%b'), ('x0')" % CARD
    assert (select.fingerprint, select.count, select.connections) == (b"SELECT a FROM t WHERE b = ?", 1, 1)
    assert insert.bytes == sum(len(b"INSERT INTO t (card) VALUES ('%b'), ('x0')" % CARD) for _ in range(6))
    assert result.not_grouped == 0
    assert all(one.groups == [] for one in result.connections)
    assert result.connections[0].statements[0].fingerprint == insert.fingerprint


def test_nobody_is_counted_who_was_not_asked_for(capture: Path) -> None:
    assert scan([capture]).groups is None


def test_the_server_says_whether_a_backslash_escapes(tmp_path: Path) -> None:
    path = tmp_path / "no-escapes.pcap"
    text = b"select a from t where b = '\\' and c = 'x' and d = '\\'"
    path.write_bytes(pcap(talk(40_001, text, status=0x0202)))
    groups = scan([path], ScanOptions(group=True)).groups
    assert groups is not None
    assert groups[0].fingerprint == b"SELECT a FROM t WHERE b = ? AND c = ? AND d = ?"


def test_the_command_line_shows_groups_and_no_literal_of_theirs(
    capture: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(capture.parent)
    main(["scan", "--group", "two.pcap", "--no-progress"])
    shown = capsys.readouterr().out
    assert "7 statements in the clear, of 2 kinds" in shown
    assert "6 x COM_QUERY, in 2 connections" in shown
    assert "INSERT INTO t(card) VALUES (...)" in shown
    assert "4111" not in shown
    main(["scan", "--format", "csv:groups", "two.pcap", "--no-progress"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [(row["count"], row["leaked"]) for row in rows] == [("6", "6 card numbers"), ("1", "")]
    main(["scan", "--group", "--format", "json", "--redact", "two.pcap", "--no-progress"])
    made = json.loads(capsys.readouterr().out)
    assert [one["count"] for one in made["statement_groups"]] == [6, 1]
    main(["report", "--group", "two.pcap", "-o", "out.html", "--no-progress"])
    page = Path("out.html").read_text(encoding="utf-8")
    assert "Kinds of statements" in page
    assert CARD.decode() not in page


def test_groups_of_a_connection_are_bounded_and_what_is_beyond_is_counted() -> None:
    found = Groups()
    for number in range(MAX_GROUPS + 10):
        text = b"select a from t%dx" % number
        found.add(COM_QUERY, text, True, 0, True, -1, 1, number, None, 1 << 30)
    assert len(found.found) == MAX_GROUPS
    assert found.beyond == 10
    assert found.add(COM_QUERY, b"select a from t1x", True, 0, True, -1, 1, 5, None, 0) == 0
    assert found.beyond == 10
    assert found.add(COM_QUERY, b"select b", True, 0, True, -1, 1, 5, None, 0) == 0
    assert found.beyond == 11


def test_an_example_is_the_first_bytes_and_a_name_has_no_fingerprint() -> None:
    found = Groups()
    found.add(COM_QUERY, b"select '" + b"x" * 5000 + b"'", True, 0, True, -1, 1, -1, None, 1 << 30)
    found.add(COM_INIT_DB, b"shop", True, 0, True, -1, 1, 7, None, 1 << 30)
    long, name = found.found.values()
    assert (len(long.example), long.whole, long.first_ns, long.last_ns) == (MAX_EXAMPLE, False, -1, -1)
    assert (name.fingerprint, name.example, name.first_ns) == (b"", b"shop", 7)


def test_groups_are_charged_and_given_back() -> None:
    budget = Budget()
    budget.groups = True
    facts = MySQLFacts(1, budget, None)
    before = budget.open
    facts.weigh(COM_QUERY, b"select 1", 0, 8, None, True, 1, 1)
    assert budget.open < before
    facts.discharge()
    assert budget.open == before
    budget.open = 0
    facts.weigh(COM_QUERY, b"select a", 0, 8, None, True, 1, 1)
    assert facts.groups is not None
    assert facts.groups.beyond == 1
    assert budget.refused


def test_the_whole_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_wire.verdict.groups.MAX_GROUPS", 2)
    whole = GroupedWhole()
    for number in range(4):
        whole.add([StatementGroup(b"%d" % number, "COM_QUERY", 3, 9, number + 1, None, None, b"")], 1)
    assert len(whole.result()) == 2
    assert whole.beyond == 2 * 3 + 4
