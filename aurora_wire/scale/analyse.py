"""Segments of any number of captures to connections, statements and findings, as DataFrames of Spark.

Segments are sent to tasks by flow and sorted there by time, on disk where that takes it; each task then analyses its
flows one after the other (`flows.py`). So both directions of a conversation meet, whichever tap or file had them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pyspark import StorageLevel
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import from_arrow_schema

from aurora_wire.errors import UsageError
from aurora_wire.immutable import immutable
from aurora_wire.ports import DEFAULT_PORTS
from aurora_wire.report.parquet import arrow_schema
from aurora_wire.report.tables import CAPTURES, FINDINGS, Column, Row, capture_row
from aurora_wire.scale.captures import (
    counts_alone,
    findings_of_capture,
    floors,
    frames_before,
    group_parts,
    joined,
    loaded,
)
from aurora_wire.scale.flows import Options, analyse_flows, result_schema
from aurora_wire.scale.segments import CAPTURE, SEGMENT

RANGE: Final = ("file_no", "range")


@immutable
class Analysed:
    """What segments showed, as DataFrames with the columns of docs/reference/tables.md.

    connections, statements, findings, captures: the tables. Numbers of frames are those in their captures, `id` is the
    same in every run. `results` is what the first three are made of; `unpersist` lets go of it.
    """

    connections: Any
    statements: Any
    findings: Any
    captures: Any
    results: Any

    def unpersist(self) -> None:
        """Drop what was kept of the results."""
        self.results.unpersist()


def analyze(
    segments: Any, *, ports: Sequence[int] = DEFAULT_PORTS, reveal: bool = False, key: bytes | None = None,
    partitions: int | None = None,
) -> Analysed:  # fmt: skip
    """Judge every connection of a segment table, as `scan` does.

    segments: what `spark.read.format("aurora_wire").load(...)` gives, or the same read from where it was stored.
    ports: where TLS or undecided streams count as MySQL's; reveal: show values, users and secrets as they crossed;
    without it they are masked with stars, or with tokens under `key`, 1 to 64 bytes, the same for the same value in
    every analysis with this key. partitions: how many tasks analyse flows (None: as Spark's setting for shuffles says).
    The captures' own rows are read when this is called (store the segments first where that takes long), all else when
    a table is asked for. Raises UsageError for a key that is none, and for segments that are not of one load.
    """
    if key is not None and not 1 <= len(key) <= 64:
        raise UsageError("a key has 1 to 64 bytes.")
    spark = segments.sparkSession
    given = segments.where(f.col("kind") == CAPTURE).drop("data", "earlier", "flow")
    parts = group_parts(row.asDict() for row in given.collect())
    captures = [joined(of_file) for of_file in parts]
    options = Options(tuple(ports), loaded(parts), frames_before(parts), reveal, key)
    rows = _ordered(segments.where(f.col("kind") == SEGMENT), parts, spark)
    by_flow = rows.repartition(f.col("flow")) if partitions is None else rows.repartition(partitions, f.col("flow"))
    in_order = by_flow.sortWithinPartitions("flow", "order_ns", "file_no", "range", "frame").select(
        "flow", *RANGE, "frame", "time_ns", "order_ns", "link_type", "original_len", "data", "earlier"
    )
    results = in_order.mapInArrow(_Work(options), from_arrow_schema(result_schema()))
    results = results.persist(StorageLevel.MEMORY_AND_DISK)
    connections, statements, found = (
        results.where(f.col(name).isNotNull()).select(f"{name}.*") for name in ("connection", "statement", "finding")
    )
    of_captures = [row for one in captures for row in findings_of_capture(one)]
    return Analysed(
        connections, statements, found.unionByName(_frame(spark, of_captures, FINDINGS)),
        _frame(spark, [capture_row(one) for one in captures], CAPTURES), results,
    )  # fmt: skip


def _ordered(rows: Any, parts: Sequence[Sequence[Mapping[str, Any]]], spark: Any) -> Any:
    """Return segments without those of ranges that do not count, none ordered before a range that precedes its own."""
    if all(row["range"] == 0 and counts_alone(row) for of_file in parts for row in of_file):
        return rows
    known = spark.createDataFrame(floors(parts), "file_no int, range int, floor long")
    joined = rows.join(f.broadcast(known), list(RANGE), "inner")
    return joined.withColumn("order_ns", f.greatest("order_ns", "floor")).drop("floor")


def _frame(spark: Any, rows: Sequence[Row], columns: Sequence[Column]) -> Any:
    """Return rows of a table as a DataFrame."""
    import pyarrow as pa  # noqa: PLC0415 - for drivers only

    schema = arrow_schema(columns)
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(column, type=field.type) for column, field in zip(values, schema, strict=True)]
    return spark.createDataFrame(pa.Table.from_arrays(arrays, schema=schema), from_arrow_schema(schema))


class _Work:
    """The work of a task, with all that it needs."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return analyse_flows(batches, self.options)
