"""`aurora-wire demo`: the proof in a few seconds, with a server of our own."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aurora_wire.cli.output import Output, complain
from aurora_wire.cli.prove import compute_exit_code, driven, terminated_as_interrupted, write
from aurora_wire.errors import OutputError, describe_error
from aurora_wire.prove.drivers.programs import reachable
from aurora_wire.prove.keep import NAMES
from aurora_wire.rights.held_folder import HeldFolder, hold_folder
from aurora_wire.rights.privileges import account_to_become, acting_as
from aurora_wire.signals import held_back

DESCRIPTION = """\
Show the whole proof without a database: start a server of our own with fresh
certificates (MariaDB where it is installed, else one in Python), let PyMySQL write
to it without TLS and with a verified certificate, capture both, and print the same
INSERT readable and not. Captures and reports stay in a folder that is named; all
else is gone afterwards."""
EXAMPLES = """exit codes:
  0  the plaintext and the encrypted session came out as such, proven
  1  the one that should be encrypted was not
  3  one of them could not be tried, or not be decided
  2  there is no server to start: pip install 'aurora_wire[demo]'

examples:
  aurora-wire demo
  aurora-wire demo --keep /tmp/proof --via-relay
"""
CLIENT: Final = "pymysql"
RUN_SECONDS: Final = 5.0   # for each of the two sessions; half a second is usual


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--keep", metavar="DIR",
        help="Leave captures and reports in this folder (default: a new one below the system's for temporary files).")
    add("--server", choices=("mariadb", "mysql-mimic"), default="",
        help="Start this server (default: mariadb where it is installed, else mysql-mimic, a server in Python).")
    add("--via-relay", action="store_true",
        help="Record through a relay, and capture nothing (default: only where live capture is not allowed).")
    add("--format", choices=("text", "json"), default="text",
        help="Write text for people, or one JSON object (schema aurora-wire/prove/1; default text).")


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.prove.demo_server.mariadb import Embedded  # noqa: PLC0415
    from aurora_wire.prove.drivers.driver import Mode  # noqa: PLC0415 - not for --help
    from aurora_wire.prove.run import ProveOptions  # noqa: PLC0415

    with terminated_as_interrupted(), folder_for(arguments.keep) as folder:
        with Embedded(arguments.server) as server:
            matrix = driven(ProveOptions(
                host=server.host, port=server.port, user=server.user, password=server.password,
                database=server.database, clients=[CLIENT], modes=[Mode.OFF, Mode.VERIFY_IDENTITY], ca=server.ca,
                via_relay=arguments.via_relay, keep=str(folder.path), folder=folder, timeout=RUN_SECONDS,
            ))  # fmt: skip
        for name, form in (("report.txt", "text"), ("report.json", "json")):
            with Output(str(folder.path / name), folder) as report:
                write(matrix, report, form)
        with Output() as output:
            write(matrix, output, arguments.format)
    if arguments.format == "text":
        complain(f"the captures and both reports are in {folder.path}")
    return compute_exit_code(matrix)


@contextmanager
def folder_for(asked: str | None) -> Iterator[HeldFolder]:
    """Yield the one asked for, or a new one, which is gone again where the demo does not come to its end."""
    if asked:
        with held(asked) as place:
            yield place
        return
    account = account_to_become()
    try:
        with acting_as(account):
            folder = tempfile.mkdtemp(prefix="aurora-wire-demo-", dir=reachable(account))
    except OSError as error:
        raise OutputError(f"no folder for the demo's captures: {describe_error(error)}.") from error
    try:
        with held(folder) as place:
            yield place
    except BaseException:
        with held_back(), acting_as(account):
            shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def held(path: str) -> Iterator[HeldFolder]:
    """Yield the folder, made where it is not there; the demo may write to it until the end."""
    try:
        folder = hold_folder(path, make=True)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: {describe_error(error)}.") from error
    folder.pattern = rf"{NAMES}|\.report\.(txt|json)\.[0-9a-f]+\.part|report\.(txt|json)"
    try:
        yield folder
    finally:
        folder.close()
