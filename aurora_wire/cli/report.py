"""`aurora-wire report`: captures in, one HTML file out, to look at and to hand over."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aurora_wire.cli.exit_codes import READER_GONE, exit_code
from aurora_wire.cli.output import STANDARD_OUTPUT, Output, ReaderGone, complain
from aurora_wire.cli.ports import PortOption, port_option, ports_of
from aurora_wire.cli.progress import progress_bar, progress_option
from aurora_wire.errors import UsageError
from aurora_wire.report.timestamps import clock_of
from aurora_wire.report.wording import Style
from aurora_wire.verdict.result import Scan
from aurora_wire.verdict.rules.controls import FRAMEWORKS

if TYPE_CHECKING:
    from aurora_wire.report.html.impact import ImpactTable

DESCRIPTION = """\
Make one HTML file of captures, to look at and to hand over: the verdict, who
talked to whom and how, a timeline of each connection, the leaked bytes, findings
with their fixes, and how to repeat it. The file needs no network and nothing
else. Values in statements, user names and results are masked; --reveal shows
them. Needs: pip install 'aurora_wire[report]'."""
EXAMPLES = """exit codes:
  0  encrypted
  1  plaintext or mixed
  2  wrong use, or no input could be read as a capture
  3  inconclusive, no-session, not-mysql, or no packets; also instead of 0
     where an input was cut or could not be read
  4  the output could not be written

examples:
  aurora-wire report night.pcap.gz -o report.html
  aurora-wire report --framework pci captures/ -o report.html
"""
WARNING = (
    "--reveal: the report will hold what leaked, values and user names included. Keep it as safe as the data itself."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("captures", metavar="CAPTURE", nargs="+",
        help="Read this file, all captures in this folder, what this pattern matches, or standard input (-; its "
        "bytes cannot be shown).")
    add("-o", "--output", metavar="FILE",
        help="Write to this file, readable for you only, and not to standard output. It appears when it is whole.")
    add("--framework", metavar="NAME", choices=tuple(FRAMEWORKS), action="append", default=[],
        help="Order by what supports or contradicts controls of this framework, and show no other: "
        f"{', '.join(FRAMEWORKS)}. May be given several times (default: all, after the findings).")
    add("--reveal", action="store_true", help="Show what leaked as it crossed (default: mask it).")
    add("--port", metavar="N", type=port_option, action="append", default=[],
        help="As for scan: look at this port only; +N: besides the default ones.")
    add("--keylog", metavar="FILE", action="append", default=[],
        help="As for scan: open TLS with the secrets in this file, and show what was inside. Needs: pip install "
        "'aurora_wire[keylog]'.")
    progress_option(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis.scan import scan  # noqa: PLC0415 - not for --help
    from aurora_wire.report.html.render import require_jinja  # noqa: PLC0415

    require_jinja()
    ports, only_ports = ports_of(arguments.port)
    result: Scan | None = None
    try:
        with Output(arguments.output) as output:
            if output.is_terminal:
                raise UsageError("an HTML page is nothing for a terminal. Name a file with -o, such as -o report.html.")
            if arguments.reveal:
                complain(WARNING)
            with progress_bar(wanted=not arguments.no_progress) as on_progress:
                result = scan(
                    arguments.captures, ports=ports, only_ports=only_ports, keylogs=arguments.keylog,
                    on_progress=on_progress,
                )  # fmt: skip
            result.exit_code = exit_code(result)
            for path in (*(capture.path for capture in result.captures), *arguments.keylog):
                if output.replaces(path):
                    raise UsageError(f"{output.path}: this is one of the inputs. Give the report another name.")
            for piece in html_pieces(
                result, arguments.captures, arguments.port, reveal=arguments.reveal, frameworks=arguments.framework,
                command=command_line(arguments),
            ):  # fmt: skip
                output.write(piece)
    except ReaderGone:
        return READER_GONE if result is None else result.exit_code
    for capture in result.captures:
        if not capture.complete:
            error = capture.error or "not read to its end"
            complain(error if error.startswith(capture.path) else f"{capture.path}: {error}")
    if arguments.output not in (None, STANDARD_OUTPUT):
        complain(f"{result.verdict}: {result.closing} See {arguments.output}")
    return result.exit_code


def html_pieces(
    result: Scan,
    captures: Sequence[str],
    ports: Sequence[PortOption],
    *,
    reveal: bool = False,
    frameworks: Sequence[str] = (),
    command: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the report of a scan of these captures: masked under a key that comes from their bytes, unless `reveal`."""
    from aurora_wire.evidence.reanalysis import masker_of  # noqa: PLC0415
    from aurora_wire.report.html import frames as html_frames  # noqa: PLC0415
    from aurora_wire.report.html import render as html  # noqa: PLC0415
    from aurora_wire.report.html.connections import hide  # noqa: PLC0415

    chosen, only_ports = ports_of(ports)
    frames = html_frames.gather(result, captures, ports=chosen, only_ports=only_ports, redact=not reveal)
    masked = not reveal and html_frames.can_be_read_again(result)
    if masked:
        files = [Path(capture.path) for capture in result.captures if capture.format != "unreadable"]
        result = masker_of("", files).scan(result)
    elif not reveal:
        result = replace(result, connections=[hide(one) for one in result.connections])
    return html.render(
        result, frames=frames, redact=not (reveal or masked), masked=masked, frameworks=frameworks, command=command,
        impact=_impact(result),
    )  # fmt: skip


def _impact(result: Scan) -> ImpactTable:
    from aurora_wire.compare.impact import impact_of  # noqa: PLC0415
    from aurora_wire.compare.impact_render import closing  # noqa: PLC0415
    from aurora_wire.report.html.impact import ImpactRow, ImpactTable  # noqa: PLC0415

    found = impact_of(result)
    clock = clock_of(result)
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
    options = [f"--port={'+' * adds}{','.join(map(str, ports))}" for adds, ports in arguments.port]
    options += [f"--keylog={path}" for path in arguments.keylog]
    options += [f"--framework={name}" for name in arguments.framework]
    options += ["--reveal"] * arguments.reveal
    output = [] if arguments.output is None else ["-o", arguments.output]
    return ["aurora-wire", "report", *options, *arguments.captures, *output]
