"""Whatever both ends do, in whatever order: what the relay told is what was said, and it ended as it was told."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import suppress

import pytest

from tests.capture.relay_ends import Carried, Server, cut, read_all, until

CONNECTIONS = 40
TOKEN = 8  # bytes that a client says first, so that its server's part is known


class Part:
    """One end that sends, reads, waits, half-closes and resets as `rng` will have it."""

    def __init__(self, connection: socket.socket, seed: int) -> None:
        self.connection = connection
        self.rng = random.Random(seed)
        self.said = b""         # tried to say; all of it, unless there was an error
        self.heard = b""
        self.heard_the_end = False

    def say(self, data: bytes) -> None:
        self.said += data
        self.connection.sendall(data)

    def play(self) -> None:
        with self.connection, suppress(OSError):  # the other end has reset, or waits as this one does
            self._play()

    def _play(self) -> None:
        rng, connection = self.rng, self.connection
        connection.settimeout(2)
        for _ in range(rng.randint(0, 10)):
            does = rng.choices(["say", "hear", "wait", "reset"], [50, 30, 10, 3])[0]
            if does == "say":
                self.say(rng.randbytes(rng.choice([1, 50, 3_000, 70_000, 200_000])))
            elif does == "hear":
                connection.settimeout(0.03)
                with suppress(TimeoutError):
                    self.heard += connection.recv(rng.choice([1, 1_000, 100_000]))
                connection.settimeout(2)
            elif does == "wait":
                time.sleep(rng.random() * 0.03)
            else:
                cut(connection)
                return
        end = rng.random()
        if end < 0.7:
            connection.shutdown(socket.SHUT_WR)
            self.heard += read_all(connection)
            self.heard_the_end = True
        elif end > 0.85:
            cut(connection)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_told_is_what_was_said_whatever_both_ends_do(seed: int) -> None:
    servers: dict[bytes, Part] = {}
    clients: list[tuple[int, bytes, Part]] = []

    def serve(connection: socket.socket) -> None:
        try:
            token = connection.recv(TOKEN, socket.MSG_WAITALL)
        except ConnectionResetError:
            return
        part = servers[token] = Part(connection, int(token or b"0"))
        part.play()

    def visit(number: int) -> None:
        connection = carried.connect()
        part = Part(connection, -number)
        token = b"%0*d" % (TOKEN, number)
        clients.append((connection.getsockname()[1], token, part))
        part.say(token)
        part.play()

    with Server(serve) as server, Carried(server.place) as carried:
        threads = [threading.Thread(target=visit, args=(seed * 1000 + number,)) for number in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: carried.relay.accepted == CONNECTIONS)  # also what was over before it was taken
        carried.settle()
        streams = carried.streams()
        for port, token, client in clients:
            served = servers.get(token)
            from_client, from_server = streams[port]
            story = carried.story(port)
            assert client.said.startswith(from_client)
            assert from_server.startswith(client.heard)
            if client.heard_the_end:
                assert client.heard == from_server
                assert "< FA" in story
            if served is not None:
                assert served.said.startswith(from_server)
                assert from_client[TOKEN:].startswith(served.heard)
            if served is not None and served.heard_the_end:
                assert served.heard == from_client[TOKEN:]
                assert "> FA" in story
            if story[-1] in ("> RA", "< RA"):
                assert sum("R" in line for line in story) == 1
            else:
                assert (story.count("> FA"), story.count("< FA")) == (1, 1)
