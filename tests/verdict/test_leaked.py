"""Classes of data in a scan: findings, tables at the top of every report, and nothing of the values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.report.formats import ReportOptions, render
from aurora_wire.verdict.leaked import LeakedWhole
from aurora_wire.verdict.result import LeakedData, Scan
from aurora_wire.verdict.rules.data import RULE_OF
from aurora_wire.wire.mysql.leaked.classes import ORDER
from tests.conversations import play
from tests.conversations.judge import scan_of, write
from tests.conversations.sessions import plaintext

SQL = (
    b"INSERT INTO users (id, full_name, email, card, api_key) VALUES "
    b"(1, 'Ada Quill', 'ada@example.com', '4111 1111 1111 1111', 'k3y-0123456789')"
)
VALUES = ("Ada Quill", "ada@example.com", "4111 1111", "k3y-")


def found_in(tmp_path: Path) -> Scan:
    return scan_of(tmp_path, play(plaintext(sql=SQL)))


def test_a_scan_names_the_classes_the_worst_first_and_finds_what_they_break(tmp_path: Path) -> None:
    scan = found_in(tmp_path)
    rows = [(one.data, one.count, one.connections, one.columns, one.last) for one in scan.leaked]
    assert rows == [
        ("card", 1, 1, ["users.card"], ["1111"]), ("key", 1, 1, ["users.api_key"], []),
        ("identity", 1, 1, ["users.full_name"], []), ("email", 1, 1, ["users.email"], []),
    ]  # fmt: skip
    found = {one.rule: (one.severity, one.detail) for one in scan.findings}
    assert found["AW130"] == ("critical", "1 card number (users.card)")
    assert found["AW131"] == ("critical", "1 key or token (users.api_key)")
    assert found["AW135"][0] == "medium"
    assert scan.not_classified == 0


@pytest.mark.parametrize("kept", [0, 1, 10_000])
def test_statements_that_are_not_kept_are_classified_too(tmp_path: Path, kept: int) -> None:
    scan = aurora_wire.scan([write(tmp_path / "1.pcap", play(plaintext(sql=SQL)))], keep_statements=kept)
    assert [one.data for one in scan.leaked] == ["card", "key", "identity", "email"]


def test_json_has_them_by_statement_and_in_all(tmp_path: Path) -> None:
    said = json.loads("".join(render(found_in(tmp_path), "json", ReportOptions(redact=True))))
    assert [one["class"] for one in said["leaked"]] == ["card", "key", "identity", "email"]
    assert said["leaked"][0]["severity"] == "critical"
    statements = [one for c in said["connections"] for one in c["statements"] if "leaked" in one]
    frame = statements[0]["frame"]
    assert statements[0]["leaked"][0] == {
        "class": "card", "table": "users", "column": "card", "count": 1, "frame": frame, "last": ["1111"],
    }  # fmt: skip


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_the_table_is_at_the_top_and_no_value_is_in_a_masked_report(tmp_path: Path, form: str) -> None:
    shown = "".join(render(found_in(tmp_path), form, ReportOptions(redact=True, width=200)))
    assert "1 card number" in shown
    assert "1111" in shown
    assert shown.index("card number") < shown.index("10.0.0.")
    for value in VALUES:
        assert value not in shown
    if form == "html":
        assert "<h2 id=\"data\">" in shown


def test_every_class_has_a_rule_and_the_whole_is_in_their_order() -> None:
    assert set(RULE_OF) == set(ORDER)
    whole = LeakedWhole()
    whole.add([LeakedData("email", None, None, 2, 1, 9), LeakedData("card", "t", "c", 1, 1, 7, ["4242"])])
    whole.add([LeakedData("email", "t", "e", 1, 1, 4)])
    assert [(one.data, one.count, one.connections, one.frame) for one in whole.result()] == [
        ("card", 1, 1, 7), ("email", 3, 2, 4),
    ]  # fmt: skip
