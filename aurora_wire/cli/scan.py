"""`aurora-wire scan`: captures in, a report and an exit code out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from typing import TYPE_CHECKING, ParamSpec

from aurora_wire.analysis.job_count import MAX_JOBS
from aurora_wire.cli import process
from aurora_wire.cli.exceptions import add_exception_options, read_exceptions
from aurora_wire.cli.exit_codes import HELP, READER_GONE, exit_code
from aurora_wire.cli.filters import REQUIRED, add_filter_options, read_selection
from aurora_wire.cli.formats import add_format_option, check_reports, formats_for
from aurora_wire.cli.handed_over import HandedOver, hand_over
from aurora_wire.cli.inputs import captures_argument, say_waiting, tell_incomplete
from aurora_wire.cli.output import Output, ReaderGone, complain
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.ports import collect_ports, port_argument
from aurora_wire.cli.progress import progress_bar, progress_option
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import UsageError
from aurora_wire.immutable import replace
from aurora_wire.report.formats import ReportOptions, ReportStream, find_format, letting_for, most_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurora_wire.redact.masker import Masker
    from aurora_wire.verdict.result import Scan

P = ParamSpec("P")

DESCRIPTION = """\
Judge captures: which MySQL connections crossed the network in the clear, what
leaked, and how sure that is. Reads pcap and pcapng, as they are or compressed
(gzip, zstd, lz4, xz, bzip2), and hex dumps of tcpdump as text. The report shows
what crossed as it is, but for passwords (--reveal); --redact masks all."""
EXAMPLES = f"""{HELP}
examples:
  aurora-wire scan night.pcap.gz
  aurora-wire scan --format sarif=wire.sarif --format junit=wire.xml captures/
