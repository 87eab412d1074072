"""The packet list's lines, byte for byte as `TZ=UTC tcpdump -nn -r FILE` of tcpdump 4.99 prints them.

That holds for TCP over IPv4 and IPv6 on Ethernet (VLAN tags too), Linux cooked captures, NULL/LOOP, RAW and
PPP, whole, cut by the snaplen or damaged. The exceptions are application protocols on the ports that
`tcpdump_text` names, and connections beyond 65,536. Anything else has one plain line of our own; if it is a
tunnel or a link layer that `wire.locator` knows, what is inside follows as tcpdump would print it.
Source: tcpdump 4.99, print.c, print-ether.c, print-sll.c, print-null.c, print-raw.c, print-ppp.c, print-ip.c,
print-ip6.c, print-ip-demux.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aurora_wire.link_types import (
    EN10MB,
    IPV4,
    IPV6,
    LINUX_SLL,
    LINUX_SLL2,
    LOOP,
    NULL,
    PPP_LINK,
    RAW,
    RAW_DLT,
    RAW_OPENBSD,
)
from aurora_wire.report.packets.tcpdump.ip import IPPrinter
from aurora_wire.report.packets.tcpdump.printer import PacketCutError, Printer
from aurora_wire.wire.net.dissect import Locator
from aurora_wire.wire.net.ip_fragments import Fragments
from aurora_wire.wire.net.skip_reasons import TCP

RAW_LINKS: Final = (RAW_DLT, RAW_OPENBSD, RAW, IPV4, IPV6)

FAMILY_IPV4: Final = 2
FAMILY_IPV6: Final = (10, 24, 28, 30)       # Linux, the BSDs, FreeBSD, macOS; tcpdump doesn't know the first
VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100, 0x9200)
MAX_ETHERNET_LENGTH: Final = 1500           # at most this: a length, not a type
SNAP: Final = b"\xaa\xaa\x03"
RADIOTAP: Final = 803                       # ARPHRD of a cooked capture

PACKET_KINDS: Final = {0: "In", 1: "B", 2: "M", 3: "P", 4: "Out"}
LOOPBACK: Final = {1: "lo"}                 # index 1 is the loopback in every Linux network namespace
MAX_SNAPLEN: Final = 262_144                # tcpdump refuses more


class TcpdumpLines:
    """Prints one line a frame. Stateful, as tcpdump is: feed it the frames of a capture in order.

    After `header_line`, `dump_at` is the frame offset where `-x` and `-X` begin: after the link header, or 0
    where the packet was cut within a header (tcpdump then shows the whole frame).
    interface_names: of a cooked capture's interface indexes; tcpdump asks the machine it runs on.
    """

    def __init__(self, interface_names: Mapping[int, str] = LOOPBACK) -> None:
        self.dump_at = 0
        self._interface_names = interface_names
        self._ip = IPPrinter()

    def header_line(
        self, frame: bytes, link_type: int, time_ns: int | None, original_len: int, undated: bool = False
    ) -> str:
        """Return the line for a frame, without its end. time_ns: since 1970 UTC or, `undated`, since midnight."""
        invalid = _invalid_lengths(len(frame), original_len)
        if invalid:
            self.dump_at = len(frame)
            return invalid
        printer = Printer(frame)
        if time_ns is not None:
            printer.put(time_text(time_ns, undated=undated))
            printer.put(" ")
        try:
            self.dump_at = self._link(printer, link_type, original_len)
            if printer.is_plain:
                self._inside(printer, link_type, original_len)
        except PacketCutError:
            printer.put_cut()
            self.dump_at = 0
        return "".join(printer.out)

    def _inside(self, printer: Printer, link_type: int, length: int) -> None:
        """Print the TCP segment in a tunnel, if that is what has been named so far."""
        frame = printer.data
        found = Locator(Fragments())
        if found.locate(frame, 0, len(frame), length, link_type) != TCP or found.buffer is not frame:
            return
        printer.put(": ")
        printer.snap_end = min(len(frame), found.end)
        self._ip.put(printer, found.ip_at, found.wire_end - found.ip_at)

    def _link(self, printer: Printer, link_type: int, length: int) -> int:
        """Print a frame; returns the length of its link header."""
        if link_type == EN10MB:
            return self._ethernet(printer, length)
        if link_type == LINUX_SLL2:
            return self._cooked2(printer, length)
        if link_type == LINUX_SLL:
            printer.protocol = "sll"
            printer.read_bytes(0, 16)
            return self._cooked(printer, 16, length, printer.read(2, 2), printer.read(14, 2))
        if link_type in (NULL, LOOP):
            return self._null(printer, length)
        if link_type in RAW_LINKS:
            self._ip.put(printer, 0, length)
            return 0
        if link_type == PPP_LINK:
            return self._ppp(printer, length)
        printer.put_plain(f"link type {link_type}, length {length}")
        return 0

    def _ethernet(self, printer: Printer, length: int) -> int:
        printer.protocol = "ether"
        if len(printer.data) < 14:
            printer.put_cut()
            return len(printer.data)
        kind = printer.read(12, 2)
        at = 14
        while kind in VLAN_TYPES:
            if not printer.has(at, 4):
                printer.protocol = "vlan"
                printer.put_cut()
                return len(printer.data)
            kind = printer.read(at + 2, 2)
            at += 4
        if kind > MAX_ETHERNET_LENGTH:
            self._ethertype(printer, kind, at, length - at, length)
            return at
        rest = min(kind, length - at)
        printer.limit(at, rest)
        return at + self._llc(printer, at, rest)

    def _llc(self, printer: Printer, at: int, length: int) -> int:
        """IEEE 802.2: only what SNAP carries is looked into. Returns the header's length."""
        is_snap = printer.has(at, 8) and printer.read_bytes(at, 3) == SNAP
        if not is_snap or printer.read(at + 3, 3) not in (0, 0xF8):
            printer.put_plain(f"802.2 LLC, length {length}")
            return min(3, length)
        self._ethertype(printer, printer.read(at + 6, 2), at + 8, length - 8, length)
        return 8

    def _cooked2(self, printer: Printer, length: int) -> int:
        printer.protocol = "sll2"
        printer.read_bytes(0, 20)
        name = self._interface_names.get(printer.read(4, 4), "?")
        printer.put(f"{name:<5} {PACKET_KINDS.get(printer.read(10, 1), '?'):<3} ")
        return self._cooked(printer, 20, length, printer.read(8, 2), printer.read(0, 2))

    def _cooked(self, printer: Printer, at: int, length: int, hardware: int, kind: int) -> int:
        if hardware == RADIOTAP:
            printer.put_plain(f"802.11 radiotap, length {length - at}")
            return at
        while kind == VLAN_TYPES[0]:
            if not printer.has(at, 4):
                printer.protocol = "vlan"
                printer.put_cut()
                return len(printer.data)
            kind = printer.read(at + 2, 2)
            # tcpdump forgets here that -e was not given.
            printer.put(f"ethertype {ETHERTYPE_NAMES.get(kind, 'Unknown')}, ")
            at += 4
        self._ethertype(printer, kind, at, length - at, length)
        return at

    def _null(self, printer: Printer, length: int) -> int:
        printer.protocol = "null"
        family = int.from_bytes(printer.read_bytes(0, 4), "little")
        if family > 0xFFFF:         # from a machine of the other byte order, or LOOP
            family = int.from_bytes(printer.read_bytes(0, 4), "big")
        if family == FAMILY_IPV4:
            self._ip.put_ipv4(printer, 4, length - 4)
        elif family in FAMILY_IPV6:
            self._ip.put_ipv6(printer, 4, length - 4)
        else:
            printer.put_plain(f"AF {family}, length {length}")
        return 4

    def _ppp(self, printer: Printer, length: int) -> int:
        printer.protocol = "ppp"
        if len(printer.data) < 4:
            printer.put_cut()
            return len(printer.data)
        at = 2 if printer.read(0, 2) in (0xFF03, 0x0003, 0x0103) else 0
        kind = printer.read(at, 1)
        if kind % 2:
            at += 1
        else:
            kind = printer.read(at, 2)
            at += 2
        if kind in (0x0021, 0x0800):
            self._ip.put_ipv4(printer, at, length - at)
        elif kind in (0x0057, 0x86DD):
            self._ip.put_ipv6(printer, at, length - at)
        else:
            printer.put_plain(f"PPP protocol 0x{kind:04x}, length {length - at}")
        return 4                    # tcpdump counts four bytes, whatever the header's length was

    def _ethertype(self, printer: Printer, kind: int, at: int, length: int, frame_len: int) -> None:
        """Print what an Ethernet type announces. length: from `at` on; frame_len: of the whole frame."""
        if kind == 0x0800:
            self._ip.put_ipv4(printer, at, length)
        elif kind == 0x86DD:
            self._ip.put_ipv6(printer, at, length)
        elif kind in PLAIN_NAMES:
            printer.put_plain(f"{PLAIN_NAMES[kind]}, length {length}")
        else:
            printer.put_plain(f"EtherType 0x{kind:04x}, length {frame_len}")


