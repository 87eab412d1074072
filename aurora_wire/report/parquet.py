"""Tables as Parquet files (`tables.py` has their columns), written in row groups while the scan runs.

Needs pyarrow, which is imported when the first file is begun. Everything from the wire is a value in a column here:
nothing is escaped, as nothing acts on what reads it.

Sources: Apache Parquet, "File Format"; Arrow columnar format.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from aurora_wire._version import VERSION
from aurora_wire.errors import UsageError
from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.frame_names import FrameNames, frame_names
from aurora_wire.report.json_text import clean
from aurora_wire.report.tables import (
    CAPTURES,
    CONNECTIONS,
    FINDINGS,
    SCHEMA,
    STATEMENTS,
    Column,
    Row,
    capture_row,
    connection_row,
    finding_row,
    locate_finding,
    statement_row,
)
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, Scan, StatementResult

if TYPE_CHECKING:
    from aurora_wire.redact.masker import Masker

GROUP_ROWS: Final = 20_000        # of a row group
GROUP_BYTES: Final = 8 << 20      # of text in it, as far as counted
ROW_COST: Final = 400             # bytes that count for a row without its text
MISSING: Final = "parquet needs pyarrow. Install it: pip install 'aurora_wire[parquet]'"


def require_pyarrow() -> None:
    """Raise UsageError if pyarrow is missing: before captures are read, not after."""
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(MISSING)


def arrow_schema(columns: Sequence[Column]) -> Any:
    """Return the columns of a table as a pyarrow.Schema. Raises UsageError without pyarrow."""
    require_pyarrow()
    import pyarrow as pa  # noqa: PLC0415 - a large library, for these files only

    simple = {
        "string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), "boolean": pa.bool_(), "double": pa.float64(),
        "binary": pa.binary(), "time": pa.timestamp("us", tz="UTC"), "strings": pa.list_(pa.string()),
        "texts": pa.map_(pa.string(), pa.string()), "counts": pa.map_(pa.string(), pa.int64()),
    }  # fmt: skip

    def find_arrow_type(column: Column) -> Any:
        if column.kind == "rows":
            return pa.list_(pa.struct([(inner.name, find_arrow_type(inner)) for inner in column.inner]))
        return simple[column.kind]

    return pa.schema(
        [pa.field(column.name, find_arrow_type(column), metadata={"description": column.about}) for column in columns],
        metadata={"aurora_wire.schema": SCHEMA, "aurora_wire.version": VERSION},
    )


class _Sink:
    """What pyarrow writes to: `write` of an output. After a failure it takes all and does nothing with it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._at = 0
        self.closed = False
        self.failed = False
        self.mode = "wb"

    def write(self, data: object) -> int:
        given = bytes(data)  # type: ignore[call-overload]
        if not self.failed:
            try:
                self._write(given)
            except BaseException:
                self.failed = True
                raise
        self._at += len(given)
        return len(given)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Do nothing: the output is flushed by who opened it."""

    def close(self) -> None:
        self.closed = True


class Table:
    """One Parquet file that is being written. Rows are held until a row group is full."""

    def __init__(self, columns: Sequence[Column], write: Callable[[bytes], object]) -> None:
        """Begin the file. write: takes its bytes. Raises what `write` raises, here and below."""
        self._schema = arrow_schema(columns)
        import pyarrow.parquet  # noqa: PLC0415

        self._sink = _Sink(write)
        self._rows: list[Row] = []
        self._size = 0
        self._writer = pyarrow.parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def add(self, row: Row, size: int = 0) -> None:
        """Add a row. size: bytes of its text, roughly."""
        self._rows.append(row)
        self._size += size + ROW_COST
        if len(self._rows) >= GROUP_ROWS or self._size >= GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow as pa  # noqa: PLC0415

        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(values, type=one.type) for values, one in zip(columns, self._schema, strict=True)]
        self._rows = []
        self._size = 0
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self, about: dict[str, str]) -> None:
        """End the file. about: what is said of the whole, by name, in the file's metadata."""
        if self._rows:
            self._write_group()
        self._writer.add_key_value_metadata({f"aurora_wire.{name}": clean(value) for name, value in about.items()})
        self._writer.close()


class TableStream:
    """Writes one table while the scan runs: a ReportStream. Subclasses take what their table has."""

    columns: Sequence[Column] = ()

    def __init__(
        self, write: Callable[[bytes], object], *, redact: bool = False, reveal: bool = False,
        masker: Masker | None = None,
    ) -> None:  # fmt: skip
        """Begin the file. redact: mask with stars; masker: with tokens; reveal: show passwords and keys too."""
        self.table = Table(self.columns, write)
        self.names = FrameNames(())
        self.redact = redact and masker is None
        self.reveal = reveal
        self.masker = masker

    def begin(self, captures: list[CaptureResult], places: FramePlaces, count: int) -> None:
        self.names = FrameNames(captures, places, several=count > 1)

    def statement(self, connection: int, statement: StatementResult) -> None:
        """Take a statement."""

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        """Take a connection that was judged."""

    def rest(self, scan: Scan) -> None:
        """Take what is known at the end only."""

    def finish(self, scan: Scan) -> None:
        self.rest(scan)
        self.table.close({
            "verdict": scan.verdict, "confidence": scan.confidence or "", "closing": scan.closing,
            "exit_code": str(scan.exit_code), "redacted": str(self.redact or self.masker is not None).lower(),
        })  # fmt: skip

    def masked(self, connection: ConnectionResult) -> ConnectionResult:
        """Return a connection as it may be shown."""
        if self.masker is not None:
            return self.masker.connection(connection)
        if self.redact:
            from aurora_wire.report.html.connections import hide  # noqa: PLC0415 - for masked tables only

            return hide(connection)
        return connection


class Connections(TableStream):
    columns = CONNECTIONS

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        shown = self.masked(connection)
        row = connection_row(shown, (one.rule for one in findings), self.names, redact=self.redact)
        self.table.add(row, sum(len(one.text) for one in shown.reasons))


class Statements(TableStream):
    columns = STATEMENTS

    def statement(self, connection: int, statement: StatementResult) -> None:
        self._add(connection, statement, "clear")

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:  # noqa: ARG002
        """Take what a key log showed to be inside."""
        decrypted = None if connection.tls is None else connection.tls.decrypted
        for statement in () if decrypted is None else decrypted.statements:
            self._add(connection.id, statement, "TLS")

    def _add(self, connection: int, statement: StatementResult, crossed: str) -> None:
        one = statement if self.masker is None else self.masker.statement(statement)
        row = statement_row(
            connection, one, self.names, crossed=crossed, redact=self.redact, reveal=self.reveal
        )
        self.table.add(row, len(one.sql) + sum(len(p.value) for p in one.parameters))


class Findings(TableStream):
    columns = FINDINGS

    def connection(self, connection: ConnectionResult, findings: list[Finding]) -> None:
        for one in findings:
            self.table.add(finding_row(one, locate_finding(connection, one, self.names)), len(one.detail))

    def rest(self, scan: Scan) -> None:
        places = FindingLocator(scan)
        for one in scan.findings:
            if one.connection is None:
                at = places.capture_at(one)
                path = None if at is None else clean(places.names.path(at))
                self.table.add(finding_row(one, (path, places.find_frame(one) if at is not None else None)))


class Captures(TableStream):
    columns = CAPTURES

    def rest(self, scan: Scan) -> None:
        self.names = frame_names(scan)
        for one in scan.captures:
            self.table.add(capture_row(one))
