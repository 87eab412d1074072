"""Ports for servers of tests."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path


def pick_port() -> int:
    """Return a port that is free, and stays so: who asks the system for any port is given one of another range."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    for port in random.sample(range(lowest - 20_000, lowest), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
    raise RuntimeError("a hundred ports are all taken")
