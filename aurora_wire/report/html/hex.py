"""A frame as a hex dump with what leaked marked, and masked: a dump that is handed on must not leak it again.

Masked is the payload, but for what is known to be harmless: TLS records, greetings, the header of a MySQL packet
and its command byte, the capabilities of a login, and of a statement what `redact_sql` leaves. All else (logins,
results, retransmissions, padding behind the packet) is shown as `**`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aurora_wire.analysis.packets import PacketView
from aurora_wire.redact.sql import redact_statement
from aurora_wire.verdict.result import StatementResult
from aurora_wire.wire.decoding import labels

LONGEST: Final = 384        # bytes of a frame in a dump
WIDTH: Final = 16
HEADER: Final = 4           # of a MySQL packet
PROTOCOL_41: Final = 0x02   # in the second byte of a login: capabilities (4), size (4), character set (1), filler (23)
LOGIN_FIXED: Final = 32
FOUND_BY: Final = 24        # bytes by which a statement is found in its frame

# Kinds, in this order in a dump's legend.
KINDS: Final = {
    "clear": "crossed readable", "safe": "inside TLS", "open": "in the clear by design", "unsure": "unknown",
    "none": "headers of the network",
}
_OF_CLASS: Final = {
    int(labels.PLAINTEXT): "clear", int(labels.TLS): "safe", int(labels.BY_DESIGN): "open",
    int(labels.UNDECIDED): "unsure",
}


@dataclass(slots=True, frozen=True)
class Run:
    kind: str
    hex: str
    text: str


@dataclass(slots=True, frozen=True)
class Dump:
    """One frame. rows: (offset, runs of one kind); kinds: those in it, bytes of each; left_out: bytes not shown."""

    number: int
    capture: str
    connection: int | None
    from_client: bool | None
    names: tuple[str, ...]
    rows: list[tuple[str, list[Run]]]
    kinds: list[tuple[str, str, int]]
    left_out: int
    masked: bool
    compressed: bool    # what leaked in it: readable once it is inflated
    frame: str = ""     # its name on the page


def make_dump(
    view: PacketView, statements: Iterable[StatementResult] = (), *, redact: bool = True, tls_is_safe: bool = True
) -> Dump:
    """statements: those of this frame, as they crossed; tls_is_safe: what is in TLS records is no readable text."""
    kinds = _kinds(view)
    statements = list(statements)
    hidden = _hidden(view, kinds, statements, tls_is_safe=tls_is_safe) if redact else bytearray(len(view.data))
    counted: dict[str, int] = {}
    for kind in kinds:
        counted[kind] = counted.get(kind, 0) + 1
    shown = min(len(view.data), LONGEST)
    return Dump(
        number=view.number,
        capture=view.capture,
        connection=view.connection,
        from_client=view.from_client,
        names=view.labels,
        rows=[(f"{at:04x}", _runs(view.data, kinds, hidden, at, min(at + WIDTH, shown)))
              for at in range(0, shown, WIDTH)],
        kinds=[(kind, words, counted[kind]) for kind, words in KINDS.items() if kind in counted],
        left_out=len(view.data) - shown,
        masked=any(hidden),
        compressed=any(one.compressed for one in statements)
        or any(label == labels.COMPRESSED for _, _, label in view.spans),
    )


def marked_dump(number: int, data: bytes, marks: Iterable[tuple[int, int]], *, leaks: bool, what: str) -> Dump:
    """Return a dump of bytes in which places are marked. leaks: what is marked crossed readable; what: is in it."""
    kinds = ["none"] * len(data)
    for start, end in marks:
        kinds[start:end] = ["clear"] * (min(end, len(data)) - start)
    shown = min(len(data), LONGEST)
    nothing = bytearray(len(data))
    marked = kinds.count("clear")
    counted = [("clear", f"the canary, {KINDS['clear']}", marked)] if leaks and marked else []
    counted.append(("none", "others of the frame" if counted else "of the frame: the canary is in none of them",
                    len(data) - marked))
    return Dump(
        number=number, capture="", connection=None, from_client=True, names=(what,),
        rows=[(f"{at:04x}", _runs(data, kinds, nothing, at, min(at + WIDTH, shown))) for at in range(0, shown, WIDTH)],
        kinds=counted, left_out=len(data) - shown, masked=False, compressed=False, frame=f"{number:,}",
    )  # fmt: skip


def _kinds(view: PacketView) -> list[str]:
    """Return the kind of each byte of the frame."""
    kinds = ["none"] * len(view.data)
    if view.payload_at is not None:
        for start, end, label in view.spans:
            kind = _OF_CLASS[int(labels.classify(label))]
            for at in range(view.payload_at + start, min(view.payload_at + end, len(kinds))):
                kinds[at] = kind
    return kinds


def _hidden(
    view: PacketView, kinds: list[str], statements: Iterable[StatementResult], *, tls_is_safe: bool
) -> bytearray:
    """Return 1 for each byte to mask."""
    hidden = bytearray(len(view.data))
    start = len(view.data) if view.payload_at is None else view.payload_at
    if view.payload_at is None and view.label != labels.TCP_CONTROL:
        start = 0  # no payload known in it: all of it could be one
    for at in range(start, len(hidden)):
        harmless = kinds[at] == "open" or (kinds[at] == "safe" and tls_is_safe)
        hidden[at] = not harmless
    _show_headers(view, hidden)
    for begin, end in view.leaked:
        for one in statements:
            _show_statement(view.data, hidden, begin, end, one)
    return hidden


def _show_headers(view: PacketView, hidden: bytearray) -> None:
    """Unmask length, sequence id and command of whole MySQL packets, and of a login what comes before the user."""
    for start, end, label in view.spans:
        if labels.classify(label) != labels.PLAINTEXT or view.payload_at is None or label == labels.COMPRESSED:
            continue
        at, stop = view.payload_at + start, view.payload_at + end
        if int.from_bytes(view.data[at : at + 3], "little") + HEADER != stop - at or stop - at <= HEADER:
            continue
        harmless = HEADER + 1 if label >= labels.COMMAND else HEADER
        if label == labels.LOGIN and stop - at >= HEADER + LOGIN_FIXED and view.data[at + HEADER + 1] & PROTOCOL_41:
            harmless += LOGIN_FIXED
        hidden[at : at + harmless] = bytes(harmless)


def _show_statement(data: bytes, hidden: bytearray, begin: int, end: int, statement: StatementResult) -> None:
    """Unmask what is no literal in it, where its text is found as it is between begin and end."""
    sql = statement.sql
    if not sql:
        return
    at = data.find(sql[:FOUND_BY], begin, end)
    size = min(len(sql), end - at)
    if at < 0 or data[at : at + size] != sql[:size]:
        return
    masked = redact_statement(statement).sql
    for index in range(size):
        if masked[index] == sql[index]:
            hidden[at + index] = 0


def _runs(data: bytes, kinds: list[str], hidden: bytearray, start: int, end: int) -> list[Run]:
    runs: list[Run] = []
    at = start
    while at < end:
        stop = at + 1
        while stop < end and kinds[stop] == kinds[at]:
            stop += 1
        digits = " ".join("**" if hidden[i] else f"{data[i]:02x}" for i in range(at, stop))
        text = "".join("*" if hidden[i] else _printable(data[i]) for i in range(at, stop))
        runs.append(Run(kinds[at], digits, text))
        at = stop
    return runs


def _printable(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F else "."
