"""The part of the text report with replication streams and copied data folders."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.replicated import list_lines
from aurora_wire.report.wording import Style, count, endpoint
from aurora_wire.verdict.result import Scan

SHOWN = 20      # connections


def replicated_text(scan: Scan, style: Style) -> Iterator[str]:
    found = [c for c in scan.connections if c.replication is not None or c.clone is not None]
    if not found:
        return
    yield style.title(f"{count(len(found), 'connection')} of replication or CLONE in the clear")
    for c in found[:SHOWN]:
        yield f"  connection {c.id}, {endpoint(c.client)} to {endpoint(c.server)}"
        for name, text in list_lines(c):
            yield from style.wrap(f"{name}: {show_text(text)}", "    ")
    if len(found) > SHOWN:
        yield f"  {count(len(found) - SHOWN, 'more connection')}: --format json"
