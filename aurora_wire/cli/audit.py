"""`aurora-wire audit`: what does a server say of itself to somebody who logs in?"""

from __future__ import annotations

import argparse
from dataclasses import replace

from aurora_wire.cli.exceptions import add_server_exception_options, read_server_exceptions
from aurora_wire.cli.numbers import seconds
from aurora_wire.cli.posture_reports import add_report_options, compute_exit_code, reports_for
from aurora_wire.cli.prove import PASSWORD_VARIABLE, read_password, server_port

DESCRIPTION = """\
Log in and say what the server allows: its TLS settings and what each means, who
is connected in the clear right now, which accounts may come in the clear, and
whether replication is encrypted. Only SHOW and SELECT are sent. A poor account
suffices: what it may not see is said, with the GRANT that would let it."""
EXAMPLES = """\
exit codes:
  0  grade A or B: nothing was found that lets clients come in the clear
  1  grade C or worse
  2  wrong use, or the login failed
  4  the output could not be written

examples:
  aurora-wire audit --host db.example.com --user app
  aurora-wire audit --host db.example.com --user app --tls verify --ca rds.pem
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-H", "--host", metavar="HOST[:PORT]", required=True, help="Connect to this server.")
    add("-P", "--port", metavar="N", type=server_port, help="Connect to this port (default 3306).")
    add("-u", "--user", metavar="USER", required=True, help="Log in as this user.")
    add("--password-file", metavar="FILE",
        help=f"Read the password from this file's first line (default: ${PASSWORD_VARIABLE}, else it is asked for).")
    add("--tls", choices=("verify", "required", "off"), default="required",
        help="Verify the certificate, require TLS of whoever it is (default), or log in in the clear.")
    add("--ca", metavar="FILE", help="Trust the authorities in this bundle (with --tls verify; default: the system's).")
    add("--timeout", metavar="SECONDS", type=seconds, default=10.0, help="Wait this long for the server (default 10).")
    add("--all", action="store_true", help="Show all variables and all accounts in the text.")
    add_report_options(parser)
    add_server_exception_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.posture.audit import audit  # noqa: PLC0415 - not for --help
    from aurora_wire.posture.database import log_in  # noqa: PLC0415
    from aurora_wire.posture.result import Posture  # noqa: PLC0415
    from aurora_wire.posture.target import parse_target  # noqa: PLC0415

    known = read_server_exceptions(arguments)
    target = parse_target(arguments.host)
    if arguments.port is not None:
        target = replace(target, port=arguments.port)
    password = read_password(arguments)
    inputs = [path for path in (arguments.ca, arguments.password_file) if path]
    with reports_for(arguments, inputs, everything=arguments.all) as reports:
        with log_in(
            target, arguments.user, password, mode=arguments.tls, ca=arguments.ca or "", seconds=arguments.timeout
        ) as database:
            found = Posture("audit", audits=[audit(target, database)])
        known.mark_audit(found.audits[0])
        found.exceptions = known.results()
        reports.write(found)
    return compute_exit_code(found, arguments.fail_on)
