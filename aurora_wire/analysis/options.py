"""What callers of an analysis choose: ports, key logs, how much is kept, who is told what."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from aurora_wire.immutable import immutable
from aurora_wire.ports import DEFAULT_PORTS
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import CaptureResult, ConnectionResult, Finding, StatementResult
from aurora_wire.wire.decoding.connection_log import MAX_STATEMENTS

if TYPE_CHECKING:
    from aurora_wire.analysis.selection import Selection
    from aurora_wire.capture.files.frame_filter import FrameFilter
    from aurora_wire.decrypt.key_log import KeyLog
    from aurora_wire.verdict.exceptions import Exceptions

KEPT_STATEMENTS = int(MAX_STATEMENTS)  # of a connection; all are counted

KeyLogInput: TypeAlias = "str | os.PathLike[str] | KeyLog"


@immutable
class ScanOptions:
    """What a scan looks at, and how much of it its result holds.

    ports: where TLS or undecided streams count as MySQL's; only_ports: other ports are not looked at.
    keylogs: files with TLS secrets (SSLKEYLOGFILE), or a KeyLog; what a pcapng holds of them is used besides. They
    show what was inside TLS (`ConnectionResult.tls.decrypted`), and need the package cryptography.
    keep_statements: of each connection, the first ones, in its result; all are counted. keep_rows: of each result of a
    kept statement, the first ones, with their values (`AnswerPart.values`); all are counted.
    group: count statements by their fingerprints, all of them (`Scan.groups`). selection: what is let through; all of
    the result is of that, and says so (`filters`). exceptions: findings that are known, marked in the result.
    """

    ports: Sequence[int] = DEFAULT_PORTS
    only_ports: bool = False
    keylogs: Sequence[KeyLogInput] = ()
    keep_statements: int = KEPT_STATEMENTS
    keep_rows: int = 0
    group: bool = False
    selection: Selection | None = None
    exceptions: Exceptions | None = None

    @property
    def frames(self) -> FrameFilter | None:
        """Return which frames are read at all; None: all of them."""
        return None if self.selection is None else self.selection.frames


STANDARD: Final = ScanOptions()

OnBegin = Callable[[list[CaptureResult], FramePlaces, int], None]
OnCapture = Callable[[CaptureResult], None]
OnStatement = Callable[[int, StatementResult], None]
OnConnection = Callable[[ConnectionResult, list[Finding]], None]
OnKept = Callable[[ConnectionResult], int]
OnProgress = Callable[[int, int | None], None]
OnNote = Callable[[str], None]


class OneJobNeeded(Exception):  # noqa: N818 - no error: it says what to do
    """One process has to read the captures, and why, for people; without words where nobody asked for more."""
