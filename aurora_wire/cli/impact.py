"""`aurora-wire impact`: who breaks if the server asks for TLS of everybody?"""

from __future__ import annotations

import argparse

from aurora_wire.cli.filters import add_filter_options, read_selection
from aurora_wire.cli.handed_over import hand_over
from aurora_wire.cli.inputs import captures_argument, say_waiting, tell_incomplete
from aurora_wire.cli.output import Output
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.ports import collect_ports, port_argument
from aurora_wire.cli.progress import progress_bar, progress_option
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import UsageError

DESCRIPTION = """\
List who would break if `require_secure_transport` were turned on: client hosts,
users, programs and drivers that came in the clear, when and how often, by leg
(application, proxy, replication, monitoring), with the option that fixes each.
Names are shown as they crossed, but in CSV. Who did not connect is not seen: capture over
nights, weekends and ends of months, too."""
EXAMPLES = """\
exit codes:
  0  connections were seen, and all of them were encrypted
  1  somebody came in the clear
  2  wrong use, or no input could be read as a capture
  3  nobody came in the clear, and something could not be judged, or not all of
     the input could be read
  4  the output could not be written

examples:
  aurora-wire impact week/
  aurora-wire impact --format csv -o impact.csv night.pcap.gz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    captures_argument(parser)
    port_argument(parser)
    add("--format", choices=("text", "json", "csv"), default="text", help="Write text, JSON or CSV (default text).")
    add("--reveal", action="store_true",
        help="Show names of users in CSV, too, which is made to be passed on (default: masked there).")
    add_filter_options(parser)
    output_options(parser)
    progress_option(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415 - not for --help
    from aurora_wire.compare.impact import impact  # noqa: PLC0415
    from aurora_wire.compare.impact_render import render_csv, render_json, render_text  # noqa: PLC0415

    options = ScanOptions(*collect_ports(arguments.port), selection=read_selection(arguments))
    say_waiting(arguments.captures)
    with Output(arguments.output, force=arguments.force, inputs=arguments.captures) as output:
        with progress_bar(wanted=not arguments.no_progress) as on_progress:
            found = impact(arguments.captures, options, on_progress)
        for capture in found.scan.captures:
            if output.replaces(capture.path):
                raise UsageError(f"{output.path}: this is one of the captures. Give the list another name.")
        tell_incomplete(found.scan)
        if arguments.format == "text":
            lines = render_text(found, style_for(output))
        else:
            if arguments.format == "csv" and not arguments.reveal:
                found.hide(hand_over(found.scan).name)
            lines = render_json(found) if arguments.format == "json" else render_csv(found)
            if arguments.format == "csv" and any(capture.interrupted for capture in found.scan.captures):
                output.interrupted()
        output.writelines(lines)
    return found.exit_code
