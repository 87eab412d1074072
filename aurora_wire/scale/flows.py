"""Analyses flows: rows of the segment table in, rows of connections, statements and findings out.

Rows come sorted by flow and, in each, by time: an engine is fed one flow after the other, batch by batch, so that a
flow of any size takes no more memory than a connection of `scan` does. What a connection is, and its verdict, is what
`scan` would say of the same frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.immutable import immutable, replace
from aurora_wire.redact.masker import Masker
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.html.connections import hide
from aurora_wire.report.parquet import arrow_schema
from aurora_wire.report.tables import (
    CONNECTIONS,
    FINDINGS,
    STATEMENTS,
    Column,
    connection_row,
    finding_row,
    locate_finding,
    statement_row,
)
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, StatementResult
from aurora_wire.wire.decoding import anomalies

TOLD: Final = 250            # frames after which statements are told, as `scan` tells them
OUT_ROWS: Final = 2_000      # of a batch of results
RENEWED: Final = 10_000      # flows after which what an analysis counts of all is dropped
RESULTS: Final = (("connection", CONNECTIONS), ("statement", STATEMENTS), ("finding", FINDINGS))
Row = tuple[Any, ...]


@immutable
class Loaded:
    """A capture whose segments are analysed. ends_ns: where it breaks off, by the order of frames; -1: it does not."""

    path: str
    undated: bool
    ends_ns: int


@immutable
class Options:
    """How flows are analysed.

    before: frames in the ranges before each, by number of file and range; reveal: show what crossed; key: mask with
    tokens under it (None: with stars).
    """

    ports: tuple[int, ...]
    captures: tuple[Loaded, ...]
    before: dict[tuple[int, int], int]
    reveal: bool = False
    key: bytes | None = None


@lru_cache(maxsize=1)
def result_schema() -> Any:
    """Return the columns of results as a pyarrow.Schema: a record each of connection, statement and finding."""
    import pyarrow as pa  # noqa: PLC0415 - for executors only

    return pa.schema([(name, pa.struct(list(arrow_schema(columns)))) for name, columns in RESULTS])


def analyse_flows(batches: Iterable[Any], options: Options) -> Iterator[Any]:
    """Yield batches of results of sorted batches of segments, as pyarrow.RecordBatches."""
    flows = _Flows(options)
    for batch in batches:
        flows.take(batch)
        yield from flows.results(OUT_ROWS)
    flows.end_flow()
    yield from flows.results(1)


@dataclass(slots=True)
class _Flow:
    """The flow whose rows come now. number: of the last frame fed, which goes on over captures."""

    key: bytes
    first_id: int
    places: FramePlaces
    number: int = 0
    shift: tuple[int, int] = (-1, 0)   # file, and how much `number` is ahead of its frames
    broken: int = 0                    # captures that have broken off by now
    fed: int = 0
    fragments: dict[int, int] = field(default_factory=dict)   # the last one fed of each capture


class _Flows:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.captures = [CaptureResult(one.path, "", None, None, 0, undated=one.undated) for one in options.captures]
        self.broken = sorted(one.ends_ns for one in options.captures if one.ends_ns >= 0)
        self.several = len(self.captures) > 1
        self.flow: _Flow | None = None
        self.names = FrameNames(self.captures, FramePlaces(), several=True)
        self.rows: dict[str, list[Row]] = {name: [] for name, _ in RESULTS}
        self.analysed = 0
        self.masker = None if options.key is None or options.reveal else Masker(options.key)
        self.renew()

    def renew(self) -> None:
        """Begin with an engine that has counted nothing."""
        self.analysis = Analysis(
            ScanOptions(self.options.ports, keep_statements=0), max_results=0, on_statement=self.statement,
            on_connection=self.connection,
        )  # fmt: skip
        self.analysis.seen_in = {} if self.several else None

    def take(self, batch: Any) -> None:
        """Take rows, of one flow or of several."""
        table = {name: batch.column(name).to_pylist() for name in (
            "flow", "file_no", "range", "frame", "time_ns", "order_ns", "link_type", "original_len", "data", "earlier",
        )}  # fmt: skip
        for row in zip(*table.values(), strict=True):
            if self.flow is None or row[0] != self.flow.key:
                self.end_flow()
                self.begin_flow(row[0])
            self.feed(*row[1:])

    def begin_flow(self, key: bytes) -> None:
        self.analysed += 1
        if self.analysed % RENEWED == 0:
            self.renew()
        places = FramePlaces()
        self.flow = _Flow(key, int(self.analysis.engine.next_id), places)
        self.names = FrameNames(self.captures, places, several=True)

    def feed(
        self, file: int, part: int, frame: int, time_ns: int, order_ns: int, link_type: int, original: int,
        data: bytes, earlier: list[dict[str, Any]] | None,
    ) -> None:  # fmt: skip
        """Feed a segment's frame, after the fragments that may belong to it."""
        flow, engine = self.flow, self.analysis.engine
        if flow is None:
            return
        while flow.broken < len(self.broken) and order_ns > self.broken[flow.broken]:
            self.break_off(flow)
        engine.source = file
        before = self.options.before.get((file, part), 0)
        for one in earlier or ():
            number, length = one["frame"] + before, one["original_len"]
            if number <= flow.fragments.get(file, 0):
                continue   # it came with a row before this one
            flow.fragments[file] = number
            self._feed(flow, file, number, one["time_ns"], one["link_type"], length, one["data"])
        self._feed(flow, file, frame + before, time_ns, link_type, original, data)
        if self.analysis.seen_in is not None:
            connection = engine.last_connection()
            if connection is not None:
                number = int(connection.facts.id)
                self.analysis.seen_in[number] = self.analysis.seen_in.get(number, 0) | 1 << file
        flow.fed += 1
        if flow.fed % TOLD == 0:
            self.analysis.collect()

    def _feed(
        self, flow: _Flow, file: int, frame: int, time_ns: int, link_type: int, original: int, data: bytes
    ) -> None:
        engine = self.analysis.engine
        flow.number = max(flow.number + 1, frame)   # of one capture they are its own
        shift = file, flow.number - frame
        if shift != flow.shift:
            flow.places.add(flow.number, file, frame)
            flow.shift = shift
        engine.frames = flow.number - 1
        engine.feed(data, 0, len(data), original, time_ns, link_type)

    def break_off(self, flow: _Flow) -> None:
        """Note on what is open that a capture has broken off."""
        self.analysis.engine.note_open(anomalies.DAMAGED_FILE)
        flow.broken += 1

    def end_flow(self) -> None:
        """End the flow: what it brought is told."""
        flow = self.flow
        if flow is None:
            return
        while flow.broken < len(self.broken):
            self.break_off(flow)
        self.analysis.engine.finish()
        self.analysis.collect()
        self.flow = None

    def number_connection(self, connection: int) -> int:
        """Return the number of a connection that it has in every run over the same segments."""
        flow = self.flow
        if flow is None:
            return 0
        name = flow.key + (connection - flow.first_id).to_bytes(8, "big", signed=True)
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") >> 1

    def statement(self, connection: int, statement: StatementResult) -> None:
        self._statement(connection, statement, "clear")

    def _statement(self, connection: int, statement: StatementResult, crossed: str) -> None:
        options = self.options
        one = statement if self.masker is None else self.masker.statement(statement)
        self.rows["statement"].append(self.placed(STATEMENTS, statement_row(
            self.number_connection(connection), one, self.names, crossed=crossed,
            redact=not options.reveal and self.masker is None, reveal=options.reveal,
        )))  # fmt: skip

    def connection(self, connection: ConnectionResult, found: list[Finding]) -> None:
        stars = not self.options.reveal and self.masker is None
        shown = replace(connection, id=self.number_connection(connection.id))
        decrypted = None if connection.tls is None else connection.tls.decrypted
        for statement in () if decrypted is None else decrypted.statements:
            self._statement(connection.id, statement, "TLS")
        if stars:
            shown = hide(shown)
        elif self.masker is not None:
            shown = self.masker.connection(shown)
        row = connection_row(shown, (one.rule for one in found), self.names, redact=stars)
        self.rows["connection"].append(self.placed(CONNECTIONS, row))
        for one in found:
            place = locate_finding(connection, one, self.names)
            self.rows["finding"].append(self.placed(FINDINGS, finding_row(replace(one, connection=shown.id), place)))

    def placed(self, columns: Sequence[Column], row: Row) -> Row:
        """Return a row with the numbers that frames have in their captures."""
        return tuple(
            self._number(column.name, value) if column.name in _FRAMES
            else [self._inside(one) for one in value] if column.kind == "rows" and value
            else value
            for column, value in zip(columns, row, strict=True)
        )  # fmt: skip

    def _inside(self, record: dict[str, Any]) -> dict[str, Any]:
        return {name: self._number(name, value) if name in _FRAMES else value for name, value in record.items()}

    def _number(self, name: str, frame: int | None) -> int | None:
        place = None if frame is None or name == "" else self.names.locate(frame)
        return frame if place is None else place[1]

    def results(self, least: int) -> Iterator[Any]:
        """Yield what there is as batches, if it is so many rows."""
        if sum(map(len, self.rows.values())) < least:
            return
        import pyarrow as pa  # noqa: PLC0415 - for executors only

        schema = result_schema()
        for name, columns in RESULTS:
            rows, self.rows[name] = self.rows[name], []
            if not rows:
                continue
            fields = list(arrow_schema(columns))
            arrays = [
                pa.array(values, type=one.type) for values, one in zip(zip(*rows, strict=True), fields, strict=True)
            ]
            filled = pa.StructArray.from_arrays(arrays, fields=fields)
            whole = [filled if one.name == name else pa.nulls(len(rows), one.type) for one in schema]
            yield pa.RecordBatch.from_arrays(whole, schema=schema)


_FRAMES: Final = frozenset({"frame", "first_frame", "last_frame"})

