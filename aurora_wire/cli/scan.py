"""`aurora-wire scan`: captures in, a report and an exit code out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from aurora_wire.cli.exit_codes import HELP, READER_GONE, exit_code
from aurora_wire.cli.output import Output, ReaderGone, complain
from aurora_wire.cli.ports import port_option, ports_of
from aurora_wire.cli.progress import progress_bar
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import UsageError

if TYPE_CHECKING:
    from aurora_wire.report.jsonl import JSONLines
    from aurora_wire.verdict.result import Scan

DESCRIPTION = """\
Judge captures: which MySQL connections crossed the network in the clear, what
leaked, and how sure that is. Reads pcap and pcapng, as they are or compressed
(gzip, zstd, lz4, xz, bzip2), and hex dumps of tcpdump as text. The report shows
what crossed as it is; --redact masks it."""
EXAMPLES = f"""{HELP}
examples:
  aurora-wire scan night.pcap.gz
  aurora-wire scan --format json --redact -o report.json captures/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("captures", metavar="CAPTURE", nargs="+",
        help="Read this file, all captures in this folder, what this pattern matches, or standard input (-).")
    add("--port", metavar="N", type=port_option, action="append", default=[],
        help="Look at this port only; +N: count it as a port of MySQL besides the default ones (3306 and "
        "33060; on all others MySQL is found by its content). May be given several times, or as N,N.")
    add("--keylog", metavar="FILE", action="append", default=[],
        help="Open TLS with the secrets in this file (SSLKEYLOGFILE), and show what was inside; may be given "
        "several times. Secrets in a pcapng are used without it. Needs: pip install 'aurora_wire[keylog]'.")
    add("--format", choices=("text", "json", "jsonl"), default="text",
        help="Write text for people, one JSON object (schema aurora-wire/scan/1), or JSON lines as things "
        "happen, with every statement (default text).")
    add("-o", "--output", metavar="FILE",
        help="Write to this file, readable for you only, and not to standard output. It appears when it is "
        "whole.")
    add("--redact", action="store_true",
        help="Mask literals, comments and parameters in statements (default: show them).")
    add("--require", choices=("proven",),
        help="Exit with 3 instead of 0 where a connection is encrypted but not proven to be.")
    add("--quiet", action="store_true",
        help="Print the closing sentence only (text), and no progress bar.")
    add("--no-progress", action="store_true",
        help="Show no progress bar (default: on a terminal, for inputs above 64 MiB).")


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis import scan  # noqa: PLC0415 - not for --help

    ports, only_ports = ports_of(arguments.port)
    result: Scan | None = None
    try:
        with Output(arguments.output) as output:
            lines = _json_lines(arguments, output)
            bar = not (arguments.quiet or arguments.no_progress or (lines is not None and output.is_terminal))
            with progress_bar(wanted=bar) as on_progress:
                result = scan(
                    arguments.captures,
                    ports=ports,
                    only_ports=only_ports,
                    keylogs=arguments.keylog,
                    on_statement=None if lines is None else lines.statement,
                    on_connection=None if lines is None else lines.connection,
                    on_progress=on_progress,
                )
            if any(output.replaces(capture.path) for capture in result.captures):
                raise UsageError(f"{output.path}: this is one of the captures. Give the report another name.")
            if any(output.replaces(path) for path in arguments.keylog):
                raise UsageError(f"{output.path}: this is the key log. Give the report another name.")
            deliver(result, arguments, output, lines)
    except ReaderGone:
        return READER_GONE if result is None else result.exit_code
    return result.exit_code


def deliver(
    result: Scan, arguments: argparse.Namespace, output: Output, lines: JSONLines | None = None
) -> None:
    """Writes the report, and a line on standard error for each capture that was not read to its end."""
    result.exit_code = exit_code(result, require_proven=arguments.require == "proven")
    for capture in result.captures:
        if not capture.complete:
            error = capture.error or "not read to its end"
            complain(error if error.startswith(capture.path) else f"{capture.path}: {error}")
    if lines is not None:
        lines.finish(result)
    elif arguments.format == "json":
        from aurora_wire.report import json_report  # noqa: PLC0415 - json is not for text

        for piece in json_report.render(result, redact=arguments.redact):
            output.write(piece)
    else:
        from aurora_wire.report import text  # noqa: PLC0415

        style = style_for(output)
        for line in text.render(
            result, width=style.width, color=style.color, quiet=arguments.quiet, redact=arguments.redact
        ):
            output.write(line)


def _json_lines(arguments: argparse.Namespace, output: Output) -> JSONLines | None:
    """Lines reach the reader at once where the input is live, and in blocks where it is a file."""
    if arguments.format != "jsonl":
        return None
    from aurora_wire.report.jsonl import JSONLines  # noqa: PLC0415

    live = "-" in arguments.captures

    def write(line: str) -> None:
        output.write(line)
        if live:
            output.flush()

    return JSONLines(write, redact=arguments.redact)
