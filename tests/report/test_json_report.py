"""`aurora-wire/scan/1`: its shape, its times, its bytes, and that the schema shipped describes it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from aurora_wire.report import scan_json as json_report
from aurora_wire.verdict.result import Scan
from tests.report import scans
from tests.report.schemas import objects, schema

SCHEMA = schema("scan")
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def text_of(scan: Scan, *, redact: bool = False) -> str:
    return "".join(json_report.render(scan, redact=redact))


def parsed(scan: Scan, *, redact: bool = False) -> Any:
    value = json.loads(text_of(scan, redact=redact))
    VALIDATOR.validate(value)
    return value


# There only where there is something to say.
SOMETIMES = {
    "files", "guessed", "ignored_files", "tls_ports", "loopback", "capture", "capture_frame", "captures", "at_least",
    "credentials", "line", "value", "refusal", "statement", "x", "replication", "clone", "direction",
    "bridge", "proxy", "users_after", "filters", "certificates_unread", "schema", "charset", "result", "results",
    "columns", "errors", "errors_total", "partial", "out_parameters", "frame", "offset", "ignored", "exceptions",
    "leaked", "last", "filtered_out", "values", "fingerprint", "statement_groups", "not_grouped", "hashes", "tables",
}  # fmt: skip


def test_the_schema_is_a_schema_and_allows_nothing_it_does_not_name() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for described in objects(SCHEMA):
        assert described["additionalProperties"] is False
        sometimes = SOMETIMES - set(described["required"])
        optional = {name for name in described["properties"] if name.endswith("_base64") or name in sometimes}
        assert set(described["required"]) == set(described["properties"]) - optional


@pytest.mark.parametrize("name", ["encrypted", "leaky", "undated", "hostile"])
def test_each_sort_of_scan_is_as_the_golden_file_shows(name: str, golden: Callable[[str, str], None]) -> None:
    scan: Scan = getattr(scans, name)()
    parsed(scan)
    golden(f"{name}.json", text_of(scan))


def test_a_connection_has_the_shape_of_the_contract() -> None:
    connection = parsed(scans.leaky())["connections"][2]
    assert connection["client"] == {"address": "10.0.0.5", "port": 50153}
    assert (connection["verdict"], connection["confidence"], connection["proof"]) == (
        "encrypted",
        "likely",
        "structure",
    )
    assert connection["reasons"] == [
        {
            "id": "gap",
            "text": "1,448 bytes from the server are missing",
            "frame": 37,
            "direction": "server",
            "offset": 5120,
            "capture": "night.pcap",
            "capture_frame": 37,
        }
    ]
    assert connection["coverage"]["server"] == {
        "seen": 5200,
        "missing": 1448,
        "truncated": 0,
        "tls": 5122,
        "plaintext": 0,
        "unprotected_by_design": 78,
        "unknown": 0,
    }
    assert connection["tls"]["version"] == "TLSv1.3"
    assert (connection["statements"], connection["statements_total"], connection["packets"]) == ([], 0, 9)


def test_times_have_a_date_unless_the_capture_of_that_frame_has_none() -> None:
    assert (
        parsed(scans.leaky())["connections"][0]["statements"][0]["time"] == "2021-03-17T09:00:01.015000000Z"
    )
    assert parsed(scans.undated())["connections"][0]["statements"][0]["time"] == "09:01:01.000000000"
    both = scans.scan(scans.connection(1, "plaintext", first_frame=3, last_frame=5, last_time_ns=7))
    both.captures = [scans.capture(packets=4), scans.capture("b.txt", first_frame=5, undated=True)]
    shown = parsed(both)["connections"][0]
    assert (shown["first_time"], shown["last_time"]) == (
        "2021-03-17T09:00:01.000000000Z",
        "00:00:00.000000007",
    )


def test_sql_that_is_not_utf_8_keeps_its_bytes() -> None:
    first, second, _ = parsed(scans.leaky())["connections"][0]["statements"]
    assert "sql_base64" not in first
    assert second["sql"] == "SELECT '\ufffd\0' FROM t"
    assert base64.b64decode(second["sql_base64"]) == b"SELECT '\xff\x00' FROM t"


def test_redacted_output_holds_no_literal() -> None:
    text = text_of(scans.leaky(), redact=True)
    assert "Alice" not in text
    assert "4111" not in text
    connection = parsed(scans.leaky(), redact=True)["connections"][0]
    assert connection["statements"][2]["sql"] == "UPDATE t SET a = * WHERE b = '*'"
    assert [p["value"] for p in connection["statements"][2]["parameters"]] == ["*", "'*'"]
    assert connection["user"] == "app"
    assert parsed(scans.leaky(), redact=True)["redacted"] is True


def test_nothing_that_acts_on_a_terminal_is_written() -> None:
    text = text_of(scans.hostile())
    assert all(" " <= character <= "~" or character == "\n" for character in text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scans.any_scan)
def test_any_scan_fits_the_schema_and_is_printable_ascii(scan: Scan) -> None:
    text = text_of(scan)
    assert all(" " <= character <= "~" or character == "\n" for character in text)
    value = json.loads(text)
    VALIDATOR.validate(value)
    assert len(value["connections"]) == len(scan.connections)
    VALIDATOR.validate(json.loads(text_of(scan, redact=True)))
    assert text == text_of(scan)


def test_the_order_of_counts_does_not_depend_on_the_order_of_counting() -> None:
    one, other = scans.scan(not_mysql={"SSH": 1, "HTTP": 2}), scans.scan(not_mysql={"HTTP": 2, "SSH": 1})
    assert text_of(one) == text_of(other)


def test_many_statements_are_written_one_piece_each() -> None:
    big = scans.connection(1, "plaintext", statements=[scans.statement(b"x" * 100)] * 10_000)
    assert max(len(piece) for piece in json_report.render(scans.scan(big))) < 2_000
