"""Outputs that the README and the docs show, held against what the program writes.

    python -m tests.shown_outputs

writes them anew. A block begins with ```console; each line after `$ ` is a command, run in `captures/` in a shell-like
way: `aurora-wire ...`, and `echo $?` for the exit code. A line `...` stands for any lines: such a block is checked and
never written.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from aurora_wire.cli import main

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY = "..."


class Shown(NamedTuple):
    """A command and the lines that are shown below it."""

    command: str
    lines: list[str]


def pages() -> list[Path]:
    """Return the pages that may show outputs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str) -> list[list[Shown]]:
    return [list(_commands(block[1])) for block in BLOCK.finditer(text)]


def _commands(block: str) -> Iterator[Shown]:
    shown: Shown | None = None
    for line in block.splitlines():
        if line.startswith("$ "):
            if shown is not None:
                yield shown
            shown = Shown(line[2:], [])
        else:
            assert shown is not None, f"a block of outputs begins with `$ `: {line}"
            shown.lines.append(line)
    if shown is not None:
        yield shown


def play(commands: list[str]) -> list[list[str]]:
    """Run commands one after another, and return the lines that each wrote."""
    code = 0
    told: list[list[str]] = []
    with _captures():
        for command in commands:
            words = shlex.split(command)
            if words == ["echo", "$?"]:
                told.append([str(code)])
                continue
            assert words[0] == "aurora-wire", f"no command that can be shown: {command}"
            text, code = _run(words[1:])
            told.append(text.splitlines())
    return told


@contextmanager
def _captures() -> Iterator[None]:
    """Be in a copy of captures/, so that what is written there is nobody's, with the environment of a plain pipe."""
    before, environment = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "captures", Path(folder) / "captures")
        os.chdir(Path(folder) / "captures")
        for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
            os.environ.pop(name, None)
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.update(environment)


def _run(arguments: list[str]) -> tuple[str, int]:
    written = io.BytesIO()
    out, error = sys.stdout, sys.stderr
    told = io.TextIOWrapper(written, encoding="utf-8", write_through=True)  # held: it closes `written` when it goes
    sys.stdout = sys.stderr = told
    try:
        code = main(arguments)
    finally:
        sys.stdout, sys.stderr = out, error
    told.flush()
    return written.getvalue().decode(), code


def agrees(shown: list[str], told: list[str]) -> bool:
    """Return whether the lines are shown as they were told, `...` standing for any of them."""
    pattern = "\n".join("(?:.*\n)*?.*" if line == ANY else re.escape(line.rstrip()) for line in shown)
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in told)) is not None


def rewritten(text: str) -> str:
    """Return a page with what its commands tell now; blocks with `...` as they are."""

    def anew(block: re.Match[str]) -> str:
        shown = list(_commands(block[1]))
        if any(ANY in one.lines for one in shown):
            return block[0]
        told = play([one.command for one in shown])
        lines = [line for one, now in zip(shown, told, strict=True) for line in (f"$ {one.command}", *now)]
        return "```console\n" + "\n".join(line.rstrip() for line in lines) + "\n```"

    return BLOCK.sub(anew, text)


if __name__ == "__main__":
    for page in pages():
        page.write_text(rewritten(page.read_text()))
