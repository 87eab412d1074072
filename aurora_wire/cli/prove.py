"""`aurora-wire prove`: real clients, one real server, and what crossed the wire between them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.numbers import seconds_below
from aurora_wire.cli.output import Output, complain
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import OutputError, UsageError, reason_of
from aurora_wire.prove.drivers.driver import TIMEOUT, Mode
from aurora_wire.prove.drivers.registry import DEFAULT_CLIENT, names
from aurora_wire.rights.inputs import read_input
from aurora_wire.signals import answered_by

if TYPE_CHECKING:
    from aurora_wire.prove.cell import Cell
    from aurora_wire.prove.matrix import Matrix
    from aurora_wire.prove.run import ProveOptions

DESCRIPTION = """\
Prove what crosses the wire: let real clients write a fresh canary word to a
server, each in several TLS modes, capture it, and show the same INSERT readable
and not. Each run makes a table of its own and drops it. It captures live where it
may (root, with all rights given up before the first byte is decoded), and through
a relay elsewhere:
  sudo "$(command -v aurora-wire)" prove ..."""
EXAMPLES = """exit codes:
  0  every cell came out as its mode promises: `off` in the clear, `required`,
     `verify-ca` and `verify-identity` encrypted, `default` either, all of it
     proven; or a client declined a server without TLS, or the server a login
     without it
  1  something crossed in the clear in a mode that promises TLS; a login is
     enough
  3  a cell could not be tried, or not be decided; `off` turned into TLS
  2  wrong use
  4  an output could not be written

examples:
  aurora-wire prove --host db.example.com --user app --ca rds.pem
  aurora-wire prove -H ::1 -u app --client all --mode required
