"""Statements in groups, in each format: by fingerprint, with an example whose literals are masked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from aurora_wire.redact.groups import redact_groups
from aurora_wire.redact.masker import Masker
from aurora_wire.report import csv_tables, markdown, scan_json
from aurora_wire.report.html import render as html
from aurora_wire.report.text import report as text
from aurora_wire.verdict.result import Scan
from tests.report import scans
from tests.report.schemas import valid
from tests.report.test_html import check

FORMATS: dict[str, Callable[[Scan], str]] = {
    "txt": lambda scan: "".join(text.render(scan)),
    "json": lambda scan: "".join(scan_json.render(scan)),
    "md": lambda scan: "".join(markdown.render(scan)),
    "csv": lambda scan: "".join(csv_tables.groups(scan)),
}


@pytest.mark.parametrize("name", FORMATS)
def test_groups_are_as_the_golden_file_shows(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"grouped.{name}", FORMATS[name](scans.grouped()))


@pytest.mark.parametrize("name", [*FORMATS, "html"])
def test_no_literal_of_an_example_is_shown(name: str) -> None:
    def page(scan: Scan) -> str:
        return "".join(html.render(scan))

    shown = FORMATS.get(name, page)(scans.grouped())
    assert "Alice" not in shown
    assert "4111" not in shown
    assert "customers" in shown


def test_json_is_as_the_schema_says() -> None:
    made = valid("scan", FORMATS["json"](scans.grouped()))
    assert made["statement_groups"][0]["leaked"] == {"card": 1234, "email": 1}
    assert made["not_grouped"] == 7


def test_the_page_holds_a_row_a_group_and_says_what_is_left_out() -> None:
    reader = check("".join(html.render(scans.grouped())))
    assert "Kinds of statements" in reader.text
    assert "1,234 card numbers, 1 e-mail address" in reader.text
    assert "7 more statements in none" in reader.text


def test_who_masks_a_scan_masks_accounts_in_fingerprints_too() -> None:
    scan = scans.grouped()
    for groups in (redact_groups(scan), Masker(b"k" * 32).scan(scan).groups):
        assert groups is not None
        assert groups[2].fingerprint == b"GRANT ALL ON *.* TO ***@*********"
        assert b"4111" not in groups[0].example
        assert all(one.raw is None for one in groups)
    assert redact_groups(replace(scan, groups=None)) is None


def test_a_report_without_groups_is_as_before() -> None:
    scan = scans.leaky()
    assert scan.groups is None
    assert "statement_groups" not in FORMATS["json"](scan)
    assert "such as" not in FORMATS["txt"](scan)
