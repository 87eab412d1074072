"""One TCP connection as a tap sees it: Ethernet frames with right numbers, ACKs, timestamps and checksums.

Source: RFC 9293 (TCP), RFC 7323 (timestamps, window scale), RFC 1071 (checksum), RFC 8200 (IPv6).
"""

from collections import Counter
from random import Random
from struct import Struct
from typing import NamedTuple

Frame = tuple[int, bytes]  # µs since the capture began, bytes from the Ethernet header on

FIN, SYN, PSH, ACK = 1, 2, 8, 16
TCP, UDP, ICMP = 6, 17, 1

MSS_V4, MSS_V6 = 1448, 1428     # an MTU of 1500 less the headers and the 12 bytes of timestamps
RTO_US = 210_000                # Linux waits at least 200 ms before it sends a segment again
OUT_OF_ORDER = 0.03             # chance that two neighbouring full segments swap places
RETRANSMITTED = 0.002           # chance that a last segment is lost behind the tap, and sent again

_V4 = Struct("!HHHHHH")
_V6 = Struct("!IHBB")
_TCP = Struct("!HHIIHHHH")
_STAMPS = Struct("!III")
_NOP_NOP_TIMESTAMP = 0x0101080A


class Host(NamedTuple):
    mac: bytes
    v4: bytes
    v6: bytes


def checksum(data: bytes) -> int:
    """The Internet checksum. 2^16 is 1 modulo 65535: the remainder of the whole is the sum of its words."""
    if len(data) & 1:
        data += b"\0"
    return -int.from_bytes(data, "big") % 65535


def datagram(source: Host, target: Host, protocol: int, ip_id: int, body: bytes) -> bytes:
    """An Ethernet frame with an IPv4 packet that nothing has to be known of but its body."""
    head = _V4.pack(0x4500, 20 + len(body), ip_id, 0x4000, 64 << 8 | protocol, 0)
    right = checksum(head + source.v4 + target.v4).to_bytes(2, "big")
    return target.mac + source.mac + b"\x08\x00" + head[:10] + right + source.v4 + target.v4 + body


class Side:
    """One end of a connection: what it sends next, and what of the other's bytes it has acknowledged."""

    __slots__ = (
        "acked", "addresses", "clock", "constant", "echo", "ip_id", "link", "mss", "port", "seq", "v6",
    )

    def __init__(self, rng: Random, own: Host, other: Host, port: int, v6: bool) -> None:
        self.port = port
        self.seq = rng.getrandbits(32)
        self.acked = -1
        self.ip_id = rng.getrandbits(16)
        self.clock = rng.getrandbits(31)   # ms, of the timestamps it sends
        self.echo = 0                      # the last timestamp of the other side
        self.v6 = v6
        self.mss = MSS_V6 if v6 else MSS_V4
        self.addresses = own.v6 + other.v6 if v6 else own.v4 + other.v4
        self.link = other.mac + own.mac + (b"\x86\xdd" if v6 else b"\x08\x00")
        self.constant = int.from_bytes(self.addresses, "big") % 65535


