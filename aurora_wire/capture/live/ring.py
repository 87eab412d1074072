"""Live capture: a memory-mapped ring that the kernel fills (AF_PACKET, TPACKET_V3), and its counters.

One socket and one ring serve all interfaces, so that packets stay in the order in which they came.
docs/live.md has the figures that decided for it. Source: packet(7), the kernel's
Documentation/networking/packet_mmap.rst.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import math
import mmap
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from aurora_wire.capture.live.bpf import DROP_ALL, Filter, attach, build_program
from aurora_wire.capture.live.ring_frames import RingFrames
from aurora_wire.errors import CaptureError, UsageError, describe_error

ALL: Final = ("any", "all")
BUFFER: Final = 64 << 20     # bytes of the ring
BLOCK: Final = 1 << 20       # handed over at once when full
FRAME: Final = 1 << 11       # the kernel wants a number; blocks hold frames of any length
RETIRE_MS: Final = 60        # or after this time, if there is anything in it
DRAIN: Final = 2.5 * RETIRE_MS / 1000  # seconds until the kernel has handed over all that it has
FEWEST_BLOCKS: Final = 4

# linux/if_packet.h, linux/if_ether.h, linux/sockios.h
SOL_PACKET: Final = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 5, 6, 10
TPACKET_V3: Final = 2
ETH_P_ALL: Final = 3
SIOCGIFFLAGS: Final = 0x8913
IFF_UP: Final = 1
BLOCK_STATUS, FIRST_PACKET, BLOCK_LEN = 8, 16, 20
TO_USER: Final = 1
RELEASED: Final = bytes(4)


class NoPermission(CaptureError):  # noqa: N818 - what it is called where it is caught
    """This process may not capture."""


class Statistics(NamedTuple):
    """Packets that the filter let through, and how many of them were lost since the ring was full."""

    received: int
    dropped: int


class LiveCapture:
    """Captures from when it is made until `stop`; closed by `with` or `close`.

    interfaces: their names; none, or "any", for all there are and will be. `source` gives the frames: its
    `advance` answers False when there is none at the moment, then `wait`. `failure` says in one line why the
    capture has ended by itself, such as an interface that is gone; frames before that are still given.

    Raises UsageError for a wrong interface, NoPermission, CaptureError.
    """

    def __init__(self, interfaces: Sequence[str], wanted: Filter, *, buffer: int = BUFFER) -> None:
        if not hasattr(socket, "AF_PACKET"):
            raise UsageError("live capture needs Linux. Elsewhere: sudo tcpdump -U -w - | aurora-wire scan -")
        everything = not interfaces or any(name in ALL for name in interfaces)
        self.interfaces = [] if everything else list(dict.fromkeys(interfaces))
        self.filter = wanted
        self.failure: str | None = None
        self._last_block = math.inf  # when, after a failure, the kernel has handed over all that it has
        self.source = RingFrames(self._next_block)
        self.stopped = False
        self._received = 0
        self._dropped = 0
        self._block = 0
        self._looked = time.monotonic()
        self._indexes = {name: find_interface(name) for name in self.interfaces}
        self._socket = self._open()
        try:
            self._ring, self._blocks = self._map(buffer)
            self._begin()
        except BaseException:
            self._socket.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLERR)

    @property
    def name(self) -> str:
        """Return what is captured on: `lo`, `eth0, eth1`, `all interfaces`."""
        return ", ".join(self.interfaces) or "all interfaces"

    def _open(self) -> socket.socket:
        try:
            return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # protocol 0: nothing comes yet
        except PermissionError as error:
            raise NoPermission(self.name, -1, "no permission to capture") from error
        except OSError as error:
            raise CaptureError(self.name, -1, f"cannot capture: {describe_error(error)}") from error

    def _map(self, size: int) -> tuple[mmap.mmap, int]:
        """Return the ring; a smaller one where the kernel has no memory for it."""
        self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        blocks = max(size // BLOCK, FEWEST_BLOCKS)
        while True:
            total = blocks * BLOCK
            request = struct.pack("=7I", BLOCK, blocks, FRAME, total // FRAME, RETIRE_MS, 0, 0)
            try:
                self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
                return mmap.mmap(self._socket.fileno(), total), blocks
            except OSError as error:
                if error.errno != errno.ENOMEM or blocks <= FEWEST_BLOCKS:
                    raise CaptureError(self.name, -1, f"no ring to capture into: {describe_error(error)}") from error
            blocks //= 2

    def _begin(self) -> None:
        single = len(self.interfaces) == 1
        attach(self._socket, build_program(self.filter, () if single else list(self._indexes.values())))
        self.look()
        if self.failure is not None:
            raise UsageError(self.failure)
        index = self._indexes[self.interfaces[0]] if single else 0
        # Python's own `bind` has no way to say: all interfaces.
        address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(ETH_P_ALL), index, 0, 0, 0)
        library = ctypes.CDLL(None, use_errno=True)
        if library.bind(self._socket.fileno(), address, len(address)) != 0:
            raise CaptureError(self.name, -1, f"cannot capture: {os.strerror(ctypes.get_errno())}")

    def _next_block(self) -> bytes:
        """Return the packets of the next block that the kernel has handed over, b"" if there is none."""
        base = self._block * BLOCK
        ring = self._ring
        if not ring[base + BLOCK_STATUS] & TO_USER:
            return b""
        size = int.from_bytes(ring[base + BLOCK_LEN : base + BLOCK_LEN + 4], "little")
        data = ring[base : base + min(size, BLOCK)]
        ring[base + BLOCK_STATUS : base + BLOCK_STATUS + 4] = RELEASED
        self._block = (self._block + 1) % self._blocks
        return data

    def ready(self) -> bool:
        """Return whether there is a block to read."""
        return bool(self._ring[self._block * BLOCK + BLOCK_STATUS] & TO_USER)

    def wait(self, timeout: float) -> bool:
        """Wait for frames, at most `timeout` seconds. After a failure there are only those left, and it does not
        wait longer than the kernel takes to hand them over.
        """
        end = time.monotonic() + timeout
        while not self.ready():
            now = time.monotonic()
            left = max(min(end, self._last_block) - now, 0)
            for _, events in self._poll.poll(left * 1000):
                if events & select.POLLERR:
                    self._failed(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                elif not self.ready():
                    time.sleep(0.001)  # woken for a block that was read already
            if now - self._looked > 1:
                self.look()
            if left == 0:
                break
        return self.ready()

    def look(self) -> None:
        """Look whether the interfaces are still there; `wait` does so once a second."""
        self._looked = time.monotonic()
        for name in self.interfaces:
            self._check(name)

    def _failed(self, number: int) -> None:
        self.look()
        if self.failure is None and number not in (0, errno.ENETDOWN):
            self._fail(f"{self.name}: {describe_error(OSError(number, os.strerror(number)))}.")

    def _check(self, name: str) -> None:
        """Fail if the interface is gone, another one or down."""
        try:
            gone = socket.if_nametoindex(name) != self._indexes[name]
            flags = fcntl.ioctl(self._socket, SIOCGIFFLAGS, struct.pack("16sH14x", name.encode(), 0))
        except OSError:
            gone, flags = True, b""
        if gone:
            self._fail(f"{name}: the interface is gone.")
        elif not struct.unpack_from("16xH", flags)[0] & IFF_UP:
            self._fail(f"{name}: the interface is down (ip link set {name} up).")

    def _fail(self, failure: str) -> None:
        # The block that the kernel fills at this moment is handed over by its timer only: its packets came before.
        self._last_block = min(self._last_block, time.monotonic() + DRAIN)
        self.failure = failure

    def statistics(self) -> Statistics:
        """Return what was counted since the capture began."""
        if self._socket.fileno() >= 0:
            # The kernel counts from 0 again each time that it is asked.
            counted = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12)
            received, dropped, _ = struct.unpack("=3I", counted)
            self._received += received
            self._dropped += dropped
        return Statistics(self._received, self._dropped)

    def stop(self) -> None:
        """Stop: no more packets. Those in the ring by now are still given, the last of them at most 2 * RETIRE_MS
        later: read until `wait(DRAIN)` says that there are none.
        """
        if not self.stopped:
            self.stopped = True
            attach(self._socket, DROP_ALL)

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self.statistics()
            self._ring.close()
            self._socket.close()

    def __enter__(self) -> LiveCapture:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()



def find_interface(name: str) -> int:
    """Return an interface's index. Raises UsageError with the interfaces that there are."""
    try:
        return socket.if_nametoindex(name)
    except (OSError, ValueError) as error:
        known = ", ".join(sorted(there for _, there in socket.if_nameindex()))
        raise UsageError(f"{name}: no interface has this name. Known: {known}, and any for all.") from error


def name_interface(index: int) -> str:
    """Return the name of an interface; `interface N` if it is gone already."""
    with suppress(OSError):
        return socket.if_indextoname(index)
    return f"interface {index}"
