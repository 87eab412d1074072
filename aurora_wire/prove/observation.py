"""What a capture shows of one cell: the connections of its time, and where the canary was seen.

Plain data, and JSON for the way from the process that decodes to the one that drives the client.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from aurora_wire.prove.canary import Sighting


@dataclass(frozen=True, slots=True)
class StatementSeen:
    """A decoded statement that holds the canary. sql: as text, cut where it is long; frame and offset: where."""

    command: str
    sql: str
    frame: int
    offset: int
    compressed: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionSeen:
    """A connection as `scan` judges it. in_clear: statements with the canary outside TLS; inside: those within,
    decrypted with the key log."""

    client: str
    server: str
    verdict: str
    confidence: str | None
    proof: str | None
    reasons: tuple[str, ...] = ()
    server_version: str | None = None   # of the captured greeting
    thread_id: int | None = None        # likewise
    tls_version: str | None = None
    tls_cipher: str | None = None
    not_decrypted: str | None = None
    in_clear: tuple[StatementSeen, ...] = ()
    inside: tuple[StatementSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameShown:
    """A frame for a hex dump: `data` from its IP header on; marks: byte ranges in it that hold the canary."""

    number: int
    time_ns: int
    data: bytes = field(repr=False)
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Observation:
    """frames: captured while the cell ran; dropped: lost by the capture in that time; failure: why it
    has ended by itself; sightings: of the canary in any captured byte, decoded or not; shown: the frame of the
    INSERT, in the clear or in TLS (with a key log); note: what a relay says of the server; password_frame: where the
    password crossed as it is, 0 for nowhere."""

    how: str
    frames: int = 0
    dropped: int = 0
    failure: str | None = None
    connections: tuple[ConnectionSeen, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    shown: FrameShown | None = None
    note: str | None = None
    password_frame: int = 0


def to_json(evidence: Observation) -> bytes:
    fields = asdict(evidence)
    if evidence.shown is not None:
        fields["shown"]["data"] = base64.b64encode(evidence.shown.data).decode("ascii")
    return json.dumps(fields).encode()


def from_json(text: bytes) -> Observation:
    """Read evidence from JSON. Raises ValueError, KeyError or TypeError if it is none."""
    fields = json.loads(text)
    shown = fields.pop("shown")
    connections = tuple(_connection(one) for one in fields.pop("connections"))
    sightings = tuple(Sighting(**one) for one in fields.pop("sightings"))
    evidence = Observation(**fields, connections=connections, sightings=sightings)
    if shown is not None:
        marks = tuple((int(start), int(end)) for start, end in shown.pop("marks"))
        evidence.shown = FrameShown(**shown | {"data": base64.b64decode(shown["data"]), "marks": marks})
    return evidence


def _connection(fields: Mapping[str, Any]) -> ConnectionSeen:
    lists: dict[str, Any] = {
        "reasons": tuple(fields["reasons"]),
        "in_clear": tuple(StatementSeen(**one) for one in fields["in_clear"]),
        "inside": tuple(StatementSeen(**one) for one in fields["inside"]),
    }
    return ConnectionSeen(**{**fields, **lists})
