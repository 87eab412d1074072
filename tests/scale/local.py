"""The tables that Spark gives, made in this process: the same code, with pyarrow's sorting in the place of Spark's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

import aurora_wire
from aurora_wire.report.frame_names import frame_names
from aurora_wire.report.summary import findings_by_connection
from aurora_wire.report.tables import TABLES, connection_row, finding_row, locate_finding, statement_row
from aurora_wire.scale.captures import floors, frames_before, group_parts, loaded
from aurora_wire.scale.flows import Options, analyse_flows
from aurora_wire.scale.planning import plan
from aurora_wire.scale.segments import read_part
from aurora_wire.verdict.result import StatementResult

Table = list[dict[str, Any]]
PORTS = (3306, 33060)
FRAMES = {"frame", "first_frame", "last_frame"}
ORDER = [(name, "ascending") for name in ("flow", "order_ns", "file_no", "range", "frame")]


def segments(paths: Sequence[str | Path], range_bytes: int = 0) -> pa.Table:
    batches = [batch for part in plan([str(path) for path in paths], range_bytes, PORTS) for batch in read_part(part)]
    return pa.Table.from_batches(batches)


def tables(paths: Sequence[str | Path], range_bytes: int = 0, batch_rows: int = 1000) -> dict[str, Table]:
    """Return connections, statements and findings of captures, as tasks of Spark give them."""
    everything = segments(paths, range_bytes)
    captures = everything.filter(pa.compute.equal(everything["kind"], "capture")).to_pylist(maps_as_pydicts="strict")
    parts = group_parts(captures)
    options = Options(PORTS, loaded(parts), frames_before(parts), reveal=True)
    rows = ordered(everything.filter(pa.compute.equal(everything["kind"], "segment")), floors(parts)).sort_by(ORDER)
    results = list(analyse_flows(rows.to_batches(max_chunksize=batch_rows), options))
    found: dict[str, Table] = {}
    for table, name in (("connections", "connection"), ("statements", "statement"), ("findings", "finding")):
        found[table] = [
            row for batch in results for row in batch.column(name).to_pylist(maps_as_pydicts="strict") if row
        ]
    return found


def ordered(rows: pa.Table, known: list[tuple[int, int, int]]) -> pa.Table:
    """Return segments of ranges that count, none ordered before a range that precedes its own: `analyze` does so."""
    numbers = {(file, part): floor for file, part, floor in known}
    found = [numbers.get(key) for key in zip(rows["file_no"].to_pylist(), rows["range"].to_pylist(), strict=True)]
    kept = rows.append_column("floor", pa.array(found, type=pa.int64()))
    kept = kept.filter(pa.compute.is_valid(kept["floor"]))
    place = kept.column_names.index("order_ns")
    latest = pa.compute.max_element_wise(kept["order_ns"], kept["floor"])
    return kept.set_column(place, "order_ns", latest).drop_columns(["floor"])


def expected(paths: Sequence[str | Path]) -> dict[str, Table]:
    """Return the same of `scan`."""
    told: list[tuple[int, StatementResult]] = []
    scan = aurora_wire.scan(
        [str(path) for path in paths], aurora_wire.ScanOptions(keep_statements=0),
        on_statement=lambda number, one: told.append((number, one)),
    )  # fmt: skip
    names = frame_names(scan)
    rules = findings_by_connection(scan)
    rows: dict[str, list[tuple[Any, ...]]] = {
        "connections": [connection_row(c, (f.rule for f in rules.get(c.id, ())), names) for c in scan.connections],
        "statements": [statement_row(number, one, names, reveal=True) for number, one in told],
        "findings": [
            finding_row(one, locate_finding(c, one, names)) for c in scan.connections for one in rules.get(c.id, ())
        ],
    }  # fmt: skip
    made: dict[str, Table] = {}
    for table, values in rows.items():
        described = [dict(zip((column.name for column in TABLES[table]), row, strict=True)) for row in values]
        for row in described:
            number(row, names)
        made[table] = described
    return made


def number(row: dict[str, Any], names: Any) -> None:
    """Give the frames of a row the numbers that they have in their captures."""
    for name, value in row.items():
        if name in FRAMES and value is not None:
            row[name] = names.locate(value)[1]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                number(one, names)


def comparable(found: dict[str, Table]) -> dict[str, list[Any]]:
    """Return tables in an order of their own, with what numbers of connections stand for in the place of these."""
    ends = {
        row["id"]: tuple(row[name] for name in (
            "client_address", "client_port", "server_address", "server_port", "capture", "first_frame",
        ))
        for row in found["connections"]
    }  # fmt: skip
    made: dict[str, list[Any]] = {}
    for table, rows in found.items():
        seen: list[Any] = []
        for row in rows:
            plain = {name: settled(value) for name, value in row.items()}
            if "id" in plain:
                plain["id"] = None
            if "connection" in plain:
                plain["connection"] = ends.get(row["connection"])
            for name in ("first_time", "last_time", "time"):
                plain.pop(name, None)   # the columns in ns say the same
            seen.append(plain)
        made[table] = sorted(seen, key=repr)
    return made


def settled(value: Any) -> Any:
    """Return a value with maps as dicts and nothing for what is empty."""
    if isinstance(value, list | tuple) and value and isinstance(value[0], tuple):
        value = dict(value)
    if isinstance(value, dict):
        return {name: settled(inner) for name, inner in sorted(value.items())} or None
    if isinstance(value, list | tuple):
        return [settled(one) for one in value] or None
    return value


def differences(found: dict[str, Table], told: dict[str, Table]) -> list[str]:
    """Return in words where tables differ; none where they are the same."""
    ours, theirs = comparable(found), comparable(told)
    words: list[str] = []
    for table, rows in theirs.items():
        if len(ours[table]) != len(rows):
            words.append(f"{table}: {len(ours[table])} rows, scan has {len(rows)}")
        for one, other in zip(ours[table], rows, strict=False):
            words += [
                f"{table}.{name}: {one[name]!r}, scan has {other[name]!r}" for name in other if one[name] != other[name]
            ]
    return words
