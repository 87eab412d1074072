"""The SHA-256 of a file, made in a thread beside the decoding of its blocks."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from typing import Final

DEPTH: Final = 8  # blocks waiting, at most: the decoding waits then


class Hasher:
    """Fed the blocks in order. A file of one block takes no thread.

    hashlib lets other threads run while it hashes; compiled decoding does so only where a block is read. So the
    thread has to be content with one turn a block: a plain deque needs no more, a queue with its locks does.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._first: bytes | None = None  # not hashed yet: it may be the only one
        self._waiting: deque[bytes | threading.Event] = deque()  # blocks; set where it was reached
        self._wake = threading.Event()
        self._room = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None

    def update(self, block: bytes) -> None:
        if self._thread is None:
            if self._first is None:
                self._first = block
                return
            self._thread = threading.Thread(target=self._work, name="aurora-wire-sha256", daemon=True)
            self._waiting.append(self._first)
            self._first = b""
            self._thread.start()
        while len(self._waiting) >= DEPTH:
            self._room.clear()
            if len(self._waiting) >= DEPTH:
                self._room.wait()
        self._waiting.append(block)
        self._wake.set()

    def hexdigest(self) -> str:
        """Of all blocks so far. More may follow."""
        if self._thread is None:
            self._hash.update(self._first or b"")
            self._first = None
        else:
            done = threading.Event()
            self._waiting.append(done)
            self._wake.set()
            done.wait()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread without hashing what still waits."""
        if self._thread is None:
            return
        self._waiting.clear()
        self._ending = True
        self._wake.set()
        self._thread.join()
        self._thread = None

    def _work(self) -> None:
        waiting = self._waiting
        while not self._ending:
            try:
                item = waiting.popleft()
            except IndexError:
                self._wake.clear()
                if not waiting and not self._ending:
                    self._wake.wait()
                continue
            self._room.set()
            if isinstance(item, bytes):
                self._hash.update(item)
            else:
                item.set()
