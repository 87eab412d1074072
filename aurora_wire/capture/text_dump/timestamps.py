"""The line that tcpdump prints above a hex dump: its time, and lengths that the bytes may not show.

Source: tcpdump manual, "-t" to "-ttttt"; util-print.c of tcpdump 4.99 and 3.9.
"""

from __future__ import annotations

import datetime
import re
from typing import Final

from aurora_wire.capture.frame_source import MAX_TIME, NO_TIME

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
MAX_LINE: Final = 4096  # bytes looked at

_START: Final = rb"[^0-9A-Za-z]{0,64}"
_CLOCK: Final = re.compile(
    _START + rb"(?:(\d{4})-(\d\d)-(\d\d)[ T])?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?[ \t]"
)
_EPOCH: Final = re.compile(_START + rb"(\d{8,10})\.(\d{6,9})[ \t]")
_OLD_DELTA: Final = re.compile(_START + rb"(?:(\d{1,6})\. ?)?(\d{6})[ \t]+(?=[A-Za-z0-9])")
_NO_CLOCK: Final = re.compile(
    _START + rb"(?:IP6?|ARP|arp|[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5}"
    rb"|[a-z][-.\w]{0,15} +(?:In|Out|B|M|P))[ ,]"
)
_FRAME_LENGTH: Final = re.compile(rb"ethertype [^:]{0,40}, length (\d{1,7}):")
_PAYLOAD_LENGTH: Final = re.compile(
    rb"(?:, length|: tcp) (\d{1,7})(?![^ :\t])|\d:\d{1,10}\((\d{1,7})\)"
)


class Clock:
    """Times of header lines, in ns: since 1970 where there is a date (read as UTC), else since midnight.

    A time of day that falls back by more than half a day begins the next day. Where the first time is zero,
    they are relative: since the first packet (-ttttt), or, once one is less than that before it, since the
    one before (-ttt).
    """

    def __init__(self) -> None:
        self.undated = False
        self._date = b""       # the last one, as written
        self._midnight = 0     # and in ns since 1970
        self._begun = False
        self._relative = False
        self._deltas = False
        self._last = 0         # time of day, or relative time, as written
        self._sum = 0
        self._days = 0

    def read(self, line: bytes) -> int | None:
        """Return the time of a header line, NO_TIME if it has none, None if it is not a header line."""
        time_ns = self._read(line[:MAX_LINE])
        return NO_TIME if time_ns is not None and time_ns > MAX_TIME else time_ns

    def _read(self, line: bytes) -> int | None:
        found = _CLOCK.match(line)
        if found is not None:
            day = ((int(found[4]) * 60 + int(found[5])) * 60 + int(found[6])) * SECOND
            day += int((found[7] or b"0").ljust(9, b"0"))
            return self._undated(day) if found[1] is None else self._dated(found, day)
        found = _EPOCH.match(line)
        if found is not None:
            return int(found[1]) * SECOND + int(found[2].ljust(9, b"0"))
        found = _OLD_DELTA.match(line)
        if found is not None:
            self._begun = self._relative = self._deltas = True
            self.undated = True
            self._sum += int(found[1] or b"0") * SECOND + int(found[2]) * 1000
            return self._sum
        return NO_TIME if _NO_CLOCK.match(line) is not None else None

    def _dated(self, found: re.Match[bytes], day: int) -> int:
        date = found[1] + found[2] + found[3]
        if date != self._date:
            try:
                ordinal = datetime.date(int(found[1]), int(found[2]), int(found[3])).toordinal()
            except ValueError:
                return NO_TIME
            self._date = date
            self._midnight = (ordinal - datetime.date(1970, 1, 1).toordinal()) * DAY
        return max(self._midnight + day, 0)

    def _undated(self, day: int) -> int:
        self.undated = True
        if not self._begun:
            self._begun = True
            self._relative = day == 0
        elif self._relative:
            if day < self._last:
                self._deltas = True
            if self._deltas:
                self._sum += day
                self._last = day
                return self._sum
        elif day < self._last - DAY // 2:
            self._days += DAY
        self._last = day
        self._sum = day
        return self._days + day


def frame_length(header: bytes) -> int:
    """Return the frame's length on the wire as -e says it, -1 if it does not."""
    found = _FRAME_LENGTH.search(header[:MAX_LINE])
    return int(found[1]) if found is not None else -1


def payload_length(header: bytes) -> int:
    """Return the length of the TCP or UDP payload by the header, -1 if it does not say."""
    length = -1
    for found in _PAYLOAD_LENGTH.finditer(header[:MAX_LINE]):
        length = int(found[1] or found[2])
    return length
