"""Flows analysed one after the other, from the segment table: what `scan` says of the same captures."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from aurora_wire.errors import UsageError
from aurora_wire.scale import chains, flows, ranges, segments
from aurora_wire.scale.captures import group_parts
from tests.conftest import ROOT
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, interleave, pcap
from tests.hostile.kinds import case
from tests.hostile.wire import pcap as hostile_pcap
from tests.scale import local
from tests.scale.local import differences, expected, tables

CAPTURES = sorted(path for path in (ROOT / "captures").rglob("*.pcap*") if path.is_file())
LOADED_KEYS = (b"\x0a\x00\x00\x00",)   # a block of secrets: `scan` decrypts with them
UNREADABLE = ("22-pcapng-ascii-transfer", "23-pcap-after-text-line", "zero")
GENERATED = 250


def assert_same(paths: Sequence[str | Path], **options: int) -> None:
    assert differences(tables(paths, **options), expected(paths))[:10] == []


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_each_shipped_capture_is_judged_as_by_scan(path: Path) -> None:
    assert_same([path])


def small(folder: Path, *, odd: bool = True) -> list[Path]:
    """Return the captures of a folder; odd: those about bounds and damage, too."""
    names = () if odd else ("hostile", "05-", "08-", "09-", "21-", "22-", "23-")
    found = sorted(
        path for path in folder.rglob("*.pcap*") if path.stat().st_size < 1 << 20 and not path.name.startswith(names)
    )
    found = [path for path in found if not any(sign in path.read_bytes()[:4096] for sign in LOADED_KEYS)]
    return [path for path in found if not any(path.name.startswith(name) for name in UNREADABLE)]


@pytest.mark.parametrize("folder", ["lab", "field", "corpus"])
def test_each_recorded_capture_is_judged_as_by_scan(folder: str, shared: Path) -> None:
    found = small(shared / folder)
    assert len(found) > 10
    for path in found:
        assert (path.name, differences(tables([path]), expected([path]))[:5]) == (path.name, [])


@pytest.mark.parametrize("folder", ["lab", "corpus"])
def test_recorded_captures_loaded_at_once_are_judged_as_by_scan(folder: str, shared: Path) -> None:
    assert_same(small(shared / folder, odd=False)[:100])


def test_two_taps_whose_clocks_differ_give_one_verdict(shared: Path) -> None:
    paths = [shared / "field" / "16a-tap-to-server.pcap", shared / "field" / "16b-tap-to-client-2ms-early.pcap"]
    found = tables(paths)
    assert_same(paths)
    assert len(found["connections"]) == 1
    assert len(found["statements"]) == 100
    assert found["connections"][0]["captures"] == [str(path) for path in paths]


def test_generated_conversations_are_judged_as_by_scan(tmp_path: Path) -> None:
    """Losses, forgeries, fragments, ports used again, each direction in a file of its own."""
    for seed in range(GENERATED):
        made = case(seed)
        paths = [tmp_path / f"{number}.pcap" for number in range(len(made.captures))]
        for path, frames in zip(paths, made.captures, strict=True):
            path.write_bytes(hostile_pcap(frames))
        assert (seed, differences(tables(paths), expected(paths))[:5]) == (seed, [])


@pytest.mark.parametrize("rows", [1, 7, 100_000])
def test_a_connection_is_the_same_in_batches_of_any_size(rows: int, tmp_path: Path) -> None:
    talk = Conversation()
    sessions.play(sessions.until(sessions.plaintext(), "login-ok"), talk)
    for number in range(400):
        talk.client(mysql.query(b"SELECT %d" % number))
        talk.server(mysql.ok(1))
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap(talk.packets))
    assert_same([path], batch_rows=rows)
    assert len(tables([path], batch_rows=rows)["statements"]) == 400


def test_a_large_flow_is_told_before_it_has_ended(tmp_path: Path) -> None:
    """Statements leave while the connection goes on: what is held of it is what `scan` would hold."""
    talk = Conversation()
    sessions.play(sessions.until(sessions.plaintext(), "login-ok"), talk)
    for number in range(3000):
        talk.client(mysql.query(b"SELECT %d" % number))
        talk.server(mysql.ok(1))
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap(talk.packets))
    everything = local.segments([path])
    rows = everything.filter(local.pa.compute.equal(everything["kind"], "segment")).sort_by(local.ORDER)
    taken: list[int] = []

    def batches() -> object:
        for batch in rows.to_batches(max_chunksize=500):
            taken.append(batch.num_rows)
            yield batch

    options = flows.Options(local.PORTS, (flows.Loaded("long.pcap", False, -1),), {})
    results = flows.analyse_flows(batches(), options)
    next(results)
    assert sum(taken) < rows.num_rows * 3 / 4


def many(count: int = 40, queries: int = 30) -> bytes:
    talks = []
    for number in range(count):
        talk = Conversation(client=("10.1.0.9", 40_000 + number))
        sessions.play(sessions.until(sessions.plaintext(), "login-ok"), talk)
        for query in range(queries):
            talk.client(mysql.query(b"SELECT '%s', %d" % (b"x" * (query * 37 % 400), number)))
            talk.server(mysql.ok(1))
        talks.append(talk)
    return pcap(interleave(*talks))


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Borders are looked for in a few KB."""
    monkeypatch.setattr(chains, "LONGEST", 2000)
    monkeypatch.setattr(chains, "WINDOW", 2016)
    monkeypatch.setattr(chains, "CHAIN", 4032)


