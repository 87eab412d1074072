"""IPv4 and IPv6 as tcpdump prints them, down to the TCP segment or one plain phrase for anything else.

Source: tcpdump 4.99, print-ip.c, print-ip6.c, print-ip-demux.c, print-ip6opts.c, print-frag6.c, print-rt6.c,
print-ah.c.
"""

from __future__ import annotations

from typing import Final

from aurora_wire.report.packets.tcpdump.printer import Ends, Printer, ipv6_text
from aurora_wire.report.packets.tcpdump.tcp import SequenceTable, put_tcp

HOP_BY_HOP: Final = 0
IPV4: Final = 4
TCP: Final = 6
UDP: Final = 17
IPV6: Final = 41
ROUTING: Final = 43
FRAGMENT: Final = 44
AUTHENTICATION: Final = 51
NO_NEXT: Final = 59
DESTINATION: Final = 60
JUMBO_OPTION: Final = 0xC2
# tcpdump leaves the addresses to the printers of these: TCP, UDP, DCCP, SCTP.
WITH_PORTS: Final = (6, 17, 33, 132)
PLAIN_NAMES: Final = {
    1: "ICMP", 2: "IGMP", 17: "UDP", 33: "DCCP", 47: "GRE", 50: "ESP", 58: "ICMP6", 89: "OSPF", 132: "SCTP",
}

MAX_NESTING: Final = 8              # tunnels inside tunnels


