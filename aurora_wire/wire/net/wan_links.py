"""Links of routers over long lines: frame relay, ATM, SLIP, PPP as pppd has it.

Sources: RFC 2427 (frame relay), 2684 (ATM), 2225 (IP over ATM); tcpdump.org "Link-layer header types".
"""

from mypy_extensions import i64

from aurora_wire.binary import u16_be, u32_be
from aurora_wire.wire.net.cursor import ETHERNET, ETHERTYPE, IP, LLC_HEADER, MAX_LENGTH, PPP, Cursor
from aurora_wire.wire.net.header_likeness import is_surely_ethernet
from aurora_wire.wire.net.llc import UI, nlpid
from aurora_wire.wire.net.skip_reasons import LINK_CUT, LLC, OTHER_LINK_TYPE
from aurora_wire.wire.net.tags import type_behind


def frame_relay(c: Cursor) -> i64:
    """Pass an address, of which the last byte is odd; then as RFC 2427 has it, or Cisco's Ethernet type."""
    at = c.at
    stop = at + 4
    while at < c.end and at < stop:
        byte: i64 = c.buffer[at]
        at += 1
        if byte & 1 == 1:
            stop = at
    if c.end - at < 2:
        return LINK_CUT
    control: i64 = c.buffer[at]
    if control == UI:
        at += 1
        if c.buffer[at] == 0:  # padding
            at += 1
        c.at = at
        return nlpid(c)
    number = u16_be(c.buffer, at)
    if number <= MAX_LENGTH:
        return LLC  # supervisory frames, LMI of other kinds
    c.number = number
    c.at = at + 2
    return ETHERTYPE


def cisco_hdlc(c: Cursor) -> i64:
    """Pass address and control, then an Ethernet type."""
    return type_behind(c, 2)


def atm(c: Cursor, link_type: i64) -> i64:
    """Pass RFC 2684: LLC, or what the circuit is for, which only its looks tell."""
    at = c.at
    if c.end - at < 4:
        return LINK_CUT
    word = u32_be(c.buffer, at)
    if word >> 8 in (0xAAAA03, 0xFEFE03):
        return LLC_HEADER
    if word >> 16 in (0x0021, 0x0057, 0xFF03, 0xC021, 0x8021, 0x8057):
        return PPP
    if word >> 16 == 0 and is_surely_ethernet(c, at + 2):
        c.at = at + 2
        return ETHERNET
    if is_surely_ethernet(c, at):
        return ETHERNET
    if word >> 28 in (4, 6):
        return IP
    c.reason_detail = link_type
    return OTHER_LINK_TYPE


def sunatm(c: Cursor, link_type: i64) -> i64:
    """Pass direction and kind of traffic, circuit (VPI, VCI); then the packet: LAN emulation, LLC, or signalling."""
    if c.end - c.at < 4:
        return LINK_CUT
    kind: i64 = c.buffer[c.at] & 0x0F
    c.at += 4
    if kind == 1:
        if c.end - c.at < 2:
            return LINK_CUT
        c.at += 2  # which client
        return ETHERNET
    if kind in (5, 6):  # ILMI, signalling
        return LLC
    return atm(c, link_type)


def pppd(c: Cursor) -> i64:
    """Pass PPP whose first byte is a direction: before FF 03, or in place of FF."""
    if c.end - c.at < 2:
        return LINK_CUT
    second: i64 = c.buffer[c.at + 1]
    c.at += 2 if second == UI else 1
    return PPP
