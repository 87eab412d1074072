"""Completion, tried in real shells, and man pages, read by what prints them."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_wire.cli import man_pages
from aurora_wire.cli.commands import COMMANDS
from aurora_wire.cli.completion import SHELLS
from aurora_wire.cli.whole_parser import Manual, build_manual, sentence, whole_parser
from tests.cli.running import python, run

SECONDS = 20.0  # for a shell to answer, where others use the machine too


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    man_pages.write(folder)
    return folder


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def typed(shell: list[str], before: list[str], line: str, expected: str, cwd: Path) -> str:
    """Type into an interactive shell, with a TAB at the end, and return what its terminal shows once that is there."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(cwd)
        environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "TERM": "dumb", "INPUTRC": "/dev/null"}
        os.execve(shell[0], shell, environment)
    try:
        for command in before:
            os.write(terminal, command.encode() + b"\n")
        os.write(terminal, b"printf '%s\\n' R''EADY\n")
        shown = until(terminal, "\nREADY")
        os.write(terminal, line.encode() + b"\t")
        return shown + until(terminal, expected)
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def until(terminal: int, expected: str) -> str:
    shown = ""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace").replace("\r", "")
        if expected in shown:
            return shown
    raise AssertionError(f"{expected!r} was not shown: {shown!r}")


def bash(share: Path, line: str, cwd: Path) -> list[str]:
    """Return what bash offers for the last word of a line."""
    code = f"""
source {share}/bash-completion/completions/aurora-wire
COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}
read -ra COMP_WORDS <<<"$COMP_LINE"; [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
complete -p aurora-wire | sed -E 's/.*-F ([^ ]+).*/\\1/' >name
$(cat name) aurora-wire "${{COMP_WORDS[COMP_CWORD]}}" ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    command = [program("bash"), "-c", code]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_offers_commands_options_choices_and_files(share: Path, tmp_path: Path) -> None:
    (tmp_path / "night.pcap").touch()
    assert set(COMMANDS) <= set(bash(share, "aurora-wire ", tmp_path))
    assert bash(share, "aurora-wire sca", tmp_path) == ["scan"]
    assert "--keylog" in bash(share, "aurora-wire scan --k", tmp_path)
    assert bash(share, "aurora-wire prove --mode verify-", tmp_path) == ["verify-ca", "verify-identity"]
    assert bash(share, "aurora-wire evidence ver", tmp_path) == ["verify"]
    assert bash(share, "aurora-wire scan nig", tmp_path) == ["night.pcap"]
    assert bash(share, "aurora-wire scan --keylog nig", tmp_path) == ["night.pcap"]


def test_bash_completes_what_is_typed_on_its_terminal(share: Path, tmp_path: Path) -> None:
    source = f"source {share}/bash-completion/completions/aurora-wire"
    typed([program("bash"), "--norc", "--noprofile", "-i"], [source], "aurora-wire sc", "aurora-wire scan ", tmp_path)


def test_zsh_completes_what_is_typed_on_its_terminal(share: Path, tmp_path: Path) -> None:
    before = [f"fpath=({share}/zsh/site-functions $fpath)", "autoload -U compinit", "compinit -u"]
    shown = typed([program("zsh"), "-f", "-i"], before, "aurora-wire evid", "evidence ", tmp_path)
    assert "aurora-wire evid" in shown
    typed([program("zsh"), "-f", "-i"], before, "aurora-wire scan --keyl", "--keylog ", tmp_path)


def test_fish_offers_commands_with_what_they_do(share: Path, tmp_path: Path) -> None:
    script = share / "fish/vendor_completions.d/aurora-wire.fish"
    ask = f"source {script}; complete -C 'aurora-wire re'; complete -C 'aurora-wire prove --mode '"
    done = subprocess.run(
        [program("fish"), "--no-config", "-c", ask], capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    offered = dict(line.partition("\t")[::2] for line in done.stdout.splitlines())
    assert offered["redact"].startswith("Write a capture that can be handed on")
    assert {"relay", "report", "verify-identity"} <= set(offered)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_what_is_installed(shell: str, share: Path) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert done.stdout.decode() == (share / man_pages.COMPLETIONS[shell]).read_text()


def test_each_command_has_a_page_with_all_that_its_help_says() -> None:
    pages = man_pages.pages()
    assert set(pages) == {"aurora-wire.1", *(f"aurora-wire-{name}.1" for name in COMMANDS)}
    for part in build_manual(whole_parser()).parts:
        page = pages[f"{man_pages.page_name(part)}.1"]
        for option in options_of(part):
            assert man_pages.escape(option) in page


def options_of(manual: Manual) -> Iterator[str]:
    for _, listed in manual.options:
        for option in listed:
            yield option.name
            yield option.help
    for part in manual.parts:
        yield from options_of(part)


def test_pages_are_printed_without_a_warning(share: Path) -> None:
    pages = sorted(map(str, (share / "man" / "man1").iterdir()))
    checked = 0
    for checker in (["mandoc", "-Tlint", "-Wwarning"], ["groff", "-ww", "-man", "-Tutf8", "-z"]):
        if shutil.which(checker[0]) is None:
            continue
        done = subprocess.run([*checker, *pages], capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout + done.stderr == ""
        assert done.returncode == 0
        checked += 1
    if not checked:
        pytest.skip("neither mandoc nor groff is installed")


def test_man_prints_a_page_as_the_help_has_it(share: Path) -> None:
    page = share / "man" / "man1" / "aurora-wire-scan.1"
    environment = {**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
    shown = subprocess.run(
        [program("man"), "-P", "cat", "-l", str(page)], capture_output=True, text=True, check=True, env=environment,
        timeout=60,
    )  # fmt: skip
    text = re.sub(r".\x08", "", shown.stdout)
    assert "EXIT STATUS\n" in text
    assert "1  plaintext or mixed" in text
    assert "aurora-wire scan" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (".SH", "\\&.SH"), ("'br", "\\&\\(aqbr"), ("a\\nb", "a\\enb"), ("--port", "\\-\\-port"),
        ('"~^`', "\\(dq\\(ti\\(ha\\(ga"),
    ],
)
def test_what_troff_would_take_for_its_own_is_escaped(text: str, escaped: str) -> None:
    assert man_pages.escape(text) == escaped


def test_help_becomes_a_sentence() -> None:
    assert sentence("show this\n help") == "Show this help."
    assert sentence("Done (default 3)") == "Done (default 3)"
    assert sentence("") == ""


def test_the_parser_of_all_commands_needs_no_library_that_a_build_has_not() -> None:
    """setup.py makes man pages with what pyproject.toml's build-system requires, and nothing else."""
    code = (
        "import sys; before = set(sys.modules); from aurora_wire.cli import man_pages; man_pages.pages();"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    loaded = {name for name in python(code).split() if not name.startswith("__") and "mypyc" not in name}
    assert loaded - {"aurora_wire", "librt", "mypy_extensions", "shtab"} == set()
