"""Ethernet, IP and TCP in words, briefly.

Source: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP); tcpdump.org, "Link-layer header types".
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.link_types import EN10MB, LINUX_SLL, LINUX_SLL2, LOOP, NULL, PPP_LINK
from aurora_wire.report.packets.explain.rows import FieldReader, Rows, plural
from aurora_wire.report.packets.tcpdump.printer import PacketCutError, Printer, ipv4_text, ipv6_text
from aurora_wire.report.packets.tcpdump.tcp_options import Segment, put_options
from aurora_wire.wire.net.dissect import Locator

LINK_NAMES: Final = {
    NULL: "Loopback (BSD)", PPP_LINK: "PPP", LOOP: "Loopback (OpenBSD)", LINUX_SLL: "Linux cooked capture",
    LINUX_SLL2: "Linux cooked capture, version 2",
}
FLAGS: Final = (
    (0x02, "SYN (opens)"), (0x01, "FIN (has sent all)"), (0x04, "RST (breaks off)"),
    (0x08, "PSH (hand it on)"), (0x10, "ACK"), (0x20, "URG"), (0x40, "ECE"), (0x80, "CWR"),
)


def explain_headers(rows: Rows, frame: bytes, link_type: int, found: Locator) -> None:
    """Explain the headers before the payload that `found` has located."""
    _explain_link(rows, frame, link_type, found)
    if found.ip_version == 4:
        _explain_ipv4(rows, found.ip_at)
    else:
        _explain_ipv6(rows, found.ip_at)
    _explain_tcp(rows, found)


def _explain_link(rows: Rows, frame: bytes, link_type: int, found: Locator) -> None:
    if link_type == EN10MB:
        rows.note(f"Ethernet: from {frame[6:12].hex(':')} to {frame[:6].hex(':')}")
    elif link_type in LINK_NAMES:
        rows.note(LINK_NAMES[link_type])
    if found.encapsulation:
        rows.note(f"{plural(found.encapsulation, 'tunnel')}: what follows is the packet inside.")


def _explain_ipv4(rows: Rows, at: int) -> None:
    header = rows.data[at : at + 20]
    rows.title(f"IPv4 header, {plural((header[0] & 15) * 4, 'byte')}")
    total = u16_be(header, 2)
    rows.field(at + 2, at + 4, f"length with this header: {plural(total, 'byte')}" if total
               else "length 0: the network card was to cut this into packets")
    fragment = u16_be(header, 6)
    if fragment & 0x3FFF:
        rows.field(at + 6, at + 8, f"a fragment, from byte {(fragment & 0x1FFF) * 8} on")
    rows.field(at + 8, at + 9, f"time to live: {header[8]}, one less at each router")
    rows.field(at + 12, at + 16, f"from {ipv4_text(header[12:16])}")
    rows.field(at + 16, at + 20, f"to {ipv4_text(header[16:20])}")


def _explain_ipv6(rows: Rows, at: int) -> None:
    header = rows.data[at : at + 40]
    rows.title("IPv6 header, 40 bytes")
    rows.field(at + 4, at + 6, f"length after this header: {plural(u16_be(header, 4), 'byte')}")
    rows.field(at + 7, at + 8, f"hop limit: {header[7]}, one less at each router")
    rows.field(at + 8, at + 24, f"from {ipv6_text(header[8:24])}")
    rows.field(at + 24, at + 40, f"to {ipv6_text(header[24:40])}")


def _explain_tcp(rows: Rows, found: Locator) -> None:
    at, data = found.tcp_at, rows.data
    header_len = (data[at + 12] >> 4) * 4
    rows.title(f"TCP header, {plural(header_len, 'byte')}")
    rows.field(at, at + 2, f"from port {u16_be(data, at)}")
    rows.field(at + 2, at + 4, f"to port {u16_be(data, at + 2)}")
    rows.field(at + 4, at + 8, f"sequence number {u32_be(data, at + 4)}: where its bytes stand in the stream")
    flags = data[at + 13]
    if flags & 0x10:
        rows.field(at + 8, at + 12, f"acknowledges what came before {u32_be(data, at + 8)}")
    rows.field(at + 12, at + 14, f"flags: {', '.join(name for bit, name in FLAGS if flags & bit) or 'none'}")
    rows.field(at + 14, at + 16, f"window: {u16_be(data, at + 14)}, how much it is ready to receive")
    if flags & 0x20:
        rows.field(at + 18, at + 20, f"urgent pointer: {u16_be(data, at + 18)}")
    fields = FieldReader(rows, at + 20, min(at + header_len, len(data)), whole=True)
    if fields.left > 0:
        fields.rest(f"options: {_options_text(data, at, header_len, flags, found)}")


def _options_text(data: bytes, at: int, header_len: int, flags: int, found: Locator) -> str:
    printer = Printer(data)
    printer.protocol = "tcp"
    printer.limit(0, min(at + header_len, len(data)))
    segment = Segment(flags, 0, found.payload_at, 0)
    with suppress(PacketCutError):  # what was captured of them is shown
        put_options(printer, at + 20, header_len - 20, segment)
    return "".join(printer.out).removesuffix("]")
