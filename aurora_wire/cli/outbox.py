"""Non-blocking standard output: a slow reader (`| less`) must not stall the capture."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import Final

from aurora_wire.cli.output import standard_output_failed

FULL: Final = 8 << 20          # bytes that wait
PIPE_CHUNK: Final = 4096       # PIPE_BUF: so much fits where poll says that a pipe takes anything at all
FILE_CHUNK: Final = 1 << 18


class Outbox:
    """Text is kept until standard output takes it; `full` says that no more should be put for now.

    Raises OutputError where it cannot be written, ReaderGone where whoever read it closed it.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._handle = sys.stdout.fileno()
        self._encoding = sys.stdout.encoding or "utf-8"
        mode = os.fstat(self._handle).st_mode
        self._chunk = FILE_CHUNK if stat.S_ISREG(mode) else PIPE_CHUNK
        self._poll = select.poll()
        self._poll.register(self._handle, select.POLLOUT)
        self._gone = False
        self._lines: list[bytes] = []
        self._data = b""
        self._at = 0
        self._size = 0  # of `_lines`

    @property
    def full(self) -> bool:
        return self._size + len(self._data) - self._at > FULL

    def put(self, text: str) -> None:
        if self._gone:
            return
        line = text.encode(self._encoding, "backslashreplace")
        self._lines.append(line)
        self._size += len(line)

    def send(self, *, wait: bool = False) -> None:
        """Write as much as is taken now; wait: all of it."""
        while self._at < len(self._data) or self._lines:
            if self._at >= len(self._data):
                self._data, self._at = b"".join(self._lines), 0
                self._lines, self._size = [], 0
            if not self._poll.poll(None if wait else 0):
                return
            try:
                self._at += os.write(self._handle, self._data[self._at : self._at + self._chunk])
            except BlockingIOError:
                return  # somebody else made it non-blocking
            except OSError as error:
                self._gone = True
                self._lines, self._data, self._size, self._at = [], b"", 0, 0
                raise standard_output_failed(error) from error
