"""`aurora-wire fleet`: what do Amazon's settings promise?"""

from __future__ import annotations

import argparse

from aurora_wire.cli.output import Output
from aurora_wire.cli.posture_reports import add_report_options, reports_for
from aurora_wire.errors import UsageError

DESCRIPTION = """\
List all RDS and Aurora servers of MySQL and MariaDB and all RDS Proxies of an
account's regions: does each refuse connections in the clear (what its parameter
group sets, or the default of its engine version), does a change wait for a
restart, certificate authority, IAM, public address. Only Describe calls are made,
with the keys that the AWS command line would use; or saved output is read."""
EXAMPLES = """\
exit codes:
  0  all of them refuse connections in the clear
  1  at least one takes them
  2  wrong use, no keys, or no answer
  3  none takes them as far as seen, and something could not be seen; or there
     is no server
  4  the output could not be written

examples:
  aurora-wire fleet --profile audit --region eu-central-1 --region us-east-1
  aurora-wire fleet --json clusters.json --json instances.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--profile", metavar="NAME", default="", help="Use this profile of the AWS command line.")
    add("--region", metavar="NAME", action="append", default=[],
        help="Look into this region; may be given several times (default: the profile's).")
    add("--role", metavar="ARN", default="", help="Assume this role first.")
    add("--json", metavar="FILE", action="append", default=[],
        help="Ask nobody, and read this saved output of `aws rds describe-*`; may be given several times.")
    add("--parameters", metavar="GROUP=FILE", action="append", default=[],
        help="With --json: the saved parameters of this group; may be given several times.")
    add("--mirror", choices=("cli", "terraform"),
        help="Print what to paste to mirror a client's traffic to where it can be captured, and do nothing else.")
    add_report_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.posture import fleet as fleets  # noqa: PLC0415 - not for --help
    from aurora_wire.posture.result import Posture  # noqa: PLC0415

    if arguments.mirror:
        from aurora_wire.posture.mirror import mirror_text  # noqa: PLC0415

        with Output(arguments.output, force=arguments.force) as output:
            output.write(mirror_text(arguments.mirror))
        return 0
    if arguments.parameters and not arguments.json:
        raise UsageError("--parameters goes with --json: from the API they are read as they are.")
    groups = read_groups(arguments.parameters)
    with reports_for(arguments, [*arguments.json, *groups.values()]) as reports:
        if arguments.json:
            fleet = fleets.from_saved(arguments.json, groups)
        else:
            from aurora_wire.posture.aws import from_account  # noqa: PLC0415

            fleet = from_account(arguments.profile, list(dict.fromkeys(arguments.region)), arguments.role)
        found = Posture("fleet", fleet=fleet)
        reports.write(found)
    return found.exit_code


def read_groups(given: list[str]) -> dict[str, str]:
    """Return file by parameter group, as `--parameters` was given. Raises UsageError."""
    found = {}
    for each in given:
        group, equals, path = each.partition("=")
        if not (group and equals and path):
            raise UsageError(f"--parameters {each}: expected GROUP=FILE.")
        found[group] = path
    return found
