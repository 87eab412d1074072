"""A TCP conversation as a capture shows it, with everything that goes wrong with captures.

    talk = Conversation()
    talk.syn()
    talk.server(greeting())
    talk.client(ssl_request() + client_hello(), sizes=7)
    talk.server(b"...", lost=True)          # sent and received, but not captured
    talk.fin()
    talk.write(path)                        # a pcap

Stream offsets count from the first byte after SYN, as the result's do. Frames are made by hand (a test holds
them against scapy's) because scapy would take most of the time of these tests.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

Sender = Literal["client", "server"]
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MAC = {"client": bytes.fromhex("020000000001"), "server": bytes.fromhex("020000000002")}
START_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000_000
MOD = 1 << 32
ETHERNET = 1


@dataclass(slots=True, frozen=True)
class Packet:
    """A frame as captured. `original_len` is more than len(data) where the snaplen cut it."""

    sender: Sender
    data: bytes
    original_len: int
    offset: int = 0  # stream offset of its first byte
    length: int = 0  # bytes of TCP payload on the wire

    def cut(self, captured_len: int) -> Packet:
        return replace(self, data=self.data[:captured_len])


def other(sender: Sender) -> Sender:
    return "server" if sender == "client" else "client"


def internet_checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(
    source: tuple[str, int],
    target: tuple[str, int],
    seq: int,
    ack: int,
    flags: int,
    payload: bytes,
    *,
    sender: Sender = "client",
    window: int = 64240,
    bad_checksum: bool = False,
    options: bytes = b"",
    identification: int = 0,
) -> bytes:
    """One Ethernet frame holding one TCP segment; addresses with a colon make it IPv6."""
    source_ip, target_ip = ipaddress.ip_address(source[0]).packed, ipaddress.ip_address(target[0]).packed
    words = 5 + len(options) // 4
    header = struct.pack("!HHIIBBHHH", source[1], target[1], seq % MOD, ack % MOD, words << 4, flags, window, 0, 0)
    segment = header + options + payload
    if len(source_ip) == 4:
        pseudo = source_ip + target_ip + struct.pack("!BBH", 0, 6, len(segment))
    else:
        pseudo = source_ip + target_ip + struct.pack("!II", len(segment), 6)
    checksum = internet_checksum(pseudo + segment)
    if bad_checksum:
        checksum = (checksum + 0x1111) % 0xFFFF or 1
    segment = segment[:16] + struct.pack("!H", checksum) + segment[18:]
    if len(source_ip) == 4:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), identification & 0xFFFF, 0x4000, 64, 6, 0)
        ip += source_ip + target_ip
        ip = ip[:10] + struct.pack("!H", internet_checksum(ip)) + ip[12:]
        kind = 0x0800
    else:
        ip = struct.pack("!IHBB", 6 << 28, len(segment), 6, 64) + source_ip + target_ip
        kind = 0x86DD
    return MAC[other(sender)] + MAC[sender] + struct.pack("!H", kind) + ip + segment


class Conversation:
    """One TCP connection. `packets` is what the capture holds, in its order."""

    def __init__(
        self,
        client: tuple[str, int] = ("10.0.0.5", 50152),
        server: tuple[str, int] = ("10.0.0.9", 3306),
        *,
        client_isn: int = 1_000,
        server_isn: int = 900_000,
        mss: int = 1460,
        all_bad_checksums: Collection[Sender] = (),
    ) -> None:
        self.endpoints: dict[Sender, tuple[str, int]] = {"client": client, "server": server}
        self.first: dict[Sender, int] = {"client": client_isn + 1, "server": server_isn + 1}
        self.offset: dict[Sender, int] = {"client": 0, "server": 0}
        self.acked: dict[Sender, int] = {"client": 0, "server": 0}  # offsets, of what each has sent
        self.mss = mss
        self.all_bad_checksums = all_bad_checksums
        self.packets: list[Packet] = []

    @property
    def last_frame(self) -> int:
        """The number of the frame added last, if this conversation is alone in its capture."""
        return len(self.packets)

    # -- segments

    def segment(
        self,
        sender: Sender,
        payload: bytes = b"",
        *,
        offset: int | None = None,
        flags: int = ACK,
        ack: int | None = None,
        bad_checksum: bool = False,
        keep: int | None = None,
        window: int = 64240,
    ) -> Packet:
        """Add one segment at a stream offset (default: where the stream is), without moving the stream.

        ack: stream offset of the other side that is acknowledged (default: all it has sent);
        keep: bytes of payload that the snaplen leaves.
        """
        peer = other(sender)
        if offset is None:
            offset = self.offset[sender]
        if ack is None:
            ack = self.offset[peer]
        self.acked[peer] = max(self.acked[peer], ack)
        data = frame(
            self.endpoints[sender],
            self.endpoints[peer],
            self.first[sender] + offset,
            self.first[peer] + ack if flags & ACK else 0,
            flags,
            payload,
            sender=sender,
            window=window,
            bad_checksum=bad_checksum or sender in self.all_bad_checksums,
            identification=len(self.packets) + 1,
        )
        packet = Packet(sender, data, len(data), offset, len(payload))
        if keep is not None and keep < len(payload):
            packet = packet.cut(len(data) - len(payload) + keep)
        self.packets.append(packet)
        return packet

    def say(
        self,
        sender: Sender,
        payload: bytes,
        *,
        sizes: int | Sequence[int] | None = None,
        lost: bool | Collection[int] = False,
        keep: int | None = None,
        bad_checksum: bool = False,
        ack: int | None = None,
    ) -> list[Packet]:
        """Send payload, cut into segments; returns those that were captured.

        sizes: of the segments (one number: all of them; the rest goes into one more);
        lost: True, or the numbers of the segments that the capture lacks.
        """
        added = []
        for number, piece in enumerate(pieces(payload, self.mss if sizes is None else sizes)):
            if lost is True or (lost is not False and number in lost):
                self.offset[sender] += len(piece)
                continue
            added.append(self.segment(sender, piece, flags=PSH | ACK, keep=keep, bad_checksum=bad_checksum, ack=ack))
            self.offset[sender] += len(piece)
        return added

    def client(self, payload: bytes, **how: object) -> list[Packet]:
        return self.say("client", payload, **how)  # type: ignore[arg-type]

    def server(self, payload: bytes, **how: object) -> list[Packet]:
        return self.say("server", payload, **how)  # type: ignore[arg-type]

    def again(self, sender: Sender, offset: int, payload: bytes, **how: object) -> Packet:
        """A retransmission: payload at an offset that was sent already. Its bytes need not be the same."""
        return self.segment(sender, payload, offset=offset, flags=PSH | ACK, **how)  # type: ignore[arg-type]

    # -- the beginning and the end

    def syn(self, *, answer: bool = True, client_data: bytes = b"", server_data: bytes = b"") -> None:
        """The three-way handshake; data in a SYN is the first of its direction."""
        self.segment("client", client_data, offset=-1, flags=SYN)
        self.offset["client"] += len(client_data)
        if not answer:
            return
        self.segment("server", server_data, offset=-1, flags=SYN | ACK)
        self.offset["server"] += len(server_data)
        self.ack("client")

    def ack(self, sender: Sender, offset: int | None = None) -> Packet:
        return self.segment(sender, ack=offset)

    def fin(self, first: Sender = "client", *, both: bool = True) -> None:
        self.segment(first, flags=FIN | ACK)
        self.offset[first] += 1
        if both:
            second = other(first)
            self.segment(second, flags=FIN | ACK)
            self.offset[second] += 1
            self.segment(first)

    def rst(self, sender: Sender = "server") -> Packet:
        return self.segment(sender, flags=RST | ACK)

    def keep_alive(self, sender: Sender, byte: bytes = b"\0") -> None:
        """One byte (or none) before what comes next, and its answer."""
        self.segment(sender, byte, offset=self.offset[sender] - 1)
        self.ack(other(sender))

    # -- what the capture did

    def swap(self, first: int, second: int) -> None:
        """Two packets (indexes in `packets`) change places: the tap reordered them."""
        self.packets[first], self.packets[second] = self.packets[second], self.packets[first]

    def drop(self, *indexes: int) -> None:
        """The capture lacks these packets."""
        gone = {index % len(self.packets) for index in indexes}
        self.packets = [packet for index, packet in enumerate(self.packets) if index not in gone]

    def snaplen(self, length: int) -> None:
        self.packets = [packet.cut(length) for packet in self.packets]

    def write(self, path: Path) -> Path:
        return write_anew(path, pcap(self.packets))


def write_anew(path: Path, content: bytes) -> Path:
    """Write a file that is none yet: ext4 waits for the disk (2 ms) where one that is there gets other content."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return path


