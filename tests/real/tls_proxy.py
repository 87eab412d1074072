"""A proxy as some stand before databases: it ends the client's TLS, and goes on in the clear to the server.

The server's greeting goes through as it is, so that both sides name the same session; only the cipher tells.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType

from tests.real.certificates import RIGHT
from tests.real.servers import Server

CLIENT_SSL = 0x0800
SECONDS = 20.0


class TLSProxy:
    """Listens on `port` for the time of a `with` statement."""

    def __init__(self, server: Server) -> None:
        self.target = (server.host, server.port)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(server.certificates.cert(RIGHT), server.certificates.key(RIGHT))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> TLSProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(SECONDS)
        self.listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with socket.create_connection(self.target, SECONDS) as server, suppress(OSError, EOFError):
                    client.settimeout(SECONDS)
                    self._talk(client, server)
                client.close()

    def _talk(self, bare: socket.socket, server: socket.socket) -> None:
        bare.sendall(packet(server))
        packet(bare)  # the SSLRequest
        with self.context.wrap_socket(bare, server_side=True) as client:
            login = bytearray(packet(client))
            flags = int.from_bytes(login[4:8], "little") & ~CLIENT_SSL
            login[4:8] = flags.to_bytes(4, "little")
            login[3] -= 1  # the server has not seen the SSLRequest
            server.sendall(login)
            while True:
                said = bytearray(packet(server))
                said[3] += 1
                client.sendall(said)
                if said[4] in (0x00, 0xFF):
                    break
                answer = bytearray(packet(client))
                answer[3] -= 1
                server.sendall(answer)
            carry(client, server)


def packet(connection: socket.socket) -> bytes:
    header = exactly(connection, 4)
    return header + exactly(connection, int.from_bytes(header[:3], "little"))


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def carry(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Hand on what either side says until one of them ends, by one thread: what reads and writes the same TLS session
    in two at once, tears it now and then."""
    while True:
        # What is decrypted already shows on no socket.
        ready = [client] if client.pending() else select.select([client, server], [], [], SECONDS)[0]
        if not ready:
            return
        for source, target in ((client, server), (server, client)):
            if source in ready:
                said = source.recv(65536)
                if not said:
                    return
                target.sendall(said)
