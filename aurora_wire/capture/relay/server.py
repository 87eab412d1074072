"""A TCP relay that makes a capture of what it carries, for machines where nobody may sniff.

Each client that connects gets a connection of its own to the target; bytes, half-closes and resets go over to the
other side as they come, and each is told as a frame between the client's address and the target's. A direction
holds one chunk at a time: who reads slowly slows down who sends.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aurora_wire.capture.relay.forward import Carrier, reset
from aurora_wire.capture.relay.reset_watch import ErrorWatch
from aurora_wire.capture.relay.resolve import LookUp, SocketAddress, look_up, plain, reason
from aurora_wire.capture.relay.synthetic_frames import Conversation, Place
from aurora_wire.errors import UsageError
from aurora_wire.link_types import RAW

OnFrame = Callable[[int, bytes, int], None]   # time in ns since 1970, an IP packet, its link type
OnProblem = Callable[[str], None]

CONNECT_TIMEOUT: Final = 10.0     # seconds, for each address of the target
MOST_CONNECTIONS: Final = 1_000   # at once; more wait in the kernel's queue until one ends
BACKLOG: Final = 256
SPARE_HANDLES: Final = 64         # open files left to the rest of the process
ACCEPT_PAUSE: Final = 0.2         # seconds, where the system has no more sockets to give


class Relay:
    """Listens on `listen`, carries each connection to `target`, and tells all that happens as frames.

    `on_frame` is called in the order of time, `on_problem` with one line for each connection that could not be
    carried; both in the relay's own thread or loop. They must not raise. Two ways to run it: `start` and `stop`
    (or `with`) in a thread, or `open` and `close` in a running loop. `address` is where it listens, also where
    port 0 was asked for. With `socket_path` connections go to this Unix socket, and `target`, an address, is what
    stands for it in the frames. Raises UsageError where it cannot listen.
    """

    def __init__(
        self,
        listen: tuple[str, int],
        target: tuple[str, int],
        on_frame: OnFrame,
        on_problem: OnProblem | None = None,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        most: int = MOST_CONNECTIONS,
        count: int | None = None,
        socket_path: str = "",
        names: LookUp = look_up,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.listen = Place(*listen)
        self.target = Place(*target)
        self.address = self.listen
        self.on_frame = on_frame
        self.on_problem = on_problem
        self.connect_timeout = connect_timeout
        self.socket_path = socket_path
        self.count = count        # connections after which no more are taken
        self.names = names
        self.clock = clock
        self.most = max(1, min(most, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_HANDLES) // 2))
        self.accepted = 0         # connections of clients
        self.ended = 0            # those of them that are over, carried or not
        self.failed = 0           # those of them that did not get through to the target
        self._last_ns = 0
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._watch = ErrorWatch()
        # Who connects and to where, of open connections: of those taken, and of our own. A port alone is not enough,
        # the system gives it out again where the other end is another one.
        self._taken: set[tuple[SocketAddress, SocketAddress]] = set()
        self._made: set[tuple[SocketAddress, SocketAddress]] = set()
        self._circles: set[SocketAddress] = set()    # of the target, that lead back to this relay
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    # In a loop.

    async def open(self) -> None:
        """Listen; connections are carried from now on, in this loop."""
        listener = await self._listen()
        self._listener = listener
        self.address = Place(*listener.getsockname()[:2])
        self._watch.begin(asyncio.get_running_loop())
        self._accepting = asyncio.create_task(self._accept(listener))

    async def close(self) -> None:
        """Stop listening and cut what is still open: both sides see a reset, the recording none."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watch.end()

    async def _listen(self) -> socket.socket:
        try:
            family, address = (await look_up(self.listen))[0]
            listener = socket.create_server(address, family=family, backlog=BACKLOG)
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot listen on {self.listen}: {reason(error)}.") from error
        listener.settimeout(0)
        return listener

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        free = asyncio.Semaphore(self.most)

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self.ended += 1
            free.release()

        while self.count is None or self.accepted < self.count:
            await free.acquire()
            try:
                client, address = await loop.sock_accept(listener)
            except OSError as error:
                free.release()
                self._problem(f"cannot take another connection for now: {reason(error)}.")
                await asyncio.sleep(ACCEPT_PAUSE)
                continue
            self.accepted += 1
            task = asyncio.create_task(self._serve(client, address))
            self._tasks.add(task)
            task.add_done_callback(over)
        listener.close()

    async def _serve(self, client: socket.socket, address: SocketAddress) -> None:
        taken = address[:2], client.getsockname()[:2]
        self._taken.add(taken)
        try:
            prepare(client)
            connect = self._connect_to_socket if self.socket_path else self._connect
            reached = None if taken in self._made else await connect(plain(address))
            if reached is None:
                self.failed += 1
                return
            target, conversation = reached
            made = list_addresses(target)
            self._made.add(made)
            try:
                await Carrier(client, target, conversation, self._tell, self._watch).run()
            finally:
                self._made.discard(made)
        finally:
            self._taken.discard(taken)
            reset(client)  # does nothing where it is closed

    async def _connect(self, client: Place) -> tuple[socket.socket, Conversation] | None:
        """Connect to the first address of the target that takes the connection; each try is told as it went."""
        said: list[str] = []
        try:
            places = await self.names(self.target)
        except OSError as error:
            self._problem(f"{client} to {self.target}: {reason(error)}.")
            return None
        for family, address in places:
            place = plain(address)
            if address in self._circles:
                said.append("leads back to this relay")
                continue
            numbers = int.from_bytes(os.urandom(4)), int.from_bytes(os.urandom(4))
            conversation = Conversation(client, place, numbers)
            try:
                target = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                said.append(reason(error))
                continue
            text = await self._connect_one(target, address, conversation)
            if text:
                said.append(text if len(places) == 1 else f"{place}: {text}")
                continue
            if list_addresses(target) in self._taken:
                reset(target)
                self._tell(conversation.reset(from_client=False))
                self._circles.add(address)
                said.append("leads back to this relay")
                continue
            return target, conversation
        self._problem(f"{client} to {self.target}: {'; '.join(said)}.")
        return None

    async def _connect_to_socket(self, client: Place) -> tuple[socket.socket, Conversation] | None:
        """Connect to the Unix socket, and tell it as a connection to the target's address."""
        numbers = int.from_bytes(os.urandom(4)), int.from_bytes(os.urandom(4))
        conversation = Conversation(client, self.target, numbers)
        target = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        text = await self._connect_one(target, self.socket_path, conversation)
        if text:
            self._problem(f"{client} to {self.socket_path}: {text}.")
            return None
        return target, conversation

    async def _connect_one(
        self, target: socket.socket, address: SocketAddress | str, conversation: Conversation
    ) -> str:
        """Connect a socket, and tell how it went. Return why it failed, then it is closed; empty where it did not."""
        target.settimeout(0)
        self._tell(conversation.syn())
        loop = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(loop.sock_connect(target, address), self.connect_timeout)
        except OSError as error:
            target.close()
            if isinstance(error, ConnectionRefusedError | FileNotFoundError):  # the latter of a Unix socket alone
                self._tell(conversation.refused())
            return f"no answer in {self.connect_timeout:g} s" if isinstance(error, TimeoutError) else reason(error)
        except BaseException:
            target.close()
            raise
        prepare(target)
        self._tell(conversation.syn_ack())
        self._tell(conversation.acknowledged(by_client=True))
        return ""

    def _tell(self, frame: bytes | None) -> None:
        """Time never goes backwards in a recording, whatever the clock does."""
        if frame is not None:
            self._last_ns = max(self.clock(), self._last_ns)
            self.on_frame(self._last_ns, frame, RAW)

    def _problem(self, line: str) -> None:
        if self.on_problem is not None:
            self.on_problem(line)

    # In a thread.

    def start(self) -> None:
        """Start the relay; it listens when this returns."""
        ready = threading.Event()
        failures: list[UsageError] = []

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self.open()
            ready.set()
            try:
                await self._end.wait()
            finally:
                await self.close()

        def run() -> None:
            try:
                asyncio.run(serve())
            except UsageError as error:  # it is raised where the relay was started
                failures.append(error)
            finally:
                ready.set()

        self._thread = threading.Thread(target=run, name="relay", daemon=True)
        self._thread.start()
        ready.wait()
        if failures:
            self._thread.join()
            self._thread = None
            raise failures[0]

    def stop(self) -> None:
        """Stop: cut what is still open. No frame comes after it."""
        if self._thread is not None and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()
            self._thread = None

    def wait_idle(self, timeout: float) -> bool:
        """Wait until every connection so far is over and told, at most `timeout` seconds; from another thread."""
        end = time.monotonic() + timeout
        while self.ended < self.accepted:
            if time.monotonic() >= end:
                return False
            time.sleep(0.01)
        return True

    def __enter__(self) -> Relay:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def list_addresses(connection: socket.socket) -> tuple[SocketAddress, SocketAddress]:
    """Return our own address and the other one; none if the peer is gone already."""
    try:
        return connection.getsockname()[:2], connection.getpeername()[:2]
    except OSError:
        return (), ()


def prepare(connection: socket.socket) -> None:
    """Set the socket up: bytes go on at once, urgent ones in their place, and a peer that is gone is noticed."""
    connection.settimeout(0)
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
