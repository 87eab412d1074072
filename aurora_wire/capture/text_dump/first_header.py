"""The first header of a dump: IP, a link header or a VLAN tag, told by the bytes alone.

`tcpdump -x` and `-X` leave the link header out, `-xx` and `-XX` show it, and older ones begin at the VLAN tag
of tagged frames (after the Ethernet header, so with the tag's content).
"""

from __future__ import annotations

from typing import Final

from aurora_wire.capture.checksum import checksum
from aurora_wire.link_types import EN10MB, LINUX_SLL, LINUX_SLL2, NULL, RAW

NO_MACS: Final = bytes(12)  # put before a dump that begins at its VLAN tag, which makes it an Ethernet frame

_IPV4_TYPE: Final = 0x0800
_IPV6_TYPE: Final = 0x86DD
_VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100)
_OTHER_TYPES: Final = (0x0806, 0x8847, 0x8848, 0x8863, 0x8864)  # ARP, MPLS, PPPoE
_IPV6_NEXT: Final = (0, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 132)

# How well the bytes fit: not, plausible, beyond chance.
NO: Final = 0
WEAK: Final = 1
STRONG: Final = 2


class Start:
    """How to read a dump: link type, the bytes to put before it, and where its IP header is (-1: nowhere)."""

    __slots__ = ("ip_at", "link_type", "prefix")

    def __init__(self, link_type: int, prefix: bytes, ip_at: int) -> None:
        self.link_type = link_type
        self.prefix = prefix
        self.ip_at = ip_at


def find_start(data: bytes, fallback: int) -> Start:
    """Return how the bytes of one frame are best read. fallback: the link type if nothing fits."""
    best = Start(fallback, b"", -1)
    best_fit = NO
    for candidate, fit in (
        (Start(RAW, b"", 0), _ip_fit(data, 0)),
        _ethernet(data, 12, b""),
        _ethernet(data, 0, NO_MACS),
        _vlan_content(data),
        _sll(data),
        _sll2(data),
        _null(data),
    ):
        if fit > best_fit:
            best, best_fit = candidate, fit
    return best


def ip_length(data: bytes, at: int) -> int:
    """Return the length of the IP packet at `at` by its header, 0 where the header does not say (offload)."""
    if data[at] >> 4 == 4:
        return _u16(data, at + 2)
    length = _u16(data, at + 4)
    return length + 40 if length else 0


def headers_length(data: bytes, at: int) -> int:
    """Return the length in bytes of the IPv4 and TCP headers at `at`, 0 if they are not there."""
    header = (data[at] & 15) * 4
    if data[at] >> 4 != 4 or len(data) < at + header + 13 or data[at + 9] != 6:
        return 0
    return header + (data[at + header + 12] >> 4) * 4


def _u16(data: bytes, at: int) -> int:
    """Return the 16-bit number at a place, 0 if the data ends before."""
    return int.from_bytes(data[at:at + 2], "big") if at + 2 <= len(data) else 0


def _ip_fit(data: bytes, at: int) -> int:
    """Return how well a header fits. It may be cut: a frame that was cut so early is judged by its length field."""
    left = len(data) - at
    if left >= 4 and data[at] >> 4 == 4:
        header = (data[at] & 15) * 4
        total = _u16(data, at + 2)
        if header < 20 or (total != 0 and total < header):
            return NO
        if left >= header and checksum(data[at:at + header]) == b"\0\0":
            return STRONG
        return WEAK
    if left >= 7 and data[at] >> 4 == 6:
        if data[at + 6] not in _IPV6_NEXT:
            return NO
        return STRONG if _u16(data, at + 4) + 40 == left else WEAK
    return NO


def _typed(data: bytes, type_at: int, ip_at: int) -> tuple[int, int]:
    """Return the fit of a header whose EtherType is at `type_at`, and where the IP header is."""
    kind = _u16(data, type_at)
    tags = 0
    while kind in _VLAN_TYPES and tags < 4 and type_at + 2 == ip_at:
        type_at += 4
        ip_at += 4
        tags += 1
        kind = _u16(data, type_at)
    if kind in (_IPV4_TYPE, _IPV6_TYPE):
        version = data[ip_at] >> 4 if ip_at < len(data) else 0
        if version == (4 if kind == _IPV4_TYPE else 6) and _ip_fit(data, ip_at) != NO:
            return STRONG, ip_at
    elif kind in _OTHER_TYPES:
        return (STRONG if tags else WEAK), -1
    return NO, -1


def _ethernet(data: bytes, type_at: int, prefix: bytes) -> tuple[Start, int]:
    fit, ip_at = _typed(data, type_at, type_at + 2)
    if prefix and _u16(data, 0) not in _VLAN_TYPES:
        fit = NO
    return Start(EN10MB, prefix, ip_at), fit


def _vlan_content(data: bytes) -> tuple[Start, int]:
    """Read from after the EtherType 0x8100: 2 bytes of tag, then the EtherType that it carries."""
    fit, ip_at = _typed(data, 2, 4)
    return Start(EN10MB, NO_MACS + b"\x81\x00", ip_at), fit if ip_at >= 0 else NO


def _sll(data: bytes) -> tuple[Start, int]:
    fit, ip_at = _typed(data, 14, 16)
    return Start(LINUX_SLL, b"", ip_at), fit if ip_at >= 0 and _u16(data, 0) <= 4 else NO


def _sll2(data: bytes) -> tuple[Start, int]:
    fit, ip_at = _typed(data, 0, 20)
    return Start(LINUX_SLL2, b"", ip_at), fit if ip_at >= 0 and _u16(data, 2) == 0 else NO


def _null(data: bytes) -> tuple[Start, int]:
    """BSD loopback: address family in the byte order of the host, then IP."""
    known = data[:4] in (b"\2\0\0\0", b"\0\0\0\2", b"\x18\0\0\0", b"\x1c\0\0\0", b"\x1e\0\0\0")
    return Start(NULL, b"", 4), _ip_fit(data, 4) if known else NO
