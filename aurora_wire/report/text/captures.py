"""The part of the text report that says what was read."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.decrypt.key_log_result import KeyLogResult
from aurora_wire.report.escape import show_text
from aurora_wire.report.timestamps import Clock, find_clock
from aurora_wire.report.wording import LEAKS, Style, count, counted, judged, split_time
from aurora_wire.verdict.result import CaptureResult, Scan

IGNORED_SHOWN = 3  # files in folders that are no captures
SHOWN = 20  # captures; the damaged ones come first, then those with a leak


def captures_text(scan: Scan, style: Style) -> Iterator[str]:
    captures = scan.captures
    packets, size = sum(c.packets for c in captures), sum(c.bytes for c in captures)
    total = f"{count(packets, 'packet')}, {count(size, 'byte')}"
    yield style.title(f"Read {count(len(captures), 'capture')}: {total}")
    shown = captures
    if len(captures) > SHOWN:
        shown = sorted(captures, key=lambda c: (c.complete, c.verdict not in LEAKS))[:SHOWN]
    clock = find_clock(scan)
    for capture in shown:
        yield from _capture(capture, clock, style, several=len(captures) > 1)
    if len(captures) > SHOWN:
        yield f"  {count(len(captures) - len(shown), 'more capture')}: --format json lists all of them"
    if scan.ignored:
        named = ", ".join(show_text(path) for path in scan.ignored[:IGNORED_SHOWN])
        more = ", ..." if len(scan.ignored) > IGNORED_SHOWN else ""
        words = f"{count(len(scan.ignored), 'other file')} in folders, no captures: {named}{more}"
        yield from style.wrap(f"not read: {words}", "  ")
    for keylog in scan.keylogs[:SHOWN]:
        yield from style.wrap(_keylog(keylog), "  ")


def _capture(capture: CaptureResult, clock: Clock, style: Style, *, several: bool) -> Iterator[str]:
    kind = capture.format + (f" in {capture.compression}" if capture.compression else "")
    links = ", ".join(show_text(name) for name in capture.link_types)
    size = [count(capture.packets, "packet"), count(capture.bytes, "byte")]
    facts = [show_text(kind), links, *size, _span(capture, clock)]
    yield from style.wrap(f"{show_text(capture.path)}: " + ", ".join(fact for fact in facts if fact), "  ")
    if several and capture.verdict is not None:
        shown = judged(capture.verdict, capture.confidence)
        yield f"    {style.verdict(shown, capture.verdict, capture.confidence)}"
    if capture.sha256:
        yield f"    sha256 {capture.sha256}"
    if not capture.complete:
        error = show_text(capture.error or "not read to its end")
        yield from style.wrap(f"incomplete: {error}", "    ")
    cut = f"{count(capture.truncated_packets, 'packet')} cut by the snaplen"
    skipped = counted(sorted(capture.skipped.items()))
    losses = [
        cut if capture.truncated_packets else "",
        f"{capture.dropped_packets:,} dropped by the interface" if capture.dropped_packets else "",
        f"not decoded: {skipped}" if skipped else "",
    ]
    if any(losses):
        yield from style.wrap(", ".join(loss for loss in losses if loss), "    ")


def _keylog(keylog: KeyLogResult) -> str:
    parts = [count(keylog.secrets, "secret")]
    if keylog.ignored:
        parts.append(f"{count(keylog.ignored, 'line')} ignored as no key log's")
    if keylog.left_out:
        parts.append(f"{count(keylog.left_out, 'line')} left out, beyond our bound")
    return f"TLS key log in {show_text(keylog.path)}: {', '.join(parts)}"


def _span(capture: CaptureResult, clock: Clock) -> str:
    """Return `2021-03-17 09:00:01 to 09:00:06 UTC`, to the second."""
    first_day, first = split_time(clock.show_in(capture, capture.first_time_ns))
    last_day, last = split_time(clock.show_in(capture, capture.last_time_ns))
    first, last = first.partition(".")[0], last.partition(".")[0]
    if not first or not last:
        return ""
    if not first_day:
        return f"{first} to {last} (no date)"
    return f"{first_day} {first} to {last if first_day == last_day else f'{last_day} {last}'} UTC"
