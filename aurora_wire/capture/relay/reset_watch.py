"""Notices a reset on a socket that nobody reads from or writes to at the moment.

Source: epoll_ctl(2): EPOLLERR comes without being asked for. Where there is no epoll a reset is noticed at the next
write.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress

HAVE_EPOLL = hasattr(select, "epoll")


class ErrorWatch:
    """One for all sockets of a relay: its own epoll, which the loop watches as one file."""

    def __init__(self) -> None:
        self._poll: select.epoll | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted: dict[int, Callable[[], None]] = {}

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if HAVE_EPOLL:
            self._loop = loop
            self._poll = select.epoll()
            loop.add_reader(self._poll.fileno(), self._look)

    def end(self) -> None:
        if self._poll is not None and self._loop is not None:
            self._loop.remove_reader(self._poll.fileno())
            self._poll.close()
            self._poll = None

    def add(self, watched: socket.socket, on_error: Callable[[], None]) -> None:
        """Watch a socket. on_error: called once it has an error, at most once a change."""
        if self._poll is not None:
            self._wanted[watched.fileno()] = on_error
            # Edges only: a socket closed on both sides is "hung up" all the time, and that is no error.
            self._poll.register(watched.fileno(), select.EPOLLET)

    def remove(self, watched: socket.socket) -> None:
        """Stop watching a socket; to be called before it is closed."""
        if self._poll is not None and self._wanted.pop(watched.fileno(), None) is not None:
            with suppress(OSError):
                self._poll.unregister(watched.fileno())

    def _look(self) -> None:
        if self._poll is None:
            return
        for handle, events in self._poll.poll(0):
            if events & select.EPOLLERR and handle in self._wanted:
                self._wanted[handle]()
