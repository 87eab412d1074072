"""Finds the TCP segment in a frame, through every link layer and tunnel that is known here.

Source: the layers' own modules: `link`, `wifi`, `ip`, `tunnels`, `fragments`.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64, mypyc_attr

from aurora_wire.binary import u16_be
from aurora_wire.wire.net.cursor import (
    ETHERNET,
    ETHERTYPE,
    IP,
    IP_V4,
    IP_V6,
    LLC_HEADER,
    MPLS,
    PROTOCOL,
    TCP_HEADER,
    Cursor,
)
from aurora_wire.wire.net.ip import ip, ip_payload, ipv4, ipv6
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.link import ethernet, ethertype, link, ppp
from aurora_wire.wire.net.llc import llc
from aurora_wire.wire.net.skip_reasons import TCP, TCP_CUT, TCP_MALFORMED
from aurora_wire.wire.net.tunnels import mpls

MIN_TCP_HEADER: Final[i64] = 20
EN10MB: Final[i64] = 1


@mypyc_attr(acyclic=True)
class Locator(Cursor):
    """Finds the TCP segment in a frame; the fields are those of the last call that answered TCP.

    All offsets are into `buffer`: the given one, or a datagram reassembled from fragments.
    `ip_at`, `ip_version` (4 or 6) and `addresses_at` (source, then destination, 4 or 16 bytes each) are of
    the innermost IP header. `in_dispute` is true where the fragments that made the datagram disagreed.
    """

    def __init__(self, fragments: Fragments) -> None:
        super().__init__(fragments)
        self.tcp_at: i64 = 0
        self.captured_end: i64 = 0   # of the segment: padding cut off, at least the 20 bytes of a header
        self.segment_len: i64 = 0    # header and payload on the wire, at least captured_end - tcp_at
        self.payload_at: i64 = 0     # at most captured_end, also where the header's options are cut
        self.payload_len: i64 = 0    # on the wire; captured_end - payload_at of them are in the buffer

    def locate(self, buffer: bytes, at: i64, captured_len: i64, original_len: i64, link_type: i64) -> i64:
        """Find the TCP segment. Return TCP, or why there is none (net/skip_reasons.py); `reason_detail` belongs to it.
        """
        size: i64 = len(buffer)
        end: i64 = at + captured_len
        end = min(end, size)
        self.frame += 1
        self.buffer = buffer
        self.at = at
        self.end = end
        self.wire_end = at + original_len if original_len > captured_len else end
        self.reason_detail = 0
        self.encapsulation = 0
        self.network = 0
        self.in_dispute = False
        if link_type == EN10MB and end - at >= 54:
            if self._fast_ipv4(buffer, at, end) or self._fast_ipv6(buffer, at, end):
                return TCP
        step = link(self, link_type)
        while step < 0:
            if step == IP_V4:
                step = ipv4(self)
            elif step == TCP_HEADER:
                step = self.tcp()
            elif step == IP_V6:
                step = ipv6(self)
            elif step == PROTOCOL:
                step = ip_payload(self)
            else:
                step = self.slow_step(step)
        return step

    def _fast_ipv4(self, data: bytes, at: i64, end: i64) -> bool:
        """Find TCP by fixed offsets, in IPv4 without options in Ethernet, whole as far as its headers say.

        Anything else, also what is odd about it, is left to the layers' own modules, which come to the same result.
        """
        # Two reads of eight bytes, each little-endian: the type, IPv4 with a header of 20 bytes, service, total length
        # and identification; then fragment field, time to live and protocol.
        word: i64 = read_i64_le(data, at + 12)
        if word & 0xFFFFFF != 0x450008 or read_i64_le(data, at + 20) & 0xFF00FF3F != 0x06000000:
            return False
        total = (word >> 24) & 0xFF00 | (word >> 40) & 0xFF
        if not self._whole(data, at + 34, total - 20, end):
            return False
        self.ip_at = at + 14
        self.ip_version = 4
        self.addresses_at = at + 26
        return True

    def _fast_ipv6(self, data: bytes, at: i64, end: i64) -> bool:
        """Find TCP by fixed offsets, in IPv6 without extension headers in Ethernet."""
        if u16_be(data, at + 12) != 0x86DD or data[at + 14] >> 4 != 6 or data[at + 20] != 6 or end - at < 74:
            return False
        if not self._whole(data, at + 54, u16_be(data, at + 18), end):
            return False
        self.ip_at = at + 14
        self.ip_version = 6
        self.addresses_at = at + 22
        return True

    def _whole(self, data: bytes, tcp_at: i64, segment_len: i64, end: i64) -> bool:
        """Take a TCP segment of this length, if its headers agree. Its header's 20 bytes are in the buffer."""
        header_len: i64 = data[tcp_at + 12] >> 4
        header_len <<= 2
        if header_len < MIN_TCP_HEADER or header_len > segment_len or tcp_at + segment_len > self.wire_end:
            return False
        if tcp_at + segment_len < end:
            end = tcp_at + segment_len
        self.tcp_at = tcp_at
        self.captured_end = end
        self.segment_len = segment_len
        self.payload_at = tcp_at + header_len if tcp_at + header_len < end else end
        self.payload_len = segment_len - header_len
        return True

    def slow_step(self, step: i64) -> i64:
        if step == ETHERNET:
            return ethernet(self)
        if step == ETHERTYPE:
            return ethertype(self)
        if step == IP:
            return ip(self)
        if step == MPLS:
            return mpls(self)
        return llc(self) if step == LLC_HEADER else ppp(self)

    def tcp(self) -> i64:
        at = self.at
        end = self.end
        segment_len: i64 = self.wire_end - at
        if segment_len < MIN_TCP_HEADER:
            return TCP_MALFORMED
        if end - at < MIN_TCP_HEADER:
            return TCP_CUT
        header_len: i64 = self.buffer[at + 12] >> 4
        header_len <<= 2
        if header_len < MIN_TCP_HEADER or header_len > segment_len:
            return TCP_MALFORMED
        self.tcp_at = at
        self.captured_end = end
        self.segment_len = segment_len
        self.payload_at = at + header_len if at + header_len < end else end
        self.payload_len = segment_len - header_len
        return TCP
