"""The progress bar is for people who wait at a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from aurora_wire.cli import progress
from aurora_wire.cli.progress import INTERPRETED, LONG, TOLD, progress_bar
from tests.cli.running import python


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_there_is_no_bar_where_nobody_would_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "compiled", lambda: True)
    with progress_bar(wanted=True) as on_progress:
        assert on_progress is None
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar(wanted=False) as on_progress:
        assert on_progress is None


@pytest.mark.parametrize("total", [2 * LONG, None])
def test_a_long_input_has_a_bar_that_is_gone_at_the_end(
    total: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar(wanted=True) as on_progress:
        assert on_progress is not None
        on_progress(LONG, total)
        on_progress(LONG + LONG // 2, total)
    shown = terminal.getvalue()
    assert "MB" in shown
    assert shown.endswith("\x1b[2K")  # the line is erased


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("is_compiled", [True, False])
def test_the_interpreted_core_says_once_that_it_is_slow(
    is_compiled: bool, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "compiled", lambda: is_compiled)
    with progress_bar(wanted=True) as on_progress:
        if on_progress is not None:
            for read in (1_000, 2_000):
                on_progress(read, TOLD - 1)
    assert INTERPRETED not in shown.getvalue()
    with progress_bar(wanted=True) as on_progress:
        if on_progress is not None:
            for read in (1_000, 2_000):
                on_progress(read, 2 * LONG)
    assert shown.getvalue().count(INTERPRETED) == (not is_compiled)
    assert ("MB" in shown.getvalue()) is is_terminal


def test_a_short_input_loads_nothing_for_a_bar() -> None:
    code = """if True:
        import io, sys
        from aurora_wire.cli.progress import progress_bar
        sys.stderr = type("Terminal", (io.StringIO,), {"isatty": lambda self: True})()
        with progress_bar(wanted=True) as on_progress:
            on_progress(1_000, 2_000)
            on_progress(1_000, None)
        assert sys.stderr.getvalue() == ""
        print(*sys.modules)
    """
    assert "rich" not in python(code).split()
