"""`aurora-wire prove`: real clients, one real server, and what crossed the wire between them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.formats import MatrixFormatOption, add_format_option, formats_for
from aurora_wire.cli.numbers import seconds_below
from aurora_wire.cli.output import Output, complain
from aurora_wire.cli.overwriting import output_options
from aurora_wire.cli.posture_reports import reports_for
from aurora_wire.cli.terminal import style_for
from aurora_wire.errors import OutputError, UsageError, describe_error
from aurora_wire.prove.drivers.driver import TIMEOUT, Mode
from aurora_wire.prove.drivers.registry import DEFAULT_CLIENT, names
from aurora_wire.report.formats import ReportOptions, find_format
from aurora_wire.rights.inputs import read_input, reading
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
  aurora-wire prove --defaults-file ~/.my.cnf --format html=matrix.html
"""
PASSWORD_VARIABLE: Final = "AURORA_WIRE_PASSWORD"  # noqa: S105 - a name
ALL: Final = "all"          # that are installed
EVERY: Final = "every"
LOCAL: Final = "localhost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-H", "--host", metavar="HOST", help="Connect to this server, and verify this name.")
    add("-P", "--port", metavar="N", type=server_port, help="Connect to this port (default 3306).")
    add("-S", "--socket", metavar="PATH",
        help="Connect to this Unix socket, in place of a host; the name to verify is --host's, else localhost. What "
        "goes through it crosses no network: it is recorded by a relay.")
    add("-u", "--user", metavar="USER", help="Log in as this user, who may make and drop a table.")
    add("--defaults-file", metavar="FILE",
        help="Take host, port, socket, user, password, database and ssl-ca from [client] in this option file, as "
        "MySQL's clients do. What is given here counts before it.")
    add("--password-file", metavar="FILE",
        help=f"Read the password from this file's first line (default: ${PASSWORD_VARIABLE}, else it is asked for).")
    add("--database", metavar="NAME", help="Make the tables in this database (default test).")
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
    add_format_option(parser, MatrixFormatOption)
    add("--reveal", action="store_true",
        help="Show the name of the user in html and markdown, too, which are made to be passed on (default: masked "
        "there).")
    output_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from aurora_wire.prove.run import ProveOptions  # noqa: PLC0415 - not for --help

    if arguments.keep_keys and not arguments.keep:
        raise UsageError("--keep-keys needs a folder, --keep DIR.")
    _take_option_file(arguments)
    wanted = ProveOptions(
        host=arguments.host, port=arguments.port, user=arguments.user, password=read_password(arguments),
        database=arguments.database, socket=arguments.socket or "", clients=list_clients(arguments.client),
        if_installed=only_if_installed(arguments.client),
        modes=[mode for mode in Mode if mode.value in arguments.mode or not arguments.mode],
        ca=arguments.ca or "", via_relay=arguments.via_relay, interfaces=arguments.interface,
        keep=arguments.keep or "", keep_keys=arguments.keep_keys, timeout=arguments.timeout,
    )  # fmt: skip
    inputs = [path for path in (arguments.ca, arguments.password_file, arguments.defaults_file) if path]
    for row in formats_for(arguments):
        row.load_matrix()
    with reports_for(arguments, inputs) as reports:  # opened first: later the right to may be gone
        matrix = driven(wanted)
        for name, to in reports.all():
            write(matrix, to, name, reveal=arguments.reveal)
    return compute_exit_code(matrix)


def _take_option_file(arguments: argparse.Namespace) -> None:
    """Fill in what was not given: from the option file, else with what MySQL's clients take. Raises UsageError."""
    found: dict[str, str] = {}
    if arguments.defaults_file:
        from aurora_wire.cli.option_file import read_option_file  # noqa: PLC0415 - seldom wanted

        found = read_option_file(arguments.defaults_file)
    told_host = arguments.host or found.get("host", "")
    # `localhost` stands for the socket, where the file names one; a host that is given here does not.
    by_socket = not arguments.host and told_host in ("", LOCAL) and found.get("protocol", "").lower() != "tcp"
    if not arguments.socket and by_socket:
        arguments.socket = found.get("socket")
    arguments.host = told_host or (LOCAL if arguments.socket or arguments.defaults_file else "")
    if not arguments.host:
        raise UsageError("no server: --host HOST, --socket PATH, or a --defaults-file that has one.")
    arguments.user = arguments.user or found.get("user", "")
    if not arguments.user:
        raise UsageError("no user: --user USER, or a --defaults-file that has one.")
    if arguments.port is None:
        try:
            arguments.port = server_port(found.get("port") or "3306")
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"{arguments.defaults_file}: {error}.") from error
    arguments.database = arguments.database or found.get("database") or "test"
    arguments.ca = arguments.ca or found.get("ssl-ca")
    arguments.password_in_file = found.get("password") or None
    if arguments.socket and arguments.interface:
        raise UsageError("--interface: nothing that goes through a Unix socket crosses one.")
    if arguments.socket:
        with reading(arguments.socket):
            if not Path(arguments.socket).is_socket():
                raise UsageError(f"{arguments.socket}: is no Unix socket. The server says where its own is: "
                                 "SHOW VARIABLES LIKE 'socket'.")


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


def write(matrix: Matrix, output: Output, form: str, *, reveal: bool = False) -> None:
    """Write the matrix in the format of this name. reveal: the name of the user is shown in what is passed on."""
    style = style_for(output)
    options = ReportOptions(width=style.width, color=style.color, whole=style.whole, reveal=reveal)
    output.writelines(find_format(form).render_matrix(matrix, options))


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


def list_clients(asked: list[str]) -> list[str]:
    """Return the clients without doubles, in order."""
    found = [name for one in asked or [DEFAULT_CLIENT] for name in (names() if one in (ALL, EVERY) else [one])]
    return list(dict.fromkeys(found))


def only_if_installed(asked: list[str]) -> frozenset[str]:
    """Return the clients that are left out where they are not installed: those that only `all` stands for."""
    if ALL not in asked or EVERY in asked:
        return frozenset()
    return frozenset(names()) - frozenset(asked)


def read_password(arguments: argparse.Namespace) -> str:
    """Return the password: never from the arguments, which other users see."""
    if arguments.password_file:
        try:
            lines = read_input(arguments.password_file).decode("utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise UsageError(f"{arguments.password_file}: {describe_error(error)}.") from error
        return lines[0] if lines else ""
    in_file: str | None = getattr(arguments, "password_in_file", None)
    if in_file is not None:
        return in_file
    if PASSWORD_VARIABLE in os.environ:
        return os.environ.pop(PASSWORD_VARIABLE)  # clients do not inherit it
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            f"no password: --password-file FILE, or {PASSWORD_VARIABLE} in the environment (sudo strips it: "
            f"sudo --preserve-env={PASSWORD_VARIABLE} ...)."
        )
    from getpass import getpass  # noqa: PLC0415

    return getpass(f"Password of {arguments.user}: ")


def server_port(text: str) -> int:
    """Parse the port of a server, for argparse."""
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)
