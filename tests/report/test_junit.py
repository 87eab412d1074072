"""JUnit XML: read by others, one case a connection, and nothing from the wire breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import junitparser
import pytest
from hypothesis import HealthCheck, given, settings

from aurora_wire.report import junit
from aurora_wire.verdict.result import Scan
from tests.report import scans


def text_of(scan: Scan, *, redact: bool = False, require_proven: bool = False) -> str:
    return "".join(junit.render(scan, redact=redact, require_proven=require_proven))


def read(text: str) -> dict[str, list[Any]]:
    """Suites by name, as junitparser reads them; its counts are those that are written."""
    suites = junitparser.JUnitXml.fromstring(text.encode("utf-8"))
    for suite in suites:
        written = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert written == (suite.tests, suite.failures, suite.errors, suite.skipped)
    assert suites.tests == sum(suite.tests for suite in suites)
    assert suites.failures == sum(suite.failures for suite in suites)
    return {suite.name: list(suite) for suite in suites}


def outcome(case: Any) -> list[str]:
    return [type(one).__name__ for one in case.result]


@pytest.mark.parametrize("name", ["leaky", "undated", "hostile"])
def test_each_sort_of_scan_is_as_the_golden_file_shows(name: str, golden: Callable[[str, str], None]) -> None:
    text = text_of(getattr(scans, name)())
    read(text)
    golden(f"{name}.junit.xml", text)


def test_a_leak_is_a_failure_and_what_never_began_is_skipped() -> None:
    cases = read(text_of(scans.leaky()))["server 10.0.0.9:3306"]
    assert [outcome(case) for case in cases] == [["Failure"], ["Failure"], [], ["Skipped"]]
    assert cases[0].name == "connection 1: app@10.0.0.5:50151, database shop"
    assert cases[0].result[0].message == "PLAINTEXT (proven): 3 statements in the clear"


def test_what_cannot_be_judged_is_an_error() -> None:
    scan = scans.scan(scans.connection(1, "inconclusive", None), verdict="inconclusive", exit_code=3)
    suites = read(text_of(scan))
    assert outcome(suites["server 10.0.0.9:3306"][0]) == ["Error"]
    assert outcome(suites["scan"][0]) == ["Error"]


def test_no_connection_at_all_is_not_green() -> None:
    scan = scans.scan(verdict="not-mysql", confidence=None, exit_code=3)
    assert [outcome(case) for case in read(text_of(scan))["scan"]] == [["Error"], []]


def test_a_capture_that_was_cut_is_an_error() -> None:
    cases = read(text_of(scans.leaky()))["scan"]
    assert [outcome(case) for case in cases] == [["Failure"], [], ["Error"]]


def test_what_is_likely_fails_where_proof_is_asked_for() -> None:
    scan = scans.scan(scans.connection(1, "encrypted", "likely"), scans.connection(2, "encrypted"))
    assert [outcome(case) for case in read(text_of(scan))["server 10.0.0.9:3306"]] == [[], []]
    asked = read(text_of(scan, require_proven=True))["server 10.0.0.9:3306"]
    assert [outcome(case) for case in asked] == [["Failure"], []]


def test_each_server_has_a_suite() -> None:
    other = scans.connection(2, "encrypted", server=scans.Endpoint("fe80::1", 3307))
    assert list(read(text_of(scans.scan(scans.connection(1, "encrypted"), other)))) == [
        "scan", "server 10.0.0.9:3306", "server [fe80::1]:3307",
    ]  # fmt: skip


def test_redacted_output_holds_no_literal() -> None:
    assert "4111" in text_of(scans.leaky())
    assert "4111" not in text_of(scans.leaky(), redact=True)


def test_markup_from_the_wire_stays_text() -> None:
    evil = "]]></failure><testcase name='x'/><!--"
    leak = scans.connection(1, "plaintext", user=evil, statements_total=1)
    leak.statements = [scans.statement(evil.encode())]
    (case,) = read(text_of(scans.scan(leak, verdict="plaintext", exit_code=1)))["server 10.0.0.9:3306"]
    assert evil in case.name
    assert evil in case.result[0].text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scans.any_scan)
def test_any_scan_is_well_formed_and_has_a_case_for_each_connection(scan: Scan) -> None:
    text = text_of(scan)
    root = ET.fromstring(text)
    assert len(root.findall(".//testcase")) == 1 + len(scan.captures) + len(scan.connections)
    assert int(root.attrib["tests"]) == len(root.findall(".//testcase"))
    assert int(root.attrib["failures"]) == len(root.findall(".//failure"))
    assert text == text_of(scan)


def test_many_connections_are_written_one_piece_each() -> None:
    many = scans.scan(*(scans.connection(1, "plaintext") for _ in range(2_000)))
    assert max(map(len, junit.render(many))) < 3_000
