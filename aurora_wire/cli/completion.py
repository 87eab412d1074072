"""`aurora-wire completion SHELL`: what a shell needs to complete commands, options, choices and files."""

from __future__ import annotations

import argparse
from typing import Final

from aurora_wire.cli.output import Output

DESCRIPTION = """\
Print what makes a shell complete commands, options, their choices and files. A
wheel installs the same, and man pages, where shells look below its environment:
this is for a shell that does not look there."""
EXAMPLES = """examples:
  aurora-wire completion bash > aurora-wire.bash; source ./aurora-wire.bash
  aurora-wire completion fish > ~/.config/fish/completions/aurora-wire.fish
"""
BASH, ZSH, FISH = "bash", "zsh", "fish"
SHELLS: Final = (BASH, ZSH, FISH)
FILES: Final = ("FILE", "CAPTURE", "BUNDLE", "IN", "OUT", "BEFORE", "AFTER")  # what stands for a file in the help
FOLDER: Final = "DIR"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="Print for this shell: bash, zsh or fish.")


def run(arguments: argparse.Namespace) -> int:
    with Output() as output:
        output.write(script(arguments.shell))
    return 0


def script(shell: str) -> str:
    """Return the completion script of a shell."""
    import shtab  # noqa: PLC0415 - not for --help

    from aurora_wire.cli.whole_parser import whole_parser  # noqa: PLC0415 - loads all commands

    parser = whole_parser()
    _prepare(parser, shtab.FILE, shtab.DIRECTORY)
    return shtab.complete(parser, shell=shell)


def _prepare(parser: argparse.ArgumentParser, file: object, folder: object) -> None:
    """Say which arguments are files, by what stands for them in the help, and what each command does in one line."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for told in action._choices_actions:
                action.choices[told.dest].description = told.help
            for below in action.choices.values():
                _prepare(below, file, folder)
            continue
        if action.choices is None and action.metavar == FOLDER:
            action.complete = folder  # type: ignore[attr-defined]
        elif action.choices is None and action.metavar in FILES:
            action.complete = file  # type: ignore[attr-defined]
