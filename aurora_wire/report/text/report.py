"""The report for people: what matters, what was read, the connections, what leaked, findings, losses, and the verdict.

Everything that came from the wire or a file name is escaped; nothing is hidden but by a stated bound. The
verdict of the whole is the last line, because that is where the eye of someone at a terminal is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aurora_wire.report.escape import show_text
from aurora_wire.report.summary import paragraph
from aurora_wire.report.text.captures import captures_text
from aurora_wire.report.text.connections import connections_text, reasons_text
from aurora_wire.report.text.credentials import credentials_text
from aurora_wire.report.text.decrypted import decrypted_text
from aurora_wire.report.text.findings import findings_text, undecoded_text
from aurora_wire.report.text.leaked import leaked_text
from aurora_wire.report.text.replicated import replicated_text
from aurora_wire.report.text.results import errors_text, results_text
from aurora_wire.report.text.statements import statements_text
from aurora_wire.report.wording import Style
from aurora_wire.verdict.result import Scan

INCOMPLETE = "Not all of the input could be read, so this is no success (exit code 3)."
UNSEEN = "Not all that was captured could be decoded, so this is no success (exit code 3)."
FAILED = "A finding is one of those that --fail-on names (exit code 1)."
NOT_PROVEN = "Not all of it is proven, as --require proven asks (exit code 3)."


def render(
    scan: Scan, *, width: int = 100, color: bool = False, quiet: bool = False, redact: bool = False,
    reveal: bool = False, whole: bool = False, each: bool = False, verbose: bool = False,
) -> Iterator[str]:
    """Yield lines, each with its newline.

    quiet: the closing sentence alone; redact: mask literals; reveal: show passwords and keys too; whole: shorten
    nothing; each: a row for each connection of a pool; verbose: with the details of TLS.
    """
    style = Style(width, color, redact, reveal and not redact, whole, each)
    if not quiet:
        details: tuple[Callable[[Scan, Style], Iterator[str]], ...] = ()
        if verbose:
            from aurora_wire.report.text.tls import tls_text  # noqa: PLC0415 - the usual report does without

            details = (tls_text,)
        statements = statements_text
        if scan.groups is not None:
            from aurora_wire.report.text.groups import groups_text  # noqa: PLC0415 - likewise

            statements = groups_text
        for section in (leaked_text, captures_text, connections_text, *details, reasons_text, replicated_text,
                        credentials_text, statements, results_text, errors_text, decrypted_text, findings_text,
                        undecoded_text):
            yield from paragraph(fitted for line in section(scan, style) for fitted in style.fit(line))
    yield closing_text(scan, style) + "\n"


def closing_text(scan: Scan, style: Style) -> str:
    """Return `PLAINTEXT (proven): 1 of 4 connections crossed in the clear ...`"""
    confidence = f" ({scan.confidence})" if scan.confidence else ""
    verdict = scan.verdict.upper() + confidence
    if scan.verdict == "not-mysql" and not any(capture.packets for capture in scan.captures):
        verdict = "NO PACKETS"
    sentence = f"{verdict}: {show_text(scan.closing)}"
    if scan.verdict == "encrypted" and scan.exit_code == 1:
        return f"{sentence} {FAILED}"
    if scan.verdict == "encrypted" and scan.exit_code:
        if any(not capture.complete for capture in scan.captures):
            sentence += f" {INCOMPLETE}"
        else:  # frames that were not decoded give 3 too, asked for or not
            sentence += f" {UNSEEN if any(capture.hiding for capture in scan.captures) else NOT_PROVEN}"
    if not style.whole:
        sentence = "\n".join(style.wrap(sentence, ""))
    return sentence.replace(verdict, style.verdict(verdict, scan.verdict, scan.confidence), 1)
