"""The part of the text report with the details of TLS: with `--verbose` only."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.text.connections import IDS_SHOWN
from aurora_wire.report.tls_details import details_in_words
from aurora_wire.report.wording import Style, count
from aurora_wire.verdict.result import Scan

GROUPS_SHOWN = 50


def tls_text(scan: Scan, style: Style) -> Iterator[str]:
    """Yield what handshakes said, once for connections in which they said the same."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for c in scan.connections:
        if c.tls is not None:
            suite = f"{c.tls.version or 'version not seen'} {c.tls.cipher or ''}".rstrip()
            if c.tls.sni is not None:
                suite += f", asked for {c.tls.sni}"
            groups.setdefault((suite, tuple(details_in_words(c.tls, redact=style.redact))), []).append(str(c.id))
    if not groups:
        return
    yield style.title("TLS")
    for (suite, details), ids in list(groups.items())[:GROUPS_SHOWN]:
        listed = f"{', '.join(ids[:IDS_SHOWN])}{', ...' if len(ids) > IDS_SHOWN else ''}"
        yield from style.wrap(f"{show_text(suite)}: {count(len(ids), 'connection')} ({listed})", "  ")
        for name, text in details:
            yield from style.wrap(f"{name}: {show_text(text)}", "    ")
    if len(groups) > GROUPS_SHOWN:
        yield f"  {count(len(groups) - GROUPS_SHOWN, 'more kind')}: --format json"
