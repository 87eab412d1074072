"""What `aurora-wire relay` holds of what it carries: no more of forty megabytes than of one."""

from __future__ import annotations

import select
import socket
from pathlib import Path

from tests.capture.relay_ends import Server
from tests.cli.running import sleeps
from tests.cli.test_relay import relaying
from tests.loopback import until


def test_memory_does_not_grow_with_what_is_carried() -> None:
    size, chunk = 40 << 20, bytes(1 << 20)

    served = []

    def send(connection: socket.socket) -> None:
        served.append(connection)
        for _ in range(size >> 20):
            connection.sendall(chunk)

    with Server(send) as server, relaying(server.place, "-w", "/dev/null", "--count", "2") as relay:
        peaks = []
        for wanted in (1 << 20, size):
            with relay.connect() as client:
                if wanted == size:  # slow to begin: the relay waits
                    until(lambda: len(served) == 2, "the server")
                    until(lambda: is_full(served[1]) and sleeps(relay.process), "the relay waits")
                got = 0
                while got < wanted:
                    came = client.recv(1 << 20)
                    assert came, "the relay is gone"
                    got += len(came)
                peaks.append(peak_kib(relay.process.pid))
        server.failures.clear()  # of the one that was left in the middle
        assert relay.end(None)[0] == 3
    assert peaks[1] - peaks[0] < 16 << 10


def is_full(connection: socket.socket) -> bool:
    """Say whether nothing more can be sent to the other end, which does not read."""
    return not select.select([], [connection], [], 0)[1]


def peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
