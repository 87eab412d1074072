"""Single keys from the terminal, without waiting for any."""

from __future__ import annotations

import codecs
import os
import select
import sys
import termios
import tty
from contextlib import suppress
from typing import Any, Final

MOST: Final = 64  # bytes at a time


class Keys:
    """In a `with` statement: the terminal hands over each key as it is typed, and shows none of them.

    Where standard input is no terminal, or this process is not in its foreground, there are no keys. Ctrl-C stays
    what it is.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self._handle = -1
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def __enter__(self) -> Keys:
        with suppress(OSError, ValueError, AttributeError, termios.error):
            handle = sys.stdin.fileno()
            if os.isatty(handle) and os.tcgetpgrp(handle) == os.getpgrp():
                before = termios.tcgetattr(handle)
                tty.setcbreak(handle, termios.TCSADRAIN)
                self._before, self._handle = before, handle
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            with suppress(OSError, termios.error):  # a terminal that went away needs nothing
                termios.tcsetattr(self._handle, termios.TCSADRAIN, self._before)
            self._before = None

    def typed(self) -> str:
        """Return what was typed since the last call: keys, and the escape sequences of others as nothing."""
        if self._before is None:
            return ""
        try:
            if not select.select([self._handle], [], [], 0)[0]:
                return ""
            data = os.read(self._handle, MOST)
        except OSError:
            data = b""
        if not data:  # it went away
            self._before = None
        text = self._decoder.decode(data)
        return "" if len(text) > 1 and text[0] == "\x1b" else text
