"""Tiny MySQL servers and clients on the loopback, and network namespaces' worth of interfaces, for live captures."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from tests.conversations import mysql

HOST = "127.0.0.1"
OK = mysql.packet(1, b"\0\0\0\2\0\0\0")
SECONDS = 60


def needs_root() -> None:
    """Live captures are tested where they can be, and in CI they have to be."""
    if os.geteuid() == 0:
        return
    if os.environ.get("CI"):
        pytest.fail("live captures need root, and in CI they are tested")
    pytest.skip("needs root")


def statement(text: bytes) -> bytes:
    return mysql.packet(0, b"\x03" + text)


class Server:
    """Says OK to everything, in the clear or, with a certificate, behind an SSLRequest. Ends with the block."""

    def __init__(self, *, tls: bool = False) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.listener.settimeout(SECONDS)
        self.port = int(self.listener.getsockname()[1])
        authority = trustme.CA() if tls else None
        self.server_tls = self.client_tls = None
        if authority is not None:
            self.server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert("localhost").configure_cert(self.server_tls)
            self.client_tls = ssl.create_default_context()
            authority.configure_trust(self.client_tls)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                served, _ = self.listener.accept()
            except OSError:
                return
            served.settimeout(SECONDS)
            threading.Thread(target=self._talk, args=(served,), daemon=True).start()

    def _talk(self, served: socket.socket) -> None:
        with suppress(OSError):  # the client is gone
            self._answer(served)

    def _answer(self, served: socket.socket) -> None:
        served.sendall(mysql.greeting(ssl=self.server_tls is not None))
        if self.server_tls is not None:
            served.recv(36)
            served = self.server_tls.wrap_socket(served, server_side=True)
        with served:
            served.recv(4096)
            served.sendall(mysql.packet(3 if self.server_tls else 2, b"\0\0\0\2\0\0\0"))
            held = b""
            while data := served.recv(1 << 16):
                held += data
                while len(held) >= 4 and len(held) >= 4 + int.from_bytes(held[:3], "little"):
                    held = held[4 + int.from_bytes(held[:3], "little") :]
                    served.sendall(OK)

    def connect(self) -> socket.socket:
        """A session, logged in."""
        asking = socket.create_connection((HOST, self.port), timeout=SECONDS)
        asking.recv(4096)
        if self.client_tls is not None:
            asking.sendall(mysql.ssl_request())
            asking = self.client_tls.wrap_socket(asking, server_hostname="localhost")
        asking.sendall(mysql.login(seq=2 if self.client_tls else 1))
        asking.recv(4096)
        return asking

    def query(self, *texts: bytes) -> None:
        """In one session of its own."""
        with self.connect() as asking:
            for text in texts:
                asking.sendall(statement(text))
                asking.recv(4096)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(SECONDS)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=SECONDS, capture_output=True)


@contextmanager
def pair_of_interfaces() -> Iterator[tuple[str, str]]:
    """Two ends of a cable, up; the second may be deleted in between, and the first goes with it."""
    ours, theirs = f"awa{os.getpid() % 100000}", f"awb{os.getpid() % 100000}"
    ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
    try:
        for name in (ours, theirs):
            ip("link", "set", name, "up")
        yield ours, theirs
    finally:
        if Path(f"/sys/class/net/{ours}").exists():
            ip("link", "del", ours)


def send_frames(interface: str, frames: Sequence[bytes]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sending:
        sending.bind((interface, 0))
        for frame in frames:
            sending.send(frame)


def until(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Waits for `condition()`; fails with `what` if it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"after {seconds} s still not: {what}")