@pytest.mark.usefixtures("narrow")
def test_ranges_of_a_capture_give_what_the_whole_gives(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(many())
    found = ranges.cut(str(path), 20_000)
    assert len(found) > 5
    assert found[0].begin == 0
    assert found[-1].end == -1
    assert all(one.end == other.begin for one, other in pairwise(found))
    assert_same([path], range_bytes=20_000)
    parts = group_parts(rows_of_captures(path, 20_000))
    assert sum(row["packets"] for row in parts[0]) == rows_of_captures(path)[0]["packets"]
    assert sum(row["bytes"] for row in parts[0]) == path.stat().st_size


def rows_of_captures(path: Path, range_bytes: int = 0) -> list[dict[str, object]]:
    everything = local.segments([path], range_bytes)
    rows: list[dict[str, object]] = everything.filter(
        local.pa.compute.equal(everything["kind"], "capture")
    ).to_pylist(maps_as_pydicts="strict")
    return rows


@pytest.mark.usefixtures("narrow")
def test_a_capture_inside_a_frame_makes_no_border(tmp_path: Path) -> None:
    """Records of a capture that somebody copied over the network look like records."""
    inner = b"".join(struct.pack("<IIII", 1_700_000_000, 0, 40, 40) + bytes(40) for _ in range(30))
    talk = Conversation(client=("10.1.0.9", 50_000))
    for _ in range(200):
        talk.client(inner[:1400])
    path = tmp_path / "copied.pcap"
    path.write_bytes(pcap(talk.packets))
    real: set[int] = set()
    data, at = path.read_bytes(), 24
    while at < len(data):
        real.add(at)
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    for one in ranges.cut(str(path), 20_000)[1:]:
        assert one.begin in real
    assert_same([path], range_bytes=20_000)


def test_a_range_that_does_not_end_at_its_border_is_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(many(4, 5))
    told = []
    for end in (1000, -1):
        part = segments.Part(str(path), 0, 0, ranges.Range(0, end, "pcap"), 0, local.PORTS)
        told += [row for batch in segments.read_part(part) for row in batch.to_pylist() if row["kind"] == "capture"]
    assert [row["to_end"] for row in told] == [True, False]
    assert told[0]["packets"] == told[1]["packets"]
    assert [row["range"] for row in group_parts([told[0], {**told[0], "range": 1}])[0]] == [0]


@pytest.mark.parametrize("cut", [-1, -40, -400, 100])
def test_a_broken_capture_is_a_row_and_what_was_open_is_not_proven(tmp_path: Path, cut: int) -> None:
    whole = tmp_path / "whole.pcap"
    whole.write_bytes(many(3, 4))
    broken = tmp_path / "broken.pcap"
    talk = Conversation(client=("10.0.0.8", 43_000))
    sessions.play(sessions.tls13(), talk)
    broken.write_bytes(pcap(talk.packets)[:cut])
    assert_same([broken])
    found, told = (
        sorted((one["client_port"], one["verdict"], one["confidence"]) for one in made["connections"])
        for made in (tables([whole, broken]), expected([whole, broken]))
    )
    assert found == told
    (told,) = rows_of_captures(broken)
    assert "Was the copy complete?" in str(told["error"])


def test_what_is_no_capture_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "notes.pcap"
    path.write_bytes(b"\x00\x01\x02 nothing of the kind")
    (told,) = rows_of_captures(path)
    assert told["format"] == "unreadable"
    assert "not a capture" in str(told["error"])
    assert told["packets"] == 0


def test_damage_in_a_range_hides_those_behind_it() -> None:
    rows = [{"file": "a", "file_no": 0, "range": at, "error": "x" if at == 1 else None} for at in range(4)]
    assert [[row["range"] for row in of_file] for of_file in group_parts(rows)] == [[0, 1]]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"file": "a", "file_no": 1, "range": 0, "error": None}],
        [{"file": "a", "file_no": 0, "range": 1, "error": None}],
        [{"file": name, "file_no": 0, "range": 0, "error": None} for name in "ab"],
    ],
)
def test_segments_that_are_not_of_one_load_are_refused(rows: list[dict[str, object]]) -> None:
    with pytest.raises(UsageError, match="segments"):
        group_parts(rows)


def test_what_is_no_tcp_is_counted(tmp_path: Path) -> None:
    for path in CAPTURES[:30]:
        (told,) = rows_of_captures(path)
        everything = local.segments([path])
        rows = everything.num_rows - 1
        skipped = told["skipped"]
        assert isinstance(skipped, dict)
        assert rows + sum(skipped.values()) == told["packets"], path
