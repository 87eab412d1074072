"""Several processes come to the result of one, byte for byte; what goes wrong in them is one clear error."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aurora_wire
from aurora_wire.analysis import jobs as parent
from aurora_wire.analysis import packing, share
from aurora_wire.cli import main
from aurora_wire.errors import AuroraWireError, OutputError
from aurora_wire.report.formats import FORMATS, ReportOptions, find_format
from aurora_wire.verdict.answers import Traffic
from aurora_wire.verdict.result import ConnectionResult, Finding
from aurora_wire.wire.flows.flow_buckets import BUCKETS, bucket_of_key
from aurora_wire.wire.mysql.results import Column
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, in_turn, interleave, pcap
from tests.fuzz.test_mutations import Frame, changed, files, recordings

SECOND = 1_000_000_000
OPTIONS = ReportOptions(reveal=True)


def reports(paths: Sequence[str], jobs: int, notes: list[str] | None = None) -> dict[str, str]:
    """What each format makes of a scan, by name; and which connections were told of, in which order."""
    lines: list[str] = []
    told: list[str] = []
    result = aurora_wire.scan(
        paths, jobs=jobs, on_connection=lambda one, found: lines.append(f"{one.id} {one.verdict} {len(found)}\n"),
        on_note=(told if notes is None else notes).append,
    )
    assert told == [], "several processes read it"
    rest = (name for name, row in FORMATS.items() if not row.streams and not row.needs)
    made = {name: "".join(find_format(name).render(result, OPTIONS)) for name in rest}
    return {**made, "told": "".join(lines), "places": repr([result.frame_places.locate(n) for n in range(1, 3000)])}


def assert_same(paths: Sequence[str], *jobs: int) -> None:
    expected = reports(paths, 1)
    assert len(expected) > 10
    for count in jobs or (2, 3):
        found = reports(paths, count)
        assert [name for name in expected if found[name] != expected[name]] == []


def nobody_left() -> bool:
    return multiprocessing.active_children() == []


def test_traffic_of_columns_is_packed_as_counted_names_shared_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_SHARED", 4)
    columns = []
    for number, size in enumerate([3, 3, 9, 700, 0, 0, 40_000, 5, 6, 7, 3]):
        name = b"\xfe" * size
        extended = b"\x01\x04json" if number == 2 else b""
        column = Column(b"shop", b"alias", b"t" if size else b"", b"secret", name, 253, 45, 0, extended)
        column.results, column.rows, column.size = number + 1, 10 * number, 1000 - number
        columns.append(column)
    found = packing.unpack(packing.pack([Traffic(columns), Traffic([])]))
    assert [list(one) for one in found] == [list(Traffic(columns)), []]
    assert found[0]
    assert {one.type for one in found[0]} == {"", "VAR_STRING", "JSON"}
    assert b"secret" not in packing.pack(Traffic(columns[4:6]))


@pytest.mark.parametrize("folder", ["lab", "field", "corpus"])
def test_recorded_captures_read_as_one(folder: str, shared: Path) -> None:
    """Whatever there is of a folder, in turns by time: flows go on over the borders of files."""
    odd = ("hostile", "05-", "08-", "09-", "21-", "22-", "23-")  # bounds, keys and what is no capture: tested apart
    found = sorted(
        path for path in (shared / folder).rglob("*.pcap*")
        if path.stat().st_size < 1 << 20 and not path.name.startswith(odd) and b"\x0a\x00\x00\x00" not in head(path)
    )
    assert len(found) > 20
    assert_same([str(path) for path in found[:120]])


def head(path: Path) -> bytes:
    """The first bytes of a pcapng file, where a block of secrets would be."""
    with path.open("rb") as file:
        data = file.read(4096)
    return data if data[:4] == b"\x0a\x0d\x0d\x0a" else b""


def written(path: Path, frames: Sequence[Frame], first_ns: int, step_ns: int, link_type: int = 1) -> str:
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type)]
    for number, (data, original, _) in enumerate(frames):
        seconds, rest = divmod(first_ns + number * step_ns, SECOND)
        out += [struct.pack("<IIII", seconds, rest, len(data), max(original, len(data))), data]
    path.write_bytes(b"".join(out))
    return str(path)


def test_thousands_of_changed_conversations_mixed(shared: Path, tmp_path: Path) -> None:
    """Frames lost, doubled, swapped and changed, of flows that use each other's ports, in files that overlap."""
    rng = random.Random(20150923)
    found = [frames for frames in recordings(files(shared)) if frames[0][2] == 1 and len(frames) < 120]
    waiting = [changed(frames, frames, rng) for frames in rng.choices(found, k=220)]
    mixed: list[Frame] = []
    running: list[list[Frame]] = []
    while waiting or running:
        while waiting and len(running) < 40:
            running.append(waiting.pop()[::-1])
        one = rng.choice(running)
        for _ in range(min(len(one), rng.randrange(1, 6))):
            mixed.append(one.pop())
        running = [one for one in running if one]
    assert len(mixed) > 3_000
    paths = [
        written(tmp_path / f"{number}.pcap", mixed[number::3], SECOND * 9 + number, 3000)
        for number in range(3)
    ]
    assert_same(paths, 2, 3)


