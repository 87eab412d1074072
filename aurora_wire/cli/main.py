"""From the arguments to the exit code: finds the command, and turns errors of the user into one line each."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from aurora_wire.cli import process
from aurora_wire.cli.commands import COMMANDS
from aurora_wire.cli.exit_codes import INTERRUPTED, READER_GONE
from aurora_wire.cli.output import Output, ReaderGone, complain
from aurora_wire.cli.terminal import choose_color, color_option
from aurora_wire.errors import AuroraWireError, meant

PROGRAM = "aurora-wire"
SETTLE_LATER = ("scan",)  # commands that call `process.settle` themselves, when they have what they keep
HELP = "help"       # a command for those who look for one
COMMAND = "command"
CAPTURES = (".pcap", ".pcapng", ".cap", ".gz", ".zst")
DESCRIPTION = "Say whether MySQL traffic crossed the network in the clear, and prove it."
EXAMPLES = """examples:
  aurora-wire scan night.pcap.gz
  sudo tcpdump -i any -s 0 -w - 'tcp port 3306' | aurora-wire scan -
"""


class Parser(argparse.ArgumentParser):
    """Errors are one line that says what was meant, perhaps; help that cannot be written is an error too."""

    given: Sequence[str] = ()  # to the program, for all commands

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - argparse gives none
        with Output() as output:
            output.write(self.format_help())

    def error(self, message: str) -> NoReturn:
        # What is no option comes first: without it, argparse may miss the word behind it.
        said = unknown_option(self.given, self) or message
        command = self.prog
        if command == PROGRAM and self.given[0] in COMMANDS:
            command += f" {self.given[0]}"
        what = "options" if command != PROGRAM or self.given[0].startswith("-") else "commands"
        complain(f"{said}{'' if said.endswith('?') else '.'} `{command} --help` shows the {what}.")
        self.exit(2)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        if action.dest == COMMAND:
            raise argparse.ArgumentError(None, f"there is no command {value}{meant(str(value), known)}")
        raise argparse.ArgumentError(action, f"{value} is none of {', '.join(known)}{meant(str(value), known)}")


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Fills paragraphs to the width of the terminal; lines that begin with a space stay as they are.

    The width is asked for when help is shown: argparse makes a formatter for each option that is added, too.
    """

    def __init__(self, prog: str, width: int | None = None, **more: Any) -> None:
        super().__init__(prog, width=width or 80, **more)
        self._fixed = width is not None

    def format_help(self) -> str:
        if not self._fixed:
            from shutil import get_terminal_size  # noqa: PLC0415 - loads what reads archives

            self._width = get_terminal_size().columns - 2
            self._max_help_position = min(24, max(self._width - 20, 4))
        return super().format_help()

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        filled: list[str] = []
        for paragraph in text.split("\n"):
            if filled and paragraph[:1].strip() and filled[-1][:1].strip():
                filled[-1] += " " + paragraph
            else:
                filled.append(paragraph)
        lines: list[str] = []
        for paragraph in filled:
            lines += self._split_lines(paragraph, width) if paragraph[:1].strip() else [paragraph]
        return "\n".join(indent + line for line in lines)


def unknown_option(given: Sequence[str], parser: argparse.ArgumentParser) -> str | None:
    """Say which of the words given begins with a dash and is no option, and what may have been meant by it."""
    from pathlib import Path  # noqa: PLC0415 - not where nothing is wrong

    known = set(option_names(parser))
    for word in given:
        name = word.partition("=")[0]
        if word == "--":
            return None
        if len(word) < 2 or word[0] != "-" or name in known or word.lstrip("-").replace(".", "", 1).isdigit():
            continue
        if word[1] != "-" and word[:2] in known:
            continue  # -oFILE, or several of one letter
        if Path(word).is_file() or word.endswith(CAPTURES):
            return f"{word} begins with a dash, as options do: if it is a file, give it as ./{word}"
        return f"there is no option {name}{meant(name, known)}"
    return None


def option_names(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the names of all options, those of its commands too."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from option_names(command)


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
    if not argv or argv[0] == HELP:
        argv = [*argv[1:], "--help"]
    Parser.given = argv
    called = argv[0] if argv and argv[0] in COMMANDS else None
    parser, commands = new_parser(COMMANDS if called is None else [called])
    if called is not None:
        run = load_command(called, commands[called])
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as done:  # after --help, --version or an error that was told
        return done.code if isinstance(done.code, int) else 0
    choose_color(arguments.color)
    if argv[0] not in SETTLE_LATER:
        process.settle()
    return run(arguments)


def new_parser(names: Iterable[str]) -> tuple[Parser, dict[str, Parser]]:
    """Return the parser of these commands, and theirs, without options yet."""
    parser = Parser(prog=PROGRAM, description=DESCRIPTION, epilog=EXAMPLES, allow_abbrev=False,
                    formatter_class=HelpFormatter)
    parser.add_argument("-V", "--version", action=_Version, nargs=0,
                        help="Print the version, and whether the core is compiled, and exit.")
    below = parser.add_subparsers(metavar="COMMAND", dest=COMMAND, required=True, prog=PROGRAM)
    return parser, {
        name: below.add_parser(name, help=COMMANDS[name][1], allow_abbrev=False, formatter_class=HelpFormatter)
        for name in names
    }


def load_command(name: str, parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add a command's options to its parser, and return what runs it."""
    command = importlib.import_module(COMMANDS[name][0])
    parser.description, parser.epilog = command.DESCRIPTION, command.EXAMPLES
    command.add_arguments(parser)
    color_option(parser)
    run: Callable[[argparse.Namespace], int] = command.run
    return run


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from aurora_wire._build import compiled  # noqa: PLC0415 - only here
        from aurora_wire._version import VERSION  # noqa: PLC0415

        with Output() as output:
            output.write(f"{PROGRAM} {VERSION} ({'compiled' if compiled() else 'interpreted'} core)\n")
        parser.exit()
