"""`aurora-wire check`: the first five minutes with a server."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from aurora_wire.cli.exceptions import add_server_exception_options, read_server_exceptions
from aurora_wire.cli.numbers import seconds
from aurora_wire.cli.output import complain
from aurora_wire.cli.posture_reports import add_report_options, compute_exit_code, reports_for
from aurora_wire.cli.prove import PASSWORD_VARIABLE, read_password
from aurora_wire.errors import UsageError
from aurora_wire.ports import DEFAULT_PORTS

if TYPE_CHECKING:
    from aurora_wire.posture.check import Proved
    from aurora_wire.posture.fleet import Fleet
    from aurora_wire.posture.target import Target

DESCRIPTION = """\
Hold against each other what a server answers (as `probe`), how it is set (as
`audit`, with --user), what Amazon's settings say (as `fleet`, with --aws or
--aws-json), what crossed the wire (as `scan`, with --capture) and what clients do
(as `prove`, with --prove): one table, one answer, and where two views cannot both
be the whole truth, what that can mean."""
EXAMPLES = """\
exit codes:
  0  encrypted sessions only, by a setting of the server, and nothing that
     contradicts
  1  sessions are, or may come, in the clear
  2  wrong use, or the login failed and nothing else was asked
  3  cannot tell
  4  the output could not be written

examples:
  aurora-wire check db.example.com --user app --capture 'night/*.pcap.gz'
  aurora-wire check db.example.com --user app --prove pymysql --aws
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("targets", metavar="HOST[:PORT]", nargs="+", help="Check this server (default port 3306).")
    add("--user", metavar="USER", help="Log in as this user, and audit.")
    add("--password-file", metavar="FILE",
        help=f"Read the password from this file's first line (default: ${PASSWORD_VARIABLE}, else it is asked for).")
    add("--tls", choices=("verify", "required", "off"), default="required",
        help="Log in with the certificate verified, with TLS (default), or in the clear.")
    add("--ca", metavar="FILE", help="Say whether the certificate is accepted with these authorities.")
    add("--capture", metavar="CAPTURE", action="append", default=[],
        help="Judge the sessions with it in this capture, folder or pattern; may be given several times.")
    add("--prove", metavar="CLIENT", action="append", default=[],
        help="With --user: let this client write a canary, by default, with TLS off, and verified; may be given "
        "several times. It makes a table and drops it.")
    add("--database", metavar="NAME", default="test", help="With --prove: make the table there (default test).")
    add("--aws", action="store_true",
        help="Ask Amazon's API for its settings, with the keys that the AWS command line would use (extra `aws`).")
    add("--profile", metavar="NAME", default="", help="With --aws: use this profile of the AWS command line.")
    add("--region", metavar="NAME", action="append", default=[],
        help="With --aws: look into this region; may be given several times (default: the one in the host's name, "
        "else the profile's).")
    add("--role", metavar="ARN", default="", help="With --aws: assume this role first.")
    add("--aws-json", metavar="FILE", action="append", default=[],
        help="Look it up in this saved output of `aws rds describe-*`; may be given several times.")
    add("--parameters", metavar="GROUP=FILE", action="append", default=[],
        help="With --aws-json: the saved parameters of this group; may be given several times.")
    add("--timeout", metavar="SECONDS", type=seconds, default=5.0, help="Wait this long for a connection (default 5).")
    add_report_options(parser)
    add_server_exception_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415 - not for --help

    from aurora_wire.analysis.options import ScanOptions  # noqa: PLC0415
    from aurora_wire.analysis.scan import scan  # noqa: PLC0415
    from aurora_wire.cli.fleet import read_groups  # noqa: PLC0415
    from aurora_wire.posture.assess import assess  # noqa: PLC0415
    from aurora_wire.posture.audit import AuditResult, audit  # noqa: PLC0415
    from aurora_wire.posture.bundles import read_bundle  # noqa: PLC0415
    from aurora_wire.posture.check import check  # noqa: PLC0415
    from aurora_wire.posture.database import CannotLogIn, log_in  # noqa: PLC0415
    from aurora_wire.posture.probe import probe  # noqa: PLC0415
    from aurora_wire.posture.result import Posture  # noqa: PLC0415
    from aurora_wire.posture.target import parse_target  # noqa: PLC0415

    known = read_server_exceptions(arguments)
    targets = list(dict.fromkeys(map(parse_target, arguments.targets)))
    if arguments.parameters and not arguments.aws_json:
        raise UsageError("--parameters goes with --aws-json.")
    _refuse_wrong_use(arguments, len(targets))
    password = read_password(arguments) if arguments.user else ""
    bundle = read_bundle(arguments.ca, datetime.now(UTC)) if arguments.ca else None
    ports = sorted({*DEFAULT_PORTS, *(each.port for each in targets)})
    groups = read_groups(arguments.parameters)
    fleet = _read_fleet(arguments, groups, [each.host for each in targets])
    captured = scan(arguments.capture, ScanOptions(ports)) if arguments.capture else None
    found = Posture("check", authorities=bundle)
    inputs = [*arguments.capture, *arguments.aws_json, *groups.values(), *filter(None, [arguments.ca])]
    with reports_for(arguments, inputs) as reports:
        for target in targets:
            answer = probe(target, ca=arguments.ca or "", seconds=arguments.timeout)
            audited: AuditResult | None = None
            if arguments.user:
                try:
                    with log_in(
                        target, arguments.user, password, mode=arguments.tls, ca=arguments.ca or "",
                        seconds=arguments.timeout,
                    ) as database:  # fmt: skip
                        audited = audit(target, database)
                except CannotLogIn as error:
                    complain(str(error))  # what the other views say is told all the same
            assessments = [assess(each, answer.time, bundle) for each in answer.addresses]
            proved = _proved(arguments, target, password) if arguments.prove else None
            found.checks.append(check(
                target, probe=answer, assessments=assessments, audit=audited, fleet=fleet, scan=captured,
                proved=proved,
            ))  # fmt: skip
            known.mark_check(found.checks[-1])
        found.exceptions = known.results()
        reports.write(found)
    return compute_exit_code(found, arguments.fail_on)