# As tcpdump names them; only those that a VLAN tag of a cooked capture is likely to announce.
ETHERTYPE_NAMES: Final = {0x0800: "IPv4", 0x86DD: "IPv6", 0x0806: "ARP", 0x8100: "802.1Q"}
PLAIN_NAMES: Final = {0x0806: "ARP", 0x8035: "Reverse ARP", 0x88CC: "LLDP", 0x888E: "EAPOL"}


def _invalid_lengths(captured: int, original: int) -> str:
    """tcpdump's whole line for a record whose lengths make no sense, else empty."""
    reasons = []
    if captured == 0:
        reasons.append("caplen==0")
    if original == 0:
        reasons.append("len==0")
    elif original < captured:
        reasons.append(f"len({original}) < caplen({captured})")
    if captured > MAX_SNAPLEN:
        reasons.append(f"caplen({captured}) > {MAX_SNAPLEN}")
    if original > MAX_SNAPLEN:
        reasons.append(f"len({original}) > {MAX_SNAPLEN}")
    return f"[Invalid header: {', '.join(reasons)}]" if reasons else ""


def time_text(time_ns: int, *, undated: bool = False) -> str:
    """Return the time of day, to the microsecond, in UTC."""
    seconds = time_ns // 1_000_000_000
    if seconds & 0x80000000 and not undated:
        return "[Error converting time]"     # tcpdump's clock ends in 2038
    hour, rest = divmod(seconds % 86_400, 3_600)
    minute, second = divmod(rest, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}.{time_ns % 1_000_000_000 // 1_000:06d}"
