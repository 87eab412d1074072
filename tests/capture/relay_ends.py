"""Both ends of relayed connections, on loopback, and what the relay told of them in between."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import dpkt

from aurora_wire.capture.relay.recording import RelayRecording
from aurora_wire.capture.relay.resolve import LookUp, look_up
from aurora_wire.capture.relay.server import Relay

Handler = Callable[[socket.socket], None]
TIMEOUT = 60
RESET = struct.pack("ii", 1, 0)


def echo(connection: socket.socket) -> None:
    """Sends back what comes, and ends when the client does."""
    while data := connection.recv(1 << 16):
        connection.sendall(data)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while data := connection.recv(1 << 16):
        parts.append(data)
    return b"".join(parts)


def cut(connection: socket.socket) -> None:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


def is_reset(connection: socket.socket) -> bool:
    """Waits for the end of the stream: was it a reset?"""
    try:
        read_all(connection)
    except ConnectionResetError:
        return True
    return False


def until(condition: Callable[[], bool], timeout: float = TIMEOUT) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


class Server:
    """Runs `handler` for each connection in a thread, then closes it."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family, backlog=256)
        self.place: tuple[str, int] = self.listener.getsockname()[:2]
        self.failures: list[BaseException] = []
        self._handler = handler
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._handle, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(TIMEOUT)
            try:
                self._handler(connection)
            except BaseException as error:  # for the test's thread
                self.failures.append(error)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()
        if kind is None and self.failures:
            raise self.failures[0]


class Segment:
    """A told frame, as dpkt reads it. `from_client`: of the end that sent the SYN."""

    def __init__(self, time_ns: int, frame: bytes) -> None:
        ip = dpkt.ip.IP(frame) if frame[0] >> 4 == 4 else dpkt.ip6.IP6(frame)
        tcp = ip.data
        family = socket.AF_INET if frame[0] >> 4 == 4 else socket.AF_INET6
        self.time_ns = time_ns
        self.source = (socket.inet_ntop(family, ip.src), tcp.sport)
        self.destination = (socket.inet_ntop(family, ip.dst), tcp.dport)
        self.flags = tcp.flags
        self.payload = bytes(tcp.data)
        letters = ((2, "S"), (1, "F"), (4, "R"), (16, "A"))
        self.name = "".join(letter for bit, letter in letters if tcp.flags & bit) + (
            f"+{len(self.payload)}" if self.payload else ""
        )


class Carried:
    """A relay to `target` and the frames it told."""

    def __init__(
        self, target: tuple[str, int], listen: tuple[str, int] = ("127.0.0.1", 0), *, most: int = 1000,
        names: LookUp = look_up, connect_timeout: float = 5,
    ) -> None:  # fmt: skip
        self.frames: list[tuple[int, bytes, int]] = []
        self.problems: list[str] = []
        self.relay = Relay(
            listen, target, lambda *frame: self.frames.append(frame), self.problems.append, most=most,
            connect_timeout=connect_timeout, names=names,
        )  # fmt: skip

    def __enter__(self) -> Carried:
        self.relay.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.relay.stop()

    def connect(self) -> socket.socket:
        connection = socket.create_connection(self.relay.address, timeout=TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def settle(self) -> None:
        assert self.relay.wait_idle(TIMEOUT)

    @property
    def segments(self) -> list[Segment]:
        return [Segment(time_ns, frame) for time_ns, frame, _ in self.frames]

    def story(self, port: int | None = None) -> list[str]:
        """`> S`, `< SA`, `> A`, `> A+5` ... of the connection of the client on this port, or of all."""
        lines, clients = [], set()
        for segment in self.segments:
            if segment.name == "S":
                clients.add(segment.source)
            from_client = segment.source in clients
            if port in (None, segment.source[1] if from_client else segment.destination[1]):
                lines.append(f"{'>' if from_client else '<'} {segment.name}")
        return lines

    def streams(self) -> dict[int, tuple[bytes, bytes]]:
        """What client and server said, by the client's port."""
        said: dict[int, list[list[bytes]]] = {}
        for segment in self.segments:
            if segment.name == "S":
                said[segment.source[1]] = [[], []]
            elif segment.source[1] in said:
                said[segment.source[1]][0].append(segment.payload)
            else:
                said[segment.destination[1]][1].append(segment.payload)
        return {port: (b"".join(both[0]), b"".join(both[1])) for port, both in said.items()}

    def save(self, path: Path) -> Path:
        recording = RelayRecording(str(path), application="tests", listen="here:1", target="there:2")
        for frame in self.frames:
            recording.packet(*frame)
        recording.close()
        assert recording.failure is None
        return path
