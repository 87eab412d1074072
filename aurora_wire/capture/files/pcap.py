"""Reader of pcap files: both byte orders, microseconds and nanoseconds, Kuznetzov's longer records.

Source: draft-ietf-opsawg-pcap, "File Header" and "Packet Record"; libpcap's sf-pcap.c for the modified magic.
"""

from collections.abc import Callable
from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from aurora_wire.binary import u16, u16_be, u32, u32_be
from aurora_wire.capture.frame_source import BlockSource

MICROSECONDS: Final[i64] = 0xA1B2C3D4
NANOSECONDS: Final[i64] = 0xA1B23C4D
MODIFIED: Final[i64] = 0xA1B2CD34

FILE_HEADER: Final[i64] = 24
RECORD_HEADER: Final[i64] = 16
MODIFIED_RECORD_HEADER: Final[i64] = 24  # + interface index (4), protocol (2), type (1), padding (1)

MAX_SNAPLEN: Final[i64] = 262144      # libpcap's: records up to here are read whatever the header says
MAX_RECORD: Final[i64] = 16777216     # our bound, where the header announces longer records

SECOND: Final[i64] = 1_000_000_000


class PcapSource(BlockSource):
    """The frames of a pcap file. Raises CaptureError at once where the file header makes no sense."""

    def __init__(self, path: str, read: Callable[[], bytes]) -> None:
        super().__init__(path, read)
        self.big_endian: bool = False
        self.scale: i64 = 1000  # nanoseconds of one unit of the fraction
        self.record_header: i64 = RECORD_HEADER
        self.snaplen: i64 = 0
        self.longest: i64 = MAX_SNAPLEN
        self._file_header()

    def _file_header(self) -> None:
        if not self.need(FILE_HEADER):
            self.broken(f"ends inside the pcap file header ({self.left()} of 24 bytes)")
        data = self.buffer
        self.big_endian = data[0] == 0xA1
        magic: i64 = u32_be(data, 0) if self.big_endian else u32(data, 0)
        if magic == NANOSECONDS:
            self.scale = 1
        elif magic == MODIFIED:
            self.record_header = MODIFIED_RECORD_HEADER
        elif magic != MICROSECONDS:
            self.fail(f"not a pcap file: it begins with {data[:4].hex(' ')}.")
        major: i64 = u16_be(data, 4) if self.big_endian else u16(data, 4)
        minor: i64 = u16_be(data, 6) if self.big_endian else u16(data, 6)
        if major != 2:
            self.fail(f"pcap version {major}.{minor} is not known: only 2.x is. Is it really a capture?")
        self.snaplen = u32_be(data, 16) if self.big_endian else u32(data, 16)
        self.longest = max(MAX_SNAPLEN, min(self.snaplen, MAX_RECORD))
        network: i64 = u32_be(data, 20) if self.big_endian else u32(data, 20)
        self.link_type = network & 0xFFFF  # above: whether and how long frame check sequences are
        self.next = FILE_HEADER

    def advance(self) -> bool:
        if self.damaged:
            return False
        header: i64 = self.record_header
        if self.next + header > self.size and not self.need(header):
            if self.left() == 0:
                return False
            self.broken(f"ends inside the header of a packet record ({self.left()} of {header} bytes)")
        data = self.buffer
        at: i64 = self.next
        captured: i64
        original: i64
        if self.big_endian:
            captured = u32_be(data, at + 8)
            original = u32_be(data, at + 12)
        else:
            lengths: i64 = read_i64_le(data, at + 8)
            captured = lengths & 0xFFFFFFFF
            original = (lengths >> 32) & 0xFFFFFFFF
        if captured > self.longest:
            self.broken(f"record claims {captured} bytes, more than any snaplen")
        if at + header + captured > self.size:
            if not self.need(header + captured):
                self.broken(f"ends inside a packet record ({self.left()} of {header + captured} bytes)")
            data = self.buffer
            at = self.next
        if self.big_endian:
            self.time_ns = u32_be(data, at) * SECOND + u32_be(data, at + 4) * self.scale
        else:
            time: i64 = read_i64_le(data, at)
            self.time_ns = (time & 0xFFFFFFFF) * SECOND + ((time >> 32) & 0xFFFFFFFF) * self.scale
        self.original_len = original
        self.at = at + header
        self.captured_len = captured
        self.next = at + header + captured
        self.count += 1
        return True
