"""Blocks of a TPACKET_V3 ring, made byte by byte as the kernel does, and a capture that replays them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from aurora_wire.capture.live.bpf import Filter
from aurora_wire.capture.live.ring import Statistics
from aurora_wire.capture.live.ring_frames import RingFrames

MAC_AT = 82


class Packet(NamedTuple):
    """network_at: offset of the network header in `data`; vlan: (TPID, TCI) kept beside the packet."""

    data: bytes
    time_ns: int = 1_000_000_007
    original_len: int | None = None
    hardware: int = 1
    index: int = 2
    kind: int = 0
    network_at: int = 14
    vlan: tuple[int, int] | None = None


def ring_block(packets: Iterable[Packet]) -> bytes:
    bodies = [_packet(packet) for packet in packets]
    linked = [
        struct.pack("<I", 0 if number == len(bodies) - 1 else len(body)) + body[4:]
        for number, body in enumerate(bodies)
    ]
    header = struct.pack("<IIIIIIQ16x", 2, 48, 1, len(bodies), 48, 48 + sum(map(len, bodies)), 1)
    return header + b"".join(linked)


def _packet(packet: Packet) -> bytes:
    status = 1 | (0x50 if packet.vlan else 0)
    tpid, tci = packet.vlan or (0, 0)
    size = len(packet.data)
    header = struct.pack(
        "<IIIIIIHHIIHH8x", 0, packet.time_ns // 10**9, packet.time_ns % 10**9, size,
        size if packet.original_len is None else packet.original_len, status, MAC_AT, MAC_AT + packet.network_at,
        0, tci, tpid, 0,
    )  # fmt: skip
    address = struct.pack("<HHiHBB8x", 17, 8, packet.index, packet.hardware, packet.kind, 6)
    body = (header + address).ljust(MAC_AT, b"\0") + packet.data
    return body + bytes(-len(body) % 16)


class Replay:
    """Looks like a LiveCapture to a Watch, and gives blocks that were made before."""

    name = "replay"
    filter = Filter("tcp", (), ())
    failure: str | None = None
    stopped = False

    def __init__(self, blocks: Iterable[bytes], dropped: int = 0) -> None:
        self._blocks = iter(blocks)
        self._dropped = dropped
        self.over = False
        self.source = RingFrames(self._next)

    def _next(self) -> bytes:
        block = next(self._blocks, b"")
        self.over = not block
        return block

    def wait(self, timeout: float) -> bool:
        return not self.over

    def statistics(self) -> Statistics:
        return Statistics(int(self.source.count) + self._dropped, self._dropped)

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        pass
