"""The SHA-256 of a file, made in a thread beside the decoding of its blocks."""

from __future__ import annotations

import hashlib
from _queue import SimpleQueue  # all of `queue` takes longer to load than to use
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading

SUFFIX: Final = b"aurora-wire/values/1"
DEPTH: Final = 4  # blocks waiting, at most: the decoding waits then


class Hasher:
    """Fed the blocks in order. A file of one block takes no thread.

    hashlib lets other threads run while it hashes; compiled decoding does so only where a block is read. So the
    thread gets one turn a block; SimpleQueue hands a block over without a lock of Python's own.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._first: bytes | None = None  # not hashed yet: it may be the only one
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()  # None: the end
        self._room: SimpleQueue[None] = SimpleQueue()             # as many as there is room for blocks
        self._ending = False
        self._thread: threading.Thread | None = None

    def update(self, block: bytes) -> None:
        if self._thread is None:
            if self._first is None:
                self._first = block
                return
            import threading  # noqa: PLC0415 - one block takes no thread

            self._thread = threading.Thread(target=self._work, name="aurora-wire-sha256", daemon=True)
            self._waiting.put(self._first)
            self._first = b""
            for _ in range(DEPTH - 1):
                self._room.put(None)
            self._thread.start()
        self._room.get()
        self._waiting.put(block)

    def hexdigest(self) -> str:
        """Return the digest of all blocks so far; `update` may be called again."""
        if self._thread is None:
            self._hash.update(self._first or b"")
            self._first = None
        else:
            for _ in range(DEPTH):  # where there is room for all, none waits
                self._room.get()
            for _ in range(DEPTH):
                self._room.put(None)
        return self._hash.hexdigest()

    def secret(self) -> bytes:
        """Return 32 bytes that only who has the blocks can make: the digest does not tell them. Called behind
        `hexdigest`.
        """
        longer = self._hash.copy()
        longer.update(SUFFIX)  # no padding of SHA-256: nobody goes on from the digest
        return longer.digest()

    def close(self) -> None:
        """End the thread without hashing what still waits."""
        if self._thread is None:
            return
        self._ending = True
        self._waiting.put(None)
        self._thread.join()
        self._thread = None

    def _work(self) -> None:
        while (block := self._waiting.get()) is not None:
            if not self._ending:
                self._hash.update(block)
            self._room.put(None)
