"""A scan as one JSON object of schema `aurora-wire/scan/1`: the same bytes for the same result.

Written in pieces, one line for each capture, connection, statement and finding, so that a large result is
never held a second time as text. The schema is `scan.schema.json` beside this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aurora_wire.report.json_fields import (
    Fields,
    capture_fields,
    clean,
    connection_fields,
    dump,
    finding_fields,
    statement_fields,
    summary_fields,
)
from aurora_wire.report.places import Places
from aurora_wire.report.times import Clock
from aurora_wire.verdict.result import ConnectionResult, Scan


def render(scan: Scan, *, redact: bool = False, masked: bool = False) -> Iterator[str]:
    """Pieces of ASCII text; the last ends the line. redact: mask literals in statements and parameters; masked:
    they are so already."""
    clock = Clock(scan.captures)
    yield "{\n"
    for name, value in summary_fields(scan, redact=redact or masked).items():
        yield f" {dump(name)}: {dump(value)},\n"
    yield from _array("captures", (capture_fields(capture, clock) for capture in scan.captures))
    yield ",\n"
    yield from _connections(scan.connections, clock, redact=redact)
    yield ",\n"
    yield from _array("findings", _findings(scan))
    yield "\n}\n"


def _findings(scan: Scan) -> Iterator[Fields]:
    """With the capture that each is in, and the frame's number there, where there are several captures."""
    places = Places(scan)
    for finding in scan.findings:
        fields = finding_fields(finding)
        if len(scan.captures) > 1:
            at = places.capture_at(finding)
            if at is not None:
                fields["capture"] = clean(scan.captures[at].path)
                fields["capture_frame"] = places.frame_of(finding)
        yield fields


def _array(name: str, items: Iterable[Fields]) -> Iterator[str]:
    yield f" {dump(name)}: ["
    separator = "\n  "
    for item in items:
        yield separator
        yield dump(item)
        separator = ",\n  "
    yield "]" if separator == "\n  " else "\n ]"


def _connections(connections: Iterable[ConnectionResult], clock: Clock, *, redact: bool) -> Iterator[str]:
    yield ' "connections": ['
    separator = "\n  "
    for connection in connections:
        yield separator
        separator = ",\n  "
        yield dump(connection_fields(connection, clock, redact=redact)).removesuffix("}")
        yield ', "statements": ['
        inner = "\n    "
        for statement in connection.statements:
            yield inner
            yield dump(statement_fields(statement, clock, redact=redact))
            inner = ",\n    "
        yield "]}"
    yield "]" if separator == "\n  " else "\n ]"
