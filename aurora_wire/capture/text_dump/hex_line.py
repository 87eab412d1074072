"""One line of tcpdump's hex dump: offset and bytes, without the text column.

Source: tcpdump's print-ascii.c (4.99, and 3.7 for the older layouts):

    <tab>0x0010:  4006 2a8c ac1f 0f5e  @.*....^     since 3.8; without the text column for -x
    0x0010<tab> 4006 2a8c<tab>@.*.                  3.7 -X
    <tab><tab><tab> 4006 2a8c                       3.7 -x, without offset

Lines come from tickets and blogs: quoted, indented, with spaces run together or the text column damaged. A
line holds at most 16 bytes, so what follows the eighth group of digits is text whatever it looks like.
"""

from __future__ import annotations

import re
from typing import Final

LINE_BYTES: Final = 16

_OFFSET: Final = re.compile(rb"[^0-9A-Za-z]{0,64}0x([0-9A-Fa-f]{4,8})(?::[ \t]*|[ \t]+)")
_FULL: Final = re.compile(
    rb"[ \t]*0x([0-9A-Fa-f]{4,8}):  ((?:[0-9A-Fa-f]{4} ){7}[0-9A-Fa-f]{4})(?![^ \t])"
)
_GROUP: Final = re.compile(rb"([0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})(?![^ \t])([ \t]*)")
_BARE: Final = re.compile(
    rb"[^0-9A-Za-z]{0,64}[ \t]((?:[0-9A-Fa-f]{4} ){0,7}(?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2}))[ \t]*"
)
_ANYWHERE: Final = re.compile(
    rb"^[^0-9A-Za-z\n]{0,64}0x[0-9A-Fa-f]{4,8}(?::[ \t]*|[ \t]+)[0-9A-Fa-f]{4}(?![^ \t\r\n])"
    rb"|^[ \t>|]{1,64}(?:[0-9A-Fa-f]{4} ){7}[0-9A-Fa-f]{4}[ \t]*\r?$",
    re.MULTILINE,
)
_PRINTABLE: Final = bytes(byte if 0x21 <= byte <= 0x7E else 0x2E for byte in range(256))


def has_hex_line(text: bytes) -> bool:
    """Return whether a line of a dump is anywhere in the text."""
    return _ANYWHERE.search(text.replace(b"\xc2\xa0", b" ")) is not None


def parse_hex_line(line: bytes, had_text: bool) -> tuple[int, bytes, bool] | None:
    """Return offset, bytes and whether a text column follows; None if it is not a line of a dump.

    line: without its end; had_text: earlier lines of the dump had a text column.
    """
    found = _FULL.match(line)  # most lines are: the same as below, in one step
    if found is not None:
        return int(found[1], 16), bytes.fromhex(found[2].decode("ascii")), line[found.end():].strip() != b""
    found = _OFFSET.match(line)
    if found is None:
        return None
    at = found.end()
    digits = b""
    last = b""
    wide_gap = False
    while len(digits) < 2 * LINE_BYTES and not wide_gap:
        group = _GROUP.match(line, at)
        if group is None:
            break
        last = group[1]
        digits += last
        at = group.end()
        wide_gap = len(last) == 2 or len(group[2]) > 1 or group[2] == b"\t"
    if not digits:
        return None
    has_text = line[at:].strip() != b""
    data = bytes.fromhex(digits.decode("ascii"))
    if had_text and not has_text and not wide_gap and len(data) < LINE_BYTES:
        # Spaces were run together, and the text column of a short last line may be all hex digits.
        before = data[:-(len(last) // 2)]
        if before.translate(_PRINTABLE) == last:
            return int(found[1], 16), before, True
    return int(found[1], 16), data, has_text


def parse_bare_line(line: bytes) -> bytes | None:
    """Return the bytes of a line of groups without an offset, None if it is anything else."""
    found = _BARE.fullmatch(line)
    return bytes.fromhex(found[1].decode("ascii")) if found is not None else None
