"""The SHA-256 of a file, made in a thread beside the decoding of its blocks."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from typing import Final, TypeAlias

DEPTH: Final = 8  # blocks waiting, at most: the decoding waits then


_Queue: TypeAlias = "queue.Queue[bytes | threading.Event | None]"  # blocks; set where it was reached; the end


class Hasher:
    """Fed the blocks in order. A file of one block takes no thread.

    hashlib lets other threads run while it hashes; compiled decoding does so only where a block is read. That
    is once a block, so the two keep pace.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._first: bytes | None = None  # not hashed yet: it may be the only one
        self._queue: _Queue = queue.Queue(DEPTH)
        self._thread: threading.Thread | None = None

    def update(self, block: bytes) -> None:
        if self._thread is None:
            if self._first is None:
                self._first = block
                return
            self._thread = threading.Thread(
                target=_work, args=(self._hash, self._queue), name="aurora-wire-sha256", daemon=True
            )
            self._thread.start()
            self._queue.put(self._first)
            self._first = b""
        self._queue.put(block)

    def hexdigest(self) -> str:
        """Of all blocks so far. More may follow."""
        if self._thread is None:
            self._hash.update(self._first or b"")
            self._first = None
        else:
            done = threading.Event()
            self._queue.put(done)
            done.wait()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread without hashing what still waits."""
        if self._thread is None:
            return
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        self._queue.put(None)
        self._thread.join()
        self._thread = None


def _work(sha256: hashlib._Hash, waiting: _Queue) -> None:
    while True:
        item = waiting.get()
        if item is None:
            return
        if isinstance(item, bytes):
            sha256.update(item)
        else:
            item.set()
