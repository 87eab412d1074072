"""What the exit code says. For a scan 2 (nothing could be judged) and 4 (output) come with an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aurora_wire.verdict.result import Scan

ENCRYPTED: Final = 0
LEAK: Final = 1
UNDECIDED: Final = 3
INTERRUPTED: Final = 130  # 128 + SIGINT: before there was anything to report
READER_GONE: Final = 141  # 128 + SIGPIPE: before there was a verdict

HELP: Final = """exit codes:
  0  encrypted (with --require proven: and all of it proven)
  1  plaintext or mixed
  2  wrong use, or no input could be read as a capture
  3  inconclusive, no-session, not-mysql, or no packets; also instead of 0
     where an input was cut or could not be read (Ctrl-C cuts it too: what was
     found until then is reported), or where --require proven is not met
  4  the output could not be written
  A reader that closes the pipe early (`| head`) changes none of these; it is
  141 where --format jsonl was cut off before there was a verdict.
"""


def exit_code(scan: Scan, *, require_proven: bool = False) -> int:
    """Return 0 only if the verdict is encrypted, all input was read and, with `require_proven`, all of it is proven."""
    if scan.verdict in ("plaintext", "mixed"):
        return LEAK
    success = (
        scan.verdict == "encrypted"
        and scan.exit_code == ENCRYPTED
        and all(capture.complete for capture in scan.captures)
        and (scan.confidence == "proven" or not require_proven)
    )
    return ENCRYPTED if success else UNDECIDED
