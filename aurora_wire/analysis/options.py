"""What callers of an analysis choose: ports, key logs, how many statements are kept, who is told what."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, StatementResult
from aurora_wire.wire.decoding.connection_log import MAX_STATEMENTS

if TYPE_CHECKING:
    from aurora_wire.decrypt.key_log import KeyLog

DEFAULT_PORTS = (3306, 33060)
KEPT_STATEMENTS = int(MAX_STATEMENTS)  # of a connection; all are counted

KeyLogInput: TypeAlias = "str | os.PathLike[str] | KeyLog"
OnBegin = Callable[[list[CaptureResult], FramePlaces, int], None]
OnCapture = Callable[[CaptureResult], None]
OnStatement = Callable[[int, StatementResult], None]
OnConnection = Callable[[ConnectionResult, list[Finding]], None]
OnKept = Callable[[ConnectionResult], int]
OnProgress = Callable[[int, int | None], None]
OnNote = Callable[[str], None]


class OneJobNeeded(Exception):  # noqa: N818 - no error: it says what to do
    """One process has to read the captures, and why, for people; without words where nobody asked for more."""
