"""`aurora-wire report`: captures, and what servers allow, in one HTML file, to look at and to hand over."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from aurora_wire.capture.files.addresses import shown
from aurora_wire.cli.exceptions import add_exception_options, read_exceptions
from aurora_wire.cli.exit_codes import READER_GONE, exit_code
from aurora_wire.cli.filters import add_filter_options, filter_words, read_selection
from aurora_wire.cli.handed_over import hand_over
from aurora_wire.cli.inputs import say_waiting, tell_incomplete
from aurora_wire.cli.output import STANDARD_OUTPUT, Output, ReaderGone, complain
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.pdf import find_chromium, print_pdf
from aurora_wire.cli.ports import collect_ports, port_option
from aurora_wire.cli.progress import progress_bar, progress_option
from aurora_wire.errors import UsageError
from aurora_wire.report.escape import show_text
from aurora_wire.report.html.cover import Case
from aurora_wire.report.timestamps import find_clock
from aurora_wire.report.wording import Style
from aurora_wire.verdict.result import Scan
from aurora_wire.verdict.rules.controls import FRAMEWORKS

if TYPE_CHECKING:
    from aurora_wire.analysis.options import ScanOptions
    from aurora_wire.posture.result import Posture
    from aurora_wire.report.html.impact import ImpactTable

DESCRIPTION = """\
Make one HTML file of captures, to look at and to hand over: the verdict, who
talked to whom and how, a timeline of each connection, the leaked bytes, findings
with their fixes, and how to repeat it. Results of `probe`, `audit`, `fleet` and
`check` (--format json) beside them add what the servers allow: configuration, the
server's answer and traffic in one table; they make a page without captures, too.
The file needs no network and nothing else. Values in statements, user names and
results are masked; --reveal shows them. Needs: pip install 'aurora_wire[report]'."""
EXAMPLES = """exit codes:
  0  encrypted
  1  plaintext or mixed
  2  wrong use, or no input could be read as a capture
  3  inconclusive, no-session, not-mysql, or no packets; also instead of 0
     where an input was cut or could not be read
  4  the output could not be written
  With results of probe, audit, fleet and check beside captures it is the worst
  of their exit codes and that of the captures: 1 before 3 before 0.

examples:
  aurora-wire report night.pcap.gz check.json -o report.html
  aurora-wire report --framework pci captures/ -o report.html
