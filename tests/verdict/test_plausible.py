"""Numbers in a packet may be anything: no report names a frame that is none, or counts what cannot have crossed."""

from __future__ import annotations

import json
import random
import re
import struct
from functools import cache
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.report.formats import render
from aurora_wire.report.html import render as html
from aurora_wire.report.text import report as text
from aurora_wire.verdict.plausible import AT_ONCE, most_missing
from aurora_wire.verdict.result import Scan
from tests.conversations.tcp import write_anew

SEEDS = range(12)
EACH = 12
JUMPS = (1 << 20, 1 << 28, (1 << 30) - 5, 1 << 31, -1, -2, 1, 65_536)
FORMATS = ("json", "markdown", "sarif", "junit", "csv", "csv:statements", "ocsf")


def reports(result: Scan) -> dict[str, str]:
    shown = {name: "".join(render(result, name)) for name in FORMATS}
    shown["text"] = "".join(text.render(result))
    return shown


def records(capture: bytes) -> list[bytearray]:
    at, found = 24, []
    while at + 16 <= len(capture):
        kept = struct.unpack_from("<I", capture, at + 8)[0]
        found.append(bytearray(capture[at : at + 16 + kept]))
        at += 16 + kept
    return found


def tamper(frames: list[bytearray], chance: random.Random) -> list[bytearray]:
    """Change sequence and ACK numbers, flags, order; leave frames out."""
    for frame in chance.sample(frames, min(len(frames), chance.choice((1, 1, 2, 5)))):
        at = frame.find(b"\x08\x00\x45", 16) + 2
        if at < 18 or len(frame) < at + 40:
            continue
        tcp_at = at + 4 * (frame[at] & 15)
        for place in chance.choice(((4,), (8,), (4, 8), ())):
            number = struct.unpack_from(">I", frame, tcp_at + place)[0]
            jump = chance.choice((chance.getrandbits(32), *JUMPS))
            struct.pack_into(">I", frame, tcp_at + place, (number + jump) & 0xFFFFFFFF)
        if chance.random() < 0.2:
            frame[tcp_at + 13] = chance.choice((1, 2, 4, 0x11, 0x12, 0x14, 0x18, 0x10, 0))
        if chance.random() < 0.5:
            frame[tcp_at + 16 : tcp_at + 18] = b"\0\0"
    if chance.random() < 0.1:
        chance.shuffle(frames)
    return [frame for frame in frames if chance.random() < chance.choice((1.0, 0.9))]


@cache
def small_captures(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.pcap")) if path.stat().st_size < 60_000]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_frame_is_below_one_and_no_gap_is_larger_than_can_be(seed: int, shared: Path, tmp_path: Path) -> None:
    chance = random.Random(seed)
    found = small_captures(shared)
    for _ in range(EACH):
        source = chance.choice(found)
        capture = source.read_bytes()
        if capture[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
            continue
        path = tmp_path / "tampered.pcap"
        write_anew(path, capture[:24] + b"".join(tamper(records(capture), chance)))
        result = aurora_wire.scan([path])
        for name, shown in reports(result).items():
            assert not re.search(r'frames?"?:? (-\d|0\b)', shown), (source, name)
            assert '"offset": -' not in shown, (source, name)
        for one in result.connections:
            most = most_missing(one.first_time_ns or -1, one.last_time_ns or -1)
            for side in (one.client_coverage, one.server_coverage):
                assert side.missing <= most, source
            assert 1 <= one.first_frame <= one.last_frame


def test_a_gigabyte_that_nobody_can_have_sent_is_not_counted(shared: Path, tmp_path: Path) -> None:
    frames = records((shared / "field" / "16-tap-merged-2ms-skew.pcap").read_bytes())
    del frames[-10:]  # no FIN, which would say where the stream ends
    for frame in frames[-40:]:
        tcp_at = 30 + 4 * (frame[30] & 15)
        if frame[tcp_at : tcp_at + 2] == struct.pack(">H", 3306):  # what the server acknowledges
            number = struct.unpack_from(">I", frame, tcp_at + 8)[0]
            struct.pack_into(">I", frame, tcp_at + 8, (number + (1 << 29)) & 0xFFFFFFFF)
            frame[tcp_at + 16 : tcp_at + 18] = b"\0\0"
    path = tmp_path / "claims.pcap"
    head = (shared / "field" / "16-tap-merged-2ms-skew.pcap").read_bytes()[:24]
    path.write_bytes(head + b"".join(frames))
    result = aurora_wire.scan([path])
    (connection,) = result.connections
    assert connection.client_coverage.at_least
    assert 1 <= connection.client_coverage.missing < 10
    assert "at least " in result.closing
    shown = reports(result)
    shown["html"] = "".join(html.render(result))
    for name, said in shown.items():
        assert "536,8" not in said, name
        assert "5368" not in said, name
    assert "how many cannot be told" in " ".join(shown["text"].split())
    assert json.loads(shown["json"])["connections"][0]["coverage"]["client"]["at_least"] is True


def test_what_came_late_is_not_said_to_be_nowhere(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "field" / "16-tap-merged-2ms-skew.pcap").read_bytes()
    frames = records(whole)
    frames.insert(109, frames.pop(19))
    path = tmp_path / "late.pcap"
    path.write_bytes(whole[:24] + b"".join(frames))
    result = aurora_wire.scan([path])
    shown = "".join(text.render(result, width=400))
    assert "76 bytes of the server are missing, in one place; some came out of order" in shown
    assert "never captured" not in shown


def test_time_bounds_what_can_be_missing() -> None:
    assert most_missing(-1, -1) == most_missing(5, 3) == most_missing(7, 7) == AT_ONCE
    assert most_missing(0, 1_000_000_000) == AT_ONCE + 3_125_000_000
