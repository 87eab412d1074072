"""802.11 data frames, as a monitor interface captures them.

Sources: IEEE 802.11 section 9 "Frame formats"; radiotap.org.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u16_be, u32, u32_be
from aurora_wire.wire.net.cursor import LLC_HEADER, Cursor
from aurora_wire.wire.net.skip_reasons import LINK_CUT, WIFI_AGGREGATE, WIFI_FRAGMENT, WIFI_OTHER, WIFI_PROTECTED

# Bits of frame control, read little-endian.
TYPE_MASK: Final[i64] = 0x000C
TYPE_DATA: Final[i64] = 0x0008
WITHOUT_DATA: Final[i64] = 0x0040   # of the subtype
QOS: Final[i64] = 0x0080            # of the subtype
TO_AND_FROM_DS: Final[i64] = 0x0300
MORE_FRAGMENTS: Final[i64] = 0x0400
PROTECTED: Final[i64] = 0x4000
ORDER: Final[i64] = 0x8000

DATA_PAD: Final[i64] = 0x20         # radiotap flags: header padded to a multiple of 4


def radiotap(c: Cursor) -> i64:
    at = c.at
    if c.end - at < 8:
        return LINK_CUT
    header_len = u16(c.buffer, at + 2)
    if header_len < 8 or c.end - at < header_len:
        return LINK_CUT
    c.at = at + header_len
    words_end = radiotap_words(c.buffer, at, at + header_len)
    flags_at = radiotap_flags(c.buffer, at, words_end, at + header_len)
    flags: i64 = 0
    if flags_at >= 0:
        flags = c.buffer[flags_at]
        c.beside(words_end, flags_at)
        words_end = flags_at + 1
    c.beside(words_end, at + header_len)  # times, rates, signals, vendors' fields
    return wifi_data(c, is_padded=flags & DATA_PAD != 0)


def old_radio(c: Cursor) -> i64:
    """Pass Prism's header, or that of AVS, which begins with its version; both tell their length next."""
    at = c.at
    if c.end - at < 8:
        return LINK_CUT
    is_avs = u32_be(c.buffer, at) >> 8 == 0x802110
    header_len = u32_be(c.buffer, at + 4) if is_avs else u32(c.buffer, at + 4)
    if header_len > 0xFFFF:  # Prism's, in the other byte order
        header_len = u32_be(c.buffer, at + 4)
    if header_len < 8 or c.end - at < header_len:
        return LINK_CUT
    c.beside(at + 8, at + header_len)
    c.at = at + header_len
    return wifi(c)


def radiotap_words(buffer: bytes, at: i64, end: i64) -> i64:
    """Return where the bit maps of a radiotap header end: each says whether another one follows."""
    field: i64 = at + 8
    word = u32(buffer, at + 4)
    while word & 0x80000000 != 0 and field + 4 <= end:
        word = u32(buffer, field)
        field += 4
    return field


def radiotap_flags(buffer: bytes, at: i64, words_end: i64, end: i64) -> i64:
    """Return where the flags field of a radiotap header is, or -1. It follows the bit maps and an aligned TSFT."""
    present = u32(buffer, at + 4)
    field = words_end
    if present & 1 == 1:
        field = at + ((field - at + 7) & -8) + 8
    return -1 if present & 2 == 0 or field >= end else field


def wifi(c: Cursor) -> i64:
    return wifi_data(c, is_padded=False)


def wifi_swapped(c: Cursor) -> i64:
    """Pass a frame in CAPWAP. Some senders swap the two bytes of frame control: its version tells."""
    is_swapped = c.end - c.at >= 2 and c.buffer[c.at] & 3 != 0 and c.buffer[c.at + 1] & 3 == 0
    return wifi_data(c, is_padded=False, is_swapped=is_swapped)


def wifi_data(c: Cursor, is_padded: bool, is_swapped: bool = False) -> i64:
    at = c.at
    if c.end - at < 2:
        return LINK_CUT
    control = u16_be(c.buffer, at) if is_swapped else u16(c.buffer, at)
    if control & TYPE_MASK != TYPE_DATA or control & WITHOUT_DATA != 0:
        return WIFI_OTHER
    if control & PROTECTED != 0:
        return WIFI_PROTECTED
    header_len: i64 = 24
    if control & TO_AND_FROM_DS == TO_AND_FROM_DS:
        header_len += 6
    qos_at: i64 = at + header_len
    if control & QOS != 0:
        header_len += 2
        if control & ORDER != 0:
            header_len += 4
    if is_padded:
        header_len = (header_len + 3) & -4
    if c.end - at < header_len:
        return LINK_CUT
    if control & MORE_FRAGMENTS != 0 or u16(c.buffer, at + 22) & 0x000F != 0:
        return WIFI_FRAGMENT
    if control & QOS != 0 and c.buffer[qos_at] & 0x80 != 0:
        return WIFI_AGGREGATE
    c.at = at + header_len
    return LLC_HEADER
