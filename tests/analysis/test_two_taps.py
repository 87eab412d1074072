"""Captures whose times overlap are read as one, whatever the clocks of their taps say."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.analysis.packets import packets
from aurora_wire.report.fingerprints import FindingLocator
from aurora_wire.report.scan_json import render
from aurora_wire.verdict.frame_places import FramePlaces

MS = 1_000_000
STATEMENTS = [b"select 'canary-%03d'" % number for number in range(100)]
TO_SERVER = "16a-tap-to-server.pcap"
TO_CLIENT = "16b-tap-to-client-2ms-early.pcap"
EARLY = 2 * MS  # what the clock of the second one is behind


def shifted(capture: bytes, by_ns: int) -> bytes:
    """The same capture, by another clock."""
    order = "<" if capture[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if capture[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    out = [capture[:24]]
    at = 24
    while at < len(capture):
        seconds, fraction, kept, original = struct.unpack_from(order + "IIII", capture, at)
        seconds, rest = divmod(seconds * 1_000_000_000 + fraction * unit + by_ns, 1_000_000_000)
        out.append(struct.pack(order + "IIII", seconds, rest // unit, kept, original))
        out.append(capture[at + 16 : at + 16 + kept])
        at += 16 + kept
    return b"".join(out)


def records(capture: bytes) -> list[bytes]:
    """The frames of a pcap (little-endian) with their headers."""
    found = []
    at = 24
    while at < len(capture):
        size = 16 + struct.unpack_from("<I", capture, at + 8)[0]
        found.append(capture[at : at + size])
        at += size
    return found


def two_taps(shared: Path, folder: Path, skew_ns: int) -> list[str]:
    """Both directions; that to the client by a clock that is `skew_ns` ahead (less than 0: behind)."""
    paths = [folder / "client.pcap", folder / "server.pcap"]
    paths[0].write_bytes((shared / "field" / TO_SERVER).read_bytes())
    paths[1].write_bytes(shifted((shared / "field" / TO_CLIENT).read_bytes(), EARLY + skew_ns))
    return [str(path) for path in paths]


@pytest.mark.parametrize("skew_us", [s * d for s in (1, -1) for d in (0, 100, 500, 1000, 2000, 5000, 10_000, 50_000)])
@pytest.mark.parametrize("swapped", [False, True])
def test_all_statements_are_read_from_two_taps(skew_us: int, swapped: bool, shared: Path, tmp_path: Path) -> None:
    paths = two_taps(shared, tmp_path, skew_us * 1000)
    result = aurora_wire.scan(paths[::-1] if swapped else paths)
    (connection,) = result.connections
    assert [statement.sql for statement in connection.statements] == STATEMENTS
    assert connection.verdict == "plaintext"
    assert connection.client_coverage.missing == connection.server_coverage.missing == 0


def test_one_file_with_both_taps_gives_all_statements(shared: Path) -> None:
    result = aurora_wire.scan([str(shared / "field" / "16-tap-merged-2ms-skew.pcap")])
    assert [statement.sql for statement in result.connections[0].statements] == STATEMENTS


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("beginning", range(10, 100, 10))
def test_mid_stream_of_both_taps_misses_nothing_of_the_later_one(
    beginning: int, times: int, shared: Path, tmp_path: Path
) -> None:
    """Each frame may come several times, as with `-i any`: what the peer acknowledged first is still on its way."""
    capture = (shared / "field" / "16-tap-merged-2ms-skew.pcap").read_bytes()
    frames = records(capture)
    late = tmp_path / "late.pcap"
    late.write_bytes(capture[:24] + b"".join(one * times for one in frames[len(frames) * beginning // 100 :]))
    (connection,) = aurora_wire.scan([late]).connections
    statements = [statement.sql for statement in connection.statements]
    assert statements == STATEMENTS[len(STATEMENTS) - len(statements) :]
    assert len(statements) > len(STATEMENTS) * (99 - beginning) // 100
    assert connection.client_coverage.missing == 0


def test_a_compressed_capture_is_interleaved_too(shared: Path, tmp_path: Path) -> None:
    client, server = two_taps(shared, tmp_path, 0)
    packed = tmp_path / "server.pcap.gz"
    packed.write_bytes(gzip.compress(Path(server).read_bytes()))
    result = aurora_wire.scan([str(packed), client])
    assert [statement.sql for statement in result.connections[0].statements] == STATEMENTS
    assert sorted(capture.packets for capture in result.captures) == [105, 107]


def test_frames_are_numbered_the_same_by_scan_and_packets(shared: Path, tmp_path: Path) -> None:
    paths = two_taps(shared, tmp_path, 0)
    views = {view.number: view for view in packets(paths)}
    result = aurora_wire.scan(paths)
    assert len(views) == 212
    own: dict[str, int] = {}
    for number, view in sorted(views.items()):
        own[view.capture] = own.get(view.capture, 0) + 1
        place = result.frame_places.locate(number)
        assert place is not None
        assert (result.captures[place[0]].path, place[1]) == (view.capture, own[view.capture])


def test_a_finding_leads_to_the_capture_that_its_frame_is_in(shared: Path, tmp_path: Path) -> None:
    client, server = two_taps(shared, tmp_path, 0)
    result = aurora_wire.scan([client, server])
    places = FindingLocator(result)
    found = {hit.rule: hit for hit in result.findings}
    for rule, path in (("AW101", client), ("AW102", client), ("AW104", server)):
        at = places.capture_at(found[rule])
        assert at is not None
        assert result.captures[at].path == path, rule
    (told,) = [hit for hit in json.loads("".join(render(result)))["findings"] if hit["rule"] == "AW102"]
    assert (told["capture"], told["capture_frame"]) == (client, 4)
    login = places.find_frame(found["AW102"])
    assert login == 4  # SYN, ACK, ACK of the greeting, login


def test_a_damaged_capture_among_overlapping_ones_takes_nothing_from_the_others(shared: Path, tmp_path: Path) -> None:
    client, server = two_taps(shared, tmp_path, 0)
    Path(server).write_bytes(Path(server).read_bytes()[:-10])
    result = aurora_wire.scan([client, server])
    assert {capture.path: capture.complete for capture in result.captures} == {client: True, server: False}
    assert {capture.path: capture.packets for capture in result.captures} == {client: 107, server: 104}
    assert [statement.sql for statement in result.connections[0].statements] == STATEMENTS


def test_places_behind_the_bound_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_wire.verdict.frame_places.MAX_TURNS", 2)
    places = FramePlaces()
    for frame, capture in ((1, 0), (5, 1), (6, 0), (9, 1)):
        places.add(frame, capture, frame)
    assert places.locate(0) is None
    assert places.locate(4) == (0, 4)
    assert places.locate(5) == (1, 5)
    assert places.locate(6) is None


BY_DIRECTION = [
    "lab/mysql-9.7/mysql-cli-zstd-long.pcap", "lab/mariadb-10.11/mysql2-tls.pcap",
    "lab/mysql-9.7/fail-wrong-ca-cli.pcap",
    "lab/mariadb-10.11/mixed.pcap", "field/16-tap-merged-2ms-skew.pcap", "field/hostile-M0-pq-baseline.pcap",
]


def by_direction(capture: bytes, folder: Path, skew_ns: int) -> list[str]:
    """A pcap (little-endian, Ethernet, IPv4) as two taps record it, one direction each, their clocks apart."""
    files = {True: [capture[:24]], False: [capture[:24]]}
    at = 24
    while at < len(capture):
        kept = struct.unpack_from("<I", capture, at + 8)[0]
        tcp_at = at + 16 + 14 + 4 * (capture[at + 30] & 15)
        port = struct.unpack_from(">H", capture, tcp_at)[0]
        files[port in (3306, 3316, 3326)].append(capture[at : at + 16 + kept])
        at += 16 + kept
    paths = [folder / "to-server.pcap", folder / "to-client.pcap"]
    paths[0].write_bytes(b"".join(files[False]))
    paths[1].write_bytes(shifted(b"".join(files[True]), skew_ns))
    return [str(path) for path in paths]


@pytest.mark.parametrize("seconds", [-3600, -60, -3, -1, 1, 3, 60, 3600])
@pytest.mark.parametrize("name", BY_DIRECTION)
def test_taps_whose_clocks_are_far_apart_say_what_one_tap_says(
    name: str, seconds: int, shared: Path, tmp_path: Path
) -> None:
    expected = aurora_wire.scan([str(shared / name)])
    paths = by_direction((shared / name).read_bytes(), tmp_path, seconds * 1000 * MS)
    result = aurora_wire.scan(paths)
    assert (result.verdict, result.confidence, result.closing) == (
        expected.verdict, expected.confidence, expected.closing,
    )
    assert [[s.sql for s in one.statements] for one in result.connections] == [
        [s.sql for s in one.statements] for one in expected.connections
    ]
    numbers = {(view.capture, view.capture_frame): view.number for view in packets(paths)}
    for number in numbers.values():
        place = result.frame_places.locate(number)
        assert place is not None
        assert numbers[result.captures[place[0]].path, place[1]] == number


def test_one_direction_alone_says_what_its_remedy_mends(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "field" / "hostile-M0-pq-baseline.pcap").read_bytes()
    paths = by_direction(whole, tmp_path, -3000 * MS)
    for path in paths:
        alone = aurora_wire.scan([path])
        assert "AW505" in alone.findings_total
        assert (alone.verdict, alone.confidence) == ("encrypted", "likely") or alone.verdict == "inconclusive"
    both = aurora_wire.scan(paths)
    assert (both.verdict, both.confidence) == ("encrypted", "proven")
    assert not both.findings_total
