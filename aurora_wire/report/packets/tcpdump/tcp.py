"""A TCP segment as tcpdump prints it, with sequence numbers relative to the connection's first.

Source: tcpdump 4.99, print-tcp.c (tcp_print).
"""

from __future__ import annotations

from typing import Final

from aurora_wire.report.packets.tcpdump.application import put_application
from aurora_wire.report.packets.tcpdump.printer import Ends, PacketCutError, Printer
from aurora_wire.report.packets.tcpdump.tcp_options import Segment, put_options
from aurora_wire.wire.flows.tcp_flags import ACK, FIN, RST, SYN

HEADER_LEN: Final = 20
URG: Final = 0x20
FLAG_LETTERS: Final = (
    (FIN, "F"), (SYN, "S"), (RST, "R"), (0x08, "P"), (ACK, "."), (URG, "U"), (0x40, "E"), (0x80, "W"),
)

MAX_CONNECTIONS: Final = 65_536     # tcpdump's table has no bound; ours forgets the oldest connection first


def flags_text(flags: int) -> str:
    return "".join(letter for bit, letter in FLAG_LETTERS if flags & bit) or "none"


class SequenceTable:
    """The first sequence numbers of both directions of each connection, as tcpdump keeps them.

    An entry is (number of the side with the lower port, number of the other side). It is made by the first
    segment with ACK that is seen, and made anew by every SYN with ACK.
    """

    def __init__(self) -> None:
        self._bases: dict[bytes, tuple[int, int]] = {}

    def relative(
        self, ends: Ends, ports: tuple[int, int], seq: int, ack: int, *, syn: bool
    ) -> tuple[int, int, int]:
        """Return the numbers to print for a segment with ACK, and what is taken off those of its SACK blocks."""
        source, destination = ends.source, ends.destination
        source_port, destination_port = ports
        reverse = source_port > destination_port or (source_port == destination_port and source > destination)
        low, high = (destination, source) if reverse else (source, destination)
        key = low + high + min(ports).to_bytes(2, "big") + max(ports).to_bytes(2, "big")
        bases = self._bases.get(key)
        if bases is None or syn:
            before = ack - 1 & 0xFFFFFFFF
            bases = (before, seq) if reverse else (seq, before)
            if key not in self._bases and len(self._bases) >= MAX_CONNECTIONS:
                del self._bases[next(iter(self._bases))]
            self._bases[key] = bases
        elif reverse:
            seq, ack = seq - bases[1] & 0xFFFFFFFF, ack - bases[0] & 0xFFFFFFFF
        else:
            seq, ack = seq - bases[0] & 0xFFFFFFFF, ack - bases[1] & 0xFFFFFFFF
        return seq, ack, bases[0] if reverse else bases[1]


def put_tcp(printer: Printer, at: int, length: int, ends: Ends, table: SequenceTable) -> None:
    """Print the segment at `at`, which by its IP header has `length` bytes."""
    printer.protocol = "tcp"
    if not printer.has(at + 2, 2):
        printer.put(f"{' > '.join(ends.texts())}:")
        printer.put_cut()
        return
    source_port, destination_port = printer.read(at, 2), printer.read(at + 2, 2)
    printer.put(f"{ends.with_ports(source_port, destination_port)}: ")
    if not printer.has(at, HEADER_LEN):
        printer.put_cut()
        return
    header_len = (printer.read(at + 12, 1) >> 4) * 4
    if header_len < HEADER_LEN:
        rest = length - header_len & 0xFFFFFFFF
        printer.put(f" tcp {rest} [bad hdr length {header_len} - too short, < {HEADER_LEN}]")
        return
    seq, ack, flags = printer.read(at + 4, 4), printer.read(at + 8, 4), printer.read(at + 13, 1)
    printer.put(f"Flags [{flags_text(flags)}]")
    sack_base = 0
    if flags & ACK:
        ports = (source_port, destination_port)
        seq, ack, sack_base = table.relative(ends, ports, seq, ack, syn=bool(flags & SYN))
    if header_len > length:
        printer.put(f" [bad hdr length {header_len} - too long, > {length}]")
        return
    payload_len = length - header_len
    if payload_len > 0:
        printer.put(f", seq {seq}:{seq + payload_len & 0xFFFFFFFF}")
    elif flags & (SYN | FIN | RST):
        printer.put(f", seq {seq}")
    if flags & ACK:
        printer.put(f", ack {ack}")
    printer.put(f", win {printer.read(at + 14, 2)}")
    if flags & URG:
        printer.put(f", urg {printer.read(at + 18, 2)}")
    if header_len > HEADER_LEN:
        printer.put(", options [")
        segment = Segment(flags, sack_base, at + header_len, payload_len)
        if not put_options(printer, at + HEADER_LEN, header_len - HEADER_LEN, segment):
            return
    printer.put(f", length {payload_len}")
    if payload_len == 0:
        return
    if not printer.has(at, header_len):
        have = printer.snap_end - at
        printer.put(f" [remaining caplen({have}) < header length({header_len})]")
        raise PacketCutError
    put_application(printer, at + header_len, payload_len, source_port, destination_port)
