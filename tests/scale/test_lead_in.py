"""IP fragments of one datagram on both sides of a border of ranges: put together as in one reading."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aurora_wire.errors import CaptureError
from aurora_wire.immutable import replace
from aurora_wire.scale import lead_in, planning, ranges
from aurora_wire.scale.captures import group_parts, joined
from aurora_wire.scale.ranges import Range, cut
from aurora_wire.scale.segments import Part, read_part
from aurora_wire.verdict.result import CaptureResult
from tests.capture.files import block, interface, option, section
from tests.conversations.tcp import Packet, internet_checksum, pcap
from tests.scale import local, test_ranges
from tests.scale.local import differences, expected, tables
from tests.scale.test_ranges import SIZES, assert_same, begins, blocks_of, look_in, read, statistics

LOST = "IP fragment without the rest"
ENDS = {4: ("10.1.0.9", "10.1.0.1"), 6: ("fd00::9", "fd00::1")}


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Borders are looked for in a few KB."""
    look_in(monkeypatch, 2016)


def pieces(packet: Packet, number: int, count: int = 3) -> list[Packet]:
    """Return a frame's datagram in fragments, in order."""
    data = packet.data
    at = 34 if data[12:14] == b"\x08\0" else 54
    size = -(-(len(data) - at) // count) + 7 & ~7
    found = []
    for low in range(at, len(data), size):
        part, more = data[low : low + size], low + size < len(data)
        if at == 34:
            where = more << 13 | (low - at) // 8
            head = data[14:16] + struct.pack("!HHHBB", 20 + len(part), number, where, 64, data[23])
            ends = data[26:34]
            made = head + struct.pack("!H", internet_checksum(head + b"\0\0" + ends)) + ends + part
        else:
            made = data[14:18] + struct.pack("!HB", 8 + len(part), 44) + data[21:54]
            made += struct.pack("!BBHI", data[20], 0, low - at | more, number) + part
        found.append(Packet(packet.sender, data[:14] + made, 14 + len(made)))
    return found


def talks(count: int = 6, queries: int = 12, version: int = 4, port: int = 3306) -> list[Packet]:
    client, server = ENDS[version]
    return test_ranges.talks(count, queries, client, (server, port))


def in_fragments(
    packets: Sequence[Packet], rng: Random, *, share: float = 1.0, spread: float = 0.0, lost: float = 0.0
) -> list[Packet]:
    """Return packets of which some come in fragments; spread: by how many frames these are late; lost: as a share."""
    found: list[tuple[float, Packet]] = []
    for at, one in enumerate(packets):
        cut_up = pieces(one, at % 60_000 + 1) if rng.random() < share else [one]
        for number, piece in enumerate(cut_up):
            if len(cut_up) == 1 or rng.random() >= lost:
                found.append((at + number / 10 + rng.random() * spread, piece))
    return [one for _, one in sorted(found, key=lambda both: both[0])]


def write(path: Path, packets: Sequence[Packet]) -> Path:
    """Write packets in the format that the name says."""
    is_pcap = path.suffix == ".pcap"
    path.write_bytes(pcap(packets) if is_pcap else section() + interface() + b"".join(blocks_of(packets)))
    return path


def crossing(path: Path, size: int) -> int:
    """Return of how many segments fragments lie before the range that brings the last one."""
    rows = local.segments([path], size).to_pylist()
    return sum(any(one["frame"] < 1 for one in row["earlier"] or ()) for row in rows)


def make_range(path: Path, begin: int, end: int, before: int) -> Range:
    """Return a range of a capture that begins reading at a place before it."""
    is_pcap = path.suffix == ".pcap"
    head = (path.read_bytes()[:24] if is_pcap else section() + interface()) if begin else b""
    return Range(begin, end, path.suffix[1:], head, 0 if is_pcap else 1, before)


def read_in_two(path: Path, border: int) -> tuple[list[dict[str, Any]], CaptureResult, int]:
    """Return what is read of a capture that is cut at a place."""
    made = [make_range(path, 0, border, -1), make_range(path, border, -1, 0)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "cut", lambda *_: made)
        return read(path, 1)


def places(path: Path) -> list[int]:
    """Return where frames begin, but for the first one."""
    head = 24 if path.suffix == ".pcap" else len(section() + interface())
    return [at for at in sorted(begins(path)) if at > head and at < path.stat().st_size]


@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("spread", [0.0, 0.5, 3.0, 12.0])
def test_ranges_put_fragments_together_as_one_reading_does(
    suffix: str, version: int, spread: float, tmp_path: Path
) -> None:
    """In order, in any order, among those of others."""
    packets = in_fragments(talks(4, 8, version), Random(int(spread * 2) + version), spread=spread)
    path = write(tmp_path / f"whole{suffix}", packets)
    counts = assert_same(path, SIZES[:2])
    assert counts[1_000] > counts[4_000] > 1
    assert read(path, 4_000)[1].skipped == {}
    assert crossing(path, 1_000) > 20
    assert differences(tables([path], 1_000), expected([path]))[:10] == []
    assert expected([path])["statements"]


@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
@pytest.mark.parametrize("version", [4, 6])
def test_a_border_at_any_frame(suffix: str, version: int, tmp_path: Path) -> None:
    """Whole datagrams and such as never come whole, of MySQL's ports and of others, one border after the other."""
    rng = Random(version)
    others = in_fragments(talks(1, 4, version, port=5432), rng, spread=4, lost=0.3)
    packets = in_fragments(talks(1, 6, version), rng, share=0.7, spread=4, lost=0.2)
    mixed = sorted([*enumerate(packets), *enumerate(others)], key=lambda both: both[0])
    path = write(tmp_path / f"all{suffix}", [one for _, one in mixed])
    told = read(path, 0)[1]
    assert told.skipped[LOST] >= 10
    rows = read(path, 0)[0]
    fewer = 0
    for place in places(path):
        found, capture, count = read_in_two(path, place)
        assert (found, capture.skipped, count) == (rows, told.skipped, 2), place
        fewer += read_alone(path, make_range(path, place, -1, 0))[-1]["skipped"].get(LOST, 0) < 0
    assert fewer   # the last ranges take back what the ones before them counted


@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
@pytest.mark.parametrize("seed", range(6))
def test_fragments_that_never_come_whole_count_once(seed: int, suffix: str, tmp_path: Path) -> None:
    rng = Random(seed)
    packets = in_fragments(talks(version=4 + seed % 2 * 2), rng, spread=rng.choice((0, 4)), lost=0.3)
    path = write(tmp_path / f"lost{suffix}", packets)
    assert_same(path)
    told = read(path, 1_000)[1]
    assert told.skipped[LOST] == read(path, 0)[1].skipped[LOST] > 100
    assert differences(tables([path], 1_000), expected([path]))[:10] == []


@pytest.mark.parametrize("order", [
    "aaabbb", "aabbab", "ababab", "abbaab", "aabbb", "aabb", "abb", "aaabb", "aaab", "abbb",
])  # fmt: skip
@pytest.mark.parametrize("version", [4, 6])
def test_datagrams_with_the_same_number_around_a_border(
    order: str, version: int, tmp_path: Path
) -> None:
    """As one reading has it, also where that puts pieces of two together."""
    talk = talks(1, 8, version)
    one, other = [at for at, packet in enumerate(talk) if packet.sender == "client" and len(packet.data) > 200][:2]
    waiting = {"a": pieces(talk[one], 7), "b": pieces(talk[other], 7)}
    packets = talk[:one] + [waiting[name].pop(0) for name in order] + talk[other + 1 :]
    path = write(tmp_path / "same.pcap", packets)
    rows, told, _ = read(path, 0)
    for place in places(path):
        found, capture, _ = read_in_two(path, place)
        assert (found, capture.skipped) == (rows, told.skipped), place


def test_more_fragments_wait_than_are_kept(tmp_path: Path) -> None:
    """The latest ones go with a segment, wherever the border is."""
    begun = [pieces(one, at + 30_000)[0] for at, one in enumerate(talks(4, 40))][:150]
    packets = [*begun[:70], *in_fragments(talks(1, 3), Random(1)), *begun[70:], *in_fragments(talks(1, 9), Random(2))]
    path = write(tmp_path / "many.pcap", packets)
    assert max(len(row["earlier"] or ()) for row in read(path, 0)[0]) == lead_in.FRAGMENTS
    assert_same(path)
    assert crossing(path, 1_000) > 10


@pytest.mark.parametrize("lead", [2_000, 8_000, 30_000])
@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
def test_a_lead_in_that_reaches_as_far_as_datagrams_do_is_enough(
    lead: int, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins inside the file, and inside of datagrams, too."""
    monkeypatch.setattr(ranges, "LEAD_IN", lead)
    monkeypatch.setattr(lead_in, "FRAGMENTS", 2)
    path = write(tmp_path / f"short{suffix}", in_fragments(talks(12), Random(3)))
    assert any(one.lead_in > 0 for one in cut(str(path), 16_000))
    assert_same(path)
    assert crossing(path, 1_000) > 10
    assert differences(tables([path], 4_000), expected([path]))[:10] == []


@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
def test_where_a_lead_in_begins(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / f"where{suffix}", talks(12, 40))
    real = begins(path)
    assert {one.lead_in for one in cut(str(path), 16_000)} == {-1, 0}   # the beginning of the file is near
    monkeypatch.setattr(ranges, "LEAD_IN", 6_000)
    far = cut(str(path), 64_000)
    assert len(far) > 1
    for one in far[1:]:                                                 # looked for
        assert one.lead_in in real
        assert 6_000 - 2_016 <= one.begin - one.lead_in <= 6_000
    near = cut(str(path), 1_000)
    borders = {one.begin for one in near}
    for one in near[1:]:                                                # another border
        assert one.lead_in in borders
        assert min(6_000, one.begin) <= one.begin - one.lead_in <= 12_000


def test_where_no_border_is_found_there_is_no_lead_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "none.pcap", talks(12, 40))
    monkeypatch.setattr(ranges, "LEAD_IN", 6_000)
    borders = [one.begin for one in cut(str(path), 64_000)]
    places = iter([*(at - number * 64_000 for number, at in enumerate(borders) if number), *[-1] * len(borders)])
    monkeypatch.setattr(ranges, "find_border", lambda _: next(places))
    made = cut(str(path), 64_000)
    assert ([one.begin for one in made], {one.lead_in for one in made}) == (borders, {-1})


def read_alone(path: Path, one: Range) -> list[dict[str, Any]]:
    """Return the rows of one range."""
    part = Part(str(path), 0, 1, one, 0, local.PORTS)
    return [row for batch in read_part(part) for row in batch.to_pylist(maps_as_pydicts="strict")]


def middle(path: Path) -> Range:
    """Return the second half of a capture that comes in fragments, with a lead-in that finds some."""
    real = places(path)
    parts = (make_range(path, at, -1, 0) for at in real[len(real) // 2 :])
    return next(one for one in parts if read_alone(path, one) != read_alone(path, replace(one, lead_in=-1)))


@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
def test_a_lead_in_that_does_not_end_where_the_range_begins_is_as_none(suffix: str, tmp_path: Path) -> None:
    """Its own begin is no record's, then: nothing of it is believed, and no error comes of it."""
    path = write(tmp_path / f"false{suffix}", in_fragments(talks(1, 8), Random(1), spread=3))
    one = middle(path)
    plain = read_alone(path, replace(one, lead_in=-1))
    assert plain[-1]["error"] is None
    last = max(at for at in places(path) if at < one.begin)
    tried = [*range(1, last, 7), *range(last + 1, one.begin)]
    same = 0
    for place in tried:
        found = read_alone(path, replace(one, lead_in=place))
        same += found == plain
        assert found == plain or place < last, place   # some lead by chance into the frames that follow
        assert found[-1] | {"skipped": None} == plain[-1] | {"skipped": None}, place
    assert same > len(tried) * 0.8


@pytest.mark.parametrize("seed", range(12))
def test_damage_in_a_lead_in_is_not_told_by_the_range(seed: int, tmp_path: Path) -> None:
    """The one before it tells, and what lies behind damage does not count."""
    rng = Random(seed)
    path = write(tmp_path / f"broken{rng.choice(('.pcap', '.pcapng'))}", in_fragments(talks(2, 8), rng, spread=3))
    one = middle(path)
    plain = read_alone(path, replace(one, lead_in=-1))
    whole = bytearray(path.read_bytes())
    whole[rng.choice([at for at in places(path) if at < one.begin]) + 9 + rng.randrange(2)] ^= 0xFF
    path.write_bytes(whole)
    found = read_alone(path, one)
    assert found[-1] | {"skipped": None} == plain[-1] | {"skipped": None}
    assert_same(path, [1_000])


@pytest.mark.parametrize("add", [section() + interface(), interface()])
def test_what_is_described_in_a_lead_in_makes_it_none(add: bytes, tmp_path: Path) -> None:
    packets = in_fragments(talks(2, 8), Random(1), spread=3)
    path = write(tmp_path / "described.pcapng", packets)
    one = middle(path)
    plain = read_alone(path, replace(one, lead_in=-1))
    content = path.read_bytes()
    path.write_bytes(content[: places(path)[5]] + add + content[places(path)[5] :])
    moved = replace(one, begin=one.begin + len(add))
    assert read_alone(path, moved) == plain
    assert_same(path)


def test_a_lead_in_that_cannot_be_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "there.pcap", in_fragments(talks(2, 8), Random(1), spread=3))
    one = middle(path)
    plain = read_alone(path, replace(one, lead_in=-1))
    for error in (OSError("gone"), CaptureError("there.pcap", 3, "the connection was cut.")):
        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(lead_in, "PartFile", fail)
        assert read_alone(path, one) == plain


@pytest.mark.parametrize("lead", [4_000, 1 << 22])
def test_drops_in_a_lead_in_count_once(lead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics, and what is noted at packets; cut and undated frames, link types and first times are the range's."""
    monkeypatch.setattr(ranges, "LEAD_IN", lead)
    packets = [
        one if at % 7 else one.cut(len(one.data) - 3)
        for at, one in enumerate(in_fragments(talks(), Random(1), share=0.5))
    ]
    data = [section() + interface() + interface(snaplen=1_000)]
    for at, one in enumerate(blocks_of(packets, options=option(4, struct.pack("<Q", 2)))):
        simple = block(3, struct.pack("<I", packets[at].original_len) + packets[at].data)
        data += [simple if packets[at].original_len == len(packets[at].data) and at % 5 == 1 else one]
        data += [statistics(drops=at), statistics(number=1, drops=1)] * (at % 20 == 19)
    path = tmp_path / "drops.pcapng"
    path.write_bytes(b"".join(data))
    if lead > path.stat().st_size:
        assert_same(path)
    told = read(path, 0)[1]
    for size in SIZES[:3]:
        rows, found, count = read(path, size)
        assert count > 2
        assert (found.dropped_packets, found.truncated_packets) == (told.dropped_packets, told.truncated_packets)
        assert (found.packets, found.bytes, found.skipped) == (told.packets, told.bytes, told.skipped)
        assert [row["order_ns"] for row in rows] == [row["order_ns"] for row in read(path, 0)[0]]


def test_many_kinds_of_frames_do_not_hide_what_is_taken_back(tmp_path: Path) -> None:
    """Only the most frequent kinds have a name each."""
    talk = in_fragments(talks(1, 6), Random(1))
    odd = [Packet("client", bytes(12) + struct.pack("!H", 0x7000 + kind) + bytes(60), 74) for kind in range(30)] * 2
    packets = [one for at, piece in enumerate(talk) for one in (piece, *odd[at % 2 * 30 : at % 2 * 30 + 30])]
    path = write(tmp_path / "kinds.pcap", packets)
    assert crossing(path, 4_000) > 10
    found = read(path, 4_000)[1]
    assert LOST not in found.skipped
    assert sum(found.skipped.values()) == 30 * len(talk)


def test_a_range_with_a_lead_in_goes_on_to_the_end(tmp_path: Path) -> None:
    """Where its border is none."""
    path = write(tmp_path / "on.pcap", in_fragments(talks(2, 8), Random(1), spread=3))
    one = middle(path)
    found = read_alone(path, replace(one, end=one.begin + 1_001))
    assert found[-1]["to_end"]
    assert [row | {"to_end": None} for row in found] == [row | {"to_end": None} for row in read_alone(path, one)]


def test_fragments_further_apart_than_a_lead_in_reaches(tmp_path: Path) -> None:
    """They are lost and told. Of a datagram that began before it the rest may be taken for the next one's."""
    talk = talks(1, 8)
    one, other = [at for at, packet in enumerate(talk) if packet.sender == "client" and len(packet.data) > 200][:2]
    begun = [*pieces(talk[one], 7), *talk[one + 1 : other]]
    path = tmp_path / "apart.pcap"

    def lose(packets: Sequence[Packet], border: int, before: int) -> int:
        """Return how many are told of as lost. border, before: frames that the second range and its lead-in begin with.
        """
        real = [24, *places(write(path, packets))]
        made = [make_range(path, 0, real[border], -1), make_range(path, real[border], -1, real[before])]
        rows = [read_alone(path, part)[-1] | {"range": number} for number, part in enumerate(made)]
        return joined(group_parts(rows)[0]).skipped.get(LOST, 0)

    assert (lose(begun, 2, 0), lose(begun, 2, 1)) == (0, 3)
    again = [*begun, *pieces(talk[other], 7)[:1]]   # of which one is lost, in truth
    assert (lose(again, len(begun), 0), lose(again, len(begun), 1)) == (1, 0)
