"""Frames from a ring's blocks: link types, VLAN tags, what is cut, and the copy for the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.capture.files.pcapng import PcapngSource
from aurora_wire.capture.files.pcapng_packets import PacketBlocks
from aurora_wire.capture.files.pcapng_writer import PcapngWriter
from aurora_wire.capture.live.ring_frames import RingFrames
from tests.capture.files import Frame, frames, in_blocks
from tests.capture.ring import Packet, ring_block

ETHERNET = bytes(range(12)) + b"\x08\x00" + b"E payload"


def source_of(*blocks: bytes) -> RingFrames:
    left = iter(blocks)
    return RingFrames(lambda: next(left, b""))


def one(packet: Packet) -> Frame:
    found = frames(source_of(ring_block([packet])))
    assert len(found) == 1
    return found[0]


def test_a_frame_has_its_bytes_its_length_and_its_time_in_nanoseconds() -> None:
    found = one(Packet(ETHERNET, time_ns=1_700_000_000_123_456_789, original_len=1500))
    assert found == Frame(1_700_000_000_123_456_789, 1, ETHERNET, 1500)


@pytest.mark.parametrize(("hardware", "link_type"), [(1, 1), (772, 1), (801, 105), (803, 127)])
def test_the_hardware_type_says_the_link_type(hardware: int, link_type: int) -> None:
    assert one(Packet(ETHERNET, hardware=hardware)).link_type == link_type


def test_what_has_no_ethernet_header_begins_at_the_network_header() -> None:
    found = one(Packet(b"\xaa\xbbE packet", hardware=65534, network_at=2))
    assert (found.link_type, found.data, found.original_len) == (101, b"E packet", 8)


def test_the_vlan_tag_that_the_kernel_took_out_is_put_in_again() -> None:
    found = one(Packet(ETHERNET, vlan=(0x88A8, 0x2005), original_len=100))
    assert found.data == ETHERNET[:12] + b"\x88\xa8\x20\x05" + ETHERNET[12:]
    assert found.original_len == 104


def test_after_the_last_block_there_is_none_at_the_moment_and_later_there_is_again() -> None:
    waiting: list[bytes] = []
    source = RingFrames(lambda: waiting.pop(0) if waiting else b"")
    assert not source.advance()
    waiting += [ring_block([Packet(b"a" * 20)]), ring_block([]), ring_block([Packet(b"b" * 20), Packet(b"c" * 20)])]
    assert [frame.data[:1] for frame in frames(source)] == [b"a", b"b", b"c"]
    assert not source.advance()
    waiting.append(ring_block([Packet(b"d" * 20)]))
    assert source.advance()
    assert source.count == 4


def test_the_interface_comes_with_the_frame() -> None:
    source = source_of(ring_block([Packet(ETHERNET, index=7), Packet(ETHERNET, index=300)]))
    assert source.advance()
    assert source.interface == 7
    assert source.advance()
    assert source.interface == 300


@given(st.binary(min_size=0, max_size=200), st.integers(0, 200))
@settings(max_examples=100)
def test_no_block_raises_or_goes_on_for_ever(noise: bytes, at: int) -> None:
    block = bytearray(ring_block([Packet(ETHERNET), Packet(ETHERNET * 3), Packet(ETHERNET)]))
    block[at : at + len(noise)] = noise[: len(block) - at]
    block[12:16] = min(int.from_bytes(block[12:16], "little"), 1000).to_bytes(4, "little")
    source = source_of(bytes(block))
    for _ in range(1001):
        if not source.advance():
            return
        assert 0 <= source.captured_len <= len(source.buffer) - source.at


packets = st.builds(
    Packet, st.binary(min_size=14, max_size=90), st.integers(0, 1 << 62 - 1).map(lambda n: n % (4 * 10**18)),
    st.none(), st.just(1), st.integers(1, 3), st.just(0), st.just(14), st.none() | st.just((0x8100, 5)),
)  # fmt: skip


@given(st.lists(st.lists(packets, max_size=5), max_size=4))
@settings(max_examples=60)
def test_the_copy_for_the_file_holds_the_frames_that_were_given(batches: list[list[Packet]]) -> None:
    class Kept(bytearray):
        def write(self, data: bytes, /) -> int:
            self.extend(data)
            return len(data)

        def close(self) -> None: ...

    kept = Kept()
    writer = PcapngWriter(kept, application="tests")
    left = map(ring_block, batches)
    source = RingFrames(
        lambda: next(left, b""), writer.blocks, lambda index, link: writer.interface(f"if{index}", link)
    )
    given_frames: list[Frame] = []
    while source.advance():
        data = source.buffer[source.at : source.at + source.captured_len]
        given_frames.append(Frame(source.time_ns, source.link_type, data, source.original_len))
    writer.close()
    assert frames(PcapngSource("copy", in_blocks(bytes(kept)))) == given_frames


def test_blocks_that_were_taken_are_gone() -> None:
    blocks = PacketBlocks()
    blocks.packet(0, -1, b"xabcy", 1, 3, 9, b"")
    assert blocks.size() == 36
    assert blocks.take()[8:20] == bytes(12)  # interface 0, and no time
    assert blocks.take() == b""
