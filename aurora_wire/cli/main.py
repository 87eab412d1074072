"""From the arguments to the exit code: finds the command, and turns errors of the user into one line each."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from aurora_wire.cli import process
from aurora_wire.cli.commands import COMMANDS
from aurora_wire.cli.exit_codes import INTERRUPTED, READER_GONE
from aurora_wire.cli.output import Output, ReaderGone, complain
from aurora_wire.errors import AuroraWireError

PROGRAM = "aurora-wire"
SETTLE_LATER = ("scan",)  # commands that call `process.settle` themselves, when they have what they keep
DESCRIPTION = "Say whether MySQL traffic crossed the network in the clear, and prove it."
EXAMPLES = """examples:
  aurora-wire scan night.pcap.gz
  sudo tcpdump -i any -s 0 -w - 'tcp port 3306' | aurora-wire scan -
"""


class Parser(argparse.ArgumentParser):
    """Errors are one line that names the command; help that cannot be written is an error too."""

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - argparse gives none
        with Output() as output:
            output.write(self.format_help())

    def error(self, message: str) -> NoReturn:
        complain(f"{message}. `{self.prog} --help` shows the options.")
        self.exit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`aurora-wire scan --help`). No mistake of a user raises."""
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except AuroraWireError as error:
        for line in str(error).split("\n"):  # one for each input where none could be read
            complain(line)
        return error.exit_code
    except ReaderGone:
        return READER_GONE
    except KeyboardInterrupt:
        complain("interrupted.")
        return INTERRUPTED


def program() -> NoReturn:
    """Run `main` for a process of its own, which is over when the command is."""
    process.begin()
    process.end(main())


def _run(argv: list[str]) -> int:
    parser = Parser(prog=PROGRAM, description=DESCRIPTION, epilog=EXAMPLES, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action=_Version, nargs=0,
                        help="Print the version, and whether the core is compiled, and exit.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, prog=PROGRAM)
    called = argv[0] if argv and argv[0] in COMMANDS else None
    for name in COMMANDS if called is None else [called]:
        module, summary = COMMANDS[name]
        command = subparsers.add_parser(
            name, help=summary, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name == called:
            run = _command(module, command)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as done:  # after --help, --version or an error that was told
        return done.code if isinstance(done.code, int) else 0
    if argv[0] not in SETTLE_LATER:
        process.settle()
    return run(arguments)


def _command(module: str, parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    command = importlib.import_module(module)
    parser.description = command.DESCRIPTION
    parser.epilog = command.EXAMPLES
    command.add_arguments(parser)
    run: Callable[[argparse.Namespace], int] = command.run
    return run


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from aurora_wire._build import compiled  # noqa: PLC0415 - only here
        from aurora_wire._version import VERSION  # noqa: PLC0415

        with Output() as output:
            output.write(f"{PROGRAM} {VERSION} ({'compiled' if compiled() else 'interpreted'} core)\n")
        parser.exit()
