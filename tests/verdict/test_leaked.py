"""Classes of data in a scan: findings, tables at the top of every report, and nothing of the values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.analysis.analysis import make_values_key
from aurora_wire.report.formats import ReportOptions, render
from aurora_wire.verdict.leaked import LeakedWhole
from aurora_wire.verdict.result import CaptureResult, LeakedData, Scan
from aurora_wire.verdict.rules.data import RULE_OF
from aurora_wire.wire.mysql.leaked.classes import ORDER
from tests.conversations import mysql, play, sessions
from tests.conversations.judge import scan_of, write
from tests.conversations.sessions import Step, plaintext

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
    path = write(tmp_path / "1.pcap", play(plaintext(sql=SQL)))
    scan = aurora_wire.scan([path], aurora_wire.ScanOptions(keep_statements=kept))
    assert [one.data for one in scan.leaked] == ["card", "key", "identity", "email"]


def test_json_has_them_by_statement_and_in_all(tmp_path: Path) -> None:
    said = json.loads("".join(render(found_in(tmp_path), "json", ReportOptions(redact=True))))
    assert [one["class"] for one in said["leaked"]] == ["card", "key", "identity", "email"]
    assert said["leaked"][0]["severity"] == "critical"
    statements = [one for c in said["connections"] for one in c["statements"] if "leaked" in one]
    frame = statements[0]["frame"]
    assert statements[0]["leaked"][0] == {
        "class": "card", "table": "users", "column": "card", "count": 1, "from": "statement", "frame": frame,
        "hashes": [said["leaked"][0]["first_values"][0]["hash"]], "last": ["1111"],
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


def test_the_whole_shows_the_last_four_characters_of_three_values_at_most() -> None:
    whole = LeakedWhole()
    for last in (["1111", "2222"], ["2222", "3333", "4444", "5555"]):
        whole.add([LeakedData("card", "t", "c", 4, 1, 7, last)])
    assert [one.last for one in whole.result()] == [["1111", "2222", "3333"]]


READ = [
    *sessions.until(plaintext(sql=b"INSERT INTO t (card) VALUES ('4111111111111111')"), "query-ok"),
    Step("select", "client", mysql.query(b"SELECT * FROM t")),
    Step("rows", "server", mysql.result_set(
        [b"card", b"pan"], [[b"4111111111111111", b"4111111111111111"], [b"5555555555554444", None]]
    )),
]  # fmt: skip


def test_the_table_says_where_values_were_and_the_same_value_has_the_same_hash(tmp_path: Path) -> None:
    scan = scan_of(tmp_path, play(READ))
    (card,) = scan.leaked
    assert (card.count, card.origins) == (4, {"statement": 1, "result": 3})
    said = json.loads("".join(render(scan, "json", ReportOptions())))
    first, second = said["leaked"][0]["first_values"]
    assert (first["last"], first["columns"]) == ("1111", ["t.card", "t.pan"])
    assert (second["last"], second["columns"]) == ("4444", ["t.card"])
    assert first["hash"] != second["hash"]
    insert, select = (one["leaked"] for one in said["connections"][0]["statements"])
    assert insert[0]["hashes"] == [first["hash"]]
    assert {(one["from"], one["column"]): one["hashes"] for one in select} == {
        ("result", "card"): [first["hash"], second["hash"]], ("result", "pan"): [first["hash"]],
    }  # fmt: skip
    for form in ("text", "markdown", "html"):
        shown = "".join(render(scan, form, ReportOptions(redact=True, width=200)))
        assert "1 in statements, 3 in results" in shown
        assert f"{first['hash']} (1111; t.card, t.pan)" in shown
        assert "4111111111111111" not in shown


def test_the_key_comes_from_the_captures_and_is_in_no_report(tmp_path: Path) -> None:
    scan, again = (scan_of(tmp_path, play(READ)) for _ in range(2))
    other = scan_of(tmp_path, play([*READ, Step("quit", "client", mysql.leave())]))
    hashes = [render_hashes(one) for one in (scan, again, other)]
    assert hashes[0] == hashes[1]
    assert not set(hashes[0]) & set(hashes[2])
    assert len(scan.values_key) == 32
    assert scan.captures[0].sha256 is not None
    assert scan.captures[0].secret.hex() != scan.captures[0].sha256
    for form in ("text", "markdown", "html", "json", "jsonl", "sarif", "junit", "csv", "csv:captures", "ocsf"):
        shown = "".join(render(scan, form, ReportOptions()))
        for secret in (scan.values_key, scan.captures[0].secret):
            assert secret.hex() not in shown
            assert repr(secret) not in shown
    assert repr(scan.values_key) not in repr(scan)
    assert "4111111111111111'," not in repr(scan.leaked)


def render_hashes(scan: Scan) -> list[str]:
    said = json.loads("".join(render(scan, "json", ReportOptions())))
    return [one["hash"] for one in said["leaked"][0]["first_values"]]


def test_without_a_capture_that_can_be_read_again_the_key_is_by_chance() -> None:
    live = CaptureResult("eth0", "live", None, None, 0)
    assert make_values_key([live]) != make_values_key([live])
    assert make_values_key([]) != make_values_key([])
    read = CaptureResult("a.pcap", "pcap", None, None, 0, secret=b"x" * 32)
    assert make_values_key([read]) == make_values_key([read])
    assert make_values_key([read, CaptureResult("b", "unreadable", None, None, 0)]) == make_values_key([read])
