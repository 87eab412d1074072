"""CSV: rows as the csv module reads them, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aurora_wire.report import csv_tables as csv_report
from aurora_wire.report.escape import show_text
from aurora_wire.verdict.result import Scan
from tests.report import scans

FORMULA = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"


def read(pieces: Iterator[str]) -> list[dict[str, str]]:
    text = "".join(pieces)
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("name", ["leaky", "undated", "hostile"])
def test_tables_are_as_the_golden_files_show(name: str, golden: Callable[[str, str], None]) -> None:
    scan: Scan = getattr(scans, name)()
    golden(f"{name}.connections.csv", "".join(csv_report.connections(scan)))
    golden(f"{name}.statements.csv", "".join(csv_report.statements(scan)))
    golden(f"{name}.findings.csv", "".join(csv_report.findings(scan)))


def test_a_finding_is_a_row_with_the_ends_of_its_connection() -> None:
    rows = read(csv_report.findings(scans.leaky()))
    assert len(rows) == len(scans.leaky().findings)
    first = next(row for row in rows if row["connection"] == "1")
    assert (first["rule"], first["severity"], first["client_address"], first["server_port"], first["user"]) == (
        "AW101", "high", "10.0.0.5", "3306", "app",
    )  # fmt: skip


def test_a_connection_is_a_row() -> None:
    first = read(csv_report.connections(scans.leaky()))[0]
    assert (first["client_address"], first["client_port"], first["user"]) == ("10.0.0.5", "50151", "app")
    assert (first["verdict"], first["confidence"], first["proof"]) == ("plaintext", "proven", "")
    assert (first["client_plaintext"], first["statements_total"], first["findings"]) == ("1204", "3", "AW101")


def test_a_statement_is_a_row() -> None:
    rows = read(csv_report.statements(scans.leaky()))
    assert len(rows) == 4
    assert rows[0]["sql"] == "INSERT INTO customers (name, card) VALUES ('Alice', '4111 1111 1111 1111')"
    assert rows[2]["parameters"] == "LONGLONG 7, VAR_STRING 'x'"


def test_a_statement_that_was_inside_tls_is_told_from_one_that_leaked() -> None:
    assert [row["crossed"] for row in read(csv_report.statements(scans.hostile()))] == ["clear", "TLS"]


def test_redacted_output_holds_no_literal() -> None:
    text = "".join(csv_report.statements(scans.leaky(), redact=True))
    assert "4111" not in text
    assert "Alice" not in text


def test_where_there_is_nothing_the_names_of_the_columns_are_left() -> None:
    assert read(csv_report.connections(scans.scan())) == []
    assert "".join(csv_report.statements(scans.scan())).count("\r\n") == 1


@pytest.mark.parametrize(
    "text",
    ["=cmd|'/c calc'!A1", "+1", "-1+1", "@SUM(A1)", "  =1", '"=1', "'=1", "\uff1d1", "\u00a0=1", "=HYPERLINK(\"x\")"],
)
def test_a_formula_becomes_text(text: str) -> None:
    user = read(csv_report.connections(scans.scan(scans.connection(1, "plaintext", user=text))))[0]["user"]
    assert user == "'" + text


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1"])
def test_tab_and_line_ends_are_escaped_visibly(text: str) -> None:
    user = read(csv_report.connections(scans.scan(scans.connection(1, "plaintext", user=text))))[0]["user"]
    assert user == show_text(text)


def test_a_formula_behind_a_semicolon_is_not_the_start_of_a_cell() -> None:
    leak = scans.connection(1, "plaintext", statements=[scans.statement(b"SELECT 1; =cmd(); SELECT 2")])
    assert read(csv_report.statements(scans.scan(leak)))[0]["sql"] == "SELECT 1\\x3b =cmd(); SELECT 2"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scans.any_scan)
def test_any_scan_is_read_back_row_by_row(scan: Scan) -> None:
    rows = read(csv_report.connections(scan))
    assert [row["id"] for row in rows] == [str(c.id) for c in scan.connections]
    found = read(csv_report.statements(scan))
    decrypted = [c.tls.decrypted for c in scan.connections if c.tls is not None and c.tls.decrypted is not None]
    assert len(found) == sum(len(one.statements) for one in [*scan.connections, *decrypted])
    for row in rows + found:
        assert None not in row
        for cell in row.values():
            assert not cell.startswith(tuple(FORMULA))
            assert not re.search("[\x00-\x1f\x7f-\x9f]", cell)


@given(st.text(max_size=20))
@example("a,b")
@example('"')
@example(";")
@example("'=")
def test_text_comes_back_as_it_was_shown(text: str) -> None:
    user = read(csv_report.connections(scans.scan(scans.connection(1, "plaintext", user=text))))[0]["user"]
    shown = show_text(text)
    plain = shown.replace("\\x3b", ";")
    assert user.replace("\\x3b", ";") in (plain, f"'{plain}")
    assert bool(re.match(r"[=+\-@]", shown)) <= user.startswith("'")
