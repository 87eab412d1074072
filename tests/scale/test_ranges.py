"""Ranges of a pcapng give what one task gives: the same segments, the same account of the capture."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from aurora_wire.scale import chains, ranges
from aurora_wire.scale.captures import floors, frames_before, group_parts, joined
from aurora_wire.verdict.result import CaptureResult
from tests.capture.files import block, enhanced, interface, option, section
from tests.conftest import ROOT
from tests.conversations import mysql, sessions
from tests.conversations.tcp import START_NS, STEP_NS, Conversation, Packet, interleave, pcap
from tests.hostile.kinds import case
from tests.scale import local
from tests.scale.local import differences, expected, tables
from tests.scale.test_flows import many, small

SIZES = (1_000, 4_000, 16_000, 64_000)
NAMES, DECRYPTION = 4, 10
NANOSECONDS = option(9, b"\x09")


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Borders are looked for in a few KB."""
    look_in(monkeypatch, 2016)


def look_in(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    for name, value in {"LONGEST": window - 16, "WINDOW": window, "CHAIN": 2 * window}.items():
        monkeypatch.setattr(chains, name, value)


def read(path: Path, range_bytes: int) -> tuple[list[dict[str, Any]], CaptureResult, int]:
    """Return the segments of a capture, numbered as in one range, what was read of it, and how many ranges count."""
    everything = local.segments([path], range_bytes)
    is_segment = pa.compute.equal(everything["kind"], "segment")
    parts = group_parts(everything.filter(pa.compute.invert(is_segment)).to_pylist(maps_as_pydicts="strict"))
    before = frames_before(parts)
    rows = local.ordered(everything.filter(is_segment), floors(parts)).to_pylist()
    for row in rows:
        earlier = before.get((row["file_no"], row["range"]), 0)
        row["frame"] += earlier
        row["range"] = 0
        for one in row["earlier"] or ():
            one["frame"] += earlier
    return rows, joined(parts[0]), len(parts[0])


def assert_same(path: Path, sizes: Sequence[int] = SIZES) -> dict[int, int]:
    """Hold ranges of these sizes against one; return how many of each there were."""
    rows, told, _ = read(path, 0)
    counts = {}
    for size in sizes:
        found, capture, counts[size] = read(path, size)
        assert (path.name, size, len(found)) == (path.name, size, len(rows))
        assert found == rows, (path.name, size)
        for field in fields(CaptureResult):
            if field.name == "sha256" or (field.name == "bytes" and told.error is not None):
                continue   # of a range there is no digest; how far a broken file was read is a matter of blocks
            one, other = getattr(capture, field.name), getattr(told, field.name)
            assert one == other, (path.name, size, field.name)
    return counts


def blocks_of(
    packets: Sequence[Packet], order: str = "<", number: int = 0, *, first: int = 0, options: bytes = b""
) -> list[bytes]:
    """Return packets as blocks of an interface that counts microseconds."""
    return [
        enhanced(one.data, order, number, (START_NS + at * STEP_NS) // 1000, one.original_len, options)
        for at, one in enumerate(packets, first)
    ]


def talks(
    count: int = 12, queries: int = 15, client: str = "10.1.0.9", server: tuple[str, int] = ("10.0.0.9", 3306)
) -> list[Packet]:
    made = []
    for number in range(count):
        talk = Conversation(client=(client, 40_000 + number), server=server)
        sessions.play(sessions.until(sessions.plaintext(), "login-ok"), talk)
        for query in range(queries):
            talk.client(mysql.query(b"SELECT '%s', %d" % (b"x" * (query * 37 % 400), number)))
            talk.server(mysql.ok(1))
        made.append(talk)
    return interleave(*made)


def statistics(order: str = "<", number: int = 0, *, drops: int) -> bytes:
    return block(5, struct.pack(order + "III", number, 0, 0) + option(5, struct.pack(order + "Q", drops), order), order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_ranges_of_a_pcapng_give_what_the_whole_gives(order: str, tmp_path: Path) -> None:
    path = tmp_path / "many.pcapng"
    path.write_bytes(section(order) + interface(order) + b"".join(blocks_of(talks(), order)))
    counts = assert_same(path)
    assert counts[4_000] > 8
    assert counts[1_000] >= counts[4_000] > counts[16_000] > 1
    assert differences(tables([path], 4_000), expected([path]))[:10] == []


def test_ranges_are_cut_at_blocks_in_the_size_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bounds that a user has, too."""
    monkeypatch.undo()
    path = tmp_path / "many.pcapng"
    path.write_bytes(section() + interface() + b"".join(blocks_of(talks(60, 60))))
    size = path.stat().st_size
    assert size > 2 * chains.CHAIN
    counts = assert_same(path, [200_000])
    assert counts[200_000] == (size - chains.CHAIN - chains.WINDOW - 1) // 200_000 + 1 > 2


def test_what_stands_before_between_and_behind_packets_is_passed(tmp_path: Path) -> None:
    """Key logs, names, statistics, blocks of nobody's: long and short ones."""
    rng = Random(5)
    head = section() + block(DECRYPTION, struct.pack("<II", 0x12345678, 300_000) + bytes(300_000)) + interface()
    head += block(NAMES, b"\1\0\7\0\x0a\0\0\1db\0\0" + bytes(4))
    data = [head, statistics(drops=1), interface(link_type=113, options=NANOSECONDS)]
    for at, one in enumerate(blocks_of(talks())):
        data.append(one)
        if at % 5 == 0:
            data.append(block(rng.choice((NAMES, DECRYPTION, 0x0BAD, 0x40000BAD)), rng.randbytes(rng.randrange(600))))
        if at % 50 == 0:
            data += [statistics(drops=at), statistics(number=1, drops=3)]
    path = tmp_path / "between.pcapng"
    path.write_bytes(b"".join([*data, block(NAMES, bytes(8)), statistics(drops=700)]))
    counts = assert_same(path)
    assert counts[4_000] > 4
    assert read(path, 4_000)[1].dropped_packets == 703


def test_drops_noted_at_packets_are_added_over_ranges(tmp_path: Path) -> None:
    path = tmp_path / "drops.pcapng"
    noted = blocks_of(talks(), options=option(4, struct.pack("<Q", 2)))
    path.write_bytes(section() + interface() + b"".join(noted))
    assert assert_same(path)[4_000] > 4
    assert read(path, 4_000)[1].dropped_packets == 2 * len(noted)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("link", [1, 101])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.31, 0.7, 0.98])
def test_a_section_that_begins_later_holds_for_what_follows(order: str, link: int, at: float, tmp_path: Path) -> None:
    packets = talks()
    middle = int(len(packets) * at)
    begin = [section() + interface(), *blocks_of(packets[:middle])]
    begin += [statistics(drops=4)] * (middle > 0)
    again = [section(order) + interface(order, link, options=option(9, b"\x03", order))]
    skip = 14 if link == 101 else 0   # raw IP has no Ethernet header
    for number, one in enumerate(packets[middle:], middle):
        ticks = START_NS // 1_000_000 + number
        again.append(enhanced(one.data[skip:], order, 0, ticks, one.original_len - skip))
    path = tmp_path / "sections.pcapng"
    path.write_bytes(b"".join(begin + again + [statistics(order, drops=5)]))
    assert_same(path)
    assert differences(tables([path], 4_000), expected([path]))[:10] == []


def test_many_sections(tmp_path: Path) -> None:
    """As of captures that were put one behind the other with `cat`."""
    packets = talks(20)
    data = []
    for number in range(0, len(packets), 60):
        order = "<>"[number // 60 % 2]
        data += [section(order) + interface(order, 113) + interface(order)]
        data += blocks_of(packets[number : number + 60], order, 1, first=number)
    path = tmp_path / "cat.pcapng"
    path.write_bytes(b"".join(data))
    assert_same(path)


@pytest.mark.parametrize("at", [1, 100, 250])
def test_an_interface_that_is_described_later_is_known_behind(at: int, tmp_path: Path) -> None:
    packets = talks()
    assert len(packets) > 350
    data = [section() + interface(), *blocks_of(packets[:at]), interface(options=NANOSECONDS)]
    for number, one in enumerate(packets[at:], at):
        ticks = START_NS + number * STEP_NS
        data.append(enhanced(one.data, number=number % 2, ticks=ticks if number % 2 else ticks // 1000))
    path = tmp_path / "late.pcapng"
    path.write_bytes(b"".join(data))
    assert_same(path)


def test_packets_without_a_time_keep_their_place(tmp_path: Path) -> None:
    data = [section() + interface(snaplen=1000)]
    for at, one in enumerate(blocks_of(packets := talks())):
        is_simple = at % 3
        data.append(block(3, struct.pack("<I", len(packets[at].data)) + packets[at].data) if is_simple else one)
    path = tmp_path / "simple.pcapng"
    path.write_bytes(b"".join(data))
    assert assert_same(path)[4_000] > 4


def test_times_that_go_back_do_not_change_the_order_of_frames(tmp_path: Path) -> None:
    packets = talks(3, 60)
    data = [section() + interface()]
    data += [
        enhanced(one.data, ticks=(START_NS + (at - 40 * (at % 50 > 40)) * STEP_NS) // 1000)
        for at, one in enumerate(packets)
    ]
    path = tmp_path / "back.pcapng"
    path.write_bytes(b"".join(data))
    assert assert_same(path)[1_000] > 4
    assert differences(tables([path], 1_000), expected([path]))[:10] == []


def begins(path: Path) -> set[int]:
    """Return where each block, or record, of a file begins."""
    content = path.read_bytes()
    is_pcap = content[:4] != section()[:4]
    found, at = {0}, 24 if is_pcap else 0
    while at < len(content):
        found.add(at)
        size = struct.unpack_from("<I", content, at + (8 if is_pcap else 4))[0]
        at += size + (16 if is_pcap else 0)
    return found


def test_a_capture_inside_a_frame_makes_no_border(tmp_path: Path) -> None:
    """Blocks of a capture that somebody copied over the network look like blocks."""
    inner = section() + interface() + b"".join(enhanced(bytes(40), ticks=1_700_000_000_000_000) for at in range(17))
    talk = Conversation(client=("10.1.0.9", 50_000))
    for _ in range(80):
        talk.client(b"zz" + inner[:1400])
        talk.client(b"z" * 700)
    path = tmp_path / "copied.pcapng"
    path.write_bytes(section() + interface() + b"".join(blocks_of(talk.packets)))
    assert not path.read_bytes().index(inner[:40]) & 3
    for size in SIZES:
        assert {one.begin for one in ranges.cut(str(path), size)} <= begins(path)
    assert assert_same(path)[4_000] > 8


def test_a_record_inside_a_frame_that_leads_to_real_ones_makes_no_border(tmp_path: Path) -> None:
    talk = Conversation(client=("10.1.0.9", 50_000))
    for number in range(200):
        size = number * 7 % 500 + 1
        talk.client(b"y" * 700 + struct.pack("<IIII", START_NS // 1_000_000_000, 0, size, size) + bytes(size))
    path = tmp_path / "copied.pcap"
    path.write_bytes(pcap(talk.packets))
    for size in SIZES:
        cut = {one.begin for one in ranges.cut(str(path), size)}
        assert cut <= begins(path)
    assert assert_same(path)[4_000] > 8


def test_a_border_inside_a_record_is_found_by_who_reads_before_it(tmp_path: Path) -> None:
    """Blocks longer than is believed hide the real chain, and what is in them looks like one: all is read all the same.
    """
    inner = b"".join(enhanced(bytes(60), ticks=1_700_000_000_000_000 + at) for at in range(200))
    data = [section() + interface()]
    for at, one in enumerate(blocks_of(talks())):
        data += [one] if at % 40 else [one, block(0x0BAD, inner)]
    path = tmp_path / "hidden.pcapng"
    path.write_bytes(b"".join(data))
    assert not {one.begin for one in ranges.cut(str(path), 4_000)} <= begins(path)
    assert_same(path)


def test_of_a_pcap_too(tmp_path: Path) -> None:
    inner = b"".join(struct.pack("<IIII", 1_700_000_000, 0, 40, 40) + bytes(40) for _ in range(1_000))
    talk = Conversation(client=("10.1.0.9", 50_000))
    for at in range(60):
        talk.client(b"SELECT %d" % at)
        if at % 20 == 0:
            talk.client(inner)
    path = tmp_path / "hidden.pcap"
    path.write_bytes(pcap(talk.packets))
    assert_same(path)
    path.write_bytes(many(20, 20))
    assert assert_same(path)[4_000] > 8


@pytest.mark.parametrize("seed", range(60))
def test_damage_is_told_as_by_one_task(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    whole = bytearray(section() + interface() + b"".join(blocks_of(talks(6))))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(48, len(whole))
        whole[at] = rng.choice((0, 1, 6, 10, 13, 255, rng.randrange(256)))
    path = tmp_path / "damaged.pcapng"
    path.write_bytes(whole[: rng.choice((len(whole), rng.randrange(48, len(whole))))])
    assert_same(path, [rng.choice(SIZES[:3])])


@pytest.mark.parametrize("start", [b"", section(), section() + interface(), section() + section() + interface()])
def test_a_file_without_packets_at_its_beginning_is_not_cut(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "none.pcapng"
    path.write_bytes(start + block(NAMES, bytes(100)) * 400)
    assert ranges.cut(str(path), 1_000) == list(ranges.WHOLE)
    if start:
        assert_same(path, [1_000])


def test_many_interfaces_are_given_to_each_task_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "interfaces.pcapng"
    packets = b"".join(blocks_of(talks(4), number=299))
    path.write_bytes(section() + interface() * 300 + packets)
    assert assert_same(path)[4_000] > 2
    path.write_bytes(section() + interface() * 20_000 + packets)
    assert ranges.cut(str(path), 4_000) == list(ranges.WHOLE)


@pytest.mark.parametrize("folder", ["lab", "field", "corpus"])
def test_each_recorded_pcapng_in_ranges(folder: str, shared: Path) -> None:
    found = [path for path in small(shared / folder) if path.suffix == ".pcapng"]
    for path in found:
        assert_same(path)


def test_each_shipped_pcapng_in_ranges() -> None:
    for path in sorted((ROOT / "captures").rglob("*.pcapng")):
        if path.stat().st_size < 1 << 20:
            assert_same(path)


@pytest.mark.parametrize("seed", range(40))
def test_generated_conversations_in_ranges(seed: int, tmp_path: Path) -> None:
    """Losses, forgeries, fragments, ports used again: as one file of several interfaces, and of several sections."""
    rng = Random(seed)
    made = case(seed)
    data = [section() + interface(options=NANOSECONDS) * 3]
    for number, frames in enumerate(made.captures):
        if number and rng.random() < 0.3:
            data.append(section() + interface(options=NANOSECONDS) * 3)
        for frame in frames:
            data += [
                enhanced(one, number=rng.randrange(3), ticks=frame.time_ns, original=original)
                for one, original in frame.build()
            ]
    path = tmp_path / "generated.pcapng"
    path.write_bytes(b"".join(data))
    assert_same(path, SIZES[:2])
    assert differences(tables([path], 1_000), expected([path]))[:10] == []
