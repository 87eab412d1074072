"""`aurora-wire probe`: what does a server offer, without an account?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aurora_wire.cli.numbers import count_of, seconds
from aurora_wire.cli.output import Output
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import UsageError

if TYPE_CHECKING:
    from aurora_wire.posture.assess import Assessment
    from aurora_wire.posture.probe import ProbeResult
    from aurora_wire.posture.target import Target

DESCRIPTION = """\
Ask servers what they offer, without an account: version and product, TLS
versions, cipher suites in the server's order, groups, certificate. What the
local TLS library refuses to speak is asked all the same. Nothing is logged in;
a server may count each question as a failed connection of this host."""
EXAMPLES = """\
exit codes:
  0  every server was probed, and its grade is A or B
  1  a server has a grade of C or worse
  2  wrong use
  3  a server could not be probed, and no other has a grade of C or worse
  4  the output could not be written

examples:
  aurora-wire probe db.example.com
  aurora-wire probe --ca global-bundle.pem --hosts servers.txt --format jsonl
"""
FORMATS = ("text", "json", "jsonl")
MAX_JOBS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("targets", metavar="HOST[:PORT]", nargs="*",
        help="Probe this server (default port 3306); 33060 is X Protocol. Each address of a name is probed.")
    add("--hosts", metavar="FILE", help="Read more of them from this file, one a line; # begins a comment.")
    add("--ca", metavar="FILE", help="Say whether the certificate is accepted with these authorities (PEM).")
    add("--timeout", metavar="SECONDS", type=seconds, default=5.0,
        help="Wait this long for one connection (default 5).")
    add("--max-connections", metavar="N", type=count_of("connections"), default=60,
        help="Make at most this many connections to one address (default 60). MySQL counts each as failed, and "
        "blocks a host after 100 in a row (max_connect_errors); a login that succeeds ends the row.")
    add("--format", choices=FORMATS, default="text", help="Write text, JSON or JSON lines (default text).")
    add("-o", "--output", metavar="FILE", help="Write to this file, and not to standard output.")


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.posture.target import parse_target  # noqa: PLC0415 - not for --help

    named = [*arguments.targets, *(_listed(arguments.hosts) if arguments.hosts else [])]
    targets = list(dict.fromkeys(map(parse_target, named)))
    if not targets:
        raise UsageError("no server is named. `aurora-wire probe --help` shows how.")
    with Output(arguments.output) as output:
        results = _probe_all(targets, arguments)
        return _write(results, output, arguments)


def _listed(path: str) -> list[str]:
    from aurora_wire.rights.inputs import read_input  # noqa: PLC0415 - only for --hosts

    try:
        lines = read_input(path).decode("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or 'not a list of hosts'}.") from error
    return [name for line in lines if (name := line.partition("#")[0].strip())]


def _probe_all(
    targets: list[Target], arguments: argparse.Namespace
) -> Iterator[tuple[ProbeResult, list[Assessment]]]:
    """Yield the results in the order of the targets, each as soon as it and those before it are there."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - not for --help
    from datetime import UTC, datetime  # noqa: PLC0415
    from functools import partial  # noqa: PLC0415

    from aurora_wire.posture.assess import assess  # noqa: PLC0415
    from aurora_wire.posture.certificates import read_bundle  # noqa: PLC0415
    from aurora_wire.posture.probe import probe  # noqa: PLC0415

    bundle = read_bundle(arguments.ca, datetime.now(UTC)) if arguments.ca else None
    ask = partial(probe, ca=arguments.ca or "", seconds=arguments.timeout, limit=arguments.max_connections)
    with ThreadPoolExecutor(min(MAX_JOBS, len(targets))) as pool:
        try:
            for result in pool.map(ask, targets):
                yield result, [assess(each, result.time, bundle) for each in result.addresses]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _write(
    results: Iterator[tuple[ProbeResult, list[Assessment]]], output: Output, arguments: argparse.Namespace
) -> int:
    codes = [0]
    if arguments.format == "text":
        from aurora_wire.report.text.posture import render  # noqa: PLC0415 - not for --help

        style = style_for(output)
        for number, (result, assessments) in enumerate(results):
            codes.append(_exit_code(result, assessments))
            if number:
                output.write("\n")
            for line in render(result, assessments, style):
                output.write(line)
            output.flush()
    else:
        from aurora_wire.report import posture_json  # noqa: PLC0415 - not for --help
        from aurora_wire.report.json_fields import dump  # noqa: PLC0415

        kept = []
        for pair in results:
            codes.append(_exit_code(*pair))
            if arguments.format == "jsonl":
                output.write(dump(posture_json.target_fields(*pair)) + "\n")
                output.flush()
            else:
                kept.append(pair)
        if arguments.format == "json":
            for text in posture_json.render(kept):
                output.write(text)
    return 1 if 1 in codes else max(codes)


def _exit_code(result: ProbeResult, assessments: list[Assessment]) -> int:
    if any(each.grade in ("C", "D", "F") for each in assessments):
        return 1
    return 0 if result.addresses and all(each.grade for each in assessments) else 3
