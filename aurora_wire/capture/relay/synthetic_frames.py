"""The frames of a connection that a relay carried, as they would have been captured between client and target.

What was said is what crossed; the headers around it are made here. Sources: RFC 791, RFC 8200, RFC 9293 (TCP),
RFC 7323 (window scale), RFC 4291 section 2.5.5.2 (IPv4-mapped addresses).
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Final, NamedTuple

from aurora_wire.capture.checksum import checksum

MAX_PAYLOAD: Final = 61_440  # bytes of one segment: with all headers less than 64 KiB
MASK: Final = 0xFFFFFFFF

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
WINDOW: Final = 0xFFFF       # times 2 ** SCALE: more than a relay ever holds, so it is never full
SCALE: Final = 7
SYN_OPTIONS: Final = struct.pack(">BBHBBBB", 2, 4, MAX_PAYLOAD, 1, 3, 3, SCALE)  # MSS, no-op, window scale
HOPS: Final = 64
TCP: Final = 6
DONT_FRAGMENT: Final = 0x4000


class Place(NamedTuple):
    """An end of a connection; `address` as text, without the zone of IPv6."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class _Side:
    """What one end has sent and acknowledged, as sequence numbers."""

    def __init__(self, address: bytes, port: int, first: int) -> None:
        self.address = address
        self.port = port
        self.next = first          # of the next byte that it sends
        self.received = 0          # what it acknowledges: the next byte it expects
        self.told = -1             # the acknowledgement that it sent last


class Conversation:
    """Makes the frames of one connection, in the order of the calls; each answers a whole IP packet.

    client, server: where one has IPv6 and the other IPv4, that one is shown as ::ffff:a.b.c.d.
    first_numbers: initial sequence numbers of both, any.
    """

    def __init__(self, client: Place, server: Place, first_numbers: tuple[int, int]) -> None:
        ends = [ipaddress.ip_address(place.address) for place in (client, server)]
        self.version = max(end.version for end in ends)
        packed = [
            end.packed if end.version == self.version else ipaddress.ip_address(f"::ffff:{end}").packed
            for end in ends
        ]
        self._client = _Side(packed[0], client.port, first_numbers[0] & MASK)
        self._server = _Side(packed[1], server.port, first_numbers[1] & MASK)

    def syn(self) -> bytes:
        """Return the client's SYN."""
        return self._control(self._client, self._server, SYN)

    def syn_ack(self) -> bytes:
        """Return the server's SYN-ACK."""
        self._server.received = self._client.next
        return self._control(self._server, self._client, SYN | ACK)

    def refused(self) -> bytes:
        """Return the RST with which the server answers a SYN."""
        self._server.next = 0  # RFC 9293, 3.5.2: a reset in answer to no acknowledgement has number 0
        self._server.received = self._client.next
        return self._control(self._server, self._client, RST | ACK)

    def data(self, payload: bytes, *, from_client: bool) -> bytes:
        """Return a segment with data. payload: 1 to MAX_PAYLOAD bytes."""
        sender, receiver = self._sides(from_client)
        frame = self._frame(sender, receiver, PSH | ACK, payload)
        sender.next = sender.next + len(payload) & MASK
        return frame

    def acknowledged(self, *, by_client: bool) -> bytes | None:
        """Return an ACK of all that was sent to this end; None if a frame has said so already."""
        receiver, sender = self._sides(by_client)
        receiver.received = sender.next
        if receiver.told == receiver.received:
            return None
        return self._frame(receiver, sender, ACK)

    def fin(self, *, from_client: bool) -> bytes:
        sender, receiver = self._sides(from_client)
        return self._control(sender, receiver, FIN | ACK)

    def reset(self, *, from_client: bool) -> bytes:
        sender, receiver = self._sides(from_client)
        return self._frame(sender, receiver, RST | ACK)

    def _sides(self, client_first: bool) -> tuple[_Side, _Side]:
        return (self._client, self._server) if client_first else (self._server, self._client)

    def _control(self, sender: _Side, receiver: _Side, flags: int) -> bytes:
        """SYN and FIN take a sequence number."""
        frame = self._frame(sender, receiver, flags, options=SYN_OPTIONS if flags & SYN else b"")
        if flags & (SYN | FIN):
            sender.next = sender.next + 1 & MASK
        return frame

    def _frame(
        self, sender: _Side, receiver: _Side, flags: int, payload: bytes = b"", options: bytes = b""
    ) -> bytes:
        acknowledges = sender.received if flags & ACK else 0
        if flags & ACK:
            sender.told = acknowledges
        window = 0 if flags & RST else WINDOW
        header = struct.pack(
            ">HHIIBBHHH", sender.port, receiver.port, sender.next, acknowledges, (20 + len(options)) << 2, flags,
            window, 0, 0,
        ) + options  # fmt: skip
        length = len(header) + len(payload)
        addresses = sender.address + receiver.address
        check = checksum(addresses + struct.pack(">II", length, TCP) + header + payload)
        return b"".join((self._ip(addresses, length), header[:16], check, header[18:], payload))

    def _ip(self, addresses: bytes, length: int) -> bytes:
        if self.version == 6:
            return struct.pack(">IHBB", 6 << 28, length, TCP, HOPS) + addresses
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, DONT_FRAGMENT, HOPS, TCP, 0)
        return header[:10] + checksum(header + addresses) + addresses
