"""What the exit code says. For a scan 2 (nothing could be judged) and 4 (output) come with an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurora_wire.cli.exceptions import fails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurora_wire.verdict.result import Scan

ENCRYPTED: Final = 0
LEAK: Final = 1
UNDECIDED: Final = 3
OUTPUT_FAILED: Final = 4
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
  --fail-on adds: 1 also where such a finding is not ignored. With --ignore and
  --baseline a connection in the clear of which all findings are ignored does
  not give 1.
  A reader that closes the pipe early (`| head`) changes none of these; it is
  141 where --format jsonl was cut off before there was a verdict.
"""


def exit_code(scan: Scan, *, require_proven: bool = False, fail_on: Sequence[str] = ()) -> int:
    """Return 0 only if the verdict is encrypted, all input was read and, with `require_proven`, all of it is proven.

    What leaks and is known as a whole (`--ignore`, `--baseline`) counts as if it were not there. fail_on: severities
    and rules, a finding of which that is not ignored gives 1.
    """
    if fail_on and fails(fail_on, set(scan.open_rules)):
        return LEAK
    if scan.verdict in ("plaintext", "mixed"):
        return LEAK if scan.open_leaks != 0 else _of_the_rest(scan, require_proven=require_proven)
    success = (
        scan.verdict == "encrypted"
        and scan.exit_code == ENCRYPTED
        and all(capture.complete for capture in scan.captures)
        and (scan.confidence == "proven" or not require_proven)
    )
    return ENCRYPTED if success else UNDECIDED


def _of_the_rest(scan: Scan, *, require_proven: bool) -> int:
    """Return the exit code of a scan of which all that leaks is known: that of what remains."""
    success = (
        all(capture.complete and not capture.hiding for capture in scan.captures)
        and not scan.by_verdict.get("inconclusive")
        and (not require_proven or _is_proven(scan))
    )
    return ENCRYPTED if success else UNDECIDED


def _is_proven(scan: Scan) -> bool:
    """Return whether all connections are listed, and each that is encrypted is proven to be."""
    return scan.connections_total == len(scan.connections) and all(
        one.confidence == "proven" for one in scan.connections if one.verdict == "encrypted"
    )
