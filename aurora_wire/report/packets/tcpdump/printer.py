"""The cursor that tcpdump's printers share: bounds, output, and how a packet that was cut short ends.

tcpdump reads a packet up to `snap_end`. A read beyond it ends the line with ` [|protocol]`; what was printed
before stays. Source: tcpdump 4.99, netdissect.h (GET_*, ND_TCHECK), print.c, addrtostr.c.
"""

from __future__ import annotations

from dataclasses import dataclass


class PacketCutError(Exception):
    """A field lies beyond what was captured. Never leaves `TcpdumpLines`."""


class Printer:
    """One packet being printed. `read_*` raise PacketCutError beyond `snap_end`.

    is_plain: a phrase of ours stands for something that tcpdump decodes and we don't.
    """

    __slots__ = ("data", "is_plain", "out", "protocol", "snap_end")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.snap_end = len(data)
        self.protocol = ""
        self.out: list[str] = []
        self.is_plain = False

    def put_plain(self, text: str) -> None:
        self.out.append(text)
        self.is_plain = True

    def put(self, text: str) -> None:
        self.out.append(text)

    def put_cut(self) -> None:
        self.out.append(f" [|{self.protocol}]")

    def has(self, at: int, count: int) -> bool:
        return count >= 0 and at + count <= self.snap_end

    def limit(self, at: int, count: int) -> None:
        """Limit the bytes from `at` on to `count`."""
        self.snap_end = min(self.snap_end, at + count)

    def read(self, at: int, count: int) -> int:
        """Return a big-endian integer."""
        if at + count > self.snap_end:
            raise PacketCutError
        return int.from_bytes(self.data[at : at + count], "big")

    def read_bytes(self, at: int, count: int) -> bytes:
        if at + count > self.snap_end:
            raise PacketCutError
        return self.data[at : at + count]


def ipv4_text(address: bytes) -> str:
    return ".".join(str(byte) for byte in address)


def ipv6_text(address: bytes) -> str:
    """Write an address as tcpdump does: `::` is the first longest run of at least two zero groups; an IPv4 tail shows.
    """
    words = [address[at] << 8 | address[at + 1] for at in range(0, 16, 2)]
    base, run = -1, 1
    at = 0
    while at < 8:
        end = at
        while end < 8 and words[end] == 0:
            end += 1
        if end - at > run:
            base, run = at, end - at
        at = end + 1
    if base == 0 and (run == 6 or (run == 5 and words[5] == 0xFFFF)):
        middle = "" if run == 6 else "ffff:"
        return f"::{middle}{ipv4_text(address[12:])}"
    if base < 0:
        return ":".join(f"{word:x}" for word in words)
    head = ":".join(f"{word:x}" for word in words[:base])
    tail = ":".join(f"{word:x}" for word in words[base + run :])
    return f"{head}::{tail}"


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses of an IP packet, packed. `shown`: already printed, so that only the ports are due."""

    source: bytes
    destination: bytes
    shown: bool

    def texts(self) -> tuple[str, str]:
        to_text = ipv4_text if len(self.source) == 4 else ipv6_text
        return to_text(self.source), to_text(self.destination)

    def with_ports(self, source: int, destination: int) -> str:
        if self.shown:
            return f"{source} > {destination}"
        texts = self.texts()
        return f"{texts[0]}.{source} > {texts[1]}.{destination}"
