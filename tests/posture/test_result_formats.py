"""Results in each format, held against the validators that those of captures are held against."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from aurora_wire.errors import UsageError
from aurora_wire.posture.audit import Account
from aurora_wire.posture.check import VIEWS
from aurora_wire.posture.result import KINDS, Posture, judge_again
from aurora_wire.report.formats import FORMATS, ReportOptions
from tests.posture import results
from tests.report.test_html import check as check_page
from tests.report.test_junit import outcome, read
from tests.report.test_markdown import assert_inert
from tests.report.test_ocsf import VERSIONS, validator
from tests.report.test_sarif import VALIDATOR

RESULTS = results.each_kind()
POSTURE_FORMATS = [row.name for row in FORMATS.values() if row.posture]
# What may move a terminal's cursor, or reorder what follows.
ACTING = {*map(chr, [*range(10), 11, 12, *range(14, 32), *range(127, 160)]), "\u202e", "\ud800"}


def text_of(name: str, posture: Posture) -> str:
    return "".join(FORMATS[name].render_posture(posture, ReportOptions()))


@cache
def sarif_of(name: str) -> Any:
    return sarif(RESULTS[name])


def sarif(posture: Posture) -> Any:
    text = text_of("sarif", posture)
    assert all(" " <= character <= "~" or character == "\n" for character in text)
    found = json.loads(text)
    VALIDATOR.validate(found)
    return found["runs"][0]


def table(name: str, posture: Posture) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(name, posture), newline="")))


@pytest.mark.parametrize("name", [name for name in POSTURE_FORMATS if name not in ("html", "text")])
@pytest.mark.parametrize("kind", ["probe", "audit", "fleet", "check"])
def test_each_format_is_as_the_golden_file_shows(kind: str, name: str, golden: Callable[[str, str], None]) -> None:
    text = text_of(name, RESULTS[kind])
    if name == "sarif":  # without the line of the rules, which the registry's own tests hold
        lines = [line for line in text.splitlines() if not line.startswith(('  "tool"', '  "taxonomies"'))]
        text = re.sub(r'"ruleIndex": \d+', '"ruleIndex": 0', "\n".join(lines) + "\n")  # moves with each new rule
    golden(f"{kind}.{name.replace(':', '-')}", text)


@pytest.mark.parametrize("kind", ["probe", "audit", "fleet", "check"])
def test_text_is_as_the_golden_file_shows(kind: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{kind}.text", text_of("text", RESULTS[kind]))


@pytest.mark.parametrize("name", POSTURE_FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_act_on_no_terminal_and_in_no_reader(kind: str, name: str) -> None:
    text = text_of(name, RESULTS[f"hostile-{kind}"])
    assert not ACTING & set(text)
    if name == "html":
        page = check_page(text)
        assert "b" not in page.elements
    if name == "markdown":
        assert_inert(text, {2, 5})
    if name.startswith("csv"):
        for row in csv.reader(io.StringIO(text, newline="")):
            assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results.results())
def test_any_result_is_valid_in_each_format(posture: Posture) -> None:
    sarif(posture)
    read(text_of("junit", posture))
    for line in text_of("ocsf", posture).splitlines():
        validator("1.3.0").validate(json.loads(line))
    assert_inert(text_of("markdown", posture), {2, 5})
    check_page(text_of("html", posture))
    widths = {len(row) for row in csv.reader(io.StringIO(text_of("csv", posture), newline=""))}
    assert len(widths) == 1


@pytest.mark.parametrize("name", list(RESULTS))
def test_sarif_has_a_result_for_each_finding_at_its_server(name: str) -> None:
    posture = RESULTS[name]
    run = sarif_of(name)
    findings = table("csv:findings", posture)
    assert len(run["results"]) == len(findings) == run["properties"]["findings"]
    assert run["invocations"][0]["exitCode"] == posture.exit_code
    for result in run["results"]:
        location = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][location["index"]]["location"]["uri"] == location["uri"]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_the_same_finding_is_the_same_alert_tomorrow_and_another_at_another_server() -> None:
    def names(posture: Posture) -> list[str]:
        return [each["partialFingerprints"]["auroraWireFinding/v1"] for each in sarif(posture)["results"]]

    two = results.audit(clear=2)
    more = results.audit(clear=9)
    assert names(two) == names(more)
    assert not set(names(two)) & set(names(results.audit(host="other.example.com")))
    assert len(set(names(results.probe(results.bare(), results.bare("192.0.2.9"))))) == 2


def test_what_could_not_be_judged_is_told_in_sarif() -> None:
    run = sarif(results.probe(results.address(), host="db"))
    assert run["invocations"][0]["executionSuccessful"] is True
    run = sarif_of("probe-nothing")
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "this name has no address" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    notes = sarif_of("fleet")["invocations"][0]["toolExecutionNotifications"]
    assert any("rds:DescribeDBProxies" in each["message"]["text"] for each in notes)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", list(RESULTS))
def test_each_version_of_ocsf_since_1_3_takes_each_result(name: str, version: str) -> None:
    posture = RESULTS[name]
    events = [json.loads(line) for line in text_of("ocsf", posture).splitlines()]
    for event in events:
        validator(version).validate(event)
    assert [event["metadata"]["event_code"] for event in events] == [
        row["rule"] for row in table("csv:findings", posture)
    ]
    assert len({event["metadata"]["uid"] for event in events}) == len(events)


@pytest.mark.parametrize(("posture", "outcomes"), [
    (results.probe(results.address(), results.bare()), [[], ["Failure"]]),
    (results.probe(), [["Error"]]),
    (results.audit(), [["Failure"]]),
    (results.audit(requires=True, clear=0), [[]]),
    (results.fleet(), [["Failure"], [], ["Error"], ["Error"]]),
    (results.check(requires=True, leaking=0), [[], ["Skipped"], [], ["Skipped"], []]),
    (results.check(requires=False, leaking=1), [["Failure"], ["Skipped"], ["Failure"], ["Skipped"], ["Failure"]]),
])  # fmt: skip
def test_junit_is_red_where_the_exit_code_is(posture: Posture, outcomes: list[list[str]]) -> None:
    cases = [case for suite in read(text_of("junit", posture)).values() for case in suite]
    assert [outcome(case) for case in cases] == outcomes
    red = any(kind in ("Failure", "Error") for each in outcomes for kind in each)
    assert red == bool(posture.exit_code)


def test_the_table_of_servers_has_all_that_were_asked_and_what_was_not_seen() -> None:
    rows = table("csv", RESULTS["fleet"])
    assert [row["outcome"] for row in rows] == ["bad", "good", "unknown", "unknown"]
    assert rows[-1]["reason"] == "eu-west-1: proxies: the policy lacks rds:DescribeDBProxies"
    assert [row["findings"] for row in table("csv", RESULTS["probe"])] == ["AW612 AW606", "AW601 AW612"]


def test_all_items_of_a_finding_are_there_where_its_detail_names_a_few() -> None:
    login = results.audited()
    login.accounts = [Account(f"u{number}", "%", "", "x", locked=False, own=False) for number in range(9)]
    posture = judge_again(Posture("audit", audits=[login]))
    found = next(row for row in table("csv:findings", posture) if row["rule"] == "AW623")
    assert found["detail"].endswith("and 4 more")
    assert found["items"].count("@") == 9


def test_markdown_stays_short_enough_for_a_comment() -> None:
    many = results.probe(*(results.bare(f"192.0.2.{number}") for number in range(250)), host="x" * 200)
    assert len(text_of("markdown", many)) < 65_536
    assert len(text_of("markdown", RESULTS["hostile-check"])) < 65_536
    assert "more server" in text_of("markdown", many)


@pytest.mark.parametrize("kind", KINDS)
def test_no_user_is_named_in_the_page_and_hosts_are(kind: str) -> None:
    page = check_page(text_of("html", RESULTS[kind]))
    for name in ("app", "auditor", "strict"):
        assert f"'{name}'" not in page.text
        assert f"(by {name})" not in page.text
    if kind in ("audit", "check"):
        assert "'***'@'%'" in page.text
        assert "'mysql.sys'@'localhost'" in page.text, "the server's own accounts are in every manual"
    if kind != "fleet":
        assert results.HOST in page.text


def test_the_page_has_a_column_for_each_view_that_there_is() -> None:
    page = check_page(text_of("html", RESULTS["check"]))
    for words in (*(name[0].upper() + name[1:] for name in VIEWS), "Together"):
        assert words in page.text
    assert "Contradiction:" in page.text
    page = check_page(text_of("html", RESULTS["probe"]))
    assert "How it is set" not in page.text


def test_a_format_of_captures_alone_says_what_there_is() -> None:
    with pytest.raises(UsageError, match="a format of captures; what servers allow goes to text, json"):
        FORMATS["csv:statements"].render_posture(RESULTS["audit"], ReportOptions())