"""
MOST_ROWS = 1000     # of a result, whose values are shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    captures_argument(parser)
    port_argument(
        parser, ports="the default ones (3306 and 33060; on all others MySQL is found by its content)",
        times="several times, or as N,N",
    )  # fmt: skip
    add("--keylog", metavar="FILE", action="append", default=[],
        help="Open TLS with the secrets in this file (SSLKEYLOGFILE), and show what was inside; may be given "
        "several times. Secrets in a pcapng are used without it. Needs: pip install 'aurora_wire[keylog]'.")
    add_format_option(parser)
    output_options(parser)
    add("--redact", action="store_true",
        help="Mask literals, comments and parameters in statements (default: show them in text, json and jsonl).")
    add("--reveal", action="store_true",
        help="Show passwords, keys and tokens that crossed, and the lines that hashcat and john take (default: say "
        "only that they crossed); in markdown, sarif, junit, csv, parquet and html, which are made to be passed on, "
        "also values and names of users (default: masked).")
    add("--rows", metavar="N", type=rows_option, default=0,
        help="Show the values of the first N rows of each result (text and JSON, at most 1000; default: rows are "
        "counted, and no value is shown). What is masked has none.")
    add("--group", action="store_true",
        help="Count statements that differ in their literals alone, and show them by what is left (text, json, html, "
        "markdown; csv:groups does so anyway).")
    add("--require", choices=("proven",),
        help="Exit with 3 instead of 0 where a connection is encrypted but not proven to be.")
    add("-v", "--verbose", action="store_true",
        help="Add the details of TLS: key exchange, certificates, JA3 and JA4 (text; JSON and HTML have them anyway).")
    add("--each", action="store_true",
        help="List every connection in a row of its own (text; default: those of one client host, user and server, "
        "judged alike, share a row).")
    add("--quiet", action="store_true",
        help="Print the closing sentence only (text), and no progress bar.")
    add("--jobs", metavar="N", type=jobs_option, default=1,
        help="Read with N processes (default %(default)s). The report is the same; docs/scale.md says when it is "
        "sooner there.")
    progress_option(parser)
    add_filter_options(parser)
    add_exception_options(parser)


def rows_option(text: str) -> int:
    """Return a number of rows. Raises ArgumentTypeError."""
    if not text.isdecimal() or len(text) > 4 or int(text) > MOST_ROWS:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 to {MOST_ROWS}")
    return int(text)


def jobs_option(text: str) -> int:
    """Return a number of processes. Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 to {MAX_JOBS}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415 - not for --help
    from aurora_wire.analysis.scan import scan  # noqa: PLC0415
    from aurora_wire.verdict.national_ids import use_national_ids  # noqa: PLC0415

    if arguments.redact and arguments.reveal:
        raise UsageError("--redact and --reveal: one of them at a time.")
    options = arguments.scan_options = ScanOptions(
        *collect_ports(arguments.port),
        keylogs=arguments.keylog,
        keep_statements=statements_for(arguments),
        keep_rows=0 if arguments.redact else arguments.rows,
        group=groups_for(arguments),
        selection=read_selection(arguments),
        exceptions=read_exceptions(arguments),
    )
    check_reports(arguments)
    result: Scan | None = None
    say_waiting(arguments.captures)
    use_national_ids()
    inputs = [*arguments.captures, *arguments.keylog]
    try:
        with Output(arguments.output, force=arguments.force, inputs=inputs) as output:
            with ExitStack() as stack:
                reports = [
                    (name, stack.enter_context(Output(path, force=arguments.force, inputs=inputs)))
                    for name, path in arguments.reports
                ]
                refuse_bytes_on_terminal(arguments.format, output)
                arguments.masker = masker_for(arguments)
                main = stream_for(arguments.format, arguments, output)
                beside = [(name, to, stream_for(name, arguments, to)) for name, to in reports]
                streams = [one for one in (main, *(stream for _, _, stream in beside)) if one is not None]
                told = [
                    stream for name, stream in ((arguments.format, main), *((name, to) for name, _, to in beside))
                    if stream is not None and find_format(name).tells
                ]
                bar = not (
                    arguments.quiet or arguments.no_progress or (main is not None and output.is_terminal)
                )
                with progress_bar(wanted=bar) as on_progress:
                    result = scan(
                        arguments.captures,
                        options,
                        on_begin=each(*(stream.begin for stream in streams)),
                        on_statement=each(*(stream.statement for stream in told)),
                        on_connection=each(*(stream.connection for stream in streams)),
                        on_kept=letting_for(formats_for(arguments)),
                        on_progress=on_progress,
                        jobs=arguments.jobs,
                        on_note=complain,
                    )
                process.keep(result)
                process.settle()
                set_exit_code(result, arguments)
                for to in (output, *(to for _, to in reports)):
                    if any(to.replaces(capture.path) for capture in result.captures):
                        raise UsageError(f"{to.path}: this is one of the captures. Give the report another name.")
                posted = cache(partial(hand_over, result))
                for name, to, stream in beside:
                    write_report(result, name, arguments, to, stream, posted)
            deliver(result, arguments, output, main, posted)  # last, after the files: its reader may have gone
    except ReaderGone:
        return READER_GONE if result is None else result.exit_code
    return result.exit_code


def statements_for(arguments: argparse.Namespace) -> int:
    """Return how many statements of a connection the reports can show: the text alone needs few of them."""
    from aurora_wire.analysis.options import KEPT_STATEMENTS  # noqa: PLC0415

    return most_statements(formats_for(arguments), KEPT_STATEMENTS)


def groups_for(arguments: argparse.Namespace) -> bool:
    """Return whether statements are to be counted in groups: that was asked for, or a report shows nothing else."""
    return bool(arguments.group) or any(one.groups for one in formats_for(arguments))


def each(*callbacks: Callable[P, None]) -> Callable[P, None] | None:
    """Return one callback that calls all of them; None if there are none."""
    if len(callbacks) < 2:
        return callbacks[0] if callbacks else None

    def call(*values: P.args, **named: P.kwargs) -> None:
        for callback in callbacks:
            callback(*values, **named)

    return call


