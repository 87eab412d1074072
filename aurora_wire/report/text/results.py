"""The part of the text report with what servers answered in the clear: columns that crossed, and errors."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import RED, Style, count
from aurora_wire.verdict.answer_result import ColumnTraffic, ErrorResult
from aurora_wire.verdict.answers import merged
from aurora_wire.verdict.result import Scan

COLUMNS_SHOWN = 15
ERRORS_SHOWN = 10
HEADER = ("column", "type", "results", "rows", "bytes")
EXPRESSIONS = "(expressions)"


def results_text(scan: Scan, style: Style) -> Iterator[str]:
    traffic = merged(c.columns for c in scan.connections)
    rows = sum(c.rows for c in scan.connections)
    if traffic or rows:
        size = sum(c.row_bytes for c in scan.connections)
        yield style.title(f"Results in the clear: {count(rows, 'row')}, {count(size, 'byte')}")
        most = len(traffic) if style.whole else COLUMNS_SHOWN
        cells = [
            (column_name(one), show_text(one.type) or "-", f"{one.results:,}", f"{one.rows:,}", f"{one.bytes:,}")
            for one in traffic[:most]
        ]
        if cells:
            yield from table(HEADER, cells, width=0 if style.whole else style.width, right={2, 3, 4}, leave=(1, 2))
        if len(traffic) > most:
            yield f"  {count(len(traffic) - most, 'more column')}: --format json has them all"


def column_name(traffic: ColumnTraffic) -> str:
    """Return `shop.users.email`; what is no column of a table has no name."""
    names = (traffic.schema, traffic.table, traffic.column)
    return ".".join(show_text(name) for name in names if name) if traffic.column else EXPRESSIONS


def error_text(error: ErrorResult) -> str:
    """Return `error 1062 (23000): Duplicate entry 'x' for key 'y'`."""
    state = f" ({show_text(error.sqlstate)})" if error.sqlstate else ""
    return f"error {error.code}{state}: {show_text(error.text)}"


def errors_text(scan: Scan, style: Style) -> Iterator[str]:
    total = sum(c.errors_total for c in scan.connections)
    if not total:
        return
    from aurora_wire.redact.secrets import shown_error  # noqa: PLC0415 - where there are errors

    names = style.names(scan)
    yield style.title(f"{count(total, 'error')} in the clear")
    left = total if style.whole else ERRORS_SHOWN
    for c in scan.connections:
        for error in c.errors[:left]:
            left -= 1
            shown = shown_error(error, redact=style.redact, reveal=style.reveal)
            yield f"  connection {c.id}, frame {names.name(error.frame)}: {style.paint(error_text(shown), RED)}"
    told = sum(len(c.errors) for c in scan.connections)
    shown_count = min(told, total if style.whole else ERRORS_SHOWN)
    if total > shown_count:
        yield f"  {count(total - shown_count, 'more error')}: --format json has the first of each connection"