def pieces(payload: bytes, sizes: int | Sequence[int]) -> Iterable[bytes]:
    if isinstance(sizes, int):
        return [payload[at : at + sizes] for at in range(0, len(payload), sizes)]
    cut, at = [], 0
    for size in sizes:
        if at < len(payload) and size > 0:
            cut.append(payload[at : at + size])
            at += size
    if at < len(payload):
        cut.append(payload[at:])
    return cut


def interleave(*conversations: Conversation) -> list[Packet]:
    """Their packets by turns: connections at the same time."""
    queues = [list(conversation.packets) for conversation in conversations]
    merged: list[Packet] = []
    while any(queues):
        for queue in queues:
            if queue:
                merged.append(queue.pop(0))
    return merged


def in_turn(*conversations: Conversation) -> list[Packet]:
    return [packet for conversation in conversations for packet in conversation.packets]


def pcap(
    packets: Iterable[Packet], *, nanoseconds: bool = False, big_endian: bool = False, first: int = 0
) -> bytes:
    """A capture file. first: packets of the same wire that came before it, for the times to run on."""
    order = ">" if big_endian else "<"
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 262144, ETHERNET)]
    for number, packet in enumerate(packets, first):
        seconds, rest = divmod(START_NS + number * STEP_NS, 1_000_000_000)
        fraction = rest if nanoseconds else rest // 1000
        out.append(struct.pack(order + "IIII", seconds, fraction, len(packet.data), packet.original_len))
        out.append(packet.data)
    return b"".join(out)


def pcapng(packets: Iterable[Packet], *, big_endian: bool = False) -> bytes:
    order = ">" if big_endian else "<"

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = len(body) + 12
        return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)

    out = [
        block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack(order + "HHI", ETHERNET, 0, 0) + struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)),
    ]
    for number, packet in enumerate(packets):
        high, low = divmod(START_NS + number * STEP_NS, MOD)
        head = struct.pack(order + "IIIII", 0, high, low, len(packet.data), packet.original_len)
        out.append(block(6, head + packet.data))
    return b"".join(out)
