"""Carries one connection: two directions, each one chunk at a time, until both have ended or one side resets."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aurora_wire.capture.relay.reset_watch import ErrorWatch
from aurora_wire.capture.relay.synthetic_frames import MAX_PAYLOAD, Conversation

# After a reset, what that side had sent before is still handed on for this long, where the other one takes it.
GRACE: Final = 1.0
LINGER_NOT: Final = struct.pack("ii", 1, 0)


class _Reset(Exception):  # noqa: N818 - an event of the wire
    """One side has reset the connection."""

    def __init__(self, by_client: bool) -> None:
        super().__init__(by_client)
        self.by_client = by_client


class _Leg:
    """The socket to one side, and what is known of it."""

    def __init__(self, connection: socket.socket, *, is_client: bool) -> None:
        self.socket = connection
        self.is_client = is_client
        self.has_ended = False      # it sent FIN
        self.is_broken = False      # nothing more can be sent to it: what it still sends ends in a reset
        self.lost = asyncio.Event() # set when it is known to be reset though nobody reads from it


class Carrier:
    """Owns both sockets: they are closed when `run` has returned or raised."""

    def __init__(
        self, client: socket.socket, target: socket.socket, conversation: Conversation,
        tell: Callable[[bytes | None], None], watch: ErrorWatch,
    ) -> None:  # fmt: skip
        self._client = _Leg(client, is_client=True)
        self._server = _Leg(target, is_client=False)
        self._conversation = conversation
        self._tell = tell
        self._watch = watch
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        legs = (self._client, self._server)
        for leg in legs:
            self._watch.add(leg.socket, leg.lost.set)
        directions = [
            asyncio.create_task(self._forward(self._client, self._server)),
            asyncio.create_task(self._forward(self._server, self._client)),
        ]
        guards = [asyncio.create_task(self._guard(leg)) for leg in legs]
        whole = False
        try:
            await first_failure(directions, guards)
            whole = True
        except _Reset as event:
            self._tell(self._conversation.reset(from_client=event.by_client))
        finally:
            for task in (*directions, *guards):
                task.cancel()
            try:
                await asyncio.gather(*directions, *guards, return_exceptions=True)
            finally:  # also where this is cancelled in turn
                for leg in legs:
                    self._watch.remove(leg.socket)
                    if whole:
                        leg.socket.close()
                    else:
                        reset(leg.socket)

    async def _forward(self, source: _Leg, sink: _Leg) -> None:
        """Forward until `source` ends or `sink` takes no more. Raises _Reset."""
        loop, conversation, from_client = self._loop, self._conversation, source.is_client
        while True:
            try:
                data = await loop.sock_recv(source.socket, MAX_PAYLOAD)
            except OSError as error:
                raise _Reset(from_client) from error
            if not data:
                break
            self._tell(conversation.data(data, from_client=from_client))
            try:
                await loop.sock_sendall(sink.socket, data)
            except OSError as error:
                self._broken(sink, error)
                return
            self._tell(conversation.acknowledged(by_client=not from_client))
            await asyncio.sleep(0)  # the others' turn, also where there is always more to read
        if source.is_broken:
            raise _Reset(from_client)
        source.has_ended = True
        self._tell(conversation.fin(from_client=from_client))
        try:
            sink.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._broken(sink, error)
            return
        self._tell(conversation.acknowledged(by_client=not from_client))

    def _broken(self, sink: _Leg, error: OSError) -> None:
        """Handle a failed write to `sink`: it takes the error away from who reads it, which would seem to end well."""
        other = self._server if sink.is_client else self._client
        if sink.has_ended or other.is_broken:
            raise _Reset(sink.is_client) from error
        sink.is_broken = True
        sink.lost.set()

    async def _guard(self, leg: _Leg) -> None:
        """Notice a reset that no read has met, after a while: at once if nothing more is to be read."""
        await leg.lost.wait()
        if not leg.has_ended:
            await asyncio.sleep(GRACE)
        raise _Reset(leg.is_client)


async def first_failure(needed: list[asyncio.Task[None]], others: list[asyncio.Task[None]]) -> None:
    """Wait until all `needed` are done; raises what the first task that fails has raised, of the others too."""
    waiting = set(needed) | set(others)
    while not all(task.done() for task in needed):
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    for task in needed:
        task.result()


def reset(connection: socket.socket) -> None:
    """Close so that the peer sees a reset; nothing where it is closed."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    connection.close()
