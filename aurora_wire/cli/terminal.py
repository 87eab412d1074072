"""What the terminal allows: its width, and colours."""

from __future__ import annotations

import os

from aurora_wire.cli.output import Output
from aurora_wire.report.wording import Style

WIDTH_ELSEWHERE = 100  # in files and pipes, so that the same scan gives the same bytes


def style_for(output: Output) -> Style:
    """Return the style: colours only on a terminal that knows them, and not if NO_COLOR is set (https://no-color.org)."""
    if not output.is_terminal:
        return Style(WIDTH_ELSEWHERE)
    from shutil import get_terminal_size  # noqa: PLC0415 - loads what reads archives; pipes need it not

    color = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(get_terminal_size().columns, color)
