"""JSON lines: what is said when, and that each line has the fields of the one JSON object."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from aurora_wire.report.scan_jsonl import JSONLines
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import Scan
from tests.report import scans
from tests.report.schemas import schema

SCHEMA = schema("scan")


def lines_of(scan: Scan, *, redact: bool = False) -> list[Any]:
    """What a scan that found this would have written on its way."""
    written: list[str] = []
    lines = JSONLines(written.append, redact=redact)
    places = FramePlaces()
    for index, capture in enumerate(scan.captures):
        places.add(capture.first_frame, index, 1)
    lines.begin(scan.captures, places, len(scan.captures))
    for connection in scan.connections:
        for statement in connection.statements:
            lines.statement(connection.id, statement)
    for connection in scan.connections:
        lines.connection(connection, [f for f in scan.findings if f.connection == connection.id])
    lines.finish(scan)
    assert all(line.endswith("\n") and line.count("\n") == 1 and line.isascii() for line in written)
    return [json.loads(line) for line in written]


def validate(name: str, value: dict[str, Any]) -> None:
    of_one = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    jsonschema.Draft202012Validator(of_one).validate(value)


def test_statements_come_first_and_the_summary_is_the_last_line() -> None:
    kinds = [line["type"] for line in lines_of(scans.leaky())]
    assert kinds == ["statement"] * 4 + [
        "connection",
        "finding",
        "connection",
        "finding",
        "finding",
        "connection",
        "finding",
        "connection",
        "capture",
        "capture",
        "finding",
        "summary",
    ]


def test_each_line_has_the_fields_of_the_schema() -> None:
    for line in lines_of(scans.leaky()) + lines_of(scans.hostile()):
        kind = line.pop("type")
        if kind == "statement":
            assert line.pop("connection") >= 1
        if kind == "connection":
            line["statements"] = []
        if kind != "summary":
            validate(kind, line)
        else:
            line.update(captures=[], connections=[], findings=[])
            jsonschema.Draft202012Validator(SCHEMA).validate(line)


def test_a_statement_line_names_its_connection_and_has_no_date_where_the_capture_has_none() -> None:
    first = lines_of(scans.undated())[0]
    assert (first["connection"], first["time"]) == (1, "09:01:01.000000000")


def test_redacted_lines_hold_no_literal() -> None:
    assert "4111" not in json.dumps(lines_of(scans.leaky(), redact=True))
    assert "4111" in json.dumps(lines_of(scans.leaky()))