class IPPrinter:
    """Prints IP packets; knows the connections seen before."""

    def __init__(self) -> None:
        self._table = SequenceTable()
        self._depth = 0

    def put(self, printer: Printer, at: int, length: int) -> None:
        """Print a packet whose version nothing announced."""
        printer.protocol = "ipn"
        self._depth = 0
        version = printer.read(at, 1) >> 4
        if version == 4:
            self.put_ipv4(printer, at, length)
        elif version == 6:
            self.put_ipv6(printer, at, length)
        else:
            printer.put(f"unknown ip {version}")

    def put_ipv4(self, printer: Printer, at: int, length: int) -> None:
        self._depth = 0
        self._ipv4(printer, at, length)

    def put_ipv6(self, printer: Printer, at: int, length: int) -> None:
        self._depth = 0
        self._ipv6(printer, at, length)

    def _ipv4(self, printer: Printer, at: int, length: int) -> None:
        printer.protocol = "ip"
        version = printer.read(at, 1) >> 4
        if version != 4:
            printer.put("IP6, wrong link-layer encapsulation" if version == 6 else f"IP{version}")
            printer.put(" (invalid)")
            return
        printer.put("IP ")
        if not printer.has(at, 20):
            printer.put_cut()
            return
        if length < 20:
            printer.put(f"truncated-ip {length}")
            return
        header_len = (printer.read(at, 1) & 0xF) * 4
        if header_len < 20:
            printer.put(f"bad-hlen {header_len}")
            return
        total = printer.read(at + 2, 2)
        if length < total:
            printer.put(f"truncated-ip - {total - length} bytes missing! ")
        if total < header_len:
            # 0 stands for a segment that the sender's NIC will cut (TSO). tcpdump says so only where it was
            # built with GUESS_TSO, which Linux distributions don't do.
            printer.put(f"bad-len {total}")
            return
        outer_end = printer.snap_end
        printer.limit(at, total)
        protocol = printer.read(at + 9, 1)
        shown = protocol not in WITH_PORTS
        ends = Ends(printer.read_bytes(at + 12, 4), printer.read_bytes(at + 16, 4), shown)
        if printer.read(at + 6, 2) & 0x1FFF:
            printer.put(f"{' > '.join(ends.texts())}: ip-proto-{protocol}")
        else:
            if shown:
                printer.put(f"{' > '.join(ends.texts())}: ")
            if not printer.has(at, header_len):
                have = printer.snap_end - at
                printer.put(f" [remaining caplen({have}) < header length({header_len})]")
                printer.read(at, header_len)
            self._payload(printer, protocol, at + header_len, total - header_len, ends)
        printer.snap_end = outer_end

    def _ipv6(self, printer: Printer, at: int, length: int) -> None:
        printer.protocol = "ip6"
        if not printer.has(at, 40):
            printer.put_cut()
            return
        if length < 40:
            printer.put(f"truncated-ip6 {length}")
            return
        printer.put("IP6 ")
        version = printer.read(at, 1) >> 4
        if version != 6:
            printer.put(f"version error: {version} != 6")
            return
        payload_len = printer.read(at + 4, 2)
        total = payload_len + 40
        if not payload_len:
            total = length + 40     # a jumbogram, perhaps: its option tells
        elif length < total:
            printer.put(f"truncated-ip6 - {total - length} bytes missing!")
        outer_end = printer.snap_end
        printer.limit(at, total)
        self._extensions(printer, at, length, total, payload_len, outer_end)
        printer.snap_end = outer_end

    def _extensions(
        self, printer: Printer, start: int, length: int, total: int, payload_len: int, outer_end: int
    ) -> None:
        """Walk the extension headers of the IPv6 packet at `start` to what it carries."""
        kind = printer.read(start + 6, 1)
        shown = kind not in WITH_PORTS
        ends = Ends(printer.read_bytes(start + 8, 16), printer.read_bytes(start + 24, 16), shown)
        if shown:
            printer.put(f"{' > '.join(ends.texts())}: ")
        at, left = start + 40, total - 40
        first, jumbo, options_seen = True, False, False
        while True:
            size = 0
            if kind == HOP_BY_HOP:
                if not first:
                    seen = "was already found" if options_seen else "don't follow the IPv6 header"
                    printer.put(f"[The Hop-by-Hop Options header {seen}] (invalid)")
                    return
                options_seen = True
                size, payload_len, jumbo = _hop_by_hop(printer, at, payload_len)
                if payload_len == 0 and not jumbo:
                    printer.put("[No valid Jumbo Payload Hop-by-Hop option found] (invalid)")
                    return
            elif kind == DESTINATION:
                size = _options_size(printer, at, "dstopt", "DSTOPT ")
            elif kind == FRAGMENT:
                size = _fragment(printer, at, start)
                if size and printer.snap_end <= at + size:
                    return
            elif kind == ROUTING:
                if not printer.has(at, 1):
                    printer.put_cut()
                    return
                size = _routing(printer, at)
            else:
                break
            if size == 0:
                return
            kind = printer.read(at, 1)
            printer.protocol = "ip6"
            if left < size:
                printer.put_cut()
                return
            at, left, first = at + size, left - size, False
        if jumbo:
            done = at - start
            total = payload_len + 40
            if total < done:
                printer.put_cut()
                return
            if length < total:
                printer.put(f"truncated-ip6 - {total - length} bytes missing!")
            printer.snap_end = min(outer_end, start + total)
            left = total - done
        elif payload_len == 0:
            if not first:
                printer.put_cut()
                return
            printer.snap_end = min(outer_end, start + 40)
            left = 0
        self._payload(printer, kind, at, left, ends)

    def _payload(self, printer: Printer, kind: int, at: int, length: int, ends: Ends) -> None:
        while kind == AUTHENTICATION:
            if not printer.has(at, 1):
                printer.protocol = "ah"
                printer.put_cut()
                return
            kind = printer.read(at, 1)
            size = _authentication(printer, at)
            at, length = at + size, length - size & 0xFFFFFFFF
        if kind == TCP:
            put_tcp(printer, at, length, ends, self._table)
        elif kind == UDP:
            _put_udp(printer, at, length, ends)
        elif kind in (IPV4, IPV6) and self._depth < MAX_NESTING:
            self._depth += 1
            if kind == IPV4:
                self._ipv4(printer, at, length)
            else:
                self._ipv6(printer, at, length)
        else:
            _put_plain(printer, kind, length, ends)


def _put_plain(printer: Printer, kind: int, length: int, ends: Ends) -> None:
    if not ends.shown:
        printer.put(f"{' > '.join(ends.texts())}: ")
    if kind == NO_NEXT:
        printer.put("no next header")
    elif kind in PLAIN_NAMES:
        printer.put_plain(f"{PLAIN_NAMES[kind]}, length {length}")
    else:
        printer.put_plain(f" ip-proto-{kind} {length}")


def _put_udp(printer: Printer, at: int, length: int, ends: Ends) -> None:
    if not printer.has(at, 8):
        _put_plain(printer, UDP, length, ends)
        return
    ports = ends.with_ports(printer.read(at, 2), printer.read(at + 2, 2))
    printer.put_plain(f"{ports}: UDP, length {max(0, length - 8)}")


