"""Ports for servers of tests, and such as have none."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def pick_port() -> int:
    """Return a port that is free, and stays so: who asks the system for any port is given one of another range."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    for port in random.sample(range(lowest - 20_000, lowest), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
    raise RuntimeError("a hundred ports are all taken")


@contextmanager
def refusing_port() -> Iterator[int]:
    """Hold a port at which nobody listens: it refuses, and no other process gets it meanwhile."""
    with socket.socket() as held:
        held.bind(("", 0))
        yield held.getsockname()[1]