class Session:
    """Says what both sides say, and keeps the frames. `now` is in µs and goes forward with every frame.

    ends: whether it is closed; offloaded: frames of the server hold what its host leaves to the card, the checksum of
    the pseudo header alone.
    """

    def __init__(
        self, rng: Random, client: Host, server: Host, ports: tuple[int, int], start_us: int, v6: bool, *,
        ends: bool = True, offloaded: bool = False,
    ) -> None:  # fmt: skip
        self.rng = rng
        self.ends = ends
        self.offloaded = offloaded
        self.client = Side(rng, client, server, ports[0], v6)
        self.server = Side(rng, server, client, ports[1], v6)
        self.now = start_us
        self.round_trip_us = rng.randrange(200, 2000)
        self.frames: list[Frame] = []
        self.tally: Counter[str] = Counter()
        if v6:
            self.tally["ipv6_connections"] += 1

    def open(self) -> None:
        self._emit(self.client, self.server, SYN, b"", self._syn_options(self.client))
        self.client.seq += 1
        self.now += self.round_trip_us
        self._emit(self.server, self.client, SYN | ACK, b"", self._syn_options(self.server))
        self.server.seq += 1
        self.now += 20
        self.acknowledge(self.client)

    def close(self) -> None:
        """FIN of the client, FIN of the server, last ACK."""
        self.now += 30
        self._emit(self.client, self.server, FIN | ACK, b"", None)
        self.client.seq += 1
        self.now += self.round_trip_us
        self._emit(self.server, self.client, FIN | ACK, b"", None)
        self.server.seq += 1
        self.now += 25
        self.acknowledge(self.client)

    def say(self, side: Side, data: bytes, wait_us: int) -> None:
        """`side` sends `data` after `wait_us` and the way to it; every second segment is acknowledged."""
        other = self.server if side is self.client else self.client
        self.now += wait_us + (self.round_trip_us >> 1)
        if len(data) <= side.mss:  # nearly always
            self._segment(side, other, data, last=True)
            return
        in_flight = 0
        for at in range(0, len(data), side.mss):
            last = at + side.mss >= len(data)
            self._segment(side, other, data[at : at + side.mss], last=last)
            in_flight += 1
            self.now += 12
            if in_flight == 2:
                in_flight = 0
                self._swap_last_two()
                if not last:
                    self.now += self.round_trip_us >> 1
                    self.acknowledge(other)

    def acknowledge(self, side: Side) -> None:
        """A bare ACK, if there is something that `side` has not yet acknowledged."""
        other = self.server if side is self.client else self.client
        if side.acked != other.seq:
            self._emit(side, other, ACK, b"", None)

    def _segment(self, side: Side, other: Side, data: bytes, *, last: bool) -> None:
        flags = PSH | ACK if last else ACK
        self._emit(side, other, flags, data, None)
        if last and self.rng.random() < RETRANSMITTED:
            self.now += RTO_US
            self._emit(side, other, flags, data, None)
            self.tally["retransmissions"] += 1
        side.seq += len(data)

    def _swap_last_two(self) -> None:
        (first_time, first), (second_time, second) = self.frames[-2:]
        if second_time - first_time < 100 and self.rng.random() < OUT_OF_ORDER:
            self.frames[-2:] = [(first_time, second), (second_time, first)]
            self.tally["out_of_order"] += 1

    def _syn_options(self, side: Side) -> bytes:
        """MSS, SACK permitted, timestamps, window scale 7."""
        stamp = (side.clock + self.now // 1000) & 0xFFFFFFFF
        return (
            b"\x02\x04" + (side.mss + 12).to_bytes(2, "big") + b"\x04\x02\x08\x0a"
            + stamp.to_bytes(4, "big") + side.echo.to_bytes(4, "big") + b"\x01\x03\x03\x07"
        )

    def _emit(self, side: Side, other: Side, flags: int, data: bytes, options: bytes | None) -> None:
        stamp = (side.clock + self.now // 1000) & 0xFFFFFFFF
        if options is None:
            options = _STAMPS.pack(_NOP_NOP_TIMESTAMP, stamp, side.echo)
        other.echo = stamp
        length = 20 + len(options) + len(data)
        acked = 0
        if flags & ACK:
            side.acked = other.seq
            acked = other.seq & 0xFFFFFFFF
        window = 64240 if flags & SYN else 502
        offset_and_flags = (length - len(data)) << 10 | flags
        body = (
            _TCP.pack(side.port, other.port, side.seq & 0xFFFFFFFF, acked, offset_and_flags, window, 0, 0)
            + options + data
        )
        padded = body + b"\0" if length & 1 else body
        pseudo = side.constant + TCP + length
        if self.offloaded and side is self.server:
            right = pseudo % 65535
        else:
            right = -(pseudo + int.from_bytes(padded, "big")) % 65535
        segment = body[:16] + right.to_bytes(2, "big") + body[18:]
        if side.v6:
            head = _V6.pack(0x60000000, length, TCP, 64)
        else:
            side.ip_id = (side.ip_id + 1) & 0xFFFF
            head = _V4.pack(0x4500, 20 + length, side.ip_id, 0x4000, 64 << 8 | TCP, 0)
            total = -(side.constant + int.from_bytes(head, "big")) % 65535
            head = head[:10] + total.to_bytes(2, "big")
        self.frames.append((self.now, side.link + head + side.addresses + segment))

