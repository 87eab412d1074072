"""The packets in a block of a TPACKET_V3 ring, compiled: looked at once, and copied to the file if wanted.

Source: linux/if_packet.h (struct tpacket_block_desc, tpacket3_hdr, sockaddr_ll), the kernel's
Documentation/networking/packet_mmap.rst; linux/if_arp.h for the hardware types. Integers are in the machine's
order, which has to be little-endian.
"""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u32
from aurora_wire.capture.files.pcapng_packets import PacketBlocks
from aurora_wire.capture.frame_source import FrameSource
from aurora_wire.link_types import EN10MB, IEEE802_11, RADIOTAP, RAW

# struct tpacket_block_desc
NUM_PACKETS: Final[i64] = 12
FIRST_PACKET: Final[i64] = 16
BLOCK_HEADER_LEN: Final[i64] = 48

# struct tpacket3_hdr, and the struct sockaddr_ll behind it
SECONDS: Final[i64] = 4
NANOSECONDS: Final[i64] = 8
CAPTURED: Final[i64] = 12
ORIGINAL: Final[i64] = 16
STATUS: Final[i64] = 20
MAC: Final[i64] = 24
NET: Final[i64] = 26
VLAN_TCI: Final[i64] = 32
VLAN_TPID: Final[i64] = 36
IF_INDEX: Final[i64] = 52
HARDWARE: Final[i64] = 56
HEADER_LEN: Final[i64] = 68

STATUS_VLAN: Final[i64] = 0x10
STATUS_VLAN_TPID: Final[i64] = 0x40

ARPHRD_ETHER: Final[i64] = 1
ARPHRD_LOOPBACK: Final[i64] = 772
ARPHRD_IEEE80211: Final[i64] = 801
ARPHRD_IEEE80211_RADIOTAP: Final[i64] = 803

ETHERNET_ADDRESSES: Final[i64] = 12
TAG_LEN: Final[i64] = 4


class RingFrames(FrameSource):
    """The frames of the blocks that `next_block` gives; b"" from it means that there is none at the moment.

    Then `advance` returns False, and may return True when called again. On loopback a packet comes twice; the
    outgoing ones are left out by the filter (live_filter.py), not here. Ethernet and what looks like it has
    link type EN10MB, with the VLAN tag that the kernel took out put in again; without a header: RAW.

    With `copy_to`, each frame is also put there, for the file; on_interface (index, link type) answers the id
    that frames of an interface are written with.
    """

    def __init__(
        self, next_block: Callable[[], bytes], copy_to: PacketBlocks | None = None,
        on_interface: Callable[[int, int], int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.next_block = next_block
        self.copy_to = copy_to
        self.on_interface = on_interface
        self.interface_ids: dict[int, int] = {}  # as in the file, by interface index
        self.interface: i64 = 0                  # index of the current frame's interface
        self.wire_bytes: i64 = 0                 # of all frames so far, as long as they were on the wire
        self._block: bytes = b""
        self._next: i64 = 0                      # where in `_block` the next packet's header is
        self._left: i64 = 0                      # packets left in it

    def advance(self) -> bool:
        if self._left <= 0 and not self._begin():
            return False
        block = self._block
        at = self._next
        end: i64 = len(block)
        self._left -= 1
        self._next = at + u32(block, at)
        if self._next + HEADER_LEN > end:
            self._left = 0
        captured = u32(block, at + CAPTURED)
        original = u32(block, at + ORIGINAL)
        mac = u16(block, at + MAC)
        hardware = u16(block, at + HARDWARE)
        link: i64 = EN10MB
        start = at + mac
        if hardware != ARPHRD_ETHER and hardware != ARPHRD_LOOPBACK:  # noqa: PLR1714 - no tuple is made
            if hardware == ARPHRD_IEEE80211:
                link = IEEE802_11
            elif hardware == ARPHRD_IEEE80211_RADIOTAP:
                link = RADIOTAP
            else:
                link = RAW
                before = u16(block, at + NET) - mac
                start += before
                captured -= before
                original -= before
        if captured < 0 or start + captured > end:  # the kernel never writes that
            start = min(start, end)
            captured = min(max(captured, 0), end - start)
        buffer = block
        status = u32(block, at + STATUS)
        if status & STATUS_VLAN and link == EN10MB and captured >= ETHERNET_ADDRESSES:
            buffer = with_tag(block, at, start, captured, status)
            start = 0
            captured += TAG_LEN
            original += TAG_LEN
        index = u32(block, at + IF_INDEX)
        time_ns = u32(block, at + SECONDS) * 1_000_000_000 + u32(block, at + NANOSECONDS)
        self.buffer = buffer
        self.at = start
        self.captured_len = captured
        self.original_len = original
        self.time_ns = time_ns
        self.link_type = link
        self.interface = index
        self.count += 1
        self.wire_bytes += original
        out = self.copy_to
        if out is not None:
            out.packet(self._id(index, link), time_ns, buffer, start, captured, original, b"")
        return True

    def drain(self, limit: i64) -> i64:
        """Go through up to `limit` frames without looking at them: for who only wants them copied."""
        count: i64 = 0
        while count < limit and self.advance():
            count += 1
        return count

    def _begin(self) -> bool:
        """Make the next block that holds a packet the current one."""
        while True:
            block = self.next_block()
            if not block:
                return False
            self._block = block
            size: i64 = len(block)
            if size >= BLOCK_HEADER_LEN:
                self._left = u32(block, NUM_PACKETS)
                self._next = u32(block, FIRST_PACKET)
                if self._left > 0 and self._next + HEADER_LEN <= size:
                    return True
                self._left = 0

    def _id(self, index: i64, link: i64) -> i64:
        known = self.interface_ids.get(index)
        if known is None:
            known = 0 if self.on_interface is None else self.on_interface(index, link)
            self.interface_ids[index] = known
        return known


def with_tag(data: bytes, at: i64, start: i64, captured: i64, status: i64) -> bytes:
    """Return an Ethernet frame with the VLAN tag that the kernel keeps beside it."""
    protocol = u16(data, at + VLAN_TPID) if status & STATUS_VLAN_TPID else 0x8100
    tag = u16(data, at + VLAN_TCI)
    inserted = bytes([protocol >> 8, protocol & 0xFF, tag >> 8 & 0xFF, tag & 0xFF])
    split = start + ETHERNET_ADDRESSES
    return data[start:split] + inserted + data[split : start + captured]
