"""The Multipath TCP option (30) as tcpdump prints it.

Source: tcpdump 4.99, print-mptcp.c; RFC 6824, RFC 8684.
"""

from __future__ import annotations

from typing import Final

from aurora_wire.report.packets.tcpdump.printer import Printer, ipv4_text, ipv6_text
from aurora_wire.wire.flows.tcp_flags import ACK, SYN

CAPABLE: Final = 0
JOIN: Final = 1
DSS: Final = 2
ADD_ADDRESS: Final = 3
REMOVE_ADDRESS: Final = 4
PRIORITY: Final = 5
FAIL: Final = 6
FAST_CLOSE: Final = 7
NAMES: Final = ("capable", "join", "dss", "add-addr", "rem-addr", "prio", "fail", "fast-close", "unknown")
ADD_ADDRESS_KINDS: Final = {6: "v0-ip6", 4: "v0-ip4", 1: "v1-echo", 0: "v1"}

DSS_FIN: Final = 0x10
DSS_LONG_SEQ: Final = 0x08
DSS_HAS_SEQ: Final = 0x04
DSS_LONG_ACK: Final = 0x02
DSS_HAS_ACK: Final = 0x01


def put_mptcp(printer: Printer, at: int, length: int, flags: int) -> bool:
    """Print the option whose kind byte is at `at`; False: tcpdump calls it bad."""
    if length < 3:
        return False
    outer_end = printer.snap_end
    printer.protocol = "mptcp"      # it stays: tcpdump names a later cut in this packet after it, too
    printer.limit(at, length)
    subtype = min(printer.read(at + 2, 1) >> 4, FAST_CLOSE + 1)
    printer.put(f" {length} {NAMES[subtype]}")
    fine = _put_subtype(printer, subtype, at, length, flags)
    printer.snap_end = outer_end
    return fine


def _put_subtype(printer: Printer, subtype: int, at: int, length: int, flags: int) -> bool:
    if subtype == CAPABLE:
        return _put_capable(printer, at, length, flags)
    if subtype == JOIN:
        return _put_join(printer, at, length, flags)
    if subtype == DSS:
        return _put_dss(printer, at, length, flags)
    if subtype == ADD_ADDRESS:
        return _put_add_address(printer, at, length)
    if subtype == REMOVE_ADDRESS:
        if length < 4:
            return False
        printer.put(" id")
        for place in range(3, length):
            printer.put(f" {printer.read(at + place, 1)}")
    elif subtype == PRIORITY:
        if length not in (3, 4):
            return False
        printer.put(" backup" if printer.read(at + 2, 1) & 1 else " non-backup")
        if length == 4:
            printer.put(f" id {printer.read(at + 3, 1)}")
    elif subtype in (FAIL, FAST_CLOSE):
        if length != 12:
            return False
        number = printer.read(at + 4, 8)
        printer.put(f" seq {number}" if subtype == FAIL else f" key 0x{number:x}")
    return True


def _put_capable(printer: Printer, at: int, length: int, flags: int) -> bool:
    opening = length in (4, 12) and flags & SYN
    answering = length in (20, 22) and flags & (SYN | ACK) == ACK
    if not opening and not answering:
        return False
    version = printer.read(at + 2, 1) & 0xF
    if version > 1:
        printer.put(f" Unknown Version ({version})")
        return True
    printer.put(f" v{version}")
    if printer.read(at + 3, 1) & 0x80:
        printer.put(" csum")
    if length >= 12:
        printer.put(f" {{0x{printer.read(at + 4, 8):x}")
        if length >= 20:
            printer.put(f",0x{printer.read(at + 12, 8):x}")
        printer.put("}")
    return True


def _put_join(printer: Printer, at: int, length: int, flags: int) -> bool:
    both = flags & (SYN | ACK) == SYN | ACK
    if not ((length == 12 and flags & SYN) or (length == 16 and both) or (length == 24 and flags & ACK)):
        return False
    if length != 24:
        if printer.read(at + 2, 1) & 1:
            printer.put(" backup")
        printer.put(f" id {printer.read(at + 3, 1)}")
    if length == 12:
        printer.put(f" token 0x{printer.read(at + 4, 4):x} nonce 0x{printer.read(at + 8, 4):x}")
    elif length == 16:
        printer.put(f" hmac 0x{printer.read(at + 4, 8):x} nonce 0x{printer.read(at + 12, 4):x}")
    else:
        printer.put(f" hmac 0x{printer.read_bytes(at + 4, 20).hex()}")
    return True


def _put_dss(printer: Printer, at: int, length: int, flags: int) -> bool:
    if length < 4 or flags & SYN:
        return False
    parts = printer.read(at + 3, 1)
    if parts & DSS_FIN:
        printer.put(" fin")
    at, left = at + 4, length - 4
    if parts & DSS_HAS_ACK:
        printer.put(" ack ")
        size = 8 if parts & DSS_LONG_ACK else 4
        if left < size:
            return False
        printer.put(f"{printer.read(at, size)}")
        at, left = at + size, left - size
    if parts & DSS_HAS_SEQ:
        printer.put(" seq ")
        size = 8 if parts & DSS_LONG_SEQ else 4
        if left < size:
            return False
        printer.put(f"{printer.read(at, size)}")
        at, left = at + size, left - size
        if left < 4:
            return False
        printer.put(f" subseq {printer.read(at, 4)}")
        if left < 6:
            return False
        printer.put(f" len {printer.read(at + 4, 2)}")
        at, left = at + 6, left - 6
        if left >= 2:
            printer.put(f" csum 0x{printer.read(at, 2):x}")
            left -= 2
    return left == 0


def _put_add_address(printer: Printer, at: int, length: int) -> bool:
    if length not in (8, 10, 16, 18, 20, 22, 28, 30):
        return False
    kind = ADD_ADDRESS_KINDS.get(printer.read(at + 2, 1) & 0xF, "[bad version/echo]")
    printer.put(f" {kind} id {printer.read(at + 3, 1)}")
    size = 4 if length < 20 else 16
    address = printer.read_bytes(at + 4, size)
    printer.put(f" {ipv4_text(address) if size == 4 else ipv6_text(address)}")
    at, left = at + 4 + size, length - 4 - size
    if left in (2, 10):
        printer.put(f":{printer.read(at, 2)}")
        at += 2
    if left >= 8:
        printer.put(f" hmac 0x{printer.read(at, 8):x}")
    return True
