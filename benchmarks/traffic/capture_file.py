"""Capture files, and the tunnel that frames may be in.

Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; RFC 7348 (VXLAN).
"""

from struct import Struct

from traffic.tcp import UDP, Host, datagram

SNAPLEN = 262144
ETHERNET = 1
VXLAN_PORT = 4789

_PCAP = Struct("<IHHiIII")
_PCAP_RECORD = Struct("<IIII")
_SECTION = Struct("<IIIHHqI")
_INTERFACE = Struct("<IIHHII")
_PACKET = Struct("<IIIIIII")
_UDP = Struct("!HHHH")


class Pcap:
    """A pcap file of Ethernet frames, with times in µs."""

    header = _PCAP.pack(0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, ETHERNET)

    def record(self, time_us: int, frame: bytes) -> bytes:
        length = len(frame)
        return _PCAP_RECORD.pack(time_us // 1_000_000, time_us % 1_000_000, length, length) + frame


class Pcapng:
    """A pcapng file with one interface, whose times are in µs as none are named."""

    header = (
        _SECTION.pack(0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + _INTERFACE.pack(1, 20, ETHERNET, 0, SNAPLEN, 20)
    )

    def record(self, time_us: int, frame: bytes) -> bytes:
        length = len(frame)
        padding = bytes(-length & 3)
        total = 32 + length + len(padding)
        head = _PACKET.pack(6, total, 0, time_us >> 32, time_us & 0xFFFFFFFF, length, length)
        return head + frame + padding + total.to_bytes(4, "little")


class Tunnel:
    """VXLAN between two hosts that hold the clients and the servers."""

    def __init__(self, ends: tuple[Host, Host], network: int) -> None:
        self.ends = ends
        self.header = b"\x08\0\0\0" + network.to_bytes(3, "big") + b"\0"
        self.ip_id = 0

    def wrap(self, frame: bytes, *, back: bool) -> bytes:
        """Put a frame in. The source port tells connections apart, as the RFC has it; the checksum is left out."""
        source, target = reversed(self.ends) if back else self.ends
        self.ip_id = (self.ip_id + 1) & 0xFFFF
        length = 16 + len(frame)
        port = 49152 + sum(frame[26:38]) % 16384
        return datagram(source, target, UDP, self.ip_id, _UDP.pack(port, VXLAN_PORT, length, 0) + self.header + frame)
