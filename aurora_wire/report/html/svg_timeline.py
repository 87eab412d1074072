"""A connection in time: one block for each step, what the client sent above, the server below. Only the layout.

Blocks follow each other in order and not to scale: a handshake of a millisecond would vanish beside a minute of
waiting. The times stand below them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aurora_wire.report.html.frames import Step
from aurora_wire.report.html.text import after
from aurora_wire.report.wording import count

WIDTH: Final = 1_060
LANE: Final = 30                # height
GAP: Final = 6
LEFT: Final = 64                # for the names of the lanes
BLOCKS: Final = 70              # more are one block at the end
NARROWEST: Final = 8
LETTER: Final = 8               # width of one, in the font of the labels, at most
TIME: Final = 86                # width of a time

NAMED: Final = ("clear", "open", "unsure")  # kinds whose blocks say what was sent
SHORT: Final = {"clear": "readable", "safe": "inside TLS", "handshake": "TLS handshake", "open": "by design",
                "unsure": "unknown"}


@dataclass(slots=True, frozen=True)
class Block:
    x: int
    y: int
    width: int
    height: int
    tone: str
    label: str                  # what fits
    says: str


@dataclass(slots=True, frozen=True)
class Mark:
    x: int
    text: str


@dataclass(slots=True, frozen=True)
class Timeline:
    width: int
    height: int
    blocks: list[Block]
    marks: list[Mark]
    says: str


def draw_timeline(steps: Sequence[Step], start_ns: int | None, more: int = 0) -> Timeline:
    """more: steps that are not drawn."""
    shown = steps[:BLOCKS]
    more += len(steps) - len(shown)
    weights = [_weight(step) for step in shown]
    room = WIDTH - LEFT - NARROWEST * len(shown) - (TIME if more else 0)
    total = sum(weights) or 1
    blocks: list[Block] = []
    marks: list[Mark] = []
    x = LEFT
    for step, weight in zip(shown, weights, strict=True):
        width = NARROWEST + room * weight // total
        y, height = _lane(step.from_client)
        label = _label(step)
        fits = (width - 8) // LETTER
        when = after(step.time_ns, start_ns)
        fitting = next((text for text in (label, *_short(step)) if len(text) <= fits), "")
        says = (when, _who(step.from_client), label, count(step.bytes, "byte"))
        blocks.append(
            Block(x, y, max(width - 2, 4), height, step.kind, fitting, ", ".join(part for part in says if part))
        )
        if when and (not marks or min(x, WIDTH - TIME) - marks[-1].x >= TIME):
            marks.append(Mark(min(x, WIDTH - TIME), when.removesuffix(" s")))
        x += width
    if more:
        blocks.append(Block(x, 0, WIDTH - x, 2 * LANE + GAP, "none", f"{more:,} more", f"{more:,} more, not drawn"))
    return Timeline(WIDTH, 2 * LANE + GAP + 22, blocks, marks, _says(steps))


def _weight(step: Step) -> int:
    """Wide enough for its label, and a little wider for more bytes."""
    return min(len(_label(step)), 16) * 7 + min(step.bytes.bit_length() * 4, 80)


def _label(step: Step) -> str:
    if step.kind == "safe" and step.frames > 1:
        return f"inside TLS, {count(step.frames, 'packet')}"
    if step.kind in NAMED:
        return ", ".join(name.removeprefix("COM_") for name in step.names)
    return SHORT[step.kind]


def _short(step: Step) -> list[str]:
    """Shorter labels, the most telling first."""
    if step.kind not in NAMED:
        return []
    return sorted((name.removeprefix("COM_") for name in step.names), key=len, reverse=True)


def _lane(from_client: bool | None) -> tuple[int, int]:
    if from_client is None:
        return 0, 2 * LANE + GAP
    return (0 if from_client else LANE + GAP), LANE


def _who(from_client: bool | None) -> str:
    return "both" if from_client is None else "client" if from_client else "server"


def _says(steps: Sequence[Step]) -> str:
    frames: dict[str, int] = {}
    for step in steps:
        frames[step.kind] = frames.get(step.kind, 0) + step.frames
    words = ", ".join(f"{count(number, 'packet')} {SHORT[kind]}" for kind, number in frames.items())
    return f"In order: {words}." if words else "Nothing was sent."
