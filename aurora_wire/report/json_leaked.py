"""The objects of `aurora-wire/scan/1` that say what leaked: classes of data, and statements in groups."""

from __future__ import annotations

from aurora_wire.redact.groups import masked_example, shown_fingerprint
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.json_text import Fields, bytes_fields, clean, counts
from aurora_wire.report.timestamps import find_clock
from aurora_wire.report.values import told_values
from aurora_wire.verdict.result import LeakedClass, Scan
from aurora_wire.verdict.rules.data import RULE_OF
from aurora_wire.verdict.rules.registry import RULES


def place_fields(names: FrameNames, frame: int | None) -> Fields:
    """Return the capture that a frame is in and its number there; nothing where there is one capture."""
    place = names.locate(frame) if names.several and frame is not None else None
    return {} if place is None else {"capture": clean(names.path(place[0])), "capture_frame": place[1]}


def leaked_class_fields(leaked: LeakedClass, key: bytes = b"") -> Fields:
    rule = RULES[RULE_OF[leaked.data]]
    return {
        "class": leaked.data,
        "severity": rule.severity,
        "rule": rule.id,
        "count": leaked.count,
        "from": dict(sorted(leaked.origins.items())),
        "connections": leaked.connections,
        "frame": leaked.frame,
        "columns": [clean(one) for one in leaked.columns],
        "last": [clean(one) for one in leaked.last],
        "first_values": [
            {"hash": hashed, "last": last or None, "columns": [clean(one) for one in columns]}
            for hashed, last, columns in told_values(leaked, key)
        ],
    }


def group_fields(scan: Scan, *, redact: bool) -> Fields:
    """Return the groups of statements, where they were asked for."""
    if scan.groups is None:
        return {}
    clock = find_clock(scan)
    names = frame_names(scan)
    made = [
        {
            **bytes_fields("fingerprint", shown_fingerprint(one.fingerprint, redact=redact)),
            "command": one.command,
            "count": one.count,
            "bytes": one.bytes,
            "connections": one.connections,
            "leaked": counts(one.leaked),
            "first_time": clock.show(one.frame, one.first_time_ns),
            "last_time": clock.show(one.frame, one.last_time_ns),
            "frame": one.frame,
            **bytes_fields("example", masked_example(one)),
            "complete": one.complete,
            **({} if one.tables is None else {"tables": [clean(name) for name in one.tables]}),
            **({} if one.columns is None else {"columns": [clean(name) for name in one.columns]}),
            **place_fields(names, one.frame),
        }
        for one in scan.groups
    ]
    return {"statement_groups": made, "not_grouped": scan.not_grouped}
