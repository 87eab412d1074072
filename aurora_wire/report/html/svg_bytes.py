"""Bytes in clear against bytes encrypted, as one bar. Only the layout; the template draws it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aurora_wire.verdict.result import ConnectionResult, Coverage

WIDTH: Final = 960
SLIVER: Final = 4  # what is there is seen, however little

KINDS: Final = (
    ("clear", "in the clear", "Needed protection and had none: logins, statements, results."),
    ("safe", "inside TLS", "TLS records."),
    ("open", "in the clear by design", "The greeting, the request for TLS, PROXY headers: they need no protection."),
    ("unsure", "unknown", "Seen, and not to be told what they are."),
    ("none", "missing", "Known to have crossed and missing, out of order, or cut off by the capture."),
)


@dataclass(slots=True, frozen=True)
class Part:
    tone: str
    name: str
    explained: str
    bytes: int
    share: str
    x: int
    width: int


def sum_bytes(coverages: Iterable[Coverage]) -> tuple[int, ...]:
    """Return totals in the order of KINDS."""
    clear = tls = design = unknown = missing = 0
    for one in coverages:
        clear += one.plaintext
        tls += one.tls
        design += one.unprotected_by_design
        unknown += one.unknown
        missing += one.missing + one.truncated
    return clear, tls, design, unknown, missing


def draw_bytes(totals: tuple[int, ...], width: int = WIDTH) -> list[Part]:
    """Return one part for each kind; those without bytes have no width."""
    total = sum(totals)
    present = sum(1 for number in totals if number)
    room = width - SLIVER * present
    parts, x = [], 0
    for (tone, name, explained), number in zip(KINDS, totals, strict=True):
        wide = 0 if not number else SLIVER + number * room // total
        parts.append(Part(tone, name, explained, number, _share(number, total), x, wide))
        x += wide
    return parts


def both(connections: Iterable[ConnectionResult]) -> Iterable[Coverage]:
    for one in connections:
        yield one.client_coverage
        yield one.server_coverage


def _share(number: int, total: int) -> str:
    """Return a share in percent, never rounded to 0 or 100."""
    if not number or number == total:
        return "100%" if number else "0%"
    tenths = number * 1_000 // total
    if tenths == 0:
        return "under 0.1%"
    return f"{tenths // 10}.{tenths % 10}%"
