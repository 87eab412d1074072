"""Frames from the text that `tcpdump -x`, `-X`, `-xx` or `-XX` prints, also as pasted into tickets and blogs.

A frame begins at a line with offset 0 and goes on with lines whose offset is where it ends so far. The lines
above it may give its time; anything else in the text is passed over. A hex line at any other offset shows
that lines were lost: it ends the frame, which then counts as cut, and is counted itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aurora_wire.capture.frame_source import NO_TIME, CaptureError, FrameSource
from aurora_wire.capture.text_dump.first_header import find_start, headers_length, ip_length
from aurora_wire.capture.text_dump.hex_line import LINE_BYTES, parse_bare_line, parse_hex_line
from aurora_wire.capture.text_dump.timestamps import Clock, frame_length, payload_length
from aurora_wire.link_types import RAW

MAX_FRAME: Final = 262144  # bytes, as in tcpdump
MAX_LINE: Final = 65536    # bytes of a line that are looked at
MAX_HEADER: Final = 4096   # bytes of header lines kept
MAX_IDLE: Final = 8 << 20  # bytes of text without a packet that are read, LINE_COST for each line included
LINE_COST: Final = 32


class TextSource(FrameSource):
    """The frames of a hex dump. Dumps that begin at a VLAN tag get zero MACs, to be Ethernet frames.

    read: the next block of text, b"" at its end. `undated`: frames without a date were given; `bad_lines`:
    hex lines at a wrong offset, the first of them in line `first_bad_line`, counted from 1.
    """

    def __init__(self, path: str, read: Callable[[], bytes]) -> None:
        super().__init__()
        self.path = path
        self.undated = False
        self.bad_lines = 0
        self.first_bad_line = 0
        self._lines = _Lines(read)
        self._clock = Clock()
        self._header = b""            # header lines since the last frame began
        self._header_time = NO_TIME
        self._frame = bytearray()     # the frame being read
        self._open = False
        self._frame_header = b""
        self._frame_time = NO_TIME
        self._bare = False            # the frame's lines have no offsets
        self._had_text = False
        self._last_link = RAW
        self._ended = False
        self._idle = 0                # bytes since the last hex line

    def advance(self) -> bool:
        while not self._ended and not self.damaged:
            try:
                line = self._lines.next()
            except CaptureError:
                if self._open:
                    return self._give()  # the error comes again at the next call
                self.damaged = True
                raise
            if line is None:
                self._ended = True
                return self._open and self._give()
            if self._take(line):
                return True
            self._idle += len(line) + LINE_COST
            if self._idle > MAX_IDLE:
                if self._open:
                    return self._give()  # it is given up at the next call
                self._give_up()
        return False

    def _give_up(self) -> None:
        """So much text without a packet is no dump any more: a few bytes of gzip can hold any amount of it."""
        self._ended = True
        self.damaged = True
        raise CaptureError(
            self.path, -1,
            f"has no packet in the text up to line {self._lines.number}, so it is not read further. {self.loss()} "
            "Give the part with the hex dump.",
        )

    def damage(self) -> str | None:
        """Return what was lost by the text itself, in one sentence, or None."""
        if not self.bad_lines:
            return None
        lines = "1 hex line is" if self.bad_lines == 1 else f"{self.bad_lines} hex lines are"
        return (
            f"{lines} not where the line before ends (the first is line {self.first_bad_line}): "
            "what is missing there counts as missing. Was all of the dump pasted?"
        )

    def _take(self, line: bytes) -> bool:
        """Take one line in; True if it ended a frame, which is the current one now."""
        parsed = parse_hex_line(line, self._had_text)
        if parsed is not None:
            self._idle = 0
            offset, data, has_text = parsed
            self._had_text = self._had_text or has_text
            return self._take_bytes(offset, data)
        bare = parse_bare_line(line) if self._header or self._bare else None
        if bare is not None:
            self._idle = 0
            return self._take_bare(bare)
        time_ns = self._clock.read(line)
        if time_ns is not None:
            given = self._open and self._give()
            if time_ns != NO_TIME or self._header_time == NO_TIME:
                self._header = b""
                self._header_time = time_ns
            self._keep_header(line)
            return given
        if self._header:
            self._keep_header(line)  # -v breaks the header line
        return False

    def _keep_header(self, line: bytes) -> None:
        self._header = (self._header + b" " + line)[:MAX_HEADER]

    def _take_bytes(self, offset: int, data: bytes) -> bool:
        given = False
        if offset == 0:
            given = self._open and self._give()
            self._begin(bare=False)
        elif not self._open:
            self._bad_line()
            return False
        elif offset != len(self._frame) or self._bare or offset + len(data) > MAX_FRAME:
            self._bad_line()
            return self._give()
        self._frame += data
        if given:
            return True  # the next frame is open
        return len(data) < LINE_BYTES and self._give()  # the last line: no need to wait for what follows

    def _take_bare(self, data: bytes) -> bool:
        if not self._open:
            if self._header:
                self._begin(bare=True)
                self._frame += data
            else:
                self._bad_line()
            return False
        if len(self._frame) + len(data) > MAX_FRAME or len(self._frame) % LINE_BYTES:
            self._bad_line()
            return self._give()
        self._frame += data
        return False

    def _bad_line(self) -> None:
        self.bad_lines += 1
        if self.first_bad_line == 0:
            self.first_bad_line = self._lines.number

    def _begin(self, *, bare: bool) -> None:
        self._frame = bytearray()
        self._open = True
        self._bare = bare
        self._frame_header = self._header
        self._frame_time = self._header_time
        self._header = b""
        self._header_time = NO_TIME

    def _give(self) -> bool:
        """Make the frame that was read the current one."""
        data = bytes(self._frame)
        self._open = False
        start = find_start(data, self._last_link)
        if start.ip_at >= 0:
            self._last_link = start.link_type
        prefix = start.prefix
        original = len(prefix) + len(data)
        if start.link_type != RAW:
            original = max(original, frame_length(self._frame_header))
        if start.ip_at >= 0:
            length = ip_length(data, start.ip_at)
            if length == 0:
                headers = headers_length(data, start.ip_at)
                payload = payload_length(self._frame_header)
                length = headers + payload if headers and payload >= 0 else 0
            original = max(original, len(prefix) + start.ip_at + length)
        self.buffer = prefix + data
        self.at = 0
        self.captured_len = len(self.buffer)
        self.original_len = original
        self.link_type = start.link_type
        self.time_ns = self._frame_time
        self.undated = self.undated or self._clock.undated or self._frame_time == NO_TIME
        self.count += 1
        return True


class _Lines:
    """Lines of blocks of text, without their ends. Only the first MAX_LINE bytes of a line are kept."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.number = 0  # of the line that was given last, from 1
        self._read = read
        self._lines: list[bytes] = []  # whole ones, the next at the end
        self._rest = b""
        self._ended = False
        self._error: CaptureError | None = None

    def next(self) -> bytes | None:
        while not self._lines:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            try:
                block = self._read()
            except CaptureError as error:
                self._error = error
                raise
            if not block:
                self._ended = True
                if not self._rest:
                    return None
                self._lines.append(self._rest)
                break
            lines = block.split(b"\n")
            lines[0] = self._rest + lines[0]
            self._rest = lines.pop()[:MAX_LINE]
            lines.reverse()
            self._lines = lines
        self.number += 1
        line = self._lines.pop()[:MAX_LINE]
        if b"\xc2\xa0" in line:
            line = line.replace(b"\xc2\xa0", b" ")  # no-break spaces, as web pages have them
        return line.rstrip(b"\r\n\f ")
