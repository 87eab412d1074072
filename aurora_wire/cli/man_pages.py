"""Man pages, one a command, from the parser; and all that a wheel installs below share/.

    python -m aurora_wire.cli.man_pages FOLDER

Source: man(7).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from aurora_wire._version import VERSION
from aurora_wire.cli.completion import BASH, FISH, ZSH, script
from aurora_wire.cli.main import PROGRAM
from aurora_wire.cli.whole_parser import Manual, build_manual, whole_parser

COMPLETIONS = {  # where each shell looks, below share/
    BASH: "bash-completion/completions/aurora-wire",
    ZSH: "zsh/site-functions/_aurora-wire",
    FISH: "fish/vendor_completions.d/aurora-wire.fish",
}


def pages() -> dict[str, str]:
    """Return the man pages by file name: `aurora-wire.1`, `aurora-wire-scan.1` ..."""
    whole = build_manual(whole_parser())
    day = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    names = [page_name(part) for part in whole.parts]
    made = {f"{page_name(whole)}.1": "\n".join(_whole(whole, day)) + "\n"}
    for part in whole.parts:
        others = [name for name in (PROGRAM, *names) if name != page_name(part)]
        made[f"{page_name(part)}.1"] = "\n".join([*_page(part, day), *_see_also(others)]) + "\n"
    return made


def page_name(manual: Manual) -> str:
    return manual.name.replace(" ", "-")


def write(folder: Path) -> list[Path]:
    """Write man pages and completions below `folder` as they lie below share/, and return their paths."""
    files = {f"man/man1/{name}": text for name, text in pages().items()}
    files |= {place: script(shell) for shell, place in COMPLETIONS.items()}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _whole(manual: Manual, day: str) -> Iterator[str]:
    yield from _page(manual, day)
    yield ".SH COMMANDS"
    for part in manual.parts:
        yield ".TP"
        yield f".BR {page_name(part).replace('-', chr(92) + '-')} (1)"
        yield escape(part.summary)
    yield from _see_also([page_name(part) for part in manual.parts])


def _page(manual: Manual, day: str) -> Iterator[str]:
    title = page_name(manual).upper()
    yield f'.TH {title} 1 {day} "aurora_wire {VERSION}" "User Commands"'
    yield ".nh"     # names of options are not broken
    yield ".ad l"
    yield ".SH NAME"
    yield f"{escape(page_name(manual))} \\- {escape(manual.summary.rstrip('.'))}"
    yield ".SH SYNOPSIS"
    for number, part in enumerate((manual, *_below(manual))):
        if number:
            yield ".br"
        words = len(part.name.split())
        yield f".B {escape(' '.join(part.usage.split()[:words]))}"
        yield escape(" ".join(part.usage.split()[words:]))
    yield ".SH DESCRIPTION"
    yield from _text(manual.blocks)
    yield from _options(manual, ".SH")
    for part in _below(manual):
        yield f'.SH "{escape(part.name.removeprefix(PROGRAM + " ").upper())}"'
        yield from _text(part.blocks or [part.summary])
        yield from _options(part, ".SS")
        yield from _sections(part, ".SS")
    yield from _sections(manual, ".SH")


def _below(manual: Manual) -> list[Manual]:
    """Return what is told on the page of the command itself; each command of the program has a page of its own."""
    return [] if manual.name == PROGRAM else manual.parts


def _options(manual: Manual, macro: str) -> Iterator[str]:
    for heading, listed in manual.options:
        title = "ARGUMENTS" if heading.startswith("positional") else heading.upper()
        yield f'{macro} "{escape(title if macro == ".SH" else title.capitalize())}"'
        for option in listed:
            yield ".TP"
            yield f".B {escape(option.name)}"
            yield escape(option.help)


def _sections(manual: Manual, macro: str) -> Iterator[str]:
    for heading, lines in manual.sections:
        title = "exit status" if heading == "exit codes" else heading
        yield f'{macro} "{escape(title.upper() if macro == ".SH" else title.capitalize())}"'
        yield from _verbatim(lines)


def _text(blocks: list[str]) -> Iterator[str]:
    for number, block in enumerate(blocks):
        if block.startswith(" "):
            yield from _verbatim(block)
            continue
        if number:
            yield ".PP"
        yield escape(block)


def _verbatim(lines: str) -> Iterator[str]:
    yield ".nf"
    for line in lines.split("\n"):
        yield escape(line.removeprefix("  "))
    yield ".fi"


def _see_also(names: list[str]) -> Iterator[str]:
    yield ".SH SEE ALSO"
    for number, name in enumerate(names):
        yield f".BR {escape(name)} (1){',' if number < len(names) - 1 else ''}"


def escape(text: str) -> str:
    """Return text of which troff takes nothing for its own."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")
    return f"\\&{text}" if text.startswith((".", "\\(aq")) else text


if __name__ == "__main__":
    write(Path(sys.argv[1]))
