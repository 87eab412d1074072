"""The parser of all commands at once, and what it says as plain parts: for completion, man pages and the docs.

`main` builds the parser of one command only, which is faster; nothing else here differs from it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aurora_wire.cli.commands import COMMANDS
from aurora_wire.cli.main import HelpFormatter, Parser, load_command, new_parser

WIDE: Final = 10_000  # columns: usage on one line


@dataclass(slots=True, frozen=True)
class Option:
    """An option or argument: `-o, --output FILE` and what it does."""

    name: str
    help: str


@dataclass(slots=True, frozen=True)
class Manual:
    """What a command says of itself. blocks: text, or (where it is verbatim) lines that begin with a space."""

    name: str                                                   # "aurora-wire evidence create"
    summary: str
    usage: str
    blocks: list[str] = field(default_factory=list)
    options: list[tuple[str, list[Option]]] = field(default_factory=list)   # by heading
    sections: list[tuple[str, str]] = field(default_factory=list)           # heading and lines, of the epilog
    parts: list[Manual] = field(default_factory=list)           # of the commands below it


def whole_parser() -> Parser:
    """Return the parser with each command and its options."""
    parser, commands = new_parser(COMMANDS)
    for name, below in commands.items():
        load_command(name, below)
    return parser


def build_manual(parser: argparse.ArgumentParser, summary: str = "") -> Manual:
    """Return what a parser says, with the commands below it."""
    formatter = HelpFormatter(parser.prog, width=WIDE)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    options, parts = [], []
    for group in parser._action_groups:
        listed = []
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                told = {one.dest: one.help or "" for one in action._choices_actions}
                parts += [build_manual(below, told.get(name, "")) for name, below in action.choices.items()]
            elif action.help != argparse.SUPPRESS:
                listed.append(Option(
                    formatter._format_action_invocation(action),
                    sentence(formatter._expand_help(action) if action.help else ""),
                ))  # fmt: skip
        if listed:
            options.append((str(group.title), listed))
    return Manual(
        parser.prog, summary or (parser.description or "").split(".")[0], formatter.format_help().strip(),
        list(split_blocks(parser.description or "")), options, list(split_sections(parser.epilog or "")), parts,
    )  # fmt: skip


def sentence(text: str) -> str:
    """Return help as a sentence: argparse's own says `show this help message and exit`."""
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", "!", "?", ")")) else text + "."


def split_blocks(text: str) -> Iterator[str]:
    """Yield paragraphs; lines that begin with a space stay together, as they are."""
    for verbatim, lines in _grouped(text):
        yield "\n".join(lines) if verbatim else " ".join(lines)


def _grouped(text: str) -> Iterator[tuple[bool, list[str]]]:
    held: list[str] = []
    for line in [*text.split("\n"), ""]:
        if held and (not line.strip() or line.startswith(" ") != held[0].startswith(" ")):
            yield held[0].startswith(" "), held
            held = []
        if line.strip():
            held.append(line.rstrip())


def split_sections(epilog: str) -> Iterator[tuple[str, str]]:
    """Yield heading and lines: `exit codes:`, `examples:` at a line's beginning each open one."""
    found = re.split(r"^(\S.*):\n", epilog, flags=re.MULTILINE)
    if found[0].strip():
        yield "notes", found[0].rstrip()
    for heading, lines in zip(found[1::2], found[2::2], strict=True):
        yield heading, lines.rstrip("\n")
