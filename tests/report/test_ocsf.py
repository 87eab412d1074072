"""OCSF: events that the schemas of all versions since 1.3 take, with the attributes where a SIEM looks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from aurora_wire.report import ocsf
from aurora_wire.verdict.result import Scan
from aurora_wire.verdict.rules.leaks import SQL_IN_CLEAR
from aurora_wire.verdict.rules.registry import finding
from tests.report import scans

VERSIONS = ("1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0")


@cache
def validator(version: str) -> jsonschema.Draft202012Validator:
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
    name = schemas.lookup_class_name_from_uid(class_uid=2004)
    assert name == "detection_finding"
    return jsonschema.Draft202012Validator(schemas.get_class_schema(class_name=name, profiles=[]))


def text_of(scan: Scan) -> str:
    return "".join(ocsf.render(scan))


def events_of(scan: Scan, version: str = ocsf.VERSION) -> list[Any]:
    text = text_of(scan)
    assert all(" " <= character <= "~" or character == "\n" for character in text)
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        validator(version).validate(event)
    return events


def test_the_validator_refuses_what_is_no_detection_finding() -> None:
    (event,) = events_of(scans.hostile())
    for name in ("finding_info", "metadata", "time", "severity_id"):
        assert not validator(ocsf.VERSION).is_valid({key: value for key, value in event.items() if key != name})
    assert not validator(ocsf.VERSION).is_valid({**event, "severity_id": 7})
    assert not validator(ocsf.VERSION).is_valid({**event, "made_up": 1})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["leaky", "hostile"])
def test_each_version_since_1_3_takes_each_sort_of_scan(name: str, version: str) -> None:
    scan: Scan = getattr(scans, name)()
    assert len(events_of(scan, version)) == len(scan.findings)


def test_events_are_as_the_golden_file_shows(golden: Callable[[str, str], None]) -> None:
    golden("leaky.ocsf.jsonl", text_of(scans.leaky()))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scans.any_scan)
def test_any_scan_is_valid(scan: Scan) -> None:
    assert len(events_of(scan)) == len(scan.findings)
    assert text_of(scan) == text_of(scan)


def test_an_event_says_who_when_and_how_bad() -> None:
    event = events_of(scans.leaky())[2]
    assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (2004, 2, 200401)
    assert (event["severity_id"], event["severity"]) == (5, "Critical")
    assert (event["confidence_id"], event["confidence"]) == (2, "Medium")
    assert event["time"] == event["start_time"] == scans.START // 1_000_000
    assert event["metadata"]["original_time"] == "2021-03-17T09:00:01.000000000Z"
    (evidence,) = event["evidences"]
    assert evidence["src_endpoint"] == {"ip": "10.0.0.5", "port": 50152}
    assert evidence["dst_endpoint"] == {"ip": "10.0.0.9", "port": 3306, "svc_name": "mysql"}
    assert evidence["data"] == {
        "frame": 28, "offset": 1810, "connection": 2, "capture": "night.pcap", "capture_frame": 28,
    }
    assert evidence["user"] == {"name": "report"}
    assert event["finding_info"]["analytic"]["uid"] == "AW203"


def test_every_event_of_a_scan_has_a_name_of_its_own() -> None:
    names = [event["metadata"]["uid"] for event in events_of(scans.leaky())]
    assert len(set(names)) == len(names)


def test_the_same_mistake_in_another_capture_is_another_event_of_the_same_finding() -> None:
    monday, tuesday = scans.leaky(), scans.leaky()
    tuesday.captures[0].sha256 = "1" * 64
    first, second = events_of(monday)[0], events_of(tuesday)[0]
    assert first["finding_info"]["uid"] == second["finding_info"]["uid"]
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


def test_a_time_without_a_date_is_told_as_such() -> None:
    scan = scans.undated()
    scan.findings = [finding(SQL_IN_CLEAR, "1 statement", connection=1, frame=1)]
    (event,) = events_of(scan)
    assert event["unmapped"]["time_is"] == "time of day, date unknown"
    assert event["metadata"]["original_time"] == "09:01:01.000000000"


def test_where_no_time_is_known_the_event_says_so() -> None:
    scan = scans.scan(scans.connection(1, "plaintext", first_time_ns=None, last_time_ns=None))
    scan.findings = [finding(SQL_IN_CLEAR, "1 statement", connection=1, frame=1)]
    (event,) = events_of(scan)
    assert (event["time"], event["unmapped"]["time_is"]) == (0, "unknown")
    assert "start_time" not in event


def test_an_address_that_is_none_is_a_name() -> None:
    scan = scans.scan(scans.connection(1, "plaintext", client=scans.Endpoint("fe80::1%eth0", 5)))
    scan.findings = [finding(SQL_IN_CLEAR, "1 statement", connection=1, frame=1)]
    (event,) = events_of(scan)
    assert event["evidences"][0]["src_endpoint"] == {"name": "fe80::1%eth0", "port": 5}
    assert [one["value"] for one in event["observables"]] == ["10.0.0.9", "app"]


def test_no_statement_is_in_it() -> None:
    assert "4111" not in text_of(scans.leaky())


def test_the_controls_that_a_finding_contradicts_are_named() -> None:
    controls = events_of(scans.leaky())[0]["unmapped"]["controls"]
    assert {"framework": "PCI DSS 4.0.1", "control": "4.2.1", "stance": "contradicts"} in controls
