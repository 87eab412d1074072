"""What a report shows of frames, taken from the captures in a second look: a Scan keeps no bytes.

Of the connections that are shown in detail: their steps (who sent what, when), for the timeline; the bytes of a
frame that leaked, and of an encrypted one of the same kind to hold beside it. The look is bounded in frames, and
says where it ended early.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from aurora_wire.analysis.options import STANDARD, ScanOptions
from aurora_wire.analysis.packets import PacketView, packets
from aurora_wire.capture.files.addresses import is_remote
from aurora_wire.capture.files.open import STANDARD_INPUT
from aurora_wire.errors import AuroraWireError
from aurora_wire.redact.sql import redact_statement
from aurora_wire.report.html.hex import Dump, make_dump
from aurora_wire.report.html.limits import detailed
from aurora_wire.verdict.result import ConnectionResult, Scan, StatementResult
from aurora_wire.verdict.rules.tls import NO_PROTECTION, READABLE_RECORDS
from aurora_wire.wire.decoding import labels

FRAMES: Final = 200_000         # looked at
PAIRS: Final = 4                # dumps of leaks
STEPS: Final = 400              # of a connection
NAMES: Final = 4                # of what is in one step
CANDIDATES: Final = 6           # encrypted frames of a connection and direction, to choose from
LONGEST_BESIDE: Final = 4_096   # bytes of such a frame
ENCRYPTED: Final = (labels.NAMES[int(labels.TLS_APPLICATION_DATA)],)
LOOKED_THROUGH: Final = 50      # statements, for one with a literal in it


@dataclass(slots=True)
class Step:
    """Frames in a row that are of one kind: of one direction, but inside TLS of both (from_client None)."""

    frame: int
    time_ns: int | None
    from_client: bool | None
    kind: str                   # "clear", "safe", "handshake", "open", "unsure"
    names: list[str]
    bytes: int
    leaked: int
    frames: int = 1


@dataclass(slots=True)
class Steps:
    steps: list[Step] = field(default_factory=list)
    left_out: int = 0           # frames beyond STEPS


@dataclass(slots=True, frozen=True)
class Pair:
    """A frame that leaked beside one that did not; either may be missing."""

    leak: Dump | None
    beside: Dump | None
    same_statement: bool = False    # a key log shows that they hold the same one


@dataclass(slots=True)
class Frames:
    steps: dict[int, Steps] = field(default_factory=dict)   # by connection
    pairs: list[Pair] = field(default_factory=list)
    note: str = ""              # why not all of them were looked at


def gather(
    scan: Scan,
    paths: Sequence[str | os.PathLike[str]],
    options: ScanOptions = STANDARD,
    *,
    redact: bool = True,
) -> Frames:
    """Look at the captures again.

    scan: of the same paths with the same options, not masked; redact: mask what is shown.
    """
    inputs = [os.fspath(path) for path in paths]
    if not can_be_read_again(scan) and not all(is_remote(path) for path in inputs):
        return Frames(note="The input was no file, so its bytes could not be looked at again.")
    chosen = detailed(scan)
    if not chosen:
        return Frames()
    look = _Look(scan, chosen, redact=redact)
    views = packets(inputs, options, on_error=lambda _: None)
    last = max(one.last_frame for one in chosen)
    total = sum(capture.packets for capture in scan.captures)
    note = ""
    try:
        for view in islice(views, FRAMES):
            look.see(view)
            if view.number >= last:
                break
        else:
            if total > FRAMES:
                note = f"Only the first {FRAMES:,} of {total:,} packets were looked at again for steps and bytes."
    except (AuroraWireError, KeyboardInterrupt) as error:
        words = str(error) or "it was interrupted"
        note = f"Not all packets were looked at again for steps and bytes: {words}"
    finally:
        with suppress(KeyboardInterrupt):
            views.close()  # type: ignore[attr-defined]
    return Frames(look.steps, look.pairs(), note)


def can_be_read_again(scan: Scan) -> bool:
    """Return whether the captures are files. What came through a pipe is gone."""
    paths = [capture.path for capture in scan.captures if capture.format != "unreadable"]
    return STANDARD_INPUT not in paths and all(Path(path).is_file() for path in paths)


class _Look:
    def __init__(self, scan: Scan, chosen: Sequence[ConnectionResult], *, redact: bool) -> None:
        self.redact = redact
        self.steps = {one.id: Steps() for one in chosen}
        self._by_id = {one.id: one for one in chosen}
        self._unsafe = {hit.connection for hit in scan.findings if hit.rule in (NO_PROTECTION, READABLE_RECORDS)}
        leaking = [one for one in chosen if one.verdict in ("plaintext", "mixed")]
        self._wanted = {one.id: _telling(one) for one in leaking}
        self._first_leak: dict[int, PacketView] = {}
        self._leaks: dict[int, PacketView] = {}
        self._decrypted = {
            one.frame: one for c in chosen if c.tls is not None and c.tls.decrypted is not None
            for one in c.tls.decrypted.statements[:LOOKED_THROUGH]
        }
        self._encrypted: dict[tuple[int, bool], list[PacketView]] = {}

    def see(self, view: PacketView) -> None:
        if view.connection is None or view.connection not in self._by_id or view.payload_at is None:
            return
        add_step(self.steps[view.connection], view)
        if view.leaked_bytes:
            self._see_leak(view, view.connection)
        elif view.labels == ENCRYPTED and len(view.data) <= LONGEST_BESIDE:
            self._see_encrypted(view, view.connection)

    def _see_leak(self, view: PacketView, connection: int) -> None:
        self._first_leak.setdefault(connection, view)
        wanted = self._wanted.get(connection)
        if wanted is not None and wanted.frame == view.number:
            self._leaks[connection] = view

    def _see_encrypted(self, view: PacketView, connection: int) -> None:
        if connection in self._unsafe:
            return
        kept = self._encrypted.setdefault((connection, bool(view.from_client)), [])
        if len(kept) < CANDIDATES or view.number in self._decrypted:
            kept.append(view)

    def pairs(self) -> list[Pair]:
        found: list[Pair] = []
        texts: set[bytes] = set()
        with_statement = [one for one in self._wanted if one in self._leaks]
        others = [one for one in self._wanted if one not in self._leaks]
        for connection in with_statement + others:
            view = self._leaks.get(connection) or self._first_leak.get(connection)
            if view is None:
                continue
            statements = [one for one in self._by_id[connection].statements if one.frame == view.number]
            if statements and {one.sql for one in statements} <= texts:
                continue  # the same once more shows nothing new
            texts.update(one.sql for one in statements)
            leak = make_dump(
                view, statements, redact=self.redact, tls_is_safe=connection not in self._unsafe
            )
            beside, same = self._beside(view, statements)
            found.append(Pair(leak, self._dump(beside), same))
            if len(found) == PAIRS:
                break
        if not found and self._encrypted:
            ordered = sorted(self._encrypted.items(), key=lambda item: (item[0][0], not item[0][1]))
            found.append(Pair(None, self._dump(ordered[0][1][-1])))
        return found

    def _dump(self, view: PacketView | None) -> Dump | None:
        return None if view is None else make_dump(view, redact=self.redact)

    def _beside(self, view: PacketView, statements: list[StatementResult]) -> tuple[PacketView | None, bool]:
        """Return the same statement in TLS, if a key log shows it; else what has about as many bytes to send."""
        candidates = [
            other for (_, from_client), views in sorted(self._encrypted.items())
            if from_client == bool(view.from_client) for other in views
        ]
        texts = {one.sql for one in statements}
        for other in candidates:
            decrypted = self._decrypted.get(other.number)
            if decrypted is not None and decrypted.sql in texts:
                return other, True
        if not candidates:
            return None, False
        size = len(view.data)
        return min(candidates, key=lambda other: (abs(len(other.data) - size), other.number)), False


def _telling(connection: ConnectionResult) -> StatementResult | None:
    """Return the statement that shows best what leaks: the first with a literal that writes, else with one, else any.
    """
    looked_at = connection.statements[:LOOKED_THROUGH]
    first = [one for one in looked_at if not one.compressed] or looked_at
    with_values = [one for one in first if one.sql and redact_statement(one).sql != one.sql]
    writes = [one for one in with_values if one.sql.lstrip()[:6].lower() in (b"insert", b"update", b"replac")]
    return next(iter(writes or with_values or first), None)


def add_step(found: Steps, view: PacketView) -> None:
    """Add a frame to the steps of a connection: to the last step if it is of the same kind."""
    names = view.labels
    kind = _kind(view)
    leaked = view.leaked_bytes
    carried = sum(end - start for start, end, _ in view.spans)
    last = found.steps[-1] if found.steps else None
    if last is not None and last.kind == kind and kind in ("safe", "handshake"):
        if last.from_client != view.from_client:
            last.from_client = None
        _join(last, names, carried, leaked)
    elif (last is not None and kind != "clear" and (last.kind, last.from_client) == (kind, view.from_client)) or (
        last is not None and not view.from_client and last.from_client is False and last.kind == kind
    ):
        _join(last, names, carried, leaked)
    elif len(found.steps) < STEPS:
        found.steps.append(
            Step(view.number, view.time_ns, view.from_client, kind, list(names[:NAMES]), carried, leaked)
        )
    else:
        found.left_out += 1


def _join(step: Step, names: Sequence[str], carried: int, leaked: int) -> None:
    step.names += [name for name in names if name not in step.names][: NAMES - len(step.names)]
    step.bytes += carried
    step.leaked += leaked
    step.frames += 1


def _kind(view: PacketView) -> str:
    if view.leaked_bytes:
        return "clear"
    found = {int(labels.classify(label)) for _, _, label in view.spans}
    if labels.TLS in found:
        data = any(label == labels.TLS_APPLICATION_DATA for _, _, label in view.spans)
        handshake = any(
            label in (labels.TLS_HANDSHAKE, labels.TLS_CHANGE_CIPHER_SPEC) for _, _, label in view.spans
        )
        return "handshake" if handshake or not data else "safe"
    if labels.BY_DESIGN in found:
        return "open"
    return "unsure"


def steps_of_scan(connection: ConnectionResult) -> Iterator[Step]:
    """Yield the known statements as steps, for a result whose frames were not read."""
    for one in connection.statements[:STEPS]:
        yield Step(
            one.frame, one.time_ns, from_client=True, kind="clear", names=[one.command], bytes=one.length,
            leaked=one.length,
        )
