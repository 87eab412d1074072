"""One row of the contract's table: a conversation, and what has to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import aurora_wire
from aurora_wire.verdict.result import ConnectionResult, Reason, Scan
from tests.conversations.tcp import Conversation, Packet, Sender, pcap, write_anew

EXIT = {"encrypted": 0, "plaintext": 1, "mixed": 1, "inconclusive": 3, "no-session": 3, "not-mysql": 3}
PORTS = (3306, 33060)


@dataclass(frozen=True)
class Row:
    """verdict and confidence may name several that the contract allows; `confidence` None: it has none.

    reasons: ids that must be there, each with direction, frame and offset where it is about bytes;
    any_of: at least one of these ids must be there; at: direction and stream offset of the first of them.
    """

    name: str
    make: Callable[[], Conversation | Sequence[Packet] | bytes]
    verdict: str | Collection[str]
    confidence: str | Collection[str | None] | None = "proven"
    reasons: Sequence[str] = ()
    any_of: Sequence[str] = ()
    at: tuple[Sender, int] | None = None
    findings: Sequence[str] = ()
    ports: tuple[int, ...] = PORTS
    protocol: str | None = None
    statements: Sequence[bytes] | None = None
    absent: Sequence[str] = ()  # reason ids that must not be there


def write(path: Path, made: Conversation | Sequence[Packet] | bytes) -> Path:
    if isinstance(made, Conversation):
        made = pcap(made.packets)
    elif not isinstance(made, bytes):
        made = pcap(made)
    return write_anew(path, made)


def scan_of(folder: Path, *made: Conversation | Sequence[Packet] | bytes, ports: tuple[int, ...] = PORTS) -> Scan:
    """Each of `made` is a capture of its own, read in this order."""
    paths = [write(folder / f"{number}.pcap", one) for number, one in enumerate(made, 1)]
    return aurora_wire.scan([str(path) for path in paths], aurora_wire.ScanOptions(ports))


def explain(result: Scan) -> str:
    lines = [f"whole: {result.verdict} {result.confidence} exit {result.exit_code} not mysql: {result.not_mysql}"]
    for connection in result.connections:
        lines.append(f"{connection.id}: {connection.protocol} {connection.verdict} {connection.confidence}")
        lines += [f"   {reason}" for reason in connection.reasons]
        lines += [f"   client {connection.client_coverage}", f"   server {connection.server_coverage}"]
        lines += [f"   {statement.command} {statement.sql[:60]!r}" for statement in connection.statements]
    lines += [f"finding {finding.rule} {finding.title}: {finding.detail}" for finding in result.findings]
    return "\n".join(lines)


def one_of(allowed: object) -> tuple[object, ...]:
    return (allowed,) if isinstance(allowed, str) or allowed is None else tuple(allowed)  # type: ignore[arg-type]


def the_reason(connection: ConnectionResult, ids: Sequence[str]) -> Reason | None:
    return next((reason for name in ids for reason in connection.reasons if reason.id == name), None)


def places_exist(result: Scan) -> None:
    """Each reason and finding names a frame of the captures, or none."""
    packets = sum(capture.packets for capture in result.captures)
    for connection in result.connections:
        for reason in connection.reasons:
            assert reason.frame is None or 1 <= reason.frame <= packets, explain(result)
            assert reason.offset is None or reason.offset >= 0, explain(result)
            assert reason.text, explain(result)
    for finding in result.findings:
        assert finding.frame is None or 1 <= finding.frame <= packets, explain(result)


def check(row: Row, folder: Path) -> None:
    """Judge a conversation that is alone in its capture."""
    result = scan_of(folder, row.make(), ports=row.ports)
    said = explain(result)
    places_exist(result)
    allowed = one_of(row.verdict)
    assert result.verdict in allowed, said
    assert result.exit_code in {EXIT[str(verdict)] for verdict in allowed}, said
    if result.verdict == "not-mysql":
        assert result.connections == [], said
        if row.protocol is not None:
            assert result.not_mysql == {row.protocol: 1}, said
        return
    assert len(result.connections) == 1, said
    connection = result.connections[0]
    assert connection.verdict in allowed, said
    assert connection.confidence in one_of(row.confidence), said
    assert result.confidence == connection.confidence, said
    if connection.verdict == "encrypted":
        assert connection.proof == "structure", said
    ids = {reason.id for reason in connection.reasons}
    assert set(row.reasons) <= ids, said
    assert not set(row.absent) & ids, said
    if row.any_of:
        assert set(row.any_of) & ids, said
    if row.at is not None:
        reason = the_reason(connection, [*row.reasons, *row.any_of])
        assert reason is not None, said
        assert (reason.direction, reason.offset) == row.at, said
        assert reason.frame is not None, said
        assert 1 <= reason.frame <= sum(capture.packets for capture in result.captures), said
    assert set(row.findings) <= {finding.rule for finding in result.findings}, said
    if row.protocol is not None:
        assert connection.protocol == row.protocol, said
    if row.statements is not None:
        assert [statement.sql for statement in connection.statements] == list(row.statements), said
    for direction in (connection.client_coverage, connection.server_coverage):
        inside = direction.tls + direction.plaintext + direction.unprotected_by_design + direction.unknown
        assert inside == direction.seen, said
