"""The diagram of hosts: client hosts on the left, servers on the right, a line for each verdict between them.

Only the layout: numbers and text to draw. The template draws it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from aurora_wire.report.html.text import WORDS, clip
from aurora_wire.report.wording import LEAKS, ORDER, count, endpoint
from aurora_wire.verdict.result import ConnectionResult, Verdict

SIDE: Final = 14            # hosts drawn on a side; the rest is one box
ROW: Final = 58             # height of a box with its gap
BOX_HEIGHT: Final = 44
BOX_WIDTH: Final = 300
WIDTH: Final = 1_100
TOP: Final = 34
NAME: Final = 32            # characters that fit into a box
SAYS: Final = 44            # smaller ones that do
SPREAD: Final = 9           # between the lines of one pair of hosts


@dataclass(slots=True)
class Box:
    name: str
    says: str               # how many connections of which verdict
    x: int
    y: int
    tone: str = "none"


@dataclass(slots=True)
class Line:
    path: str
    tone: str
    width: float
    says: str


@dataclass(slots=True)
class HostDrawing:
    width: int
    height: int
    clients: list[Box] = field(default_factory=list)
    servers: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    says: str = ""


Pair = tuple[str, str]


def counts_by_pair(connections: Iterable[ConnectionResult]) -> dict[Pair, Counter[Verdict]]:
    """Return (client host, server host and port): connections by verdict."""
    pairs: dict[Pair, Counter[Verdict]] = {}
    for one in connections:
        key = (one.client.address, endpoint(one.server))
        pairs.setdefault(key, Counter())[one.verdict] += 1
    return pairs


def draw_hosts(pairs: dict[Pair, Counter[Verdict]]) -> HostDrawing:
    clients = _side(pairs, 0, "client host")
    servers = _side(pairs, 1, "server")
    height = TOP + max(len(clients.boxes), len(servers.boxes), 1) * ROW
    drawing = HostDrawing(WIDTH, height)
    for side, x, boxes in ((clients, 0, drawing.clients), (servers, WIDTH - BOX_WIDTH, drawing.servers)):
        first = TOP + (height - TOP - len(side.boxes) * ROW) // 2
        for index, (name, verdicts) in enumerate(side.boxes):
            boxes.append(Box(_name(name), _says(verdicts), x, first + index * ROW, _tone(verdicts)))
    joined: dict[tuple[int, int], Counter[Verdict]] = {}
    for (client, server), verdicts in pairs.items():
        joined.setdefault((clients.index[client], servers.index[server]), Counter()).update(verdicts)
    for (left, right), verdicts in sorted(joined.items()):
        drawing.lines += _lines(drawing.clients[left], drawing.servers[right], verdicts)
    total: Counter[Verdict] = Counter()
    for verdicts in pairs.values():
        total.update(verdicts)
    hosts = f"{count(len(clients.index), 'client host')} and {count(len(servers.index), 'server')}"
    drawing.says = f"{hosts}, connections: {summary(total)}. The table below says the same."
    return drawing


@dataclass(slots=True)
class _Side:
    boxes: list[tuple[str, Counter[Verdict]]]
    index: dict[str, int]


def _side(pairs: dict[Pair, Counter[Verdict]], which: int, noun: str) -> _Side:
    """Place the hosts of one side: those with leaks first; those beyond SIDE share the last box."""
    hosts: dict[str, Counter[Verdict]] = {}
    for pair, verdicts in pairs.items():
        hosts.setdefault(pair[which], Counter()).update(verdicts)
    ordered = sorted(hosts, key=lambda name: (-leaks(hosts[name]), -hosts[name].total(), name))
    shown = ordered if len(ordered) <= SIDE else ordered[: SIDE - 1]
    boxes = [(name, hosts[name]) for name in shown]
    index = {name: at for at, name in enumerate(shown)}
    if len(shown) < len(ordered):
        rest: Counter[Verdict] = Counter()
        for name in ordered[len(shown) :]:
            rest.update(hosts[name])
            index[name] = len(shown)
        boxes.append((count(len(ordered) - len(shown), f"more {noun}"), rest))
    return _Side(boxes, index)


def leaks(verdicts: Counter[Verdict]) -> int:
    return sum(verdicts[verdict] for verdict in LEAKS)


def summary(verdicts: Counter[Verdict], most: int = len(ORDER)) -> str:
    """Return `3 in the clear, 2 encrypted`; with more than `most` verdicts the rest as `4 other`."""
    present = [verdict for verdict in ORDER if verdicts[verdict]]
    words = [f"{verdicts[verdict]:,} {WORDS[verdict]}" for verdict in present[:most]]
    rest = sum(verdicts[verdict] for verdict in present[most:])
    return ", ".join([*words, f"{rest:,} other"] if rest else words)


def _says(verdicts: Counter[Verdict]) -> str:
    """Return as many verdicts as fit."""
    texts = [summary(verdicts, most) for most in (len(ORDER), 2, 1)]
    return next((text for text in texts if len(text) <= SAYS), texts[-1])


def _name(name: str) -> str:
    shown = clip(name)
    return shown if len(shown) <= NAME else f"{shown[: NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def _tone(verdicts: Counter[Verdict]) -> str:
    if leaks(verdicts):
        return "clear" if verdicts["plaintext"] else "mixed"
    return "likely" if verdicts["encrypted"] else "none"


_TONES: Final[dict[Verdict, str]] = {
    "plaintext": "clear", "mixed": "mixed", "encrypted": "likely", "inconclusive": "unsure",
    "no-session": "none", "not-mysql": "none",
}


def _lines(client: Box, server: Box, verdicts: Counter[Verdict]) -> list[Line]:
    present = [verdict for verdict in ORDER if verdicts[verdict]]
    lines = []
    for at, verdict in enumerate(present):
        shift = at * SPREAD - (len(present) - 1) * SPREAD // 2
        x1, y1 = client.x + BOX_WIDTH, client.y + BOX_HEIGHT // 2 + shift
        x2, y2 = server.x, server.y + BOX_HEIGHT // 2 + shift
        bend = (x2 - x1) // 2
        number = verdicts[verdict]
        lines.append(
            Line(
                f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}",
                _TONES[verdict],
                min(2 + len(str(number)) - 1, 6),
                f"{client.name} to {server.name}: {number:,} {WORDS[verdict]}",
            )
        )
    return lines
