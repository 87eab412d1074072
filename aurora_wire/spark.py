"""Captures by the thousand on Apache Spark: a data source of segments, and their analysis by flow.

    import aurora_wire.spark

    aurora_wire.spark.register(spark)
    segments = spark.read.format("aurora_wire").load("s3://bucket/night/*.pcap.zst")
    found = aurora_wire.spark.analyze(segments)
    found.connections.where("verdict = 'plaintext'").show()

Needs `pip install 'aurora_wire[spark]'` on the driver and on every executor.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aurora_wire.errors import UsageError
from aurora_wire.ports import DEFAULT_PORTS

if TYPE_CHECKING:
    from aurora_wire.scale.analyse import Analysed

MISSING = "Spark is not installed here. Install it: pip install 'aurora_wire[spark]'"


def register(spark: Any) -> None:
    """Make the format `aurora_wire` known to a SparkSession.

    `spark.read.format("aurora_wire").load(paths)` then gives the segment table of files, folders, patterns and
    addresses: a row for each TCP segment, and one of kind `capture` for what else was read. Options: `rangeBytes`, the
    bytes of a large pcap or pcapng that one task reads (default 256 MiB; 0: all); `ports`. Raises UsageError without
    pyspark or pyarrow.
    """
    _need()
    from aurora_wire.scale.data_source import Captures  # noqa: PLC0415 - Spark is loaded for those who use it

    spark.dataSource.register(Captures)


def analyze(
    segments: Any, *, ports: Sequence[int] = DEFAULT_PORTS, reveal: bool = False, key: bytes | None = None,
    partitions: int | None = None,
) -> Analysed:  # fmt: skip
    """Judge every connection of a segment table, as `scan` does, and return DataFrames of what was found.

    segments: as `load` gives them, or read again from where they were stored. ports: where TLS or undecided streams
    count as MySQL's; reveal: show values, users and secrets as they crossed; without it they are masked with stars, or
    with tokens under `key`, 1 to 64 bytes. partitions: tasks that analyse (None: as Spark's setting for shuffles says).
    `connections`, `statements`, `findings` and `captures` of what is returned have the columns of
    docs/reference/tables.md. Raises UsageError.
    """
    _need()
    from aurora_wire.scale.analyse import analyze as analyse  # noqa: PLC0415 - Spark is loaded for those who use it

    return analyse(segments, ports=ports, reveal=reveal, key=key, partitions=partitions)


def _need() -> None:
    if any(importlib.util.find_spec(module) is None for module in ("pyspark", "pyarrow", "pandas")):
        raise UsageError(MISSING)


__all__ = ["analyze", "register"]