"""
WARNING = (
    "--reveal: the report will hold what leaked, values and user names included. Keep it as safe as the data itself."
)
SAID = ("title", "case", "examiner", "organisation", "note")
FOR_A_FILE = "an HTML page is nothing for a terminal. Name a file with -o, such as -o report.html."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("captures", metavar="CAPTURE", nargs="+",
        help="Read this file or address, all captures in this folder, what this pattern matches, or standard input (-; "
        "its bytes cannot be shown); or take this result of probe, audit, fleet or check as JSON.")
    output_options(parser)
    add("--format", choices=("html", "pdf"), default="html",
        help="Write HTML, or PDF as Chromium prints it (needs chromium; default html).")
    add("--title", metavar="TEXT", default="", help="Put this title on page one.")
    add("--case", metavar="ID", default="", help="Name the case.")
    add("--examiner", metavar="NAME", default="", help="Name who makes the report.")
    add("--organisation", metavar="NAME", default="", help="Name for whom, or by whom, it is made.")
    add("--note", metavar="TEXT", default="", help="Add a note.")
    add("--appendix", action="store_true",
        help="Print all rows and every connection that the page has (default: a short form of a few pages; the file "
        "itself has all of it either way).")
    add("--framework", metavar="NAME", choices=tuple(FRAMEWORKS), action="append", default=[],
        help="Order by what supports or contradicts controls of this framework, and show no other: "
        f"{', '.join(FRAMEWORKS)}. May be given several times (default: all, after the findings).")
    add("--group", action="store_true",
        help="Add a table of statements by what is left without their literals: how often, when, with which data.")
    add("--reveal", action="store_true", help="Show what leaked as it crossed (default: mask it).")
    add("--port", metavar="N", type=port_option, action="append", default=[],
        help="As for scan: look at this port only; +N: besides the default ones.")
    add("--keylog", metavar="FILE", action="append", default=[],
        help="As for scan: open TLS with the secrets in this file, and show what was inside. Needs: pip install "
        "'aurora_wire[keylog]'.")
    progress_option(parser)
    add_exception_options(parser)
    add_filter_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415 - not for --help
    from aurora_wire.analysis.scan import scan  # noqa: PLC0415
    from aurora_wire.report.html.render import require_jinja  # noqa: PLC0415
    from aurora_wire.verdict.national_ids import use_national_ids  # noqa: PLC0415

    require_jinja()
    exceptions = read_exceptions(arguments)
    chromium = find_chromium() if arguments.format == "pdf" else ""
    options = ScanOptions(
        *collect_ports(arguments.port), keylogs=arguments.keylog, group=arguments.group,
        selection=read_selection(arguments), exceptions=exceptions,
    )  # fmt: skip
    captures, results = _inputs(arguments)
    if not captures:
        return _posture_page(arguments, results)
    postures = [posture for _, posture in results]
    result: Scan | None = None
    say_waiting(captures)
    use_national_ids()
    try:
        with Output(arguments.output, force=arguments.force, inputs=[*arguments.captures, *arguments.keylog]) as output:
            if output.is_terminal:
                raise UsageError(FOR_A_FILE)
            if arguments.reveal:
                complain(WARNING)
            with progress_bar(wanted=not arguments.no_progress) as on_progress:
                result = scan(captures, options, on_progress=on_progress)
            result.exit_code = exit_code(result, fail_on=arguments.fail_on)
            for capture in result.captures:
                if output.replaces(capture.path):
                    raise UsageError(f"{output.path}: this is one of the inputs. Give the report another name.")
            pieces = html_pieces(
                result, captures, options, reveal=arguments.reveal, frameworks=arguments.framework,
                command=command_line(arguments), postures=postures,
                case=Case(**{name: getattr(arguments, name) for name in SAID}), appendix=arguments.appendix,
            )  # fmt: skip
            if chromium:
                output.write_bytes(print_pdf(chromium, pieces))
            else:
                output.writelines(pieces)
    except ReaderGone:
        return READER_GONE if result is None else _worst(result, postures)
    tell_incomplete(result)
    if arguments.output not in (None, STANDARD_OUTPUT):
        complain(f"{result.verdict}: {result.closing} See {arguments.output}")
    return _worst(result, postures)


def _inputs(arguments: argparse.Namespace) -> tuple[list[str], list[tuple[str, Posture]]]:
    """Return the captures, and the results that were named among them."""
    from aurora_wire.report.posture.from_json import read_result, split_inputs  # noqa: PLC0415 - not for --help

    captures, results = split_inputs(arguments.captures)
    return captures, [(path, read_result(path)) for path in results]


def _worst(result: Scan, postures: Sequence[Posture]) -> int:
    from aurora_wire.posture.result import worst  # noqa: PLC0415 - not for --help

    return worst([result.exit_code, *(posture.exit_code for posture in postures)])


def _posture_page(arguments: argparse.Namespace, results: Sequence[tuple[str, Posture]]) -> int:
    """Write the page of results without captures."""
    from aurora_wire.posture.result import worst  # noqa: PLC0415 - not for --help
    from aurora_wire.report.html.posture import write_posture_page  # noqa: PLC0415 - for this page only
    from aurora_wire.report.posture.mask import mask, stars  # noqa: PLC0415

    if arguments.format == "pdf" or arguments.appendix or any(getattr(arguments, name) for name in SAID):
        raise UsageError(f"--format pdf, --appendix, --{', --'.join(SAID)} are of a report with captures.")
    if arguments.keylog or arguments.framework or arguments.port or filter_words(arguments):
        raise UsageError("--keylog, --framework, --port and filters are about captures, and none is given.")
    if arguments.fail_on or arguments.ignore or arguments.baseline:
        raise UsageError("--fail-on, --ignore and --baseline are about captures, and none is given.")
    found = [posture if arguments.reveal else mask(posture, stars) for _, posture in results]
    code = worst([posture.exit_code for posture in found])
    command = show_text(shlex.join(command_line(arguments)))
    try:
        with Output(arguments.output, force=arguments.force, inputs=[*arguments.captures, *arguments.keylog]) as output:
            if output.is_terminal:
                raise UsageError(FOR_A_FILE)
            if arguments.reveal:
                complain(WARNING)
            output.writelines(write_posture_page(found, masked=not arguments.reveal, command=command))
    except ReaderGone:
        pass
    return code


def html_pieces(
    result: Scan,
    captures: Sequence[str],
    options: ScanOptions,
    *,
    reveal: bool = False,
    frameworks: Sequence[str] = (),
    command: Sequence[str] = (),
    postures: Sequence[Posture] = (),
    case: Case | None = None,
    appendix: bool = False,
) -> Iterator[str]:
    """Yield the report of a scan of these captures: masked under a key that comes from their bytes, unless `reveal`.

    options: those of the scan; postures: what servers allow, not masked yet.
    """
    from aurora_wire.report.html import frames as html_frames  # noqa: PLC0415
    from aurora_wire.report.html import render as html  # noqa: PLC0415
    from aurora_wire.report.posture.mask import mask, stars  # noqa: PLC0415

    frames = html_frames.gather(result, captures, options, redact=not reveal)
    masked = False
    hide_name: Callable[[str], str] = stars
    if not reveal:
        handed = hand_over(result)
        result, masked, hide_name = handed.scan, handed.keyed, handed.name
    allowed = None
    if postures:
        from aurora_wire.report.html.posture import build_allowed  # noqa: PLC0415 - where it is asked for

        shown = [posture if reveal else mask(posture, hide_name) for posture in postures]
        allowed = build_allowed(shown, result)
    return html.render(
        result, frames=frames, redact=not (reveal or masked), masked=masked, frameworks=frameworks, command=command,
        impact=_impact(result), allowed=allowed, case=case, appendix=appendix,
    )  # fmt: skip


def _impact(result: Scan) -> ImpactTable:
    from aurora_wire.compare.impact import compute_impact  # noqa: PLC0415
    from aurora_wire.compare.impact_render import closing  # noqa: PLC0415
    from aurora_wire.report.html.impact import ImpactRow, ImpactTable  # noqa: PLC0415

    found = compute_impact(result)
    clock = find_clock(result)
    rows = [
        ImpactRow(
            leg=group.leg,
            client=group.client,
            user=group.user or "",
            program=group.program or "",
            driver=f"{group.driver.name} {group.driver_version}".rstrip(),
            connections=group.connections,
            first=_minute(clock.show(group.first_frame, group.first_ns)),
            last=_minute(clock.show(group.first_frame, group.last_ns)),
            tls=max(group.offers, key=lambda one: group.offers[one]),
            option=group.option,
        )
        for group in found.groups
    ]
    return ImpactTable(closing(found, Style()), rows)


def _minute(time: str | None) -> str:
    """Return `2021-03-17 09:00`"""
    return "" if time is None else time.partition(".")[0].replace("T", " ")[:-3]


def command_line(arguments: argparse.Namespace) -> list[str]:
    """Return the command that makes the same report again."""
    options = [f"--port={'+' * one.adds}{','.join(map(str, one.ports))}" for one in arguments.port]
    options += [f"--keylog={path}" for path in arguments.keylog]
    options += [f"--framework={name}" for name in arguments.framework]
    options += ["--reveal"] * arguments.reveal
    for name in ("fail_on", "ignore", "baseline"):
        options += [f"--{name.replace('_', '-')}={value}" for value in getattr(arguments, name)]
    options += [f"--{name}={value}" for name in SAID if (value := getattr(arguments, name))]
    options += ["--format=pdf"] * (arguments.format == "pdf") + ["--appendix"] * arguments.appendix
    options += ["--group"] * arguments.group
    words = filter_words(arguments)
    if not arguments.reveal:  # who may not see users is told that there was such a filter
        words = ["--user=..." if word.startswith("--user=") else word for word in words]
    options += words
    output = [] if arguments.output is None else ["-o", arguments.output]
    return ["aurora-wire", "report", *options, *map(shown, arguments.captures), *output]