def _refuse_wrong_use(arguments: argparse.Namespace, targets: int) -> None:
    """Raise UsageError where options do not go together."""
    if (arguments.profile or arguments.region or arguments.role) and not arguments.aws:
        raise UsageError("--profile, --region and --role go with --aws.")
    if arguments.aws and arguments.aws_json:
        raise UsageError("--aws asks the API, --aws-json reads what it said: give one of them.")
    if arguments.prove and not arguments.user:
        raise UsageError("--prove logs in: it needs --user.")
    if arguments.prove and targets > 1:
        raise UsageError("--prove is for one server at a time: afterwards this process has no rights to capture.")


def _read_fleet(arguments: argparse.Namespace, groups: dict[str, str], hosts: list[str]) -> Fleet | None:
    """Return what Amazon's settings say, by its API or saved output; None where that was not asked for."""
    if arguments.aws_json:
        from aurora_wire.posture.fleet import from_saved  # noqa: PLC0415

        return from_saved(arguments.aws_json, groups)
    if not arguments.aws:
        return None
    from aurora_wire.posture.aws import from_account  # noqa: PLC0415
    from aurora_wire.verdict.amazon import parse_endpoint  # noqa: PLC0415

    named = arguments.region or [endpoint.region for host in hosts if (endpoint := parse_endpoint(host))]
    fleet = from_account(arguments.profile, list(dict.fromkeys(named)), arguments.role)
    for gap in fleet.gaps:
        lacks = f" The policy lacks {gap.action}." if gap.action else ""
        complain(f"{gap.region}: {gap.what} could not be read: {gap.reason}.{lacks}")
    return fleet


def _proved(arguments: argparse.Namespace, target: Target, password: str) -> list[Proved]:
    """Let clients write to the server, and return what crossed. The process has no rights afterwards."""
    from aurora_wire.cli.prove import driven, list_clients  # noqa: PLC0415
    from aurora_wire.posture.check import Proved  # noqa: PLC0415
    from aurora_wire.prove.drivers.driver import Mode  # noqa: PLC0415
    from aurora_wire.prove.run import ProveOptions  # noqa: PLC0415

    matrix = driven(ProveOptions(
        host=target.host, port=target.port, user=arguments.user, password=password, database=arguments.database,
        clients=list_clients(arguments.prove), modes=[Mode.OFF, Mode.DEFAULT, Mode.VERIFY_IDENTITY],
        ca=arguments.ca or "",
    ))  # fmt: skip
    return [
        Proved(cell.client, cell.mode.value, cell.result.value) for cell in matrix.cells
    ]
