"""Recordings cut at each frame, one direction alone, one frame lost: the verdict stays, only its confidence changes."""

from __future__ import annotations

import struct
from pathlib import Path

import dpkt
import pytest

from aurora_wire.verdict.describe import describe
from aurora_wire.verdict.result import ConnectionResult
from aurora_wire.wire.flows.engine import Engine

NAMES = (
    "mariadb-10.11/commands", "mariadb-10.11/connj-prepared", "mariadb-10.11/replication-plain",
    "mariadb-10.11/connpy-compress", "mysql-9.7/commands", "mysql-9.7/mysql2-execute", "mysql-9.7/load-data-local",
    "mariadb-11.8/mariadb-cli-skipssl", "mysql-9.7/replication-plain",
)


def frames(path: Path) -> tuple[int, list[bytes]]:
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        return reader.datalink(), [bytes(frame) for _, frame in reader]


def tcp_at(frame: bytes, link: int) -> int:
    at = {1: 14, 113: 16, 276: 20}[link]
    return at + (frame[at] & 15) * 4 if frame[at] >> 4 == 4 else at + 40


def moved(frame: bytes, link: int, old: int, new: int) -> bytes:
    """The frame with another port of the server's. Its checksum is wrong, as they all are then."""
    at = tcp_at(frame, link)
    ports = [new if port == old else port for port in struct.unpack("!HH", frame[at : at + 4])]
    return frame[:at] + struct.pack("!HH", *ports) + frame[at + 4 :]


def judged(link: int, made: list[bytes]) -> list[ConnectionResult]:
    engine = Engine([3306, 33060])
    for number, frame in enumerate(made):
        engine.feed(frame, 0, len(frame), len(frame), number * 1_000_000, link)
    engine.finish()
    return [describe(connection) for connection in engine.ended]


@pytest.mark.parametrize("port", [3306, 4999])
@pytest.mark.parametrize("name", NAMES)
def test_where_a_recording_is_cut_does_not_change_its_verdict(name: str, port: int, shared: Path) -> None:
    link, whole = frames(shared / "lab" / f"{name}.pcap")
    (before,) = judged(link, whole)
    assert before.verdict == "plaintext"
    made = [moved(frame, link, before.server.port, port) for frame in whole]
    sizes = [len(frame) - tcp_at(frame, link) - (frame[tcp_at(frame, link) + 12] >> 4) * 4 for frame in made]
    step = max(1, len(made) // 25)
    cuts = [made[k:] for k in range(1, len(made), step) if sum(size > 0 for size in sizes[k:]) > 2]
    lost = [made[:k] + made[k + 1 :] for k in range(0, len(made), step)]
    for number, part in enumerate(cuts + lost):
        found = judged(link, part)
        assert [one.verdict for one in found] == ["plaintext"], (number, found)


FIELD = {
    "01-haproxy-send-proxy-v1-tls.pcap": ("encrypted", "proven"),
    "02-haproxy-send-proxy-v2-tls.pcap": ("encrypted", "proven"),
    "11-http-request-to-mysql.pcap": ("no-session", "proven"),
    "12-proxy-v1-to-server-that-does-not-expect-it.pcap": ("no-session", "proven"),
    "13-ssh-client-to-mysql.pcap": ("no-session", "proven"),
    "15-midstream-rows-only.pcap": ("plaintext", "likely"),
    "hostile-N5-login-first-segment-before-greeting-refused.pcap": ("plaintext", "proven"),
    "hostile-N6-sslrequest-then-split-plain-login-refused.pcap": ("plaintext", "proven"),
    "depth-early-1040.pcap": ("no-session", "proven"),
}
STRANGER = {"11": "HTTP", "12": "PROXY", "13": "SSH"}


@pytest.mark.parametrize("name", FIELD)
def test_field_captures(name: str, shared: Path) -> None:
    link, made = frames(shared / "field" / name)
    (found,) = judged(link, made)
    assert (found.verdict, found.confidence) == FIELD[name]
    if name[:2] in STRANGER:
        assert found.protocol == STRANGER[name[:2]]
