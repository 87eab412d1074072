"""From the Ethernet types of switches and fabrics to the frame behind them: tags, and frames in frames.

Sources: IEEE 802.1Q (I-TAG of 802.1ah), 802.1BR (E-TAG), 802.1AE (MACsec); Cisco's VN-Tag, CMD and FabricPath;
RFC 6325 (TRILL), 8300 (NSH); IEC 62439-3 (HSR); Arista's timestamps; Linux net/dsa (EDSA, Realtek).
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16_be
from aurora_wire.wire.net.cursor import ETHERNET, ETHERTYPE, IP_V4, IP_V6, LLC_HEADER, MAX_LENGTH, MPLS, PPP, Cursor
from aurora_wire.wire.net.skip_reasons import CONTROL, LINK_CUT, OTHER_ETHERTYPE, OTHER_TUNNELLED, TUNNEL_CUT

VN_TAG: Final[i64] = 0x8926      # Ethernet types
E_TAG: Final[i64] = 0x893F
HSR: Final[i64] = 0x892F
EDSA: Final[i64] = 0xDADA
CMD: Final[i64] = 0x8909
ARISTA: Final[i64] = 0xD28B
I_TAG: Final[i64] = 0x88E7
FABRIC_PATH: Final[i64] = 0x8903
TRILL: Final[i64] = 0x22F3
MACSEC: Final[i64] = 0x88E5
NSH: Final[i64] = 0x894F
REALTEK: Final[i64] = 0x8899
BRIDGED: Final[i64] = 0x6558     # "transparent Ethernet bridging"
PPP_TYPE: Final[i64] = 0x880B
JUMBO_LLC: Final[i64] = 0x8870

ICV: Final[i64] = 16             # bytes that MACsec puts behind the data


def tag(c: Cursor) -> i64:
    """Return the step behind Ethernet type `number`, if that is of a tag or a header around another frame."""
    number = c.number
    if number == VN_TAG:
        return type_behind(c, 4)
    if number in (E_TAG, EDSA):
        return type_behind(c, 6)
    if number == HSR:
        return type_behind(c, 4)
    if number == CMD:
        return cisco_metadata(c)
    if number == ARISTA:
        return arista(c)
    if number == I_TAG:
        return frame_behind(c, 4)
    if number == FABRIC_PATH:
        return frame_behind(c, 2)
    if number == TRILL:
        return trill(c)
    if number == MACSEC:
        return macsec(c)
    if number == NSH:
        return nsh(c)
    if number == REALTEK:
        return realtek(c)
    if number == BRIDGED:
        return c.enter(ETHERNET)
    if number == PPP_TYPE:
        return PPP
    if number == JUMBO_LLC:
        return LLC_HEADER
    return unknown(c, number)


def unknown(c: Cursor, number: i64) -> i64:
    c.reason_detail = number
    return OTHER_ETHERTYPE


def type_behind(c: Cursor, length: i64) -> i64:
    """Pass a tag of `length` bytes, and the Ethernet type of what it was put before."""
    if c.end - c.at < length + 2:
        return LINK_CUT
    c.number = u16_be(c.buffer, c.at + length)
    c.at += length + 2
    return ETHERTYPE if c.number > MAX_LENGTH else LLC_HEADER


def frame_behind(c: Cursor, length: i64) -> i64:
    """Pass a header of `length` bytes before a whole frame."""
    if c.end - c.at < length:
        return LINK_CUT
    c.at += length
    return c.enter(ETHERNET)


def cisco_metadata(c: Cursor) -> i64:
    """Pass version 1, how many options of 4 bytes follow (TrustSec: one, with the group), the options."""
    if c.end - c.at < 2:
        return LINK_CUT
    version: i64 = c.buffer[c.at]
    options: i64 = c.buffer[c.at + 1]
    if version != 1:
        return unknown(c, CMD)
    c.beside(c.at + 2, c.at + 2 + (options << 2))
    return type_behind(c, 2 + (options << 2))


def arista(c: Cursor) -> i64:
    """Pass a timestamp that a switch put in: subtype, version, which tells its size."""
    if c.end - c.at < 4:
        return LINK_CUT
    subtype = u16_be(c.buffer, c.at)
    version = u16_be(c.buffer, c.at + 2) & 0xFF
    if subtype != 1 or version not in (0x10, 0x20):
        return unknown(c, ARISTA)
    return type_behind(c, 12 if version == 0x10 else 10)


def realtek(c: Cursor) -> i64:
    """Pass a Realtek switch's tag of 2 or 6 bytes; else what switches say to each other (loop detection, control)."""
    if c.end - c.at < 2:
        return LINK_CUT
    first: i64 = c.buffer[c.at]
    if first >> 4 == 0x0A:
        return type_behind(c, 2)
    return type_behind(c, 6) if first == 4 else CONTROL


def trill(c: Cursor) -> i64:
    """Pass version, M, length of the options in units of 4 bytes, hops; the RBridges; options; a frame."""
    if c.end - c.at < 6:
        return LINK_CUT
    word = u16_be(c.buffer, c.at)
    if word >> 14 != 0:
        return unknown(c, TRILL)
    c.beside(c.at + 6, c.at + 6 + ((word >> 6 & 0x1F) << 2))
    return frame_behind(c, 6 + ((word >> 6 & 0x1F) << 2))


def macsec(c: Cursor) -> i64:
    """Pass a SecTAG. If it says that the data was neither encrypted nor changed, that follows, before the ICV."""
    at = c.at
    if c.end - at < 6:
        return LINK_CUT
    flags: i64 = c.buffer[at]
    length: i64 = c.buffer[at + 1] & 0x3F
    if flags & 0x8C != 0:  # another version, encrypted, changed
        return unknown(c, MACSEC)
    header_len: i64 = 14 if flags & 0x20 != 0 else 6
    stop = at + header_len + length if length != 0 else c.wire_end - ICV
    if stop < at + header_len + 2:
        return unknown(c, MACSEC)
    c.limit(stop)
    return type_behind(c, header_len)


def nsh(c: Cursor) -> i64:
    """Pass a network service header: its length in units of 4 bytes, kind of metadata, next protocol."""
    at = c.at
    if c.end - at < 8:
        return TUNNEL_CUT
    word = u16_be(c.buffer, at)
    inner: i64 = c.buffer[at + 3]
    length: i64 = (word & 0x3F) << 2
    if word >> 14 != 0 or length < 8:
        return unknown(c, NSH)
    if c.end - at < length:
        return TUNNEL_CUT
    c.beside(at + 8, at + length)  # metadata, behind the path
    c.at = at + length
    if inner == 1:
        return c.enter(IP_V4)
    if inner == 2:
        return c.enter(IP_V6)
    if inner == 3:
        return c.enter(ETHERNET)
    if inner == 4:
        c.number = NSH
        return c.enter(ETHERTYPE)
    return c.enter(MPLS) if inner == 5 else OTHER_TUNNELLED
