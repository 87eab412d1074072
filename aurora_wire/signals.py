"""Signals that ask the process to end: who answers them, for a while."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def answered_by(answer: Callable[[int, Any], None], signals: Iterable[signal.Signals] = INTERRUPTS) -> Iterator[None]:
    """Let these signals call `answer` (number, frame), in a `with` statement of the main thread."""
    before: dict[signal.Signals, Any] = {number: signal.signal(number, answer) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


@contextmanager
def held_back() -> Iterator[None]:
    """While something is cleaned up, such signals are heard, and delivered after the `with` statement.

    In other threads: no effect, as none arrives there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def hear(number: int, _: object) -> None:
        came.append(number)

    try:
        with answered_by(hear):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])
