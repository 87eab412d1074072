"""A scan as one JSON object of schema `aurora-wire/scan/1`: the same bytes for the same result.

Written in pieces, one line for each capture, connection, statement and finding, so that a large result is
never held a second time as text. The schema is `schemas/scan.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.json_fields import (
    capture_fields,
    connection_fields,
    finding_fields,
    finding_place,
    summary_fields,
)
from aurora_wire.report.json_statements import StatementWriter
from aurora_wire.report.json_text import Fields, dump
from aurora_wire.report.timestamps import Clock, find_clock
from aurora_wire.verdict.result import ConnectionResult, Scan


def render(scan: Scan, *, redact: bool = False, masked: bool = False, reveal: bool = False) -> Iterator[str]:
    """Yield pieces of ASCII text; the last ends the line. redact: mask literals in statements and parameters; masked:
    they are so already; reveal: show passwords and keys."""
    clock = find_clock(scan)
    names = frame_names(scan)
    yield "{\n"
    for name, value in summary_fields(scan, redact=redact or masked).items():
        yield f" {dump(name)}: {dump(value)},\n"
    yield from _array("captures", (capture_fields(capture, clock) for capture in scan.captures))
    yield ",\n"
    yield from _connections(scan.connections, clock, names, redact=redact, reveal=reveal, key=scan.values_key)
    yield ",\n"
    yield from _array("findings", _findings(scan))
    yield "\n}\n"


def _findings(scan: Scan) -> Iterator[Fields]:
    places = FindingLocator(scan)
    for finding in scan.findings:
        yield {**finding_fields(finding), **finding_place(finding, places)}


def _array(name: str, items: Iterable[Fields]) -> Iterator[str]:
    yield f" {dump(name)}: ["
    separator = "\n  "
    for item in items:
        yield separator
        yield dump(item)
        separator = ",\n  "
    yield "]" if separator == "\n  " else "\n ]"


def _connections(
    connections: Iterable[ConnectionResult], clock: Clock, names: FrameNames, *, redact: bool, reveal: bool, key: bytes
) -> Iterator[str]:
    statements = StatementWriter(clock, names, redact=redact, reveal=reveal, key=key)
    yield ' "connections": ['
    separator = "\n  "
    for connection in connections:
        yield separator
        separator = ",\n  "
        yield dump(connection_fields(connection, clock, names, redact=redact, reveal=reveal)).removesuffix("}")
        yield ', "statements": ['
        inner = "\n    "
        for statement in connection.statements:
            yield inner + statements.write(statement)
            inner = ",\n    "
        yield "]}"
    yield "]" if separator == "\n  " else "\n ]"