def _options_size(printer: Printer, at: int, protocol: str, name: str) -> int:
    """Print a header of options; its size, or 0 where it was cut."""
    printer.protocol = protocol
    size = (printer.read(at + 1, 1) + 1) * 8
    if not printer.has(at, size):
        printer.put_cut()
        return 0
    printer.put(name)
    return size


def _hop_by_hop(printer: Printer, at: int, payload_len: int) -> tuple[int, int, bool]:
    """Return size (0: bad), the payload length that holds from here on, and whether a jumbo option gave it."""
    size = _options_size(printer, at, "hbhopt", "HBH ")
    jumbo = seen = False
    place, end = at + 2, at + size
    while place < end:
        kind = printer.read(place, 1)
        left = end - place
        step = 1 if kind == 0 else (printer.read(place + 1, 1) + 2 if left > 1 else left + 1)
        bad = ""
        if step > left:
            bad = " "
        elif kind == 5 and left < 4:
            bad = "(rtalert: trunc)"
        elif kind == 5 and step != 4:
            bad = f"(rtalert: invalid len {step - 2})"
        elif kind == JUMBO_OPTION and left < 6:
            bad = "(jumbo: trunc)"
        elif kind == JUMBO_OPTION and step != 6:
            bad = f"(jumbo: invalid len {step - 2})"
        elif kind == 0xC9 and left < 18:
            bad = "(homeaddr: trunc)"
        elif kind == 0xC9 and step < 18:
            bad = f"(homeaddr: invalid len {step - 2})"
        if bad:
            printer.put(bad.strip())
            printer.put_cut()
            return 0, payload_len, jumbo
        if kind == JUMBO_OPTION and not seen:
            seen = True
            value = printer.read(place + 2, 4)
            if payload_len == 0 and value > 0xFFFF:
                jumbo, payload_len = True, value
        place += step
    return size, payload_len, jumbo


def _fragment(printer: Printer, at: int, start: int) -> int:
    """Return size, or 0 for a fragment that isn't the first."""
    printer.protocol = "frag6"
    offset = printer.read(at + 2, 2) & 0xFFF8
    rest = 40 + printer.read(start + 4, 2) - (at - start) - 8
    printer.put(f"frag ({offset}|{rest & 0xFFFFFFFFFFFFFFFF})")
    if offset:
        return 0
    printer.put(" ")
    return 8


def _routing(printer: Printer, at: int) -> int:
    """Return size, or 0 where tcpdump calls it invalid."""
    printer.protocol = "rt6"
    printer.put("RT6")
    size = printer.read(at + 1, 1)
    printer.put(f" (len={size}")
    kind = printer.read(at + 2, 1)
    printer.put(f", type={kind}{' [Deprecated]' if kind == 0 else ''}")
    printer.put(f", segleft={printer.read(at + 3, 1)}")
    if kind in (0, 2):
        reserved = printer.read(at + 4, 4)
        if reserved:
            printer.put(f", rsv=0x{reserved:x}")
    elif kind == 4:
        printer.put(f", last-entry={printer.read(at + 4, 1)}")
        flags = printer.read(at + 5, 1)
        if flags:
            printer.put(f", flags=0x{flags:x}")
        printer.put(f", tag={printer.read(at + 6, 2):x}")
    else:
        printer.put(" (unknown type) (invalid)")
        return 0
    if size % 2:
        printer.put(f" (invalid length {size}) (invalid)")
        return 0
    for number in range(size // 2):
        printer.put(f", [{number}]{ipv6_text(printer.read_bytes(at + 8 + number * 16, 16))}")
    printer.put(") ")
    return (size + 1) * 8


def _authentication(printer: Printer, at: int) -> int:
    printer.protocol = "ah"
    printer.put("AH")
    size = (printer.read(at + 1, 1) + 2) * 4
    printer.put("(")
    reserved = printer.read(at + 2, 2)
    if reserved:
        printer.put(f"reserved=0x{reserved:x}[MustBeZero],")
    printer.put(f"spi=0x{printer.read(at + 4, 4):08x},")
    printer.put(f"seq=0x{printer.read(at + 8, 4):x},")
    printer.put("icv=0x")
    for place in range(at + 12, at + size):
        printer.put(f"{printer.read(place, 1):02x}")
    printer.put("): ")
    return size
