"""`aurora-wire probe`: what does a server offer, without an account?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aurora_wire.cli.exceptions import add_server_exception_options, read_server_exceptions
from aurora_wire.cli.numbers import make_count_parser, seconds
from aurora_wire.cli.posture_reports import Reports, add_report_options, compute_exit_code, reports_for
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import UsageError, describe_error

if TYPE_CHECKING:
    from aurora_wire.posture.bundles import BundleFacts
    from aurora_wire.posture.known import Known
    from aurora_wire.posture.result import Posture, Probed
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
  aurora-wire probe --ca global-bundle.pem db.example.com
  aurora-wire probe --hosts servers.txt --format sarif=probe.sarif
"""
MAX_JOBS = 64
MANY = 4  # servers: how far it is is told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("targets", metavar="HOST[:PORT]", nargs="*",
        help="Probe this server (default port 3306); 33060 is X Protocol. Each address of a name is probed.")
    add("--all-ports", action="store_true",
        help="Of each host, probe X Protocol (33060) and MySQL's administrative port (33062) too; where nothing "
        "listens there, nothing is said.")
    add("--hosts", metavar="FILE", help="Read more of them from this file, one a line, where # begins a comment; or "
        "take all that the result of `fleet --format json` has.")
    add("--ca", metavar="FILE", help="Say whether the certificate is accepted with these authorities (PEM).")
    add("--timeout", metavar="SECONDS", type=seconds, default=5.0,
        help="Wait this long for one connection (default 5).")
    add("--max-connections", metavar="N", type=make_count_parser("connections"), default=60,
        help="Make at most this many connections to one address (default 60). MySQL counts each as failed, and "
        "blocks a host after 100 in a row (max_connect_errors); a login that succeeds ends the row.")
    add_report_options(parser)
    add_server_exception_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.posture.target import ADMIN_PORT, X_PORT, Target, parse_target  # noqa: PLC0415 - not for --help

    targets = list(map(parse_target, arguments.targets))
    if arguments.hosts:
        targets += _listed(arguments.hosts)
    targets = list(dict.fromkeys(targets))
    if not targets:
        raise UsageError("no server is named. `aurora-wire probe --help` shows how.")
    if arguments.all_ports:
        targets = list(dict.fromkeys(
            each for target in targets
            for each in (target, *(Target(target.host, port, is_extra=True) for port in (X_PORT, ADMIN_PORT)))
        ))  # fmt: skip
    bundle = _authorities(arguments)
    known = read_server_exceptions(arguments)
    inputs = [path for path in (arguments.hosts, arguments.ca) if path]
    with reports_for(arguments, inputs) as reports:
        found = _write(_probe_all(targets, arguments, bundle), targets, bundle, reports, known)
    return compute_exit_code(found, arguments.fail_on)


def _authorities(arguments: argparse.Namespace) -> BundleFacts | None:
    from datetime import UTC, datetime  # noqa: PLC0415 - not for --help

    from aurora_wire.posture.bundles import read_bundle  # noqa: PLC0415

    return read_bundle(arguments.ca, datetime.now(UTC)) if arguments.ca else None


def _listed(path: str) -> list[Target]:
    """Return the servers that a file lists, a line each, or as the result of `fleet`. Raises UsageError."""
    from aurora_wire.posture.target import parse_target  # noqa: PLC0415 - only for --hosts
    from aurora_wire.report.posture.from_json import is_result, parse  # noqa: PLC0415
    from aurora_wire.rights.inputs import read_input  # noqa: PLC0415

    try:
        data = read_input(path)
        if is_result(data):
            fleet = parse(data, path).fleet
            if fleet is None:
                raise UsageError(f"{path}: of the results, that of `fleet` lists servers, and this is another's.")
            return [target for member in fleet.members for target in member.endpoints()]
        lines = data.decode("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        said = describe_error(error) if isinstance(error, OSError) else "not a list of hosts"
        raise UsageError(f"{path}: {said}.") from error
    found = []
    for number, line in enumerate(lines, 1):
        name = line.partition("#")[0].strip()
        if name:
            try:
                found.append(parse_target(name))
            except UsageError as error:
                raise UsageError(f"{path}, line {number}: {error}") from error
    return found


def _probe_all(
    targets: list[Target], arguments: argparse.Namespace, bundle: BundleFacts | None
) -> Iterator[Probed]:
    """Yield the results as they come: a server that does not answer keeps no other waiting."""
    from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: PLC0415 - not for --help
    from functools import partial  # noqa: PLC0415

    from aurora_wire.posture.assess import assess  # noqa: PLC0415
    from aurora_wire.posture.probe import UNREACHABLE, probe  # noqa: PLC0415

    ask = partial(probe, ca=arguments.ca or "", seconds=arguments.timeout, limit=arguments.max_connections)
    with ThreadPoolExecutor(min(MAX_JOBS, len(targets))) as pool:
        try:
            for count, done in enumerate(as_completed([pool.submit(ask, target) for target in targets]), 1):
                result = done.result()
                _tell(count, len(targets))
                if result.target.is_extra and all(each.status == UNREACHABLE for each in result.addresses):
                    continue
                yield result, [assess(each, result.time, bundle) for each in result.addresses]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _tell(done: int, count: int) -> None:
    """Say on a terminal how many of many servers have answered."""
    if count >= MANY and sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"\r{done:,} of {count:,} servers probed" if done < count else "\r\x1b[K")
        sys.stderr.flush()


def _write(
    results: Iterator[Probed], targets: list[Target], bundle: BundleFacts | None, reports: Reports, known: Known
) -> Posture:
    """Write the reports: text and JSON lines as the results come, if they are the main one; others in given order.

    Return the result.
    """
    from aurora_wire.posture.result import Posture  # noqa: PLC0415 - not for --help

    found = Posture("probe", authorities=bundle)
    streams = reports.main in ("text", "jsonl")
    for each in results:
        known.mark_probe(*each)
        found.probes.append(each)
        if streams:
            reports.output.writelines(_lines(each, reports, first=len(found.probes) == 1))
            reports.output.flush()
    places = {target: place for place, target in enumerate(targets)}
    found.probes.sort(key=lambda each: places[each[0].target])
    found.exceptions = known.results()
    if streams:
        reports.write_known(found)
    reports.write(found, main=not streams)
    return found


def _lines(result: Probed, reports: Reports, *, first: bool) -> Iterator[str]:
    if reports.main == "text":
        from aurora_wire.report.text.posture import render  # noqa: PLC0415 - for this format only

        yield from ["\n"] * (not first)
        yield from render(*result, style_for(reports.output), fixes=reports.fixes)
    else:
        from aurora_wire.report.json_text import dump  # noqa: PLC0415
        from aurora_wire.report.posture_json import target_fields  # noqa: PLC0415

        yield dump(target_fields(*result)) + "\n"