def deliver(
    result: Scan, arguments: argparse.Namespace, output: Output, stream: ReportStream | None = None,
    posted: Callable[[str], HandedOver] | None = None,
) -> None:  # fmt: skip
    """Write the report, and a line on standard error for each capture that was not read to its end."""
    set_exit_code(result, arguments)
    if result.filters and arguments.require == "proven":
        complain(REQUIRED)
    tell_incomplete(result)
    write_report(result, arguments.format, arguments, output, stream, posted)


def set_exit_code(result: Scan, arguments: argparse.Namespace) -> None:
    """Write into the result what the options make of it. `relay` has no --fail-on."""
    result.exit_code = exit_code(
        result, require_proven=arguments.require == "proven", fail_on=getattr(arguments, "fail_on", ())
    )


def write_report(
    result: Scan, name: str, arguments: argparse.Namespace, output: Output, stream: ReportStream | None,
    posted: Callable[[str], HandedOver] | None = None,
) -> None:  # fmt: skip
    """Write a report to `output`.

    stream: what has written there so far, of a format that streams; posted: returns the result as it may be passed on.
    """
    row = find_format(name)
    if row.is_list and any(capture.interrupted for capture in result.captures):
        output.interrupted()
    if stream is not None:
        stream.finish(result)
        return
    options = options_for(arguments, output)
    if row.posted and posted is not None and not options.reveal:
        handed = posted(row.posted)
        result = handed.scan
        if not handed.keyed:
            options = options.masked()
    output.writelines(row.render(result, options))


def refuse_bytes_on_terminal(name: str, output: Output) -> None:
    """Raise UsageError where a format that is no text would go to a terminal."""
    if find_format(name).is_binary and output.is_terminal:
        raise UsageError(f"{name} is nothing for a terminal. Name a file: --format {name}=FILE")


def masker_for(arguments: argparse.Namespace) -> Masker | None:
    """Return what masks reports that are passed on and written while the scan runs; None: stars do, or nothing is."""
    if arguments.reveal or not any(row.posted and row.streams for row in formats_for(arguments)):
        return None
    from aurora_wire.cli.handed_over import masker_before  # noqa: PLC0415 - for these formats only

    return masker_before(arguments.captures)


def stream_for(name: str, arguments: argparse.Namespace, output: Output) -> ReportStream | None:
    """Return what writes to `output` while the scan runs; None for a format that has to wait for its end.

    Lines reach the reader at once where the input is live, and in blocks where it is a file.
    """
    row = find_format(name)
    if not row.streams:
        return None
    live = "-" in arguments.captures
    options = options_for(arguments, output)
    if row.posted and not options.reveal:
        options = replace(options, redact=options.masker is None)
    if row.is_binary:
        return row.stream_bytes(output.write_bytes, options)

    def write(line: str) -> None:
        output.write(line)
        if live:
            output.flush()

    return row.stream(write, options)


def options_for(arguments: argparse.Namespace, output: Output) -> ReportOptions:
    """Return what the command line and the output's terminal ask of a report."""

    def compose(result: Scan) -> Iterator[str]:
        from aurora_wire.cli.report import html_pieces  # noqa: PLC0415 - for the page only

        return html_pieces(result, arguments.captures, arguments.scan_options, reveal=arguments.reveal)

    style = style_for(output, each=getattr(arguments, "each", False))
    return ReportOptions(
        redact=arguments.redact, reveal=getattr(arguments, "reveal", False),  # `watch` and `relay` never do
        require_proven=arguments.require == "proven",
        quiet=arguments.quiet, verbose=getattr(arguments, "verbose", False), width=style.width, color=style.color,
        whole=style.whole, each=style.each,
        compose=compose, masker=getattr(arguments, "masker", None),
    )  # fmt: skip
