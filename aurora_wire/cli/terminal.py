"""What the terminal allows: its width, and colours."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Final

from aurora_wire.cli.output import Output

if TYPE_CHECKING:
    from aurora_wire.report.wording import Style

WIDTH_ELSEWHERE: Final = 100  # of sentences in files and pipes, so that the same scan gives the same bytes
WIDEST: Final = 10_000
ALWAYS, NEVER, AUTO = "always", "never", "auto"

_chosen = AUTO


def color_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--color", choices=(ALWAYS, NEVER, AUTO), default=AUTO,
        help="Colour text (default auto: on a terminal, and as NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE say).")


def choose_color(choice: str) -> None:
    """Take what `--color` says, for the rest of the process."""
    global _chosen  # noqa: PLW0603 - one command line a process
    _chosen = choice


def style_for(output: Output, *, each: bool = False) -> Style:
    """Return the style: the terminal's width and colours; elsewhere nothing is shortened. each: no pools in tables."""
    from aurora_wire.report.wording import Style  # noqa: PLC0415 - not for --help

    if not output.is_terminal:
        return Style(_columns() or WIDTH_ELSEWHERE, use_color(terminal=False), whole=True, each=each)
    from shutil import get_terminal_size  # noqa: PLC0415 - loads what reads archives; pipes need it not

    return Style(get_terminal_size().columns, use_color(terminal=True), each=each)


def use_color(*, terminal: bool) -> bool:
    """Return whether text is coloured.

    Sources: https://no-color.org, https://force-color.org, https://bixense.com/clicolors. A variable that is empty is
    not set; what turns colours off goes before what turns them on.
    """
    if _chosen != AUTO:
        return _chosen == ALWAYS
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return terminal and os.environ.get("TERM") != "dumb"


def _columns() -> int:
    """Return what COLUMNS says, 0 where it says nothing."""
    text = os.environ.get("COLUMNS", "")
    return min(int(text), WIDEST) if text.isascii() and text.isdigit() and len(text) < 10 else 0