def test_closed_connections_whose_ports_are_used_again(tmp_path: Path) -> None:
    """Many ends, late segments and new beginnings: when a closed connection is over depends on its bucket alone."""
    frames: list[Frame] = []
    for group in range(12):
        talks = []
        for number in range(50):
            talk = Conversation(client=("10.1.0.9", 40_000 + number), client_isn=group * 7_777_777 + number)
            sessions.play(sessions.until(sessions.plaintext(), "login"), talk)
            talk.fin()
            talk.client(mysql.query(b"SELECT 'late'"))
            talks.append(talk)
        frames += [(packet.data, len(packet.data), 1) for packet in interleave(*talks)]
    path = written(tmp_path / "many.pcap", frames, SECOND * 9, SECOND // 100)
    assert len(aurora_wire.scan([path]).connections) > 150
    assert_same([path])


def talk_of(port: int, statements: int) -> Conversation:
    """A connection with statements of 900 kB."""
    talk = Conversation(client=("10.0.0.5", port))
    sessions.play(sessions.until(sessions.plaintext(), "login-ok"), talk)
    for number in range(statements):
        talk.client(mysql.query(b"SELECT '" + b"%d" % (number % 10) * 900_000 + b"'"))
        talk.server(mysql.ok(1))
    return talk


def test_one_share_may_keep_nearly_all_that_is_kept(tmp_path: Path) -> None:
    """25 of 28 MB of statements in one share: one process keeps them all, so the shares do."""
    path = tmp_path / "large.pcap"
    path.write_bytes(pcap(in_turn(talk_of(50_000, 2), talk_of(40_000, 28))))
    notes: list[str] = []
    found = aurora_wire.scan([path], jobs=2, on_note=notes.append)
    assert notes == []
    expected = aurora_wire.scan([path])
    assert sum(len(one.statements) for one in expected.connections) == 30
    assert [list(one.statements) for one in found.connections] == [list(one.statements) for one in expected.connections]


def test_what_reaches_a_bound_in_several_shares_is_read_by_one(tmp_path: Path) -> None:
    """Neither share passes the bound, both together do: which statements are kept depends on their order."""
    by_share: dict[int, int] = {}
    for port in range(40_000, 40_050):
        key = bytes((10, 0, 0, 5, 10, 0, 0, 9)) + struct.pack(">HH", port, 3306)
        by_share.setdefault(bucket_of_key(key) % 2, port)
    path = tmp_path / "large.pcap"
    path.write_bytes(pcap(in_turn(*(talk_of(port, 20) for port in by_share.values()))))
    notes: list[str] = []
    found = aurora_wire.scan([path], jobs=2, on_note=notes.append)
    assert notes == [
        "read by one process: more is there than is kept at once, and what is kept depends on the order"
    ]
    expected = aurora_wire.scan([path])
    assert sum(len(one.statements) for one in expected.connections) < 40
    assert [list(one.statements) for one in found.connections] == [list(one.statements) for one in expected.connections]


def test_what_reaches_a_bound_is_read_by_one(tmp_path: Path) -> None:
    """More statements than are kept of all connections, in one share: what was told before is not told again."""
    short = Conversation()
    sessions.play(sessions.plaintext(), short)
    short.fin()
    path = tmp_path / "large.pcap"
    path.write_bytes(pcap(in_turn(short, talk_of(40_000, 36))))
    notes: list[str] = []
    told: list[int] = []
    found = aurora_wire.scan([path], jobs=2, on_note=notes.append, on_connection=lambda one, _: told.append(one.id))
    assert notes == [
        "read by one process: more is there than is kept at once, and what is kept depends on the order"
    ]
    expected = aurora_wire.scan([path])
    assert sorted(told) == [one.id for one in expected.connections]
    assert [list(one.statements) for one in found.connections] == [list(one.statements) for one in expected.connections]


@pytest.fixture
def capture(tmp_path: Path) -> str:
    talks = []
    for number in range(40):
        talk = Conversation(client=("10.0.0.5", 40_000 + number))
        sessions.play(sessions.plaintext(), talk)
        talks.append(talk)
    path = tmp_path / "some.pcap"
    path.write_bytes(pcap(in_turn(*talks)))
    return str(path)


def test_a_process_that_is_killed_ends_the_scan(capture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = share.run_share

    def killed(analysis: share.Share, *rest: object) -> None:
        if analysis.engine.share == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        real(analysis, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(parent, "run_share", killed)
    with pytest.raises(AuroraWireError, match=r"one of 2 processes .* was ended by signal 9 \(Killed\); nothing is"):
        aurora_wire.scan([capture], jobs=2)
    assert nobody_left()


def test_a_report_that_cannot_be_written_ends_all_processes(capture: str) -> None:
    def full(connection: ConnectionResult, found: list[Finding]) -> None:
        raise OutputError("out: no space left on the disk.")

    with pytest.raises(OutputError):
        aurora_wire.scan([capture], jobs=2, on_connection=full)
    assert nobody_left()


def test_ctrl_c_ends_all_at_the_same_frame(capture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is of the frames that all have read: that of a capture which ends there."""
    pressed = multiprocessing.get_context("fork").Event()
    steering = parent._Steering
    next_limit, stop_soon = steering.next_limit, steering.stop_soon

    def stop(self: parent._Steering) -> None:
        stop_soon(self)
        pressed.set()

    def limit(self: parent._Steering, number: int, frame: int) -> int:
        if frame >= (100 if number else 200):
            assert pressed.wait(60)
        return next_limit(self, number, frame)

    def press(self: parent.Merge, number: int, step: share.Step) -> list[int]:
        if not pressed.is_set():
            os.kill(os.getpid(), signal.SIGINT)
        return take(self, number, step)

    take = parent.Merge.take
    monkeypatch.setattr(parent, "CHUNK", 50)
    monkeypatch.setattr(steering, "stop_soon", stop)
    monkeypatch.setattr(steering, "next_limit", limit)
    monkeypatch.setattr(parent.Merge, "take", press)
    result = aurora_wire.scan([capture], jobs=2)
    assert nobody_left()
    (read,) = result.captures
    assert (read.interrupted, read.complete, read.error) == (True, False, f"{capture}: interrupted")
    assert 0 < read.packets <= 250
    alone = tmp_path / "beginning.pcap"
    alone.write_bytes(beginning(Path(capture).read_bytes(), read.packets))
    expected = aurora_wire.scan([alone]).connections
    assert [(c.id, c.first_frame, c.last_frame, list(c.statements)) for c in result.connections] == [
        (c.id, c.first_frame, c.last_frame, list(c.statements)) for c in expected
    ]


def beginning(capture: bytes, frames: int) -> bytes:
    at = 24
    for _ in range(frames):
        at += 16 + int.from_bytes(capture[at + 8 : at + 12], "little")
    return capture[:at]


def test_a_file_that_changes_between_two_processes_is_read_again(capture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = share.Share.digest
    monkeypatch.setattr(share.Share, "digest", lambda self: [*real(self), (int(self.engine.share),)])
    with pytest.raises(AuroraWireError, match="the captures changed while they were read"):
        aurora_wire.scan([capture], jobs=2, on_connection=lambda connection, found: None)
    assert nobody_left()


def test_a_capture_that_breaks_off_and_one_that_is_none(capture: str, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(capture).read_bytes()[:-7])
    (tmp_path / "none.pcap").write_bytes(b"\x7fELF" + bytes(100))
    assert_same([capture, str(cut), str(tmp_path / "none.pcap")], 2)
    with pytest.raises(AuroraWireError, match="not a capture"):
        aurora_wire.scan([tmp_path / "none.pcap"], jobs=2)


def test_a_pipe_and_a_dump_are_read_by_one(tmp_path: Path) -> None:
    text = tmp_path / "dump.txt"
    text.write_text((Path(__file__).parents[2] / "captures" / "article-1-mysql-client-plaintext.txt").read_text())
    notes: list[str] = []
    found = reports([str(text)], 2, notes)
    assert notes == ["read by one process: a hex dump is read by one"]
    assert found == reports([str(text)], 1)


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32), st.binary(min_size=4, max_size=4))
def test_both_directions_are_in_one_bucket(v4: bytes, v6: bytes, ports: bytes) -> None:
    back = ports[2:] + ports[:2]
    for addresses in (v4, v6):
        half = len(addresses) // 2
        there = bucket_of_key(addresses + ports)
        assert 0 <= there < BUCKETS
        assert bucket_of_key(addresses[half:] + addresses[:half] + back) == there


def test_the_flows_of_two_hosts_spread_over_all_buckets() -> None:
    keys = [bytes((10, 0, 0, 5, 10, 0, 0, 9)) + struct.pack(">HH", port, 3306) for port in range(32768, 36768)]
    counts = [0] * int(BUCKETS)
    for key in keys:
        counts[bucket_of_key(key)] += 1
    assert min(counts) > 30
    assert max(counts) < 110


@pytest.mark.parametrize("words", ["0", "17", "two", "-1"])
def test_a_number_of_jobs_that_is_none(words: str, capture: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", f"--jobs={words}", capture]) == 2
    assert "from 1 to 16" in capsys.readouterr().err


def test_the_command_reads_with_two(capture: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--no-progress", "--format", "json", capture]) == 1
    one = capsys.readouterr()
    assert main(["scan", "--no-progress", "--format", "json", "--jobs", "2", capture]) == 1
    assert capsys.readouterr() == one


def test_statements_as_they_come_are_told_by_one(capture: str) -> None:
    notes: list[str] = []
    told: list[int] = []
    aurora_wire.scan([capture], jobs=2, on_statement=lambda number, one: told.append(number), on_note=notes.append)
    assert len(told) > 40
    assert notes == ["read by one process: statements are told as they come, over all connections, by one"]
