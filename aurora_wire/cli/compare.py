"""`aurora-wire compare`: did the fix work?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from aurora_wire.cli.filters import BOTH_NAMES, add_filter_options, read_selection
from aurora_wire.cli.output import Output, complain
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.ports import collect_ports, port_argument
from aurora_wire.cli.progress import progress_bar, progress_option
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import UsageError

if TYPE_CHECKING:
    from aurora_wire.posture.result import Posture

DESCRIPTION = """\
Compare two runs: which connections became encrypted, still leak, lost their
encryption or leak anew. A run is a capture, a result of `aurora-wire scan
--format json`, or an evidence bundle (as it is: `evidence verify` checks it).
Who leaks is told by client host, server, user and program; inside TLS user and
program cannot be seen, so there hosts and servers are compared. Two results of
`probe`, `audit`, `fleet` or `check` (--format json) are compared, too: what got
better and what worse, server by server. Of two bundles that hold such results
both are compared, and of one with such a result what it holds of the command."""
EXAMPLES = """\
exit codes:
  0  nothing leaks in the second run, and nothing got weaker
  1  something still leaks, leaks anew, lost its encryption or has weaker TLS
  2  wrong use, or an input that cannot be read
  3  not decided: what leaked before was not seen again, the second run could
     not decide or did not see all of its input, or holds no MySQL
  4  the output could not be written
two results of probe, audit, fleet or check (of two bundles the worst of all):
  0  the second's own exit code is 0, and nothing got worse
  1  something got worse, or the second's exit code is 1
  3  what was found before was not looked for again, or it is 3
with --require same:
  0  the same: who leaks, who is encrypted, and with which TLS (not how often),
     or what is found
  1  not the same: something got better, worse, came or went
  3  the same as far as it was seen, but a run did not see all of its input

examples:
  aurora-wire compare before.pcap after.pcap
  aurora-wire compare check-before.json check-after.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("before", metavar="BEFORE", help="Take this as the first run: a capture, JSON (of scan, or of probe, "
        "audit, fleet, check), or a bundle.")
    add("after", metavar="AFTER", help="Take this as the second run.")
    port_argument(parser, "In captures look")
    add_filter_options(parser, both=True)
    add("--require", choices=("fixed", "same"), default="fixed",
        help="Exit with 0 where nothing leaks in the second run, or where both are the same (default fixed).")
    add("--format", choices=("text", "json"), default="text", help="Write text or JSON (default text).")
    output_options(parser)
    progress_option(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.compare.runs import is_bundle, read_postures  # noqa: PLC0415 - not for --help
    from aurora_wire.report.posture.from_json import looks_like_result  # noqa: PLC0415

    paths = (arguments.before, arguments.after)
    results, bundles = [path for path in paths if looks_like_result(path)], [path for path in paths if is_bundle(path)]
    others = [path for path in paths if path not in (*results, *bundles)]
    if results and others:
        raise UsageError(f"{results[0]}: says what servers allow, the other one what crossed: give two of one kind.")
    if results:
        return _run_postures(arguments, bundles)
    held = {path: read_postures(path) for path in bundles}
    if all(held.get(path) for path in paths):
        return _run_traffic(arguments, held[arguments.before], held[arguments.after])
    for path, found in held.items():
        if found:
            complain(f"{path}: says what servers allow, too, and the other run does not: compared is what crossed.")
    return _run_traffic(arguments, [], [])


def _run_traffic(arguments: argparse.Namespace, before: list[Posture], after: list[Posture]) -> int:
    """Compare what crossed; and what servers allow, where both are bundles that hold results."""
    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415 - not for --help
    from aurora_wire.compare.compare import Run, compare  # noqa: PLC0415
    from aurora_wire.compare.posture import compare_each_kind  # noqa: PLC0415
    from aurora_wire.compare.render import (  # noqa: PLC0415
        render_bundles_text,
        render_json,
        render_text,
        worst_code,
    )
    from aurora_wire.compare.runs import read_connections  # noqa: PLC0415

    ports = collect_ports(arguments.port)
    runs: list[Run] = []
    with _open_output(arguments) as output:
        for path in (arguments.before, arguments.after):
            one = Run()
            selection = read_selection(arguments, BOTH_NAMES)  # each run counts what it leaves out
            with progress_bar(wanted=not arguments.no_progress) as on_progress:
                one.complete = read_connections(path, one.add, ScanOptions(*ports, selection=selection), on_progress)
            if selection is not None:
                one.left_out = selection.left_out
            runs.append(one)
        comparison, postures = compare(*runs), compare_each_kind(before, after)
        comparison.filters = {} if selection is None else dict(selection.text)
        same = arguments.require == "same"
        exit_code = worst_code(comparison, postures, same=same)
        if arguments.format == "json":
            lines = render_json(comparison, exit_code, postures, same=same)
        elif postures:
            lines = render_bundles_text(comparison, postures, style_for(output))
        else:
            lines = render_text(comparison, style_for(output))
        output.writelines(lines)
    return exit_code


def _run_postures(arguments: argparse.Namespace, bundles: list[str]) -> int:
    """Compare two results of what servers allow, or one with those of its command that a bundle holds."""
    from aurora_wire.compare.posture import compare_each_kind, compare_postures  # noqa: PLC0415 - not for captures
    from aurora_wire.compare.posture_render import render_json, render_text  # noqa: PLC0415
    from aurora_wire.compare.runs import read_postures  # noqa: PLC0415

    if arguments.port or arguments.host or arguments.filter:
        raise UsageError("--port, --host and --filter are about what crossed, and that is not compared here.")
    with _open_output(arguments) as output:
        before, after = read_postures(arguments.before), read_postures(arguments.after)
        for path in bundles:
            held, result = (before, after[0]) if path == arguments.before else (after, before[0])
            if all(one.kind != result.kind for one in held):
                raise UsageError(f"{path}: holds no result of {result.kind} to compare the other one with.")
            held[:] = [one for one in held if one.kind == result.kind]
            complain(f"{path}: its results of {result.kind} are compared, and nothing else that it holds.")
        comparison = compare_each_kind(before, after)[0] if bundles else compare_postures(before[0], after[0])
        exit_code = comparison.same_code if arguments.require == "same" else comparison.exit_code
        if arguments.format == "json":
            lines = render_json(comparison, exit_code)
        else:
            lines = render_text(comparison, style_for(output))
        output.writelines(lines)
    return exit_code


def _open_output(arguments: argparse.Namespace) -> Output:
    return Output(arguments.output, force=arguments.force, inputs=(arguments.before, arguments.after))
