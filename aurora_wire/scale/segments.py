"""The segment table: a row for each TCP segment of captures, and one for each capture that says what else was in it.

Rows are made by the same dissection that `scan` does, in batches of bounded size. A row holds its frame as it was
captured: who analyses a flow feeds the engine with these, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop
from typing import TYPE_CHECKING, Any, Final

from aurora_wire.analysis.analysis import Analysis
from aurora_wire.analysis.options import ScanOptions
from aurora_wire.binary import u16_be, u32_be
from aurora_wire.capture.files.addresses import shown
from aurora_wire.capture.files.open import Capture, open_capture
from aurora_wire.capture.files.pcapng import PcapngSource
from aurora_wire.capture.frame_source import BlockSource, FrameSource
from aurora_wire.errors import AuroraWireError, CaptureError, UsageError
from aurora_wire.immutable import immutable
from aurora_wire.report.json_text import clean
from aurora_wire.report.parquet import arrow_schema
from aurora_wire.report.tables import Column
from aurora_wire.scale.lead_in import Waiting, read_lead_in
from aurora_wire.scale.ranges import PartFile, Range, is_changed
from aurora_wire.verdict.result import CaptureResult
from aurora_wire.wire.flows.skipped_frames import count_skipped
from aurora_wire.wire.net.skip_reasons import FRAGMENT_WAITING, TCP

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH_ROWS: Final = 8_192
BATCH_BYTES: Final = 4 << 20     # of frames in a batch
SEGMENT, CAPTURE = "segment", "capture"
NOTED: Final = "packets"         # drops noted at packets, among those of a range

_FRAME: Final = (
    Column("frame", "int64", "number of the frame in the range; 0 and below: before the range"),
    Column("time_ns", "int64", "its time"),
    Column("link_type", "int32", "LINKTYPE_ number"),
    Column("original_len", "int64", "bytes on the wire"),
    Column("data", "binary", "the frame"),
)
SEGMENTS: Final = (
    Column("kind", "string", "segment; capture: what was read of a capture, or of a range of it"),
    Column("file", "string", "the capture, without secrets of its address"),
    Column("file_no", "int32", "its number among those that were loaded, from 0"),
    Column("range", "int32", "which range of it, from 0"),
    Column("frame", "int64", "number of the frame in its range, from 1"),
    Column("time_ns", "int64", "in ns since 1970 UTC, as captured; -1: none"),
    Column("order_ns", "int64", "the time that orders frames: its clock's error off, and no earlier than the last"),
    Column("link_type", "int32", "LINKTYPE_ number"),
    Column("original_len", "int64", "bytes of the frame on the wire"),
    Column("network", "int64", "of VLAN, VNI and the like; 0: none"),
    Column("src", "string", "address of the sender"),
    Column("dst", "string", "address of the receiver"),
    Column("src_port", "int32", "of TCP"),
    Column("dst_port", "int32", "of TCP"),
    Column("seq", "int64", "sequence number"),
    Column("ack", "int64", "acknowledgement number"),
    Column("flags", "int32", "of TCP"),
    Column("window", "int32", "as the header has it"),
    Column("payload_len", "int64", "bytes of payload on the wire"),
    Column("payload_at", "int32", "where the payload begins in `data`, from 0; -1: it came in fragments"),
    Column("payload_captured", "int32", "bytes of payload that are there"),
    Column("flow", "binary", "addresses and ports of both ends, the same for both directions"),
    Column("data", "binary", "the frame, as captured"),
    Column("earlier", "rows", "IP fragments that came before it, and may be of its datagram", _FRAME),
    Column("format", "string", "of the capture (this and what follows: of rows of kind capture)"),
    Column("compression", "string", "of the capture"),
    Column("sha256", "string", "of the file; null for a range"),
    Column("bytes", "int64", "stored ones that were read"),
    Column("packets", "int64", "frames of any kind"),
    Column("first_time_ns", "int64", "of the first frame"),
    Column("last_time_ns", "int64", "of the last frame"),
    Column("undated", "boolean", "times are times of day"),
    Column("error", "string", "what is wrong with it, and where"),
    Column("truncated_packets", "int64", "cut by the snaplen"),
    Column("dropped_packets", "int64", "by the capturing host; null for a range"),
    Column("drops", "counts", "likewise, of a range of a pcapng: by section:interface as last counted, and at packets"),
    Column("to_end", "boolean", "it was read to the end of the capture: rows of the ranges behind it do not count"),
    Column("link_types", "strings", "by name"),
    Column(
        "skipped", "counts", "frames that hold no TCP segment, by reason; of a range below 0 where IP fragments came "
        "whole that count as lost in those before",
    ),
)  # fmt: skip
_NAMES: Final = tuple(column.name for column in SEGMENTS)
_OF_SEGMENTS: Final = _NAMES.index("format")
Row = tuple[Any, ...]


@immutable
class Part:
    """What one task reads: a range of a capture. shift_ns: by how much its clock is behind."""

    path: str
    file_no: int
    number: int
    range: Range
    shift_ns: int
    ports: tuple[int, ...]


def read_part(part: Part) -> Iterator[Any]:
    """Yield the rows of a part as pyarrow.RecordBatches; the last row is that of the capture, whatever happens."""
    reading = _Reading(part)
    rows: list[Row] = []
    size = 0
    for row, cost in reading.rows():
        rows.append(row)
        size += cost
        if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield make_batch(rows)
            rows, size = [], 0
    rows.append(reading.of_capture())
    yield make_batch(rows)


@lru_cache(maxsize=1)
def segment_schema() -> Any:
    """Return the columns as a pyarrow.Schema."""
    return arrow_schema(SEGMENTS)


def make_batch(rows: Sequence[Row]) -> Any:
    """Return rows as a pyarrow.RecordBatch."""
    import pyarrow as pa  # noqa: PLC0415 - for executors only

    schema = segment_schema()
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


@lru_cache(maxsize=4096)
def _format_address(address: bytes) -> str:
    return inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)


def count_drops(source: PcapngSource) -> list[tuple[str, int]]:
    """Return what a range says of packets that were lost: what puts ranges together needs more than their number."""
    counted = ((f"{int(key) >> 32}:{int(key) & 0xFFFFFFFF}", int(count)) for key, count in source.counted_drops.items())
    noted = [(NOTED, int(source.noted_drops))] if source.noted_drops >= 0 else []
    return sorted(counted) + noted


class _Reading:
    """A part that is being read."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.path = shown(part.path)
        # It counts what a scan counts of a capture; no frame is fed to it.
        self.analysis = Analysis(ScanOptions(part.ports))
        self.result = CaptureResult(self.path, "", None, None, 0)
        self.analysis.begin(self.result)
        self.waiting = Waiting()
        self.latest = -1
        self.end = part.range.end
        self.to_end = False
        self.drops: list[tuple[str, int]] | None = None   # of a range

    def rows(self) -> Iterator[tuple[Row, int]]:
        """Yield rows of segments, each with the bytes of its frame."""
        result, part = self.result, self.part
        try:
            if part.range.begin == 0 and part.range.end < 0:
                with open_capture(part.path) as capture:
                    result.format, result.compression = capture.format, capture.compression
                    yield from self._guarded(capture.source, capture)
                    result.error = result.error or capture.damage
                    self.analysis.describe_capture(result, capture, int(self.analysis.engine.frames))
            else:
                result.format = part.range.format
                yield from self._range()
                self.analysis.end(result)
        except AuroraWireError as error:   # it could not be opened
            if isinstance(error, UsageError) and "pip install" in str(error):
                raise
            result.format = result.format or "unreadable"
            result.error = str(error)
            self.analysis.end(result)
        result.complete = result.error is None

    def _range(self) -> Iterator[tuple[Row, int]]:
        part = self.part.range
        before = read_lead_in(self.part.path, part, self.analysis.engine.ports)
        self.analysis.begin_range(None if before is None else before.locator)
        if before is not None:
            self.waiting = before.waiting
        file = PartFile(self.part.path, part)
        try:
            source = file.open_frames(self.path)
            yield from self._guarded(source, None, file)
            self.result.bytes = file.place(int(source.base + source.next)) - part.begin
            if isinstance(source, PcapngSource):
                self.drops = count_drops(source)
        finally:
            file.close()

    def _guarded(
        self, source: FrameSource, capture: Capture | None, file: PartFile | None = None
    ) -> Iterator[tuple[Row, int]]:
        """Yield rows up to where the capture ends or is damaged."""
        engine, locator = self.analysis.engine, self.analysis.engine.locator
        part = self.part
        try:
            while not self._at_border(source, file) and source.advance():
                engine.frames += 1
                frame, time_ns = int(engine.frames), int(source.time_ns)
                captured, original = int(source.captured_len), int(source.original_len)
                link_type = int(source.link_type)
                if time_ns >= 0:
                    self.latest = max(self.latest, time_ns + part.shift_ns)
                    engine.now = time_ns
                if engine.first_time < 0:
                    engine.first_time = time_ns
                if link_type != engine.last_link:
                    engine.last_link = link_type
                    engine.link_types[link_type] = 1
                if captured < original:
                    engine.truncated_frames += 1
                at = int(source.at)
                reason = locator.locate(source.buffer, at, captured, original, link_type)
                if reason != TCP:
                    count_skipped(engine, frame, reason)
                    if reason == FRAGMENT_WAITING:
                        self.waiting.add(frame, source)
                    continue
                data = source.buffer[at : at + captured]
                yield self._row(frame, time_ns, link_type, original, data, source, at), len(data)
        except CaptureError as error:
            offset = error.offset if file is None or error.offset < 0 else file.place(error.offset)
            self.result.error = str(CaptureError(error.path, offset, error.reason))
        if capture is not None:
            self.result.undated = capture.undated

    def _at_border(self, source: FrameSource, file: PartFile | None) -> bool:
        """Return whether the range is read.

        What begins at its border may not be read without it: where the border lies inside a record, or where something
        was described since the head that holds for what follows. Then this range goes on to the end of the capture, and
        those behind it do not count: what comes out is what one task would have read.
        """
        if file is None or self.end < 0 or not isinstance(source, BlockSource):
            return False
        place = file.place(int(source.base + source.next))
        if place < self.end:
            return False
        if place == self.end and not is_changed(source, self.part.range):
            return True
        self.end = -1
        self.to_end = True
        return False

    def _row(
        self, frame: int, time_ns: int, link_type: int, original: int, data: bytes, source: FrameSource, at: int
    ) -> Row:  # fmt: skip
        locator = self.analysis.engine.locator
        buffer = locator.buffer
        is_whole = buffer is source.buffer
        place, tcp_at = int(locator.addresses_at), int(locator.tcp_at)
        size = 4 if locator.ip_version == 4 else 16
        src, dst = buffer[place : place + size], buffer[place + size : place + 2 * size]
        ports = buffer[tcp_at : tcp_at + 4]
        ends = sorted((src + ports[:2], dst + ports[2:]))
        return (
            SEGMENT, self.path, self.part.file_no, self.part.number, frame, time_ns, self.latest, link_type, original,
            int(locator.network), _format_address(src), _format_address(dst), int.from_bytes(ports[:2], "big"),
            int.from_bytes(ports[2:], "big"), int(u32_be(buffer, tcp_at + 4)), int(u32_be(buffer, tcp_at + 8)),
            buffer[tcp_at + 13], int(u16_be(buffer, tcp_at + 14)), int(locator.payload_len),
            int(locator.payload_at) - at if is_whole else -1, int(locator.captured_end - locator.payload_at),
            ends[0] + ends[1], data, None if is_whole else list(self.waiting.frames),
            *(None,) * (len(_NAMES) - _OF_SEGMENTS),
        )  # fmt: skip

    def of_capture(self) -> Row:
        """Return the row of the capture, or of the range."""
        one, part = self.result, self.part
        row: dict[str, object] = {
            "kind": CAPTURE, "file": clean(self.path), "file_no": part.file_no, "range": part.number,
            "order_ns": self.latest,
            "format": one.format, "compression": one.compression, "sha256": one.sha256, "bytes": one.bytes,
            "packets": one.packets, "first_time_ns": one.first_time_ns, "last_time_ns": one.last_time_ns,
            "undated": one.undated, "error": None if one.error is None else clean(one.error),
            "truncated_packets": one.truncated_packets, "dropped_packets": one.dropped_packets,
            "link_types": [clean(name) for name in one.link_types],
            "skipped": sorted((clean(name), count) for name, count in one.skipped.items()),
            "drops": self.drops, "to_end": self.to_end,
        }  # fmt: skip
        return tuple(row.get(name) for name in _NAMES)