"""
PASSWORD_VARIABLE: Final = "AURORA_WIRE_PASSWORD"  # noqa: S105 - a name
ALL: Final = "all"          # that are installed
EVERY: Final = "every"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-H", "--host", metavar="HOST", required=True, help="Connect to this server, and verify this name.")
    add("-P", "--port", metavar="N", type=_port, default=3306, help="Connect to this port (default 3306).")
    add("-u", "--user", metavar="USER", required=True, help="Log in as this user, who may make and drop a table.")
    add("--password-file", metavar="FILE",
        help=f"Read the password from this file's first line (default: ${PASSWORD_VARIABLE}, else it is asked for).")
    add("--database", metavar="NAME", default="test", help="Make the tables in this database (default test).")
    add("--client", metavar="NAME[==VERSION]", action="append", default=[],
        help="Drive this client; may be given several times; `all` is every one that is installed, `every` the others "
        "too, which then are told as not installed (`aurora-wire clients` names them). A version gets an environment "
        f"of its own (default {DEFAULT_CLIENT}).")
    add("--mode", metavar="MODE", choices=[mode.value for mode in Mode], action="append", default=[],
        help=f"Try this mode: {', '.join(mode.value for mode in Mode)}; may be given several times (default: all of "
             "them).")
    add("--ca", metavar="FILE", help="Let clients trust the authorities in this bundle (default: their own).")
    add("-i", "--interface", metavar="IFACE", action="append", default=[],
        help="Capture on this interface (default: the one that leads to the host).")
    add("--via-relay", action="store_true",
        help="Let clients connect through a relay on 127.0.0.1 that records, and capture nothing (default: only where "
        "live capture is not allowed).")
    add("--timeout", metavar="SECONDS", type=seconds_below(1e6), default=TIMEOUT,
        help=f"Give each run this time (default {TIMEOUT:g}).")
    add("--keep", metavar="DIR", help="Keep each cell's capture in this folder, with its truth beside it as JSON.")
    add("--keep-keys", action="store_true",
        help="Put the clients' TLS secrets into the kept captures: whoever has them can read what is inside.")
    add("--format", choices=("text", "json"), default="text",
        help="Write text for people, or one JSON object (schema aurora-wire/prove/1; default text).")
    output_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.prove.run import ProveOptions  # noqa: PLC0415 - not for --help

    if arguments.keep_keys and not arguments.keep:
        raise UsageError("--keep-keys needs a folder, --keep DIR.")
    wanted = ProveOptions(
        host=arguments.host, port=arguments.port, user=arguments.user, password=password_of(arguments),
        database=arguments.database, clients=clients_of(arguments.client),
        if_installed=only_if_installed(arguments.client),
        modes=[mode for mode in Mode if mode.value in arguments.mode or not arguments.mode],
        ca=arguments.ca or "", via_relay=arguments.via_relay, interfaces=arguments.interface,
        keep=arguments.keep or "", keep_keys=arguments.keep_keys, timeout=arguments.timeout,
    )  # fmt: skip
    with Output(arguments.output, force=arguments.force) as output:  # opened first: later the right to may be gone
        matrix = driven(wanted)
        write(matrix, output, arguments.format)
    return compute_exit_code(matrix)


def compute_exit_code(matrix: Matrix) -> int:
    """Return the exit code. A capture that could not be kept is an output that could not be written; the rest went on.
    """
    if matrix.not_kept:
        complain(matrix.not_kept)
        return OutputError.exit_code
    return matrix.exit_code


def driven(wanted: ProveOptions) -> Matrix:
    """Run the matrix; each cell is told on standard error when it is done, if somebody watches."""
    from aurora_wire.cli import preload  # noqa: PLC0415
    from aurora_wire.prove.run import prove  # noqa: PLC0415

    preload.everything()
    on_cell = _progress if sys.stderr is not None and sys.stderr.isatty() else None
    with terminated_as_interrupted():
        return prove(wanted, complain, on_cell)


def write(matrix: Matrix, output: Output, form: str) -> None:
    if form == "json":
        from aurora_wire.report import prove_json as matrix_json  # noqa: PLC0415

        output.write(matrix_json.render(matrix))
        return
    from aurora_wire.report.text import prove as matrix_text  # noqa: PLC0415

    for line in matrix_text.render(matrix, style_for(output)):
        output.write(line + "\n")


def _progress(cell: Cell) -> None:
    from aurora_wire.report.text.prove import cell_text  # noqa: PLC0415

    complain(f"{cell.client}, {cell.mode.value}: {cell_text(cell)}")


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM and SIGHUP clean up as Ctrl-C does."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    with answered_by(interrupt, (signal.SIGTERM, signal.SIGHUP)):
        yield


def clients_of(asked: list[str]) -> list[str]:
    """Return the clients without doubles, in order."""
    found = [name for one in asked or [DEFAULT_CLIENT] for name in (names() if one in (ALL, EVERY) else [one])]
    return list(dict.fromkeys(found))


def only_if_installed(asked: list[str]) -> frozenset[str]:
    """Return the clients that are left out where they are not installed: those that only `all` stands for."""
    if ALL not in asked or EVERY in asked:
        return frozenset()
    return frozenset(names()) - frozenset(asked)


def password_of(arguments: argparse.Namespace) -> str:
    """Return the password: never from the arguments, which other users see."""
    if arguments.password_file:
        try:
            lines = read_input(arguments.password_file).decode("utf-8").splitlines()
        except (OSError, ValueError) as error:
            said = reason_of(error)
            raise UsageError(f"{arguments.password_file}: {said}.") from error
        return lines[0] if lines else ""
    if PASSWORD_VARIABLE in os.environ:
        return os.environ.pop(PASSWORD_VARIABLE)  # clients do not inherit it
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            f"no password: --password-file FILE, or {PASSWORD_VARIABLE} in the environment (sudo strips it: "
            f"sudo --preserve-env={PASSWORD_VARIABLE} ...)."
        )
    from getpass import getpass  # noqa: PLC0415

    return getpass(f"Password of {arguments.user}: ")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)
