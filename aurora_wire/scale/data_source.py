"""The data source `aurora_wire` of Spark: captures as the segment table, by files and by ranges of them.

Source: Apache Spark, "Python Data Source API".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema

from aurora_wire.errors import UsageError
from aurora_wire.ports import DEFAULT_PORTS
from aurora_wire.scale.planning import plan
from aurora_wire.scale.segments import Part, read_part, segment_schema

RANGE_BYTES: Final = 256 << 20   # of a capture that is not compressed, that one task reads


class Captures(DataSource):  # type: ignore[misc]
    """`spark.read.format("aurora_wire").load(paths)`.

    Options: rangeBytes: bytes of a pcap or pcapng that one task reads (default 256 MiB; 0: all of it); ports: those of
    MySQL, separated by commas.
    """

    @classmethod
    def name(cls) -> str:
        return "aurora_wire"

    def schema(self) -> Any:
        return from_arrow_schema(segment_schema())

    def reader(self, schema: Any) -> Reader:  # noqa: ARG002 - there is one schema
        return Reader(dict(self.options))


class _Task(InputPartition):  # type: ignore[misc]
    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


class Reader(DataSourceReader):  # type: ignore[misc]
    """Reads captures, a task for each, or for each range of a large one."""

    def __init__(self, options: Mapping[str, str]) -> None:
        given = {name.lower(): value for name, value in options.items()}
        self.paths = _paths(given)
        self.range_bytes = _number(given.get("rangebytes", str(RANGE_BYTES)), "rangeBytes")
        ports = given.get("ports", "")
        self.ports = tuple(_number(one, "ports") for one in ports.split(",")) if ports else DEFAULT_PORTS

    def partitions(self) -> Sequence[Any]:
        return [_Task(part) for part in plan(self.paths, self.range_bytes, self.ports)]

    def read(self, partition: Any) -> Iterator[Any]:
        yield from read_part(partition.part)


def _paths(options: Mapping[str, str]) -> list[str]:
    several = options.get("paths")
    found = list(json.loads(several)) if several else [options["path"]] if options.get("path") else []
    if not found:
        raise UsageError("no path: give .load() a capture, a folder, a pattern or a list of them.")
    if "-" in found:
        raise UsageError("standard input is nothing that several can read. Write it to a file first.")
    return found


def _number(text: str, name: str) -> int:
    if not text.strip().isdecimal():
        raise UsageError(f"{name}: {text!r} is no number.")
    return int(text)
